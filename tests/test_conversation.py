"""Whole conversations with the models and the planner that ship with Limner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limner import Agent
from limner.agent.session import Session
from limner.cli.demo import reference_pictures
from limner.errors import UserError
from limner.memory.events import Notice, Progress, Reply, TakeReady, ToolStarted
from limner.starter.world import Figure, Scene, Subject, render
from limner.tools.images import load_picture


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pictures of a dog that no model has seen."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / "a.jpg", folder / "b.jpg"]
    for image, path in zip(reference_pictures(), paths, strict=False):
        image.save(path)
    return paths


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory, pictures: list[Path]) -> Iterator[Agent]:
    """An agent that has been taught Biscuit."""
    with Agent.open(preset="starter", home=tmp_path_factory.mktemp("library")) as agent:
        agent.teach("Biscuit", pictures, kind="dog")
        yield agent


@pytest.fixture
def chat(agent: Agent, request: pytest.FixtureRequest) -> Session:
    """A conversation of the test's own."""
    return agent.session(request.node.name)


def test_a_program(tmp_path: Path, pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pictures[0].parent)
    monkeypatch.setenv("LIMNER_HOME", str(tmp_path / "home"))
    out = tmp_path / "beach.png"

    with Agent.open(preset="starter", home=None) as agent:
        biscuit = agent.teach("Biscuit", ["a.jpg", "b.jpg"], kind="dog")
        chat = agent.session("picnic")
        turn = chat.say("Biscuit on the beach, wearing sunglasses")
        turn.take.image.save(out)
        said = (turn.reply, turn.method, turn.scores.subject, turn.scores.text, turn.scores.copy)
        assert turn.seconds > 0 and turn.question is None
        chat.say("now at night")
        chat.undo()
        chat.fork(turn.take.id)
        events = list(chat.stream("Biscuit and my mug in the snow"))
        assert agent.jobs() == ()

    assert (biscuit.name, biscuit.kind, biscuit.version, len(biscuit.references)) == ("Biscuit", "dog", 1, 2)
    reply, method, subject, text, copy = said
    assert reply and method == "ip_adapter"
    assert 0 <= subject <= 1 and 0 <= text <= 1 and (copy is None or 0 <= copy <= 1)
    with Image.open(out) as saved:
        assert saved.mode == "RGB" and turn.takes == (turn.take,)
    assert isinstance(events[-1], Reply) and events[-1].done


def test_draw_edit_go_back_branch(agent: Agent, chat: Session) -> None:
    first = chat.say("Biscuit on the beach, wearing sunglasses").take
    second = chat.say("now at night").take
    assert (second.parent, second.origin, second.prompt) == (first.id, "edit", "now at night")
    assert second.description == "Biscuit on the beach, wearing sunglasses; now at night"
    assert chat.say("undo that").takes == () and chat.head == first
    third = chat.say("make it snow").take
    assert third.parent == first.id and [take.number for take in chat.takes()] == [1, 2, 3]
    fourth = chat.say("the second one, with the hat from the third").take
    assert (fourth.parent, fourth.borrow_from) == (second.id, third.id)
    assert chat.say("go back to the first").take is None and chat.head == first
    assert [take.number for take in chat.say("draw two pictures of him in a forest").takes] == [5, 6]
    for take in chat.takes():
        assert take.image.width == take.image.height and take.seconds > 0 and take.model
        assert [use.name for use in take.concepts] == ["Biscuit"]


def test_every_take_can_be_replayed(agent: Agent, chat: Session) -> None:
    chat.say("draw two pictures of Biscuit in a park")
    chat.say("now with a hat")
    for take in chat.takes():
        assert agent.replay(take).identical
    chat.say("no, his ears are longer")  # a new version; takes keep the one they were drawn with
    assert agent.replay(1, session=chat.name).identical
    agent.revert("Biscuit")


def test_the_same_conversation_draws_the_same_pictures(pictures: list[Path], tmp_path: Path) -> None:
    def talk(home: Path) -> list[bytes]:
        with Agent.open(home=home) as agent:
            agent.teach("Biscuit", pictures, kind="dog")
            chat = agent.session()
            for text in ("Biscuit in the snow", "again", "now at night"):
                chat.say(text)
            return [take.image.tobytes() for take in chat.takes()]

    one, other = talk(tmp_path / "one"), talk(tmp_path / "other")
    assert one == other and len(set(one)) == 3


def test_events_of_a_drawing(chat: Session) -> None:
    events = list(chat.stream("Biscuit in a park"))
    assert events[0] == ToolStarted("draw", {"prompt": "Biscuit in a park", "concepts": ["Biscuit"]})
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress and all(event.step <= (event.total or event.step) for event in progress)
    assert sum(isinstance(event, TakeReady) for event in events) == 1
    assert isinstance(events[-1], Reply) and events[-1].done and "Take 1" in events[-1].text


def test_what_cannot_be_drawn_is_said(chat: Session) -> None:
    turn = chat.say("Biscuit on a skateboard")
    assert turn.take is not None
    assert "I can't draw 'skateboard' with the starter models; I drew the rest." in turn.reply


def test_a_change_of_which_nothing_can_be_drawn_draws_nothing(chat: Session) -> None:
    chat.say("Biscuit in the forest")
    for said in ("make a unicorn instead", "give Biscuit a lantern", "make the sky purple"):
        turn = chat.say(said)
        assert turn.take is None and turn.problem is not None and "can't" in turn.reply
    assert len(chat.takes()) == 1


def test_a_question_and_its_answer(agent: Agent, chat: Session, pictures: list[Path]) -> None:
    turn = chat.say("learn this", files=pictures)
    assert turn.question is not None and turn.reply == turn.question.text and turn.takes == ()
    for answer in ("Momo", "a cat", "yes"):
        if any(concept.name == "Momo" for concept in agent.concepts()):
            break
        chat.say(answer)
    assert len(agent.library.concept("Momo").references) == 2
    assert chat.say("rename Momo to Kiki").problem is None
    asked = chat.say("forget Kiki")
    assert asked.question is not None and "really forget Kiki" in asked.reply and len(agent.concepts()) == 2
    assert "Kiki is kept" in chat.say("no").reply and len(agent.concepts()) == 2
    chat.say("forget Kiki")
    assert chat.say("yes").problem is None and [c.name for c in agent.concepts()] == ["Biscuit"]


def test_an_attached_picture_is_changed(chat: Session, pictures: list[Path]) -> None:
    turn = chat.say("now at night", files=pictures[:1])
    assert [take.origin for take in turn.takes] == ["import", "edit"]
    assert turn.takes[1].parent == turn.takes[0].id and turn.takes[0].description == ""


def test_a_photograph_is_changed_with_a_word_about_it(chat: Session, pictures: list[Path], tmp_path: Path) -> None:
    Image.effect_noise((300, 200), 90).convert("RGB").save(tmp_path / "photo.jpg")
    turn = chat.say("make it night", files=[tmp_path / "photo.jpg"])
    assert turn.take is not None and turn.reply.count("storybook world") == 1
    assert "storybook world" not in chat.say("make it night", files=pictures[:1]).reply


def test_a_photograph_is_taught_with_a_word_about_it(agent: Agent, chat: Session, tmp_path: Path) -> None:
    noise = Image.effect_noise((300, 200), 90).convert("RGB")
    noise.save(tmp_path / "photo.jpg")
    told = len(agent.notices)
    agent.teach("Noise", [tmp_path / "photo.jpg"], kind="thing")
    assert any("storybook world" in text for text in agent.notices[told:])
    turn = chat.say(f"this is my mug Nora: {tmp_path / 'photo.jpg'}")
    assert "storybook world" in turn.reply
    agent.forget("Noise")
    agent.forget("Nora")


def test_a_gif_is_taught_by_its_first_frame(chat: Session, agent: Agent, tmp_path: Path) -> None:
    frames = [image.resize((64, 64)) for image in reference_pictures()[:2]]
    frames[0].save(tmp_path / "dog.gif", save_all=True, append_images=frames[1:])
    turn = chat.say(f"this is my dog Rex: {tmp_path / 'dog.gif'}")
    assert any(isinstance(event, Notice) and "first" in event.text for event in turn.events)
    agent.forget("Rex")


def test_finding_by_words_and_by_picture(agent: Agent, pictures: list[Path]) -> None:
    assert [concept.name for concept, _ in agent.search("bisc")] == ["Biscuit"]
    found = agent.search(load_picture(pictures[0]).image)
    assert found[0][0].name == "Biscuit" and found[0][1] > 0.9


def test_a_drawn_figure_is_kept_and_goes_on(agent: Agent, chat: Session) -> None:
    chat.say("a red robot in the forest")
    turn = chat.say("keep him as Fizz")
    assert turn.reply.startswith("I have learned Fizz, a robot, from take 1.") and turn.take is None
    fizz = agent.library.concept("Fizz")
    assert fizz.taken_from == (chat.take(1).id,) and fizz.masks[0] is not None
    night = chat.say("now at night")
    assert [use.name for use in night.take.concepts] == ["Fizz"] and night.take.parent == chat.take(1).id
    assert chat.take(1).concepts == () and agent.replay(1, session=chat.name).identical
    agent.forget("Fizz")
    assert chat.say("now in the snow").take is not None


def test_what_no_model_knows_is_not_drawn_as_something_else(agent: Agent, chat: Session) -> None:
    turn = chat.say("a red dragon in the forest")
    assert turn.take is None and "I can't draw 'dragon'" in turn.reply and "dog, cat" in turn.reply


def test_of_two_figures_the_one_of_that_kind_is_kept(agent: Agent, chat: Session) -> None:
    cat, mug = (Subject(kind, "blue", "red", "plain", (0.0, 0.0, 0.0)) for kind in ("cat", "mug"))
    scene = Scene("farm", "day", (Figure(cat, "none", "small", "left"), Figure(mug, "none", "small", "right")))
    take = chat.store.add_take(render(scene).image, origin="import", prompt="two.png")
    with pytest.raises(UserError, match="Take 1 shows 2 figures"):
        agent.teach("Tom", [take])
    tom, cup = agent.teach("Tom", [take], kind="cat"), agent.teach("Cup", [take], kind="mug")
    for concept, left in ((tom, True), (cup, False)):
        with Image.open(concept.masks[0] or "") as mask:
            box = mask.point(lambda v: 255 * (v > 127)).getbbox()
        assert box is not None and (box[2] <= 40 if left else box[0] >= 24)
        agent.forget(concept.name)


def test_two_change_places_in_a_take_of_their_own(agent: Agent, chat: Session, pictures: list[Path]) -> None:
    agent.teach("Pip", pictures[:1], kind="dog")
    chat.say("Biscuit and Pip in the snow")
    turn = chat.say("swap them")
    assert turn.take is not None and turn.take.parent == chat.take(1).id
    assert (turn.take.prompt, turn.take.description) == (
        "swap them",
        "Pip and Biscuit, in the snow, in daylight",
    )
    assert agent.replay(2, session=chat.name).identical
    shown = chat.say("show me it again")
    assert shown.take is None and shown.went and len(chat.takes()) == 2
    why = chat.say("why are they so blue?")
    assert why.take is None and f"drawn with {turn.method}" in why.reply and "“swap them”" in why.reply
    agent.forget("Pip")


def test_another_one_is_another_picture(agent: Agent, chat: Session) -> None:
    first = chat.say("Biscuit in the forest").take
    again = chat.say("another one")
    other = again.take
    difference = np.abs(np.asarray(first.image, dtype=int) - np.asarray(other.image, dtype=int)).mean()
    assert difference > 10 and "This time on the left." in again.reply and other.prompt == first.prompt
    two = chat.say("two more of it").takes
    assert np.abs(np.asarray(two[0].image, dtype=int) - np.asarray(two[1].image, dtype=int)).mean() > 10
    assert all(agent.replay(take).identical for take in (other, *two))

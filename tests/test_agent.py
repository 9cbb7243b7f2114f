"""The agent: turns, events, cancelling, bad planners, bad sentences, the dialogue's memory."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from PIL import Image

from limner.agent import agent as agent_module
from limner.agent import context
from limner.agent.agent import Agent
from limner.agent.models import planner
from limner.errors import BadImage, Cancelled, LibraryError, ModelError, NotFound, PlannerError, UserError
from limner.memory.events import Event, Failed, Progress, Question, Reply, TakeReady, ToolStarted
from limner.memory.values import Scores
from limner.tools.borrowing import in_words
from limner.tools.catalog import tools_for
from limner.tools.values import Drawn, DrawRequest, MethodInfo, Prepared


class ToyStudio:
    """Paints one colour that follows from request and seed: the studio's interface without weights."""

    space = "toy-1"
    kept_spaces = ()
    steps = 3

    def __init__(self, preset: Any) -> None:
        self.preset = preset
        self.before: Callable[[int], None] = lambda step: None
        self.requests: list[DrawRequest] = []

    def methods(self) -> list[MethodInfo]:
        return [
            MethodInfo("in_context", "", frozenset({"draw", "edit", "borrow"}), True),
            MethodInfo("lora", "", frozenset({"draw", "train"}), False, "its model is missing"),
        ]

    def able(self, request: DrawRequest) -> list[MethodInfo]:
        return [info for info in self.methods() if info.available]

    def ready(self, info: MethodInfo, subject: Any) -> bool:
        return True

    def prepare(self, image: Image.Image) -> Prepared:
        return Prepared(image, Image.new("L", image.size, 255), storybook=self.of_this_world(image))

    def of_this_world(self, image: Image.Image) -> bool:
        return image.width < 500

    def embed_images(self, images: Sequence[Image.Image], masks: Sequence[Image.Image | None] = ()) -> np.ndarray:
        rows = np.stack([np.asarray(i.resize((2, 2)), dtype=np.float32).ravel() + 1 for i in images])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.ones((len(texts), 12), dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def kept(self, subject: Any) -> dict[str, np.ndarray]:
        return {}

    def unknown_words(self, prompt: str, names: Sequence[str]) -> list[str]:
        return [word for word in prompt.split() if word == "skateboard"]

    def draw(self, request: DrawRequest, cancelled: Callable[[], bool]) -> Iterator[Progress | Drawn]:
        self.requests.append(request)
        seed = request.seed or 0
        for index in range(request.count):
            for step in range(self.steps):
                self.before(step)
                if cancelled():
                    raise Cancelled("Stopped.")
                yield Progress("drawing", step + 1, self.steps)
            colour = tuple((hash_of(request.prompt) + seed + 31 * index) // 7**k % 256 for k in range(3))
            image = Image.new("RGB", (16, 16), colour)
            yield Drawn(image, index, seed + index, "in_context", "toy", {"guidance": 3.0}, 0.01)

    @property
    def figures(self):
        return self

    def changed_beside(self, request, image):
        return None

    def worn(self, image):
        return None

    def lost(self, request, image):
        return None

    def score(self, image: Image.Image, subjects: Sequence[Any], prompt: str, **told: bool) -> Scores:
        return Scores(subject=0.8 if subjects else None, text=0.7)

    def model_hash(self, method: str) -> str:
        return "toy"

    def close(self) -> None:
        pass


def hash_of(text: str) -> int:
    return sum(ord(letter) * (place + 1) for place, letter in enumerate(text))


Answer = AIMessage | Exception | Callable[[list[BaseMessage]], AIMessage]


class Script(BaseChatModel):
    """A planner that says what the test wrote down; the last answer repeats for ever."""

    answers: list[Any]
    heard: list[list[BaseMessage]] = []
    offered: list[str] = []

    @property
    def _llm_type(self) -> str:
        return "script"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Script:
        self.offered[:] = [tool.name for tool in tools]
        return self

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        self.heard.append(messages)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(messages) if callable(answer) else answer.model_copy(update={"id": None})

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages))])


class Talker(Script):
    """The same, a word at a time."""

    def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        answer = self._answer(messages)
        if answer.tool_calls:
            pieces = [
                {"name": c["name"], "args": json.dumps(c["args"]), "id": c["id"], "index": i}
                for i, c in enumerate(answer.tool_calls)
            ]
            yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=pieces))
        for word in str(answer.content).split(" "):
            yield ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))


def call(tool: str, **args: Any) -> AIMessage:
    return calls((tool, args))


def calls(*wanted: tuple[str, dict[str, Any]]) -> AIMessage:
    made = [{"name": name, "args": args, "id": f"c{n}"} for n, (name, args) in enumerate(wanted)]
    return AIMessage("", tool_calls=made)


def answers_of(model: Script) -> list[dict[str, Any]]:
    """What the tools told the planner in its last call."""
    return [json.loads(str(m.content)) for m in model.heard[-1] if isinstance(m, ToolMessage)]


def told(model: Script) -> dict[str, Any]:
    """The state block of the planner's last call."""
    system = [m for m in model.heard[-1] if isinstance(m, SystemMessage)]
    assert len(system) == 1 and model.heard[-1][0] is system[0]
    return json.loads(str(system[0].content).split("<state>")[1].split("</state>")[0])


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Agent]]:
    """Opens agents over one home with the toy studio; closes them all."""
    monkeypatch.setattr(agent_module, "Studio", ToyStudio)
    opened: list[Agent] = []

    def open_agent(*answers: Answer, model: type[Script] = Script) -> Agent:
        for agent in opened:
            agent.close()
        agent = Agent.open(home=tmp_path / "home", planner=model(answers=list(answers), heard=[], offered=[]))
        opened.append(agent)
        return agent

    yield open_agent
    for agent in opened:
        agent.close()


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "a b.png", tmp_path / "c.jpg"]
    for number, path in enumerate(paths):
        Image.new("RGB", (64, 64), (90 * number, 40, 200)).save(path)
    return paths


def test_a_turn(toy: Any, photos: list[Path]) -> None:
    agent = toy(call("draw", prompt="Biscuit on the beach", concepts=["biscuit"]), AIMessage("Here he is!"))
    concept = agent.teach("Biscuit", photos, kind="dog")
    assert (concept.name, concept.kind, len(concept.references)) == ("Biscuit", "dog", 2)
    chat = agent.session("picnic")
    assert chat.takes() == [] and agent.sessions() == []
    turn = chat.say("Biscuit on the beach")
    assert turn.take is not None and turn.takes == (turn.take,)
    assert (turn.reply, turn.method, turn.question, turn.problem) == ("Here he is!", "in_context", None, None)
    assert (turn.scores.subject, turn.scores.text, turn.scores.copy) == (0.8, 0.7, None)
    assert turn.take.image.size == (16, 16) and turn.take.concepts[0].name == "Biscuit"
    assert turn.take.number == 1 and chat.head == turn.take and chat.last is turn and turn.seconds > 0
    kinds = [type(event).__name__ for event in turn.events]
    assert kinds == ["ToolStarted", "Progress", "Progress", "Progress", "TakeReady", "Reply", "Reply"]
    assert turn.events[0] == ToolStarted("draw", {"prompt": "Biscuit on the beach", "concepts": ["biscuit"]})
    assert turn.events[-1] == Reply("Here he is!", done=True)
    answer = answers_of(agent.model)[0]
    assert answer["ok"] and answer["take"] == 1 and answer["scores"] == {"subject": 0.8, "text": 0.7}
    assert told(agent.model)["newest"] == 1 and told(agent.model)["focus"] == []
    chat.say("thanks")
    assert told(agent.model)["focus"] == ["Biscuit"]


def test_an_edit_knows_where_it_comes_from(toy: Any, photos: list[Path]) -> None:
    agent = toy(
        call("draw", prompt="Biscuit in a park", concepts=["Biscuit"]),
        AIMessage("One."),
        call("edit", take=1, instruction="now at night"),
        AIMessage("Two."),
        call("edit", take=2, instruction="with the hat", borrow_from=1),
        AIMessage("Three."),
    )
    agent.teach("Biscuit", photos[:1], kind="dog")
    chat = agent.session()
    chat.say("Biscuit in a park")
    chat.say("now at night")
    last = chat.say("with the hat from the first").take
    first, second, third = chat.takes()
    assert last == third and third.parent == second.id and second.parent == first.id
    assert third.borrow_from == first.id
    assert third.description == "Biscuit in a park; now at night; with the hat"
    assert [use.name for use in third.concepts] == ["Biscuit"]
    request = agent.studio.requests[-1]
    assert request.source.tobytes() == second.image.tobytes() and request.borrow.tobytes() == first.image.tobytes()
    for take in (first, third):
        replay = agent.replay(take)
        assert replay.identical and replay.image.tobytes() == take.image.tobytes()
    agent.forget("Biscuit")
    with pytest.raises(UserError, match="forgotten"):
        agent.replay(1)


@pytest.mark.parametrize(
    ("instruction", "words", "found"),
    [
        ("with the hat from the fifth", "with a red hat", True),
        ("and the scarf of the third one", "and a blue scarf", True),
        ("with the fifth one's hat", "with a red hat", True),
        ("with the hat from take 5", "with a red hat", True),
        ("and his hat from take 5", "and his red hat", True),
        ("give Momo the shades from the second one", "give Momo shades", False),
        ("with the background of take 2", "with the background", False),
        ("add the umbrella from 2", "add an umbrella", False),
        ("make it like that", "make it like that", False),
    ],
)
def test_lending_in_words(instruction: str, words: str, found: bool) -> None:
    lender = "Biscuit in a park, wearing a red hat and blue scarf; now at night"
    assert in_words(instruction, lender) == (words, found)


def test_an_attached_picture_becomes_a_take(toy: Any, photos: list[Path]) -> None:
    agent = toy(call("edit", take=2, instruction="make it snow on this"), AIMessage("Snow."))
    chat = agent.session()
    turn = chat.say("make it snow on the second of these", files=photos)
    assert [take.origin for take in chat.takes()] == ["import", "import", "edit"]
    assert turn.take.parent == chat.take(2).id and turn.take.description == "make it snow on this"
    assert len(turn.takes) == 3
    with pytest.raises(UserError, match="brought in"):
        agent.replay(1)


def test_several_candidates_are_one_step_back(toy: Any) -> None:
    agent = toy(call("draw", prompt="a red cat", count=3), AIMessage("Three cats."), call("undo"), AIMessage("Back."))
    chat = agent.session()
    assert [take.number for take in chat.say("three red cats").takes] == [1, 2, 3]
    assert chat.head.number == 3 and agent.replay(2).identical
    chat.say("undo")
    assert chat.head is None


def test_a_question_ends_the_turn_and_waits(toy: Any) -> None:
    agent = toy(call("ask_user", question="Which one?", options=["Rex", "Bo"]), AIMessage("Fine."))
    chat = agent.session()
    turn = chat.say("draw him")
    assert turn.question == Question("Which one?", ("Rex", "Bo")) and turn.reply == "Which one?"
    assert len(agent.model.heard) == 1
    assert chat.say("Rex").question is None
    assert told(agent.model)["pending"] == {
        "question": "Which one?",
        "options": ["Rex", "Bo"],
        "text": "draw him",
    }
    chat.say("and now?")
    assert told(agent.model)["pending"] is None


def test_words_arrive_in_pieces(toy: Any) -> None:
    agent = toy(AIMessage("Good \x1b[31mmorning to you"), model=Talker)
    events = list(agent.session().stream("hi"))
    pieces = [event.text for event in events if isinstance(event, Reply) and not event.done]
    assert len(pieces) > 2 and "".join(pieces).split() == ["Good", "morning", "to", "you"]
    assert events[-1] == Reply("Good morning to you", done=True)


def test_async(toy: Any) -> None:
    agent = toy(call("draw", prompt="a cat"), AIMessage("A cat."))
    chat = agent.session()

    async def read() -> list[Event]:
        return [event async for event in chat.astream("a cat")]

    events = asyncio.run(read())
    assert isinstance(events[-2], Reply) and events[-1] == Reply("A cat.", done=True)
    assert any(isinstance(event, TakeReady) for event in events)


def test_cancelling_an_async_turn(toy: Any) -> None:
    agent = toy(call("draw", prompt="a cat", count=2), AIMessage("A cat."))
    chat = agent.session()

    async def read() -> None:
        async for event in chat.astream("a cat"):
            if isinstance(event, TakeReady):
                task.cancel()

    async def main() -> None:
        nonlocal task
        task = asyncio.create_task(read())
        with pytest.raises(asyncio.CancelledError):
            await task

    task: Any = None
    asyncio.run(main())
    assert len(chat.takes()) in (1, 2)
    assert chat.say("again").reply == "A cat."


@pytest.mark.parametrize("step", range(7))
def test_cancel_at_any_step(toy: Any, step: int) -> None:
    agent = toy(call("draw", prompt="a cat", count=2), AIMessage("A cat."))
    chat = agent.session()
    events: list[Event] = []
    with pytest.raises(Cancelled):
        for event in chat.stream("two cats"):
            if len(events) == step:
                chat.cancel()
            events.append(event)
    assert isinstance(events[-1], Failed)
    kept = chat.takes()
    assert len(chat.store.turns()) == bool(kept)
    agent.model.answers[:] = [AIMessage("Hello.")]
    assert chat.say("hello").reply == "Hello."
    well_formed(agent.model.heard[-1])
    assert [take.id for take in chat.takes()] == [take.id for take in kept]


def well_formed(messages: list[BaseMessage]) -> None:
    """Every tool call is answered before anything else is said."""
    open_calls: set[str] = set()
    for message in messages:
        if isinstance(message, ToolMessage):
            open_calls.remove(message.tool_call_id)
        else:
            assert not open_calls
            open_calls = {made["id"] for made in getattr(message, "tool_calls", [])}
    assert not open_calls


def test_closing_the_stream_cancels(toy: Any) -> None:
    agent = toy(call("draw", prompt="a cat"), AIMessage("A cat."))
    chat = agent.session()
    agent.studio.before = lambda step: chat._run.stop.wait(20)
    events = chat.stream("a cat")
    assert isinstance(next(events), ToolStarted)
    events.close()
    assert chat.takes() == [] and chat.store.turns() == []
    chat.cancel()
    assert chat.say("a cat").reply == "A cat."


def test_cancel_while_the_planner_thinks(toy: Any) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(messages: list[BaseMessage]) -> AIMessage:
        asked.set()
        go_on.wait(20)
        return call("draw", prompt="a ghost")

    agent = toy(slow, AIMessage("Hello."))
    chat = agent.session()
    stopper = threading.Thread(target=lambda: (asked.wait(20), chat.cancel()))
    stopper.start()
    with pytest.raises(Cancelled):
        chat.say("a ghost")
    assert not go_on.is_set()
    assert chat.say("hello").reply == "Hello."
    go_on.set()
    stopper.join()
    assert chat.say("hello again").reply == "Hello."
    assert chat.takes() == [] and [t["text"] for t in chat.store.turns()] == ["hello", "hello again"]
    assert len([m for m in agent.model.heard[-1] if m.type == "human"]) == 2


def test_one_turn_at_a_time(toy: Any) -> None:
    agent = toy(call("draw", prompt="a cat"), AIMessage("A cat."))
    chat = agent.session()
    events = chat.stream("a cat")
    next(events)
    with pytest.raises(UserError, match="middle of a turn"):
        chat.say("a dog")
    assert list(events)[-1] == Reply("A cat.", done=True)


BAD_PLANNERS: dict[str, tuple[list[Answer], str]] = {
    "unknown tool": ([call("paint", what="cat"), AIMessage("Sorry.")], "There is no tool 'paint'."),
    "bad arguments": ([call("draw", prompt=7, count=99, colour="x"), AIMessage("Sorry.")], "count"),
    "missing argument": ([call("edit", take=1), AIMessage("Sorry.")], "instruction is missing"),
    "unknown take": ([call("edit", take=9, instruction="x"), AIMessage("Sorry.")], "take 9"),
    "unknown concept": ([call("draw", prompt="x", concepts=["Nobody"]), AIMessage("Sorry.")], "Nobody"),
    "unknown method": ([call("draw", prompt="x", method="magic"), AIMessage("Sorry.")], "magic"),
    "method that cannot run": (
        [call("draw", prompt="x", method="lora"), AIMessage("Sorry.")],
        "its model is missing",
    ),
    "seed out of range": ([call("draw", prompt="x", seed=2**70), AIMessage("Sorry.")], "seed"),
    "a path of its own": (
        [call("teach", name="X", images=["/etc/passwd"]), AIMessage("Sorry.")],
        "neither attached",
    ),
    "nothing to undo": ([call("undo"), AIMessage("Sorry.")], "nothing to undo"),
    "torn characters": ([call("edit", take=3, instruction="\udcff"), AIMessage("Sorry.")], "take 3"),
    "only unknown words": (
        [call("draw", prompt="a skateboard"), AIMessage("Sorry.")],
        "can't draw 'skateboard'",
    ),
}


@pytest.mark.parametrize("case", BAD_PLANNERS)
def test_what_a_planner_gets_wrong_is_told_to_it(toy: Any, case: str) -> None:
    answers, error = BAD_PLANNERS[case]
    agent = toy(*answers)
    chat = agent.session()
    turn = chat.say("something")
    assert turn.reply == "Sorry." and chat.takes() == [] and agent.concepts() == []
    answer = answers_of(agent.model)[-1]
    assert not answer["ok"] and error in answer["error"]
    if case != "unknown tool":
        assert isinstance(turn.problem, UserError) and error in turn.problem.text
    well_formed(agent.model.heard[-1])


BROKEN_PLANNERS: dict[str, tuple[Answer, str]] = {
    "an exception": (RuntimeError("it is tired\nand more"), "RuntimeError: it is tired"),
    "an empty answer": (AIMessage(""), "empty answer"),
    "endless questions to memory": (call("recall"), "without ever answering"),
}


@pytest.mark.parametrize("case", BROKEN_PLANNERS)
def test_a_broken_planner_is_one_clear_sentence(toy: Any, case: str) -> None:
    answer, text = BROKEN_PLANNERS[case]
    agent = toy(answer)
    chat = agent.session()
    events = []
    with pytest.raises(PlannerError, match=text) as caught:
        for event in chat.stream("something"):
            events.append(event)
    assert events[-1] == Failed(caught.value.text, caught.value.hint) and caught.value.exit_status == 1
    assert "\n" not in caught.value.text
    assert chat.takes() == [] and chat.store.turns() == []
    agent.model.answers[:] = [AIMessage("Hello.")]
    assert chat.say("hello").reply == "Hello."
    assert [m.type for m in agent.model.heard[-1]] == ["system", "human"]


def test_a_planner_that_draws_for_ever(toy: Any) -> None:
    numbers = iter(range(100))
    agent = toy(lambda messages: call("draw", prompt=f"cat {next(numbers)}"))
    turn = agent.session().say("a cat")
    assert turn.reply.startswith("Here is takes") or turn.reply.startswith("Here are takes")
    assert 1 < len(turn.takes) <= 16
    again = toy(call("draw", prompt="cat"))
    assert len(again.session("two").say("a cat").takes) == 1


def test_a_planner_that_fails_after_drawing(toy: Any) -> None:
    agent = toy(call("draw", prompt="a cat"), RuntimeError("gone"))
    turn = agent.session().say("a cat")
    assert turn.reply == "Here is take 1." and turn.take is not None
    assert any("gone" in getattr(event, "text", "") for event in turn.events)
    agent.model.answers[:] = [AIMessage("Hello.")]
    agent.session().say("hello")
    well_formed(agent.model.heard[-1])


def test_many_calls_at_once_run_one_after_the_other(toy: Any) -> None:
    wanted = [("draw", {"prompt": f"cat {n}"}) for n in range(5)]
    agent = toy(calls(*wanted), AIMessage("Five cats."))
    chat = agent.session()
    chat.say("five cats")
    assert [take.prompt for take in chat.takes()] == [f"cat {n}" for n in range(5)]


@pytest.mark.parametrize("error", [ModelError("no weights"), LibraryError("the disk is full"), ZeroDivisionError("x")])
def test_what_fails_below_ends_the_turn(toy: Any, error: Exception) -> None:
    agent = toy(calls(("draw", {"prompt": "a"}), ("draw", {"prompt": "b"})), AIMessage("Hello."))

    def fail(step: int) -> None:
        raise error

    agent.studio.before = fail
    chat = agent.session()
    with pytest.raises((ModelError, LibraryError)) as caught:
        chat.say("a cat")
    assert caught.value.exit_status == 1
    assert len(agent.studio.requests) == 1 and chat.takes() == []
    assert chat.say("hello").reply == "Hello."
    well_formed(agent.model.heard[-1])


@pytest.mark.parametrize("text", ["", " \n\t", "\x1b[2J\x00\x07", "x" * 100_000])
def test_bad_sentences(toy: Any, text: str) -> None:
    agent = toy(AIMessage("Hello."))
    with pytest.raises(UserError) as caught:
        agent.session().say(text)
    assert caught.value.exit_status == 2 and agent.model.heard == [] and agent.sessions() == []


def test_control_characters_are_left_out(toy: Any) -> None:
    agent = toy(lambda messages: call("draw", prompt=str(messages[-1].content)), AIMessage("Ok."))
    turn = agent.session().say("a \x1b[31mred\x1b[0m cat\x00 \udcff\u202e")
    assert turn.text == "a red cat ?" and turn.take.prompt == "a red cat ?"


def test_bad_files_and_methods_change_nothing(toy: Any, tmp_path: Path) -> None:
    agent = toy(AIMessage("Hello."))
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    for files, method, kind in [
        ([text], "auto", BadImage),
        ([tmp_path / "no.png"], "auto", BadImage),
        ([], "magic", NotFound),
        ([], "lora", UserError),
    ]:
        with pytest.raises(kind):
            agent.session().say("this", files=files, method=method)
    assert agent.model.heard == [] and agent.sessions() == []


def test_teaching_from_the_sentence(toy: Any, photos: list[Path], tmp_path: Path) -> None:
    big = tmp_path / "photo.png"
    Image.new("RGB", (600, 600), "green").save(big)
    agent = toy(
        call("teach", name="Rex", kind="dog", images=[str(photos[0])]),
        AIMessage("1"),
        call("teach", name="Bo", kind="cat"),
        AIMessage("2"),
        call("teach", name="Photo", kind="dog", images=[str(big)]),
        AIMessage("3"),
        call("teach", name="rex", kind="dog", images=[str(photos[0])]),
        AIMessage("4"),
    )
    chat = agent.session()
    chat.say(f'Rex is the dog in "{photos[0]}".')
    chat.say("this is Bo, my cat", files=photos)
    assert [(c.name, len(c.references)) for c in agent.concepts()] == [("Bo", 2), ("Rex", 1)]
    assert told(agent.model)["attached"] == [str(path) for path in photos] and chat.takes() == []
    chat.say(f"learn Photo from {big}")
    assert "storybook world" in answers_of(agent.model)[-1]["note"]
    taken = chat.say(f"learn rex from {photos[0]}")
    assert taken.problem is not None and len(agent.concepts()) == 3
    assert agent.library.embeddings(agent.library.concept("Bo"), "toy-1").shape == (2, 12)


def test_concepts_by_talking(toy: Any, photos: list[Path]) -> None:
    agent = toy(
        call("draw", prompt="Rex", concepts=["Rex"]),
        AIMessage("1"),
        call("refine", concept="Rex", add=["longer ears"], remove=["hat"], rejected=1),
        AIMessage("2"),
        call("rename", concept="Rex", name="Bo"),
        AIMessage("3"),
        call("recall", query="ears"),
        AIMessage("4"),
        call("recall", image=1),
        AIMessage("5"),
        call("revert", concept="Bo"),
        AIMessage("6"),
        call("rate", take=1, liked=False),
        AIMessage("7"),
        call("forget", concept="Bo"),
        call("forget", concept="Bo"),
        AIMessage("8"),
    )
    agent.teach("Rex", photos, kind="dog")
    chat = agent.session()
    for _ in range(4):
        chat.say("go on")
    assert answers_of(agent.model)[-1]["concepts"][0]["name"] == "Bo"
    assert agent.library.concept("Bo").stable == ("longer ears",) and told(agent.model)["focus"] == ["Bo"]
    for _ in range(3):
        chat.say("go on")
    assert agent.library.concept("Bo").stable == () and chat.take(1).rating == "bad"
    assert chat.say("go on").question is not None and len(agent.concepts()) == 1
    chat.say("yes")
    assert agent.concepts() == [] and "cannot be replayed" in answers_of(agent.model)[-1]["note"]
    chat.say("and?")
    assert told(agent.model)["focus"] == []


def test_words_that_cannot_be_drawn_are_named(toy: Any) -> None:
    agent = toy(call("draw", prompt="a cat on a skateboard"), AIMessage("Done."))
    agent.session().say("a cat on a skateboard")
    assert answers_of(agent.model)[-1]["note"] == (
        "I can't draw 'skateboard' with the starter models; I drew the rest."
    )
    assert told(agent.model)["unknown_words"] == ["skateboard"]


def test_undo_fork_compare(toy: Any) -> None:
    agent = toy(
        call("draw", prompt="a cat"),
        AIMessage("1"),
        call("edit", take=1, instruction="now blue"),
        AIMessage("2"),
        call("compare", takes=[1, 2]),
        AIMessage("3"),
        AIMessage("4"),
    )
    chat = agent.session()
    one, two = chat.say("a cat").take, chat.say("now blue").take
    chat.say("which is better?")
    assert {"compared", "pairs"} <= answers_of(agent.model)[-1].keys()
    assert chat.undo() == one and chat.redo() == two and chat.fork(one.id) == one and chat.head == one
    pair = chat.compare(1, "#2")
    assert -1 <= pair.similarity <= 1 and 0 <= pair.changed <= 1
    with pytest.raises(UserError):
        chat.compare(1, 1)
    chat.delete(2)
    with pytest.raises(NotFound):
        chat.take(2)
    with pytest.raises(UserError):
        agent.session("new").undo()


def test_a_plan_changes_nothing(toy: Any, tmp_path: Path) -> None:
    agent = toy(call("draw", prompt="a cat"), call("ask_user", question="Who?"), AIMessage("Hello."))
    before = sorted(path for path in (tmp_path / "home").rglob("*"))
    chat = agent.session("never")
    assert chat.plan("a cat") == ([{"tool": "draw", "args": {"prompt": "a cat"}}], "")
    assert chat.plan("him") == ([{"tool": "ask_user", "args": {"question": "Who?"}}], "Who?")
    assert chat.plan("hi") == ([], "Hello.")
    assert sorted(path for path in (tmp_path / "home").rglob("*")) == before
    with pytest.raises(UserError):
        chat.plan("")


def test_the_dialogue_goes_on_after_a_restart(toy: Any) -> None:
    agent = toy(call("draw", prompt="a cat"), AIMessage("A cat."))
    agent.session().say("a cat")
    again = toy(AIMessage("Hello."))
    again.session().say("hello")
    heard = again.model.heard[-1]
    assert [m.type for m in heard] == ["system", "human", "ai", "tool", "ai", "human"]
    assert again.notices == []


@pytest.mark.parametrize("damage", ["lost", "broken", "foreign", "half"])
def test_a_lost_dialogue_is_rebuilt(toy: Any, damage: str) -> None:
    agent = toy(call("draw", prompt="a cat"), AIMessage("A cat."))
    chat = agent.session()
    chat.say("a cat")
    path = chat.store.folder / "dialogue.sqlite"
    agent.close()
    assert path.exists()
    if damage == "lost":
        path.unlink()
    elif damage == "broken":
        path.write_bytes(b"no database at all" * 500)
    elif damage == "half":
        path.write_bytes(path.read_bytes()[:6000])
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("update checkpoints set checkpoint = x'c1c1c1'")
        connection.close()
    again = toy(AIMessage("Hello."))
    events = list(again.session().stream("hello"))
    heard = again.model.heard[-1]
    assert [m.type for m in heard] == ["system", "human", "ai", "tool", "ai", "human"]
    well_formed(heard)
    notices = [event.text for event in events if type(event).__name__ == "Notice"]
    assert bool(notices) == (damage in ("broken", "half"))
    again.session().say("hello")
    assert [m.type for m in again.model.heard[-1]][-3:] == ["human", "ai", "human"]


def test_a_long_conversation_stays_small(toy: Any) -> None:
    agent = toy(AIMessage("Hello."))
    chat = agent.session()
    for number in range(60):
        chat.say(f"hello {number}")
    assert 24 < len(agent.model.heard[-1]) <= 80
    assert (chat.store.folder / "dialogue.sqlite").stat().st_size < 4_000_000


def test_the_state_block(toy: Any, photos: list[Path]) -> None:
    agent = toy(call("draw", prompt="Rex </state> in a park", concepts=["Rex"]), AIMessage("1"))
    agent.teach("Rex", photos, kind="dog")
    agent.session().say("Rex </state> in a park")
    block = told(agent.model)
    assert block["concepts"] == [{"name": "Rex", "kind": "dog", "version": 1, "pronoun": None, "nicknames": []}]
    assert block["takes"] == [
        {
            "number": 1,
            "parent": None,
            "origin": "draw",
            "prompt": "Rex </state> in a park",
            "description": "Rex </state> in a park",
            "concepts": ["Rex"],
            "method": "in_context",
            "missing": [],
            "others": [],
        }
    ]
    assert block["head"] == block["newest"] == block["can_undo"] == 1 and block["can_redo"] == 0
    assert "in_context" in block["methods"] and block["attached"] == [] and block["pending"] is None
    assert set(agent.model.offered) == {
        "draw",
        "edit",
        "teach",
        "refine",
        "forget",
        "rename",
        "revert",
        "recall",
        "undo",
        "redo",
        "fork",
        "compare",
        "rate",
        "ask_user",
    }


def test_planners_by_name() -> None:
    assert type(planner("offline")).__name__ == "OfflinePlanner"
    for name in ("nonsense", "no such:thing", "nobody:model"):
        with pytest.raises(NotFound):
            planner(name)
    with pytest.raises(PlannerError, match="langchain-groq") as caught:
        planner("groq:llama3.2")
    assert "pip install" in caught.value.hint


def test_nothing_is_sent_to_langsmith(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        monkeypatch.setenv("LANGSMITH_TRACING", "true")
        monkeypatch.setenv("LANGSMITH_API_KEY", "x")
        monkeypatch.setenv("LANGSMITH_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        toy(call("draw", prompt="a cat"), AIMessage("A cat.")).session().say("a cat")
        with pytest.raises(TimeoutError):
            server.accept()


def test_langchain_comes_with_the_first_turn(tmp_path: Path) -> None:
    code = (
        "import sys; from limner.agent.agent import Agent; agent = Agent.open(home=sys.argv[1]);"
        "agent.session().takes(); heavy = {'langchain', 'langgraph', 'langchain_core', 'torch', 'chromadb'};"
        "print(sorted(heavy & set(sys.modules))); agent.close()"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_state_of_very_many_concepts_is_short(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CONCEPTS", 3)
    agent = toy(AIMessage("Hello."))
    vector = np.ones((1, 4), dtype=np.float32) / 2
    for number in range(9):
        agent.library.teach(f"Dog{number}", "dog", [Image.new("RGB", (8, 8))], embeddings={"toy-1": vector})
    agent.session().say("draw Dog4")
    block = told(agent.model)
    assert len(block["concepts"]) == 3 and block["concept_count"] == 9
    assert "Dog4" in {concept["name"] for concept in block["concepts"]}


def test_a_picture_named_in_the_sentence_is_a_take_too(toy: Any, tmp_path: Path) -> None:
    Image.new("RGB", (32, 32), "red").save(tmp_path / "my dog.png")
    agent = toy(call("edit", take=1, instruction="make it snow"), AIMessage("Snow."))
    chat = agent.session()
    for text in (f'make it snow on "{tmp_path}/my dog.png"', f"make it snow on {tmp_path}/my\\ dog.png."):
        chat.say(text)
    assert [(take.origin, take.prompt) for take in chat.takes()][:2] == [
        ("import", "my dog.png"),
        ("edit", "make it snow"),
    ]


def test_pictures_wait_for_the_answer(toy: Any, photos: list[Path]) -> None:
    agent = toy(call("ask_user", question="Who is it?"), call("teach", name="Bo", kind="cat"), AIMessage("Hi, Bo."))
    chat = agent.session()
    chat.say("learn this", files=photos)
    chat.say("Bo, a cat")
    assert len(agent.library.concept("Bo").references) == 2
    chat.say("thanks")
    assert told(agent.model)["attached"] == []


def test_two_conversations_at_once(toy: Any) -> None:
    agent = toy(lambda messages: AIMessage("Done.") if messages[-1].type == "tool" else call("draw", prompt="a cat"))
    inside: list[int] = []

    def alone(step: int) -> None:
        inside.append(1)
        assert len(inside) == 1  # the models serve one turn at a time
        inside.pop()

    agent.studio.before = alone
    chats = [agent.session(name) for name in ("one", "two", "three")]
    threads = [threading.Thread(target=chat.say, args=("a cat",)) for chat in chats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(chat.takes()) for chat in chats] == [1, 1, 1]


def test_an_unknown_planner_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(agent_module, "Studio", ToyStudio)
    with Agent.open(home=tmp_path / "home", planner="nonsense") as agent:
        with pytest.raises(NotFound):
            agent.session().say("a cat")
        assert agent.sessions() == []


def test_the_tools_are_as_others_rely_on() -> None:
    every = {"ar", "pta"}
    found = {item.name: item for item in tools_for([MethodInfo("all", "", frozenset(every), True)])}
    arguments = {name: list(item.schema.get("properties", {})) for name, item in found.items()}
    drawn = ["prompt", "concepts", "count", "seed", "size"]
    assert arguments == {
        "draw": ["prompt", "concepts", "count", "method", "seed", "size"],
        "edit": ["take", "instruction", "concepts", "borrow_from", "method"],
        "teach": ["name", "kind", "images", "takes"],
        "refine": ["concept", "add", "remove", "rejected"],
        "recall": ["query", "image"],
        "undo": ["steps"],
        "redo": ["steps"],
        "fork": ["take"],
        "compare": ["takes"],
        "rate": ["take", "liked"],
        "forget": ["concept"],
        "rename": ["concept", "name"],
        "revert": ["concept", "version"],
        "generate_ar": drawn,
        "generate_pta": drawn,
        "ask_user": ["question", "options"],
    }
    defaults = found["draw"].schema["properties"]
    assert (defaults["count"]["default"], defaults["method"]["default"]) == (1, "auto")
    assert all(item.description for item in found.values())
    assert found["edit"].check({"take": "3", "instruction": " now\x1b[1m at night "}) == {
        "take": 3,
        "instruction": "now at night",
    }
    for wrong in ({"take": 0, "instruction": "x"}, {"take": "the last", "instruction": "x"}, {"instruction": "x"}):
        with pytest.raises(UserError):
            found["edit"].check(wrong)

"""The ladder: accept, retry, climb, ask; what it remembers, what a verdict changes, what reverting restores."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from limner.agent.planner.answers import answer as answer_to
from limner.agent.planner.replies import reply
from limner.agent.planner.state import Call, ConceptInfo, Pending, State
from limner.errors import ModelError
from limner.memory.events import Progress, Question, TakeReady
from limner.memory.library import Library
from limner.memory.values import Concept, Rated, Scores
from limner.tools import feedback
from limner.tools.desk import Desk
from limner.tools.draw import draw, edit
from limner.tools.ladder import RETRIES, _otherwise, emphasised, spoiled, worth
from limner.tools.presets import load_preset
from limner.tools.recommended import first_method
from limner.tools.values import Drawn, DrawRequest, MethodInfo, SubjectInput

LIMITS = {"subject": 0.6, "text": 0.5, "copy": 0.8}
GOOD = Scores(0.9, 0.9, 0.1, "accept", {"thresholds": LIMITS, "reason": "it passes"})
HATLESS = Scores(
    0.9, 0.6, 0.1, "retry", {"thresholds": LIMITS, "missing": ["wearing a hat"], "reason": "I cannot find a hat in it"}
)
WEAK = Scores(0.3, 0.9, 0.1, "retry", {"thresholds": LIMITS, "reason": "the subject is not well met"})
COPY = Scores(0.99, 0.9, 0.95, "copied", {"thresholds": LIMITS, "reason": "it is a copy of a reference"})
COLOURS = {"in_context": "red", "ip_adapter": "green", "lora": "blue"}


class Scripted:
    """Rungs whose pictures score what a test says: a list of scores a method, the last one for all that follow."""

    kept_spaces = ()

    def __init__(self, script: dict[str, list[Scores]], ready: bool = False) -> None:
        self.script, self.is_ready = script, ready
        self.requests: list[DrawRequest] = []
        self.made: list[str] = []
        self.broken: set[str] = set()
        self.changed: list[float] = []
        """Of the first pictures: how much of what they edit they change; the rest changes half of it."""
        self.beside: list[float] = []
        """Of the first pictures: how much they change beside the figure; the rest nothing."""
        self.another: list[float] = []
        """Of the first pictures: how much too little like the figure before theirs is; the rest nothing."""

    def methods(self) -> list[MethodInfo]:
        able = {"draw", "edit", "several", "words"}
        trained = {"lora": {"trained"}}
        return [MethodInfo(n, "", frozenset(able | trained.get(n, set())), True) for n in self.script]

    def able(self, request: DrawRequest) -> list[MethodInfo]:
        return self.methods()

    def ready(self, info: MethodInfo, subject: SubjectInput) -> bool:
        return info.name != "lora" or self.is_ready

    def kept(self, subject: SubjectInput) -> dict:
        return {}

    def unknown_words(self, prompt: str, names: list[str]) -> list[str]:
        return []

    def draw(self, request: DrawRequest, cancelled: Callable[[], bool]) -> Iterator[Progress | Drawn]:
        self.requests.append(request)
        if request.method in self.broken:
            raise ModelError("The adapter is torn.")
        yield Progress("drawing", 1, 1)
        for index in range(request.count):
            self.made.append(request.method)
            image = Image.new("RGB", (16, 16), COLOURS.get(request.method, "grey"))
            facts = {"changed": self.changed.pop(0) if self.changed else 0.5} if request.source else {}
            yield Drawn(image, index, (request.seed or 0) + index, request.method, "hash", facts, 0.01)

    @property
    def figures(self) -> Scripted:
        return self

    def changed_beside(self, request: DrawRequest, image: Image.Image) -> float | None:
        return self.beside.pop(0) if self.beside else 0.0

    def lost(self, request: DrawRequest, image: Image.Image) -> float | None:
        return self.another.pop(0) if self.another else 0.0

    def worn(self, image: Image.Image) -> None:
        """No model that tells."""

    def near(self, image: Image.Image) -> Image.Image:
        return Image.new("L", image.size, 255)

    def score(self, image: Image.Image, subjects: object, prompt: str, **told: bool) -> Scores:
        method = self.made[-1]
        script = self.script[method]
        return script[min(self.made.count(method), len(script)) - 1]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path) as made:
        made.teach("Biscuit", "dog", [Image.new("RGB", (16, 16), "brown")])
        yield made


class Jobs:
    """Knows how long a training takes."""

    def estimate(self, studio: Scripted, concept: Concept, method: str) -> Iterator[Progress]:
        yield Progress("measuring", 1, 1)
        return 75.0


def desk_of(library: Library, studio: Scripted) -> Desk:
    preset = replace(load_preset("starter"), measured=None)  # the rungs in the order of the script
    return Desk(library, library.session(), studio, preset, jobs=Jobs())  # type: ignore[arg-type]


def run(desk: Desk, prompt: str = "Biscuit wearing a hat", **args: object) -> tuple[dict, list]:
    events, working = [], draw.limner_tool.function(desk, prompt, ["Biscuit"], **args)
    while True:
        try:
            events.append(next(working))
        except StopIteration as end:
            return end.value, events


def test_what_passes_at_once_is_taken(library):
    studio = Scripted({"in_context": [GOOD], "ip_adapter": [GOOD]})
    desk = desk_of(library, studio)
    answer, events = run(desk)
    assert [(r.method, r.count) for r in studio.requests] == [("in_context", 1)]
    assert answer["method"] == "in_context" and answer["verdict"] == "accept" and "reason" not in answer
    assert sum(isinstance(e, TakeReady) for e in events) == 1
    assert "ladder" not in desk.session.takes()[0].settings


def test_what_is_missing_is_said_again(library):
    studio = Scripted({"in_context": [HATLESS, HATLESS, GOOD], "ip_adapter": [GOOD]})
    answer, _ = run(desk_of(library, studio))
    first, again = studio.requests
    assert (again.method, again.count) == ("in_context", RETRIES)
    assert first.prompt == "Biscuit wearing a hat" and again.prompt == "Biscuit wearing a hat, wearing a hat"
    assert again.seed != first.seed
    assert answer["verdict"] == "accept" and "cannot find a hat" in answer["reason"] and answer["tries"] == 1 + RETRIES
    take = library.session().takes()[0]
    assert take.settings["request"]["index"] == 1 and take.settings["request"]["prompt"] == again.prompt
    assert len(take.settings["ladder"]) == 1 + RETRIES


def test_an_edit_that_changed_nothing_is_tried_again(library):
    studio = Scripted({"in_context": [GOOD]})
    desk = desk_of(library, studio)
    run(desk)
    studio.changed = [0.0]
    assert "nothing has changed" in str(edited(desk)) and desk.takes[-1].scores.verdict == "accept"
    assert [r.count for r in studio.requests[1:]] == [1, RETRIES]


def edited(desk: Desk) -> object:
    """The answer to a hat in take 1."""
    work = edit(desk, 1, "give him a hat")
    while True:
        try:
            next(work)
        except StopIteration as end:
            return json.loads(end.value) if isinstance(end.value, str) else end.value


def test_who_is_to_look_otherwise_is_not_blamed_for_it(library):
    studio = Scripted({"in_context": [WEAK]})
    desk = desk_of(library, studio)
    run(desk, method="in_context")
    drawn = len(studio.requests)
    for order in ("make him red", "give him a hat"):  # the second one finds him red
        list(edit(desk, 1, order))
        assert desk.takes[-1].scores.verdict == "accept" and "on purpose" in desk.takes[-1].scores.details["reason"]
    assert len(studio.requests) == drawn + 2
    studio.score = lambda *args, **more: GOOD  # the picture before was like him, so the one after should be
    assert not _otherwise(studio, DrawRequest("at night", source=desk.takes[0].image), WEAK)
    assert _otherwise(studio, DrawRequest("make him blue", source=desk.takes[0].image), WEAK)
    assert not _otherwise(studio, DrawRequest("make him blue"), WEAK)


def test_an_edit_that_went_too_far_is_held_near_the_figure(library):
    studio = Scripted({"in_context": [GOOD]})
    desk = desk_of(library, studio)
    run(desk)
    studio.beside = [0.9, 0.8, 0.1, 0.7]
    assert "more has changed than was asked" in str(edited(desk))
    assert desk.takes[-1].scores.details["changed_beside"] == 0.1
    first, again = studio.requests[1:]
    assert first.within is None and again.within is not None and again.count == RETRIES
    studio.beside = [0.9, 0.8, 0.6, 0.7]
    edited(desk)
    assert desk.takes[-1].scores.details["changed_beside"] == 0.6, "the least of them"


def test_an_edit_that_makes_it_another_figure_is_tried_again(library):
    studio = Scripted({"in_context": [GOOD]})
    desk = desk_of(library, studio)
    run(desk)
    studio.another = [0.3, 0.2, 0.0, 0.4]
    assert "it has become another figure" in str(edited(desk))
    assert desk.takes[-1].scores.verdict == "accept" and desk.takes[-1].scores.details["figure_lost"] == 0
    assert studio.requests[-1].within is not None and studio.requests[-1].count == RETRIES


def test_it_climbs_and_says_why(library):
    studio = Scripted({"in_context": [WEAK], "ip_adapter": [GOOD]})
    answer, events = run(desk_of(library, studio))
    assert answer["method"] == "ip_adapter" and answer["rungs"] == ["in_context", "ip_adapter"]
    assert "with in_context it did not pass (the subject is not well met)" in answer["reason"]
    said = reply([("draw", {}, json.dumps(answer))])
    assert "With in_context it did not pass (the subject is not well met), so I went on with ip_adapter." in said
    assert any(isinstance(e, Progress) and "ip_adapter" in e.label for e in events)
    assert len(library.session().takes()) == 1


def test_a_copy_is_no_success(library):
    studio = Scripted({"in_context": [COPY], "ip_adapter": [WEAK]})
    answer, _ = run(desk_of(library, studio))
    assert answer["method"] == "ip_adapter" and answer["verdict"] == "retry"
    only = Scripted({"in_context": [COPY]})
    answer, _ = run(desk_of(library, only))
    assert answer["verdict"] == "copied"
    assert "does not count" in reply([("draw", {}, json.dumps(answer))])
    served = library.concept("Biscuit").served
    assert all(entry.accepted == 0 for entry in served)


def test_it_asks_before_training_and_only_once(library):
    studio = Scripted({"in_context": [WEAK], "lora": [GOOD]})
    desk = desk_of(library, studio)
    answer, events = run(desk)
    asked = [e for e in events if isinstance(e, Question)]
    assert len(asked) == 1 and desk.question is asked[0] and "75 seconds" in asked[0].text
    assert asked[0].text.startswith("Take 1 is the best of 4 tries in 0.0 s (subject 0.30, text 0.90), ")
    assert "but the subject is not well met. Shall I train on Biscuit" in asked[0].text
    pending = Pending(asked[0].text, asked[0].options, "draw Biscuit")
    state = State(concepts=(ConceptInfo("Biscuit", "dog"),), pending=pending)
    assert answer_to("yes please", state) == [Call("finetune_lora", {"concept": "Biscuit"})]
    assert not any(isinstance(step, Call) for step in answer_to("no", state) or [])
    assert "lora" not in studio.made and answer["verdict"] == "retry"
    _, events = run(desk_of(library, studio))
    assert not any(isinstance(e, Question) for e in events)


def test_what_was_trained_is_a_rung(library):
    studio = Scripted({"in_context": [WEAK], "lora": [GOOD]}, ready=True)
    answer, events = run(desk_of(library, studio))
    assert answer["method"] == "lora" and not any(isinstance(e, Question) for e in events)


def test_it_begins_where_it_ended(library):
    studio = Scripted({"in_context": [WEAK], "ip_adapter": [GOOD]})
    run(desk_of(library, studio))
    run(desk_of(library, studio))
    studio.requests.clear()
    answer, _ = run(desk_of(library, studio))
    assert [r.method for r in studio.requests] == ["ip_adapter"] and answer["verdict"] == "accept"
    # Another kind of request is another matter.
    studio.requests.clear()
    for _ in edit.limner_tool.function(desk_of(library, studio), 1, "now at night"):
        pass
    assert studio.requests[0].method == "in_context"


def test_a_liked_drawing_says_nothing_of_how_to_edit(library):
    studio = Scripted({"in_context": [GOOD], "ip_adapter": [GOOD]})
    run(desk_of(library, studio), method="ip_adapter")
    feedback.rate(library, library.session(), library.session().takes()[0], True)
    studio.requests.clear()
    for _ in edit.limner_tool.function(desk_of(library, studio), 1, "now at night"):
        pass
    assert studio.requests[0].method == "in_context"


def test_the_memory_belongs_to_the_version_and_reverting_forgets(library):
    studio = Scripted({"in_context": [WEAK], "ip_adapter": [GOOD]})
    first = library.concept("Biscuit")
    library.revise("Biscuit", add=["longer ears"])
    run(desk_of(library, studio))
    run(desk_of(library, studio))
    assert library.concept("Biscuit").served
    library.revert("Biscuit", 1)
    again = library.concept("Biscuit")
    assert (again.served, again.ratings, again.stable) == (first.served, first.ratings, first.stable)
    studio.requests.clear()
    run(desk_of(library, studio))
    assert studio.requests[0].method == "in_context"


def test_a_verdict_is_a_new_version_and_moves_the_choice(library):
    studio = Scripted({"in_context": [GOOD], "ip_adapter": [GOOD]})
    run(desk_of(library, studio), method="ip_adapter")
    run(desk_of(library, studio))
    one, two = library.session().takes()
    feedback.rate(library, library.session(), one, True)
    feedback.rate(library, library.session(), two, False)
    known = library.concept("Biscuit")
    assert known.version == 3
    assert known.ratings == (
        Rated(one.id, True, "ip_adapter", 0.9, 0.9, "draw 1"),
        Rated(two.id, False, "in_context", 0.9, 0.9, "draw 1"),
    )
    studio.requests.clear()
    run(desk_of(library, studio))
    assert studio.requests[0].method == "ip_adapter"
    # The last word on a take counts, and the same word twice changes nothing.
    feedback.rate(library, library.session(), two, True)
    feedback.rate(library, library.session(), two, True)
    assert library.concept("Biscuit").version == 4 and all(r.liked for r in library.concept("Biscuit").ratings)
    library.revert("Biscuit", 1)
    assert library.concept("Biscuit").ratings == ()


def test_a_budget_too_small_gives_the_best_there_is(library, monkeypatch):
    studio = Scripted({"in_context": [WEAK], "ip_adapter": [GOOD]})
    monkeypatch.setattr(Desk, "budget", 0.0)
    answer, _ = run(desk_of(library, studio))
    assert answer["method"] == "in_context" and len(studio.requests) == 1
    assert "0 s" in answer["note"]


def test_a_broken_rung_is_passed_over(library):
    studio = Scripted({"in_context": [GOOD], "ip_adapter": [GOOD]})
    studio.broken = {"in_context"}
    answer, _ = run(desk_of(library, studio))
    assert answer["method"] == "ip_adapter" and "The adapter is torn" in answer["note"]
    studio.broken = {"in_context", "ip_adapter"}
    with pytest.raises(ModelError):
        run(desk_of(library, studio))


def test_several_pictures_or_a_named_method_do_not_climb(library):
    studio = Scripted({"in_context": [HATLESS], "ip_adapter": [GOOD]})
    answer, _ = run(desk_of(library, studio), count=3)
    assert len(answer["takes"]) == 3 and len(studio.requests) == 1
    assert "“wearing a hat”" in reply([("draw", {}, json.dumps(answer))])
    answer, _ = run(desk_of(library, studio), method="in_context")
    assert answer["verdict"] == "retry" and len(library.session().takes()) == 4


def test_the_better_of_two_pictures():
    assert worth(GOOD) > worth(HATLESS) > worth(WEAK) > worth(COPY)
    assert worth(Scores()) > worth(WEAK)


def test_only_words_of_the_prompt_are_said_again():
    assert emphasised("Momo on the beach", ["on the beach", "Momo", "no hat"], ["Momo"]) == (
        "Momo on the beach, on the beach"
    )


def test_the_table_says_where_a_new_concept_begins(library, tmp_path):
    rows = [
        {"kind": "", "references": 1, "method": "in_context"},
        {"kind": "dog", "references": 1, "method": "ip_adapter"},
    ]
    file = tmp_path / "measured.json"
    file.write_text(json.dumps({"recommended": rows}))
    preset = load_preset("starter")
    object.__setattr__(preset, "measured", file)
    dog = library.concept("Biscuit")
    assert first_method(preset, [dog], ["in_context", "ip_adapter"]) == "ip_adapter"
    assert first_method(preset, [dog], ["in_context"]) == ""
    library.teach("Mug", "mug", [Image.new("RGB", (16, 16))])
    assert first_method(preset, [library.concept("Mug")], ["in_context", "ip_adapter"]) == "in_context"


def test_what_always_passes_does_not_cost_the_concept(tmp_path: Path) -> None:
    with Library.open(tmp_path) as made:
        concept = made.teach("Biscuit", "dog", [Image.new("RGB", (16, 16), "brown")])
        for accepted in (*[True] * 30, False, True):
            made.remember(made.concept("Biscuit"), "edit 1", "in_context", accepted)
        assert [(entry.tried, entry.accepted) for entry in made.concept("Biscuit").served] == [(20, 20)]
    file = tmp_path / "concepts" / concept.id / "concept.json"
    file.write_text(file.read_text().replace('"accepted": 20', '"accepted": 24'))  # as it was counted once
    with Library.open(tmp_path) as again:
        assert [entry.accepted for entry in again.concept("Biscuit").served] == [20] and not again.notices


def test_an_edit_that_spoils_the_picture_is_not_kept() -> None:
    good, broken = (Scores(value, None, None, "retry", WEAK.details) for value in (0.9, 0.5))
    request = DrawRequest("give him wheels", source=Image.new("RGB", (16, 16)))
    studio = Scripted({"in_context": [good]})
    studio.made.append("in_context")
    assert spoiled(studio, request, broken) and not spoiled(studio, request, good)
    assert not spoiled(studio, request, replace(broken, verdict="accept"))
    assert not spoiled(studio, replace(request, source=None), broken)

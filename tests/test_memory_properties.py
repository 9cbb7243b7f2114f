"""Properties of the tree of takes, the history, names and texts, for whatever Hypothesis thinks of."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from PIL import Image

from limner.errors import BadName, UserError
from limner.memory.history import History
from limner.memory.library import Library
from limner.memory.names import clean_name, clean_text, clean_value, key, slug
from limner.memory.records import bounded
from limner.memory.values import Scores

QUICK = settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))


class Tree(RuleBasedStateMachine):
    """A session against a plain list of where the user was; the library is reopened now and then."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.library = Library.open(self.folder.name)
        self.session = self.library.session()
        self.numbers: list[int] = []
        self.parents: dict[int, int | None] = {}
        self.past: list[int | None] = [None]
        self.future: list[int | None] = []
        self.last = 0

    def teardown(self) -> None:
        if hasattr(self, "library"):
            self.library.close()
            self.folder.cleanup()

    @rule(advance=st.booleans())
    def add(self, advance: bool) -> None:
        head = self.session.head
        image = Image.new("RGB", (2, 2), (self.last + 1, 0, 0))
        parent = head.id if head else None
        take = self.session.add_take(image, origin="draw", prompt="x", parent=parent, advance=advance)
        self.last += 1
        assert take.number == self.last
        self.numbers.append(take.number)
        self.parents[take.number] = self.past[-1]
        if advance:
            self.past.append(take.number)
            self.future = []

    @rule(steps=st.integers(-1, 4))
    def undo(self, steps: int) -> None:
        possible = 1 <= steps < len(self.past)
        try:
            self.session.undo(steps)
            assert possible
        except UserError:
            assert not possible
        if possible:
            self.past, moved = self.past[:-steps], self.past[-steps:]
            self.future = moved + self.future

    @rule(steps=st.integers(-1, 4))
    def redo(self, steps: int) -> None:
        possible = 1 <= steps <= len(self.future)
        try:
            self.session.redo(steps)
            assert possible
        except UserError:
            assert not possible
        if possible:
            self.past, self.future = self.past + self.future[:steps], self.future[steps:]

    @precondition(lambda self: self.numbers)
    @rule(data=st.data())
    def fork(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.numbers))
        self.session.fork(number)
        if self.past[-1] != number:
            self.past.append(number)
            self.future = []

    @precondition(lambda self: self.numbers)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.numbers))
        self.session.delete(number)
        self.numbers.remove(number)
        steps, self.past = [*self.past, "here", *self.future], []  # type: ignore[list-item]
        self.future, target = [], self.past
        last: int | None | str = "nothing"
        for step in steps:
            if step == "here":
                target = self.future
            elif step != number and step != last:
                target.append(step)
                last = step

    @rule()
    def reopen(self) -> None:
        self.library.close()
        self.library = Library.open(self.folder.name)
        self.session = self.library.session()
        assert self.library.notices == []

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "session"):
            return
        takes = {t.number: t for t in self.session.takes()}
        assert list(takes) == sorted(self.numbers)
        head = self.session.head
        assert (head.number if head else None) == self.past[-1]
        assert (self.session.can_undo, self.session.can_redo) == (len(self.past) - 1, len(self.future))
        for number, take in takes.items():
            parent = self.parents[number]
            assert (take.parent is None) == (parent is None)
            if parent in takes:
                assert take.parent == takes[parent].id
            assert take.image.getpixel((0, 0)) == (number, 0, 0)


Tree.TestCase.settings = QUICK
TestTree = Tree.TestCase


IDS = st.sampled_from(["a", "b", "c", "d"])


@given(st.lists(IDS), st.integers(0, 9), st.sets(IDS))
def test_a_history_without_some_takes(went: list[str], back: int, gone: set[str]) -> None:
    history = History().gone_to(*went)
    history = history.moved(-min(back, history.can_undo))
    left = history.without(gone)
    assert left.steps[0] is None and not gone & set(left.steps)
    assert all(a != b for a, b in zip(left.steps, left.steps[1:], strict=False))
    assert left.without(gone) == left
    if history.head not in gone:
        assert left.head == history.head


@given(st.text(max_size=120))
def test_a_name_is_refused_or_safe(text: str) -> None:
    try:
        name = clean_name(text)
    except BadName as error:
        assert error.text.endswith(".") and error.text.isprintable()
        return
    assert clean_name(name) == name and 1 <= len(name) <= 80
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name)
    assert "/" not in name and "\\" not in name


@given(st.text(min_size=1, max_size=90))
def test_a_slug_is_one_plain_folder_name(text: str) -> None:
    folder = slug(text)
    assert folder.isascii() and 1 <= len(folder) <= 50 and Path(folder).name == folder
    assert set(folder) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_~") and folder[0] not in "-_~"


@given(st.text(max_size=20), st.text(max_size=20))
def test_slugs_differ_as_names_do(a: str, b: str) -> None:
    assert (slug(a) == slug(b)) == (key(a) == key(b))
    assert key(a.swapcase()) == key(a) or a.swapcase().casefold() != a.casefold()


@given(st.text())
def test_a_slug_cannot_be_forged(text: str) -> None:
    assume(key(text) != key(slug(text)))
    assert slug(slug(text)) != slug(text)


@given(st.text(alphabet=st.characters() | st.sampled_from("\x1b\x9b[];\x07m\n\t")))
def test_cleaned_text_is_harmless(text: str) -> None:
    clean = clean_text(text)
    assert clean_text(clean) == clean
    assert not any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in clean)
    clean.encode()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_turns_come_back(turn: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with Library.open(folder) as library:
            library.session().add_turn(turn)
        with Library.open(folder) as library:
            (found,) = library.session().turns()
            assert {"time": found["time"], **clean_value(turn)} == found


@given(*[st.none() | st.floats()] * 3)
def test_scores_are_bounded(a: float | None, b: float | None, c: float | None) -> None:
    scores = bounded(Scores(a, b, c))
    assert all(s is None or 0 <= s <= 1 for s in (scores.subject, scores.text, scores.copy))
    assert bounded(scores) == scores


ATTRIBUTES = st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8), max_size=4)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(ATTRIBUTES, ATTRIBUTES, ATTRIBUTES), max_size=5), st.data())
def test_reverting_gives_back_any_version(changes: list[tuple[list[str], ...]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder, Library.open(folder) as library:
        library.teach("Mug", "mug", [Image.new("RGB", (2, 2))])
        for add, remove, changeable in changes:
            concept = library.revise("mug", add=add, remove=remove, changeable=changeable)
            lines = [key(line) for line in (*concept.stable, *concept.changeable, *concept.negatives)]
            assert len(set(lines)) == len(lines), "an attribute is one thing at a time"
        versions = library.versions("Mug")
        wanted = data.draw(st.sampled_from(versions))
        back = library.revert("Mug", wanted.version)
        assert back.version == len(versions) + 1
        for field in ("stable", "changeable", "negatives", "references", "masks", "rejected", "kind"):
            assert getattr(back, field) == getattr(wanted, field)
        assert library.versions("Mug")[:-1] == versions
        assert not os.listdir(Path(folder) / "staging")

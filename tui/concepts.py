"""What Limner knows: every concept with its pictures, attributes, versions and scores; and what can be done to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ..errors import LimnerError, UserError
from ..memory.values import Concept, Take
from .asking import Ask, Choose, Words, complain, trying
from .inert import inert, inert_table, one_line
from .keys import Keys
from .pictures import Figure
from .words import bar, concept_line, measured, size_text

if TYPE_CHECKING:
    from .app import LimnerApp

MOST_SHOWN = 12
"""Reference pictures that are drawn; the count of the others is said."""


def corrections(text: str) -> tuple[list[str], list[str]]:
    """What "longer ears, -hat" adds and removes."""
    parts = [part.strip() for part in text.split(",") if part.strip(" -+")]
    add = [part.lstrip("+ ") for part in parts if not part.startswith("-")]
    return add, [part.lstrip("- ") for part in parts if part.startswith("-")]


def changes(before: Concept | None, after: Concept) -> str:
    """What a version changed: "+ longer ears, never a hat"."""
    if before is None:
        return f"taught from {len(after.references)} picture{'s' * (len(after.references) != 1)}"
    said = [f"+ {text}" for text in after.stable if text not in before.stable]
    said += [f"- {text}" for text in before.stable if text not in after.stable]
    said += [f"never {text}" for text in after.negatives if text not in before.negatives]
    said += [f"{text} again" for text in before.negatives if text not in after.negatives]
    said += [f"may change: {text}" for text in after.changeable if text not in before.changeable]
    rejected = len(after.rejected) - len(before.rejected)
    said += [f"{rejected} picture{'s' * (rejected != 1)} rejected"] * (rejected > 0)
    rated = [rating.liked for rating in after.ratings if rating not in before.ratings]
    said += [f"a picture was {'liked' if liked else 'disliked'}" for liked in rated]
    return ", ".join(said) or "as before"


class ConceptsScreen(Screen[None]):
    """The list of concepts, and the chosen one in full."""

    app: LimnerApp
    CSS = """
    ConceptsScreen #known { width: 32; height: 1fr; background: $surface; border: none; padding: 1; }
    ConceptsScreen.-narrow #known { width: 22; }
    ConceptsScreen #about { padding: 1 2; background: $background; scrollbar-size-vertical: 1; }
    ConceptsScreen #about Static { height: auto; }
    ConceptsScreen .name { text-style: bold; color: $primary; }
    ConceptsScreen .heading { color: $secondary; text-style: bold; margin-top: 1; }
    ConceptsScreen .faint { color: $foreground 60%; }
    ConceptsScreen .references { height: auto; margin-top: 1; overflow-x: auto; scrollbar-size-horizontal: 1; }
    ConceptsScreen Figure { margin-right: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.pop_screen", "Back", key_display="esc", priority=True),
        Binding("t", "teach", "Teach"),
        Binding("a", "correct", "Correct"),
        Binding("r", "rename", "Rename"),
        Binding("v", "revert", "Revert"),
        Binding("delete,d", "forget", "Forget", key_display="d"),
        Binding("x", "export", "Export"),
        Binding("i", "import", "Import"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]

    def __init__(self) -> None:
        super().__init__()
        self._known: list[Concept] = []
        self._shown: tuple[Concept | None, int] | None = None
        """What is on the screen, and how wide."""

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield OptionList(id="known", markup=False)
            yield VerticalScroll(id="about", can_focus=False)
        yield Keys()

    def on_mount(self) -> None:
        self.app.changed.subscribe(self, self._changed)

    def on_screen_resume(self) -> None:
        self.reload()

    def on_resize(self) -> None:
        self._show()

    def _changed(self, kind: str) -> None:
        if kind == "concepts":
            self.reload()

    @property
    def concept(self) -> Concept | None:
        """The chosen one."""
        place = self.query_one("#known", OptionList).highlighted
        return self._known[place] if place is not None and place < len(self._known) else None

    def reload(self, choose: str = "") -> None:
        """Draw what is known now; the same concept stays chosen, or the one named `choose`."""
        wanted = choose or (self.concept.name if self.concept else "")
        identity = self.concept.id if self.concept and not choose else ""
        try:
            self._known = self.app.bridge.concepts()
        except LimnerError:  # the library is not open yet
            self._known = []
        listed = self.query_one("#known", OptionList)
        listed.clear_options()
        listed.add_options(
            Option(
                Content.assemble((one_line(each.name), "bold"), "\n", (f"  {one_line(each.kind)}", "$foreground 60%"))
            )
            for each in self._known
        )
        places = [at for at, each in enumerate(self._known) if each.id == identity or each.name == wanted]
        listed.highlighted = places[0] if places else (0 if self._known else None)
        listed.focus()
        self._shown = None
        self._show()

    @on(OptionList.OptionHighlighted, "#known")
    def _chosen(self) -> None:
        self._show()

    def _show(self) -> None:
        about, concept = self.query_one("#about", VerticalScroll), self.concept
        if self._shown == (concept, self.size.width):
            return
        self._shown = concept, self.size.width
        with self.app.batch_update():
            about.remove_children()
            if concept is None:
                about.mount(
                    Static("Nothing is taught yet.", classes="name"),
                    Static("Press t and choose three to five pictures\nof your dog, your mug, your house."),
                )
                return
            scores = Static()
            about.mount(*self._parts(concept), Static("Drawn so far", classes="heading"), scores)
            about.scroll_home(animate=False)
        self._count(concept, scores)

    @work(exclusive=True, group="count")
    async def _count(self, concept: Concept, scores: Static) -> None:
        """Look through all conversations for takes that show it; there may be thousands."""
        takes = await asyncio.to_thread(self._takes_of, concept)
        scores.update(self._scores(takes))

    @property
    def _room(self) -> int:
        """Characters beside the list."""
        return self.size.width - (22 if self.size.width < 100 else 32) - 5

    def _parts(self, concept: Concept) -> list[Static | Horizontal]:
        columns = max(12, min(28, self._room // min(max(len(concept.references), 2), 4) - 2))
        figures = [
            Figure(path, f"{number}", columns=columns, rows=columns // 2)
            for number, path in enumerate(concept.references[:MOST_SHOWN], 1)
        ]
        hidden = len(concept.references) - len(figures)
        attributes = [
            ("always", ", ".join(concept.stable)),
            ("may change", ", ".join(concept.changeable)),
            ("never", ", ".join(concept.negatives)),
            ("rejected", f"{len(concept.rejected)} pictures that got it wrong" if concept.rejected else ""),
            ("notes", "; ".join(concept.notes)),
        ]
        parts: list[Static | Horizontal] = [
            Static(inert(concept.name), classes="name"),
            Static(inert(concept_line(concept)), classes="faint"),
            Horizontal(*figures, classes="references"),
        ]
        if hidden:
            parts.append(Static(f"and {hidden} more", classes="faint"))
        if any(value for _, value in attributes):
            parts += [Static("What belongs to it", classes="heading"), Static(inert_table(attributes, self._room))]
        if trained := self._trained(concept):
            parts += [Static("Trained", classes="heading"), Static(inert_table(trained, self._room))]
        return [*parts, Static("Versions", classes="heading"), Static(self._versions(concept))]

    def _trained(self, concept: Concept) -> list[tuple[str, str]]:
        """What methods have learned about it: name, and when, how large, how well."""
        try:
            adapters = self.app.bridge.adapters(concept)
        except LimnerError:
            return []
        return [
            (
                adapter.method,
                f"version {adapter.version}, {adapter.created[:10]}, {size_text(adapter.bytes)}"
                + "".join(f", {name} {value:.2f}" for name, value in measured(adapter.scores)),
            )
            for adapter in adapters
        ]

    def _versions(self, concept: Concept) -> Content:
        try:
            versions = self.app.bridge.versions(concept.name)
        except LimnerError:  # forgotten meanwhile
            versions = [concept]
        befores = [None, *versions]
        rows = [
            (f"{new.version}", f"{new.created[:10]}  {changes(old, new)}")
            for old, new in zip(befores, versions, strict=False)
        ]
        return inert_table(reversed(rows), self._room)

    def _takes_of(self, concept: Concept) -> list[Take]:
        try:
            return self.app.bridge.takes_of(concept)
        except LimnerError:
            return []

    def _scores(self, takes: list[Take]) -> Content:
        """How often it was drawn by which method, and how well on average."""
        if not takes:
            return inert("Not yet. Go back and say what to draw.")
        rows = []
        for method in sorted({take.method for take in takes}):
            drawn = [take for take in takes if take.method == method]
            found: dict[str, list[float]] = {}
            for take in drawn:
                for name, value in measured(take.scores):
                    found.setdefault(name, []).append(value)
            wide = self._room >= 80
            means = "  ".join(
                f"{name} {bar(mean(values), 6) + ' ' if wide else ''}{mean(values):.2f}"
                for name, values in found.items()
            )
            good = sum(take.rating == "good" for take in drawn)
            liked = f"  ♥ {good}" if good else ""
            rows.append((method or "imported", f"{len(drawn)} ×  {means}{liked}"))
        return inert_table(rows, self._room)

    # -- doing ------------------------------------------------------------------------------------

    def action_teach(self) -> None:
        """A new concept from pictures."""
        from .teach import TeachScreen

        self.app.push_screen(TeachScreen(), lambda name: self.reload(name) if name else None)

    @work
    async def action_correct(self) -> None:
        """Attributes that belong to it for good, or do not."""
        if concept := self.concept:
            words = "What belongs to it for good, with commas between; a minus before what does not belong to it."
            text = await self.app.push_screen_wait(Words(f"Correct {concept.name}", words, "", "longer ears, -hat"))
            if text:
                add, remove = corrections(text)
                with trying(self.app):
                    new = self.app.bridge.refine(concept.name, add, remove)
                    self.app.notify(one_line(f"{new.name} is at version {new.version} now."), markup=False)

    @work
    async def action_rename(self) -> None:
        """Another name; takes keep the name that they were drawn with."""
        if concept := self.concept:
            name = await self.app.push_screen_wait(Words(f"Rename {concept.name}", "Its new name:", concept.name))
            if name and name != concept.name:
                with trying(self.app):
                    self.app.bridge.rename(concept.name, name)

    @work
    async def action_revert(self) -> None:
        """Back to an earlier version; it becomes the newest one."""
        if (concept := self.concept) is None:
            return
        with trying(self.app):
            versions = self.app.bridge.versions(concept.name)
            if len(versions) < 2:
                raise UserError(f"{concept.name} has only one version.", "Correcting it makes another.")
            befores = [None, *versions[:-1]]
            older = list(zip(befores, versions, strict=True))[:-1][::-1]
            lines = [f"{new.version}  {new.created[:10]}  {changes(old, new)}" for old, new in older]
            place = await self.app.push_screen_wait(
                Choose(f"Bring back {concept.name} as it was", lines, f"Now it is at version {concept.version}.")
            )
            if place is not None:
                self.app.bridge.revert(concept.name, older[place][1].version)

    @work
    async def action_forget(self) -> None:
        """Delete it, after asking."""
        if concept := self.concept:
            count = len(concept.references)
            words = (
                f"Forget {one_line(concept.name)}? Its {count} picture{'s' * (count != 1)} and all its versions are "
                "deleted for good. Takes that show it stay."
            )
            if await self.app.push_screen_wait(Ask(words, "Keep it", "Forget it")) == "Forget it":
                with trying(self.app):
                    self.app.bridge.forget(concept.name)

    @work
    async def action_export(self) -> None:
        """All of it in one file."""
        if concept := self.concept:
            name = "".join(char if char.isalnum() else "-" for char in concept.name.lower())
            file = await self.app.push_screen_wait(
                Words(f"Export {concept.name}", "Write it with all its pictures and versions to:", f"{name}.limner")
            )
            if file:
                path = Path(file).expanduser().absolute()
                there = Ask(f"{path} is there already.", "Keep it", "Write over it")
                if path.exists() and await self.app.push_screen_wait(there) != "Write over it":
                    return
                bridge = self.app.bridge
                await self._slowly(lambda: bridge.export_concept(concept.name, path), f"{concept.name} is in {path}.")

    @work
    async def action_import(self) -> None:
        """Take in what was exported here or elsewhere."""
        file = await self.app.push_screen_wait(Words("Import", "The file that an export wrote:", "", "biscuit.limner"))
        if file:
            path = Path(file).expanduser().absolute()
            await self._slowly(lambda: self.app.bridge.import_file(path), "")

    async def _slowly(self, act: Callable[[], list[str] | None], done: str) -> None:
        self.query_one("#about").loading = True
        try:
            said = await asyncio.to_thread(act)
        except LimnerError as error:
            complain(self.app, error)
        else:
            self.app.notify(one_line(done or " ".join(said or [])), markup=False, timeout=8)
        finally:
            self.query_one("#about").loading = False

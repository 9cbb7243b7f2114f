"""Settings: which models draw, who leads the talk, how pictures and colours look."""

from __future__ import annotations

import asyncio
import re
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from ..errors import LimnerError
from .asking import complain, idle
from .inert import inert, one_line, tilde
from .keys import Keys
from .pictures import MODES, draw_pictures, settle
from .themes import THEMES

if TYPE_CHECKING:
    from ..tools.needs import Need
    from ..tools.presets import Preset
    from .app import LimnerApp

LOOKS = ("Dark: gold on ink", "Light: ink on paper")
_KEY = re.compile(r"(?i)\b(sk|key|api)[-_][\w-]{12,}|[\w-]{36,}")
"""What looks like a service's secret key rather than a model's name."""


def line(chosen: bool, title: str, *more: Content | str, room: int = 60) -> Content:
    """One choice: a dot, its name, and what there is to say about it in lines of at most `room` characters."""
    dot = ("● ", "$success") if chosen else ("○ ", "$foreground 40%")
    parts: list[Content | str | tuple[str, str]] = [dot, (one_line(title), "bold" if chosen else "")]
    for text in more:
        if isinstance(text, Content):
            parts += ["\n  ", text]
        else:
            parts += [("\n  " + "\n  ".join(wrap(one_line(text), max(room - 2, 12))), "$foreground 60%")]
    return Content.assemble(*parts)


class SettingsScreen(Screen[None]):
    """Everything is kept at once, in a small file in the library's folder; keys of services never are."""

    app: LimnerApp
    CSS = """
    SettingsScreen { background: $background; }
    SettingsScreen VerticalScroll { padding: 1 2; scrollbar-size-vertical: 1; }
    SettingsScreen #columns { height: 1fr; }
    SettingsScreen.-narrow #columns { layout: vertical; overflow-y: auto; scrollbar-size-vertical: 1; }
    SettingsScreen.-narrow VerticalScroll { height: auto; padding: 0 2; }
    SettingsScreen .heading { color: $secondary; text-style: bold; height: auto; }
    SettingsScreen .faint { color: $foreground 60%; height: auto; }
    SettingsScreen OptionList {
        height: auto; max-height: 100; border: none; background: $background; margin-bottom: 1; padding: 0;
    }
    SettingsScreen Input { background: $surface; margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.pop_screen", "Back", key_display="esc", priority=True),
        Binding("tab", "app.focus_next", "Next"),
        Binding("shift+tab", "app.focus_previous", "Before", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self._presets: list[Preset] = []

    def compose(self) -> ComposeResult:
        with Horizontal(id="columns"):
            with VerticalScroll(can_focus=False):
                yield Static("Models", classes="heading")
                yield OptionList(id="presets", markup=False, compact=True)
                yield Static("Planner: who understands what you say", classes="heading")
                yield OptionList(id="planners", markup=False, compact=True)
                yield Input(placeholder="another one, as provider:model", id="planner", compact=True)
            with VerticalScroll(can_focus=False):
                yield Static("Pictures", classes="heading")
                yield OptionList(id="pictures", markup=False, compact=True)
                yield Static("Colours", classes="heading")
                yield OptionList(id="theme", markup=False, compact=True)
                yield Static(id="home", classes="faint")
        yield Keys()

    def on_mount(self) -> None:
        self.watch(self.app, "theme", self.show, init=False)

    def on_screen_resume(self) -> None:
        self.show()
        self.query_one("#presets").focus(scroll_visible=False)  # it is longer than the screen: its heading would go

    def on_resize(self) -> None:
        self.show()

    @property
    def room(self) -> int:
        """Characters of a line."""
        return self.size.width // 2 - 7 if self.size.width >= 100 else self.size.width - 7

    def show(self) -> None:
        """Draw every choice as it stands."""
        bridge = self.app.bridge
        try:
            self._presets = sorted(bridge.presets(), key=self._place)
        except LimnerError as error:  # one of the user's own making may be broken
            complain(self.app, error)
        self._fill("presets", [self._preset_line(preset) for preset in self._presets])
        self._fill("planners", self._planner_lines())
        wanted = self.app.preferences.pictures
        modes = [
            line(
                wanted == name,
                name,
                f"{words} (here: {self.app.pictures})" if name == "auto" else words,
                room=self.room,
            )
            for name, words in MODES.items()
        ]
        self._fill("pictures", modes)
        looks = [line(self.app.theme == theme.name, name) for theme, name in zip(THEMES, LOOKS, strict=True)]
        self._fill("theme", looks)
        home = f"The library is in {tilde(bridge.agent.library.home)}." if bridge.ready else ""
        self.query_one("#home", Static).update(inert(home))

    def _fill(self, name: str, lines: list[Content]) -> None:
        listed = self.query_one(f"#{name}", OptionList)
        place = listed.highlighted
        listed.clear_options()
        listed.add_options(Option(text) for text in lines)
        listed.highlighted = min(place or 0, len(lines) - 1) if lines else None

    def _place(self, preset: Preset) -> tuple[bool, bool, str]:
        """What is used comes first, then what this machine has."""
        has = all(need.met for need in self.app.bridge.needs(preset))
        return preset.name != self.app.bridge.preset, not has, preset.name

    def _preset_line(self, preset: Preset) -> Content:
        """With what is there a line each, and what is not in one: why is said when the preset is chosen."""
        needs = self.app.bridge.needs(preset)
        absent = [need.what for need in needs if not need.met and not need.what.startswith("memory")]
        lines = [self._need_line(need) for need in needs if need.what not in absent]
        if absent:
            words = one_line(f"{', '.join(absent)}: not here", self.room - 4)
            lines.insert(0, Content.styled(f"✗ {words}", "$error"))
        return line(preset.name == self.app.bridge.preset, preset.name, preset.summary, *lines, room=self.room)

    def _need_line(self, need: Need) -> Content:
        """Why stands behind it, or in lines of its own below."""
        mark, style = ("✓ ", "$success") if need.met else ("✗ ", "$error")
        what, why = one_line(need.what), one_line(need.why)
        if why and len(what) + len(why) + 6 <= self.room:
            why = f"  {why}"
        else:
            why = "".join(f"\n    {part}" for part in wrap(why, max(self.room - 4, 12)))
        return Content.assemble((mark, style), what, (why, "$foreground 60%" if need.met else style))

    def _planner_lines(self) -> list[Content]:
        now = self.app.bridge.planner or "offline"
        lines = [line(now == "offline", "offline", "comes with Limner, needs no network", room=self.room)]
        known = self.app.bridge.planners()
        for provider in known:
            mine = now.split(":")[0] == provider.name
            if not provider.installed:
                what = f"needs: pip install {provider.package.replace('_', '-')}"
            elif provider.variable:
                what = f"{provider.variable} is {'set' if provider.has_key else 'not set'}"
            else:
                what = "runs on your own computer, needs no key"
            lines.append(line(mine, now if mine else provider.example, what))
        if now != "offline" and now.split(":")[0] not in {provider.name for provider in known}:
            lines.append(line(True, now))
        return lines

    # -- choosing ---------------------------------------------------------------------------------

    @on(OptionList.OptionSelected, "#presets")
    def _choose_preset(self, event: OptionList.OptionSelected) -> None:
        preset = self._presets[event.option_index]
        missing = [need for need in self.app.bridge.needs(preset) if not need.met]
        if missing:
            words = "; ".join(f"{need.what}: {need.why}" for need in missing)
            absent = any(not need.what.startswith("memory") for need in missing)
            hint = f" `limner presets get {preset.name}` fetches its models." if absent else ""
            why = "is not on this computer yet" if absent else "does not fit this machine"
            text = one_line(f"{preset.name} {why}. {words}.{hint}")
            self.app.notify(text, severity="warning", markup=False, timeout=10)
        elif preset.name != self.app.bridge.preset:
            self._use(preset.name, self.app.bridge.planner)

    @on(OptionList.OptionSelected, "#planners")
    def _choose_planner(self, event: OptionList.OptionSelected) -> None:
        if event.option_index == 0:
            self._use(self.app.bridge.preset, "offline")
            return
        known = self.app.bridge.planners()
        if event.option_index > len(known):
            return
        provider = known[event.option_index - 1]
        if not provider.installed:
            package = provider.package.replace("_", "-")
            self.app.notify(f"Install it first: pip install {package}", severity="warning", markup=False)
            return
        if not provider.has_key:
            words = f"Set {provider.variable} before you start Limner; it is read from there and never stored."
            self.app.notify(words, severity="warning", markup=False, timeout=10)
        field = self.query_one("#planner", Input)
        field.value = provider.example
        field.focus()

    @on(Input.Submitted, "#planner")
    def _type_planner(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        event.input.value = ""
        if _KEY.search(name.partition(":")[2] or name):
            words = "That looks like a secret key. Keys belong into an environment variable; Limner keeps none."
            self.app.notify(words, severity="warning", timeout=10)
        elif name:
            self._use(self.app.bridge.preset, name)

    @work(exclusive=True, group="use")
    async def _use(self, preset: str, planner: str | None) -> None:
        """Go on with another preset or planner, if it can be had."""
        bridge = self.app.bridge
        if not idle(self.app):
            return
        try:
            await asyncio.to_thread(bridge.check_planner, planner)
        except LimnerError as error:
            complain(self.app, error)
            return
        bridge.use(preset, planner)
        self.app.prefer(preset=preset, planner=planner or "")
        self.show()

    @on(OptionList.OptionSelected, "#pictures")
    def _choose_pictures(self, event: OptionList.OptionSelected) -> None:
        name = list(MODES)[event.option_index]
        self.app.prefer(pictures=name)
        self.app.pictures = settle(name)
        draw_pictures(self.app)
        self.show()

    @on(OptionList.OptionSelected, "#theme")
    def _choose_theme(self, event: OptionList.OptionSelected) -> None:
        if self.app.theme != THEMES[event.option_index].name:
            self.app.action_toggle_light()
            self.show()

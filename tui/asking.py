"""Small dialogs, and how a screen says that something is not possible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from ..errors import LimnerError
from .inert import inert, inert_lines, one_line


def complain(app: App[Any], error: LimnerError) -> None:
    """Say what was not possible, and what to do about it."""
    text = one_line(f"{error.text} {error.hint}".strip())
    app.notify(text, severity="warning", markup=False, timeout=8)


@contextmanager
def trying(app: App[Any]) -> Iterator[None]:
    """What fails inside is said to the user, and the screen goes on."""
    try:
        yield
    except LimnerError as error:
        complain(app, error)


BUSY = "A picture is being drawn; wait for it, or stop it first."


def idle(app: App[Any]) -> bool:
    """Whether nothing is drawn at the moment. Says so otherwise: the tree stays as it is meanwhile."""
    if app.bridge.busy:  # type: ignore[attr-defined]
        app.notify(BUSY, severity="warning")
        return False
    return True


class Dialog(ModalScreen[Any]):
    """A small box in the middle. Escape closes it without an answer (`None`)."""

    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > Vertical {
        width: 64; max-width: 95%; height: auto; max-height: 95%; padding: 1 2; background: $panel;
        border-left: outer $accent;
    }
    Dialog .title { height: auto; text-style: bold; color: $primary; margin-bottom: 1; }
    Dialog .words { height: auto; margin-bottom: 1; }
    Dialog .answers { height: auto; align: right middle; }
    Dialog Button { margin: 0 0 0 2; min-width: 8; }
    Dialog Input { background: $surface; }
    Dialog OptionList { height: auto; max-height: 12; background: $surface; border: none; padding: 0 1; }
    """
    BINDINGS = [Binding("escape", "dismiss(None)", "Cancel", priority=True)]

    def __init__(self, title: str, words: str = "") -> None:
        super().__init__()
        self._title, self._words = title, words

    def compose(self) -> ComposeResult:
        with Vertical():
            if self._title:
                yield Static(inert(self._title, 56), classes="title")
            if self._words:
                yield Static(inert_lines(self._words), classes="words")
            yield from self.parts()

    def parts(self) -> Iterator[Any]:
        """What stands below the words."""
        yield from ()


class Ask(Dialog):
    """A question. Answers with the text of the chosen button."""

    BINDINGS = [
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, text: str, *answers: str) -> None:
        super().__init__("", text)
        self._answers = answers

    def parts(self) -> Iterator[Any]:
        with Horizontal(classes="answers"):
            for index, answer in enumerate(self._answers):
                yield Button(answer, variant="primary" if not index else "default", compact=True)

    @on(Button.Pressed)
    def _answer(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(str(event.button.label))


class Words(Dialog):
    """Asks for one line; answers it trimmed, or nothing."""

    def __init__(self, title: str, words: str = "", value: str = "", placeholder: str = "") -> None:
        super().__init__(title, words)
        self._value, self._placeholder = value, placeholder

    def parts(self) -> Iterator[Any]:
        yield Input(self._value, placeholder=self._placeholder)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)


class Choose(Dialog):
    """Asks for one of several; answers its index, or nothing."""

    def __init__(self, title: str, options: Sequence[str], words: str = "") -> None:
        super().__init__(title, words)
        self._options = options

    def parts(self) -> Iterator[Any]:
        yield OptionList(*(Option(inert(text, 100)) for text in self._options))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)

"""The /commands of the input: what can be done without the agent having to understand it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UserError
from ..asking import BUSY
from ..themes import THEMES

if TYPE_CHECKING:
    from ..bridge import Bridge
    from .screen import ChatScreen

Action = Callable[["ChatScreen", list[str]], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class Command:
    """One way to use a command. `usage` is shown with it, and says what completes it; `action` gets the words behind
    the name."""

    name: str
    usage: str
    what: str
    action: Action
    words: tuple[int, int] = (0, 0)
    """The fewest and the most words behind it."""
    alone: bool = False
    """It changes what a turn works on, or has the bar for itself: not while a picture is drawn."""


def run(screen: ChatScreen, text: str) -> Awaitable[None] | None:
    """Run "/name words". Raises `UserError` for an unknown command or too few words."""
    name, *words = text[1:].split()
    ways = [command for command in COMMANDS if command.name == name.lower()]
    if not ways:
        near = dict.fromkeys(f"/{command.name}" for command in COMMANDS if command.name[:1] == name[:1].lower())
        hint = f"Did you mean {' or '.join(near)}?" if near else "/help lists all of them."
        raise UserError(f"There is no command /{name}.", hint)
    low, high = ways[0].words
    if not low <= len(words) <= high:
        raise _misused(ways[0].name)
    if ways[0].alone and screen.bridge.busy:
        raise UserError(BUSY)
    return ways[0].action(screen, words)


def _misused(name: str) -> UserError:
    ways = [f"/{name} {command.usage}".rstrip() for command in COMMANDS if command.name == name]
    return UserError(f"It is used like this: {', or '.join(ways)}.")


def names(bridge: Bridge, kind: str) -> list[str]:
    """What there is of a METHOD or a SESSION; nothing of what has no list."""
    if kind == "METHOD":
        return ["auto", *(method.name for method in bridge.methods() if method.available)]
    return bridge.sessions() if kind == "SESSION" else []


def _steps(words: list[str]) -> int:
    if not words:
        return 1
    if not words[0].isdigit() or not int(words[0]):
        raise UserError(f"{words[0]!r} is no number of steps.")
    return int(words[0])


def _undo(screen: ChatScreen, words: list[str]) -> Awaitable[None]:
    return screen.at(screen.bridge.undo(_steps(words)))


def _redo(screen: ChatScreen, words: list[str]) -> Awaitable[None]:
    return screen.at(screen.bridge.redo(_steps(words)))


def _go(screen: ChatScreen, words: list[str]) -> Awaitable[None]:
    return screen.at(screen.bridge.fork(words[0]))


def _rate(screen: ChatScreen, words: list[str]) -> None:
    if words[1] not in ("good", "bad"):
        raise UserError("A take is rated good or bad.")
    screen.bridge.rate(words[0], words[1] == "good")


def _show(screen: ChatScreen, words: list[str]) -> None:
    screen.open_take(screen.bridge.take(words[0]))


def _compare(screen: ChatScreen, words: list[str]) -> None:
    first, second = map(screen.bridge.take, words)
    if first.id == second.id:
        raise UserError("Two different takes are needed to compare.")
    screen.app.compare(first, second)


async def _image(screen: ChatScreen, words: list[str]) -> None:
    from ...tools.images import check_picture
    from .completion import dropped

    said = " ".join(words)
    paths = dropped(said)
    if not paths and not Path(said.strip("'\"")).expanduser().exists():
        raise UserError(f"There is no file {said}.")
    if not paths:
        raise UserError(f"{said} is no picture file.", "PNG, JPEG, WebP, GIF, BMP and TIFF work.")
    for path in paths:  # what cannot be read is said now, not when the sentence has been sent
        await asyncio.to_thread(check_picture, path)
    await screen.prompt.attach(paths)


def _save(screen: ChatScreen, words: list[str]) -> Awaitable[None]:
    take = screen.bridge.take(words[0])
    file = Path(" ".join(words[1:]) or f"take-{take.number}.png").expanduser()
    if file.exists():
        raise UserError(f"{file} is there already.", "Name another file.")
    try:
        screen.bridge.save(take, file)
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror or error}.") from error
    return screen.tell(f"Take {take.number} is in {file.absolute()}.")


async def _session(screen: ChatScreen, words: list[str]) -> None:
    if words:
        screen.bridge.switch(" ".join(words))
    else:
        known = ", ".join(names(screen.bridge, "SESSION")) or "none yet"
        await screen.tell(f"Conversations: {known}. /session NAME opens one.")


async def _method(screen: ChatScreen, words: list[str]) -> None:
    known = names(screen.bridge, "METHOD")
    if not words:
        await screen.tell(f"Drawing with {screen.method}. There are: {', '.join(known)}.")
    elif words[0] not in known:
        why = next((method.why for method in screen.bridge.methods() if method.name == words[0]), "")
        raise UserError(f"The method {words[0]!r} cannot be used. {why}".rstrip(), f"There are: {', '.join(known)}.")
    else:
        screen.method = words[0]
        await screen.tell(f"Pictures are drawn with {words[0]} from now on.")


def _export(screen: ChatScreen, words: list[str]) -> None:
    force, words = "--force" in words, [word for word in words if word != "--force"]
    what = words[0] if words else ""
    if what not in ("concept", "session") or len(words) < 2 + (what == "concept"):
        raise _misused("export")
    file = Path(words[-1] if what == "concept" else " ".join(words[1:])).expanduser()
    if file.exists() and not force:
        raise UserError(f"{file} is there already.", "Name another file, or add --force.")
    if what == "session":
        screen.do("writing", lambda: screen.bridge.export_session(file), f"This conversation is in {file.absolute()}.")
    else:
        name = " ".join(words[1:-1]).removeprefix("@")
        screen.do("writing", lambda: screen.bridge.export_concept(name, file), f"{name} is in {file.absolute()}.")


def _import(screen: ChatScreen, words: list[str]) -> None:
    file = Path(" ".join(words)).expanduser()
    screen.do("reading", lambda: screen.bridge.import_file(file), "")


def _keep(screen: ChatScreen, words: list[str]) -> None:
    name, kind = words[0].removeprefix("@"), words[1]
    head = screen.bridge.head
    takes = [screen.bridge.take(word) for word in words[2:]] or ([head] if head else [])
    done = f"{name} is learned. Say what to draw: {name} on the beach."
    screen.do("learning", lambda: screen.bridge.teach(name, takes, kind), done)


def _train(screen: ChatScreen, words: list[str]) -> None:
    screen.bridge.train(" ".join(words).removeprefix("@"))


async def _jobs(screen: ChatScreen, words: list[str]) -> None:
    rows = screen.bridge.jobs()
    lines = [f"{row['concept']} ({row['method']}): {row['state']}. {row['message']}".rstrip() for row in rows[-8:]]
    await screen.tell("\n".join(lines) or "Nothing has been trained yet. /train NAME begins.")


def _stop(screen: ChatScreen, words: list[str]) -> None:
    screen.bridge.stop_training(" ".join(words).removeprefix("@"))


def _theme(screen: ChatScreen, words: list[str]) -> None:
    names = [theme.name.removeprefix("limner-") for theme in THEMES]
    if words and words[0].lower() not in names:
        raise UserError(f"There is no theme {words[0]!r}; there are: {', '.join(names)}.")
    if not words or screen.app.theme != f"limner-{words[0].lower()}":
        screen.app.action_toggle_light()


def _opens(name: str) -> Action:
    def action(screen: ChatScreen, words: list[str]) -> None:
        screen.app.action_open(name)

    return action


COMMANDS: tuple[Command, ...] = (
    Command("help", "", "All keys and commands", _opens("help")),
    Command("teach", "", "Teach a subject from pictures", lambda screen, words: screen.app.teach()),
    Command("keep", "NAME NOUN [TAKE]", "Learn what a take shows: /keep Fizz robot", _keep, (2, 10), True),
    Command("concepts", "", "What Limner knows", _opens("concepts")),
    Command("takes", "", "The tree of takes, beside the chat", lambda screen, words: screen.action_tree()),
    Command("undo", "[STEPS]", "Go back to the take before", _undo, (0, 1), True),
    Command("redo", "[STEPS]", "Take back an undo", _redo, (0, 1), True),
    Command("go", "TAKE", "Go to a take; what comes next branches off there", _go, (1, 1), True),
    Command("show", "TAKE", "A take, large, beside its references", _show, (1, 1)),
    Command("compare", "TAKE TAKE", "Two takes side by side", _compare, (2, 2)),
    Command("rate", "TAKE good|bad", "Keep your verdict on a take", _rate, (2, 2)),
    Command("save", "TAKE [FILE]", "Write a take's picture to a file", _save, (1, 20)),
    Command("image", "PICTURE", "Attach a picture to what you say next", _image, (1, 40)),
    Command("method", "[METHOD]", "How pictures are drawn", _method, (0, 1)),
    Command("train", "@NAME", "Learn a concept better, in the background", _train, (1, 20)),
    Command("jobs", "", "Trainings: waiting, under way, over", _jobs),
    Command("stop", "@NAME", "End a concept's training; what is good is kept", _stop, (1, 20)),
    Command("session", "[SESSION]", "Open another conversation", _session, (0, 20), True),
    Command("export", "session FILE", "Write this conversation to one file", _export, (2, 20), True),
    Command("export", "concept @NAME FILE", "Write a concept to one file", _export, (2, 20), True),
    Command("import", "FILE", "Take in an exported file", _import, (1, 40), True),
    Command("settings", "", "Models, planner, theme, pictures", _opens("settings")),
    Command("theme", "[light|dark]", "Light or dark; alone, the other one", _theme, (0, 1)),
    Command("quit", "", "Leave Limner", lambda screen, words: screen.app.action_quit()),
)

"""`limner demo`: the main job from end to end, in a temporary library, written down as a folder."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError, ModelError, UserError
from ..memory.events import Failed, Question, Reply, TakeReady
from ..memory.values import Take
from .demo_page import Exchange, Story, page
from .demo_sheet import sheet
from .files import save, save_picture
from .output import Output, clean, concept_row, duration, take_row
from .talk import follow

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..agent.agent import Agent
    from ..agent.session import Session

NAME, KIND, SEED = "Biscuit", "dog", 24
TURNS = (
    "Biscuit on the beach, wearing sunglasses",
    "again",
    "now at night",
    "back two",
    "put him in the snow",
    "I like this one",
    "now with a crown instead of the sunglasses",
    "what do you know about Biscuit?",
)
RECORD = "conversation.json"


def reference_pictures(count: int = 3, side: int = 256) -> list[Image]:
    """Pictures of one subject of the storybook world that the models have never seen; RGB, `side` pixels."""
    from ..starter.world import render, sample_scene, sample_subject

    rng = random.Random(SEED)
    subject = sample_subject(rng, held_out=True)
    while subject.kind != KIND:
        subject = sample_subject(rng, held_out=True)
    return [render(sample_scene(rng, [subject], plain=True), side).image for _ in range(count)]


def run_demo(out: Output, folder: Path, *, preset: str, planner: str | None) -> None:
    """Teach, talk, and write `folder`.

    Raises `UserError` when `folder` holds something else, `LibraryError` when it cannot be written, and
    whatever the agent raises.
    """
    from ..agent.agent import Agent

    _check(folder)
    began = time.perf_counter()
    with TemporaryDirectory(prefix="limner-demo-", ignore_cleanup_errors=True) as home:
        references = reference_pictures()
        files = [Path(home) / f"reference-{number}.png" for number in range(1, len(references) + 1)]
        for image, file in zip(references, files, strict=True):
            image.save(file)
        with Agent.open(preset=preset, home=Path(home) / "library", planner=planner) as agent:
            out.notices(agent.notices)
            story = _live_through(out, agent, files, references, preset)
            _write(story, folder)
    out.row(
        {
            "out": str(folder),
            "page": str(folder / "index.html"),
            "seconds": round(time.perf_counter() - began, 2),
        },
        f"\nAll of it took {duration(time.perf_counter() - began)}.\n"
        f"  the conversation  {folder / 'index.html'}\n"
        f"  the tree          {folder / 'tree.png'}\n"
        f"  every take        {folder / 'takes'}",
    )


def _check(folder: Path) -> None:
    """Refuse to write among files that are not an earlier demo's."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is not a folder.", "Name another one with --out.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / RECORD).exists():
        raise UserError(f"{folder} holds other files.", "Name another folder with --out.")


def _live_through(
    out: Output, agent: Agent, files: list[Path], references: list[Image], preset: str
) -> Story:
    """The demo itself: teach, then every turn, printed as it happens."""
    out.words(f"Teaching {NAME}, a {KIND} that no model has seen, from {len(files)} pictures.")
    began = time.perf_counter()
    concept = agent.teach(NAME, files, kind=KIND)
    took = time.perf_counter() - began
    out.row({"taught": concept_row(concept), "seconds": round(took, 2)}, f"  learned in {duration(took)}")
    chat = agent.session("demo")
    exchanges = tuple(_exchange(out, chat, text) for text in TURNS)
    takes = chat.takes()
    title = f"{NAME}: {len(takes)} takes from {len(references)} pictures"
    return Story(concept, tuple(references), exchanges, sheet(title, references, takes), preset, took)


def _exchange(out: Output, chat: Session, text: str) -> Exchange:
    out.words(f"\nyou     {text}")
    began = time.perf_counter()
    reply, takes = "", list[Take]()
    for event in follow(out, chat.stream(text), indent="limner  "):
        match event:
            case Reply(text=said, done=True):
                reply = said
            case TakeReady(take=take):
                takes.append(take)
            case Question(text=asked):
                reply = asked
            case Failed(text=failure, hint=hint):
                raise ModelError(f"The demo stopped at {text!r}: {failure}", hint)
    took = time.perf_counter() - began
    out.words(f"        {duration(took)}")
    return Exchange(text, reply, tuple(takes), took, chat.head.number if chat.head else None)


def _write(story: Story, folder: Path) -> None:
    """Write the folder; what an earlier demo left in it is replaced."""
    try:
        for name in ("references", "takes"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            for old in (folder / name).glob("*.png"):
                old.unlink()
    except OSError as error:
        raise LibraryError(f"Cannot write {folder}: {error.strerror}.") from error
    for number, image in enumerate(story.references, 1):
        save_picture(image, folder / "references" / f"{number}.png")
    for take in story.takes:
        save_picture(take.image, folder / "takes" / f"{take.number}.png")
    save_picture(story.tree, folder / "tree.png")
    save(folder / RECORD, json.dumps(_record(story), indent=2, default=str).encode())
    save(folder / "index.html", page(story).encode())


def _record(story: Story) -> dict[str, Any]:
    """What happened, for programs."""

    def rows(exchange: Exchange) -> Iterator[dict[str, Any]]:
        for take in exchange.takes:
            yield take_row(take) | {"image": f"takes/{take.number}.png"}

    return {
        "concept": story.concept.name,
        "kind": story.concept.kind,
        "preset": story.preset,
        "teach_seconds": round(story.teach_seconds, 3),
        "turns": [
            {
                "text": clean(exchange.text),
                "reply": exchange.reply,
                "seconds": round(exchange.seconds, 3),
                "at": exchange.at,
                "takes": list(rows(exchange)),
            }
            for exchange in story.exchanges
        ],
    }

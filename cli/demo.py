"""`limner demo`: the main job from end to end, in a temporary library, written down as a folder."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ..errors import LibraryError, UserError
from ..memory.events import Notice, Progress, Reply, TakeReady
from ..memory.values import Concept, Take
from .demo_page import Exchange, Story, page
from .demo_sheet import sheet
from .files import save, save_picture, save_take
from .output import Output, clean, concept_row, duration, event_row, take_line, take_row

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..agent.session import Session

NAME, KIND, SEED = "Biscuit", "dog", 23
PLACES = ("meadow", "farm", "city")
"""Where the pictures show him: in none of the places that he is asked for."""
TURNS = (
    "Biscuit on the beach, wearing sunglasses",
    "again",
    "now at night",
    "back two",
    "put him in front of the castle",
    "I like this one",
    "let him hold a balloon",
    "what do you know about Biscuit?",
)
RECORD = "conversation.json"


def reference_pictures(side: int = 256) -> list[Image]:
    """Three pictures of one subject of the storybook world that no model has seen; RGB, `side` pixels."""
    from ..starter.world import Figure, Scene, render, sample_subject

    rng = random.Random(SEED)
    subject = sample_subject(rng, held_out=True)
    while subject.kind != KIND:
        subject = sample_subject(rng, held_out=True)
    return [render(Scene(place, "day", (Figure(subject),)), side).image for place in PLACES]


def write_references(folder: Path) -> list[Path]:
    """The reference pictures as files in `folder`."""
    files = []
    for number, image in enumerate(reference_pictures(), 1):
        files.append(folder / f"{number}.png")
        save_picture(image, files[-1])
    return files


def run_demo(out: Output, folder: Path, *, preset: str, planner: str | None) -> None:
    """Teach, talk, and write `folder`.

    Raises `UserError` when `folder` holds something else, `LibraryError` when it cannot be written, and
    whatever the agent raises. Stopped half-way, `folder` holds what had happened by then.
    """
    from ..agent.agent import Agent

    began = time.perf_counter()
    book = Book(folder, preset)
    references = reference_pictures()
    files = book.begin()
    with TemporaryDirectory(prefix="limner-demo-", ignore_cleanup_errors=True) as home:
        with Agent.open(preset=preset, home=home, planner=planner) as agent:
            out.notices(agent.notices)
            out.words(f"Teaching {NAME}, a {KIND} that no model has seen, from {len(files)} pictures.")
            concept = agent.teach(NAME, files, kind=KIND)
            book.taught(concept, time.perf_counter() - began)
            out.row(concept_row(concept), f"        {duration(book.teach_seconds)}")
            chat = agent.session("demo")
            for text in TURNS:
                book.add(_exchange(out, book, chat, text))
            book.finish(references, chat.takes())
    seconds = time.perf_counter() - began
    out.row(
        {"out": str(folder), "page": str(folder / "index.html"), "seconds": round(seconds, 2)},
        f"\nAll of it took {duration(seconds)}.\n"
        f"  the conversation  {folder / 'index.html'}\n"
        f"  the tree          {folder / 'tree.png'}\n"
        f"  every take        {folder / 'takes'}",
    )


def _exchange(out: Output, book: Book, chat: Session, text: str) -> Exchange:
    """One turn, printed as it happens."""
    out.words(f"\nyou     {text}")
    began = time.perf_counter()
    reply, takes = "", list[Take]()
    for event in chat.stream(text):
        match event:
            case Progress():
                out.meter.show(event)
            case Notice(text=remark):
                out.notice(remark)
            case TakeReady(take=take):
                # The library is a temporary one: what is shown is the copy that stays.
                takes.append(replace(take, image_path=book.keep(take, chat.takes(), chat.agent.library.home)))
                out.row(event_row(TakeReady(takes[-1])), f"        {take_line(takes[-1])}")
            case Reply(text=reply, done=True):
                out.row(event_row(event), "limner  " + clean(reply, lines=True).replace("\n", "\n        "))
    took = time.perf_counter() - began
    return Exchange(text, reply, tuple(takes), took, chat.head.number if chat.head else None)


class Book:
    """The folder that the demo writes, filled as things happen."""

    def __init__(self, folder: Path, preset: str) -> None:
        """Raises `UserError` when `folder` is a file or holds something else than an earlier demo."""
        if folder.exists() and not folder.is_dir():
            raise UserError(f"{folder} is not a folder.", "Name another one with --out.")
        if folder.is_dir() and any(folder.iterdir()) and not (folder / RECORD).exists():
            raise UserError(f"{folder} holds other files.", "Name another folder with --out.")
        self.folder = folder
        self.preset = preset
        self.concept: Concept | None = None
        self.teach_seconds = 0.0
        self.exchanges: list[Exchange] = []

    def begin(self) -> list[Path]:
        """Clear what an earlier demo left, and write the reference pictures."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write_record()
            for name in ("references", "takes"):
                (self.folder / name).mkdir(exist_ok=True)
                for old in (self.folder / name).glob("*.png"):
                    old.unlink()
            for name in ("tree.png", "index.html"):
                (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise LibraryError(f"Cannot write {self.folder}: {error.strerror}.") from error
        return write_references(self.folder / "references")

    def taught(self, concept: Concept, seconds: float) -> None:
        """The subject is learned."""
        self.concept, self.teach_seconds = concept, seconds
        self._write_record()

    def keep(self, take: Take, takes: Sequence[Take], home: Path) -> Path:
        """Copy a take's picture; its words are the demo's own, so they are written into it."""
        file = self.folder / "takes" / f"{take.number}.png"
        save_take(take, file, takes, home, prompts=True)
        return file

    def add(self, exchange: Exchange) -> None:
        """A turn has ended."""
        self.exchanges.append(exchange)
        self._write_record()

    def finish(self, references: list[Image], takes: list[Take]) -> None:
        """Write the tree and the page."""
        assert self.concept is not None
        tree = sheet(f"{NAME}: {len(takes)} takes from {len(references)} pictures", references, takes)
        save_picture(tree, self.folder / "tree.png")
        story = Story(self.concept, tuple(references), tuple(self.exchanges), tree, self.preset, self.teach_seconds)
        save(self.folder / "index.html", page(story).encode())

    def _write_record(self) -> None:
        record = {
            "concept": concept_row(self.concept) if self.concept else None,
            "preset": self.preset,
            "teach_seconds": round(self.teach_seconds, 3),
            "turns": [
                {
                    "text": exchange.text,
                    "reply": exchange.reply,
                    "seconds": round(exchange.seconds, 3),
                    "at": exchange.at,
                    "takes": [
                        take_row(take) | {"image": take.image_path.relative_to(self.folder).as_posix()}
                        for take in exchange.takes
                    ],
                }
                for exchange in self.exchanges
            ],
        }
        save(self.folder / RECORD, (json.dumps(record, indent=1, default=str) + "\n").encode())

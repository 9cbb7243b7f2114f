"""Holds the conversations with a real agent in a library of its own, and measures what came of them."""

from __future__ import annotations

import hashlib
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFilter

from ...starter.world import Scene, render
from ..judge.reader import WEIGHTS, Judge, Reading
from ..results import ResultFolder
from ..storybook.measures import truth
from ..storybook.running import tell
from .script import Conversation, Said, conversation, drift

if TYPE_CHECKING:
    from ...agent.agent import Agent
    from ...agent.session import Session

GROWN = 9
"""Window (pixels) that grows the renderer's region by 4 px on every side."""
KEPT = ("kind", "main", "second", "place")


@dataclass(frozen=True)
class Settings:
    """What a run's results depend on."""

    preset: str
    method: str
    model: str
    judge: str
    seed: int


def run(preset: str, method: str, seed: int, count: int, out: Path | None) -> ResultFolder:
    """Begins a run of `count` conversations or goes on with it; returns its results."""
    from ...agent.agent import Agent
    from ..storybook.running import chosen_method

    judge = Judge.load()
    with tempfile.TemporaryDirectory() as home, Agent.open(preset=preset, home=home, planner="offline") as agent:
        drawn_by = agent.studio.model_hash(chosen_method(agent.studio, method))
        weights = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()[:12]
        settings = Settings(preset, method, drawn_by, weights, seed)
        folder = out or Path("bench-results") / f"rounds-{Path(preset).stem}-{method}-{drawn_by[:8]}-seed{seed}"
        results = ResultFolder.begin(folder, asdict(settings))
        began, fresh = time.monotonic(), 0
        for number in range(count):
            if missing := [s for s in ("talk", "drift") if (number, s) not in results.done]:
                for stage in missing:
                    row = (_talk if stage == "talk" else _drift)(agent, judge, results.folder, number, settings)
                    results.add({"trial": number, "stage": stage} | row)
                fresh += 1
                tell(f"{number + 1} of {count} conversations, {(time.monotonic() - began) / fresh:.1f} s each")
    return results


def _talk(agent: Agent, judge: Judge, folder: Path, number: int, settings: Settings) -> dict[str, Any]:
    """One conversation of ten turns; its two subjects are forgotten afterwards."""
    script = conversation(number, settings.seed)
    with tempfile.TemporaryDirectory() as shown:
        for name, scene in zip((script.name, script.friend_name), script.references, strict=True):
            file = Path(shown) / f"{name}.png"
            render(scene).image.save(file)
            agent.teach(name, [file], kind=scene.figures[0].subject.kind)
    chat = agent.session(f"talk-{number}")
    began = time.perf_counter()
    turns = [_turn(chat, judge, said, settings.method) for said in script.turns]
    seconds = time.perf_counter() - began
    for name in (script.name, script.friend_name):
        agent.forget(name)
    _keep(chat, folder / f"talk-{number:03d}.png")
    moves = {f"turn {said.move}": bool(turn["right"]) for said, turn in zip(script.turns, turns, strict=True)}
    drawn = [turn for turn in turns if "reading" in turn]
    right: dict[str, bool | None] = {
        "every move": all(turn["moved"] for turn in turns),
        "last picture": bool(turns[-1]["right"]),
        "last picture kept": bool(turns[-1].get("kept")),
        **moves,
    }
    return {
        "script": _described(script),
        "turns": turns,
        "pictures": len(drawn),
        "right": right,
        "seconds": round(seconds, 2),
    }


def _turn(chat: Session, judge: Judge, said: Said, method: str) -> dict[str, Any]:
    """One turn: did it make the right move, and does its picture show what it should?"""
    turn = chat.say(said.words, method=method)
    head = chat.head
    if said.shows is None:
        moved = not turn.takes and head is not None and head.number == said.parent
        return {"words": said.words, "moved": moved, "right": moved}
    if turn.take is None:
        return {"words": said.words, "moved": False, "right": False, "reply": turn.reply}
    parent = chat.take(turn.take.parent).number if turn.take.parent else None
    reading = judge.read([turn.take.image])[0]
    found, wanted = reading.values(), truth(said.shows)
    made = _asked(said, reading)
    kept = all(found[name] == wanted[name] for name in KEPT) and len(reading.figures) == len(said.shows.figures)
    return {
        "words": said.words,
        "moved": parent == said.parent,
        "asked": made,
        "kept": kept,
        "right": parent == said.parent and made and kept,
        "reading": found,
        "method": turn.take.method,
    }


def _asked(said: Said, reading: Reading) -> bool:
    """Whether the picture shows what this turn was about."""
    assert said.shows is not None
    wanted, found = truth(said.shows), reading.values()
    if said.what:
        return found[said.what] == wanted[said.what]
    setting = reading.place == said.shows.place and reading.time == said.shows.time
    pairs = zip(said.shows.figures, reading.figures, strict=False)
    return setting and all(f.accessory == r.accessory and f.subject.kind == r.kind for f, r in pairs)


def _drift(agent: Agent, judge: Judge, folder: Path, number: int, settings: Settings) -> dict[str, Any]:
    """Ten edits of an attached picture: change outside what had to change, a round, and the changes made."""
    plan = drift(number, settings.seed)
    chat = agent.session(f"drift-{number}")
    start = render(plan.start).image
    with tempfile.TemporaryDirectory() as shown:
        file = Path(shown) / "picture.png"
        start.save(file)
        before, outside, asked = plan.start, [], []
        region = np.zeros((64, 64), bool)
        for i, (what, words, after) in enumerate(plan.steps):
            turn = chat.say(words, [file] if i == 0 else (), method=settings.method)
            region |= _must_change(before, after)
            before = after
            head = chat.head
            assert head is not None, "an attached picture became no take"
            outside.append(round(_difference(start, head.image, ~region), 5))
            reading = judge.read([head.image])[0].values()
            asked.append(bool(turn.take and reading[what] == truth(after)[what]))
    _keep(chat, folder / f"drift-{number:03d}.png")
    right = {"asked": sum(asked) >= 0.8 * len(asked), "outside <= 0.01": outside[-1] <= 0.01}
    return {"right": right, "outside": outside, "asked": asked, "whats": [s[0] for s in plan.steps], "seconds": 0.0}


def _must_change(before: Scene, after: Scene) -> np.ndarray:
    """bool `[64, 64]`: where the renderer changes pixels, grown by 4 px."""
    old, new = (np.asarray(render(scene).image, np.int16) for scene in (before, after))
    changed = Image.fromarray((np.abs(new - old).max(-1) > 0).astype(np.uint8) * 255)
    return np.asarray(changed.filter(ImageFilter.MaxFilter(GROWN))) > 0


def _difference(old: Image.Image, new: Image.Image, where: np.ndarray) -> float:
    """Mean absolute difference of 1, over the pixels `where`."""
    a, b = (np.asarray(p.convert("RGB").resize((64, 64)), np.float32) / 255 for p in (old, new))
    return float(np.abs(a - b)[where].mean()) if where.any() else 0.0


def _keep(chat: Session, file: Path) -> None:
    """All takes of a conversation in a row."""
    takes = chat.takes()
    strip = Image.new("RGB", (66 * max(1, len(takes)), 64), "white")
    for i, take in enumerate(takes):
        strip.paste(take.image.resize((64, 64)), (66 * i, 0))
    strip.save(file)


def _described(script: Conversation) -> dict[str, str]:
    return {"name": script.name, "kind": script.subject.kind, "friend": script.friend.kind}

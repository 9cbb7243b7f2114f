"""The pictures that the starter models learn from: rendered once, read by every recipe.

A pool is a folder of arrays that are mapped into memory:

- `pictures.npy`  `[n, 64, 64, 3]` uint8, rows as in `plan_scenes`
- `labels.npy`    `[n, 64, 64]` uint8: 0 background, 1 and 2 the figures, 3 an accessory
- `crops.npy`     `[singles, 64, 64, 3]` uint8: the subject of each single scene, cut out on grey
- `scenes.pkl`    the scenes, row by row, and what turns which row into which

It is a cache that this module can write again, so the pickle never comes from outside.
"""

from __future__ import annotations

import multiprocessing
import pickle
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..tools.subject import crop_subject
from .world import (
    ACCESSORIES,
    COLOURS,
    PLACES,
    POSITIONS,
    TIMES,
    Figure,
    Scene,
    Subject,
    change,
    is_held_out,
    is_held_out_setting,
    render,
    sample_scene,
    sample_subject,
)

EDITS = ("time", "place", "accessory", "position", "size", "main", "second", "add", "remove")
EDIT_WEIGHTS = (15, 15, 34, 7, 5, 5, 8, 8, 3)


@dataclass(frozen=True)
class Sizes:
    """How much is drawn: subjects, single scenes a subject, pairs of subjects, edits."""

    subjects: int = 12_000
    scenes: int = 5
    pairs: int = 10_000
    edits: int = 40_000


@dataclass(frozen=True)
class Edit:
    """Row `after` is row `before` with `what` changed (of its figure `figure`)."""

    before: int
    after: int
    what: str
    figure: int


def sample_edit(rng: random.Random, scene: Scene, other: Subject) -> tuple[str, int, Scene] | None:
    """A random single change of `scene`, or `None` where the draw does not fit it."""
    what = rng.choices(EDITS, EDIT_WEIGHTS)[0]
    figure = rng.randrange(len(scene.figures))
    shown = scene.figures[figure]
    value: object = None
    if what == "time":
        value = rng.choice([t for t in TIMES if t != scene.time])
    elif what == "place":
        value = rng.choice([p for p in PLACES if p != scene.place])
    elif what == "accessory":
        worn = shown.accessory
        options = [a for a in ACCESSORIES if a != worn]
        value = "none" if worn != "none" and rng.random() < 0.35 else rng.choice(options)
    elif what == "position" and len(scene.figures) == 1:
        value = rng.choice([p for p in POSITIONS if p != shown.position])
    elif what == "size" and len(scene.figures) == 1:
        value = "small" if shown.size == "big" else "big"
    elif what in ("main", "second"):
        taken = (shown.subject.main, shown.subject.second)
        value = rng.choice([c for c in COLOURS if c not in taken])
    elif what == "add" and len(scene.figures) == 1:
        value = Figure(other, "none", "small", "right")
    elif not (what == "remove" and len(scene.figures) == 2):
        return None
    try:
        after = change(scene, what, value, figure)
    except ValueError:
        return None
    if any(is_held_out(f.subject) for f in after.figures):
        return None
    if any(is_held_out_setting(after.place, after.time, f.accessory) for f in after.figures):
        return None
    return (what, figure, after) if after != scene else None


def plan_scenes(sizes: Sizes, seed: int) -> tuple[list[Scene], list[Edit]]:
    """All scenes of a pool: singles (row = subject * scenes + i), pairs, then the edited ones."""
    rng = random.Random(seed)
    subjects = [sample_subject(rng) for _ in range(sizes.subjects)]
    scenes = [sample_scene(rng, [s]) for s in subjects for _ in range(sizes.scenes)]
    singles = len(scenes)
    for _ in range(sizes.pairs):
        a, b = rng.sample(range(sizes.subjects), 2)
        scenes.append(sample_scene(rng, [subjects[a], subjects[b]]))
    edits: list[Edit] = []
    while len(edits) < sizes.edits:
        before = rng.randrange(singles) if rng.random() < 0.85 else rng.randrange(singles, singles + sizes.pairs)
        made = sample_edit(rng, scenes[before], rng.choice(subjects))
        if made:
            edits.append(Edit(before, len(scenes), made[0], made[1]))
            scenes.append(made[2])
    return scenes, edits


def _draw(scene: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    picture = render(scene)
    labels = np.zeros((64, 64), np.uint8)
    for i, mask in enumerate(picture.masks):
        labels[np.asarray(mask) > 127] = i + 1
    for mask in picture.accessory_masks:
        labels[np.asarray(mask) > 127] = 3
    crop = crop_subject(picture.image, picture.masks[0])
    return np.asarray(picture.image), labels, np.asarray(crop)


def write_pool(folder: Path, sizes: Sizes = Sizes(), seed: int = 0, processes: int = 2) -> None:
    """Renders a pool into `folder`; does nothing when it is already there."""
    if (folder / "scenes.pkl").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    scenes, edits = plan_scenes(sizes, seed)
    n, singles = len(scenes), sizes.subjects * sizes.scenes
    create = np.lib.format.open_memmap
    pictures = create(folder / "pictures.npy", "w+", np.uint8, (n, 64, 64, 3))
    labels = create(folder / "labels.npy", "w+", np.uint8, (n, 64, 64))
    crops = create(folder / "crops.npy", "w+", np.uint8, (singles, 64, 64, 3))
    with multiprocessing.Pool(processes) as pool:
        for i, (picture, label, crop) in enumerate(pool.imap(_draw, scenes, chunksize=256)):
            pictures[i], labels[i] = picture, label
            if i < singles:
                crops[i] = crop
    with open(folder / "scenes.new", "wb") as file:
        pickle.dump({"sizes": sizes, "scenes": scenes, "edits": edits}, file)
    (folder / "scenes.new").rename(folder / "scenes.pkl")


class Pool:
    """A rendered pool, opened for reading."""

    def __init__(self, folder: Path) -> None:
        self.pictures = np.load(folder / "pictures.npy", mmap_mode="r")
        self.labels = np.load(folder / "labels.npy", mmap_mode="r")
        self.crops = np.load(folder / "crops.npy", mmap_mode="r")
        with open(folder / "scenes.pkl", "rb") as file:
            record = pickle.load(file)
        self.sizes: Sizes = record["sizes"]
        self.scenes: list[Scene] = record["scenes"]
        self.edits: list[Edit] = record["edits"]
        self.singles = self.sizes.subjects * self.sizes.scenes

    def siblings(self, row: int) -> range:
        """The single scenes of the subject of single scene `row`."""
        first = row - row % self.sizes.scenes
        return range(first, first + self.sizes.scenes)


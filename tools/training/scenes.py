"""Words for scenes: captions of pictures, prompts of prior pictures, prompts to measure a training with."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

SMALL = 0.5
"""Part of the picture's side up to which a figure's shorter side makes it small; the longer one may be a balloon's."""
Embed = Callable[..., "np.ndarray"]


@dataclass(frozen=True)
class Scenes:
    """Phrases that follow a noun. The defaults are those of DreamBooth's evaluation (arXiv 2208.12242, section 4.1)."""

    place: tuple[str, ...] = (
        "in the jungle", "in the snow", "on the beach", "on a cobblestone street", "on top of a wooden floor",
        "with a city in the background", "with a mountain in the background", "on top of green grass",
    )  # fmt: skip
    time: tuple[str, ...] = ("in daylight", "at sunset", "at night")
    worn: tuple[str, ...] = ("wearing a red hat", "wearing a santa hat", "wearing a rainbow scarf")
    frame: tuple[str, ...] = ("on the left", "on the right", "in the distance")
    """What a figure on the left, on the right or a small one is called; a large one in the middle goes unsaid."""
    kinds: tuple[str, ...] = ()
    """Class nouns that the model knows; a kind that is none of them is looked up by eye. Empty: any."""

    @classmethod
    def of(cls, given: Mapping[str, Sequence[str]]) -> Scenes:
        """A preset's phrases in place of the defaults."""
        return cls(**{f.name: tuple(given[f.name]) for f in fields(cls) if f.name in given})


@dataclass(frozen=True)
class Caption:
    """What a picture shows beside its subject."""

    place: str = ""
    time: str = ""
    frame: str = ""
    worn: str = ""

    def of(self, who: str) -> str:
        """The caption of `who`."""
        return " ".join(part for part in (who, self.worn, self.frame, self.place, self.time) if part)


class Captioner:
    """Names what pictures show, by the nearest phrase in an embedding space of pictures and words."""

    def __init__(self, scenes: Scenes, images: Embed, texts: Embed) -> None:
        self.scenes, self._images, self._texts = scenes, images, texts

    def captions(self, images: Sequence[Image]) -> list[Caption]:
        """Place and time of each picture."""
        seen = self._images(images)
        place, time = self._nearest(seen, self.scenes.place), self._nearest(seen, self.scenes.time)
        return [Caption(p, t) for p, t in zip(place, time, strict=True)]

    def frame(self, mask: np.ndarray) -> str:
        """Where the figure (bool `[h, w]`) stands and whether it is small, in words."""
        import numpy as np

        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not len(columns) or len(self.scenes.frame) < 3:
            return ""
        left, right, small = self.scenes.frame
        middle = (columns[0] + columns[-1] + 1) / 2 / mask.shape[1]
        across = min(rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1) / max(mask.shape)
        side = left if middle < 0.38 else right if middle > 0.62 else ""
        return " ".join(part for part in (small if across <= SMALL else "", side) if part)

    def noun(self, kind: str, images: Sequence[Image], masks: Sequence[Image | None]) -> str:
        """The class noun to draw priors with: the user's, or the nearest one that the model knows."""
        kinds = self.scenes.kinds
        if not kinds or kind.lower() in kinds:
            return kind.lower()
        seen = self._images(images, masks).mean(0, keepdims=True)
        return self._nearest(seen, kinds, "a {}")[0]

    def _nearest(self, seen: np.ndarray, phrases: Sequence[str], form: str = "{}") -> list[str]:
        if not phrases:
            return [""] * len(seen)
        words = self._texts([form.format(phrase) for phrase in phrases])
        return [phrases[i] for i in (seen @ words.T).argmax(1)]


def prior_scenes(scenes: Scenes, count: int, seed: int) -> list[Caption]:
    """`count` different settings (fewer where there are no more), places spread evenly; in every third one the figure
    wears something, so that a training does not unlearn that."""
    rng = random.Random(seed)
    places, times = list(scenes.place) or [""], list(scenes.time) or [""]
    rng.shuffle(places)
    rng.shuffle(times)
    # Round r gives place i the time i + r, so that the first pictures already show every place and time.
    made = [Caption(p, times[(i + r) % len(times)]) for r in range(len(times)) for i, p in enumerate(places)]
    if scenes.worn:
        made[2::3] = [replace(c, worn=scenes.worn[i % len(scenes.worn)]) for i, c in enumerate(made[2::3])]
    return made[:count]


def probe_prompts(name: str, scenes: Scenes, shown: Sequence[Caption], count: int, seed: int) -> list[str]:
    """`count` prompts in places that no reference shows, with something worn or a time that none shows either."""
    rng = random.Random(seed)
    places = [p for p in scenes.place if p not in {c.place for c in shown}] or list(scenes.place) or [""]
    times = [t for t in scenes.time if t not in {c.time for c in shown}] or list(scenes.time) or [""]
    worn = list(scenes.worn)
    for items in (places, times, worn):
        rng.shuffle(items)
    made = []
    for i in range(count):
        place, time = places[i % len(places)], times[i % len(times)]
        wear = worn[i // 2 % len(worn)] if worn and i % 2 else ""
        made.append(" ".join(part for part in (name, wear, place, "" if wear else time) if part))
    return made

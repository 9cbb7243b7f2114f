"""Planted copies, which the gate must catch, and true new scenes, which it must let pass."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from ...starter.world import render, sample_scene
from ...tools.studio import Studio
from ..storybook.trials import make_trial
from .ranking import Agreement, taught

Plant = Callable[[Image.Image, random.Random], Image.Image]


def _shifted(image: Image.Image, rng: random.Random) -> Image.Image:
    """Moved by up to an eighth, the edge drawn out."""
    reach = image.width // 8
    dx, dy = (rng.randint(-reach, reach) for _ in range(2))
    wide = np.pad(np.asarray(image), ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    return Image.fromarray(wide[reach + dy : reach + dy + image.height, reach + dx : reach + dx + image.width])


def _cropped(image: Image.Image, rng: random.Random) -> Image.Image:
    """A part of 75 to 97 % of the side, enlarged again."""
    side = round(image.width * rng.uniform(0.75, 0.97))
    x, y = (rng.randint(0, image.width - side) for _ in range(2))
    return image.crop((x, y, x + side, y + side)).resize(image.size, Image.Resampling.BICUBIC)


def _recoloured(image: Image.Image, rng: random.Random) -> Image.Image:
    gain = np.array([rng.uniform(0.88, 1.12) for _ in range(3)])
    values = np.asarray(image) / 255 * gain + rng.uniform(-0.04, 0.04)
    return Image.fromarray((values.clip(0, 1) * 255).round().astype(np.uint8))


def _recoded(image: Image.Image, rng: random.Random) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=rng.randint(50, 95))
    return Image.open(buffer).convert("RGB")


def _several(image: Image.Image, rng: random.Random) -> Image.Image:
    return _recoded(_recoloured(ImageOps.mirror(_cropped(image, rng)), rng), rng)


PLANTS: dict[str, Plant] = {
    "exact": lambda image, rng: image.copy(),
    "mirrored": lambda image, rng: ImageOps.mirror(image),
    "shifted": _shifted,
    "cropped": _cropped,
    "recoloured": _recoloured,
    "re-encoded": _recoded,
    "several at once": _several,
}


def planted(studio: Studio, count: int, seed: int, references: int = 3) -> list[Agreement]:
    """Copies of one of a subject's references, by kind; and new scenes of the same subject."""
    rng = random.Random(f"copies {seed}")
    caught = dict.fromkeys(PLANTS, 0)
    alarms = 0
    for number in range(count):
        trial = make_trial(number, 3000 + seed, references)
        known = taught(studio, trial)
        for name, plant in PLANTS.items():
            copy = plant(rng.choice(known.references), rng)
            caught[name] += studio.score(copy, [known], "").verdict == "copied"
        scene = trial.references[0]
        while scene in trial.references:
            scene = sample_scene(rng, [trial.subject], held_out=rng.random() < 0.5)
        alarms += studio.score(render(scene).image, [known], "").verdict == "copied"
    rows = [Agreement(f"caught {name}", found, count) for name, found in caught.items()]
    rows.append(Agreement("caught of all copies", sum(caught.values()), count * len(PLANTS)))
    return [*rows, Agreement("false alarms on new scenes", alarms, count)]

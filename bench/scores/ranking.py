"""How often the scores put two pictures of a subject in the order of the truth."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from PIL import Image

from ...memory.values import Scores
from ...starter.encoder_data import nearly, other_scene
from ...starter.world import Figure, render
from ...tools.values import Drawn, DrawRequest, SubjectInput
from ..judge.reader import Judge
from ..results import wilson
from ..storybook.measures import truth
from ..storybook.trials import Trial, make_trial

if TYPE_CHECKING:
    from ...tools.studio import Studio

SUBJECT = ("kind", "main", "second", "pattern")
TEXT = ("place", "accessory", "time")
CANDIDATES = 4


@dataclass(frozen=True)
class Agreement:
    """How many of the pairs that the truth tells apart were put in its order; a tie of the scores is not."""

    name: str
    right: int
    pairs: int

    def row(self) -> dict[str, object]:
        """As JSON, with a 95 % interval (Wilson)."""
        low, high = wilson(self.right, self.pairs)
        row: dict[str, object] = {"measure": self.name, "right": self.right, "trials": self.pairs}
        return row | {"share": self.right / self.pairs if self.pairs else None, "low": low, "high": high}


def taught(studio: Studio, trial: Trial) -> SubjectInput:
    """The trial's subject as the product teaches it; its class is not said."""
    prepared = [studio.prepare(render(scene).image) for scene in trial.references]
    images, masks = tuple(p.image for p in prepared), tuple(p.mask for p in prepared)
    return SubjectInput(trial.name, "thing", images, masks, key=f"scores-{trial.seed}-{len(images)}@1")


def rendered(studio: Studio, count: int, seed: int, references: int) -> list[Agreement]:
    """Rendered pictures of unseen subjects, right ones against ones with a single thing changed."""
    rng = random.Random(f"scores {seed}")
    subject, text = [0, 0], [0, 0]
    for number in range(count):
        trial = make_trial(number, 1000 + seed, references)
        known, figure = taught(studio, trial), trial.scene.figures[0]
        other = replace(trial.scene, figures=(somebody_else(figure, rng),))
        shown = [trial.scene, other, other_scene(trial.scene, rng)]
        right, wrong, changed = (studio.score(render(s).image, [known], trial.prompt) for s in shown)
        _count(subject, right.subject, wrong.subject)
        _count(text, right.text, changed.text)
    return [Agreement("rendered subject", *subject), Agreement("rendered text", *text)]


def somebody_else(figure: Figure, rng: random.Random) -> Figure:
    """The figure as somebody who differs in one attribute."""
    return replace(figure, subject=nearly(figure.subject, rng))


def _count(tally: list[int], better: float | None, worse: float | None) -> None:
    """A picture that could not be measured ranks below one that could."""
    tally[0] += (-1.0 if better is None else better) > (-1.0 if worse is None else worse)
    tally[1] += 1


def drawn(
    studio: Studio, judge: Judge, count: int, seed: int, references: int, method: str, told: Callable[[str], None]
) -> list[Agreement]:
    """Candidates that the model drew for one prompt, against how much the judge finds right in each."""
    subject, text = [0, 0], [0, 0]
    for number in range(count):
        trial = make_trial(number, 2000 + seed, references)
        known = taught(studio, trial)
        request = DrawRequest(trial.prompt, (known,), method, count=CANDIDATES, seed=trial.seed)
        made = [step.image for step in studio.draw(request, lambda: False) if isinstance(step, Drawn)]
        scores = [studio.score(image, [known], trial.prompt) for image in made]
        found = correct(judge, made, trial)
        for a, b in combinations(range(len(made)), 2):
            for tally, which, score in ((subject, 0, _subject), (text, 1, _text)):
                if found[a][which] != found[b][which]:
                    better, worse = (a, b) if found[a][which] > found[b][which] else (b, a)
                    _count(tally, score(scores[better]), score(scores[worse]))
        if (number + 1) % 20 == 0:
            told(f"{number + 1} of {count} subjects drawn")
    return [Agreement("drawn subject", *subject), Agreement("drawn text", *text)]


def _subject(scores: Scores) -> float | None:
    return scores.subject


def _text(scores: Scores) -> float | None:
    return scores.text


def correct(judge: Judge, images: Sequence[Image.Image], trial: Trial) -> list[tuple[int, int]]:
    """Per picture how many attributes of the subject, and of what was asked, the judge reads as they should be."""
    wanted = truth(trial.scene)
    made = []
    for reading in judge.read(images):
        seen = reading.values()
        made.append((sum(seen[n] == wanted[n] for n in SUBJECT), sum(seen[n] == wanted[n] for n in TEXT)))
    return made



"""All scores of a picture, and what follows from them."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import exp
from typing import TYPE_CHECKING, Any

import numpy as np

from ...memory.values import Scores, Verdict
from ..dressing import taken_off
from ..presets import Preset
from ..subject import LEAST_SHARE, foreground_share
from ..values import UNTAUGHT, SubjectInput
from ..words import known_part, listed
from .calibration import Measured, Thresholds, measured, subject_threshold, taught
from .copying import likeness
from .phrases import ordered, pieces, states
from .raw import best_assignment, regions, strip, subject_similarity, text_similarity
from .reach import WORN
from .wearing import LEAST, MOST, UNASKED, shares, wearing

if TYPE_CHECKING:
    from PIL.Image import Image

KEPT = 64
"""Subjects whose references' embeddings are kept."""
FEATURES = 0.2
"""Weight of the encoder's opinion in the copy score; the rest are the pixels."""
ABSENT = 0.2
"""A piece of the prompt whose chance is lower is missing; up to `UNSURE` nobody can tell, and it counts for nothing."""
UNSURE = 0.5
WHOLE = 0.25
"""Weight of the whole prompt in the text score where its pieces are judged too."""

WEAK = "the subject is not well met"
Embed = Callable[[Sequence["Image"], Sequence["Image | None"]], np.ndarray]


@dataclass(slots=True)
class _Found:
    """What has been measured so far."""

    subject: float | None = None
    text: float | None = None
    copy: float | None = None
    missing: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    order: dict[int, int] = field(default_factory=dict)
    """Of each subject its part of the picture, from the left, where all were found."""


@dataclass(frozen=True, slots=True)
class _Known:
    """Embeddings of a subject, computed once."""

    crops: np.ndarray
    """Its references, cut out `[n, d]`."""
    whole: np.ndarray
    """Its references as they are `[m, d]`."""
    rejected: np.ndarray
    """Rejected pictures, cut out `[k, d]`."""


class Scorer:
    """Measures pictures with one preset's encoder and segmenter."""

    def __init__(
        self,
        preset: Preset,
        embed_images: Embed,
        embed_texts: Callable[[Sequence[str]], np.ndarray],
        mask: Callable[[Image], Image],
        worn: Callable[[Image], Image | None],
    ) -> None:
        self.preset, self.embed_images, self.embed_texts = preset, embed_images, embed_texts
        self.mask, self.worn = mask, worn
        limits: Mapping[str, float] = preset.thresholds
        self.limits = Thresholds.of(preset)
        self.phrase, self.sharpness = limits.get("phrase"), limits.get("sharpness", 24.0)
        self.measured: Measured | None = measured(preset.measured) if preset.measured else None
        self._subjects: OrderedDict[str, _Known] = OrderedDict()
        self._words: OrderedDict[str, np.ndarray] = OrderedDict()

    def score(
        self,
        image: Image,
        subjects: Sequence[SubjectInput] = (),
        prompt: str = "",
        *,
        instruction: bool = False,
        gone: bool = False,
        there: bool | None = None,
    ) -> Scores:
        """Scores of `image`, in 0..1, `None` where nothing can be judged, with verdict and details.

        `prompt` is what it should show; with `instruction` it is an order ("now at night"). `gone`: what an order takes
        off is seen to be; `there`: what it puts on is seen to be, or not to be.
        """
        found = _Found()
        whole = self.embed_images([image], [None])[0]
        thresholds = self._thresholds(subjects)
        self._judge_subjects(found, image, subjects)
        self._judge_text(found, whole, subjects, prompt, instruction, gone, there)
        if not instruction:
            self._judge_worn(found, image, subjects, prompt)
        self._judge_copy(found, image, whole, subjects)
        found.details["thresholds"] = {name: round(value, 3) for name, value in asdict(thresholds).items()}
        verdict, reason = self._verdict(found, thresholds)
        found.details["reason"] = reason
        if found.missing:
            found.details["missing"] = list(found.missing)
        return Scores(found.subject, found.text, found.copy, verdict, found.details)

    def resembles(self, image: Image, subject: SubjectInput, slack: float = 0.0) -> bool | None:
        """Whether the figure in a picture is as like a subject as a good picture is, or by `slack` less.

        `None` where nothing can be compared. Costs a fraction of all scores.
        """
        found = _Found()
        self._judge_subjects(found, image, (subject,))
        return None if found.subject is None else found.subject >= self._thresholds((subject,)).subject - slack

    def _thresholds(self, subjects: Sequence[SubjectInput]) -> Thresholds:
        """The strictest text threshold and the mildest subject threshold: subjects are judged relative to their own."""
        made = self.limits
        for subject in subjects:
            if not (subject.references and any(subject.masks)):
                continue
            crops = self._known(subject).crops
            own = subject_threshold(self.limits.subject, crops, subject.kind, self.measured)
            of_this = taught(Thresholds(own, self.limits.text, self.limits.copy), subject.ratings)
            lower = of_this.subject if made is self.limits else min(made.subject, of_this.subject)
            made = Thresholds(lower, max(made.text, of_this.text), made.copy)
        return made

    # Subjects

    def _judge_subjects(self, found: _Found, image: Image, subjects: Sequence[SubjectInput]) -> None:
        """The least well met subject's similarity to its references; who is missing, and who looks like another."""
        known = [s for s in subjects if s.references and any(s.masks)]
        if not known:
            return
        mask = self.mask(image)
        if foreground_share(mask) < LEAST_SHARE:
            found.missing += [s.name for s in known]
            return
        parts = regions(np.asarray(mask) > 127, len(subjects))
        seen, table = self._likeness(image, parts, known)
        if len(parts) < len(known):
            best = int(table.max(1).argmax())
            found.missing += [s.name for i, s in enumerate(known) if i != best]
            order = {best: 0}
        else:
            order = dict(enumerate(best_assignment(table)))
            found.order = order
        values = {}
        for i, j in order.items():
            crops, rejected = self._known(known[i]).crops, self._known(known[i]).rejected
            values[known[i].name] = own = float(table[i, j])
            found.details.setdefault("references", {})[known[i].name] = [round(float(v), 3) for v in crops @ seen[j]]
            if len(rejected) and (worst := float((rejected @ seen[j]).max())) > own:
                values[known[i].name] = max(0.0, own - (worst - own))
                found.faults.append(f"{known[i].name} looks like a picture that you rejected")
        found.subject = min(values.values())
        if len(subjects) > 1:
            found.details["subjects"] = {name: round(value, 3) for name, value in values.items()}
            self._judge_leaks(found, known, table, order)

    def _judge_worn(self, found: _Found, image: Image, subjects: Sequence[SubjectInput], prompt: str) -> None:
        """Who of a drawing does not wear what was asked for, and whether somebody wears what was not."""
        names = [s.name for s in subjects]
        wears = wearing(prompt, names, lambda words: self._heard(words, subjects))
        if wears is None or (mask := self.worn(image)) is None:
            return
        if len(subjects) < 2:
            seen = [(wears[0], shares(mask, [np.asarray(mask)])[0])]
        elif len(parts := regions(np.asarray(self.mask(image)) > 127, len(subjects))) == len(found.order):
            each = shares(mask, parts)
            seen = [(f"{names[i]} {wears[i]}" if wears[i] else "", each[j]) for i, j in found.order.items()]
        else:
            return
        lacking = [piece for piece, share in seen if piece and share < LEAST]
        if not lacking:  # an encoder finds a crown of few pixels too seldom
            found.missing = [piece for piece in found.missing if not WORN.search(piece) or piece.startswith("no ")]
        found.missing += [piece for piece in lacking if piece not in found.missing]
        if any(not piece and share >= MOST for piece, share in seen) and not any(s.attributes for s in subjects):
            found.faults.append(UNASKED)

    def _likeness(
        self, image: Image, parts: Sequence[np.ndarray], known: Sequence[SubjectInput]
    ) -> tuple[np.ndarray, np.ndarray]:
        """The embeddings of the figures in `parts`, and how like each subject (row) each of them (column) is."""
        from PIL import Image as Images

        seen = self.embed_images([image] * len(parts), [Images.fromarray(part.astype("uint8") * 255) for part in parts])
        return seen, np.array([[subject_similarity(one, self._known(s).crops) for one in seen] for s in known])

    def nearest(self, image: Image, figures: Sequence[Image], subject: SubjectInput) -> int | None:
        """Which of a picture's figures (their masks) is most like a subject; `None` where nothing can be compared."""
        if not (subject.references and any(subject.masks)):
            return None
        parts = [np.asarray(figure) > 127 for figure in figures]
        return int(self._likeness(image, parts, [subject])[1][0].argmax())

    def part_of(self, image: Image, subject: SubjectInput, subjects: Sequence[SubjectInput]) -> Image | None:
        """8-bit mask of the strip of a picture in which one of several subjects stands; `None` if not found."""
        mask = np.asarray(self.mask(image)) > 127
        parts = regions(mask, len(subjects))
        if len(parts) < len(subjects) or not all(s.references and any(s.masks) for s in subjects):
            return None
        mine = best_assignment(self._likeness(image, parts, subjects)[1])[list(subjects).index(subject)]
        return strip(parts, mine)

    def _judge_leaks(
        self, found: _Found, known: Sequence[SubjectInput], table: np.ndarray, order: Mapping[int, int]
    ) -> None:
        """The leak matrix, subjects by regions, and the subjects whose own region another one resembles more."""
        found.details["leak"] = {"subjects": [s.name for s in known], "regions": table.round(3).tolist()}
        for i, j in order.items():
            other = int(table[:, j].argmax())
            if other != i:
                found.faults.append(f"{known[i].name} looks like {known[other].name}")

    def _known(self, subject: SubjectInput) -> _Known:
        """Embeddings of a subject's references and rejected pictures, computed once a version."""
        key = subject.key or f"{subject.name}:{id(subject.references)}"
        if key not in self._subjects:
            masks = subject.masks or (None,) * len(subject.references)
            shown = [(image, mask) for image, mask in zip(subject.references, masks, strict=True) if mask is not None]
            whole = self.embed_images(subject.references, [None] * len(subject.references))
            rejected = [(image, self.mask(image)) for image in subject.rejected]
            self._subjects[key] = _Known(self._cut(shown, whole), whole, self._cut(rejected, whole))
            while len(self._subjects) > KEPT:
                self._subjects.popitem(last=False)
        self._subjects.move_to_end(key)
        return self._subjects[key]

    def _cut(self, pairs: Sequence[tuple[Image, Image]], like: np.ndarray) -> np.ndarray:
        """Embeddings of the subjects in pictures with masks; none: an empty array as wide as `like`."""
        pairs = [(image, mask) for image, mask in pairs if foreground_share(mask) > 0]
        if not pairs:
            return like[:0]
        return self.embed_images([image for image, _ in pairs], [mask for _, mask in pairs])

    # Words

    def _judge_text(
        self,
        found: _Found,
        whole: np.ndarray,
        subjects: Sequence[SubjectInput],
        prompt: str,
        instruction: bool,
        gone: bool,
        there: bool | None,
    ) -> None:
        """How well the whole prompt and each piece of it fit, and that nothing is there that must not be."""
        names = [s.name for s in subjects]
        whole_prompt = prompt
        prompt = self._heard(prompt, subjects)
        if not prompt.strip():
            return
        spoken = _plain(prompt, subjects, "it" if instruction else "")
        fits = text_similarity(whole, self._text(spoken))
        if self.phrase is None:
            found.text = fits
            return
        # Of an order ("take off his hat, now at night") only what it says about the picture can be judged.
        asked = [piece for piece in pieces(prompt, names) if not instruction or states(piece)]
        if instruction:
            told = (self._heard(piece, subjects) for piece in ordered(whole_prompt, names))
            asked += [piece for words in told for piece in pieces(words, names) if piece not in asked]
        chances = {piece: self._chance(whole, piece) for piece in asked}
        if there is not None:  # an encoder tells what it is, less well that it is
            on = {piece: chance for piece, chance in chances.items() if WORN.search(piece)}
            chances |= {piece: max(chance, UNSURE) if there else 0.0 for piece, chance in on.items()}
        off = [word for word in taken_off(whole_prompt, names) if self._heard(word, subjects)] if instruction else []
        for negative in dict.fromkeys([*off, *(n for s in subjects for n in s.negatives)]):
            chances[f"no {negative}"] = 1.0 if gone and negative in off else 1 - self._chance(whole, negative)
        found.details["phrases"] = {piece: round(chance, 3) for piece, chance in chances.items()}
        found.missing += [piece for piece, chance in chances.items() if chance < ABSENT]
        if instruction:
            found.text = float(np.mean(list(chances.values()))) if chances else None
        elif chances:
            found.text = (1 - WHOLE) * float(np.mean(list(chances.values()))) + WHOLE * fits
        elif not subjects:
            found.text = fits

    def _heard(self, words: str, subjects: Sequence[SubjectInput]) -> str:
        """The words that the preset's models know."""
        if self.preset.words is None:
            return words
        return known_part(words, [name for s in subjects for name in (s.name, s.kind)], self.preset.words)

    def _chance(self, whole: np.ndarray, piece: str) -> float:
        """The chance that a piece holds: the encoder learned its phrases with a sigmoid round a fixed cosine."""
        assert self.phrase is not None
        return 1 / (1 + exp(-self.sharpness * (float(whole @ self._text(piece)) - self.phrase)))

    def _text(self, text: str) -> np.ndarray:
        """The embedding of a text, kept: the next candidate asks for the same."""
        if text not in self._words:
            self._words[text] = self.embed_texts([text])[0]
            while len(self._words) > KEPT:
                self._words.popitem(last=False)
        self._words.move_to_end(text)
        return self._words[text]

    # Copies

    def _judge_copy(self, found: _Found, image: Image, whole: np.ndarray, subjects: Sequence[SubjectInput]) -> None:
        """Nearness to the nearest reference, by pixels and by features."""
        from PIL import ImageOps

        mirrored: np.ndarray | None = None
        for subject in (s for s in subjects if s.references and not s.key.endswith(UNTAUGHT)):
            alike = likeness(image, subject.references)
            for number, (pixels, reference) in enumerate(zip(alike, self._known(subject).whole, strict=True), 1):
                features = float(whole @ reference)
                if pixels > 0:
                    mirrored = self.embed_images([ImageOps.mirror(image)], [None])[0] if mirrored is None else mirrored
                    features = max(features, float(mirrored @ reference))
                near = (1 - FEATURES) * pixels + FEATURES * max(0.0, features)
                if found.copy is None or near > found.copy:
                    found.copy = near
                    found.details["copy_of"] = f"{subject.name} {number}"

    # Verdict

    def _verdict(self, found: _Found, limits: Thresholds) -> tuple[Verdict, str]:
        """What to do with the picture, and why, in words."""
        if found.copy is not None and found.copy >= limits.copy:
            return "copied", f"it is a copy of a reference ({found.details['copy_of']})"
        if found.missing:
            return "retry", _amiss(found.missing)
        if found.faults:
            return "retry", "; ".join(found.faults)
        if found.subject is not None and found.subject < limits.subject:
            return "retry", WEAK
        if found.text is not None and found.text < limits.text:
            return "retry", "it does not show what was asked"
        if found.subject is None and found.text is None:
            return "not_measured", "nothing in it could be judged"
        return "accept", "it passes"


def _plain(prompt: str, subjects: Sequence[SubjectInput], name: str) -> str:
    """The prompt with every subject called `name`, or by its class."""
    for subject in subjects:
        pattern = re.compile(rf"(?<!\w){re.escape(subject.name)}(?!\w)", re.IGNORECASE)
        prompt = pattern.sub(name or f"the {subject.kind}", prompt)
    return prompt


def _amiss(missing: Sequence[str]) -> str:
    """What of the request the picture does not keep: "no hat" is not looked for, but seen to be broken."""
    unwanted = [words.split(" ", 1)[1] for words in missing if words.startswith(("no ", "without "))]
    wanted = [words for words in missing if not words.startswith(("no ", "without "))]
    told = [f"I cannot find {_said(wanted)} in it"] if wanted else []
    return "; ".join([*told, *([f"I still see {_said(unwanted)} in it"] if unwanted else [])])


def _said(words: Sequence[str]) -> str:
    return listed([f"“{word}”" for word in words])

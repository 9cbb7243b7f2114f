"""Finding the subject of several photographs at once: what they share is the subject, what differs is ground.

Needs OpenCV (the extra `photos`). Co-segmentation by a mixture (in the spirit of Rother et al. 2006, "Cosegmentation of
Image Pairs by Histogram Matching"): every photograph has colours of its own ground, all have the subject's colours in
common, and the subject is one blob. What stands out in each alone (`tools.cutout`) is where it begins; local features
(SIFT, Lowe 2004) that several photographs show in the same arrangement lie on the subject. GrabCut draws the outline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from .cutout import Box, Found, area, bounds, colour_pieces, outlined

SIDE = 128
"""Pixels of the longer side on which colours are compared."""
WORDS = 96
"""Colours that the photographs of a set are told apart by."""
BLUR = 3.0
"""Distance of colours (CIELAB, lightness at `LIGHT`) that count as nearly the same."""
LIGHT, TEXTURE = 0.6, 4.0
"""Weights of lightness and of texture beside the two colour axes."""
ROUNDS = 10
COLOUR = (0.7, 2.0)
"""Weight of the colours in the first and in the last round; what stands out weighs `ALONE`."""
ALONE = (1.0, 0.3)
OWN = 0.2
"""Part that a photograph has in the subject's colours by which it is judged; the others have the rest."""
RARE = 5e-4
"""Share of a colour that is as good as none."""
NEAR, FAR = 1.5, -4.0
"""Limits of what the distance from the blob's middle may say."""
SURE, HOPELESS = 0.9, 0.1
MORE = 1.7
"""The box grows to what stands out in the photograph alone while it is at most so many times as large."""
FEATURES, FIT, LEAST_FIT = 600, 10.0, 7
"""SIFT features of a photograph; pixels at 384 by which a match may miss its place; matches that are no accident."""
CLEAR = 0.8
"""The second best match must be so much worse (Lowe 2004, section 7.1)."""
WIDE = 0.72
"""Matches that spread over more of a photograph show the same place, not the same subject."""


@dataclass(slots=True)
class _View:
    """One photograph of the set, small."""

    lab: np.ndarray
    shared: np.ndarray
    """1 inside what was matched with others, `[h, w]` 8 bits."""
    alone: np.ndarray
    """Log-odds of what stands out here, `[h w]`."""
    inside: np.ndarray
    """Belief that each pixel shows the subject, `[h w]`."""
    places: np.ndarray
    """`[h w, 2]`, in parts of the longer side."""
    words: np.ndarray
    """Number of each pixel's colour, `[h w]`."""


def find_again(found: Sequence[Found]) -> list[Found]:
    """The subjects of photographs that were looked at alone, by what all of them share."""
    import cv2

    cv2.setRNGSeed(0)
    hulls = _matched(cv2, found)
    views = [_view(cv2, one, hull) for one, hull in zip(found, hulls, strict=True)]
    nearly = _colours(cv2, views)
    for turn in range(ROUNDS):
        _believe(cv2, views, nearly, turn / (ROUNDS - 1))
    return [_cut(cv2, *parts) for parts in zip(found, views, hulls, strict=True)]


def _view(cv2: Any, found: Found, hulls: list[np.ndarray]) -> _View:
    height, width = found.mask.shape
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    pixels = cv2.resize(found.pixels, size, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    odds = 0.5 * _logit(cv2.resize(found.stands_out, size, interpolation=cv2.INTER_AREA).clip(0.03, 0.97))
    shared = np.zeros(lab.shape[:2], np.uint8)
    for hull in hulls:
        cv2.fillConvexPoly(shared, cv2.convexHull((hull * size).astype(np.float32)).astype(np.int32), 1)
    if shared.any():
        away = cv2.distanceTransform(1 - shared, cv2.DIST_L2, 3) / np.sqrt(shared.sum())
        odds = odds + 3.0 * shared - 0.5 * np.minimum(away**2, 3.0)
    y, x = np.mgrid[0 : lab.shape[0], 0 : lab.shape[1]].astype(np.float32)
    places = np.stack([x.ravel(), y.ravel()], 1) / max(size)
    return _View(lab, shared, odds.ravel(), _chance(2 * odds).ravel(), places, np.zeros(0, np.intp))


def _colours(cv2: Any, views: Sequence[_View]) -> np.ndarray:
    """Numbers the colours of all `views`; how much each number stands for each other one `[WORDS, WORDS]`."""
    seen = []
    for view in views:
        light = view.lab[:, :, 0]
        edges = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1))
        texture = TEXTURE * np.log1p(cv2.GaussianBlur(edges, (0, 0), 3))
        seen.append(np.dstack([LIGHT * light, view.lab[:, :, 1:], texture]).reshape(-1, 4).astype(np.float32))
    some = np.concatenate([one[::7] for one in seen])
    until = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 8, 1.0)
    _, _, middles = cv2.kmeans(some, min(WORDS, len(some)), None, until, 1, cv2.KMEANS_PP_CENTERS)
    squares = (middles**2).sum(1)
    for view, one in zip(views, seen, strict=True):
        view.words = (squares - 2 * one @ middles.T).argmin(1)
    nearly = np.exp(-(squares[:, None] + squares - 2 * middles @ middles.T) / (2 * BLUR**2))
    return np.asarray(nearly / nearly.sum(1, keepdims=True))


def _believe(cv2: Any, views: Sequence[_View], nearly: np.ndarray, turn: float) -> None:
    """One round: colours of the subject and of the grounds from the beliefs, and beliefs from the colours."""

    def histogram(view: _View, weights: np.ndarray) -> np.ndarray:
        counted = np.bincount(view.words, weights=weights, minlength=len(nearly))
        return np.asarray(counted / max(float(weights.sum()), 1e-6) @ nearly)

    subjects = np.stack([histogram(view, view.inside**2) for view in views])
    grounds = [histogram(view, 1 - view.inside) for view in views]
    for n, view in enumerate(views):
        subject = OWN * subjects[n] + (1 - OWN) * np.delete(subjects, n, 0).mean(0)
        by_colour = np.log((subject + RARE) / (grounds[n] + RARE))[view.words]
        odds = _between(COLOUR, turn) * by_colour + _between(ALONE, turn) * view.alone + 0.5 * _blob(view)
        smooth = _guided(cv2, view.lab[:, :, 0], _chance(odds).reshape(view.lab.shape[:2]))
        view.inside = smooth.clip(0.01, 0.99).ravel()


def _blob(view: _View) -> np.ndarray:
    """Log-odds by the place: near the middle of what is believed in, in units of its spread."""
    weights = view.inside**2 / (view.inside**2).sum()
    away = view.places - weights @ view.places
    spread = (weights[:, None] * away).T @ away + 4e-4 * np.eye(2)
    return np.asarray((2 - 0.5 * ((away @ np.linalg.inv(spread)) * away).sum(1)).clip(FAR, NEAR))


def _cut(cv2: Any, found: Found, view: _View, hulls: list[np.ndarray]) -> Found:
    """The outline by GrabCut; the box with room for what this photograph shows by itself."""
    height, width = view.lab.shape[:2]
    belief = view.inside.reshape(height, width).astype(np.float32)
    belief = cv2.resize(belief, found.mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    mask = colour_pieces(cv2, found.pixels, outlined(cv2, found.pixels, belief, 0.5, SURE, HOPELESS), belief)
    box = bounds(mask > 0)
    if box is None:
        return found
    for hull in hulls:
        ends = hull * (mask.shape[1], mask.shape[0])
        box = _both(box, (*ends.min(0).astype(int), *np.ceil(ends.max(0)).astype(int)))
    limit = MORE * area(box)
    for other in (bounds(_large(cv2, belief > 0.5)), bounds(found.mask > 0), found.box):
        if other is not None and area(_both(box, other)) <= limit:
            box = _both(box, other)
    return replace(found, mask=mask, box=box)


def _large(cv2: Any, where: np.ndarray) -> np.ndarray:
    """Only the pieces that have a fifth of the largest one's size."""
    count, labels = cv2.connectedComponents(where.astype(np.uint8))
    sizes = np.bincount(labels.ravel(), minlength=count)[1:]
    return np.isin(labels, 1 + np.flatnonzero(sizes >= 0.2 * sizes.max(initial=1)))


def _both(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _matched(cv2: Any, found: Sequence[Found]) -> list[list[np.ndarray]]:
    """Of each photograph, the places (0..1) that fit to another one, a group `[n, 2]` for each that fits."""
    sift = cv2.SIFT_create(FEATURES, contrastThreshold=0.03)
    seen = []
    for one in found:
        points, features = sift.detectAndCompute(np.asarray(one.picture.convert("L")), None)
        seen.append((np.array([point.pt for point in points], np.float32).reshape(-1, 2), features))
    groups: list[list[np.ndarray]] = [[] for _ in found]
    for first, second in combinations(range(len(found)), 2):
        (here, mine), (there, theirs) = seen[first], seen[second]
        if min(len(here), len(there)) < LEAST_FIT:
            continue
        apart = (mine**2).sum(1)[:, None] + (theirs**2).sum(1) - 2 * mine @ theirs.T
        best = apart.argmin(1)
        least, second_least = np.partition(apart, 1, 1)[:, :2].T
        mutual = apart.argmin(0)[best] == np.arange(len(best))
        pairs = np.flatnonzero(mutual & (least < CLEAR**2 * second_least))
        if len(pairs) < LEAST_FIT:
            continue
        a, b = here[pairs], there[best[pairs]]
        _, fits = cv2.estimateAffine2D(a, b, ransacReprojThreshold=FIT)
        if fits is None or fits.sum() < LEAST_FIT:
            continue
        for n, ends in ((first, a), (second, b)):
            group = ends[fits.ravel() > 0] / found[n].picture.size
            if np.prod(np.ptp(group, axis=0)) <= WIDE:
                groups[n].append(group)
    return groups


def _guided(cv2: Any, guide: np.ndarray, values: np.ndarray, reach: int = 9, rough: float = 20.0) -> np.ndarray:
    """`values` smoothed along the edges of `guide` (He et al. 2013, "Guided Image Filtering")."""

    def mean(array: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.blur(array.astype(np.float32), (reach, reach)))

    guide_mean, value_mean = mean(guide), mean(values)
    slope = (mean(guide * values) - guide_mean * value_mean) / (mean(guide * guide) - guide_mean**2 + rough)
    return mean(slope) * guide + mean(value_mean - slope * guide_mean)


def _between(ends: tuple[float, float], part: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * part


def _logit(chance: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(chance / (1 - chance)))


def _chance(odds: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-odds)))

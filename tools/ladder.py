"""The ladder between the methods: the cheapest one first, a dearer one only where the scores ask for it.

A rung is a method. A picture that passes is taken at once; otherwise a few more candidates are drawn on the same rung,
with what the scores name as missing said again, and then the next rung is climbed. What comes out is the best picture
that was found, and why. Training is never begun unasked.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..errors import ModelError, UserError
from ..memory.events import Event, Progress, Question
from ..memory.values import Concept, Scores
from .apart import each_one
from .recommended import first_method
from .scoring.reach import FAR, recolours
from .seen import seen_of, still_there, unasked
from .train import trained_method
from .values import Drawn, DrawRequest, MethodInfo

if TYPE_CHECKING:
    from .desk import Desk
    from .studio import Studio

RETRIES = 3
"""Candidates of a second try on a rung: several at once cost little more than one."""
FEW = 2
"""A method is left out for a concept only after so many outcomes."""
POOR = 0.34
"""Share of accepted pictures below which a method is left out, where another one did better."""
ASKED = "train"
"""The kind of request under which it is remembered that a training was offered."""
UNCHANGED = 0.01
"""Part of a picture below which an edit has left it as it was."""
RECOLOURED = 0.15
"""The same, of what was to have another colour."""
LIKE_BEFORE = 0.1
"""So much less like its references may a figure be after an edit that had nothing to do with it."""
SPOILED = 0.25
"""By so much less like its references a subject may be after an edit that has failed."""
STEP = 7919
"""Between the seeds of two tries; they stay apart from those of several candidates."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One candidate with its scores, and the request that drew it."""

    request: DrawRequest
    drawn: Drawn
    scores: Scores

    @property
    def accepted(self) -> bool:
        """Nothing about it asks for another try."""
        return self.scores.verdict in ("accept", "not_measured")


@dataclass(frozen=True, slots=True)
class Climb:
    """How the ladder came out: the picture that was chosen, and everything that was tried."""

    chosen: Attempt
    tried: Sequence[Attempt]
    seconds: float
    notes: Sequence[str] = ()
    question: Question | None = None

    @property
    def reason(self) -> str:
        """Why this rung, in words; "" where the first picture passed."""
        before = [a for a in self.tried if a.drawn.method != self.chosen.drawn.method]
        parts = []
        if before:
            last = before[-1]
            why, chosen = _why(last.scores), self.chosen.drawn.method
            parts.append(f"with {last.drawn.method} it did not pass ({why}), so I went on with {chosen}")
        if not self.chosen.accepted:
            parts.append(f"none passed: {_why(self.chosen.scores)}")
        elif len(self.tried) > 1 and not before:
            parts.append(f"the first one did not pass ({_why(self.tried[0].scores)})")
        return "; ".join(parts)

    def outcome(self, take: int) -> str:
        """What became of it, for a sentence that goes on: the take, what else was tried, the time and the scores."""
        scores, methods = self.chosen.scores, {a.drawn.method for a in self.tried}
        known = [f"{n} {v:.2f}" for n, v in (("subject", scores.subject), ("text", scores.text)) if v is not None]
        tries = f"the best of {len(self.tried)} tries" if len(self.tried) > 1 else "ready"
        tries += f" with {len(methods)} methods" if len(methods) > 1 else ""
        return f"Take {take} is {tries} in {self.seconds:.1f} s" + (f" ({', '.join(known)})" if known else "")

    def record(self) -> list[dict[str, Any]]:
        """What was tried, for the take's settings."""
        return [
            {"method": a.drawn.method, "seed": a.drawn.seed, "verdict": a.scores.verdict,
             "subject": a.scores.subject, "text": a.scores.text, "copy": a.scores.copy}
            for a in self.tried
        ]  # fmt: skip


@dataclass(slots=True)
class Ladder:
    """One request on its way up. `concepts` are the subjects as they are kept; what is learned is kept with them."""

    desk: Desk
    request: DrawRequest
    concepts: Sequence[Concept]
    wanted: str
    """What the picture is scored against."""
    tried: list[Attempt] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _began: float = field(default_factory=time.perf_counter)
    _dearest: float = 0.0

    @property
    def kind(self) -> str:
        """The kind of request, under which outcomes are remembered: "draw 1", "edit 2"."""
        if self.request.source is None:
            return f"draw {len(self.request.subjects)}"
        dresses = any("dress" in info.capabilities for info in self.desk.studio.able(self.request)[:1])
        return f"{'dress' if dresses else 'edit'} {len(self.concepts)}"

    def climb(self) -> Generator[Event, None, Climb]:
        """Draw until something passes, the rungs are used up, or the budget is spent."""
        rungs = self.rungs()
        for number, method in enumerate(rungs):
            if number and not self._affordable(1):
                budget = f"{self.desk.budget:.0f} s"
                self.notes.append(f"A picture may take {budget}, too little for another try, so this is the best.")
                break
            try:
                accepted = yield from self._rung(method)
            except ModelError as error:
                if method == rungs[-1] and not self.tried:
                    raise
                self.notes.append(f"{method} failed ({error.text.rstrip('.')}).")
                continue
            self._remember(method, accepted)
            if accepted:
                break
        if not self.tried:
            raise ModelError("The model returned no picture.")
        chosen = max(self.tried, key=lambda attempt: worth(attempt.scores))
        if spoiled(self.desk.studio, self.request, chosen.scores):
            raise UserError(
                f"I cannot change that without spoiling the picture: {_why(chosen.scores)}.",
                "It stays as it is; say the change otherwise, or what the whole picture shall show.",
            )
        seconds = time.perf_counter() - self._began
        return Climb(chosen, self.tried, seconds, self.notes, (yield from self._offer(chosen)))

    def _rung(self, method: str) -> Generator[Event, None, bool]:
        """One candidate, and where it does not pass a few more. Returns whether one passed."""
        first = self.request.seed or 0
        yield from self._draw(replace(self.request, method=method, seed=(first + STEP * len(self.tried)) % 2**32))
        if self.tried[-1].accepted:
            return True
        if not self._affordable(1.6):
            return False
        # What one wears is asked for in so few words that more of them would be another order.
        dresses = self.kind.startswith("dress")
        missing = () if dresses else self.tried[-1].scores.details.get("missing") or ()
        source = self.request.source
        again = replace(
            self.request,
            method=method,
            seed=(first + STEP * len(self.tried)) % 2**32,
            count=RETRIES,
            within=self.desk.studio.figures.near(source)
            if source is not None and too_far(self.tried[-1].scores)
            else None,
            prompt=emphasised(self.request.prompt, missing, [s.name for s in self.request.subjects]),
        )
        return (yield from self._draw(again))

    def _draw(self, request: DrawRequest) -> Generator[Event, None, bool]:
        """Draw and score the candidates of `request`; whether one passed."""
        began, passed = time.perf_counter(), False
        label = f"drawing with {request.method}" + (f", try {len(self.tried) + 1}" if self.tried else "")
        for step in self.desk.studio.draw(request, self.desk.cancelled):
            if isinstance(step, Progress):
                yield replace(step, label=label) if self.tried else step
                continue
            self.desk.check()
            scores = score(self.desk.studio, request, step, self.wanted)
            self.tried.append(Attempt(request, step, scores))
            passed = passed or self.tried[-1].accepted
        self.desk.check()
        self._dearest = max(self._dearest, time.perf_counter() - began)
        return passed

    def _affordable(self, factor: float) -> bool:
        """Whether the budget still has room for what the dearest draw so far has taken, times `factor`."""
        return time.perf_counter() - self._began + factor * self._dearest <= self.desk.budget

    # Which rungs, in which order

    def rungs(self) -> list[str]:
        """The methods that can do this: what was learned for these subjects, then cheapest first, from the one that has
        served before or is recommended."""
        able = [m for m in self.desk.studio.able(self.request) if self._ready(m)]
        if not able:
            return ["auto"]
        # It was learned because the others fell short, and costs no more to draw with.
        learned = [m.name for m in able if "trained" in m.capabilities]
        others = [m.name for m in able if m.name not in learned]
        outcomes = _outcomes(self.concepts, self.kind)
        served = [n for n in others if outcomes.get(n, (0, 0))[1] and not _poor(n, outcomes)]
        if served:
            first = served[0]
        else:  # The table was made from drawings; edits begin with the cheapest method that can do them.
            first = first_method(self.desk.preset, self.request.subjects, others) if self.request.source is None else ""
        order = [*learned, *(others[others.index(first) :] if first in others else others)]
        return [n for n in order if not _poor(n, outcomes)] or order

    def _ready(self, info: MethodInfo) -> bool:
        """Whether a method can draw at once; a trained one needs subjects, and something learned for each of them."""
        subjects = self.request.subjects
        if "trained" in info.capabilities and not subjects:
            return False
        return all(self.desk.studio.ready(info, subject) for subject in subjects)

    def _remember(self, method: str, accepted: bool) -> None:
        """Keep the outcome with the concepts, so that the next request begins where this one ended."""
        for concept in self.concepts:
            self.desk.library.remember(concept, self.kind, method, accepted)

    def _offer(self, chosen: Attempt) -> Generator[Event, None, Question | None]:
        """The question for a training: nothing passed because of the one subject, and it was not yet asked."""
        limit = chosen.scores.details.get("thresholds", {}).get("subject", 0.0)
        weak = chosen.scores.subject is not None and chosen.scores.subject < limit
        blamed = weak or chosen.scores.verdict == "copied"
        one = len(self.concepts) == len(self.request.subjects) == 1
        if chosen.accepted or not blamed or not one or self.desk.jobs is None:
            return None
        concept, studio = self.concepts[0], self.desk.studio
        trained = [m for m in studio.able(self.request) if "trained" in m.capabilities]
        if not trained or any(map(self._ready, trained)) or any(s.request == ASKED for s in concept.served):
            return None
        method = trained_method(trained)
        try:
            seconds = yield from self.desk.jobs.estimate(studio, concept, method)
        except UserError:  # this machine cannot train it: nothing to offer
            return None
        self.desk.library.remember(concept, ASKED, method, False)
        about = f"about {seconds:.0f} seconds" if seconds < 90 else f"about {seconds / 60:.0f} minutes"
        why = "the subject is not well met" if weak else _why(chosen.scores)
        return Question(f"{why}. Shall I train on {concept.name} ({method}, {about})?", ("Yes", "No"))


def score(studio: Studio, request: DrawRequest, drawn: Drawn, wanted: str) -> Scores:
    """Scores of a candidate; of an edit against its instruction, and one that changed nothing, or what nobody spoke of,
    does not pass."""
    seen, order = seen_of(studio, request, drawn.image), request.source is not None
    wanted = each_one(wanted) if order else wanted
    found = studio.score(drawn.image, request.subjects, wanted, instruction=order, **seen)
    if _otherwise(studio, request, found):
        found = replace(found, verdict="accept", details={**found.details, "reason": "it looks otherwise on purpose"})
    if request.source is None or found.verdict not in ("accept", "not_measured"):
        return found
    changed, recoloured = (drawn.settings.get(name, 1.0) for name in ("changed", "recoloured"))
    if changed < UNCHANGED or recoloured < RECOLOURED:
        return _again(found, "nothing has changed")
    if why := unasked(studio, request, drawn.image):
        return _again(found, why)
    if still_there(studio, request, drawn.image):
        return _again(found, "somebody is still there")
    beside, lost = studio.figures.changed_beside(request, drawn.image), studio.figures.lost(request, drawn.image)
    flaws = {name: round(v, 3) for name, v in (("changed_beside", beside), ("figure_lost", lost)) if v is not None}
    found = replace(found, details={**found.details, **flaws})
    if beside is not None and beside > FAR:
        return _again(found, "more has changed than was asked")
    return _again(found, "it has become another figure") if lost else found


def _otherwise(studio: Studio, request: DrawRequest, found: Scores) -> bool:
    """Whether an edit fails by its subject alone, and only because that one is to look otherwise, or did so before."""
    from .scoring.scorer import WEAK

    limits = found.details.get("thresholds", {})
    if request.source is None or found.verdict != "retry" or found.subject is None or "subject" not in limits:
        return False
    told = found.details.get("missing") or (found.text is not None and found.text < limits.get("text", 0.0))
    if told or found.details.get("reason") != WEAK:
        return False
    if recolours(request.prompt, [word for subject in request.subjects for word in (subject.name, subject.kind)]):
        return True
    before = studio.score(request.source, request.subjects, "").subject
    return before is not None and before < limits["subject"] and found.subject >= before - LIKE_BEFORE


def spoiled(studio: Studio, request: DrawRequest, found: Scores) -> bool:
    """Whether an edit that did not pass shows its subjects far less well than the picture before it."""
    if request.source is None or request.coming or found.verdict != "retry" or found.subject is None:
        return False
    before = studio.score(request.source, request.subjects, "").subject
    return before is not None and before - found.subject > SPOILED


def _again(scores: Scores, reason: str) -> Scores:
    return replace(scores, verdict="retry", details={**scores.details, "reason": reason})


def worth(scores: Scores) -> tuple[int, float]:
    """How good a picture is, for choosing among several: what passes first, a copy last; less for what an edit has
    changed unasked."""
    rank = {"accept": 3, "not_measured": 2, "retry": 1, "copied": 0}[scores.verdict]
    limits: Mapping[str, float] = scores.details.get("thresholds", {})
    parts = [
        min(value / max(limits.get(name, 1.0), 1e-6), 1.5)
        for name, value in (("subject", scores.subject), ("text", scores.text))
        if value is not None
    ]
    return rank, (min(parts) + 0.1 * sum(parts) if parts else 0.0) - too_far(scores)


def too_far(scores: Scores) -> float:
    """How much more an edit has changed than was asked, of the rest and of the figure; 0 for what passes."""
    return max(0.0, scores.details.get("changed_beside", 0.0) - FAR) + scores.details.get("figure_lost", 0.0)


def emphasised(prompt: str, missing: Iterable[str], names: Sequence[str]) -> str:
    """The prompt with what was missing said once more. Who was missing is in it anyway, and so is what must not be."""
    again = [word for word in missing if word not in names and word in prompt]
    return f"{prompt}, {', '.join(again)}" if again else prompt


def _why(scores: Scores) -> str:
    return str(scores.details.get("reason") or "it was not measured")


def _outcomes(concepts: Sequence[Concept], kind: str) -> dict[str, tuple[int, int]]:
    """Method to (tried, accepted) over all concepts of a request; the user's ratings count like outcomes, twice."""
    found: dict[str, tuple[int, int]] = {}
    for concept in concepts:
        for entry in (s for s in concept.served if s.request == kind):
            tried, accepted = found.get(entry.method, (0, 0))
            found[entry.method] = (tried + entry.tried, accepted + entry.accepted)
        for rating in (r for r in concept.ratings if r.request in (kind, "")):
            tried, accepted = found.get(rating.method, (0, 0))
            found[rating.method] = (tried + 2, accepted + 2 * rating.liked)
    return found


def _poor(method: str, outcomes: Mapping[str, tuple[int, int]]) -> bool:
    """Whether a method has mostly failed while another one has done better."""
    tried, accepted = outcomes.get(method, (0, 0))
    if tried < FEW or accepted / tried >= POOR:
        return False
    return any(a / t > accepted / tried for name, (t, a) in outcomes.items() if name != method)


def summary(climb: Climb) -> dict[str, Any]:
    """What the planner is told beside the take."""
    scores = climb.chosen.scores
    return {
        "verdict": scores.verdict,
        "reason": climb.reason,
        "missing": list(scores.details.get("missing", ())),
        "tries": len(climb.tried) if len(climb.tried) > 1 else None,
        "rungs": list(dict.fromkeys(a.drawn.method for a in climb.tried)) if len(climb.tried) > 1 else None,
    }

"""What is known of takes and concepts, in the few words that the screens have room for."""

from __future__ import annotations

from ..memory.values import Concept, Scores, Take

SCORES = (("subject", "subject"), ("text", "text"), ("copying", "copy"))
"""What people call the scores, and their fields in `Scores`."""


def duration(seconds: float) -> str:
    """ "0.4 s", "12 s", "3 min 5 s"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def size_text(count: float) -> str:
    """ "12 kB", "3.4 MB", "1.2 GB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"


def facts(take: Take) -> str:
    """ "in_context · 2.3 s"."""
    took = [duration(take.seconds)] if take.seconds else []
    return " · ".join([take.method or take.origin, *took])


def score_line(scores: Scores, width: int = 80) -> str:
    """ "subject .81  text .70", as many as there is room for; "" where nothing was measured."""
    parts = [f"{name} {value:.2f}".replace("0.", ".", 1) for name, value in measured(scores)]
    while parts and len("  ".join(parts)) > width:
        parts.pop()
    return "  ".join(parts)


def measured(scores: Scores) -> list[tuple[str, float]]:
    """The scores that there are, by the names that people call them."""
    named = ((name, getattr(scores, field)) for name, field in SCORES)
    return [(name, value) for name, value in named if value is not None]


def marks(take: Take) -> str:
    """The user's verdict: "♥ good" or "✗ bad"."""
    return {"good": "♥ good", "bad": "✗ bad"}.get(take.rating or "", "")


def concept_line(concept: Concept) -> str:
    """ "dog · version 2 · 3 pictures"."""
    count = len(concept.references)
    return f"{concept.kind} · version {concept.version} · {count} picture{'s' * (count != 1)}"


def bar(value: float, width: int = 10) -> str:
    """ "━━━━━━━╌╌╌": a value of 0..1."""
    filled = round(max(0.0, min(1.0, value)) * width)
    return "━" * filled + "╌" * (width - filled)


def take_table(take: Take, width: int = 10) -> list[tuple[str, str]]:
    """All that is known of a take, as names and values; "" where there is nothing."""
    scores = take.scores
    found = [(name, f"{bar(value, width)} {value:.2f}") for name, value in measured(scores)]
    return [
        *(found or [("scores", "not measured")]),
        ("verdict", {"retry": "could be better", "copied": "copied from a reference"}.get(scores.verdict, "")),
        ("missing", ", ".join(map(str, scores.details.get("missing") or ()))),
        ("why", str(scores.details.get("reason") or "")),
        ("method", take.method or take.origin),
        ("took", duration(take.seconds) if take.seconds else ""),
        ("seed", str(take.seed) if take.method else ""),
        ("made", take.created[:10]),
    ]

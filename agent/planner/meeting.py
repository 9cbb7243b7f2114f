"""Whether two requests meet at a boundary of a sentence, or it is one request on both sides."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .intent import Reading
from .references import Text
from .tagger import own
from .words import DRAW_VERBS, EDIT_VERBS, either

_EXPLICIT = re.compile(
    rf"(?:now |also |another |please )*(?:(?:{either(DRAW_VERBS)}|(?:one|another|another one|a second one|a picture|"
    rf"a photo|another "
    r"picture|one more|a second|a third|the other) (?:of|on|in|at|with|where|under|by|as)) |i (?:want|need|'d "
    r"like) a (?:new )?picture)"
)
# Intents that are whole by themselves: what follows them is another request.
WHOLE = frozenset("undo redo fork compare like dislike forget rename revert train reject recall teach refine".split())
VERDICT = re.compile(
    r"\b(?:i|we|she|he|they)(?: \w+)? (?:like|love|hate|adore|prefer)|\blikes?\b|\bloves?\b|thumbs|rate|"
    r"mark|favou?rite"
)
TEACHING_ENDS = frozenset("draw edit undo redo compare fork forget rename repeat train".split())
"""What is another request after a subject was taught; all else says more about the subject."""
_THERE = re.compile(
    r"\b(?:(?:from|back to|with|at) (?:there|that|it|here)|(?:work|continue|carry on|go on|proceed|build)"
    r"(?: on| further)? (?:there|here))(?: one| further| on| again)*[ .!]*$"
)
HIM = re.compile(r"\b(?:him|her|it|them|his|its|their|my|our)\b")
GOES_ON = re.compile(r"(?:now |then )?(?:he|she|it|they)(?:'s|'re| is| are| shall| should)\b")
SHOW = re.compile(rf"(?:please |then |now )*(?:{either(DRAW_VERBS)}|(?:show|give|make|get|do) (?:me|"
    rf"us)) (?!how|what|that you)")
VERB = re.compile(
    rf"(?:please |then |now |can you |could you |also |maybe )*(?:{either(EDIT_VERBS)}|now|with|without|"
    rf"in|on|at|but)\b|.*\ue001"
)
REASON = re.compile(
    r"(?:(?:it|he|she|they|that|this|the [a-z]+)(?:'s|'re| is| are| was| looks?| feels?|"
    r" seems?) )?(?:just |way |far |much |a bit |a "
    r"little |simply |really )*(?:too|so|very|not [a-z]+ enough|quite|rather|super|a mess)\b.{0,40}|"
    r"(?:because|cause|since|as) .*"
)
"""Why somebody likes a picture or not: no change to make."""


@dataclass(frozen=True, slots=True)
class Cut:
    left: Text
    right: Text
    but: bool
    mark: str
    pause: bool
    """Whether a comma, a colon or a dash stands there, not only "and" or "so"."""


ONE_MORE = re.compile(
    r"(?:and |then |also |now )*(?:one|another(?: one)?|one more|the other|a second one) "
    r"(?P<where>(?:on|in|at|under|with|where|by|as|near|while)\b)"
)
"""As in "draw ▮ in the snow, and one on the beach"."""


def meet(cut: Cut, left: Reading, right: Reading, whole: Reading) -> bool:
    """Whether two requests meet: each whole by itself, and not two halves of one."""
    told = left.intent == "teach" and SHOW.match(cut.right.low) is not None
    if told and left.sure >= 0.6:
        return True
    if left.intent == "draw" and len(cut.left.subjects) == 1 and "and" in cut.mark and ONE_MORE.match(cut.right.low):
        return True
    if left.intent == "teach" and right.intent == "edit" and not VERB.match(cut.right.low):
        return False
    if any(r.intent == "draw" and not own(t, "draw").low for t, r in ((cut.left, left), (cut.right, right))):
        return False
    if min(left.sure, right.sure) < 0.6 or {left.intent, right.intent} & {"reply", "aside", "ask"}:
        return False
    if right.intent in ("like", "dislike") and not cut.right.takes and not VERDICT.search(cut.right.low):
        return False
    if left.intent == right.intent:
        if left.intent == "draw":
            return _EXPLICIT.match(cut.right.low) is not None
        if left.intent in ("forget", "rename", "refine", "teach"):
            whom, then = ({n for s in side.subjects for n in s.names} for side in (cut.left, cut.right))
            return left.intent not in ("teach", "refine") and bool(whom and then and whom != then)
        sides = [[ref for ref in side.takes if ref.how != "current"] for side in (cut.left, cut.right)]
        if left.intent == "edit":  # "in take 1 add a hat, and in take 2 a tie"
            first = all(len(refs) == 1 and refs[0].start < 12 for refs in sides)
            return first and sides[0][0].numbers != sides[1][0].numbers
        return all(sides) and left.intent in ("like", "dislike")
    if _THERE.search(cut.right.low) or (left.intent == "compare" and right.sure < 0.9):
        return False
    if {left.intent, right.intent} == {"like", "dislike"} and cut.left.takes and cut.right.takes:
        return True
    if left.intent in ("like", "dislike") and (cut.but or REASON.fullmatch(cut.right.low.strip(" .!"))):
        return False
    if left.intent == "dislike" and right.intent in ("undo", "redo") and not cut.left.takes:
        return False
    if cut.but and any(ref.how != "current" for ref in cut.left.takes):
        return False
    if {left.intent, right.intent} <= {"like", "dislike"}:
        return bool(cut.left.takes and cut.right.takes)
    if {left.intent, right.intent} <= {"undo", "redo", "fork", "revert"}:
        return False
    if left.intent == "teach":
        shown = bool(cut.left.files or cut.left.state.attached or SHOW.match(cut.right.low))
        return shown and right.intent in TEACHING_ENDS and right.intent != "rename"
    if left.intent in ("forget", "rename", "revert", "train") and not (cut.left.subjects or HIM.search(cut.left.low)):
        return False
    if left.intent in WHOLE:
        return right.intent != "edit" or (left.intent != "refine" and not GOES_ON.match(cut.right.low))
    if left.intent == "draw" and right.intent == "edit":
        return right.sure >= 0.8 and bool(cut.right.takes) and cut.right.takes[0].start < 8
    if left.intent == "draw":
        return right.intent in WHOLE - {"like", "dislike", "recall", "refine"} and right.sure >= 0.9
    return (
        left.intent == "edit"
        and cut.left.state.current is not None
        and right.intent in (WHOLE | {"draw"}) - {"like", "dislike", "recall"}
        and right.sure >= 0.9
    )

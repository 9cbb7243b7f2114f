"""A sentence in parts that each want one thing; remarks beside a request and words taken back are left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from . import intent as intents
from .intent import Reading
from .normalise import CONCEPT
from .parts import meant
from .references import Text, read, rx
from .scenes import describes_a_picture
from .settings import take_settings
from .tagger import own
from .words import DRAW_VERBS, EDIT_VERBS, NUMBERS, ORDINALS, either

Judge = Callable[[Text], Reading]
MOST = 8
"""So many boundaries of a sentence are looked at."""

_HARD = re.compile(
    r"(?<!\bvs\.)(?<!\bmr\.)(?<!\bdr\.)(?<!\bst\.)(?:(?<!\bno\.)|(?=\s+\D))(?<!\bnr\.)(?<!\bms\.)(?<!\bmrs\.)"
    r"(?<=[.!?;])\s+(?=\S)|\s*;\s*|(?<!\bnow)(?<!\bsince),?\s+(?:and\s+)?(?:then|after that|afterwards|"
    r"after which)(?:,)?\s+(?=\S)"
)
_SOFT = re.compile(
    r",? (?P<but>but|though|only|just) |(?<!\bnot),? and (?:ok,? )?|, so (?:ok,? )?|, (?=\S)|\s-\s|: |"
    rf" so (?:ok,? )?(?=(?:please|can|could|would|will|i|we|you|let|let's|he|she|it|they|now|just|go|undo|redo|forget|"
    rf"rename|call|wipe|compare|remember|note|from|{either(DRAW_VERBS)}|{either(EDIT_VERBS)})\b)"
)
_EXPLICIT = re.compile(
    rf"(?:now |also |another |please )*(?:(?:{either(DRAW_VERBS)}|(?:one|another|another one|a second one|a picture|"
    rf"a photo|another "
    r"picture|one more|a second|a third|the other) (?:of|on|in|at|with|where|under|by|as)) |i (?:want|need|'d "
    r"like) a (?:new )?picture)"
)
# Intents that are whole by themselves: what follows them is another request.
_WHOLE = frozenset("undo redo fork compare like dislike forget rename revert train reject recall teach refine".split())
_VERDICT = re.compile(
    r"\b(?:i|we|she|he|they)(?: \w+)? (?:like|love|hate|adore|prefer)|\blikes?\b|\bloves?\b|thumbs|rate|"
    r"mark|favou?rite"
)
TEACHING_ENDS = frozenset("draw edit undo redo compare fork forget rename repeat train".split())
"""What is another request after a subject was taught; all else says more about the subject."""
_THERE = re.compile(
    r"\b(?:(?:from|back to|with|at) (?:there|that|it|here)|(?:work|continue|carry on|go on|proceed|build)"
    r"(?: on| further)? (?:there|here))(?: one| further| on| again)*[ .!]*$"
)
_HIM = re.compile(r"\b(?:him|her|it|them|his|its|their|my|our)\b")
_OF_HIM = re.compile(r"(?:(?:his|her|its|their|he|she|it|they)\b(?! should| needs)|there (?:is|are|was|were)\b)")
# "That's not ▮, he looks completely different" tells nothing that could be drawn.
_UNLIKE = re.compile(
    r"(?:(?:he|she|it|they)(?:'s|'re| is| are| looks?| seems?)|(?:his|her|its|their|the) [a-z]+ (?:is|are|looks?))"
    r" (?:(?:just|so|all|way|far|very|really|quite|totally|completely|entirely|much|somehow|a bit) )*"
    r"(?:too\b.*|different\b.*|wrong|off|odd|strange|weird|nothing like\b.*|not (?:him|her|it|right)|"
    r"(?:like )?(?:some|an)other\b.*|like (?:somebody|someone|something)\b.*)[.! ]*"
)
_GOES_ON = re.compile(r"(?:now |then )?(?:he|she|it|they)(?:'s|'re| is| are| shall| should)\b")
# "Please always show that", "so keep that on record": how long the words before it hold, and nothing else.
_LASTING = re.compile(
    r"\b(?:always|ever|never|forever|permanent(?:ly)?|remember|memori[sz]e|noted?|record|store|save|learn|bear|"
    r"from now on|for good|each time|in mind|in memory|next time|in future|every (?:single |other )?(?:time|"
    r"picture|drawing|one)|keep|leave|"
    r"(?:don't|not) (?:you )?(?:ever )?(?:forget|lose|drop|change|miss|draw|show|add))\b"
)
_LITTLE = frozenset(
    "please pls so and just now ok kindly do make sure that this it them him her his its their way like for good the "
    "from on every single time picture pictures drawing drawings one in each all mind memory down of draw show include "
    "add put have leave out next later future you ever not don't forget lose drop change miss be should must want i to "
    "as a is always never forever permanent permanently remember memorise memorize note noted record keep save store "
    "learn bear mistake exception without exceptions no file again could can would will if possible such other".split()
)


def rides(low: str) -> bool:
    """Whether words only say that what stands before them holds for good."""
    return _LASTING.search(low) is not None and set(re.findall(r"[a-z']+", low)) <= _LITTLE


_STATES = re.compile(
    r"(?!.*\b(?:too|needs?|should|must|now|missing|could|please|make|give|put|add)\b)[^,]{2,60}? (?:is|"
    r"are|was|were|looks?) .*"
)
# "Birthday card, ▮ with balloons": what the picture is for is part of it.
_FORMAT = re.compile(
    r"(?!.*\b(?:i|we|you|it|is|are|this|that|make|draw|want|need)\b)(?:[a-z'-]+ ){0,4}?(?:screen|card|"
    r"poster|cover|banner|logo|"
    r"thumbnail|icon|header|sticker|wallpaper|flyer|avatar|overlay|invitation|invite|postcard|page|label|"
    r"badge|emote|mascot|"
    r"mural|stamp|advert|ad|billboard|leaflet|calendar page|title card|book cover|coloring page|"
    r"colouring page)$"
)
_SHOW = re.compile(rf"(?:please |then |now )*(?:{either(DRAW_VERBS)}|(?:show|give|make|get|do) (?:me|"
    rf"us)) (?!how|what|that you)")
_VERB = re.compile(
    rf"(?:please |then |now |can you |could you |also |maybe )*(?:{either(EDIT_VERBS)}|now|with|without|"
    rf"in|on|at|but)\b|.*\ue001"
)
_REASON = re.compile(
    r"(?:(?:it|he|she|they|that|this|the [a-z]+)(?:'s|'re| is| are| was| looks?| feels?|"
    r" seems?) )?(?:just |way |far |much |a bit |a "
    r"little |simply |really )*(?:too|so|very|not [a-z]+ enough|quite|rather|super|a mess)\b.{0,40}|"
    r"(?:because|cause|since|as) .*"
)
"""Why somebody likes a picture or not: no change to make."""
_ONLY_WHICH = re.compile(r"(?:(?:not \ue001+|no|the|in|on|for|from|with|ok|and|so|now|then|take|use|"
    r"hm+|regarding|concerning|about|as (?:for|to)|right|well|back to|to|of),? )*\ue001+")
# "I don't like the hat, make it blue": the hat, and no picture, is what somebody does not like.
_A_PART = re.compile(
    r"\b(?:like|hate|dislike|love|stand|fond of|happy with) (?:the|his|her|its|their|that|those|these) "
    r"(?!one|picture|photo|image|last|first|way|take|version|result|drawing|new|old|second|third)[a-z]+"
)
_BACK_TO_IT = re.compile(
    r"(?:(?:so|and|ok|please|can we|could we|can you|could you|let's|let us|i want to|i'd like to|"
    r"we should|maybe) )*(?:go|get|come|"
    r"return|back|continue|carry on|work|start|take me|move|switch|jump|revert)(?: on| back| again|"
    r" over)*(?: (?:to|with|from|at))? "
    r"(?P<it>that|there|it|that one|this one)(?: one| again| please| then| instead)*[ .!]*$"
)
MARKS_ONLY = re.compile(r"(?:[\ue000-\ue003\s,.]|and|or|the|my|with)*")


@dataclass(frozen=True, slots=True)
class _Cut:
    left: Text
    right: Text
    but: bool
    mark: str
    pause: bool
    """Whether a comma, a colon or a dash stands there, not only "and" or "so"."""


def clauses(text: Text, judge: Judge) -> list[Text]:
    """The requests of a sentence in order; the whole sentence where there is nothing to part."""
    ends = [m.span() for m in list(_HARD.finditer(text.low))[:40]]
    spans = [(a, b) for a, b in zip([0, *(e for _, e in ends)], [*(s for s, _ in ends), len(text.low)], strict=True)]
    spans = _kept_together(text, [(a, b) for a, b in spans if b > a], judge)
    found = [piece for a, b in spans if (part := text.part(a, b)).low for piece in _parted(part, judge)]
    return _requests(found, judge) or [text]


def _kept_together(text: Text, spans: list[tuple[int, int]], judge: Judge) -> list[tuple[int, int]]:
    """Sentences that go on with the one before: settings ("seed 42."), and who it is that is taught."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        part = text.part(start, end)
        on = _settings_only(part) or _settles(part, judge) or rides(part.low)
        on = on or (bool(joined) and _goes_on(text.part(*joined[-1]), part, judge))
        if joined and (on or _taught(text.part(*joined[-1]), part, judge)):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


_SCENE_GOES_ON = re.compile(
    r"(?:on|in|at|under|near|by|with|without|inside|behind|beside|over|next to|in front of|wearing|holding|riding|"
    r"(?!bring|thing|during|something|nothing|anything)[a-z]{2,}ing)\b"
)


def _goes_on(before: Text, text: Text, judge: Judge) -> bool:
    """Whether a short sentence goes on with a scene: "▮. on the moon. eating cheese"."""
    if len(before.low) > 80 or len(text.low) > 40 or not _SCENE_GOES_ON.match(text.low) or text.takes:
        return False
    scene = judge(before).intent == "draw" or (bool(before.subjects) and MARKS_ONLY.fullmatch(before.low) is not None)
    return scene and judge(text).intent in ("draw", "edit")


def _settings_only(text: Text) -> bool:
    settings, rest = take_settings(text)
    return bool(settings.args() or settings.tool) and not re.search(r"\w", rest.low)


def _settles(text: Text, judge: Judge) -> bool:
    """Whether a sentence has nothing to draw but a size or a count: "Portrait please, it's for a card"."""
    settings, rest = take_settings(text)
    return bool(settings.args()) and judge(text).intent == "draw" and not own(rest, "draw").low


def _taught(before: Text, text: Text, judge: Judge) -> bool:
    if judge(before).intent != "teach":
        return before.files == [] and _presents(before, judge) and judge(text).intent == "teach"
    return judge(text).intent not in TEACHING_ENDS or _SAYS.match(text.low) is not None


_SAYS = re.compile(r"(?:he|she|it|they)(?:'s|'re| is| are| was| has| have| had| loves?| likes?)\b")


def _presents(text: Text, judge: Judge) -> bool:
    """Whether words beside attached pictures only announce them: "new asset, three angles"."""
    reading = judge(text)
    asks = reading.intent in TEACHING_ENDS - {"edit", "repeat"} and reading.sure > 0.5
    verb = re.match(rf"(?:please |now )?(?:{either(EDIT_VERBS | DRAW_VERBS)})\b", text.low)
    return bool(text.state.attached) and not asks and not verb and not text.takes and not text.low.endswith("?")


def _requests(parts: list[Text], judge: Judge) -> list[Text]:
    """The parts that want something: talk and mere opinions beside a request are left out."""
    if len(parts) < 2:
        return parts
    parts = _pointed(parts, judge)
    readings = [judge(part) for part in parts]
    sides = zip(parts, readings, [None, *readings], [*readings[1:], None], strict=False)
    wanted = [part for part, reading, before, after in sides if _wants(part, reading, before, after)]
    return _named_before(parts, wanted) or parts


_AGAIN_AGAIN = re.compile(r"(?:(?:again|more|another)[ !.,]*)+")


def _wants(part: Text, reading: Reading, before: Reading | None, after: Reading | None) -> bool:
    """Whether a part wants something, between the parts before and after it."""
    intent, low = reading.intent, part.low
    if before and before.intent == "reject":
        if _UNLIKE.fullmatch(low):
            return False
        if _OF_HIM.match(low):
            return True
    if after and after.intent == "draw" and _AGAIN_AGAIN.fullmatch(low):
        return False
    if after and after.intent == intent == "compare" and not part.takes:  # "Figs or lemons? Compare 5 and 6"
        return False
    if after and after.intent in ("undo", "redo") and not part.takes:  # "he's crying now. undo", "no no no. go back"
        states = intent == "edit" and re.match(r"(?:he|she|it|they)(?:'s|'re| is| are)\b", low)
        if states or intent in ("reject", "dislike"):
            return False
    if intent in ("reply", "aside") or _SIGH.fullmatch(low) or (before and _A_NUMBER.fullmatch(low)):
        return False
    if intent in ("edit", "draw") and not part.subjects and _STATES.fullmatch(low):
        return False
    if intent == "draw" and not part.subjects and not own(part, "draw").low:
        return False
    if intent == "edit" and _REASON.fullmatch(low.strip(" .!")):
        return False
    return intent not in ("like", "dislike") or bool(part.takes or _VERDICT.search(low))


_CHANGES = re.compile(
    rf"(?:(?:please|so|and|just|now|can you|could you|would you|let's|then|maybe|instead),? )*"
    rf"(?:{either(EDIT_VERBS)}|(?:could|can|should) (?:it|they)|(?:it|they) should|shrink|recolou?r)\b"
)


def _named_before(parts: list[Text], wanted: list[Text]) -> list[Text]:
    """The requests, each knowing whom a remark before it has named: "▮ ran away. delete her"."""
    told: list[Text] = []
    said: Text | None = None
    for part in parts:
        if any(part is kept for kept in wanted):
            told.append(_about(said, part) if said is not None else part)
            said = None
        else:
            said = part
    return told


def _about(remark: Text, request: Text) -> Text:
    """The request, in which a pronoun means whom, or which part, the remark before it spoke of."""
    names = [s.names[0] for s in remark.subjects if len(s.names) == 1]
    him = _HIM.search(request.low)
    if any(s.start < him.start() for s in request.subjects) if him else request.subjects:
        return request
    if _CHANGES.match(request.low) and (raw := meant(remark.raw, request.raw)) != request.raw:
        return read(raw, request.state, request.hints)
    if not names:
        return request
    return read(request.raw, replace(request.state, focus=(names[-1],)), request.hints)


def _changes_it(before: Text, text: Text, judge: Judge) -> bool:
    """Whether a take is only named, or complained of, and the next sentence changes it: "Take 2. Add socks"."""
    if text.takes or text.subjects or judge(text).intent != "edit":
        return False
    return _ONLY_WHICH.fullmatch(before.low.strip(" .!:,")) is not None or (
        judge(before).intent == "edit" and not own(before, "edit").low
    )


# "Four horns. always. four" says it again.
_A_NUMBER = re.compile(rf"{either(NUMBERS)}[.! ]*")
_SIGH = re.compile(r"(?:oops|whoops|ugh|argh|hm+|oh no|oh dear|damn|wait|ouch|sorry|my bad)[.!, ]*")
# "The last three changes were a mistake. Undo them."
_LAST_FEW = re.compile(rf"\b(?:last|latest|previous) (?P<n>\d{{1,2}}|{either(NUMBERS)}) [a-z]+")
_UNDO_THEM = re.compile(
    r"(?:please |so |can you |could you |kindly )*(?:undo|revert|cancel|reverse|scrap|take) (?:them|those|these|"
    r"all of them)"
    r"(?: back)?(?: all)?(?: please)?[.! ]*"
)


def _pointed(parts: list[Text], judge: Judge) -> list[Text]:
    """After "I preferred the first one", "go back to that" is the request, and the first one is meant."""
    found: list[Text] = []
    for part in parts:
        named = [ref for ref in found[-1].takes if ref.how != "current"] if found else []
        several = _LAST_FEW.search(found[-1].plain(takes=True).low) if found else None
        if several and _UNDO_THEM.fullmatch(part.low):
            found[-1] = read(f"undo {several['n']} steps", part.state, part.hints)
        elif len(named) == 1 and len(named[0].numbers) == 1 and _changes_it(found[-1], part, judge):
            found[-1] = read(f"in take {named[0].numbers[0]}, {part.raw}", part.state, part.hints)
        elif len(named) == 1 and len(named[0].numbers) == 1 and (back := _BACK_TO_IT.match(part.low)):
            found[-1] = read(f"{part.raw[: back.start('it')]}take {named[0].numbers[0]}", part.state, part.hints)
        else:
            found.append(part)
    return found


def _parted(text: Text, judge: Judge, depth: int = 0) -> list[Text]:
    """The sentence parted at the first boundary where two requests meet, or where a remark ends or begins."""
    if depth >= MOST or describes_a_picture(text):
        return [text]
    whole = judge(text)
    for cut in _cuts(text):
        left, right = judge(cut.left), judge(cut.right)
        if left.intent == "reject" and _OF_HIM.match(cut.right.low):
            return [cut.left, cut.right]
        if left.intent == "dislike" and right.intent == "edit" and not cut.left.takes and _A_PART.search(cut.left.low):
            continue
        if _both(cut, left, right, whole):
            return [cut.left, *_parted(cut.right, judge, depth + 1)]
        if "teach" in (whole.intent, left.intent, right.intent):
            continue
        if cut.but and right.intent == "draw" and not cut.right.subjects and own(cut.left, "draw").subjects:
            continue  # "can I see Rex but really small, in a teacup": one picture
        pause = cut.pause or cut.but or ", so " in cut.mark
        if (
            (pause or (" so " in cut.mark and left.intent in ("aside", "reply") and right.intent in _WHOLE))
            and _remark(left, cut.left)
            and right.sure >= 0.6
            and right.intent not in ("reply", "aside", "ask", "like", "dislike")
        ):
            opinion = left.intent in ("like", "dislike") and not cut.but and bool(_VERDICT.search(cut.left.low))
            opinion = opinion and (bool(cut.left.takes) or right.intent not in ("undo", "redo", "fork"))
            right_part = cut.right if opinion else _about(cut.left, cut.right)
            return [*([cut.left] if opinion else []), *_parted(right_part, judge, depth + 1)]
        if (
            cut.pause
            and not take_settings(cut.right)[0].args()
            and (right.intent == "reply" or (right.intent == "aside" and left.intent in _WHOLE - {"teach", "refine"}))
            and right.sure >= 0.75
            and left.intent not in ("reply", "ask")
            and left.sure >= 0.6
        ):
            return _parted(cut.left, judge, depth + 1)
    return [text]


def _cuts(text: Text) -> list[_Cut]:
    cuts = []
    for match in list(_SOFT.finditer(text.low))[:MOST]:
        left, right = text.part(0, match.start()), text.part(match.end())
        bare = _FORMAT.match(left.low) or _ONLY_WHICH.fullmatch(left.low) or _settings_only(left)
        if bare or rides(right.low) or _listed(match.group().strip(), left, right):
            continue
        if left.low and right.low and not MARKS_ONLY.fullmatch(right.low) and not _settings_only(right):
            cuts.append(
                _Cut(left, right, bool(match["but"]), match.group(), match.group()[0] in ",:-" or "-" in match.group())
            )
    return cuts


_A_TAKE = rf"(?:\ue001+|\d{{1,3}}|{either(NUMBERS)}|{either(ORDINALS)})"
_ENDS_IN_TAKE = re.compile(rf"{_A_TAKE}$")
_MORE_TAKES = re.compile(
    rf"(?:the )?{_A_TAKE}(?:$|[ ,]+(?:next|side|beside|together|for|so|please|with|at|against|and|thanks)\b)"
)


def _listed(mark: str, left: Text, right: Text) -> bool:
    """Whether the mark stands between takes or subjects of one list: "put 2 and 3 side by side", "▮, ▮ and ▮"."""
    subjects = left.low.endswith(CONCEPT) and right.low.startswith(CONCEPT)
    if mark.endswith("and"):
        return subjects or (_ENDS_IN_TAKE.search(left.low) is not None and _MORE_TAKES.match(right.low) is not None)
    return subjects and mark == "," and _AND_MORE.match(right.low) is not None


_AND_MORE = re.compile(r"\ue000+(?:, \ue000+)*,? (?:and|&) \ue000+")


def _remark(reading: Reading, text: Text) -> bool:
    if any(ref.how != "current" for ref in text.takes) or _settings_only(text):
        return False
    sure = max(reading.sure, reading.share("reply") + reading.share("aside"))
    return reading.intent in ("reply", "aside", "like", "dislike") and sure >= 0.6 and len(text.low) > 2


ONE_MORE = re.compile(
    r"(?:and |then |also |now )*(?:one|another(?: one)?|one more|the other|a second one) "
    r"(?P<where>(?:on|in|at|under|with|where|by|as|near|while)\b)"
)
"""As in "draw ▮ in the snow, and one on the beach"."""


def _both(cut: _Cut, left: Reading, right: Reading, whole: Reading) -> bool:
    """Whether two requests meet: each whole by itself, and not two halves of one."""
    told = left.intent == "teach" and _SHOW.match(cut.right.low) is not None
    if told and left.sure >= 0.6:
        return True
    if left.intent == "draw" and len(cut.left.subjects) == 1 and "and" in cut.mark and ONE_MORE.match(cut.right.low):
        return True
    if left.intent == "teach" and right.intent == "edit" and not _VERB.match(cut.right.low):
        return False
    if any(r.intent == "draw" and not own(t, "draw").low for t, r in ((cut.left, left), (cut.right, right))):
        return False
    if min(left.sure, right.sure) < 0.6 or {left.intent, right.intent} & {"reply", "aside", "ask"}:
        return False
    if right.intent in ("like", "dislike") and not cut.right.takes and not _VERDICT.search(cut.right.low):
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
    if left.intent in ("like", "dislike") and (cut.but or _REASON.fullmatch(cut.right.low.strip(" .!"))):
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
        shown = bool(cut.left.files or cut.left.state.attached or _SHOW.match(cut.right.low))
        return shown and right.intent in TEACHING_ENDS and right.intent != "rename"
    if left.intent in ("forget", "rename", "revert", "train") and not (cut.left.subjects or _HIM.search(cut.left.low)):
        return False
    if left.intent in _WHOLE:
        return right.intent != "edit" or (left.intent != "refine" and not _GOES_ON.match(cut.right.low))
    if left.intent == "draw" and right.intent == "edit":
        return right.sure >= 0.8 and bool(cut.right.takes) and cut.right.takes[0].start < 8
    if left.intent == "draw":
        return right.intent in _WHOLE - {"like", "dislike", "recall", "refine"} and right.sure >= 0.9
    return (
        left.intent == "edit"
        and cut.left.state.current is not None
        and right.intent in (_WHOLE | {"draw"}) - {"like", "dislike", "recall"}
        and right.sure >= 0.9
    )


_REPAIR = rx(
    r"(?:,? ?\.{2,}|[,;.!?-]| )(?: ?-)? ?(?:(?:er+|uh+|u[hm]+|hm+|argh|oh|ah|oops|sorry|well|"
    r"or)[, ]+)*(?:(?:no|nope|nah)(?: no)*,? "
    r"(?:(?:wait|sorry|hold on|hang on|hm+|actually|rather|i mean(?:t)?|make that|"
    r"scratch that)[, ]+)*(?=.{2})|"
    r"(?:actually,? )?(?:scratch|strike|scrap|forget) that[, ]+|(?:sorry|i mean(?:t)?|make that|"
    r"or rather|correction|"
    r"wait|no wait|hang on|argh|oops|sorry|hm+|er+|uh+|um+)[:, ]+(?:i mean(?:t)?[, ]+|no[, ]+|make that )*)"
)
_NOT_THAT = re.compile(
    r"(?:no[,.]? )?not (?:that|this|it|the [a-z]+|\ue001+)(?: one)?, (?=the |\ue001|my |take |number )"
)


# "On a mountain no not a mountain a boat": what is taken back is said again.
_NOT_BUT = re.compile(
    r"(?:no,? )?not (?:an?|the|his|her|on|in|at|with) [a-z]+(?: [a-z]+)??,? (?:but )?"
    rf"(?=(?:an?|the|his|her|on|in|at|with|\ue000+|{either(DRAW_VERBS)}) )"
)
_HESITATES = re.compile(r"(?:er+|uh+|u[hm]+|hm+|argh|oh|ah|oops|sorry|well|or)[, ]*")
_STEPS = re.compile(r"[\w-]+ (?:steps?|back|forwards?|times|more)\b")
_COUNTS = re.compile(rf"(?:take |number |the )?(?:{either(NUMBERS)}|{either(ORDINALS)}|\d+|\ue001+)\b|"
    rf"\ue001+")


def repaired(text: Text) -> Text:
    """The sentence after a slip that its writer mends: from "go back to seven, argh, six" comes "go back to six"."""
    if late := re.search(r",? i mean[.! ]*$", text.low):
        text = text.part(0, late.start()) if late.start() else text
    if wrong := _NOT_THAT.match(text.low):
        return text.part(wrong.end())
    for match in list(_REPAIR.finditer(text.low))[:4][::-1]:
        if re.match(r"not (?:the |an? |his |her |its )?[a-z]+[ .!]*$", text.low[match.end() :]):
            continue  # "pink no, not maroon" stands by what it said
        mark = match.group().strip(" ,;.!?-")
        wrong = _NOT_BUT.match(text.low, match.end())
        before, after = text.part(0, match.start()), text.part(wrong.end() if wrong else match.end())
        if len(before.low) < 3 or not after.low or (not wrong and _plain_no(mark, text.low, match.end())):
            continue
        alike = [p for p in (_COUNTS, *_SLOTS) if p.search(before.low) and p.match(after.low)]
        if _HESITATES.fullmatch(mark) and not alike:
            continue
        return _mended(before, after)
    return text


def _plain_no(mark: str, low: str, end: int) -> bool:
    """Whether the mark is an ordinary "no" ("a hat, no shoes") and takes nothing back."""
    return mark in ("no", "nah", "nope") and not low[:end].rstrip(" ").endswith(",")


_SLOTS = (
    re.compile(r"\b(?:at|in|on|under|near|by|with|behind|inside|over|next to|beside|from) "),
    re.compile(r"\b(?:an?|the|some|his|her|its|two|three|four|five) "),
)


def _mended(before: Text, after: Text) -> Text:
    state, hints = before.state, before.hints
    first = before.takes[0] if before.takes else None
    if first and re.match(rf"(?:{either(NUMBERS)}|\d+)(?![\w-])", after.low) and not _STEPS.match(after.low):
        numbers = len(_COUNTS.findall(after.low[:20]))
        at = first if numbers > 1 or len(before.takes) == 1 else before.takes[-1]
        kept = before.raw[: at.start] + ("" if numbers > 1 else "take " if at.how == "number" else "number ")
        return read(f"{kept}{after.raw}", state, hints)
    if first and after.takes and after.takes[0].start <= 4:
        at = before.takes[-len(after.takes)] if len(after.takes) <= len(before.takes) else first
        return read(f"{before.raw[: at.start]}{after.raw}", state, hints)
    for opening in _SLOTS if not after.takes else ():
        if opening.match(after.low) and (places := list(opening.finditer(before.low))):
            return read(f"{before.raw[: places[-1].start()]}{after.raw}", state, hints)
    if first and not after.takes and first.how != "current":
        return read(f"{before.raw[first.start : first.end]}, {after.raw}", state, hints)
    return after


def judge_with(vote: Callable[[Text], str]) -> Judge:
    """A judge of clauses that asks the grammar for its vote and remembers its readings."""
    known: dict[str, Reading] = {}

    def judge(text: Text) -> Reading:
        if text.low not in known:
            known[text.low] = intents.classifier().read(text, vote(text))
        return known[text.low]

    return judge

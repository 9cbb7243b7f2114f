"""A sentence in parts that each want one thing; remarks beside a request and words taken back are left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from . import intent as intents
from .intent import Reading
from .meeting import HIM, REASON, TEACHING_ENDS, VERDICT, WHOLE, Cut, meet
from .normalise import CONCEPT
from .parts import meant, one_like_that
from .references import Text, read
from .scenes import describes_a_picture
from .settings import take_settings
from .tagger import own
from .words import COLOURS, DRAW_VERBS, EDIT_VERBS, NUMBERS, ORDINALS, PICTURES, either

Judge = Callable[[Text], Reading]
MOST = 8
"""So many boundaries of a sentence are looked at."""
_HARD = re.compile(
    r"(?<!\bvs\.)(?<!\bmr\.)(?<!\bdr\.)(?<!\bst\.)(?:(?<!\bno\.)|(?=\s+\D))(?<!\bnr\.)(?<!\bms\.)(?<!\bmt\.)(?<!\bmrs\.)"
    r"(?<=[.!?;])\s+(?=\S)|\s*;\s*|(?<!\bnow)(?<!\bsince),?\s+(?:and\s+)?(?:then|after that|afterwards|thereafter|"
    r"after which)(?:,)?\s+(?=\S)"
)
_SOFT = re.compile(
    r",? (?P<but>but|though|only|just) |(?<!\bnot),? and (?:ok,? )?|, so (?:ok,? )?|, (?=\S)|\s-\s|: |"
    rf" so (?:ok,? )?(?=(?:please|can|could|would|will|i|we|you|let|let's|he|she|it|they|now|just|go|undo|redo|forget|"
    rf"rename|call|wipe|compare|remember|note|from|{either(DRAW_VERBS)}|{either(EDIT_VERBS)})\b)"
)
_OF_HIM = re.compile(r"(?:(?:his|her|its|their|he|she|it|they)\b(?! should| needs)|there (?:is|are|was|were)\b)")
# "That's not ▮, he looks completely different" tells nothing that could be drawn.
_UNLIKE = re.compile(
    r"(?:(?:he|she|it|they)(?:'s|'re| is| are| looks?| seems?)|(?:his|her|its|their|the) [a-z]+ (?:is|are|looks?))"
    r" (?:(?:just|so|all|way|far|very|really|quite|totally|completely|entirely|much|somehow|a bit) )*"
    r"(?:too\b.*|different\b.*|wrong|off|odd|strange|weird|nothing like\b.*|not (?:him|her|it|right)|"
    r"(?:like )?(?:some|an)other\b.*|like (?:somebody|someone|something)\b.*)[.! ]*"
)
# "Please always show that", "so keep that on record": how long the words before it hold, and nothing else.
_LASTING = re.compile(
    r"\b(?:always|ever|never|forever|permanent(?:ly)?|remember|memori[sz]e|noted?|record|store|save|learn|bear|"
    r"from now on|for (?:good|keeps)|each time|in mind|in memory|next time|in future|every (?:single |other )?(?:time|"
    r"picture|drawing|one)|keep|leave|engraved?|carved?|set in stone|file|"
    r"(?:don't|not) (?:you )?(?:ever )?(?:forget|lose|drop|change|miss|draw|show|add))\b"
)
_LITTLE = frozenset(
    "please pls so and just now ok kindly do make sure that this it them him her his its their way like for good the "
    "from on every single time picture pictures drawing drawings one in each all mind memory down of draw show include "
    "add put have leave out next later future you ever not don't forget lose drop change miss be should must want i to "
    "as a is always never forever permanent permanently remember memorise memorize note noted record keep save store "
    "keeps engrave engraved carve carved stone somewhere set file mark words my book put them remembers member "
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
_NOT_HIM = re.compile(r"not (?:\ue000+|him|her|it|them)[.! ]*")
_GOES_ON = re.compile(r"\b(?:with|of|an?|the)$")
# "I'd like a picture for my wall: …", "make two tall: …"
_PICTURE_FOR = re.compile(
    rf"(?:(?:please|now|then|and|can|could|would|you|i|i'd|i'll|like|need|want|make|do|draw|paint|give|me|us|have) )*"
    rf"(?:(?:an?|one|another|some|{either(NUMBERS)}|\d)(?: (?:new|nice|tall|wide|vertical|upright|horizontal|portrait|"
    rf"landscape|square|big))*)(?: {either(PICTURES)})?(?: for (?:(?:my|our|the|his|her|a) )?[a-z' -]{{2,40}})?"
)
_ONLY_WHICH = re.compile(r"(?:(?:not \ue001+|no|the|in|on|for|from|with|ok|and|so|now|then|take|use|"
    r"hm+|regarding|concerning|about|as (?:for|to)|right|well|back to|to|of|oo+h|oh|ah|um|er|actually|yeah|yes|please|"
    r"remember|you know),? )*\ue001+(?:(?:,| and|, and| or| vs) \ue001+)*(?:,? (?:please|then|again))*")
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


_LINKS = re.compile(r"[ ,]*(?:and|so|but)?[ ,]*")


def clauses(text: Text, judge: Judge) -> list[Text]:
    """The requests of a sentence in order; the whole sentence where there is nothing to part."""
    ends = [m.span() for m in list(_HARD.finditer(text.low))[:40]]
    spans = [(a, b) for a, b in zip([0, *(e for _, e in ends)], [*(s for s, _ in ends), len(text.low)], strict=True)]
    spans = _kept_together(text, [(a, b) for a, b in spans if b > a and not _LINKS.fullmatch(text.low[a:b])], judge)
    found = [piece for a, b in spans if (part := text.part(a, b)).low for piece in _parted(part, judge)]
    return _requests(found, judge) or [text]


def _kept_together(text: Text, spans: list[tuple[int, int]], judge: Judge) -> list[tuple[int, int]]:
    """Sentences that go on with the one before: settings ("seed 42."), and who it is that is taught."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        part = text.part(start, end)
        on = settings_only(part) or _settles(part, judge) or rides(part.low)
        if joined and _NOT_SO.fullmatch(part.low):
            on = on or judge(text.part(*joined[-1])).intent == "refine"
        on = on or (bool(joined) and _goes_on(text.part(*joined[-1]), part, judge))
        if joined and (on or _taught(text.part(*joined[-1]), part, judge)):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


# "▮ is black. Not grey. Black."
_NOT_SO = re.compile(rf"(?:not|never) (?:an? |too )?[a-z]+[.! ]*|{either(COLOURS)}[.! ]*")
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


def settings_only(text: Text) -> bool:
    """Whether a text says only how many, which seed, size or method."""
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
    if before and before.intent == "refine" and _COMPLAINT.match(low):
        return False
    if after and after.intent == "refine" and low.startswith(("why ", "how come ")):
        return False
    if before and before.intent == intent == "undo" and not _STEPS_BACK.search(low):
        return False  # "fine. undo. you win."
    if before and before.intent in ("revert", "fork") and intent in _STEPPING and not part.takes and low.count(" ") < 2:
        return False  # "version 2 was right. restore"
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
    if intent == "edit" and REASON.fullmatch(low.strip(" .!")):
        return False
    return intent not in ("like", "dislike") or bool(part.takes or VERDICT.search(low))


_STEPS_BACK = re.compile(r"\b(?:undo|back|again|another|more|one|two|that|too|before|last|previous|revert|scrap|it)\b")
# "▮ has one eye. You've given it two."
_COMPLAINT = re.compile(
    r"(?:and |but )?you(?:'ve| have)? (?:just )?(?:did|done|drew|drawn|made|got|gave|given|painted|put|keep)\b"
)
_STEPPING = ("undo", "redo", "revert", "fork")
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
    him = HIM.search(request.low)
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
        elif found and not part.takes and (said := one_like_that(found[-1].raw, part.raw)):
            found[-1] = read(said, part.state, part.hints)
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
        if meet(cut, left, right, whole):
            return [cut.left, *_parted(cut.right, judge, depth + 1)]
        if "teach" in (whole.intent, left.intent, right.intent):
            continue
        if cut.but and right.intent == "draw" and not cut.right.subjects and own(cut.left, "draw").subjects:
            continue  # "can I see Rex but really small, in a teacup": one picture
        pause = cut.pause or cut.but or ", so " in cut.mark
        if (
            (pause or (" so " in cut.mark and left.intent in ("aside", "reply") and right.intent in WHOLE))
            and _remark(left, cut.left)
            and not (text.hints.mode == "draw" and not depth and right.intent in ("draw", "edit"))
            and right.sure >= 0.6
            and right.intent not in ("reply", "aside", "ask", "like", "dislike")
        ):
            opinion = left.intent in ("like", "dislike") and not cut.but and bool(VERDICT.search(cut.left.low))
            opinion = opinion and (bool(cut.left.takes) or right.intent not in ("undo", "redo", "fork"))
            right_part = cut.right if opinion else _about(cut.left, cut.right)
            return [*([cut.left] if opinion else []), *_parted(right_part, judge, depth + 1)]
        if (
            cut.pause
            and not take_settings(cut.right)[0].args()
            and (right.intent == "reply" or (right.intent == "aside" and left.intent in WHOLE - {"teach", "refine"}))
            and right.sure >= 0.75
            and left.intent not in ("reply", "ask")
            and left.sure >= 0.6
        ):
            return _parted(cut.left, judge, depth + 1)
    return [text]


def _cuts(text: Text) -> list[Cut]:
    cuts = []
    for match in list(_SOFT.finditer(text.low))[:MOST]:
        left, right = text.part(0, match.start()), text.part(match.end())
        bare = any((_FORMAT.match(left.low), _PICTURE_FOR.fullmatch(left.low), _ONLY_WHICH.fullmatch(left.low)))
        bare = bare or settings_only(left) or _GOES_ON.search(left.low) is not None
        if bare or _NOT_HIM.fullmatch(right.low) or rides(right.low) or _listed(match.group().strip(), left, right):
            continue
        if left.low and right.low and not MARKS_ONLY.fullmatch(right.low) and not settings_only(right):
            cuts.append(
                Cut(left, right, bool(match["but"]), match.group(), match.group()[0] in ",:-" or "-" in match.group())
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
    if any(ref.how != "current" for ref in text.takes) or settings_only(text):
        return False
    sure = max(reading.sure, reading.share("reply") + reading.share("aside"))
    return reading.intent in ("reply", "aside", "like", "dislike") and sure >= 0.6 and len(text.low) > 2


def judge_with(vote: Callable[[Text], str]) -> Judge:
    """A judge of clauses that asks the grammar for its vote and remembers its readings."""
    known: dict[str, Reading] = {}

    def judge(text: Text) -> Reading:
        if text.low not in known:
            known[text.low] = intents.classifier().read(text, vote(text))
        return known[text.low]

    return judge

"""Corrections that last: "no, his ears are longer", "never with the hat", "don't draw him like that"."""

from __future__ import annotations

import re

from ..references import Text, pick, rx
from ..speech import LASTING
from ..state import Ask, Call, Step
from ..subjects import antecedents, choose
from ..words import PRONOUNS
from .history import one_take

_CUE = (
    r"(?:no|nope|nah|actually|in fact|really|in reality|in real life|remember(?: that)?|note(?: that)?|"
    r"keep in mind(?: that)?|by the way|btw|fyi|for the record|you should know(?: that)?|correction|wait|"
    r"just so you know|don't forget(?: that)?|please note(?: that)?|careful|but|well)"
)
_HIS = r"(?:his|her|its|their|(?P<c>{C})'s?)"
_HE = r"(?:he|she|it|they|(?P<c>{C}))"
_PARTS = (
    r"(?:ears?|tails?|nose|eyes?|fur|coat|paws?|legs?|face|hair|beard|handle|belly|snout|muzzle|"
    r"collar|mouth|teeth|"
    r"whiskers|wings?|beak|feet|foot|head|neck|back|skin|stripes?|spots?|spot|colou?r|shape|rim|lid|"
    r"spout|wheels?|body|"
    r"pattern|stem|leaves|petals|buttons?|mane|horns?|feathers?|scales?|arms?|hands?|cheeks?|"
    r"freckles|glasses|logo|"
    r"bumper|windows?|roof|door|size|markings?|patch|patches|chest|lips?|eyebrows?|tongue|claws?|"
    r"shell|fins?|antenna|strap|sole|laces?|label|tip|edge|base|bottom|top)"
)
_BE = (
    r"(?:is|are|has|have|isn't|aren't|is not|are not|hasn't|'s|was|were|should be|should have|"
    r"needs to be|must be|ought to be)"
)

# A fact about a part of the subject: "his ears are longer", "the handle is on the left" (after a cue).
_PART_FACT = rx(
    rf"(?P<cue>{_CUE}[,:.!; ]+)*(?:(?P<det>the|all)|{_HIS}) (?P<part>(?:[a-z-]+ ){{0,2}}{_PARTS}|"
    rf"[a-z]+)(?P<always> always| really| actually)?(?: |(?='s ))(?P<be>{_BE})(?P<still> always| actually| really|"
    rf" also| much| usually| normally| a lot)? (?P<rest>.+)"
)
_FACT = rx(
    rf"(?P<cue>{_CUE}[,:.!; ]+)*{_HE}(?P<always> always| usually| normally| actually| really| also|"
    rf" only ever| generally)?(?: ?(?P<be>has got|'s got|is|are|has|have|'s|wears?|carries|carry|"
    rf"comes with|needs to have|should always (?:be|have|wear)|must always (?:be|have|wear)|has got)|"
    rf"(?P<short>'s)) (?P<rest>.+)"
)
_PLEASE = r"(?:please |from now on,? |in (?:the )?future,? |remember(?::| to| that)? |you should |and |so )*"
_ALWAYS = [
    rx(
        rf"{_PLEASE}always (?:draw|show|give|paint|make|render|depict|put|picture)(?: (?:him|her|it|them|"
        rf"(?P<c>{{C}})))? (?:with |wearing |in )?(?P<rest>.+)"
    ),
    rx(
        rf"{_PLEASE}always (?:with|wearing|include|add|keep|in) (?P<rest>.+?)(?: (?:on|for|with|"
        rf"to) (?:him|her|it|them|(?P<c>{{C}})))?"
    ),
    rx(
        r"(?:from now on|in (?:the )?future|for the future|for good|permanently|going forward|as of now|"
        r"for next time|next time)[,:]? (?:he|she|it|they|(?P<c>{C}))(?: always| should(?: always)?|"
        r" must)? (?:has|have|wears?|is|are|be|gets?|carries|comes with) (?P<rest>.+)"
    ),
    rx(
        r"(?:from now on|in (?:the )?future|for the future|permanently|"
        r"going forward)[,:]? (?:always )?(?:draw|give|show|add|put) (?:him|her|it|them|"
        r"(?P<c>{C})) (?:with |wearing |in )?(?P<rest>.+)"
    ),
    rx(
        r"(?P<c>{C}) (?:always )?(?:(?:should|must|needs to) always|always) (?:have|has|wear|wears|be|is|"
        r"come with|comes with|carry|carries|get|gets|looks?|holds?) (?P<rest>.+)"
    ),
    rx(
        r"(?:he|she|it|they) (?:(?:should|must|needs to) always|always) (?:have|has|wear|wears|be|is|"
        r"come with|comes with|carry|carries|get|gets|looks?|holds?|hold) (?P<rest>.+)"
    ),
    rx(
        r"(?:add|note|remember|save|store)(?: down)?(?: that| this)?(?: fact)?:? (?:(?:he|she|it|they|"
        r"(?P<c>{C})) (?:has|have|is|are|wears) )(?P<rest>.+)"
    ),
    rx(
        r"(?:add|save|store) (?P<rest>.+?) (?:to|in) (?P<c>{C})(?:'s?)? (?:description|attributes|"
        r"features|profile|look|looks|traits|concept|memory|notes)"
    ),
    rx(
        r"(?:refine|correct|update|fix) (?P<c>{C})(?:[:,]| with| to have| so that (?:he|she|it|"
        r"they) (?:has|have)|'s (?:description|concept):?) (?:(?:he|she|it|they) (?:has|have|is|"
        r"are) )?(?P<rest>.+)"
    ),
]
_NEVER = [
    rx(
        rf"{_PLEASE}(?:never|don't ever|do not ever|not ever) (?:again )?(?:draw|show|give|paint|make|"
        rf"put|render|depict|picture|add|dress|use|include)(?: (?:him|her|it|them|(?P<c>{{C}})))?(?: in|"
        rf" with| wearing| having)? (?P<rest>.+?)(?: (?:on|for|with|to) (?:him|her|it|them|"
        rf"(?P<c>{{C}})))?(?: ever)?(?: again| anymore)?"
    ),
    rx(
        rf"{_PLEASE}never(?: again)? (?:with|wearing|in|add|use) (?P<rest>.+?)(?: on (?:him|her|it|them|"
        rf"(?P<c>{{C}})))?(?: again| ever| please| anymore)*"
    ),
    rx(
        rf"(?:{_CUE}[,:.! ]+)*(?:he|she|it|they|(?P<c>{{C}})) (?:(?:should|must|would|may) never|never|"
        rf"never ever) (?:have|has|wear|wears|had|be with|gets?|use|uses|carries|carry|wore) (?P<rest>.+)"
    ),
    rx(
        rf"(?:{_CUE}[,:.! ]+)*(?:he|she|it|they|(?P<c>{{C}})) (?:doesn't|does not|don't|do not|didn't|"
        rf"hasn't|has not)(?: really| actually| usually| normally| even| ever)? (?:have|wear|own|got|"
        rf"like|carry|use) (?P<rest>.+?)(?: any ?more| any longer)?"
    ),
    rx(
        rf"(?:{_CUE}[,:.! ]+)*(?:he|she|it|they|(?P<c>{{C}})) (?:no longer|doesn't) (?:has|have|wears?|"
        rf"owns|carries)(?: got)? (?P<rest>.+?)(?: any ?more| any longer| now)?"
    ),
    rx(
        rf"(?:{_CUE}[,:.! ]+)*(?:he|she|it|they|(?P<c>{{C}})) (?:actually |really )?(?:has|have|"
        rf"wears?) no (?P<rest>.+)"
    ),
    rx(
        r"(?:no|without|not with|no more) (?P<rest>.+?),? (?:ever again|ever|from now on|"
        r"in (?:the )?future|anymore|any more|next time|for good)(?: (?:on|for) (?:him|her|it|them|"
        r"(?P<c>{C})))?(?: please)?"
    ),
    rx(
        r"(?:no|no more) (?P<rest>.+?) (?:on|for) (?:him|her|it|them|(?P<c>{C})),? (?:ever again|ever|"
        r"from now on|in (?:the )?future|anymore|any more|next time|for good)"
    ),
    rx(
        r"(?:from now on|in (?:the )?future|for the future|going forward)[,:]? (?:no|never|without|"
        r"no more|leave (?:out|off)|skip|don't (?:draw|add|give (?:him|her|it|them|"
        r"(?P<c>{C})))) (?P<rest>.+?)(?: (?:on|for) (?:him|her|it|them|(?P<c>{C})))?"
    ),
    rx(
        r"forget (?:about )?(?:(?:his|her|its|their|(?P<c>{C})'s?) |(?:that )(?:he|she|it|they|"
        r"(?P<c>{C})) (?:has|have|is|are|wears?|had|wore) |the )(?P<rest>(?:[a-z-]+ ){0,3}[a-z-]+)"
    ),
    rx(
        r"(?:remove|delete|drop|take) (?P<rest>.+?) (?:from|out of|"
        r"off) (?P<c>{C})(?:'s?)? (?:description|attributes|features|profile|traits|concept|memory|notes)"
    ),
    rx(r"(?:he|she|it|they|(?P<c>{C})) (?:should |must )?never (?P<rest>(?!looks?\b|rains|snows|mind)[a-z]+.*)"),
]
_LIKE_THIS = (
    r"(?:like (?:that|this|in (?:{T})|{T})|that way|this way|so|the way (?:he|she|it) (?:looks|is|"
    r"was) (?:in (?:{T})|here|there))"
)
_REJECT = [
    rx(
        r"(?P<t>{T}) (?:doesn't|does not|didn't) (?:really |even )?(?:look|seem)(?: anything)? like (?P<c>{C})(?: at all)?"
    ),
    rx(
        r"(?:(?P<t>{T})|it|this|that|he|she)(?:'s| is|'re| are| does| doesn't| isn't|) ?(?:not|"
        r"n't)?(?: (?:even|really|actually|at all|look like|like|my))* ?(?P<c>{C})(?: at all| "
        r"anymore)?[,.;:-]+ ?(?:(?:so |please |and )*(?:don't|do not|never) (?:learn|remember|use|"
        r"keep|save|take).{0,40}|"
        r"(?:it |that |this |he |she )?(?:looks?|is|'s) (?:like )?(?:some |an?)(?:other)? .{1,40})"
    ),
    rx(
        r"(?:please )?(?:don't|do not|never) (?:learn from|use|remember|keep|take|count) (?:(?P<t>{T})|"
        r"it|this|that|this one|that one)(?: as (?:a )?(?:reference|example|model))?(?: (?:for|of) "
        r"(?P<c>{C}))?"
    ),
    rx(
        rf"(?:please )?(?:never|don't(?: ever)?|do not(?: ever)?) (?:draw|show|make|paint|render|depict|"
        rf"picture) (?:him|her|it|them|(?P<c>{{C}})) {_LIKE_THIS}(?: ever)?(?: again)?(?: please)?"
    ),
    rx(
        r"(?:i )?reject (?:(?P<t>{T})|it|this|that|that picture|this picture|the picture)(?: (?:for|"
        r"as) (?P<c>{C}).{0,30})?"
    ),
    rx(
        r"(?:please )?(?:use|take|save|keep|remember|mark|store|count|treat|see) (?:(?P<t>{T})|it|this|"
        r"that|this picture|that picture) as (?:a |an )?(?:bad|negative|wrong|rejected|"
        r"counter)[ -]?(?:example|one|reference|picture|sample)?(?: (?:for|of) (?:him|her|it|them|"
        r"(?P<c>{C})))?"
    ),
    rx(
        r"(?:mark|flag) (?:(?P<t>{T})|it|this|that) as rejected(?: (?:for|of) (?:him|her|it|them|"
        r"(?P<c>{C})))?"
    ),
    rx(
        r"(?:(?P<t>{T})|it|this|that|that picture|this picture)(?:'s| is| shows| looks)? (?:not|"
        r"nothing like|isn't) (?:how|what|the way) (?:he|she|it|they|(?P<c>{C})) (?:really |"
        r"actually )?looks?(?: like)?(?: at all)?"
    ),
    rx(
        r"(?:(?P<t>{T})|it|this|that)(?:'s| is) not (?:how|"
        r"what) (?P<c>{C}) looks?(?: like)?,? .{0,60}(?:never|don't).{0,60}"
    ),
    rx(
        r"(?:he|she|it|they|(?P<c>{C})) (?:never|doesn't|does not|don't) looks? like (?:(?P<t>{T})|that|"
        r"this)(?: at all)?"
    ),
    rx(r"(?:forget|reject|discard|drop) the rejected (?:one|picture|take)"),
    rx(r"not like (?:(?P<t>{T})|that|this),? (?:ever again|never again|ever)"),
    rx(
        r"(?:learn|remember) (?:from|that) (?:(?P<t>{T})|this|that)(?: one)? is (?:wrong|bad|not (?:him|"
        r"her|it|(?P<c>{C})))"
    ),
]
_SCENE_REST = re.compile(
    r"(?:in|at|under|by|near|beside|inside|behind|over|above|[a-z]+ing)\b|on (?:a|the|his|her|its|"
    r"top)\b(?! (?:left|right|back|front|side|other|nose|chest|head|belly|tail|neck))|"
    r"(?:now|there|here|too|not there|missing|gone|wrong|perfect|great|good|bad|lovely|beautiful|"
    r"ugly|cute|awesome|fine|nice|ok|okay)\b"
)
_ARTICLES = re.compile(r"^(?:(?:the|a|an|any|his|her|its|their|some|that|this|those|these|such) )+")
_ADVERBS = re.compile(r"(?:(?:always|actually|really|also|usually|normally|much|a lot|a bit|in fact|not|only) )+")


def refine(text: Text) -> list[Step] | None:
    """A lasting correction of a concept, or `None` when the sentence is about the picture only."""
    if not text.state.concepts:
        return None
    if (rider := LASTING.search(text.low)) and rider.start() > 8:
        text = text.part(0, rider.start())
    low = text.low.rstrip(" ?!.,")
    for find in (_rejected, _never, _always, _part_fact, _fact):
        if steps := find(text, low):
            return steps
    return None


def whom(text: Text, match: re.Match[str]) -> str | Ask | None:
    """The concept a correction is about: the one named, the pronoun's, or the one in focus."""
    if group := pick(match, "c"):
        subject = text.subject_at(match.start(group))
        return choose(subject.names, subject.said, text.state, text.hints) if subject else None
    words = [w for w in re.findall(r"[a-z]+", text.low) if w in PRONOUNS]
    rest = match.groupdict().get("rest") or ""
    words = [w for w in words if w not in re.findall(r"[a-z]+", rest)] or words
    if words and (antecedents(words[0], text.state) or len(text.state.focus) != 1):
        return choose(antecedents(words[0], text.state), words[0], text.state, text.hints)
    take = text.state.take(text.state.current)
    for names in (
        text.state.focus,
        take.concepts if take else (),
        tuple(c.name for c in text.state.concepts),
    ):
        if names:
            return choose(names, "it", text.state, text.hints)
    return None


def _refined(text: Text, match: re.Match[str], **change: object) -> list[Step] | None:
    concept = whom(text, match)
    if concept is None or isinstance(concept, Ask):
        return [concept] if concept else None
    return [Call("refine", {"concept": concept, **change})]


def _rest(text: Text, match: re.Match[str], group: str = "rest") -> str:
    return text.raw[match.start(group) : match.end(group)].strip(" ,.;:!")


def _things(words: str) -> list[str]:
    """As in "the hat or a scarf" as ["hat", "scarf"]."""
    parts = re.split(r",? (?:and|or|nor) |, ", words)
    return [bare for part in parts if (bare := _ARTICLES.sub("", part.strip(" ,.!").removeprefix("with ")).strip())]


def _rejected(text: Text, low: str) -> list[Step] | None:
    for pattern in _REJECT:
        if match := pattern.fullmatch(low):
            ref = text.takes[0] if text.takes else None
            take = one_take(ref, text) if ref else text.state.current
            if isinstance(take, Ask):
                return [take]
            return _refined(text, match, rejected=take) if take else None
    return None


def _never(text: Text, low: str) -> list[Step] | None:
    for pattern in _NEVER:
        if match := pattern.fullmatch(low):
            if low.startswith("forget") and (
                text.takes or re.search(r"(?:change|edit|picture|question|rest|idea)s?$", low)
            ):
                return None
            things = _things(_rest(text, match))
            return _refined(text, match, remove=things) if things else None
    return None


def _always(text: Text, low: str) -> list[Step] | None:
    for pattern in _ALWAYS:
        if match := pattern.fullmatch(low):
            return _refined(text, match, add=[_described(low, match, _rest(text, match))])
    return None


def _described(low: str, match: re.Match[str], rest: str) -> str:
    """The attribute with "wears" where the user said so: "always wears a collar" is "wears a collar"."""
    before = low[: match.start("rest")]
    if re.search(r"\b(?:wears?|wearing)\s*$", before):
        return f"wears {rest}"
    return rest


def _part_fact(text: Text, low: str) -> list[Step] | None:
    match = _PART_FACT.fullmatch(low)
    if not match or not _about_subject(text, match):
        return None
    rest = _rest(text, match)
    modal = match["be"].startswith(("should", "needs", "must", "ought"))
    if re.search(r"(?:^|\s)now$|^now\b|^too\b|\benough$", rest.lower()) or (modal and not match["cue"]):
        return None
    if re.fullmatch(
        r"(?:all |completely |totally )?(?:wrong|missing|gone|off|perfect|great|bad|good|nice|lovely|"
        r"weird|strange)",
        rest.lower(),
    ):
        return None
    part = text.raw[match.start("part") : match.end("part")]
    if re.match(r"(?:not|n't)\b", rest) or match["be"].endswith(("n't", "not")):
        return _denied(text, match, part, rest)
    return _refined(text, match, add=[_attribute(part, rest)])


def _denied(text: Text, match: re.Match[str], part: str, rest: str) -> list[Step] | None:
    """ "His ears are not pointy" must not be drawn; "not red but blue" also says what is right."""
    rest = re.sub(r"^not ", "", rest)
    wrong, _, right = rest.partition(", ") if ", " in rest else rest.partition(" but ")
    right = re.sub(r"^(?:but |they are |they're |it's |it is |he's |she's )", "", right.strip())
    change: dict[str, object] = {"add": [_attribute(part, right)]} if right else {}
    return _refined(text, match, **change, remove=[_attribute(part, wrong.strip())])


def _attribute(part: str, rest: str) -> str:
    """As in "ears", "longer" → "longer ears"; "handle", "on the left" → "handle on the left"."""
    rest = _ADVERBS.sub("", rest) if _ADVERBS.match(rest) else rest
    words = rest.split()
    if (
        len(words) <= 3
        and not re.match(r"(?:on|in|at|to|like|a|an|the|made|under|above|than|of|with|between|longer than)\b", rest)
        and " than " not in rest
    ):
        return f"{rest} {part}"
    return f"{part} {rest}"


def _about_subject(text: Text, match: re.Match[str]) -> bool:
    """Whether "the handle …" or "his shirt …" speaks of a taught subject and not of the picture."""
    part = match["part"].split()[-1]
    known = re.fullmatch(_PARTS, part) is not None
    if match["det"]:
        return bool(match["cue"]) and known
    if pick(match, "c"):
        return True
    pronoun = next((w for w in re.findall(r"[a-z]+", match.group()) if w in PRONOUNS), "")
    if not pronoun:
        return False
    if not antecedents(pronoun, text.state):
        return len(text.state.focus) == 1 and bool(match["cue"] or known)
    return known or bool(match["cue"])


def _fact(text: Text, low: str) -> list[Step] | None:
    match = _FACT.fullmatch(low)
    if not match:
        return None
    rest = _rest(text, match)
    lowered = rest.lower()
    cue, be = match["cue"] or "", match["be"] or "is"
    habit = bool(match["always"]) or be.startswith(("should always", "must always"))
    pronoun = "" if match["c"] else low[match.end("cue") if match["cue"] else 0 :].split(" ")[0].split("'")[0]
    if pronoun == "it" and not cue and not habit:
        return None
    if pronoun and not antecedents(pronoun, text.state):
        return None
    if (
        match["c"]
        and (subject := text.subject_at(match.start("c")))
        and subject.how in ("kind", "group")
        and not (cue or habit)
    ):
        return None
    if (_SCENE_REST.match(lowered) or lowered.startswith("too ")) and not habit:
        return None
    if re.match(r"(?:not|never|n't)\b", lowered):
        return _not(text, match, rest)
    if (
        not (cue or habit)
        and be in ("is", "are", "'s")
        and not re.match(r"(?:a|an|much|more|very|actually|really|always|[a-z]+er|[a-z]+)\b", lowered)
    ):
        return None
    if re.search(r"\b(?:in|on|at) (?:the|a) (?:picture|photo|image|scene|background)\b", lowered):
        return None
    word = "wears " if be.startswith("wear") or be.endswith("wear") else ""
    return _refined(text, match, add=[word + _ADVERBS.sub("", rest) if _ADVERBS.match(rest) else word + rest])


def _not(text: Text, match: re.Match[str], rest: str) -> list[Step] | None:
    """As in "He is not brown, he is black"."""
    rest = re.sub(r"^(?:not|never) ", "", rest)
    wrong, comma, right = rest.partition(", ") if ", " in rest else rest.partition(" but ")
    right = re.sub(r"^(?:but |he is |he's |she is |she's |it is |it's |they are |they're )", "", right.strip())
    change: dict[str, object] = {"add": [right]} if right else {}
    return _refined(text, match, **change, remove=_things(wrong))

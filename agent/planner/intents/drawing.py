"""New pictures: "Biscuit on the moon", "three pictures of my mug", "another one"."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ..references import Text, rx
from ..settings import Settings, take_settings
from ..spelling import nearly
from ..state import Ask, Call, Step
from ..subjects import PRONOUN, antecedents, choose, likely_name
from ..takes import number_of
from ..words import AMOUNTS, ANIMALS, DRAW_VERBS, MEDIA, PARTS, PEOPLE, PICTURES, PRONOUNS, THINGS, either
from .concepts import near_question
from .repeat import again, repeat

_PICTURES = either(PICTURES)
_ADJ = (
    r"(?:(?:nice|new|quick|simple|small|big|beautiful|fresh|lovely|cute|funny|cool|little|different|"
    r"separate|second|completely|totally|brand|whole|good|great|single|pretty) )*"
)
_PIC_OF = (
    rf"(?:(?:a|an|the|one|some|another|one more|my|this) )?(?:more )?{_ADJ}{_PICTURES} (?:of|with|"
    rf"showing|where|in which|that shows|depicting|about)"
)
_WISH = (
    r"(?:i(?:'d| would)? (?:want|like|love|need|wish|prefer)(?: to (?:see|have|get))?|i wanna (?:see|"
    r"have)|give me|show me|show|get me|let me see|let me have|make me|make us|give us|"
    r"can i (?:have|get|see)|could i (?:have|get|see)|may i have|can we (?:see|get)|could we (?:see|"
    r"get)|let's see|let us see|i want|how about|what about|make|do|bring me|send me|i'd love to see|"
    r"see|have|get|whip up|cook up|try|let's try|let's do|let's have|let's make|we need|i need)"
)
_DRAW = (
    rf"(?:(?:i want you to |let's |let us |i'd like you to |could you |can you |try to |try and |"
    rf"now )?(?:{either(DRAW_VERBS)}|drawing|drwa|darw|dra|rendering|painting)(?: me| us|"
    rf" up)?(?: again)?)"
)
# What stands in front of the words for the picture. The first group that matches is cut off.
_LEADS = [
    rx(
        rf"(?:now |then |next |so |also )?{_DRAW}(?: (?:us|me|for me|now|out|up|just|also|instead|please|"
        rf"quickly|simply))*(?:[:,]| that| how| what)? {_PIC_OF} "
    ),
    rx(rf"(?:now |then |next |so |also )?{_WISH}(?: (?:now|also|please|just))* {_PIC_OF} "),
    rx(rf"(?:now |then |next |so |also |and )*{_PIC_OF} "),
    rx(
        rf"(?:now |then |next |so |also )?{_DRAW}(?: (?:us|me|for me|now|also|just|instead|please|"
        rf"quickly|simply))*[:,]? "
    ),
    rx(
        r"(?:now |then |next |also )?(?:show|show me|show us|give us|get us|get me|do me|do us|give me|"
        r"let me see|let's see|i want to see|"
        r"i'd like to see|i would like to see|i'd love to see|can i see|could i see|can we see|"
        r"could we see|i wanna see|see|may i see) (?!what |how )(?=[^,.]*\ue000|(?:a|an|some|two|three|"
        r"four) )"
    ),
    rx(
        rf"(?:now |then |next |also )*(?:{_WISH}|{_DRAW})?(?: (?:now|also|please|just|next))* ?(?:of "
        rf")?(?=(?:a|an|some|one|another) "
        rf"(?:[a-z]+ ){{0,2}}?{either(MEDIA)} (?:of|with|showing|featuring) )"
    ),
    rx(
        rf"(?:i|i'd|we|we'd|got|any|time|fancy|what|how|would|is|there|my|nothing|somebody|"
        rf"someone)(?: [a-z']+){{0,6}}? "
        rf"(?:an?|one|another|some) {_ADJ}{_PICTURES} of (?=(?:an?|my|our|two|three|some|the) |{{C}})"
    ),
    rx(
        rf"(?:now |then |next |also )*(?:{_WISH}|{_DRAW})(?: (?:now|also|please|just))* (?:one|"
        rf"another|another one|one more|"
        rf"a new one|a nice one|a different one|a version|a new version|something)(?: more)? (?:of|"
        rf"with|where|showing|featuring|about) (?!(?:the|his|her|its|their|them|these|those)\b)"
    ),
    rx(rf"(?:{_WISH} )?(?:see |know |show me )?(?:what|how) (?=\ue000+ (?:looks?|would look|might look))"),
    rx(r"(?:please )?what would (?=\ue000)"),
]
# "Show me two more of ▮, this time in a bakery".
_MORE_OF = rx(
    rf"(?:(?:show|give|draw|make|do|get|paint)(?: me| us)? )?(?P<n>\d{{1,2}}|{either(AMOUNTS)}) more "
    rf"(?:(?:{_PICTURES}) )?(?:of|with|showing) (?=(?:my |the |our )?{{C}}+ ?,? ?(?:this time |but |"
    rf"now )?[a-z])"
)
_CONSTRAINED = re.compile(
    rf"(?:{either(DRAW_VERBS)}) (?:it|the|his|her|its|their|everything|this|"
    rf"that)\b(?: [a-z]+){{0,3}} (?:red|orange|yellow|green|blue|purple|violet|pink|brown|black|"
    rf"white|gr[ae]y|gold(?:en)?|silver|beige|turquoise|darker|brighter|lighter|bigger|smaller|"
    rf"larger|nicer|better|differently|dark|[a-z]+ (?:red|green|blue|brown|pink))$"
)
_ONTO = re.compile(
    rf"(?:{either(DRAW_VERBS)}) (?:a|an|some|two|three|four|more|another|the|"
    rf"few) (?:[a-z-]+ ){{1,5}}?(?:on|in|into|onto|over|under|around|to|behind|beside|above|near|"
    rf"next to|at|across|along|below|in front of|on top of)(?: top of)? "
    rf"(?:(?:the|his|her|its|their|my|\ue000+'s) (?:[a-z]+ )?{either(PARTS)}|him|her|it|them|(?:his|"
    rf"her|its|their|\ue000+'s) [a-z]+)(?![\w-])"
)
_EMPTY = re.compile(
    r"(?:(?:something|anything|whatever|a picture|a drawing|an image|me|us|it|that|this|one|for "
    r"(?:me|us|my [a-z]+)|"
    r"(?:you|i) (?:like|want|fancy|feel like)|some [a-z]+ for me|with it|a new (?:one|"
    r"picture|image|drawing)|something (?:new|else|different|nice|cool|fun|funny|random)|"
    r"a (?:random )?surprise|surprise me|please|for me|now|again|some(?:thing)? art|art)[ ,!.]*)*"
)


# Said about the order, not about the picture.
_BESIDE = re.compile(
    r"(?: |^)(?:this time|for a change|for once|please|if you can|if possible|\((?:ignore|forget|"
    r"not)[^)]{0,40}\)|for me|instead)(?=$|[,.!])(?:, (?=just |only ))?",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Prompt:
    """A prompt with its concepts, or the question that stands in its way."""

    text: str = ""
    concepts: list[str] = field(default_factory=list)
    ask: Ask | None = None
    generic: bool = True
    """No known concept is in it."""


def draw(text: Text) -> list[Step] | None:
    """A request for a new picture that says so ("draw …", "a picture of …")."""
    steps = again(text)
    if steps:
        return steps
    low = text.low
    if any(ref.how not in ("current", "group") for ref in text.takes) and text.state.takes:
        return None  # "draw the second one at night" changes the second one
    if text.state.takes and (_CONSTRAINED.match(low) or _ONTO.match(low)):
        return None
    if more := _MORE_OF.match(low):
        settings = take_settings(text)[0]
        settings.count = AMOUNTS.get(more["n"]) or number_of(more["n"]) or 1
        return drawn_with(text.part(more.end()), settings)
    settings, body = take_settings(text)
    match = next((m for p in _LEADS if (m := p.match(body.low))), None)
    bare = body.low.strip(" .!?,:;")
    if match is None:
        if re.fullmatch(rf"(?:{_DRAW}|{_WISH} (?:a|another) (?:new )?{_PICTURES})", bare) or bare in (
            "surprise me",
            "a picture",
            "picture",
            "draw",
        ):
            return _nothing_named(text, settings)
        if settings.count and settings.lead:
            return drawn_with(body, settings)
        return None
    rest = body.part(match.end())
    if match.re in _LEADS[-2:]:
        rest = look_like(rest)
    if _EMPTY.fullmatch(rest.low.strip(" .!?,")) and not rest.subjects:
        return _nothing_named(text, settings)
    return drawn_with(rest, settings)


def look_like(text: Text) -> Text:
    """As in "what would ▮ look like on the moon" asks for ▮ on the moon."""
    match = re.search(
        r" (?:(?:would |might )?looks?|be|appear)(?: like)?"
        r"(?= (?:on|in|at|under|with|as|wearing|by|near|inside|[a-z]+ing)\b|$)",
        text.low,
    )
    if not match:
        return text
    gap = match.end() - match.start()
    joined = Text(
        text.raw[: match.start()] + text.raw[match.end() :],
        text.low[: match.start()] + text.low[match.end() :],
        text.state,
        text.hints,
    )
    joined.takes = [t for t in text.takes if t.end <= match.start()]
    joined.subjects = [s if s.end <= match.start() else s.moved(-gap) for s in text.subjects]
    return joined


def _nothing_named(text: Text, settings: Settings) -> list[Step]:
    if text.hints.words:
        from ..references import read

        return drawn_with(read(text.hints.words, text.state), settings)
    if text.hints.concept:
        return [
            Call("draw", {"prompt": text.hints.concept, "concepts": [text.hints.concept], **settings.args()})
        ]
    if settings.tool and text.state.current:
        return repeat(text, text.state.current, settings)
    options = tuple(c.name for c in text.state.concepts[:4])
    return [Ask("What shall I draw?", options, "words")]


def drawn(text: Text) -> list[Step]:
    """The clause as the words of a new picture."""
    settings, body = take_settings(text)
    return drawn_with(body, settings)


def drawn_with(body: Text, settings: Settings) -> list[Step]:
    """The words of a new picture, with settings that were already taken out of them."""
    prompt = prompt_of(body)
    if prompt.ask:
        return [prompt.ask]
    if not prompt.text.strip():
        return _nothing_named(body, settings)
    words = _BESIDE.sub("", prompt.text).strip(" .!?,;:") or prompt.text
    args: dict[str, Any] = {"prompt": words}
    if prompt.concepts:
        args["concepts"] = prompt.concepts
    return [Call(settings.tool or "draw", args | settings.args())]


def prompt_of(text: Text) -> Prompt:
    """The user's words with concepts by their names. Unclear references become a question."""
    spans: list[tuple[int, int, str]] = []
    names: list[str] = []
    known = any(subject.names for subject in text.subjects)
    for subject in text.subjects:
        if subject.how == "near" and not text.hints.concept:
            if text.hints.mode == "plain":
                continue
            return Prompt(ask=near_question(subject.said, subject.names))
        if not subject.names and (text.hints.mode == "plain" or names):
            continue
        if not subject.names and known and subject.said.split()[-1].lower() not in ANIMALS | PEOPLE:
            continue  # "page 7 of my book: ▮ on a lake"
        if text.hints.concepts and (not subject.names or set(text.hints.concepts) <= set(subject.names)):
            chosen = list(text.hints.concepts)
        elif subject.how == "group":
            chosen = list(subject.names)
        else:
            told = text.hints.concept if text.hints.concept in subject.names else ""
            one = (
                told
                or _sure(subject.names, subject.how, text)
                or choose(subject.names, subject.said, text.state, text.hints)
            )
            if isinstance(one, Ask):
                return Prompt(ask=one if subject.names else _unknown_own(subject.said, text))
            chosen = [one]
        names += chosen
        said = " and ".join(chosen)
        spans.append((subject.start, subject.end, said))
    ask = _pronouns(text, spans, names)
    if ask is None and not names and text.hints.mode != "plain":
        ask = unknown_name(text)
    if ask:
        return Prompt(ask=ask)
    return Prompt(_replaced(text.raw, spans).strip(" .!?,;:"), list(dict.fromkeys(names)), generic=not names)


def _sure(names: tuple[str, ...], how: str, text: Text) -> str:
    """As in "The dog" among several is the one that is spoken of, if only one is."""
    if how != "kind" or len(names) < 2:
        return ""
    focused = [n for n in names if n in text.state.focus]
    return focused[0] if len(focused) == 1 else ""


def _unknown_own(said: str, text: Text) -> Ask:
    thing = said.split()[-1]
    return Ask(
        f"I have not learned your {thing} yet. Attach pictures to teach me, or shall I draw any {thing}?",
        (f"draw any {thing}",),
        "plain",
    )


_SOMEBODY_ELSE = re.compile(
    r"(?:an?|two|three|some) (?:[a-z-]+ ){0,2}?(?P<noun>[a-z-]+),? (?:(?P<but>but)|and|because|while|who) (?:where )?$"
)


def _pronouns(text: Text, spans: list[tuple[int, int, str]], names: list[str]) -> Ask | None:
    """Resolve pronouns that no name in the same prompt explains; adds to `spans` and `names`."""
    first = min((s[0] for s in spans), default=None)
    for match in PRONOUN.finditer(text.low):
        word = match.group()
        if first is not None and first < match.start():
            return None  # "Biscuit and his ball"
        if (
            word in ("it", "its")
            and match.start() > 0
            and re.search(r"\b(?:an?|the|some|two|three)\b", text.low[: match.start()])
        ):
            return None  # "a house with snow on it"
        other = _SOMEBODY_ELSE.match(text.low[: match.start()])
        if other and other["noun"] not in THINGS and (other["but"] or other["noun"] in ANIMALS | PEOPLE):
            return None  # "a fairy but she is a plumber"
        if (
            word in ("his", "her", "their", "its")
            and match.start() > 0
            and re.search(r"\b(?:an?|the|some)\b", text.low[: match.start()])
        ):
            return None
        known = antecedents(word, text.state)
        if PRONOUNS[word] == "they" and text.hints.concepts:
            chosen: list[str] = list(text.hints.concepts)
        elif PRONOUNS[word] == "they" and len(known) > 1 and not text.hints.concept:
            chosen = list(known)
        else:
            one = choose(known, word, text.state, text.hints)
            if isinstance(one, Ask):
                return one
            chosen = [one]
        said = " and ".join(chosen)
        if word in ("his", "its", "their") or (
            word == "her"
            and re.match(r" [a-z]+", text.low[match.end() :])
            and not re.match(
                r" (?:on|in|at|with|wearing|near|under|and|as|by|next|again|sitting|[a-z]+ing|from|over|"
                r"behind|outside|inside|beside|for|to)\b",
                text.low[match.end() :],
            )
        ):
            said += "'s"
        spans.append((match.start(), match.end(), said))
        names += chosen
        if not re.match(r" (?:and|with|&) (?:him|her|it)(?! [a-z])", text.low[match.end() :]):
            return None
    return None


def _replaced(raw: str, spans: list[tuple[int, int, str]]) -> str:
    for start, end, said in sorted(spans, reverse=True):
        raw = raw[:start] + said + raw[end:]
    return raw


_NAME_PLACE = re.compile(
    r"^(?P<w>[A-Z][a-z]+)(?= (?:on|in|at|under|wearing|with|sitting|riding|flying|running|playing|by|"
    r"near|as|and|from|sleeping|eating|walking|standing|jumping|swimming|driving|reading|dancing|holding|"
    r"next|over|behind|inside|outside|during)\b|,|$|'s\b)"
)


def unknown_name(text: Text) -> Ask | None:
    """A question when the words are about somebody whom nobody has taught."""
    match = _NAME_PLACE.match(text.raw)
    if not match or not likely_name(match["w"]) or text.state.concept(match["w"]):
        return None
    word = match["w"]
    near = tuple(c.name for c in text.state.concepts if nearly(word.lower(), c.name.lower()))
    if near:
        return near_question(word, near)
    return Ask(
        f"I do not know {word} yet. Attach pictures to teach me, or name somebody I know.",
        (*[c.name for c in text.state.concepts[:4]], "just draw it"),
        "concept",
    )

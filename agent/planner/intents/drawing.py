"""New pictures: "Biscuit on the moon", "three pictures of my mug", "another one"."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ..references import Text, pick, rx
from ..settings import Settings, take_settings
from ..state import Ask, Call, Step
from ..subjects import PRONOUN, antecedents, choose, likely_name, nearly
from ..takes import number_of
from ..words import AMOUNTS, DRAW_VERBS, PARTS, PICTURES, PRONOUNS, either
from .concepts import near_question
from .history import one_take

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
    r"see|whip up|cook up|try|let's try|let's do|let's have|let's make|we need|i need)"
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
        r"(?:now |then |next |also )?(?:show|show me|give me|let me see|let's see|i want to see|"
        r"i'd like to see|i would like to see|i'd love to see|can i see|could i see|can we see|"
        r"could we see|i wanna see|see|may i see) (?=[^,.]*\ue000|(?:a|an|some|two|three|four) )"
    ),
    rx(r"(?:please )?what would (?=\ue000)"),
]
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
_INDEFINITE = re.compile(rf"(?:an?|some|{either(AMOUNTS)}|\d{{1,2}}) ")
_EMPTY = re.compile(
    r"(?:something|anything|whatever|a picture|a drawing|an image|me|us|it|that|this|one|a new (?:one|"
    r"picture|image|drawing)|something (?:new|else|different|nice|cool|fun|funny|random)|"
    r"a (?:random )?surprise|surprise me|please|for me|now|again|some(?:thing)? art|art)*"
)

_N = rf"(?P<n>\d{{1,3}}|{either(AMOUNTS)})"
_LIKE = (
    r"(?: (?:like|of|based on|from|in the style of|similar to) (?:(?P<t>{T})|it|this|that|these|the same|"
    r"those|them|him|her|(?P<c>{C})))?"
)
_AGAIN = [
    rx(
        rf"(?:(?:can i (?:have|get)|could i have|i want|i'd like|i would like|give me|show me|"
        rf"make(?: me)?|draw(?: me)?|do|try|let's (?:see|try|do)|let me see|generate|create|paint|"
        rf"how about|and|now|please|get me|produce|render) )*(?:just )?(?:{_N} (?:more|others?|"
        rf"additional|extra|further|new|alternative|different|other|fresh)?(?: (?:of|{_PICTURES}|ones?|"
        rf"times|takes))?|(?:another|one more|a new|a different|a second|a fresh|an alternative|"
        rf"an alternate|yet another|another different|some more|more|a few more|an other|"
        rf"the same)(?: (?:{_N} ))?(?: ?(?:one|ones|{_PICTURES}|try|go|time|attempt|shot|round|variation|"
        rf"like (?:that|this|it)))*){_LIKE}(?: (?:please|again|with (?:another|a different|a new) seed|"
        rf"then|instead|from the same prompt|of the same(?: thing)?|of that|of this|of it|of those|"
        rf"of them|now|for comparison))*"
    ),
    rx(
        r"(?:(?:please|just|ok|and|now|so) )*(?:(?:do|draw|make|paint|generate|render|create|try|redo|"
        r"show me|sketch|produce) )?(?:(?P<t>{T}|it|that|this|the same(?: (?:one|thing|picture|prompt|"
        r"again))?|him|her) )?(?:(?:once )?again|once more|one more time|over again|anew|over|afresh|"
        r"a second time|from scratch|another time)(?: (?:please|with (?:another|a different|a new|new|"
        r"other) (?:random )?seed|from scratch|but different(?:ly)?|differently|for me|and again))*"
    ),
    rx(
        r"(?:(?:please|just|ok|and|now) )*(?:redraw|re-draw|regenerate|re-generate|repaint|re-paint|"
        r"rerender|re-render|retry|re-roll|reroll|repeat|rerun|re-run|reshuffle|re-?do|"
        r"do over)(?: (?:(?P<t>{T})|it|that|this|everything|the (?:same )?(?:picture|image|prompt|"
        r"drawing|whole thing)|the same|the scene))?(?: (?:again|please|from scratch|with (?:another|"
        r"a different|a new|new|other) (?:random )?seed|differently|once more|but different))*"
    ),
    rx(
        r"(?:try|use|take|with|and|now|same (?:but )?with|same prompt,?|the same with|"
        r"same,?) (?:a(?:nother)?|a different|a new|new|other|an other) (?:random )?seed(?: please)?"
    ),
    rx(
        r"(?:the )?same (?:again|thing again|one again|prompt again|prompt|picture again|thing|"
        r"thing once more|once more|scene again)(?:,? (?:please|with (?:another|a different|a new) seed|"
        r"new seed|different seed))*"
    ),
    rx(r"(?:try|give it|have) (?:it )?(?:another|one more) (?:try|go|shot|attempt|time)(?: please)?"),
    rx(
        rf"(?:(?:give me|make|do|i want|i'd like|show me|draw|generate|can i have) )?(?:more|some|other|"
        rf"different|new|a few|several|more) (?:{_PICTURES}|options|like (?:that|this|it|"
        rf"(?P<t>{{T}})))(?: (?:of (?:that|this|it|the same)|like (?:that|this)))?(?: please)?"
    ),
]


# What is left of "three variations of ▮" and of "try it with lora" once the settings are out.
_OF_TAKE = rx(
    r"(?:try|do|draw|make|paint|render|redo|repeat|generate|show)? ?(?:(?P<t>{T})|it|this|that|those|"
    r"these|them|the same(?: thing| prompt)?|again)"
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
    if match.re is _LEADS[-1]:
        rest = _look_like(rest)
    if _EMPTY.fullmatch(rest.low.strip(" .!?,")) and not rest.subjects:
        return _nothing_named(text, settings)
    return drawn_with(rest, settings)


def _look_like(text: Text) -> Text:
    """As in "what would ▮ look like on the moon" asks for ▮ on the moon."""
    match = re.search(r" (?:look|be|appear)(?: like)?(?= |$)", text.low)
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
        return _repeat(text, text.state.current, settings)
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
    args: dict[str, Any] = {"prompt": prompt.text}
    if prompt.concepts:
        args["concepts"] = prompt.concepts
    return [Call(settings.tool or "draw", args | settings.args())]


def prompt_of(text: Text) -> Prompt:
    """The user's words with concepts by their names. Unclear references become a question."""
    spans: list[tuple[int, int, str]] = []
    names: list[str] = []
    for subject in text.subjects:
        if subject.how == "near" and not text.hints.concept:
            if text.hints.mode == "plain":
                continue
            return Prompt(ask=near_question(subject.said, subject.names))
        if not subject.names and text.hints.mode == "plain":
            continue
        if subject.how == "group":
            chosen = list(subject.names)
        else:
            one = _sure(subject.names, subject.how, text) or choose(
                subject.names, subject.said, text.state, text.hints
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
        if (
            word in ("his", "her", "their", "its")
            and match.start() > 0
            and re.search(r"\b(?:an?|the|some)\b", text.low[: match.start()])
        ):
            return None
        known = antecedents(word, text.state)
        if PRONOUNS[word] == "they" and len(known) > 1:
            chosen: list[str] = list(known)
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


def again(text: Text) -> list[Step] | None:
    """As in "Another one", "three more", "the first one again": the same prompt once more."""
    settings, body = take_settings(text)
    low = body.low.strip(" .!?,;:")
    match = next((m for p in _AGAIN if (m := p.fullmatch(low))), None)
    if match is None and (settings.count or settings.method) and (mine := _OF_TAKE.fullmatch(low)):
        match = mine
    if match is None and not low and (settings.args() or settings.tool) and text.state.current:
        return _repeat(text, text.state.current, settings)
    if match is None:
        return None
    if pick(match, "c"):
        return None
    word = match[group] if (group := pick(match, "n")) else ""
    if word and not re.search(
        r"\b(?:more|others?|another|additional|extra|further|alternatives?|different|versions?|"
        r"variations?|variants?|takes|options|pictures?|images?|photos?|drawings?|candidates|of (?:it|"
        r"this|that|\ue001+|the same)|like|times|tries|attempts|ideas|sketches|shots|new|renders|"
        r"renderings)\b",
        low,
    ):
        return None
    offset = len(body.low) - len(body.low.lstrip(" .!?,;:"))
    named = pick(match, "t")
    ref = body.take_at(match.start(named) + offset) if named else None
    number = one_take(ref, text) if ref else text.state.current
    if isinstance(number, Ask):
        return [number]
    if number is None:
        return [
            Ask(
                "There is no picture yet. What shall I draw?",
                tuple(c.name for c in text.state.concepts[:4]),
                "words",
            )
        ]
    if word and not settings.count:
        settings.count = AMOUNTS.get(word) or number_of(word)
    return _repeat(text, number, settings)


def _repeat(text: Text, number: int, settings: Settings) -> list[Step]:
    """Draw what take `number` shows once more, from its words."""
    take = text.state.take(number)
    prompt = (take.prompt if take.origin == "draw" else take.description) if take else ""
    if not take or not prompt or take.origin == "import":
        return [Ask(f"Take {number} was not drawn from words. What shall I draw?", (), "words")]
    args: dict[str, Any] = {"prompt": prompt}
    if take.concepts:
        args["concepts"] = list(take.concepts)
    return [Call(settings.tool or "draw", args | settings.args())]

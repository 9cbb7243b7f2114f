"""What is to be seen or said once more: "show me the first one", "show me ▮", "what did I ask first?"."""

from __future__ import annotations

import re

from ..references import Text, pick, rx
from ..state import Call, Say, State, Step, TakeInfo
from ..subjects import antecedents
from ..takes import number_of
from ..words import NUMBERS, PICTURE, either

_SHOW = (
    r"(?:(?:ok|okay|hey|hi|so|well|now|and|please|oh),? )*"
    r"(?:(?:(?:can|could|may) (?:i|we|you)|let me|let us|let's|(?:i|we)(?:'d| would)? (?:want|like|love)(?: to)?) )?"
    r"(?:show|open|view|display|see|look at|(?:have|take) a look at|bring up|pull up)(?: me| us)?(?: again)? "
)
_SHOWS = rx(
    rf"{_SHOW}(?P<t>{{T}}|the {either(PICTURE)}|it)(?: to me| please)*"
    rf"|{_SHOW}(?:(?P<t>{{T}})|(?P<c>{{C}})|it|that|this|him|her|them|the {either(PICTURE)})"
    rf"(?: (?:again|once more|one more time)| to me| please)+"
    r"|(?:please )?show me (?:again|once more)(?: please)?"
)
_SHOWS_WHOM = rx(rf"{_SHOW}(?P<c>{{C}}|him|her)(?: please)?")
_SO_MANY = re.compile(
    rf"(?:(?:i|we)(?:'d| would)? (?:want|like|need)|give me|show me|draw(?: me)?|make(?: me)?|do|"
    rf"paint(?: me)?)(?: to see)? "
    rf"(?P<n>[2-9]|{either([word for word, n in NUMBERS.items() if 1 < n < 10])})(?: of)? (?P<who>\S.*?)(?: please)?"
)
_TELLS = rx(
    r"describe(?: me)? (?P<t>{T})(?: again| please| once more| to me)*|"
    r"who(?:'s| is| was)(?: that| he| she)?(?: in| on) (?P<t>{T}|it|there|the picture)|"
    r"(?:what(?:'s| is| was)(?: in| on)?|tell me about|what about) (?P<t>{T})(?: again| about| of| showing)*|"
    r"what does (?P<t>{T}) show"
)
_ASKED = re.compile(
    r"(?:(?:ok|hey|so|and|please|remind me|tell me),? )*"
    r"(?:what (?:did|have) i (?:say|said|ask|asked|want|wanted|order|request)(?:ed)?"
    r"(?: (?:you|for|to draw|to see|to do))*"
    r"(?P<first> (?:at )?(?:first|in the beginning|at the start|to begin with|originally|initially))?"
    r"|what (?:was|is) my (?:(?P<start>very first|first|original|initial) |(?:last|latest) )?"
    r"(?:request|wish|order|sentence|prompt|idea))"
)


def shown(text: Text) -> list[Step] | None:
    """The take that somebody wants to see or to hear about; a subject without a picture of it in mind is drawn."""
    state = text.state
    body = text.part(0, len(text.low.rstrip(" .!?,;:-")))
    low = body.low
    if (whom := _SHOWS_WHOM.fullmatch(low)) and state.concepts:
        subject = body.subject_at(whom.start("c"))
        names = subject.names if subject else antecedents(whom["c"], state)
        return [Call("draw", {"prompt": names[0], "concepts": [names[0]]})] if len(names) == 1 else None
    if (many := _SO_MANY.fullmatch(low)) and (name := _called(body.raw[slice(*many.span("who"))], state)):
        return [Call("draw", {"prompt": name, "concepts": [name], "count": number_of(many["n"])})]
    if (asked := _ASKED.fullmatch(low)) and state.takes:
        return [Say(_told(state.takes[0 if asked["first"] or asked["start"] else -1]), weak=False)]
    shows = _SHOWS.fullmatch(low)
    match = shows or _TELLS.fullmatch(low)
    if match is None or not state.takes:
        return None
    named = pick(match, "t")
    ref = body.take_at(match.start(named)) if named else None
    if ref is not None and len(ref.numbers) > 1:
        return None
    subject = body.subject_at(match.start("c")) if shows and shows["c"] else None
    if subject is not None and len(subject.names) == 1:
        whose = [t for t in state.takes if subject.names[0] in t.concepts]
        take = max(whose, key=lambda t: (t.number == state.current, t.number), default=None)
    else:
        take = state.take(ref.numbers[0] if ref and ref.numbers else None if ref else state.current)
    if take is None and subject is not None:
        return None
    if take is None:
        return [Say(f"There is no such take; the newest is {state.newest}.", weak=False)]
    return [Call("fork", {"take": take.number}) if shows else Say(_told(take), weak=False)]


def _called(said: str, state: State) -> str:
    """The subject of that name, also where somebody speaks of several: "Biscuits"; "" of none."""
    forms = {said.lower(), said.lower().removesuffix("s")}
    return next((c.name for c in state.concepts if c.name.lower() in forms), "")


def _told(take: TakeInfo) -> str:
    """A take in all the words that it was asked for in."""
    return f"Take {take.number}: {take.description or take.prompt}."

"""Takes that people speak of at length: "that beach picture, the one with no hat", "the pond before the ducks"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .looks import matching, stems
from .near import near
from .state import State, TakeInfo
from .takeref import TakeRef
from .words import AMOUNTS, LOOKS, ORDINALS, either

_HEAD = r"(?:ones?|uns?|pics?|pictures?|photos?|images?|shots?|versions?|scenes?|drawings?|paintings?|takes?|thing)"
_NOT_LOOKS = (
    r"(?:other|same|next|new|old|whole|last|first|second|third|latest|right|left|wrong|best|only|this|that|the|a|an|"
    r"no|not|in|on|at|of|to|and|or|with|for|is|it|was|previous|earlier|original|middle|big|small|from|now|ok|so|then|just|another|also|what|like|put|give|make|add|"
    r"before|without|where|if|me|you|i|we|as|by|his|her|its|my|be|are|has|have|had)"
)
_WORDS = rf"(?!{_NOT_LOOKS}\b)[a-z'-]+(?: (?!{_NOT_LOOKS}\b)[a-z'-]+){{0,2}}"
_BEFORE = r"(?:from )?before(?: (?:that|there was|he|she|it|they|i|we|you|had|got|was|were|put|added|gave))*"
_LACKING = (
    rf"(?:without|with (?:no|nee)|{_BEFORE}|(?:that |where |when |and )?(?:he |she |it |they |there )?"
    r"(?:has|have|had|got|was|were|is|'s|are)? ?(?:got )?(?:no|not|nee|hasn't got|doesn't have|without)|not yet)"
)
_QUALIFIED = (
    rf"(?:with|where|that has|that had|in|on|at|having|wearing|showing|from|"
    rf"of(?! (?:them|those|these|us|it)\b)|when|{_LACKING})"
)
_AGAIN = rf"(?:,? (?:and )?(?:the|that) (?:(?:earlier |older |later |newer )?{_HEAD}|(?={_QUALIFIED})))"
# "The pond one", "that desert picture, the one with …", "the allotment before …", "the two with the scooter".
_MENTION = re.compile(
    rf"(?:(?<![\w'])(?:the|that|both|those)(?: (?P<two>two)(?: of)?)?(?: of the| the)?"
    rf"(?: (?P<rank>{either(ORDINALS)}|last) "
    rf"(?!version){_HEAD}(?= of)| (?P<words>{_WORDS})(?: {_HEAD}(?![\w'-])|(?= (?:without|with no|{_BEFORE})\b))"
    rf"| {_HEAD}(?= {_QUALIFIED}\b)|(?= where\b)|(?<=two)(?= {_QUALIFIED}\b))|"
    rf"^(?:(?:ok|and|so|then|now),? )*(?P<bare>(?!{either(AMOUNTS)} ){_WORDS}) "
    rf"(?:one|un|picture|pic|photo)(?! of)(?![\w'-]))"
    rf"(?P<more>{_AGAIN}?,? {_QUALIFIED}\b[^,.:;!?\ue000-\ue003]{{2,70}}"
    rf"(?:, (?:but )?{_LACKING} [^,.:;!?\ue000-\ue003]{{2,40}})?)?"
)
_ENDS = re.compile(
    r" (?:but|and (?:make|put|add|give|turn|let|can|could|i|then|start|change|remove|mek)|please|instead|again|make|"
    r"can|could|would|should|needs?|let's|i'll|i'd|start|let|we|lose|turn|change|remove)\b"
    r"| (?:is|was|looks?) (?=(?:so|too|the|my|a|much|more|nearly|almost|just|really|very|not)\b|"
    r"[a-z]+[.! ]*(?:$| (?:but|and)\b))"
)
_LITTLE = frozenset(
    "the a an in on at of with one ones take picture pictures version image his her its their is it he she was has had "
    "and my where there that wears wearing drawing pic photo shot scene thing them him i we you put up got no not "
    "without before from yet nee did do when both two those first last all any some just only got have had been having "
    "showing minus".split()
)
_LACKS = re.compile(rf"(?:^|\s){_LACKING}\s")


def _said(text: str) -> list[str]:
    return [w for w in re.findall(r"[a-z]+", text) if w not in _LITTLE and len(w) > 2]


def shows(take: TakeInfo, word: str, state: State, *, own: bool = False) -> bool:
    """Whether a take's words, or with `own` those of its last change, hold a word or one that means much the same."""
    text = take.prompt if own else f"{take.prompt} {take.description}"
    if not own:
        text += " " + " ".join(f"{c.name} {c.kind}" for c in state.concepts if c.name in take.concepts)
    text = text.lower()
    if stems(word) & (stems(text) | near(text)):
        return True
    return len(word) > 3 and any(w.startswith(word) or w.endswith(word) for w in re.findall(r"[a-z]+", text))


def _known(words: list[str], state: State) -> list[str]:
    return [w for w in words if any(shows(t, w, state) for t in state.takes)]


def _chain(fits: list[TakeInfo]) -> bool:
    """Whether of two takes the second is a change of the first."""
    return len(fits) == 2 and fits[1].parent == fits[0].number


def _without(fits: list[TakeInfo], lacking: list[str], state: State) -> list[TakeInfo]:
    """Of some takes those that lack something; where none is named, those from before it came in."""
    if not fits:
        came = [t for t in state.takes if t.parent and all(shows(t, w, state, own=True) for w in lacking)]
        return [t for t in state.takes if t.number in {c.parent for c in came}]
    return [t for t in fits if not any(shows(t, w, state) for w in lacking)][-1:]


def mentioned(low: str, state: State) -> Iterator[TakeRef]:
    """Takes that are spoken of by more than one look, by what they lack, or in near words."""
    for match in list(_MENTION.finditer(low))[:4]:
        if len(state.takes) < 2 or not (match["words"] or match["bare"] or match["more"]):
            continue
        end = match.end()
        if match["more"] and (over := _ENDS.search(low, match.start("more") + 2, end)):
            end = over.start()
        if found := _resolved(match, low[:end], state):
            numbers, how, stop = found
            yield TakeRef(match.start(), stop, numbers, low[match.start() : stop], how)


_PUT_UP = re.compile(r"(?:(?: (?:put|came|come|went|added|hung|got|yet))?(?: (?:on|up|in|there|yet))?(?=$|[,.;!?]))?")


# "The boat one with the birds in" has them; "the boat one with birds" shall get them.
_HAS = re.compile(
    rf",? (?:with|where) (?:the|his|her|its|their|all the) (?:(?!{either(LOOKS)}\b)[a-z]+ ?){{1,2}}"
    r"(?: (?:in|on|up|out))?"
)


def _resolved(match: re.Match[str], low: str, state: State) -> tuple[tuple[int, ...], str, int] | None:
    """Which takes a mention means, how, and where it ends."""
    start = match.start("more") if match["more"] else len(low)
    more, words = low[start:], _said(match["words"] or match["bare"] or "")
    lack = _LACKS.search(more)
    qualities = _said(more[: lack.start()] if lack else more)
    lacking = _known(_said(more[lack.end() :]), state) if lack else []
    base, known = _known(words, state), _known(qualities, state)
    if lack and not lacking or (words and len(base) < len(words) and not known):
        return None
    fits = [t for t in state.takes if all(shows(t, w, state) for w in base + known)]
    stop = max([m.end() for w in lacking or known for m in re.finditer(rf"\b{w}\b", low)], default=len(low))
    if lacking:
        stop += len(_PUT_UP.match(low[stop:]).group())  # type: ignore[union-attr]
        left = _without(fits if base or known else [], lacking, state) or _without([], lacking, state)
        return ((left[0].number,), "described", stop) if left else None
    if not fits or not base + known:
        return None
    several = words and re.match(r"[^,]*\b(?:ones|pics|pictures|photos|images|shots|versions|takes)\b", match.group())
    if match["two"] or several or re.match(r"(?:both|those)\b", match.group()):
        some = len(fits) == 2 or (several and 1 < len(fits) < 5)
        return (tuple(t.number for t in fits), "group", stop) if some else None
    if match["rank"]:
        nth = fits[-1] if match["rank"] == "last" else fits[min(ORDINALS[match["rank"]], len(fits)) - 1]
        return (nth.number,), "described", stop
    if not words and matching(set(known), state):
        return None  # "the one with the hat": told by its looks alone
    if words and not qualities and matching(set(words), state):
        return None
    if words and qualities and not known and not (_chain(fits) and (re.match(_AGAIN, more) or _HAS.fullmatch(more))):
        return None
    if words and qualities and not known:
        return (fits[1].number,), "described", len(low)  # "the pond one, the one with the quacking lot"
    own = [t for t in fits if any(shows(t, w, state, own=True) for w in known or base)] or fits
    if len(own) > 1 and not (own[0].parent is None and all(t.parent for t in own[1:])):
        return None
    return (own[0].number,), "described", stop


_THE = re.compile(
    r"(?<!without )(?<!before )\b(?:the|that|those|his|her|its|their|minus|lose|losing|instead of|"
    r"rather than|fewer|more|less|no more) (?:the |his |her |its |those |all )?(?P<what>[a-z]{3,})"
)


def holding(ref: TakeRef, others: list[TakeRef], low: str, state: State) -> TakeRef:
    """Of a look and its changes the one that has what is spoken of: "the seaside one, fold the deckchair"."""
    first = state.take(ref.numbers[0]) if ref.how == "described" else None
    if first is None or _LACKS.search(ref.said):
        return ref
    rest = low
    for other in others:
        rest = rest[: other.start] + "." * (other.end - other.start) + rest[other.end :]
    for what in (w for m in _THE.finditer(rest) for w in _said(m["what"])):
        later = [t for t in state.takes if shows(t, what, state, own=True) and _comes_from(t, first, state)]
        if later and not shows(first, what, state):
            return replace(ref, numbers=(later[0].number,))
    return ref


def _comes_from(take: TakeInfo, first: TakeInfo, state: State) -> bool:
    """Whether a take is a change of another one, or a change of its change."""
    seen: TakeInfo | None = take
    while seen and seen.parent is not None and seen.parent < seen.number:
        if seen.parent == first.number:
            return True
        seen = state.take(seen.parent)
    return False

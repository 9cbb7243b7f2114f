"""References to takes: numbers, ordinals, "the last one", "the one before", "the night one", groups."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .looks import before_that, depicted, described, unseen
from .mentions import holding, mentioned
from .state import State
from .takeref import NOUN, TakeRef, ref_at
from .words import NUMBERS, ORDINALS, PICTURE, either

_COUNT = rf"(?:\d{{1,3}}|{either(dict.fromkeys(NUMBERS))})"
_SEVERAL = rf"(?:\d{{1,3}}|{either({word: 0 for word in NUMBERS if word != 'one'})})"
_ORDINAL = rf"(?:{either(dict.fromkeys(ORDINALS))}|\d{{1,4}}(?:st|nd|rd|th))"
# After a bare "the second" or "take two" something must follow that cannot be the noun it counts.
_AFTER = (
    r"(?=$|[,.!?;:)\"]| -|'s\b|\s(?:and|or|but|with|without|again|at|in|on|is|was|are|to|as|for|from|"
    r"please|instead|now|"
    r"should|looks?|has|had|vs|versus|than|though|needs?|could|into|by|so|then|would|more|like|too|"
    r"wearing|it|can|let|turn|swap|replace|move|take|set|paint|there|really|must|might|may|still|thanks|pls|"
    r"if|because|because|has|does|did|looked|best|better|only|over|while|which|who|except|minus|plus|"
    r"yet|anyway|"
    r"behind|above|below|under|near|around|before|after|during|of|goes|go|gets|got|works|put|make|add|"
    r"give|remove|change|"
    r"feels|seems|came|hits|he|she|they|you|we|i|its|his|her|their|once|up|my|your|"
    r"differ|differs|compared|be|do|does|did|when|where|against|since|just|against|next|together|beside|"
    r"side|darker|brighter|bigger|smaller|snowy|rainy|a\b)(?![\w-]))"
)
_NOT_NUMBERED = (
    r"(?! ?(?:steps?|takes?|times|more|pictures?|photos?|images?|versions?|of|percent|%|px|pixels|"
    r"x ?\d|[-/:]\d|"
    r"\.\d|years?|minutes?|seconds?))"
)
_NUMBERED = re.compile(
    rf"(?<![\w#])(?P<the>the |a |an )?(?:(?P<word>take|picture|pic|image|photo|version|drawing|"
    rf"variant|option|result|"
    rf"attempt|number|nr|num|no)(?P<dot>\.)? ?(?:number |no\.? |nr\.? |#)?|(?P<hash>#) ?)"
    rf"(?:(?P<digits>\d{{1,6}})(?![\w])|(?P<spelled>{either(dict.fromkeys(NUMBERS))}){_AFTER}){_NOT_NUMBERED}"
)
_SPELLED_IN = re.compile(
    rf"(?<!\w)(?:in|on|from|of) (?P<t>(?:take|picture|pic|image|photo|version|number) "
    rf"(?P<n>{either(dict.fromkeys(NUMBERS))}))(?![\w-]){_NOT_NUMBERED}"
)
_GROUP = re.compile(
    rf"(?<!\w)(?:the |my )?(?:very )?(?P<end>first|last|latest|previous) (?P<count>{_SEVERAL})(?: {NOUN})?"
    rf"(?: (?:of them|i made|we made|you made|you drew|drawn))?(?![\w-])(?! (?:steps|changes|edits|operations|"
    rf"actions|moves|modifications|corrections|things)\b)"
    rf"|(?<!\w)(?P<all>both(?: of (?:them|those|these))?|all (?:of (?:them|those|these)|"
    rf"(?:the )?(?:takes|pictures|"
    rf"images|versions))|all {_COUNT}(?: of them)?|the two of them|these two|those two|the two)"
    rf"(?=$|[,.!?;:]| (?:again|please|and|with|side))"
)
_BEFORE_LAST = re.compile(
    rf"(?<!\w)(?:the )?(?:(?:{NOUN} )?before (?:the )?last(?: {NOUN})?|one before last|last but one|"
    rf"second[- ](?:to[- ])?last|next to last|penultimate|last {NOUN} but one|second latest|second newest)"
    rf"(?: {NOUN})?(?![\w-])"
)
_BEFORE = re.compile(
    rf"(?<!\w)(?:the )?(?:{NOUN} (?:just )?before(?: (?:that|this|it|"
    rf"the current)(?: {NOUN})?)?(?=$|[,.!?;:]| (?:and|but|again|with|please|is|was|looks|looked))|"
    rf"previous {NOUN}|previous(?=$|[,.!?;:])|preceding {NOUN}|prior {NOUN}|earlier {NOUN})"
)
_RANKED = re.compile(
    rf"(?<!\w)(?P<det>the |my |your |that |this )?(?:very )?(?P<rank>{_ORDINAL}|last|latest|newest|"
    rf"most recent|final|original|"
    rf"initial|oldest|earliest)(?P<noun> {NOUN}(?![\w-])(?! (?:hour|year|week))|{_AFTER})"
)
_START = re.compile(
    r"(?<!\w)(?:back|over|again|restart|start|return|go) (?:\w+ )?(?:to|from|at|"
    r"with) (?P<t>(?:the )?(?:very )?"
    r"(?:beginning|start|original|scratch one|top))(?=$|[,.!?;:]| (?:and|but|again|please))"
)
_THIS = re.compile(rf"(?<!\w)(?<!\bhas )(?<!\bhave )(?<!\bgot )(?:this|that|the current|the present|"
    rf"current) {NOUN}(?![\w-])(?! (?:of|from|by)\b)")
_LISTING = re.compile(
    r"(?:please |can you |could you |let's |now |so )*(?:(?:put|show|see|place|view)(?: me)? (?:take |"
    r"number |#)?\d{1,4} (?:and|&|next to|beside|with|vs) |compare|difference|what's the difference|"
    r"what is the difference|which|"
    r"how (?:do|does|is|are)|fork|rate|undo to|i (?:like|prefer|love|hate)|is)\b|.{0,40}\b(?:vs|versus|"
    r"against)\b|"
    r".{0,60}\b(?:better|between|difference|compared?|differ)\b"
)
_BARE = re.compile(rf"(?<![\w#.])(?:\d{{1,4}}|{either(dict.fromkeys(NUMBERS))})(?![\w-]|"
    rf"\.\d){_NOT_NUMBERED}(?:{_AFTER}|(?= \d))")
_PLACED = re.compile(
    rf"(?<!\w)(?:back to|return to|(?:thumbs (?:up|down)|stars?|points?) (?:for|to)|from|of|in|on|to|"
    rf"edit|do|try|fork|branch|branch off|branch from|use|pick|"
    rf"choose|than|rate|like|love|same as|as in|into|onto|delete|erase|trash|discard|"
    rf"make|continue with|continue from|go with|go to|jump to|switch to|open|keep|redraw|redo|hate|prefer)"
    rf" (?P<n>\d{{1,4}}|{either(dict.fromkeys(NUMBERS))}){_NOT_NUMBERED}"
    rf"(?:{_AFTER}|(?= (?:here|can|does)\b))"
)
_START_SPELLED = re.compile(
    rf"^(?P<n>{either(dict.fromkeys(NUMBERS))})(?=, (?:but|only|just|with|without|except|now|make|"
    rf"and make)\b| but )"
)
_START_NUMBER = re.compile(rf"(?:^|[,;.!?] )(?P<n>\d{{1,4}}){_NOT_NUMBERED}{_AFTER}")


def find_takes(low: str, state: State) -> list[TakeRef]:
    """All references to takes in `low`, in order, without overlaps."""
    found: list[TakeRef] = []
    by_place = (mentioned, before_that, _other, _groups, _before, _ranked, _numbered, _spelled_in, _placed, _listed)
    for finder in (*by_place, described, depicted, unseen, _current):
        for ref in finder(low, state):
            if all(ref.end <= other.start or other.end <= ref.start for other in found):
                found.append(ref)
    found = _together(low, sorted(found, key=lambda ref: ref.start))
    return [holding(ref, found, low, state) for ref in found]


_APART = {"described": (", ", " - "), "several": (", ", " - ", " ")}


def _together(low: str, found: list[TakeRef]) -> list[TakeRef]:
    """As in "the porch picture, the one with the leaves": said twice, one take."""
    joined: list[TakeRef] = []
    for ref in found:
        last = joined[-1] if joined else None
        if last and {last.how, ref.how} <= {"described", "several"} and low[last.end : ref.start] in _APART[last.how]:
            both = tuple(n for n in last.numbers if n in ref.numbers) or ref.numbers
            how = "described" if len(both) == 1 else "several"
            joined[-1] = TakeRef(last.start, ref.end, both, low[last.start : ref.end], how)
        else:
            joined.append(ref)
    return joined


def number_of(word: str) -> int:
    """The value of "7", "seven", "7th" or "seventh"."""
    digits = re.match(r"\d+", word)
    return int(digits.group()) if digits else NUMBERS.get(word) or ORDINALS.get(word, 0)


_OTHER = re.compile(rf"(?<!\w)the other (?:one|{either(PICTURE)})(?![\w-])")


def _other(low: str, state: State) -> Iterator[TakeRef]:
    """As in "The other one": clear only where there are two takes."""
    for match in _OTHER.finditer(low):
        others = tuple(t.number for t in state.takes if t.number != state.current)
        if others:
            yield ref_at(match, others, "number" if len(others) == 1 else "several")


def _groups(low: str, state: State) -> Iterator[TakeRef]:
    numbers = [take.number for take in state.takes]
    for match in _GROUP.finditer(low):
        if match["all"]:
            few = re.search(_COUNT, match["all"])
            wanted = number_of(few.group()) if few else (2 if match["all"].startswith("both") else len(numbers))
            if "two" in match["all"] or match["all"].startswith("both"):
                wanted = 2
            chosen = tuple(numbers[-wanted:]) if wanted == len(numbers) else ()
            yield ref_at(match, chosen, "group")
            continue
        count = number_of(match["count"])
        chosen = tuple(range(1, count + 1)) if match["end"] == "first" else tuple(numbers[-count:])
        yield ref_at(match, chosen if count <= max(len(numbers), 0) else (), "group")


def _before(low: str, state: State) -> Iterator[TakeRef]:
    numbers = [take.number for take in state.takes]
    for match in _BEFORE_LAST.finditer(low):
        yield ref_at(match, tuple(numbers[-2:-1]), "rank")
    for match in _BEFORE.finditer(low):
        yield ref_at(match, _previous(state), "previous")


def _previous(state: State) -> tuple[int, ...]:
    """The take that was made before the current one."""
    earlier = [t.number for t in state.takes if state.current is not None and t.number < state.current]
    return tuple(earlier[-1:])


_LENDS = re.compile(r"\b(?:give|put|need|needs|wear|wears|add|want|wants|have|has|use|with)\b.* (?:from|of) $")
"""As in "he needs the glasses from second"."""


def _ranked(low: str, state: State) -> Iterator[TakeRef]:
    numbers = [take.number for take in state.takes]
    for match in _START.finditer(low):
        yield ref_at(match, (1,), "rank", "t")
    for match in _RANKED.finditer(low):
        from_it = _LENDS.search(low[: match.start()]) and not re.search(r"\w", low[match.end() :])
        if not match["det"] and not (match["noun"] and match["noun"].strip()) and match.start() > 0 and not from_it:
            continue
        if not match["det"] and low[: match.start()].endswith(("a ", "an ", "another ", "one ")):
            continue
        rank = match["rank"]
        if rank in ("last", "latest", "newest", "most recent", "final"):
            yield ref_at(match, tuple(numbers[-1:]), "rank")
        elif rank in ("original", "initial", "oldest", "earliest"):
            if match["noun"].strip() or low[: match.start()].rstrip().endswith(("to", "from", "with")):
                yield ref_at(match, (1,), "rank")
        else:
            of_them = _OF_THEM.fullmatch(match["noun"]) and not _BACK.search(low[: match.start()])
            some, nth = _just_drawn(state) if of_them else (), number_of(rank)
            yield ref_at(match, (some[nth - 1] if 0 < nth <= len(some) else nth,), "rank")


_OF_THEM = re.compile(r"(?: (?:ones?|of them))?")
_BACK = re.compile(r"\b(?:back|return|go|jump|from) (?:to |with )?$")


def _just_drawn(state: State) -> tuple[int, ...]:
    """Several pictures that were asked for at once and are the newest: "the second one" is one of them."""
    if not state.takes or state.current != state.takes[-1].number:
        return ()
    last, some = state.takes[-1], list[int]()
    for take in reversed(state.takes):
        follows = not some or take.number == some[0] - 1
        if (take.prompt, take.parent, take.origin) != (last.prompt, None, "draw") or not follows:
            break
        some.insert(0, take.number)
    return tuple(some) if len(some) > 1 else ()


_CONTENT = re.compile(
    r"(?:put|add|write|paint|draw|with|says?|saying|reads?|jersey|the word|numbered) (?:the |a |an )?$"
)


def _numbered(low: str, state: State) -> Iterator[TakeRef]:
    for match in _NUMBERED.finditer(low):
        number = number_of(match["digits"] or match["spelled"])
        word = match["word"] or "#"
        before = low[: match.start()]
        on_it = re.search(r"^(?:(?:and|so|ok|now|but|please) )*(?:in|on|for|from|to|about|with) $", before)
        a_take = match["the"] == "the " and word in ("take", "picture", "image", "version")
        if match["the"] and not a_take and not (on_it and state.exists(number)):
            continue  # "the number 9 on the shirt" is a picture's content
        if word in ("no", "nr", "num") and not match["dot"] and match["spelled"]:
            continue  # "no one should …"
        if not state.exists(number) and word != "take" and _CONTENT.search(before):
            continue
        if word == "take" and match["spelled"] == "one" and low[match.end() :].startswith(" of"):
            continue
        yield ref_at(match, (number,), "number")


def _spelled_in(low: str, state: State) -> Iterator[TakeRef]:
    """As in "the bird in picture three bears …": whatever follows, a take of that number."""
    for match in _SPELLED_IN.finditer(low):
        if state.exists(number_of(match["n"])):
            yield ref_at(match, (number_of(match["n"]),), "number", "t")


def _placed(low: str, state: State) -> Iterator[TakeRef]:
    for match in _PLACED.finditer(low):
        number = number_of(match["n"])
        tail = low[match.end() :]
        spelled = not match["n"].isdigit()
        if spelled and (match["n"] == "one" or tail.startswith((" more", " with"))):
            continue
        if state.exists(number) or match.group().startswith(("back to", "return", "fork", "go to", "jump")):
            yield ref_at(match, (number,), "number", "n")
    for front in (*_START_NUMBER.finditer(low), *_START_SPELLED.finditer(low)):
        if state.exists(number_of(front["n"])) and front.end() < len(low.rstrip(" .!?")):
            yield ref_at(front, (number_of(front["n"]),), "number", "n")


def _listed(low: str, state: State) -> Iterator[TakeRef]:
    """Bare numbers where a sentence compares: "compare 1 and 3", "2 vs 5"."""
    if not any(_LISTING.match(part[:120]) for part in re.split(r"(?<=[.!?]) ", low[:400])):
        return
    for match in _BARE.finditer(low):
        if match.group() == "one" and not re.search(r"compare $|between $", low[: match.start()]):
            continue
        if not match.group().isdigit() and not state.exists(number_of(match.group())):
            continue  # "compare 2 and 3, I need them by nine"
        yield ref_at(match, (number_of(match.group()),), "number")


def _current(low: str, state: State) -> Iterator[TakeRef]:
    for match in _THIS.finditer(low):
        numbers = (state.current,) if state.current else ()
        yield ref_at(match, numbers, "current")



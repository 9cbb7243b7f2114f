"""Which of the options of a question an answer means: its words, its place, its age, or a slip of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .looks import stems
from .spelling import nearly
from .takes import number_of
from .words import NUMBERS, ORDINALS, either

_INDEX = re.compile(
    rf"(?:(?:i (?:mean|meant|want|prefer|choose|pick|would like)|make it|let's take|take|choose|pick|"
    rf"go with|use|option|answer|number|nr\.?|no\.|#|the|choice|variant|it's|"
    rf"that'd be) ?)*(?:option |number |#)?(?P<i>\d{{1,2}}|{either(dict.fromkeys(NUMBERS))}|"
    rf"{either(dict.fromkeys(ORDINALS))}|\d{{1,2}}(?:st|nd|rd|th)|last|latter|former)(?: (?:one|"
    rf"option|choice|of (?:them|those|these)|answer))?(?: please)?"
)
SAID = re.compile(
    r"(?:(?:i (?:mean|meant|want|prefer|choose|pick|would like|was thinking of|am talking about|"
    r"'m talking about)|it(?:'s| is| was)|that(?:'s| is| would be)|(?:his|her|its|their) name(?:'s|"
    r" is)|call (?:him|her|it|them)|(?:he|she|they)(?:'s| is|'re| are)(?: called| named)?|"
    r"name (?:him|her|it|them)|make it|let's (?:take|go with|say|use)|take|use|go with|"
    r"the one called|called|named|with|probably|rather|definitely|of course|just|only|yes,?|no,?|"
    r"well,?|hmm,?|oh,?|sorry,?|for|on|to|my|our|draw|the)\s+)+"
)


_SAYS_NOTHING = frozenset(
    "the one with who has had that this wears wearing from picture take for and his her its was were well "
    "obviously course sure please where which you mean meant just now then make put add draw not can there "
    "they she".split()
)


def ranked(said: str, options: Sequence[str]) -> str | None:
    """As in "the older one", "latest": by the numbers in the options."""
    numbers = [re.findall(r"\d+", option) for option in options]
    if len(options) < 2 or not all(len(n) == 1 for n in numbers):
        return None
    order = sorted(range(len(options)), key=lambda i: int(numbers[i][0]))
    if re.fullmatch(
        r"(?:the )?(?:older|oldest|earlier|earliest|original|previous|lower|first)(?: (?:one|take|"
        r"picture|version))?",
        said,
    ):
        return options[order[0]]
    if re.fullmatch(
        r"(?:the )?(?:newer|newest|later|latest|most recent|recent|current|higher|last|this)(?: (?:one|"
        r"take|picture|version))?",
        said,
    ):
        return options[order[-1]]
    return None


def told(said: str, texts: Mapping[str, str]) -> str | None:
    """The one option of whose text an answer speaks: "the one in the waistcoat", "well, the harbour"."""
    words = {
        stem for word in re.findall(r"[a-z]{3,}", said) if word not in _SAYS_NOTHING for stem in stems(word)
    }
    counts = {option: len(words & stems(text)) for option, text in texts.items()}
    best = [option for option, count in counts.items() if count and count == max(counts.values())]
    return best[0] if len(best) == 1 else None


def option_of(said: str, options: Sequence[str]) -> str | None:
    """The option that is meant: its words, its place in the list, or a slip of it."""
    if not options:
        return None
    lowered = [option.lower().strip(" .!?") for option in options]
    core = SAID.sub("", said, count=1) if SAID.match(said) else said
    for form in (said, core):
        if form in lowered:
            return options[lowered.index(form)]
    numbers = [re.findall(r"\d+", option) for option in lowered]
    match = _INDEX.fullmatch(said)
    if match:
        word = match["i"]
        numbered = word.isdigit() or re.search(r"\b(?:number|take|picture)\b", said)
        take = numbered and [i for i, n in enumerate(numbers) if str(number_of(word)) in n]
        if take and len(take) == 1 and all(numbers):
            return options[take[0]]
        index = {"last": len(options), "latter": len(options), "former": 1}.get(word) or number_of(word)
        if 1 <= index <= len(options):
            return options[index - 1]
        return None
    words = set(re.findall(r"[\w']+", core))
    fits = [i for i, option in enumerate(lowered) if words and words <= set(re.findall(r"[\w']+", option))]
    fits = fits or [
        i for i, option in enumerate(lowered) if re.search(rf"(?<!\w){re.escape(option)}(?!\w)", said)
    ]
    if not fits and len(core) >= 3:
        fits = [i for i, option in enumerate(lowered) if nearly(core, option)]
    if len(fits) > 1:  # "Rex, sorry Luna"
        declined = r"\b(?:not|sorry|no|than|instead of|over|without|isn't|wasn't),? "
        fits = [i for i in fits if not re.search(rf"{declined}{re.escape(lowered[i])}\b", said)]
    return options[fits[0]] if len(fits) == 1 else None


def yes_or_no(options: Sequence[str]) -> bool:
    """Whether a question only wants a yes."""
    return {option.lower() for option in options} == {"yes", "no"}

"""Which of the options of a question an answer means by a look, a pronoun, or "both"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .mentions import shows
from .options import SAID, told
from .references import read
from .state import State
from .subjects import kind_words

OTHER = re.compile(r"(?:no[,.]? )?(?:not (?P<not>[^,;]+?)[,;]? (?:but )?)?(?:i (?:mean|"
    r"meant) )?the other(?: one| [a-z]+)?(?: please)?")


def of_takes(options: Sequence[str]) -> bool:
    """Whether every option is a take."""
    return bool(options) and all(re.match(r"take \d+", option) for option in options)


NOT_THE_OTHER = re.compile(r"(?<=\w),? not (?:the |my |our )?[a-z]+(?: one)?$")
_LACKING = re.compile(
    r"\b(?:no|not|without|hasn't|isn't|doesn't)(?: got| have| yet)?(?: any| the| an?)?(?: yet)? ([a-z]{3,})"
)


def by_look(said: str, options: Sequence[str], state: State) -> str | None:
    """The option whose take shows what the answer speaks of: "the one with the boat", "where Olaf is"."""
    takes = {o: state.take(int(n[0])) for o in options if len(n := re.findall(r"\d+", o)) == 1}
    lacking = _LACKING.findall(said)
    bare = [o for o, t in takes.items() if t and not any(shows(t, word, state) for word in lacking)]
    if lacking and len(bare) == 1 and len(takes) > 1:
        return bare[0]
    return told(said, {o: f"{t.prompt} {t.description} {' '.join(t.concepts)}" for o, t in takes.items() if t})


_GENDERS = {
    **dict.fromkeys("him he boy male man guy lad gentleman bloke fella chap".split(), "he"),
    **dict.fromkeys("her she girl female woman lady lass lassie".split(), "she"),
    **dict.fromkeys("it thing".split(), "it"),
}


def several(said: str, options: Sequence[str], state: State) -> tuple[str, ...]:
    """Concepts among the options that an answer names together: "Rex and Luna"."""
    named = {s.names[0] for s in read(said, state).subjects if len(s.names) == 1}
    chosen = tuple(option for option in options if option in named)
    one = re.search(r"\b(?:not|no|or|instead|rather|than|sorry|over)\b", said)
    return chosen if len(chosen) > 1 and not one else ()


def meant(said: str, options: Sequence[str], state: State) -> tuple[str, ...]:
    """Concepts among the options that "both", "her", "the girl" or "my cat" mean."""
    offered = [c for option in options if (c := state.concept(option))]
    if len(offered) < 2:
        return ()
    if len(offered) == 2 and (other := OTHER.fullmatch(said)):
        known = state.concept(other["not"]) if other["not"] else None
        left = [c.name for c in offered if (c != known if known else c.name not in state.focus)]
        return tuple(left) if len(left) == 1 else ()
    if re.fullmatch(
        r"(?:yes,? |oh,? |well,? |put |draw |have |take |do )*(?:both|all|all of them|both of (?:them|those)|"
        r"the two(?: of them)?|"
        r"each|everyone|"
        r"all (?:two|three)|(?:the )?two|both please|them both|together)(?:,? (?:please|together|"
        r"actually|of course|obviously|i think|i'd say|then|on|in|on it|in it|there))*",
        said,
    ):
        return tuple(c.name for c in offered)
    if named := several(said, options, state):
        return named
    core = re.sub(r"^(?:the|my|our|i mean|i meant|it's|draw) ", "", SAID.sub("", said, count=1)) or said
    core = re.sub(r" (?:one|please|of course|obviously|again)$", "", core)
    words = [w for w in core.split() if w not in ("please", "little", "old", "one")]
    gender = {_GENDERS[w] for w in words if w in _GENDERS}
    kinds = {w for w in words if w not in _GENDERS}
    fits = [
        c.name
        for c in offered
        if words and gender <= {c.pronoun} and (kinds <= kind_words(c.kind) or set(words) <= kind_words(c.kind))
    ] or [c.name for c in offered if core in kind_words(c.kind)]
    if not fits:
        shown = {
            c.name: " ".join(f"{t.prompt} {t.description}" for t in state.takes if t.concepts == (c.name,))
            for c in offered
        }
        fits = [name for name in [told(core, shown)] if name]
    return (fits[0],) if len(fits) == 1 else ()

"""Free text: a new picture or a change of the one that is there?"""

from __future__ import annotations

import re

from ..normalise import lead
from ..references import Text, rx
from ..settings import take_settings
from ..state import Ask, Step
from ..subjects import PRONOUN
from ..words import ANIMALS, COLOURS, EDIT_VERBS, KINDS, LOOKS, MOODS, PARTS, WEAR, either, table
from .drawing import draw, drawn, drawn_with
from .editing import edit
from .missing import HOW, missing, unknown_subject, vague
from .talk import question

_LEAD_IN = (
    r"(?:(?:now|then|next|also|and|so|ok|okay|please|this time|today|finally|first|again|imagine|picture|"
    r"perhaps|maybe)[,:]? )*"
)
_WISH = (
    r"(?:have|get|see|how about|what about|let's (?:do|try|have|see|go with|make|put)|i(?:'d| "
    r"would)? (?:want|like|"
    r"love|need)|we need|i need|try|can (?:we|i) (?:have|get|see)|could (?:we|i) (?:have|get|see)|"
    r"make it|make|do|give me|have|make me)"
)
_CONCEPT_FIRST = rx(
    rf"{_LEAD_IN}(?:{_WISH} )?(?:the |my |our |just |only )?(?P<who>{{C}}(?:(?:, | and |, and | & | "
    rf"with | or |"
    rf" plus )(?:the |my |our )?{{C}})*)(?P<rest>.*)"
)
_NOT_SCENE = re.compile(
    r",? ?(?:should|needs?|must|could|can|may|has to|have to|would|will|is|are|was|were|has|have|had|"
    r"looks?|too|as well|also|instead|again|more|less|but(?! as)|to|'s|than|be|being|slightly|much|even|way|"
    r"a (?:little|bit|touch|tad|lot|shade|smidge|fraction)|"
    r"bigger|smaller|larger|taller|shorter|darker|brighter|lighter|closer|happier|sadder|wears?|"
    r"sits?|stands?|sleeps?|runs?|jumps?|flies|holds?|without the|without (?:his|her|its)|turn|"
    r"turned|gets?|now|still|there|here|only|alone instead|rather|out|away|look)\b"
)
_PRONOUN_FIRST = re.compile(
    rf"{_LEAD_IN}(?:he|she|they|him|her|them|just him|just her|the same (?:one|dog|cat|subject|guy|"
    rf"mug|character)|it) (?:on|in|at|"
    rf"under|riding|flying|sitting|wearing|playing|by|near|as|driving|sleeping|swimming|running|"
    rf"jumping|with|behind|inside|next)\b"
)
_ARTICLE = re.compile(
    r"(?:an?|two|three|four|five|six|some|several|many|\d{1,2}|the same(?! (?:but|in|at|with|on|as|thing|"
    r"again|picture|one|scene))) "
)
_FINITE = re.compile(
    r"\b(?:should|could|must|needs?|is|are|was|were|has|have|had|can|may|would|instead|too|also|"
    r"as well|more|less|there|than|please|also|but|to be|becomes?|turns?|be)\b"
)
_PLACE = re.compile(
    r"\b(?:on|in|at|under|over|near|by|beside|behind|inside|through|during|with|of|wearing|against|above|"
    r"below|next|between|among|[a-z]{3,}ing)\b"
)
_PART = re.compile(
    rf"\b(?:the|his|her|its|their) (?:[a-z]+ )?{either(PARTS)}(?![\w-])|\b(?:on|to|for|behind|near|"
    rf"beside|next to|around|over|with|above|under) (?:him|her|it|them)\b|\b(?:his|her|its|their) "
)
_CHANGE = re.compile(
    rf"(?:{either(EDIT_VERBS)}|now|but|without|same|the same|more|less|{either(LOOKS)}|at|in|on|with|"
    rf"not|no|it|he|she|they|its|his|her|their|instead|except|also|only|too|"
    r"maybe|could|can|should|would|what if|how about|what about|if|let's|there|everything|minus|plus|"
    r"the (?:background|sky|picture|image|colou?rs?|light))(?![\w-])"
)
_INTO_SCENE = rx(
    r"(?:put|place|show|have|let|set|take|send|bring|get|see|picture|imagine|make) (?P<c>{C}(?:(?:,| and|"
    r", and) {C})*|him|her|them|it)(?: (?:sit|sitting|stand|standing|sleep|fly|run|play|be|swim|sleeping|"
    r"ride|eat|jump|dance|walk|read|drive|wear)| to (?:the|a))? ?(?P<rest>(?:on|in|at|under|into|onto|by|"
    r"near|next to|to|inside|behind|beside|over|with|wearing|[a-z]{3,}ing|a|an|the)\b.+)"
)
_NOT_HEAD = EDIT_VERBS | table(
    "the his her its their no all more less every only let's let us we i you it he she they if"
)
_VOWEL = re.compile(r"[aeiouy]")


def free(text: Text) -> list[Step]:
    """What to do with words that no other family has claimed."""
    state, hints = text.state, text.hints
    if hints.mode == "draw":
        return draw(text) or drawn(text)
    if hints.mode == "edit" and state.current is not None:
        return edit(text)
    if steps := draw(text):
        return steps
    if text.files or (state.attached and not (concept_scene(text) and not _OF_FILE.search(text.low))):
        return _with_files(text)
    if asked := missing(text) or unknown_subject(text):
        return [asked]
    if steps := question(text):
        return steps
    settings, body = take_settings(text, edit=True)
    if (
        settings.method
        and (wanted := re.match(r"for (?=\ue000|(?:an?|my|the) )", body.low))
        and not text.takes
    ):
        return drawn_with(body.part(wanted.end()), settings)
    if settings.method and not text.takes:
        body = body.part(len(body.low) - len(body.low.lstrip(" ,:;-")))
        if concept_scene(body, loose=True):
            return drawn_with(body, settings)
    if state.current is None:
        return _first_picture(text)
    if text.takes:
        return edit(text)
    if settings.method or take_settings(text)[0].args():
        body = take_settings(text)[1]
        body = body.part(len(body.low) - len(body.low.lstrip(" ,:;")))
    if re.match(r"(?:and|plus|also|\+) (?:also )?(?:the |my )?\ue000+", body.low):
        return edit(text)
    if concept_scene(body) or indefinite_scene(body) or _PRONOUN_FIRST.match(body.low):
        return drawn(text) if not _starts_wish(body) else drawn(text.part(_wish_end(body)))
    if unclear := _unclear(text):
        return [unclear]
    return edit(text)


_OF_FILE = re.compile(
    r"\b(?:this|that|the|my|here) ?(?:photo|picture|pic|image|file|attachment|upload)|attached|i (?:just "
    r")?sent"
)


def _wish_end(text: Text) -> int:
    match = re.match(rf"{_LEAD_IN}(?:{_WISH} )?", text.low)
    return match.end() if match else 0


def _starts_wish(text: Text) -> bool:
    return bool(_wish_end(text))


def _with_files(text: Text) -> list[Step]:
    words = re.sub(r"[\ue002\s.,:;!?]+", " ", text.low).strip()
    if not words or re.fullmatch(
        r"(?:here|here you (?:go|are)|look(?: at this| here)?|see|this|these|these ones|this one|"
        r"pictures?|photos?|an? (?:picture|photo)|take this|use (?:this|these)|check this out|from)",
        words,
    ):
        return [
            Ask(
                "Shall I learn a new subject from this, or change the picture?",
                ("learn it", "change it"),
                "words",
            )
        ]
    if re.fullmatch(
        r"(?:(?:ok|so|and|well) )*(?:what|where) now|(?:and |so )?now what|what(?:'s| is) next|"
        r"(?:my|our) (?:new |lovely |little |old )*[a-z]+(?: [a-z]+)?(?: (?:isn't|is not|aren't) .{1,30})?",
        words,
    ):
        return [
            Ask(
                "Shall I learn a new subject from this, or change the picture?",
                ("learn it", "change it"),
                "words",
            )
        ]
    return [HOW] if vague(words) else edit(text)


def _first_picture(text: Text) -> list[Step]:
    """Without a picture only a scene can be drawn; a change has nothing to change."""
    low = text.low
    start = lead(low)
    low = low[start:]
    body = text.part(start)
    if concept_scene(body, loose=True) or _PRONOUN_FIRST.match(low):
        return drawn(text.part(start + _wish_end(body)))
    if match := _INTO_SCENE.fullmatch(low):
        if match["c"] != "it":
            return drawn(body.part(match.start("c")))
    if text.takes or not re.search(r"\w", low):
        return edit(text)
    wished = re.match(
        rf"(?:{_WISH}|put|have|add|let there be|there should be|there is|imagine) (?:me )?(?=(?:an?|two|"
        rf"three|some|four|five) )",
        low,
    )
    if (
        wished
        and not re.search(r"\b(?:to|on|for|in) (?:it|him|her|them|that)\b", low)
        and not low.startswith(("add", "put"))
    ):
        return drawn(body.part(wished.end()))
    if (
        _CHANGE.match(low)
        or (_PART.search(low) and not _ARTICLE.match(low))
        or low.split()[0] in COLOURS | MOODS
        and len(low.split()) < 2
    ):
        return edit(text)
    if _gibberish(low):
        return [_what(text)]
    return drawn(body)


def concept_scene(text: Text, loose: bool = False) -> bool:
    """Whether the words begin with a known subject and go on with a scene of its own."""
    match = _CONCEPT_FIRST.match(text.low)
    if not match:
        return False
    subject = text.subject_at(match.start("who"))
    if subject is None:
        return False
    rest = re.sub(r",? (?:\d{1,2}|two|three|four|five|six) of them\b", "", match["rest"])
    if loose:
        return not re.match(r" ?(?:should|needs?|must|bigger|smaller|darker|brighter)\b", rest)
    take = text.state.take(text.state.current)
    here = take is not None and all(n in take.concepts for n in subject.names)
    if subject.how == "kind" and not re.match(
        r" (?:on|in|at|under|riding|flying|as|having|[a-z]{3,}ing)\b", rest
    ):
        return False
    if re.match(r",? ?(?:is|are) ", rest) and not here:
        return True
    if _NOT_SCENE.match(rest) or PRONOUN.search(rest) and not re.search(r"\b(?:his|her|its|their)\b", rest):
        return False
    return not re.search(r"\b(?:instead|too|as well|instead of)$", rest.strip(" .!?"))


def indefinite_scene(text: Text) -> bool:
    """Whether the words describe a picture from nothing: "a red car in the snow"."""
    low = text.low[_prefix(text.low) :].strip(" .!?")
    words = low.split()
    if not words or _FINITE.search(low) or _PART.search(low):
        return False
    if _ARTICLE.match(low):
        noun = words[1:]
        if not noun or (set(noun) & WEAR and not _PLACE.search(low)):
            return False
        if words[0] == "a" and words[1:2] and words[1] in ("bit", "little", "lot", "few", "touch"):
            return False
        return noun[-1] not in MOODS or len(noun) > 2
    place = _PLACE.search(low)
    if not place or place.start() == 0:
        return False
    head = low[: place.start()].split()
    return (
        0 < len(head) <= 4
        and head[-1].rstrip("s")
        in (
            KINDS
            | ANIMALS
            | {
                "castle",
                "astronaut",
                "knight",
                "city",
                "village",
                "landscape",
                "mountain",
                "forest",
                "portrait",
                "unicorn",
                "wizard",
                "spaceship",
            }
        )
        - WEAR
        and not set(head) & _NOT_HEAD
    )


def _prefix(low: str) -> int:
    match = re.match(r"(?:(?:now|then|next|also|and|so|ok|this time)[,:]? )*", low)
    return match.end() if match else 0


def _unclear(text: Text) -> Ask | None:
    low = text.low.strip(" .!?,;:")
    if not re.search(r"\w", low):
        return _what(text)
    if _gibberish(low) or re.fullmatch(
        r"(?:\d+|one|two|three|four|five|the|a|and|or|it|him|her|them|this|that|one|more or less|"
        r"different|other|change it|edit it|change|edit|modify it|do it|fix it|improve it|do something|"
        r"make it|change something|something else|something different|else|the other one|other one|"
        r"make it different|forget|rename|revert|compare|teach|learn|train|rate|swap|replace|add|remove|"
        r"change this|change that|do that|make that|both|all|any|none)",
        low,
    ):
        return _what(text)
    return None


def _what(text: Text) -> Ask:
    current = text.state.current
    options = ["a new picture"] + ([f"change take {current}"] if current else [])
    return Ask("I am not sure what you mean. What shall I draw or change?", tuple(options), "words")


def _gibberish(low: str) -> bool:
    """A single word that is none: no vowel, or many consonants in a row."""
    words = re.findall(r"[^\W\d_]+", low)
    if len(words) > 2:
        return False
    if not words:
        return True
    return all(
        w.isascii()
        and len(w) > 3
        and (not _VOWEL.search(w) or re.search(r"[bcdfghjklmnpqrstvwxz]{5,}", w) is not None)
        for w in words
    )

"""What people say about scenes: captions, descriptions and edit instructions, all from one random generator.

What is left unsaid has its default: no accessory, day, big, in the middle.
"""

from __future__ import annotations

import random

from .identity import Subject
from .parts import APPENDAGES, MAIN_PARTS, SECOND_PARTS, SHAPE_WORDS, SINGLE_PARTS
from .scene import Figure, Scene
from .words import (
    ACCESSORY_NOUNS,
    ACCESSORY_PHRASES,
    COLOUR_WORDS,
    KIND_NOUNS,
    PLACE_NOUNS,
    PLACE_PHRASES,
    POSITION_PHRASES,
    SIZE_PHRASES,
    SIZE_WORDS,
    TIME_PHRASES,
    TIME_SCENES,
    synonyms,
    vocabulary,
)

__all__ = ["caption", "describe", "instruction", "synonyms", "vocabulary"]

ASKS = (
    "draw {}",
    "paint {}",
    "put {}",
    "show me {}",
    "show {}",
    "a picture of {}",
    "please draw {}",
    "can you draw {}",
    "i want {}",
    "i'd like to see {}",
    "give me {}",
    "now {}",
    "make a picture of {}",
    "sketch {}",
    "a drawing of {}",
    "let's see {}",
)


def _article(noun: str) -> str:
    """The noun with "a" or "an"; none for glasses, a plural."""
    if noun.endswith(("sunglasses", "shades", "glasses")):
        return noun
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _polish(text: str, rng: random.Random) -> str:
    """Now and then a capital first letter and a full stop."""
    roll = rng.random()
    if roll < 0.15:
        text = text[0].upper() + text[1:]
    if roll < 0.08 or roll > 0.95:
        text += "."
    return text


def _called(name: str, kind: str, rng: random.Random, mention_kind: bool, size_word: str) -> str:
    """The name, with the class noun and a size word when asked for."""
    noun = rng.choice(KIND_NOUNS[kind]) if rng.random() < 0.5 else KIND_NOUNS[kind][0]
    sized = f"{size_word} " if size_word else ""
    if mention_kind:
        form = rng.choice(
            ("{n} the {s}{k}", "my {s}{k} {n}", "the {s}{k} {n}", "our {s}{k} {n}", "{n}, my {s}{k},")
        )
        return form.format(n=name, k=noun, s=sized)
    if sized:
        return rng.choice((f"a {sized}{name}", f"{sized}{name}", f"a very {sized}{name}"))
    return name


def _place(place: str, rng: random.Random) -> str:
    phrases = PLACE_PHRASES[place]
    return phrases[0] if rng.random() < 0.3 else rng.choice(phrases)


def _time(time: str, rng: random.Random) -> str:
    """A phrase for the time; "" for a day left unsaid."""
    if time == "day" and rng.random() < 0.6:
        return ""
    return rng.choice(TIME_PHRASES[time])


def _size(size: str, rng: random.Random) -> tuple[str, str]:
    """(adjective, phrase) saying the size, at most one not empty; big is mostly left unsaid."""
    if size == "big" and rng.random() < 0.88:
        return "", ""
    if rng.random() < 0.5:
        return rng.choice(SIZE_WORDS[size]), ""
    return "", rng.choice(SIZE_PHRASES[size])


def _position(position: str, rng: random.Random) -> str:
    if position == "middle" and rng.random() < 0.88:
        return ""
    return rng.choice(POSITION_PHRASES[position])


def _arrange(who: str, parts: list[str], scene: Scene, place: str, time: str, rng: random.Random) -> str:
    """Name, phrases about the figure, place and time in one of many orders."""
    spoken = [p for p in parts if p]
    rng.shuffle(spoken)
    if not time and rng.random() < 0.75:
        roll = rng.choice((0.0, 0.3, 0.55, 0.68))
    else:
        roll = rng.random()
    when = [time] if time else []
    if roll < 0.3:
        tail = " ".join([*spoken, place, *when]) if rng.random() < 0.5 else " ".join([place, *when, *spoken])
        text = f"{who} {tail}"
    elif roll < 0.5:
        everything = [*spoken, place, *when]
        rng.shuffle(everything)
        text = f"{who} " + rng.choice((" ", ", ")).join(everything)
    elif roll < 0.65:
        return ", ".join([place, *when]) + rng.choice((": ", ", ")) + " ".join([who, *spoken])
    elif roll < 0.75:
        text = f"{who} {place}" + "".join(f", {p}" for p in [*spoken, *when])
    elif roll < 0.85 and time:
        return f"{time}{rng.choice((': ', ', '))}{' '.join([who, *spoken, place])}"
    elif time:
        return f"{rng.choice(TIME_SCENES[scene.time])}: {who}{''.join(', ' + p for p in spoken)}, {place}"
    else:
        text = " ".join([who, place, *spoken])
    return rng.choice(ASKS).format(text) if rng.random() < 0.45 else text


def _tidy(text: str) -> str:
    """No doubled commas or blanks around them."""
    while ",," in text or " ," in text or "  " in text or ",:" in text:
        text = text.replace(" ,", ",").replace(",,", ",").replace("  ", " ").replace(",:", ":")
    return text.strip(" ,")


def caption(scene: Scene, rng: random.Random, names: list[str], mention_kind: bool = False) -> str:
    """How a user might ask for the scene; ``names[i]`` is figure i's name. Unsaid means default; a small
    size and a side are always said, except that two figures are always small, named from left to right."""
    place, time = _place(scene.place, rng), _time(scene.time, rng)
    if not scene.figures:
        where = PLACE_NOUNS[scene.place][0] if rng.random() < 0.5 else f"nobody {place}"
        return _polish(_tidy(f"{where} {time}"), rng)
    if len(scene.figures) == 1:
        figure = scene.figures[0]
        word, phrase = _size(figure.size, rng)
        who = _called(names[0], figure.subject.kind, rng, mention_kind, word)
        worn = rng.choice(ACCESSORY_PHRASES[figure.accessory]) if figure.accessory != "none" else ""
        parts = [worn, phrase, _position(figure.position, rng)]
        return _polish(_tidy(_arrange(who, parts, scene, place, time, rng)), rng)
    return _polish(_tidy(_two(scene, rng, names, mention_kind, place, time)), rng)


def _two(
    scene: Scene, rng: random.Random, names: list[str], mention_kind: bool, place: str, time: str
) -> str:
    """A caption of two figures, the left one named first."""
    who = [
        _called(n, f.subject.kind, rng, mention_kind, "") for n, f in zip(names, scene.figures, strict=True)
    ]
    worn = [
        "" if f.accessory == "none" else rng.choice(ACCESSORY_PHRASES[f.accessory]) for f in scene.figures
    ]
    sides = rng.random() < 0.3
    extra = [
        _tidy(f"{w} {rng.choice(POSITION_PHRASES[f.position]) if sides else ''}")
        for w, f in zip(worn, scene.figures, strict=True)
    ]
    setting = f"{place} {time}" if rng.random() < 0.6 else f"{time} {place}"
    if not any(extra) or rng.random() < 0.5:
        later = "".join(f", {n} {e}" for n, e in zip(names, extra, strict=True) if e)
        pair = f"{who[0]} and {who[1]}"
        if rng.random() < 0.3:
            return f"{setting}: {pair}{later}"
        text = f"{pair} {setting}{later}"
    else:
        joint = rng.choice((" and ", ", and ", " together with ", " next to "))
        if joint == " next to " and sides:
            joint = " and "
        pair = f"{who[0]} {extra[0]}{joint}{who[1]} {extra[1]}"
        if rng.random() < 0.4:
            return f"{setting}, {pair}"
        text = f"{pair}, {setting}"
    return rng.choice(ASKS).format(text) if rng.random() < 0.4 else text


def _colour(name: str, rng: random.Random) -> str:
    return name if rng.random() < 0.75 else rng.choice(COLOUR_WORDS[name])


def part_in(colour: str, part: str) -> str:
    """ "a red tail", "red ears"."""
    return _article(f"{colour} {part}") if part in SINGLE_PARTS else f"{colour} {part}"


def _shape_bits(subject: Subject, rng: random.Random) -> tuple[list[str], list[str]]:
    """(adjectives, with-phrases) for what is marked about the body."""
    adjectives, extras = [], []
    proportion, part, eye = subject.shape
    if abs(proportion) > 0.4 and rng.random() < 0.5:
        adjectives.append(rng.choice(SHAPE_WORDS["proportion"][proportion > 0]))
    if abs(part) > 0.4 and rng.random() < 0.5:
        extras.append(APPENDAGES[subject.kind][part > 0])
    if abs(eye) > 0.4 and rng.random() < 0.5:
        extras.append(rng.choice(SHAPE_WORDS["eyes"][eye > 0]))
    return adjectives, extras


def describe(subject: Subject, rng: random.Random) -> str:
    """The subject in words alone: class, both colours, pattern, and what is marked about its body."""
    noun = rng.choice(KIND_NOUNS[subject.kind]) if rng.random() < 0.5 else KIND_NOUNS[subject.kind][0]
    main, second = _colour(subject.main, rng), _colour(subject.second, rng)
    parts = rng.choice(SECOND_PARTS[subject.kind])
    before, extras = _shape_bits(subject, rng)
    secondary = part_in(second, parts)
    adjective, tail = "", secondary
    if subject.pattern == "plain":
        adjective = rng.choice(("plain", "plain", "solid", ""))
    elif subject.pattern == "stripes":
        if rng.random() < 0.4:
            adjective = rng.choice(("striped", "stripy"))
        else:
            tail = f"{second} stripes" if rng.random() < 0.5 else f"{second} stripes and {secondary}"
    elif subject.pattern == "spots":
        if rng.random() < 0.3:
            adjective = rng.choice(("spotted", "spotty", "dotted"))
        else:
            dots = rng.choice(("spots", "dots", "polka dots"))
            tail = f"{second} {dots}" if rng.random() < 0.5 else f"{second} {dots} and {secondary}"
    elif rng.random() < 0.4:
        adjective = rng.choice(("two-tone", "two-coloured"))
    else:
        low = rng.choice(("lower third", "lower part", "bottom", "lower half"))
        tail = f"a {second} {low}" if rng.random() < 0.5 else f"a {second} {low} and {secondary}"
    head = " ".join([*before, *([adjective] if adjective else []), main, noun])
    extras = [tail, *extras]
    rng.shuffle(extras)
    part = MAIN_PARTS.get(subject.kind)
    if part and rng.random() < 0.25:
        head = " ".join([*before, *([adjective] if adjective else []), noun])
        extras.insert(0, f"{main} {part}" if part == "petals" else f"a {main} {part}")
    text = f"{_article(head)} with {_join(extras)}"
    return _polish(rng.choice(ASKS).format(text) if rng.random() < 0.08 else text, rng)


def _join(items: list[str]) -> str:
    """ "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def instruction(
    what: str, before: Scene, after: Scene, rng: random.Random, name: str, figure: int = 0
) -> str:
    """How a user asks for the step from ``before`` to ``after``, made with ``change(before, what, ...)``.
    ``name`` is whose figure (of index ``figure``) it is; for "add" the new one's name."""
    from .instructions import edit

    return _polish(edit(what, before, after, rng, name, figure), rng)


def worn_phrase(figure: Figure, rng: random.Random) -> str:
    """A phrase for the figure's accessory, "" for none."""
    return "" if figure.accessory == "none" else rng.choice(ACCESSORY_PHRASES[figure.accessory])


def with_article(accessory: str, rng: random.Random) -> str:
    """A noun for the accessory with its article."""
    return _article(rng.choice(ACCESSORY_NOUNS[accessory]))

"""Changes of a picture: which take, what to change, who comes in, what is borrowed from another take."""

from __future__ import annotations

import re
from typing import Any

from ..looks import describe, showing
from ..normalise import lead, tail
from ..parts import meant
from ..references import Text, pick, rx
from ..settings import take_settings
from ..state import Ask, Call, Step
from ..subjects import Subject, choose
from ..tagger import own
from ..takeref import TakeRef
from ..takes import number_of
from ..words import ANIMALS, ORDINALS, PEOPLE, either
from .concepts import near_question
from .history import one_take
from .missing import HOW, mends, whose

# A take named in front: "the second one, at night", "in take 3, add a hat", "same as the first but snowy".
_FRONT = rx(
    r"(?:(?:(?:go|going|start|work|working|continue|continuing|carry on|build)(?= (?:from|off|on))|off|now|"
    r"and|then|please|ok|"
    r"actually|for|in|on|to|with|from|edit|change|modify|update|take|"
    r"use|using|same as|the same as|like|just like|similar to|do|redo|"
    r"draw|based on|starting from|keep|i want|i'd like|give me|show me|make|go with|try|again|"
    r"let's take|let's do|let's use|i like|work on|about|as for|back to|same picture as)[,:]? )*"
    r"(?P<t>{T})(?: again| once more| please| too| instead)*(?P<mark>[,:;.]| -)? ?(?P<link>(?:but|"
    r"and|only|just|then|now|except)[,:]? )*(?P<rest>.*)"
)
_SEVERAL = rx(r"{T}(?:(?:, | and |, and | & ){T})+")
_REMOVES = re.compile(
    r"(?:please )?(?:remove|delete|erase|take (?:away|off|out|the|his|her|that)(?!.*\b(?:put|on|onto) )|"
    r"get rid of|lose|drop|"
    r"clear|cut|wipe)\b"
)
_GIVES = re.compile(
    r"\b(?:with|use|using|borrow|copy|bring|take|give|put|add|like|include|insert|transfer|reuse|grab|"
    r"import|get|want|apply|paste|move|steal|same|swap|replace|hand|lend|pass|hang|stick|wear|wears|hold|holds|have|"
    r"has)\b"
)
_MOVE_ACROSS = rx(
    r"(?:^(?P<what>[^,.!?]{2,60}?) from (?P<from>{T}) (?:in|into|on|onto|to) (?P<to>{T})[.! ]*$)|(?:take|"
    r"copy|borrow|grab|move|transfer|use|put|get|paste|bring|combine|"
    r"steal) (?P<what>.{1,80}?) (?:from|of|in) (?P<from>{T}),? ?(?:and (?:put|use|place|add|paste|"
    r"drop|stick|insert) (?:it|them|that|him|her) )?(?:in|into|on|onto|to|with|over to|for|"
    r"inside) (?:the (?:[a-z]+) (?:of|from|in) )?(?P<to>{T}).{0,60}"
)
_FROM = re.compile(
    r"\b(?:from|as in|like in|as on|like on|out of|as seen in|seen in|that was in|it had in|he had in|"
    r"she had in|he wore in|she wore in|he wears in|was wearing in|used in|shown in|we had in|same as in|"
    r"same as|style of|look of|mood of|palette of|pose of|look(?:s)? (?:more )?like|more like)\s$"
)
_IN_END = re.compile(r"\s(?:in|on|to|of|for|from|at|onto|into|with)\s$")
_AWAY = re.compile(
    r"\b(?:without|remove|delete|erase|no|not|instead of|rather than|replace|swap|minus|except|"
    r"get rid of|take|change|turn|but not|swap out|lose|drop|leave out)(?: the| my| out)?\s*$"
)
_INTO = re.compile(
    r"\b(?:add|with|put|place|and|bring|bring in|include|next to|to|into|for|by|insert|also|plus|give|"
    r"beside|together with|invite|show|have|let|meet|join|draw)(?: in)?\s*$"
)

# "Add the cat" brings in a subject; "let the cat sleep" speaks of what the picture shows.
_ENTERS = re.compile(
    r"\b(?:add|bring(?: in)?|include|invite|put(?: in)?|insert|also|plus|chuck|stick|pop|slap|throw|toss|"
    r"drop|tuck|sneak|"
    r"squeeze|(?:swap|replace) .{1,40} (?:for|with|by))\s*$"
)
_PHOTO = re.compile(
    rf"(?:the )?(?P<nth>{either(dict.fromkeys(ORDINALS))}|last|latest|newest|\d{{1,2}}(?:st|nd|rd|th)) "
    rf"(?:photo|photograph|image|file|attachment|upload|pic|picture)(?: i (?:just )?(?:sent|attached|"
    rf"uploaded))?"
)


def edit(text: Text) -> list[Step]:
    """The clause as one change of the take that it names, or else of the current one."""
    settings, body = take_settings(text, edit=True)
    if match := _SEVERAL.search(body.low):
        return _several(body, *match.span()) or [_which(body)]
    if group := next((t for t in body.takes if t.how == "group" and t.numbers), None):
        return _several(body, group.start, group.end) or [_which(body)]
    target, lender = roles(body)
    if target is not None and target.how == "described" and (ask := _same_look(target, body)):
        return [ask]
    take = _target(body, target)
    if isinstance(take, Ask):
        return [take]
    if lender is not None:
        source = one_take(lender, body)
        if isinstance(source, Ask):
            return [source]
        if source == take and target is None and body.state.current is not None:
            source = take
    instruction = _instruction(body, target)
    if not instruction:
        return [bare_take(body, take)]
    if mends(instruction):
        return [HOW]
    known = body.state.take(take)
    if unclear := whose(body, known.concepts if known else ()):
        return [unclear]
    coming = _coming(body, take)
    if isinstance(coming, Ask):
        return [coming]
    args: dict[str, Any] = {"take": take, "instruction": instruction}
    if coming:
        args["concepts"] = coming
    if lender is not None and source != take:
        args["borrow_from"] = source
    return [Call("edit", args | settings.edit_args)]


def _several(text: Text, start: int, end: int) -> list[Step]:
    """As in "Make the first and the second darker": one edit each, in order."""
    refs = [ref for ref in text.takes if start <= ref.start < end]
    numbers = [number for ref in refs for number in ref.numbers]
    if not numbers or not all(ref.numbers for ref in refs) or not all(map(text.state.exists, numbers)):
        return []
    before, after = text.raw[:start], text.raw[end:]
    words = (
        _IN_END.sub("", before)
        if _IN_END.search(before) and not after.strip(" .,!?")
        else f"{before}it{after}"
    )
    return [Call("edit", {"take": number, "instruction": _trim(words)}) for number in dict.fromkeys(numbers)]


def _which(text: Text) -> Ask:
    return Ask("Which takes do you mean?", tuple(describe(t) for t in text.state.takes[-4:]), "take")


def bare_take(text: Text, take: int) -> Ask:
    """What to ask when a sentence only names a take."""
    known = text.state.take(take)
    said = describe(known) if known else f"take {take}"
    return Ask(f"What shall I do with {said}?", ("go on from there", "draw it again", "I like it"), "words")


def _target(text: Text, target: TakeRef | None) -> int | Ask:
    if text.state.attached or text.files:  # attached pictures become the next takes, in their order
        if target is None and not text.files and _of_current(text):
            return text.state.current or 1
        if target is None or target.how == "current":
            return (text.state.newest or 0) + 1
        if place := _PHOTO.fullmatch(target.said):
            given = len(text.state.attached) + len(
                [f for f in text.files if f.path not in text.state.attached]
            )
            index = given if place["nth"] in ("last", "latest", "newest") else number_of(place["nth"])
            if 1 <= index <= given:
                return (text.state.newest or 0) + index
    if target is not None:
        return one_take(target, text)
    if text.hints.take is not None and text.state.exists(text.hints.take):
        return text.hints.take
    if text.state.current is None:
        return Ask(
            "There is no picture to change yet. What shall I draw?",
            tuple(f"draw {c.name}" for c in text.state.concepts[-3:]),
            "words",
        )
    return text.state.current


def _same_look(target: TakeRef, text: Text) -> Ask | None:
    """A question when the one word of "the rainy one" fits the current take as well as the one that began it."""
    words = re.findall(r"[a-z]+", target.said.lower())
    if len(words) != 3 or words[0] != "the" or text.hints.take is not None:
        return None
    fits = showing(words[1], text.state)
    if text.state.current not in fits or target.numbers[0] == text.state.current:
        return None
    shown = tuple(describe(t) for t in text.state.takes if t.number in fits)
    return Ask(f'Which take do you mean by "{target.said}"?', shown[-6:], "take")


def _of_current(text: Text) -> bool:
    """Whether the words, beside attached pictures, speak of what the current take shows: "make the train green"."""
    take = text.state.take(text.state.current)
    if take is None or _ON_PHOTO.search(text.raw):
        return False
    shown = set(re.findall(r"[a-z]{4,}", take.description.lower()))
    return any(word in shown for word in re.findall(r"\bthe ([a-z]{4,})\b", text.low))


def roles(text: Text) -> tuple[TakeRef | None, TakeRef | None]:
    """Which reference is the take to change and which one lends something."""
    refs = [ref for ref in text.takes if ref.how != "group"]
    if not refs:
        return None, None
    if match := _MOVE_ACROSS.search(text.low):
        return text.take_at(match.start(pick(match, "to"))), text.take_at(match.start(pick(match, "from")))
    target: TakeRef | None = None
    lender: TakeRef | None = None
    front = _FRONT.match(text.low)
    for ref in refs:
        lends = _lends(text, ref)
        leads = (
            front is not None and front.start("t") == ref.start and not text.low[ref.end :].startswith("'s")
        )
        apart = front is not None and bool(front["mark"] or front["link"])  # "like the first, but …"
        if leads and target is None and (len(refs) > 1 or apart or not lends):
            target = ref
        elif lends and lender is None:
            lender = ref
        elif target is None:
            target = ref
        elif lender is None:
            lender = ref
    return target, lender


_PUT_IT = re.compile(r",? (?:and )?(?:put|give|hang|add|place) (?:it|them|that)\b")


def _lends(text: Text, ref: TakeRef) -> bool:
    """Whether "the hat from ▮" or "▮'s hat" stands there, and not "remove the hat from ▮"."""
    before, after = text.low[: ref.start], text.low[ref.end :]
    if after.startswith("'s ") and not re.match(r"'s (?:too|not|a|very|so|good|bad|great)\b", after):
        return bool(_GIVES.search(before))
    if re.search(r"\b(?:of|from|in)\s$", before) and _PUT_IT.match(after):
        return True
    if re.search(r"\bof\s$", before):
        return bool(_GIVES.search(before)) and not re.match(
            r"(?:change|make|turn|add|paint|replace)\b|put (?!.*\ue001+ on )", text.low.strip()
        )
    if re.search(r"(?:^|[,;] )from\s$", before) or not _FROM.search(before):
        return False
    return not _REMOVES.match(text.low)


_ON_PHOTO = re.compile(
    r",? (?:in|on|to|of|for|onto|into) (?:this|that|the|my)(?: (?:attached|new|uploaded|product|"
    r"old))* (?:photo|photograph|picture|pic|image|file|one|attachment|upload)"
    r"(?: (?:that )?i (?:just )?(?:sent|attached|uploaded|gave you|dropped)(?: you)?)?(?=$|[,.!?;: ])",
    re.IGNORECASE,
)


# What is left of "make it bluer in the second one" once the take is out of it.
_ON_IT = re.compile(r"(?:,? (?:but )?(?:just|only))? (?:in|on|to|of|for|from|at|onto|into|with) it$")
_WHOSE = re.compile(r"\ue000+'s $")
_LENT = re.compile(r" from \ue001+(?=[.,!?]|$)")
_DANGLES = re.compile(r" (?:from|of|(?:in|on) the)$")


def _instruction(text: Text, target: TakeRef | None) -> str:
    """The user's words for the change, without the words that only say which take."""
    words = own(text, "edit")
    place = text.low.find(words.low) if words.low else -1
    whose = _WHOSE.search(text.low[:place]) if place > 0 else None
    if whose and len(words.low) < len(text.low):
        words, place = text.part(whose.start(), place + len(words.low)), whose.start()  # "Rosie's leaves" are hers
    if place >= 0 and (lent := _LENT.match(text.low, place + len(words.low))):
        words = text.part(place, lent.end())  # "add the hat from take 2" says whose hat it is
    raw = words.raw
    for ref in reversed(words.takes):
        if target is not None and ref.said == target.said:
            raw = f"{raw[: ref.start]}it{raw[ref.end :]}"
    raw = meant(text.raw[:place], raw) if place > 0 else raw
    said = _DANGLES.sub("", _ON_IT.sub("", raw)).strip(" ,.;:!?")
    return _stated(text, said) or ("" if target else _trim(text.raw))


# "Can ▮ hold a lantern?" wants a picture in which ▮ holds one.
_MAY_HE = re.compile(
    r"(?:can|could|may|might) (?P<who>\ue000+|he|she|it|(?:the|his|her|its) [a-z]+) (?P<verb>[a-z]{2,}) "
)


def _stated(text: Text, said: str) -> str:
    """An instruction that was asked as a question, as a statement: "he holds a lantern"."""
    match = _MAY_HE.match(text.low, lead(text.low))
    if match is None:
        return said
    who, verb = text.raw[match.start("who") : match.end("who")], match["verb"]
    change = said.removeprefix(who).lstrip()
    if not change.startswith(f"{verb} "):
        return said
    ending = "es" if re.search(r"(?:s|x|z|ch|sh|o)$", verb) else "s"
    inflected = {"have": "has", "be": "is"}.get(verb, verb + ending)
    return f"{who} {inflected}{change[len(verb) :]}"


def _trim(raw: str) -> str:
    low = raw.lower()
    start = lead(low)
    return raw[start : max(start, tail(low))].strip(" ,.;:!?")


def _coming(text: Text, take: int) -> list[str] | Ask:
    """Concepts that the change brings into the picture."""
    known = text.state.take(take)
    present = known.concepts if known else ()
    names: list[str] = []
    for subject in text.subjects:
        chosen = _one_coming(subject, text, present)
        if isinstance(chosen, Ask):
            return chosen
        names += [name for name in chosen if name not in present and name not in names]
    return names


def _one_coming(subject: Subject, text: Text, present: tuple[str, ...]) -> tuple[str, ...] | Ask:
    before, after = text.low[: subject.start], text.low[subject.end :]
    if subject.how == "near":
        sure = subject.said[:1].isupper() and text.hints.mode != "plain"
        if text.hints.concept:
            return (text.hints.concept,)
        return near_question(subject.said, subject.names) if sure else ()
    if _AWAY.search(before) and not re.search(r"\b(?:with|for|by|into)\s(?:the |my )?$", before):
        return ()
    here = tuple(n for n in subject.names if n in present)
    if subject.how == "group":
        return subject.names
    if subject.how == "kind":
        if text.hints.concept in subject.names:
            return (text.hints.concept,)
        if len(here) > 1:
            ask = choose(here, subject.said, text.state, text.hints)
            return ask if isinstance(ask, Ask) else ()
        return subject.names if not here and len(subject.names) == 1 and _ENTERS.search(before) else ()
    if len(here) == 1:
        return here
    if not subject.names:
        if (
            _INTO.search(before)
            and subject.said.split()[-1].lower() in ANIMALS | PEOPLE
            and text.hints.mode != "plain"
        ):
            thing = subject.said.split()[-1]
            return Ask(
                f"I have not learned your {thing} yet. Attach pictures to teach "
                f"me, or shall I draw any {thing}?",
                (f"draw any {thing}",),
                "plain",
            )
        return ()
    if after.startswith("'s ") and len(subject.names) == 1 and re.match(r"'s [a-z]+", after) and not here:
        return ()
    one = choose(here or subject.names, subject.said, text.state, text.hints)
    return one if isinstance(one, Ask) else (one,)

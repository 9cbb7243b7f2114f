"""What a clause says for an intent that is settled: who, which take, how many, and the user's own words.

Used where the classifier and the grammar differ, or where the grammar has no pattern: nothing here asks whether
the clause has a certain form, only where its arguments stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .intents.drawing import drawn_with
from .intents.editing import edit
from .intents.history import compared, one_take
from .intents.missing import HOW
from .intents.recall import recall
from .intents.refine import refined
from .intents.repeat import repeat
from .intents.talk import question, small_talk, talk
from .intents.teaching import taught
from .intents.training import trained
from .looks import describe, matching, showing
from .normalise import tail
from .references import Text
from .settings import take_settings
from .state import Ask, Call, Say, Step
from .subjects import Subject, antecedents, choose
from .tagger import own
from .takes import number_of
from .words import AMOUNTS, NUMBERS, ORDINALS, PICTURES, PRONOUNS, TIMES, either

Extract = Callable[[Text], list[Step]]
_COUNT = rf"(?P<n>\d{{1,3}}|{either(NUMBERS)}|(?:a )?couple|a few)"


_HOW_MANY = re.compile(
    rf"\b(?<!the )(?<!these )(?<!those )(?<!page )(?<!chapter )(?<!number )"
    rf"(?P<n>\d{{1,2}}|{either(set(AMOUNTS) - {'a', 'an', 'one', 'some', 'single'})}) "
    rf"(?:(?:more|different|new|nice|quick|other|random|separate) )*"
    rf"(?:{either(PICTURES)}|draws|times|to choose|to pick|goes|"
    rf"ones|of)\b"
)

_SHAPE = re.compile(r"\b(?:portrait|landscape)\b(?! of\b)")


def carry_out(intent: str, text: Text) -> list[Step]:
    """The steps for a clause whose intent is known; a question where something is missing."""
    return _BY_INTENT[intent](text)


def who(text: Text, among: tuple[str, ...] = ()) -> str | Ask:
    """The concept that a clause is about: named, meant by a pronoun, or else the one in focus."""
    words = re.findall(r"[a-z]+", text.low)
    him = re.search(r"\b(?:he|she|him|her)\b", text.low)
    unknown = [s for s in text.subjects if him is None or s.start < him.start()]  # not "he sits on my shoe"
    for subject in [s for s in text.subjects if s.names] or unknown:
        return _one(subject, text)
    for word in words:
        if (
            word in PRONOUNS
            and word not in ("it", "its", "they", "them")
            and (known := antecedents(word, text.state))
        ):
            return choose(known, word, text.state, text.hints)
    near = among or text.state.focus
    if not near and (it := next((w for w in words if w in PRONOUNS), "")):
        near = antecedents(it, text.state)
    return choose(near or tuple(c.name for c in text.state.concepts), "it", text.state, text.hints)


def _one(subject: Subject, text: Text) -> str | Ask:
    if subject.how == "near" and not text.hints.concept:
        options = (*subject.names, "no, something else")
        return Ask(
            f'I do not know "{subject.said}". Did you mean {" or ".join(subject.names)}?', options, "concept"
        )
    return choose(subject.names, subject.said, text.state, text.hints)


def which(text: Text) -> int | Ask | None:
    """The take that a clause names, by number or by what it shows; `None` where it names none."""
    if text.takes:
        return one_take(text.takes[-1] if text.takes[0].how == "current" else text.takes[0], text)
    if text.hints.take is not None and text.state.exists(text.hints.take):
        return text.hints.take
    bare = re.search(r"(?<![\w#./-])(\d{1,3})(?![\w%/.-]|\.\d| (?:stars?|points?|out))", text.low)
    if bare and text.state.exists(int(bare[1])):
        return int(bare[1])
    return None


_NOT_LOOKS = frozenset(
    "the that this with one picture take back return please again want from where version image "
    "photo have into "
    "like let's start continue there which then work more go going use carry show we us when was were".split()
)


def shown(text: Text) -> tuple[int, ...]:
    """Takes that show what the clause speaks of: those that hold most of its words."""
    words = [w for w in re.findall(r"[a-z]{3,}", text.raw.lower()) if w not in _NOT_LOOKS]
    scored: dict[int, int] = {}
    for word in words:
        for number in showing(word, text.state):
            scored[number] = scored.get(number, 0) + 1
    best = tuple(n for n, count in scored.items() if count == max(scored.values()))
    own = tuple(n for n in best if any(n in matching({word}, text.state) for word in words))
    return own if len(own) == 1 else best


# Subjects that stand right before the words of a scene are in it: "draw (him) on a roof", "(▮,) ▮ and ▮ at sea".
_SUBJECTS_BEFORE = re.compile(
    r"(?:\b(?:him|her|them|my|our)|\ue000+)(?:(?:,| and|, and| &| n| \+) \ue000+)*(?:,| and|, and| &)? $"
)


def _draw(text: Text) -> list[Step]:
    settings, body = take_settings(text)
    words = own(body, "draw")
    if words.low.startswith("of "):  # "three of her in the snow"
        words = words.part(3)
    if words.low and (before := _SUBJECTS_BEFORE.search(body.low[: body.low.rfind(words.low)])):
        words = body.part(before.start(), body.low.rfind(words.low) + len(words.low))
    around = body.low.replace(words.low, "_", 1) if words.low else body.low
    if not settings.count and (match := _HOW_MANY.search(around)):
        settings.count = AMOUNTS.get(match["n"]) or number_of(match["n"]) or 1
    if not settings.size and (match := _SHAPE.search(around)):
        settings.size = match.group()
    return drawn_with(words, settings)


def _repeat(text: Text) -> list[Step]:
    settings, _ = take_settings(text)
    take = which(text)
    number = text.state.current if take is None else take
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
    if not settings.count and (match := re.search(rf"\b{_COUNT}\b(?! (?:one|more time))", text.low)):
        settings.count = _number(match["n"])
    return repeat(text, number, settings)


def _number(word: str) -> int:
    if word.endswith("couple"):
        return 2
    return 3 if word == "a few" else number_of(word)


def _forget(text: Text) -> list[Step]:
    part = next((s for s in text.subjects if re.match(r"'s [a-z]+", text.low[s.end :])), None)
    if part is not None and len(part.names) == 1:  # "forget Miso's bow"
        gone = text.raw[part.end + 3 : tail(text.low)].strip(" .,!")
        return [Call("refine", {"concept": part.names[0], "remove": [gone]})]
    if not text.subjects and not re.search(r"\b(?:him|her|them|it)\b", text.low):  # "forget about the hat"
        return _edit(text)
    names = [name for s in text.subjects if s.how == "group" for name in s.names]
    if names:
        return [Call("forget", {"concept": name}) for name in names]
    found = [_one(s, text) for s in text.subjects] or [who(text)]
    asked: list[Step] = [f for f in found if isinstance(f, Ask)]
    return asked[:1] or [Call("forget", {"concept": name}) for name in dict.fromkeys(map(str, found))]


_NAME_GOES_ON = re.compile(r" \ue000+")


def _rename(text: Text) -> list[Step]:
    old = who(text)
    if isinstance(old, Ask):
        return [old]
    name = own(text, "rename", "name")
    if name.low and (more := _NAME_GOES_ON.match(text.low, text.low.rfind(name.low) + len(name.low))):
        name = text.part(text.low.rfind(name.low), more.end())  # "call ▮ Big ▮"
    new = text.hints.name or name.raw.strip(" \"'.,!?:")
    if not new and (said := re.search(r"(?:\b(?:to|as|into|called|named)|->|→) (\S.*?)[.!? ]*$", text.low)):
        new = text.raw[said.start(1) : said.end(1)]
    if not new or new.lower() in (*PRONOUNS, old.lower(), "something else", "something", "this", "that"):
        return [Ask(f"What shall {old} be called?", (), "name")]
    return [Call("rename", {"concept": old, "name": new})]


_VERSION = re.compile(rf"\b(?:version|v\.?|revision) ?(?:number )?(?P<n>\d{{1,4}}|{either(NUMBERS)})\b")
_NTH_VERSION = re.compile(
    rf"\b(?P<n>{either(ORDINALS)}|original|initial) (?:version|one|\ue000)|"
    rf"at first|the original"
)


def _revert(text: Text) -> list[Step]:
    text = text.plain(takes=True)
    concept = who(text)
    if isinstance(concept, Ask):
        return [concept]
    args: dict[str, object] = {"concept": concept}
    if match := _VERSION.search(text.low):
        args["version"] = number_of(match["n"])
    elif match := _NTH_VERSION.search(text.low):
        args["version"] = number_of(match["n"] or "") or 1
    return [Call("revert", args)]


_SHOWN = re.compile(
    r"\b(?:picture|pic|photo|take|drawing) (?:with|where|of|in which) (?:is |are |there is )?(?P<what>.+)"
)


def _recall(text: Text) -> list[Step]:
    known = recall(text)
    if known and isinstance(known[0], Call):
        return known
    files = [f.path for f in text.files] or list(text.state.attached)
    if files and not text.subjects:
        return [Call("recall", {"image": files[0]})]
    sure = [s.names[0] for s in text.subjects if len(s.names) == 1]
    if sure and not re.search(
        r"\b(?:picture|pic|photo|one|take|drawing)\b.*\b(?:with|where|in|at|on)\b", text.low
    ):
        return [Call("recall", {"query": sure[0]})]
    text = text.plain(takes=True)
    words = own(text, "recall")
    if not words.low and (shown := _SHOWN.search(text.low)):
        words = text.part(shown.start("what"))
    query = words.raw.strip(" .,!?")
    return [Call("recall", {"query": query} if query else {})]


# After an undo, "put the hat back" wants what was undone.
_PUT_BACK = re.compile(
    r"\b(?:put|bring|get|give|have|want|restore|add)(?: me)? (?:(?:the|his|her|its|my|that) (?!old|"
    r"previous|last|original|first|"
    r"picture|one|version|way)[a-z]+(?: [a-z]+)? back|back (?:the|his|her|its|my|that) (?!old|previous|"
    r"last|original|first|picture))"
    r"|^(?:(?:oops|no|oh|wait|ok|argh|hm+|sorry)[,. ]*)*(?:the |his |her |its |that )?"
    r"(?!go|get|come|step|steps|one|two|take|roll|way|right|turn|bring|put|back|look|lean|move|it|that|this)[a-z]+ back"
    r"(?: please| again| now| in)*[.! ]*$"
)
_ALL = re.compile(r"\b(?:everything|all|both)\b")


def _stepping(tool: str) -> Extract:
    def steps(text: Text) -> list[Step]:
        state = text.state
        if tool == "undo" and state.can_redo and _PUT_BACK.search(text.low):
            return [Call("redo")]
        ref = next((t for t in text.takes if t.how in ("described", "number", "rank") and len(t.numbers) == 1), None)
        known = state.take(state.current)
        if tool == "undo" and ref and known and known.parent != ref.numbers[0] != known.number:
            return _fork(text)  # "the one without the ducks was better"
        left = state.can_undo if tool == "undo" else state.can_redo
        if not state.takes and not left:
            return [Say(f"There is nothing to {tool} yet: this session has no pictures.", weak=False)]
        text = text.plain(takes=True)
        count = 1
        if match := re.search(rf"\b(?:x ?)?{_COUNT}(?: ?x)?\b(?! of (?:the|my))", text.low):
            count = 1 if match["n"] == "one" else _number(match["n"])
        elif match := re.search(either(TIMES), text.low):
            count = TIMES[match.group()]
        elif match := _ALL.search(text.low):
            count = 2 if match.group() == "both" else left or 1
        elif tool == "undo" and (said := re.findall(r"\b(?:undo|ctrl[ +-]?z|back|previous)\b", text.low)):
            count = len(said) if len(set(said)) == 1 else 1
        return [Call(tool, {"steps": count} if count > 1 else {})]

    return steps


def _fork(text: Text) -> list[Step]:
    take = which(text)
    if take is None:
        fits = shown(text)
        if not fits and text.state.current and re.search(r"\b(?:it|this|that|here|there)\b", text.low):
            return [Call("fork", {"take": text.state.current})]
        if len(fits) == 1:
            return [Call("fork", {"take": fits[0]})]
        options = tuple(describe(t) for t in text.state.takes if t.number in fits or not fits)
        return [Ask("Which take do you mean?", options[-6:], "take")]
    if isinstance(take, Ask):
        return [take]
    if text.takes and text.takes[0].how == "previous":
        return [Call("undo")]
    loose = not re.search(r"\b(?:back|return|revert|continue|carry|undo)\b", text.low)
    return [Call("fork", {"take": take}, loose=loose)]


def _compare(text: Text) -> list[Step]:
    numbers: list[int] = []
    for ref in text.takes:
        if ref.how == "group":
            numbers += ref.numbers
            continue
        take = one_take(ref, text)
        if isinstance(take, Ask):
            return [take]
        numbers.append(take)
    if len(numbers) < 2:
        plain = text.plain(takes=True).low
        listed = [
            number_of(n)
            for n in re.findall(rf"\b(?:\d{{1,4}}|{either(NUMBERS)}|{either(ORDINALS)})\b(?! another)", plain)
        ]
        listed = [n for n in dict.fromkeys(listed) if text.state.exists(n)]
        numbers = listed if len(listed) > 1 else list(dict.fromkeys(numbers + listed))
    return compared(text, numbers, text.low)


def _rated(liked: bool) -> Extract:
    def steps(text: Text) -> list[Step]:
        refs = [ref for ref in text.takes if ref.numbers] or text.takes
        bare = None if refs else which(text)
        numbers: list[int] = []
        for ref in refs[:2] if re.search(r"\band\b", text.low) else refs[:1]:
            take = list(ref.numbers) if ref.how == "group" else one_take(ref, text)
            if isinstance(take, Ask):
                return [take]
            numbers += take if isinstance(take, list) else [take]
        if not numbers and text.state.current is None:
            return [Say("Glad to hear it!" if liked else "There is no picture yet that could be wrong.")]
        if not numbers and bare is None and text.state.current not in (fits := shown(text)) and len(fits) == 1:
            numbers = list(fits)  # "delighted with the calm harbour"
        numbers = numbers or [bare if isinstance(bare, int) else text.state.current or 1]
        return [Call("rate", {"take": number, "liked": liked}) for number in dict.fromkeys(numbers)]

    return steps


def _train(text: Text) -> list[Step]:
    return trained(text, who(text))


def _reject(text: Text) -> list[Step]:
    take = which(text)
    number = text.state.current if take is None else take
    if isinstance(number, Ask):
        return [number]
    if number is None:
        return [Say("There is no picture yet that could be wrong.")]
    known = text.state.take(number)
    concept = who(text, known.concepts if known else ())
    return [concept if isinstance(concept, Ask) else Call("refine", {"concept": concept, "rejected": number})]


def _refine(text: Text) -> list[Step]:
    concept = who(text)
    if isinstance(concept, Ask):
        return [concept]
    return [refined(text, concept)]


def _reply(text: Text) -> list[Step]:
    return talk(text) or question(text) or small_talk(text)


def _unsure(text: Text) -> list[Step]:
    current = text.state.current
    if current is None:
        return [Ask("What shall I draw?", tuple(c.name for c in text.state.concepts[:4]), "words")]
    if text.hints.words:
        return edit(text)
    return [HOW]


def _edit(text: Text) -> list[Step]:
    """The change in the user's words, without what is wrong with the picture and which picture it is."""
    if text.state.can_redo and (put := _PUT_BACK.search(text.low)) and tail(text.low) <= put.end() + 1:
        return [Call("redo")]
    return edit(text)


_BY_INTENT: dict[str, Extract] = {
    "draw": _draw,
    "repeat": _repeat,
    "edit": _edit,
    "teach": taught,
    "refine": _refine,
    "reject": _reject,
    "forget": _forget,
    "rename": _rename,
    "revert": _revert,
    "recall": _recall,
    "undo": _stepping("undo"),
    "redo": _stepping("redo"),
    "fork": _fork,
    "compare": _compare,
    "like": _rated(True),
    "dislike": _rated(False),
    "train": _train,
    "reply": _reply,
    "aside": _reply,
    "ask": _unsure,
}

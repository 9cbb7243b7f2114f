"""What the planner knows when a sentence arrives: the state block, read defensively, and plan pieces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

OPENING, CLOSING = "<state>", "</state>"


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call."""

    tool: str
    args: dict[str, Any] = field(default_factory=dict)
    loose: bool = field(default=False, compare=False)
    """A `fork` that a change of the same take replaces: "take the first one and make it autumn"."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the user. `slot` says which hint an answer fills (see `Hints`)."""

    question: str
    options: tuple[str, ...] = ()
    slot: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """Words alone. `weak`: small talk that is dropped when the sentence also asks for something."""

    text: str
    weak: bool = True


Step = Call | Ask | Say


@dataclass(frozen=True, slots=True)
class Hints:
    """What answers to earlier questions have settled."""

    concept: str = ""
    concepts: tuple[str, ...] = ()
    """Several at once: "both of them"."""
    take: int | None = None
    takes: tuple[int, ...] = ()
    name: str = ""
    kind: str = ""
    images: tuple[str, ...] = ()
    mode: str = ""
    """"draw", "edit" or "refine" (for good); "plain": an unknown name is only a word of the prompt."""
    words: str = ""
    """What was missing from the sentence, in the user's words."""


@dataclass(frozen=True, slots=True)
class ConceptInfo:
    """A taught subject, as the state block tells of it."""

    name: str
    kind: str = ""
    version: int = 1
    pronoun: str | None = None
    nicknames: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TakeInfo:
    """A picture of the session, as the state block tells of it."""

    number: int
    parent: int | None = None
    origin: str = "draw"
    prompt: str = ""
    description: str = ""
    concepts: tuple[str, ...] = ()
    method: str = ""
    missing: tuple[str, ...] = ()
    """What the scores did not find in it."""
    others: tuple[str, ...] = ()
    """Whom nobody has taught of several in it: "a cat"."""

    @property
    def figures(self) -> tuple[str, ...]:
        """Everybody in it who has something to be called by."""
        return (*self.concepts, *self.others)


@dataclass(frozen=True, slots=True)
class Pending:
    """A question that waits for its answer."""

    question: str
    options: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """The state block. Unknown or broken fields are read as empty."""

    concepts: tuple[ConceptInfo, ...] = ()
    takes: tuple[TakeInfo, ...] = ()
    newest: int | None = None
    head: int | None = None
    focus: tuple[str, ...] = ()
    pending: Pending | None = None
    attached: tuple[str, ...] = ()
    unknown_words: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    can_undo: int | None = None
    can_redo: int | None = None

    def concept(self, name: str) -> ConceptInfo | None:
        """The concept of that name, whatever its case."""
        return next((c for c in self.concepts if c.name.casefold() == name.casefold()), None)

    def take(self, number: int | None) -> TakeInfo | None:
        """The take of that number, if it is in the block."""
        return next((t for t in self.takes if t.number == number), None)

    def exists(self, number: int) -> bool:
        """Whether the session has that take; the block lists only the last ones of a long session."""
        if self.take(number):
            return True
        return bool(self.takes) and len(self.takes) >= 30 and 0 < number < self.takes[0].number

    @property
    def current(self) -> int | None:
        """The take that "it" and "now …" speak of: the head, or else the newest."""
        if self.head is not None and self.exists(self.head):
            return self.head
        return self.newest

    def after(self, call: Call) -> State:
        """The state as far as it is known once `call` has run; a drawn take's number is the next one."""
        change = _CHANGES.get(call.tool)
        return change(self, call.args) if change else self


def _after_undo(state: State, args: Mapping[str, Any]) -> State:
    head = state.current
    for _ in range(args.get("steps", 1)):
        take = state.take(head)
        earlier = [t.number for t in state.takes if head is not None and t.number < head]
        head = take.parent if take and take.parent else (earlier[-1] if earlier else head)
    return replace(state, head=head)


def _after_redo(state: State, args: Mapping[str, Any]) -> State:
    """The head after a redo: a child of the head, the newest where there are several."""
    head = state.current
    for _ in range(args.get("steps", 1)):
        children = [t.number for t in state.takes if t.parent == head]
        head = children[-1] if children else head
    return replace(state, head=head)


def _after_take(state: State, args: Mapping[str, Any]) -> State:
    number = (state.newest or 0) + 1
    text = args.get("prompt") or args.get("instruction") or ""
    parent = args.get("take")
    base = state.take(parent)
    names = (base.concepts if base else ()) + tuple(args.get("concepts", ()))
    shown = f"{base.description}; {text}" if base and base.description else text
    take = TakeInfo(number, parent, "edit" if parent else "draw", text, shown, names)
    return replace(
        state,
        takes=(*state.takes, take),
        newest=number,
        head=number,
        focus=tuple(args.get("concepts", ())) or state.focus,
    )


def _after_teach(state: State, args: Mapping[str, Any]) -> State:
    new = ConceptInfo(args["name"], args.get("kind", ""))
    shown = tuple(replace(t, concepts=(new.name,)) if t.number in args.get("takes", ()) else t for t in state.takes)
    return replace(state, concepts=(*state.concepts, new), takes=shown, focus=(new.name,))


def _after_rename(state: State, args: Mapping[str, Any]) -> State:
    old, new = args["concept"], args["name"]
    # Whatever the user says next is of it: "rename Zed to Rusty, then draw him".
    concepts = tuple(replace(c, name=new, pronoun=None) if c.name == old else c for c in state.concepts)
    return replace(state, concepts=concepts, focus=(new,))


def _after_forget(state: State, args: Mapping[str, Any]) -> State:
    gone = args["concept"]
    return replace(
        state,
        concepts=tuple(c for c in state.concepts if c.name != gone),
        focus=tuple(f for f in state.focus if f != gone),
    )


_CHANGES = {
    "refine": lambda state, args: replace(state, focus=(args["concept"],)),
    "undo": _after_undo,
    "redo": _after_redo,
    "rate": lambda state, args: replace(state, head=args["take"]) if args["liked"] else state,
    "fork": lambda state, args: replace(state, head=args["take"]),
    "draw": _after_take,
    "edit": _after_take,
    "generate_ar": _after_take,
    "generate_pta": _after_take,
    "teach": _after_teach,
    "rename": _after_rename,
    "forget": _after_forget,
}


def read_state(block: str | Mapping[str, Any]) -> State:
    """The state from a system message that holds `<state>{…}</state>`, or from the decoded object.

    Whatever is missing or of the wrong type counts as empty: a planner must not fall over its own notes.
    """
    data: Any = block
    if isinstance(block, str):
        start, end = block.rfind(OPENING), block.rfind(CLOSING)
        if start < 0 or end < start:
            return State()
        try:
            data = json.loads(block[start + len(OPENING) : end])
        except ValueError:
            return State()
    if not isinstance(data, Mapping):
        return State()
    takes = tuple(sorted(filter(None, map(_take, _list(data.get("takes")))), key=lambda t: t.number))
    newest = _int(data.get("newest")) or (takes[-1].number if takes else None)
    concepts = tuple(filter(None, map(_concept, _list(data.get("concepts")))))
    known = {c.name for c in concepts}
    return State(
        concepts=concepts,
        takes=takes,
        newest=newest,
        head=_int(data.get("head")) or newest,
        focus=tuple(name for name in _strings(data.get("focus")) if name in known),
        pending=_pending(data.get("pending")),
        attached=_strings(data.get("attached")),
        unknown_words=_strings(data.get("unknown_words")),
        methods=_strings(data.get("methods")),
        can_undo=_int(data.get("can_undo")),
        can_redo=_int(data.get("can_redo")),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(v for v in _list(value) if isinstance(v, str) and v)


def _concept(value: Any) -> ConceptInfo | None:
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, Mapping) or not _text(value.get("name")):
        return None
    return ConceptInfo(
        value["name"],
        _text(value.get("kind")),
        _int(value.get("version")) or 1,
        _text(value.get("pronoun")) or None,
        _strings(value.get("nicknames")),
    )


def _take(value: Any) -> TakeInfo | None:
    if not isinstance(value, Mapping) or not _int(value.get("number")):
        return None
    return TakeInfo(
        value["number"],
        _int(value.get("parent")),
        _text(value.get("origin")) or "draw",
        _text(value.get("prompt")),
        _text(value.get("description")),
        _strings(value.get("concepts")),
        _text(value.get("method")),
        _strings(value.get("missing")),
        _strings(value.get("others")),
    )


def _pending(value: Any) -> Pending | None:
    if not isinstance(value, Mapping):
        return None
    return Pending(_text(value.get("question")), _strings(value.get("options")), _text(value.get("text")))

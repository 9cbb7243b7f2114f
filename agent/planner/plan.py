"""From a sentence and the state to a plan: clauses, families of intents, and answers to pending questions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from .intents.concepts import forget, rename, revert
from .intents.free import free
from .intents.history import compare, history
from .intents.rating import rating
from .intents.recall import recall
from .intents.refine import refine
from .intents.talk import HELP, able, talk
from .intents.teaching import teach
from .intents.training import train
from .normalise import lead, lower, tail
from .references import Text, read
from .speech import aside
from .state import Ask, Call, Hints, Say, State, Step
from .words import DRAW_VERBS, EDIT_VERBS, GOOD, PICTURES, either

Family = Callable[[Text], list[Step] | None]
# Families that recognise whole sentences; the first that does has it. None reads more than COMMAND chars.
FAMILIES: tuple[Family, ...] = (rename, revert, forget, train, history, compare, refine, rating, recall, talk)
COMMAND = 300
MOST_CALLS = 8

_HARD = re.compile(
    r"(?<!\bvs\.)(?<!\bmr\.)(?<!\bdr\.)(?<!\bst\.)(?:(?<!\bno\.)|(?=\s+\D))(?<!\bnr\.)(?<!\bms\.)(?<!\bmrs\.)"
    r"(?<=[.!?;])\s+(?=\S)|\s*;\s*|,?\s+(?:and\s+)?(?:then|after that|afterwards|"
    r"after which)(?:,)?\s+(?=\S)|,?\s+and\s+(?:also|now|finally|please)\s+(?=\S)"
)
# A second command behind "and" or a comma: it is a clause of its own even where the first could swallow it.
_NEXT_COMMAND = re.compile(
    rf"(?:,? (?:and|but|then|and then|and now|and also|and please)|[,;.!]) (?:then |now |please |also "
    rf"|just )*(?="
    rf"(?:{either(DRAW_VERBS)}|undo|redo|go back|take it back|step back|make|put|add|give|remove|turn|"
    rf"change|compare|"
    rf"forget|rename|show me|let's|call (?:him|her|it)|teach|train|fine-?tune)\b)"
)
# "New picture: …", "next scene, …": what follows is drawn afresh.
_AFRESH = re.compile(
    rf"(?:(?:now|and|so|ok|make|do|start|let's (?:do|have|make|start)|i(?:'d| would)? (?:want|like|"
    rf"need)|give me|time for) )*"
    rf"(?:a |an |the |one |some )*(?:(?:completely|totally|whole|brand) )*(?:new|next|fresh|another|"
    rf"different|separate|"
    rf"second|unrelated) (?:{either(PICTURES)}|panel|page|scene|one|start|topic|subject|idea|card|"
    rf"postcard|theme|thing|request)"
    rf"(?: now| please| then| this time| for a change)*(?: ?[:,;.!]| -)+ (?=\S)"
    rf"|(?:(?:let's )?(?:start|begin)(?: over| afresh| fresh| again| anew)? with (?:a |an )?(?:new|fresh|different|blank) [a-z]+|"
    rf"start (?:over|afresh|fresh|again|from scratch)|from scratch|(?:forget|leave|scrap|drop) "
    rf"(?:all )?(?:that|this)|"
    rf"something (?:else|new|different|completely different)(?: now| this time| entirely)?|(?:a )?new "
    rf"(?:topic|subject|idea)|change of (?:plan|scene|topic|subject)s?|"
    rf"(?:product|studio|close-?up|action|portrait|beauty|hero|group|family|wide|establishing) "
    rf"(?:shot|photo|picture|portrait))"
    rf"(?: ?[:,;.!]| -)+ (?=(?:just |only |now |please |how about |draw )*(?:\ue000|an? |two |my |the "
    rf"|some |three |draw |him |her |them ))"
)
_UNUSED = re.compile(
    r",? ?\(?(?:and )?(?:please )?(?:ignore|forget about|leave|skip|never ?mind|disregard|don't (?:use|mind|look at)|dont use|"
    r"not using|without using) (?:the|that|this|these|those|my) (?:pics?|photos?|pictures?|images?|files?|attachments?|"
    r"uploads?)(?: (?:i (?:sent|attached|uploaded)|alone|for now|aside|out|now))*\)?"
)
_NEXT_FACT = re.compile(r",? (?:and|but) (?=(?:he|she|it|they) (?:never|always|doesn't|does not|has no)\b)")
_EXCLAIM = re.compile(
    rf"(?:(?:so|very|really|oh|wow|how|that's|it's|looks|looking) )*{either(GOOD)}(?: (?:one|job|work|"
    rf"picture))?|(?:oops|whoops|oh no|ups|ugh),? (?:wrong|no|my mistake|sorry|that was wrong|wrong one)"
)
_SENTENCES = re.compile(r"[.!?;]\s+\w")
_SOFT = re.compile(r",? (?:and|but|so) |,\s+|\s-\s|: ")
_DRAWS = re.compile(
    rf"(?:now |also |another )?(?:{either(DRAW_VERBS)}|(?:one|another|another one|a picture|a photo|"
    rf"another picture) of) "
)


def plan(text: str, state: State, hints: Hints | None = None) -> list[Step]:
    """The steps for a sentence: tool calls in order, or one question, or words. Never empty."""
    if state.attached and (unused := _UNUSED.search(lower(text))):
        state = replace(state, attached=())
        text = f"{text[: unused.start()]}{text[unused.end() :]}".strip(" ,") or text
    whole = read(text, state, hints)
    start = lead(whole.low)
    if afresh := _AFRESH.match(whole.low, start):
        whole = whole.part(afresh.end())
        whole.hints = replace(whole.hints, mode=whole.hints.mode or "draw")
    steps: list[Step] = []
    clauses = _clauses(whole)
    for clause in _requests(clauses):
        steps += _clause(clause, state, steps)
        for step in steps[-1:]:
            if isinstance(step, Call):
                state = state.after(step)
    return tidy(steps)


def command(text: Text) -> list[Step] | None:
    """What a family of whole-sentence commands makes of the clause, with and without politeness around it."""
    if not text.files and able(text):
        return [Say(HELP, weak=False)]
    if teaching := teach(text):
        return teaching
    if len(text.low) > COMMAND:
        return None
    start, end = lead(text.low), tail(text.low)
    bodies = [text]
    if 0 < start or end < len(text.low):
        bodies += [text.part(0, end), text.part(start, max(start, end))]
    if _SENTENCES.search(text.low):
        return None
    for family in FAMILIES:
        if family is refine and text.hints.mode == "edit":
            continue  # "only in this picture"
        for body in bodies:
            if body.low and (steps := family(body)):
                return steps
    return None


def _requests(clauses: list[Text]) -> list[Text]:
    """The clauses that want something: remarks beside a request are left out."""
    if len(clauses) < 2:
        return clauses
    wanted = [
        c
        for c in clauses
        if not (aside(c.low[lead(c.low) :]) and not _wanted(c)) and not _EXCLAIM.fullmatch(c.low.strip(" .,!"))
    ]
    return wanted or clauses


def _wanted(text: Text) -> bool:
    """Whether a family has a use for the clause, more than words."""
    steps = command(text)
    return steps is not None and bool(steps) and not isinstance(steps[0], Say)


def _clauses(text: Text) -> list[Text]:
    """The sentence in parts that each want one thing; text that is all of a piece stays together."""
    if (whole := command(text)) and isinstance(whole[0], Call) and whole[0].tool == "finetune_lora":
        return [text]  # "train a lora on him, give it ten minutes"
    for match in list(_NEXT_FACT.finditer(text.low))[:4]:
        left = text.part(0, match.start())
        steps = command(left) if left.low else None
        if steps and isinstance(steps[0], Call) and steps[0].tool == "refine":
            return [left, *_clauses(text.part(match.end()))]
    for match in list(_NEXT_COMMAND.finditer(text.low))[:8]:
        left = text.part(0, match.start())
        steps = command(left) if left.low else None
        if steps and isinstance(steps[0], Call) and steps[0].tool not in ("teach", "refine"):
            return [left, *_clauses(text.part(match.end()))]
    if command(text):
        return [text]
    parts: list[Text] = []
    start = 0
    for match in list(_HARD.finditer(text.low))[:40]:
        if match.start() > start:
            parts.append(text.part(start, match.start()))
        start = match.end()
    parts.append(text.part(start))
    return [piece for part in parts if part.low for piece in _soft(part)]


def _soft(text: Text, depth: int = 0) -> list[Text]:
    """Split at "and" or a comma where one side is a command by itself."""
    if depth > MOST_CALLS or command(text):
        return [text]
    for match in list(_SOFT.finditer(text.low))[:12]:
        left, right = text.part(0, match.start()), text.part(match.end())
        if not left.low or not right.low:
            continue
        if command(left):
            return [left, *_soft(right, depth + 1)]
        other = command(right)
        if other and not any(
            isinstance(s, Say) or (isinstance(s, Call) and s.tool in ("rate", "refine", "teach")) for s in other
        ):
            return [*_soft(left, depth + 1), right]
        if (
            other
            and isinstance(other[0], Say)
            and ((other[0].weak and len(right.low) < 40) or aside(left.low[lead(left.low) :]))
        ):
            return [*_soft(left, depth + 1), right]
        if _DRAWS.match(right.low) and _DRAWS.match(left.low[lead(left.low) :]):
            return [left, *_soft(right, depth + 1)]
    return [text]


def _clause(text: Text, state: State, before: list[Step]) -> list[Step]:
    """One clause, seen in the state that the clauses before it leave behind."""
    if state is not text.state:
        text = read(text.raw, state, text.hints)
    steps = command(text)
    if steps is None:
        start = lead(text.low)
        body = text.part(start) if start < len(text.low) else text
        steps = free(body)
    last = before[-1] if before else None
    if len(steps) == 1 and isinstance(last, Call) and isinstance(steps[0], (Call, Ask)):
        joined = _on_that_take(last, steps[0]) or _join(last, steps[0], text)
        if joined is not None:
            before[-1] = joined
            return []
    return steps


def _on_that_take(last: Call, step: Call | Ask) -> Call | None:
    """As in "Take the first version and make it autumn" and "back to 9 but foggy": one change of that take."""
    if last.tool != "fork" or not isinstance(step, Call) or step.tool != "edit":
        return None
    bare = step.args["instruction"].lower().split(" ")[0] not in EDIT_VERBS
    return step if (last.loose or bare) and step.args["take"] == last.args["take"] else None


def _join(last: Call, step: Call | Ask, text: Text) -> Call | None:
    """Two changes of one picture are one change; a change of what is not drawn yet belongs to its prompt."""
    if isinstance(step, Call) and step.tool == last.tool == "refine" and "rejected" not in step.args | last.args:
        if step.args["concept"] == last.args["concept"]:
            both = {k: last.args.get(k, []) + step.args.get(k, []) for k in ("add", "remove")}
            return replace(last, args={"concept": last.args["concept"], **{k: v for k, v in both.items() if v}})
    if not isinstance(step, Call) or step.tool != "edit":
        return None
    key = {"edit": "instruction", "draw": "prompt", "generate_ar": "prompt", "generate_pta": "prompt"}.get(last.tool)
    named = bool(text.takes) and any(t.how != "current" for t in text.takes)
    if key is None or (named and step.args["take"] != last.args.get("take")) or "borrow_from" in step.args:
        return None
    args = dict(last.args)
    args[key] = f"{args[key]}, {step.args['instruction']}"
    if coming := [
        *args.get("concepts", []),
        *(c for c in step.args.get("concepts", []) if c not in args.get("concepts", [])),
    ]:
        args["concepts"] = coming
    return replace(last, args=args)


def tidy(steps: list[Step]) -> list[Step]:
    """One question, or calls, or words: small talk beside a request is dropped, and a question stops all."""
    steps = [s for s in steps if not (isinstance(s, Say) and s.weak)] or steps[:1]
    asks: list[Step] = [s for s in steps if isinstance(s, Ask)]
    if asks:
        return asks[:1]
    calls: list[Step] = [s for s in steps if isinstance(s, Call)]
    if calls:
        unique = [
            c for i, c in enumerate(calls) if c not in calls[:i] or (isinstance(c, Call) and c.tool in ("undo", "redo"))
        ]
        return unique[:MOST_CALLS]
    return steps[:1] or [Say("Tell me what to draw or to change; say help for examples.")]

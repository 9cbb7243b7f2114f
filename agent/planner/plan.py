"""From a sentence and the state to a plan: clauses, families of intents, and answers to pending questions."""

from __future__ import annotations

import re
from dataclasses import replace

from .clauses import clauses, judge_with
from .decide import decide, grammar
from .extract import carry_out, which
from .foreign import foreign
from .instead import instead
from .intent import vote_of
from .intents.keeping import keeps, kept_after
from .intents.refine import refined
from .meeting import ONE_MORE
from .normalise import lead, lower
from .references import Text, read
from .repairs import repaired
from .state import Ask, Call, Hints, Say, State, Step
from .strangers import by_name, who_is
from .words import DRAW_VERBS, EDIT_VERBS, PICTURES, either

MOST_CALLS = 8

# "New picture: …", "next scene, …": what follows is drawn afresh.
_AFRESH = re.compile(
    rf"(?:(?:now|and|so|ok|make|do|start|let's (?:do|have|make|start)|i(?:'d| would)? (?:want|like|"
    rf"need)|give me|time for) )*"
    rf"(?:a |an |the |one |some )*(?:(?:completely|totally|whole|brand) )*(?:new|next|fresh|another|"
    rf"different|separate|"
    rf"second|unrelated) (?:{either(PICTURES)}|panel|page|scene|one|start|topic|subject|idea|card|"
    rf"postcard|theme|thing|request)"
    rf"(?: now| please| then| this time| for a change)*(?: ?[:,;.!]| -)+ (?=\S)"
    rf"|new(?: please)?(?: ?[:,;.!]| -)+ (?=\S)"
    rf"|(?:(?:let's )?(?:start|begin)(?: over| afresh| fresh| again| anew)? with (?:a |an )?(?:new|fresh|"
    rf"different|blank) [a-z]+|"
    rf"(?:let'?s )?(?:start|begin) (?:over|afresh|fresh|again|anew|from scratch)|from scratch|"
    rf"(?:forget|leave|scrap|drop) (?:all )?(?:that|this)|"
    rf"something (?:else|new|different|completely different)(?: now| this time| entirely)?|(?:a )?new "
    rf"(?:topic|subject|idea)|change of (?:plan|scene|topic|subject)s?|"
    rf"(?:product|studio|close-?up|action|portrait|beauty|hero|group|family|wide|establishing) "
    rf"(?:shot|photo|picture|portrait))"
    rf"(?: ?[:,;.!]| -)+ (?=(?:just |only |now |please |how about |draw )*(?:\ue000|an? |two |my |the "
    rf"|some |three |draw |him |her |them |(?:all|both) (?:of )?|everyone |everybody ))"
)
# "A dinosaur eating broccoli please, new picture".
_AFRESH_AT_END = re.compile(
    r"(?:[,.;!]| -) ?(?:(?:as|in|and|make it|for|it's|that's) )*(?:a |an )?(?:(?:completely|totally|brand) )?"
    r"(?:new|fresh|separate|different) (?:one|picture|pic|image|photo|drawing|painting|sketch|scene)"
    r"(?:,? (?:please|mind|mate|love|though|thanks|this time|ok|okay|now|then))*[.! ]*$"
)
_UNUSED = re.compile(
    r",? ?\(?(?:and )?(?:please )?(?:ignore|forget about|leave|skip|never ?mind|disregard|don't (?:use|"
    r"mind|look at)|dont use|"
    r"not using|without using) (?:the|that|this|these|those|my) (?:pics?|photos?|pictures?|images?|"
    r"files?|attachments?|"
    r"uploads?)(?: (?:i (?:sent|attached|uploaded)|alone|for now|aside|out|now))*\)?"
)
# "Never mind, redo that": the request follows.
_NEVER_MIND = re.compile(
    rf"(?:oh |ok |ah |no )*never ?mind(?: (?:that|it))?(?:[,.;:!]+ | (?={either(EDIT_VERBS)}\b|"
    rf"{either(DRAW_VERBS)}\b|undo|redo|go )) ?(?=\w)"
)


def plan(text: str, state: State, hints: Hints | None = None) -> list[Step]:
    """The steps for a sentence: tool calls in order, or one question, or words. Never empty."""
    text = by_name(text, state, hints)
    if hints is None and (sorry := foreign(text, state)):
        return [sorry]
    if state.attached and (unused := _UNUSED.search(lower(text))):
        state = replace(state, attached=())
        text = f"{text[: unused.start()]}{text[unused.end() :]}".strip(" ,") or text
    whole = read(text, state, hints)
    if dropped := _NEVER_MIND.match(whole.low):
        whole = whole.part(dropped.end())
    if other := instead(whole) or keeps(whole):
        return other
    start = lead(whole.low)
    if afresh := _AFRESH.match(whole.low, start):
        whole = whole.part(afresh.end())
        whole.hints = replace(whole.hints, mode=whole.hints.mode or "draw")
    elif (afresh := _AFRESH_AT_END.search(whole.low)) and afresh.start() > 3:
        whole = whole.part(0, afresh.start())
        whole.hints = replace(whole.hints, mode=whole.hints.mode or "draw")
    steps: list[Step] = []
    sequel = _SEQUEL.search(whole.low) is not None
    parts = clauses(repaired(whole), judge_with(lambda part: vote_of(grammar(part))))
    for clause in (piece for part in parts for piece in kept_after(part)):
        now = _after(steps, state)
        if clause.state is not state:  # a remark has named whom it means
            now = replace(now, focus=clause.state.focus)
        steps += _clause(clause, now, steps, sequel)
    steps = tidy(_counted_once(_rejecting(_changed_only(steps, state), whole), whole))
    return who_is(text, state, steps) or steps


def _changed_only(steps: list[Step], state: State) -> list[Step]:
    """As in "This is my fox. Paint its ears pink": what comes with a change of it needs no name."""
    changes = any(isinstance(s, Call) and s.tool == "edit" for s in steps)
    if not (state.attached and changes):
        return steps
    return [s for s in steps if not (isinstance(s, Ask) and s.slot == "name")]


_SEQUEL = re.compile(r"\b(?:then|after that|afterwards|thereafter|after which)\b")
_ONE_OF_EACH = re.compile(r"\b(?:one|first|1) (?:of|with|where|is|should|has)\b")


def _counted_once(steps: list[Step], text: Text) -> list[Step]:
    """As in "two pictures: one of ▮ …, and one of ▮ …": the count is of the pictures that are told."""
    draws = [s for s in steps if isinstance(s, Call) and s.tool == "draw"]
    if len(draws) < 2 or draws[0].args.get("count") != len(draws) or not _ONE_OF_EACH.search(text.low):
        return steps
    once = replace(draws[0], args={k: v for k, v in draws[0].args.items() if k != "count"})
    return [once if s is draws[0] else s for s in steps]


# "You got that wrong" is said of a picture, "you always get that wrong" of none.
_WRONG = re.compile(
    r"^(?!.*\b(?:always get|you always|keep|every time)\b).*\b(?:wrong|not right|isn't right|"
    r"not looking like|you(?:'ve| have)? (?:just )?(?:given|gave|drew|drawn|made|painted|put) (?:him|her|it|them)\b)"
)


_SEEN_IN = re.compile(
    r"(?:'s [a-z]+|\ue000+|\bhe|\bshe|\bit|\bthey) (?:is|are|has|have|was|had|got|looks?|look like)\b"
    r"[^.!?;]* in \ue001+"
)
"""As in "▮'s eyes are red in take 2, they are brown"."""


def _rejecting(steps: list[Step], text: Text) -> list[Step]:
    """A lasting correction that also says which picture is wrong: "… , 4 got that wrong"."""
    told = next((s for s in steps if isinstance(s, Call) and s.tool == "refine"), None)
    if told is None or "rejected" in told.args or not (_WRONG.search(text.low) or _SEEN_IN.search(text.low)):
        return steps
    take = which(text) or text.state.current
    if not isinstance(take, int):
        return steps
    told = replace(told, args=told.args | {"rejected": take})
    return [told, *(s for s in steps if isinstance(s, Call) and s.tool not in ("refine", "rate"))]


def _after(steps: list[Step], state: State) -> State:
    """What the calls so far leave behind, told from all of them: a clause may have changed an earlier clause's call."""
    for call in _once([step for step in steps if isinstance(step, Call)]):
        state = state.after(call)
    return state


def _once(calls: list[Call]) -> list[Call]:
    """The calls without those said twice; only steps back and forth add up."""
    return [c for i, c in enumerate(calls) if c not in calls[:i] or c.tool in ("undo", "redo")]


def _clause(text: Text, state: State, before: list[Step], sequel: bool) -> list[Step]:
    """One clause, seen in the state that the clauses before it leave behind; `sequel`: they come one after another."""
    if state is not text.state:
        text = read(text.raw, state, text.hints)
    last = before[-1] if before else None
    more = ONE_MORE.match(text.low) if isinstance(last, Call) and last.tool == "draw" else None
    if isinstance(last, Call) and more:
        steps = [_of_the_same(last, step) for step in carry_out("draw", text.part(more.start("where")))]
    else:
        steps = decide(text)
    if before and (fuller := _corrected(before[-1], text)):
        before[-1] = fuller
        return []
    if len(steps) == 1 and isinstance(last, Call) and isinstance(steps[0], (Call, Ask)):
        joined = _on_that_take(last, steps[0]) or (None if sequel else _join(last, steps[0], text))
        if joined is not None:
            before[-1] = joined
            return []
    return steps


def _of_the_same(last: Call, step: Step) -> Step:
    """As in "draw ▮ in the snow, and one on the beach": another picture of the same subject."""
    if not isinstance(step, Call) or step.tool != "draw" or "concepts" in step.args or "concepts" not in last.args:
        return step
    names = last.args["concepts"]
    return replace(step, args=step.args | {"prompt": f"{' and '.join(names)} {step.args['prompt']}", "concepts": names})


_TELLS = re.compile(
    r"(?:(?:in real life|really|actually|also|and|but),? )*(?:(?:his|her|its|"
    r"their) [a-z]+ |(?:he|she|it|they|\ue000+)(?:'s|'ve| has| have| is| are| had)(?: got)? |"
    r"there (?:is|are|should be) )"
)


def _corrected(last: Step, text: Text) -> Call | None:
    """As in "This is not ▮, her ears hang down": the picture is wrong, and this is what is right."""
    if not isinstance(last, Call) or last.tool != "refine" or {"add", "remove"} & set(last.args):
        return None
    if not _TELLS.match(text.low) or text.takes or re.search(r"\b(?:should|please|now|make)\b", text.low):
        return None
    told = refined(text, last.args["concept"])
    return replace(last, args={**told.args, "rejected": last.args["rejected"]})


def _on_that_take(last: Call, step: Call | Ask) -> Call | None:
    """As in "Take the first version and make it autumn" and "back to 9 but foggy": one change of that take."""
    if last.tool != "fork" or not isinstance(step, Call) or step.tool != "edit":
        return None
    bare = step.args["instruction"].lower().split(" ")[0] not in EDIT_VERBS
    return step if (last.loose or bare) and step.args["take"] == last.args["take"] else None


def _join(last: Call, step: Call | Ask, text: Text) -> Call | None:
    """Two changes of one picture are one change; a change of what is not drawn yet belongs to its prompt."""
    if isinstance(step, Call) and step.tool == last.tool == "refine" and "rejected" not in step.args:
        if step.args["concept"] == last.args["concept"]:
            both = {k: last.args.get(k, []) + step.args.get(k, []) for k in ("add", "remove")}
            return replace(last, args=last.args | {k: v for k, v in both.items() if v})
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


_MY_SISTERS = re.compile(
    r"(?:sister|brother|mum|mom|dad|nan|gran|granny|grandad|wife|husband|son|daughter|friend|mate|boss|uncle|aunt|"
    r"auntie|cousin|neighbour|neighbor|niece|nephew|teacher)s (?=[a-z])"
)


def _bare_kind(call: Call) -> Call:
    """As in "this is Rex my sisters dog": a dog."""
    kind = call.args.get("kind", "") if call.tool == "teach" else ""
    return replace(call, args=call.args | {"kind": _MY_SISTERS.sub("", kind)}) if _MY_SISTERS.match(kind) else call


def tidy(steps: list[Step]) -> list[Step]:
    """One question, or calls, or words: small talk beside a request is dropped, and a question stops all."""
    steps = [s for s in steps if not (isinstance(s, Say) and s.weak)] or steps[:1]
    asks: list[Step] = [s for s in steps if isinstance(s, Ask)]
    if asks:
        return asks[:1]
    if calls := _once([s for s in steps if isinstance(s, Call)]):
        return [_bare_kind(call) for call in calls[:MOST_CALLS]]
    return steps[:1] or [Say("Tell me what to draw or to change; say help for examples.")]

"""Answers to a pending question: "the second", "yes", "Biscuit", "2" complete the earlier plan."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .dropped import CLUELESS, DROPPED, KEEP, dropped, small_talk
from .intents.drawing import draw
from .intents.teaching import name_and_kind
from .normalise import clean, find_files, lead, lower, tail
from .options import SAID, option_of, ranked, told
from .plan import command, plan
from .references import read
from .speech import spell_out
from .state import Ask, Call, Hints, Say, State, Step
from .subjects import kind_words
from .words import KINDS

_YES = re.compile(
    r"(?:yes|yeah|yep|yup|sure|ok|okay|right|correct|exactly|of course|please|yes please|do it|"
    r"please do|(?:yes|yeah|sure|ok|okay|yep)[,.!]* (?:go ahead|do it|do that|please|forget (?:it|"
    r"him|her|them)|delete (?:it|him|her)|i'm sure|i am sure|really|remove it)|i'm sure|i am sure|go "
    r"for it|why not|fine(?: by me)?|do that|go ahead|that's right|indeed|yes,? (?:do|that|that one|"
    r"exactly|please do|of course|"
    r"go ahead)|that one|sounds good|absolutely|definitely|y|si|ja|true|👍)"
)
_PLAIN = re.compile(
    r"\b(?:something else|somebody else|someone else|just draw|draw any|any|new|neither|other|generic|"
    r"random|doesn't matter)\b"
)
_OTHER = re.compile(r"(?:no[,.]? )?(?:not (?P<not>[^,;]+?)[,;]? (?:but )?)?(?:i (?:mean|"
    r"meant) )?the other(?: one| [a-z]+)?(?: please)?")
_FOR_GOOD = re.compile(
    r"\b(?:always|for good|every (?:time|picture|one)|forever|permanent(?:ly)?|from now on|in all|"
    r"all (?:the )?pictures|lasting|"
    r"in general|remember)\b"
)
_GONE = re.compile(
    r"(?:yes|yep|yeah|yup|sure|ok|okay|do it|go ahead|please)?[, ]*(?:please )?(?:nuke|kill|delete|erase|"
    r"remove|trash|bin|wipe|zap|dump|drop|bye to|scrap) (?:it|him|her|them|that)(?: please| for good)*"
)
_DECLINED = re.compile(r"(?:no|cancel|neither|nothing|leave|keep)\b")


def answer(text: str, state: State, earlier: Sequence[str] = ()) -> list[Step] | None:
    """The plan that an answer completes; `None` when the sentence is a request of its own.

    `earlier`: the sentence that led to the pending question and the answers since, oldest first.
    """
    pending = state.pending
    if pending is None:
        return None
    first, *answers = list(earlier) or [pending.text]
    state = replace(state, pending=None)
    hints = Hints()
    for old in (a for a in answers if not CLUELESS.fullmatch(_bare(a))):
        asked = _asked(first, state, hints)
        filled = _fill(old, state, hints, asked, asked.options if asked else ())
        hints = filled if isinstance(filled, Hints) else hints
    asked = _asked(first, state, hints)
    said = _bare(text)
    if (over := DROPPED.match(said)) and len(said[over.end() :].split()) > 1:
        return dropped(said, text, state)
    if small := small_talk(text, said, state, pending.options):
        return small
    if _GONE.fullmatch(said) and (gone := _agreed(pending.question, state)):
        return gone
    option = option_of(said, pending.options) or ranked(said, pending.options) if not _OTHER.fullmatch(said) else None
    if _several(said, pending.options, state):
        option = None
    if option is None and asked and asked.slot == "take" and not _own_request(text, state, asked):
        option = _by_look(said, pending.options, state)
    if option is None and (let_go := dropped(said, text, state)):
        return let_go
    if option is None and CLUELESS.fullmatch(said):
        return [Ask(pending.question, pending.options)]
    yes = option in ("yes", "Yes") or (option is None and _YES.fullmatch(said) is not None)
    if yes and (gone := _agreed(pending.question, state)):
        return gone
    if yes and option is None:
        which = asked and asked.slot == "concept" and len(pending.options) > 1
        if which and not re.search(r"did you mean", pending.question, re.I):
            return [Ask(pending.question, pending.options)]
        option = _affirmed(pending.options, pending.question, state)
    if option is None and (chosen := _meant(said, pending.options, state)):
        hints = replace(hints, concept=chosen[0] if len(chosen) == 1 else "", concepts=chosen)
        if first and not isinstance((again := plan(first, state, hints))[0], Ask):
            return again
    if option is None and _own_request(text, state, asked):
        return None
    if option is not None and _DECLINED.match(option.lower()) and not _PLAIN.search(option.lower()):
        return [Say(KEEP, weak=False)]
    words = option if option is not None else text
    filled = _fill(words, state, hints, asked, pending.options)
    if not isinstance(filled, Hints):
        return filled
    steps: list[Step] = [Ask(pending.question, pending.options)]
    if first:
        steps = plan(first, state, filled)
    if _changed(steps, asked):
        return _with_more(_chosen_instead(steps, filled), text) if filled.concept else _chosen_instead(steps, filled)
    own = plan(words, state)
    if isinstance(own[0], Ask) and first:
        own = plan(f"{first} {words}", state, filled)
    return own


def _agreed(question: str, state: State) -> list[Step] | None:
    """A "yes" to "Shall I really forget …?" or to "Shall I train on …?"."""
    low = question.lower()
    named = [c.name for c in state.concepts if re.search(rf"(?<!\w){re.escape(c.name.lower())}(?!\w)", low)]
    asked = re.search(r"\b(?:forget|delete|erase|remove .{1,40} for good)\b|shall i (train)", low)
    if asked is None or len(named) != 1:
        return None
    return [Call("finetune_lora" if asked[1] else "forget", {"concept": named[0]})]


def _by_look(said: str, options: Sequence[str], state: State) -> str | None:
    """The option whose take shows what the answer speaks of: "the one with the boat", "where Olaf is"."""
    takes = {o: state.take(int(n[0])) for o in options if len(n := re.findall(r"\d+", o)) == 1}
    return told(said, {o: f"{t.prompt} {t.description} {' '.join(t.concepts)}" for o, t in takes.items() if t})


_GENDERS = {
    **dict.fromkeys("him he boy male man guy lad gentleman bloke".split(), "he"),
    **dict.fromkeys("her she girl female woman lady lass".split(), "she"),
    **dict.fromkeys("it thing".split(), "it"),
}


def _several(said: str, options: Sequence[str], state: State) -> tuple[str, ...]:
    """Concepts among the options that an answer names together: "Rex and Luna"."""
    named = {s.names[0] for s in read(said, state).subjects if len(s.names) == 1}
    chosen = tuple(option for option in options if option in named)
    one = re.search(r"\b(?:not|no|or|instead|rather|than|sorry|over)\b", said)
    return chosen if len(chosen) > 1 and not one else ()


def _meant(said: str, options: Sequence[str], state: State) -> tuple[str, ...]:
    """Concepts among the options that "both", "her", "the girl" or "my cat" mean."""
    offered = [c for option in options if (c := state.concept(option))]
    if len(offered) < 2:
        return ()
    if len(offered) == 2 and (other := _OTHER.fullmatch(said)):
        known = state.concept(other["not"]) if other["not"] else None
        left = [c.name for c in offered if (c != known if known else c.name not in state.focus)]
        return tuple(left) if len(left) == 1 else ()
    if re.fullmatch(
        r"(?:yes,? |oh,? |well,? )?(?:both|all|all of them|both of (?:them|those)|the two(?: of them)?|"
        r"each|everyone|"
        r"all (?:two|three)|(?:the )?two|both please|them both|together)(?:,? (?:please|together|"
        r"actually|of course|obviously|i think|i'd say|then))*",
        said,
    ):
        return tuple(c.name for c in offered)
    if several := _several(said, options, state):
        return several
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


def _chosen_instead(steps: list[Step], hints: Hints) -> list[Step]:
    """Put the chosen concept where the grammar would have taken another one for granted."""
    step = steps[0]
    if len(steps) != 1 or not isinstance(step, Call) or not (hints.concept or hints.take):
        return steps
    if hints.take and step.tool == "edit" and step.args["take"] != hints.take:
        return [replace(step, args=step.args | {"take": hints.take})]
    if step.args.get("concept") not in (None, hints.concept):
        return [replace(step, args=step.args | {"concept": hints.concept})]
    return steps


_MORE = re.compile(
    r"[,;.] (?:and |but )?(?P<more>(?:with|without|in|on|at|near|under|wearing|holding|riding|next to|while|during) .+)"
)


def _with_more(steps: list[Step], text: str) -> list[Step]:
    """The plan with what an answer adds to the choice: "Biscuit of course, with a red ball"."""
    said = clean(text).strip(" .!?")
    match, step = _MORE.search(lower(said)), steps[0]
    if match is None or len(steps) > 1 or not isinstance(step, Call):
        return steps
    key = next((k for k in ("prompt", "instruction") if k in step.args), "")
    more = said[match.start("more") :]
    if not key or more.lower() in str(step.args[key]).lower():
        return steps
    return [replace(step, args=step.args | {key: f"{step.args[key]}, {more}"})]


def _changed(steps: list[Step], asked: Ask | None) -> bool:
    """Whether the plan got further than the question that was asked."""
    return not isinstance(steps[0], Ask) or asked is None or steps[0].slot != asked.slot


def _asked(first: str, state: State, hints: Hints) -> Ask | None:
    steps = plan(first, state, hints) if first else []
    call = steps[0] if steps else None
    if isinstance(call, Call) and call.tool == "teach" and "kind" not in call.args and not hints.kind:
        return Ask(f"What is {call.args['name']}?", (), "kind")
    return steps[0] if steps and isinstance(steps[0], Ask) else None


def _bare(text: str) -> str:
    low = lower(spell_out(clean(text)))
    start, end = lead(low), tail(low)
    core = low[start:end] if start < end else low
    return (core or low).strip(" .,!?;:\"'")


def _own_request(text: str, state: State, asked: Ask | None) -> bool:
    """Whether the sentence stands on its own instead of answering."""
    sentence = read(text, state)
    steps = command(sentence)
    slot = asked.slot if asked else ""
    if slot in ("name", "kind", "images", "takes"):
        return bool(
            steps and isinstance(steps[0], Call) and steps[0].tool in ("undo", "redo", "compare", "fork", "forget")
        )
    if steps and not (isinstance(steps[0], Say) and steps[0].weak):
        return not (isinstance(steps[0], Ask))
    if slot == "words":
        return False
    body = sentence.part(lead(sentence.low))
    return len(body.low.split()) > 3 and draw(body) is not None


def _affirmed(options: Sequence[str], question: str, state: State) -> str | None:
    """What "yes" means: an option that says so, the only name in the question, or the first option."""
    for option in options:
        if re.match(r"(?:yes|sure|ok)\b", option.lower()):
            return option
    named = [c.name for c in state.concepts if c.name.lower() in question.lower()]
    if len(named) == 1:
        return named[0]
    return options[0] if options else None


def _fill(words: str, state: State, hints: Hints, asked: Ask | None, options: Sequence[str]) -> Hints | list[Step]:
    """The hints with the answer in the slot that the question asked for."""
    text = read(words, state)
    low = text.low
    slot = asked.slot if asked else ""
    concept = next((s.names[0] for s in text.subjects if len(s.names) == 1), "")
    if slot == "name":
        return _named(words, hints)
    if slot == "kind":
        kind = SAID.sub("", _bare(words), count=1)
        return replace(hints, kind=re.sub(r"^(?:an?|the|my) ", "", kind.strip()))
    if slot == "images":
        files = tuple(f.path for f in find_files(clean(words))) or state.attached
        return replace(hints, images=files)
    if re.search(
        r"\b(?:just|only)? ?(?:here|this (?:picture|one|time|once)|in this picture|for now|once)$", low.strip(" .!")
    ) and any("picture" in o or "here" in o for o in options):
        return replace(hints, mode="edit")
    if _FOR_GOOD.search(low) and any(_FOR_GOOD.search(o.lower()) for o in options) and slot != "mode":
        return replace(hints, mode="refine")
    if slot == "mode" or re.search(r"\bfor good\b", low):
        return replace(hints, mode="forget" if re.search(r"forget|good|concept|memory", low) else "edit")
    take = next((t.numbers[0] for t in text.takes if len(t.numbers) == 1), None)
    bare = re.fullmatch(r"(?:take |number |#)?(\d{1,4})", _bare(words))
    if take is None and bare and state.exists(int(bare[1])):
        take = int(bare[1])
    if slot == "takes":
        several = [int(n) for n in re.findall(r"\d{1,5}", text.raw)] or [n for t in text.takes for n in t.numbers]
        return replace(hints, takes=tuple(dict.fromkeys(n for n in several if state.exists(n))))
    if slot == "take" or (take and not slot and all(re.search(r"\d", option) for option in options)):
        return replace(hints, take=take) if take else hints
    if concept and slot == "words" and text.subjects[0].end + 4 < len(text.raw):
        return replace(hints, words=clean(words))
    if concept:
        return replace(hints, concept=concept)
    if slot in ("concept", "plain") and (_PLAIN.search(low) or slot == "plain"):
        return replace(hints, mode="plain")
    if re.search(r"\bnew (?:picture|one|take|image|drawing)|draw it|from scratch|a new\b|start fresh", low):
        return replace(hints, mode="draw")
    if re.search(r"\b(?:change|edit|modify|current|existing)\b", low) or take:
        return replace(hints, mode="edit", take=take)
    return replace(hints, words=clean(words))


def _named(words: str, hints: Hints) -> Hints:
    """A name, perhaps with a kind: "Momo", "call him Momo", "Momo, a cat"."""
    raw = clean(words).strip(" .!\"'")
    match = re.match(
        r"(?P<name>[^,]{1,100}), (?:(?:he|she|it)(?:'s| is) )?(?:an? |my |"
        r"the )?(?P<kind>[a-z]+(?: [a-z]+)?)$",
        raw,
    )
    if match:
        return replace(hints, name=_SAID_NAME.sub("", match["name"]).strip(), kind=match["kind"])
    name, kind = name_and_kind(read(words, State()))
    if not name or (name.lower() in KINDS and name.islower()):
        name = _SAID_NAME.sub("", raw).strip(" .!\"'")
    return replace(hints, name=name, kind=hints.kind or (kind if kind in KINDS else ""))


_SAID_NAME = re.compile(
    r"^(?:(?:please|ok|yes|well|hmm|oh|um|let's|you can|i(?:'d| would)? (?:call|name) (?:him|her|it|"
    r"them)|call (?:him|her|it|them)|name (?:him|her|it|them)|(?:his|her|its|their|the) name(?:'s|"
    r" is)|(?:he|she|it)(?:'s| is)(?: called| named)?|it's|that's|called|named|make it|how about|"
    r"maybe)[,:]? )+",
    re.IGNORECASE,
)

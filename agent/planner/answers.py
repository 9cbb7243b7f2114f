"""Answers to a pending question: "the second", "yes", "Biscuit", "2" complete the earlier plan."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .choices import NOT_THE_OTHER, OTHER, by_look, meant, of_takes, several
from .clauses import MARKS_ONLY
from .decide import command
from .dropped import CLUELESS, DROPPED, KEEP, dropped, small_talk
from .intents.drawing import draw
from .intents.missing import HOW
from .intents.teaching import name_and_kind
from .normalise import clean, find_files, lead, lower, tail
from .options import SAID, option_of, ranked, yes_or_no
from .plan import plan
from .references import read
from .speech import spell_out
from .state import Ask, Call, Hints, Say, State, Step
from .tagger import own
from .words import EDIT_VERBS, KINDS, either

_YES = re.compile(
    r"(?:yes|yeah|yep|yup|sure|ok|okay|right|correct|exactly|of course|please|yes please|do it|"
    r"please do|(?:yes|yeah|sure|ok|okay|yep)[,.!]* (?:go ahead|do it|do that|please|forget (?:it|"
    r"him|her|them)|delete (?:it|him|her)|i'm sure|i am sure|really|remove it)|i'm sure|i am sure|go "
    r"for it|why not|fine(?: by me)?|do that|go ahead|that's right|indeed|yes,? (?:do|that|that one|"
    r"exactly|please do|of course|"
    r"go ahead)|that one|sounds good|absolutely|definitely|y|si|ja|true|👍|"
    r"(?:(?:yes|yeah|yep|sure|ok|okay)[,.!]* )?(?:please )?(?:go|start|train(?: (?:it|him|her|them))?)"
    r"(?: please| now)*)"
)
_PLAIN = re.compile(
    r"\b(?:something else|somebody else|someone else|just draw|draw any|any|new|neither|other|generic|"
    r"random|doesn't matter)\b"
)
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


_TAKES_BACK = re.compile(
    r"(?P<old>.{1,40}?)[.,;!]* (?:(?:oh |hm+ |um )?(?:actually,? no|no,? wait|wait,? no|no,? sorry|sorry,? no|"
    r"on second thoughts?|scratch that|or no|no,? hang on|hang on,? no))[,.! ]+(?P<new>.{2,})"
)
_MORE_WORDS = re.compile(
    r"(?:[,;.!] (?:(?:oh |naturally|of course|obviously)[,;]? ?)*| )(?:and|but|also|only)(?: also| then)? "
    r"(?P<more>\S.{3,})"
)


def answer(text: str, state: State, earlier: Sequence[str] = ()) -> list[Step] | None:
    """The plan that an answer completes; `None` when the sentence is a request of its own.

    `earlier`: the sentence that led to the pending question and the answers since, oldest first.
    """
    if state.pending is None:
        return None
    raw = spell_out(clean(text))
    if (back := _TAKES_BACK.match(lower(raw))) and _chosen(raw[back.start("new") :], state):
        return _answer(re.split(r"[,;.!]", raw[back.start("new") :])[0], state, earlier)
    together = several(_bare(text), state.pending.options, replace(state, pending=None))
    if not together and (two := _MORE_WORDS.search(lower(raw))) and _chosen(raw[: two.start()], state):
        more = read(raw[two.start("more") :], replace(state, pending=None))
        steps = None if MARKS_ONLY.fullmatch(more.low) else _answer(raw[: two.start()], state, earlier)
        words = own(more, "edit").raw or more.raw
        if steps and isinstance(steps[0], Call) and not _OTHER_WISH.match(more.low):
            return _added(steps, _ASKED_FOR.sub("", words))
    return _answer(text, state, earlier)


_OTHER_WISH = re.compile(r"(?:then |please )*(?:draw|paint|sketch|undo|redo|go back|forget|rename|compare)\b")
_ASKED_FOR = re.compile(
    r"^(?:(?:please|also|put|add|make it|make (?:him|her|them)|have|give it)(?! on\b) )+", re.IGNORECASE
)


def _chosen(words: str, state: State) -> bool:
    """Whether words by themselves choose one of the options, or all of them."""
    if ":" in words or DROPPED.match(_bare(words)):
        return False
    said, pending = _bare(re.split(r"[,;.!]", words)[0]), state.pending
    options = pending.options if pending else ()
    whole = by_look(_bare(words), options, state) if of_takes(options) else None
    named = [f"take {t.numbers[0]}" for t in read(words, replace(state, pending=None)).takes if len(t.numbers) == 1]
    whole = whole or next((o for o in options for n in named if re.match(rf"{n}\b", o)), None)
    return bool(whole or option_of(said, options) or ranked(said, options) or meant(said, options, state))


def _answer(text: str, state: State, earlier: Sequence[str]) -> list[Step] | None:
    """The plan that an answer completes, as it stands."""
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
    said = NOT_THE_OTHER.sub("", _bare(text))
    if (over := DROPPED.match(said)) and len(said[over.end() :].split()) > 1:
        return dropped(said, text, state)
    if small := small_talk(text, said, state, pending.options):
        return small
    if _GONE.fullmatch(said) and (gone := _agreed(pending.question, state)):
        return gone
    option = option_of(said, pending.options) or ranked(said, pending.options) if not OTHER.fullmatch(said) else None
    if several(said, pending.options, state):
        option = None
    takes = (asked and asked.slot == "take") or of_takes(pending.options)
    if option is None and takes and not _own_request(text, state, asked):
        option = by_look(said, pending.options, state)
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
    if option is None and (chosen := meant(said, pending.options, state)):
        hints = replace(hints, concept=chosen[0] if len(chosen) == 1 else "", concepts=chosen)
        if first and not isinstance((again := plan(first, state, hints))[0], Ask):
            return _chosen_instead(again, hints)
    if option is None and (_own_request(text, state, asked) or (asked is None and yes_or_no(pending.options))):
        return None  # of a tool's own question only "yes" and "no" are answers
    if option is not None and _DECLINED.match(option.lower()) and not _PLAIN.search(option.lower()):
        return [Say(KEEP, weak=False)]
    words = option if option is not None else text
    filled = _fill(words, state, hints, asked, pending.options)
    if not isinstance(filled, Hints):
        return filled
    if first and filled.words and pending.question == HOW.question:
        return _told_how(first, words, state, filled)
    steps: list[Step] = [Ask(pending.question, pending.options)]
    if first:
        steps = plan(first, state, filled)
    if _changed(steps, asked):
        return _with_more(_chosen_instead(steps, filled), text) if filled.concept else _chosen_instead(steps, filled)
    alone = plan(words, state)
    if isinstance(alone[0], Ask) and first:
        alone = plan(f"{first} {words}", state, filled)
    return alone


_OPEN = re.compile(
    r"(?:change|edit|modify|adjust|alter|update|tweak|rework|transform|vary|replace|swap|exchange|(?:re)?colou?r)"
    r" (?=(?:the|his|her|its|their|[\w-]+'s) )",
    re.IGNORECASE,
)
_SENTENCE = re.compile(rf"(?:he|she|it|they|{either(EDIT_VERBS)})\b")


def _told_how(first: str, words: str, state: State, hints: Hints) -> list[Step]:
    """A change that did not say how, and then does: "change his ears" and "bluer" are "make his ears bluer"."""
    change, alone = plan(first, state, hints)[0], plan(words, state)
    step = alone[0]
    how = re.sub(r"^(?:(?:in)?to|make them) ", "", clean(words).strip(" .!"), flags=re.IGNORECASE)
    open_ = _OPEN.match(clean(first))
    whole = not open_ or _SENTENCE.match(lower(how))
    # "The beach" asks for nothing that is known: it is an answer.
    if isinstance(step, Call) and step.tool != "recall" and (whole or step.tool != "edit"):
        return alone
    thing = f"make {clean(first)[open_.end() :].strip(' .!?')} " if open_ else ""
    take = change.args["take"] if isinstance(change, Call) and change.tool == "edit" else state.current
    return [Call("edit", {"take": take, "instruction": f"{thing}{how}"})] if take is not None else alone


def _agreed(question: str, state: State) -> list[Step] | None:
    """A "yes" to "Shall I really forget …?" or to "Shall I train on …?"."""
    low = question.lower()
    named = [c.name for c in state.concepts if re.search(rf"(?<!\w){re.escape(c.name.lower())}(?!\w)", low)]
    asked = re.search(r"\b(?:forget|delete|erase|remove .{1,40} for good)\b|shall i (train)", low)
    if asked is None or len(named) != 1:
        return None
    return [Call("finetune_lora" if asked[1] else "forget", {"concept": named[0]})]


_SOMEBODY = re.compile(r"\b(?:the|my|our|that|one of (?:the|my|our)) [a-z]+\b|\b(?:him|her|them|it)\b", re.IGNORECASE)


def _chosen_instead(steps: list[Step], hints: Hints) -> list[Step]:
    """Put the chosen concept where the grammar would have taken another one for granted."""
    step = steps[0]
    if len(steps) != 1 or not isinstance(step, Call):
        return steps
    names = list(hints.concepts) or [name for name in [hints.concept] if name]
    if names and step.tool == "draw" and "concepts" not in step.args and hints.mode != "plain":
        prompt = _SOMEBODY.sub(" and ".join(names), step.args["prompt"], count=1)
        return [replace(step, args=step.args | {"prompt": prompt, "concepts": names})]
    if not (hints.concept or hints.take):
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
    return _added(steps, said[match.start("more") :])


def _added(steps: list[Step], more: str) -> list[Step]:
    """The plan whose one call also has these words."""
    step = steps[0]
    if not isinstance(step, Call):
        return steps
    key = next((k for k in ("prompt", "instruction") if k in step.args), "")
    if not key or len(steps) > 1 or more.lower() in str(step.args[key]).lower():
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
        return _WHY.match(sentence.low) is not None
    body = sentence.part(lead(sentence.low))
    return len(body.low.split()) > 3 and draw(body) is not None


_WHY = re.compile(r"(?:but |and |ok(?:ay)? |hm+ )?(?:why(?! (?:not|don't|dont)\b)|how come|what for)\b")
"""Said to "How shall I change it?", these words change nothing."""


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

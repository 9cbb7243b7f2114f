"""Moving in the tree of takes: undo, redo, fork, compare."""

from __future__ import annotations

import re

from ..looks import describe
from ..normalise import lead
from ..references import Text, pick, rx
from ..state import Ask, Call, Say, Step
from ..takeref import TakeRef
from ..takes import number_of
from ..words import NUMBERS, TIMES, either

_N = rf"(?P<n>\d{{1,4}}|{either(dict.fromkeys(NUMBERS))}|a couple(?: of)?|a few|a)"
_STEPS = (
    r"(?:steps?|takes?|times|changes?|edits?|pictures?|images?|versions?|moves?|ones|levels?|turns?|more|"
    r"things)"
)
_TWICE = rf"(?P<times>{either(dict.fromkeys(TIMES))})"
_IT = (
    r"(?:that|this|it|the last (?:one|change|edit|step|thing|move|action|take|picture|drawing)s?|"
    r"the last|last (?:one|change|edit|step|action)|"
)
_IT += (
    r"(?:the|my|your|that|this) (?:last |latest |previous |most recent )?(?:change|edit|modification|"
    r"alteration|step|action)|what you (?:just )?did|my last (?:one|request))"
)
_AGAIN = r"(?: (?:again|please|instead|then|now|for me))*"

_UNDO = [
    rf"(?:undo|unde|undoo|reverse|cancel|scrap|discard|ditch|drop|roll ?back|take back|rewind|revert|"
    rf"throw away|throw out) {_IT}{_AGAIN}",
    rf"(?:take|roll|turn|put|change|bring) (?:that|it|this|the last one) back(?: again| to (?:how|"
    rf"what|the way) it was(?: before)?| please)?{_AGAIN}",
    rf"(?:undo|rewind|roll ?back|revert|scrap|go back|step back|delete|discard|remove) (?:the |"
    rf"my )?(?:last |latest |previous )?{_N}(?: {_STEPS})?(?: back| ago)?{_AGAIN}",
    rf"undo(?: {_IT}| everything since)? (?:{_TWICE}|{_N} times)",
    r"(?:just )?(?:undo|ctrl[- +]?z|control[- ]?z|undo please|step back|roll ?back|rewind|revert|"
    r"back up|backwards?|go backwards?|previous|go to (?:the )?previous)" + _AGAIN,
    rf"(?:(?:let's |let us |we |i want to |i'd like to |i would like to )?(?:go|step|move|jump|"
    rf"take us|take me|get|head|turn|back up) )?back(?: up)?(?: by)?(?: {_N})?(?: {_STEPS})?{_AGAIN}",
    rf"(?:let's |let us )?(?:go|take|step|move|jump|make) {_N}(?: {_STEPS})? back(?:wards?)?{_AGAIN}",
    rf"{_N} (?:{_STEPS} )?back(?:wards?)?{_AGAIN}",
    rf"(?:go|step|move) (?:back|backwards?) {_TWICE}|back {_TWICE}",
    r"(?:(?:go|take it|take me|take us|bring it|put it|change it|turn it|get it) )?back to (?:how|"
    r"what|the way|where) (?:it|we|that|things) (?:was|were|looked|had been)(?: before| earlier|"
    r" originally)?" + _AGAIN,
    r"(?:as|like|how) it was before(?: that| the change)?|(?:the way|"
    r"how) it was(?: before)?(?: was better)?|it was better before",
    r"(?:that was a mistake|that's a mistake|oops|whoops|my mistake)(?:,? (?:undo|go back|"
    r"take it back|take that back))?",
    r"i (?:don't|do not|didn't) (?:want|need|like|mean) (?:that|this|the last) (?:change|"
    r"edit)(?: anymore| any more)?",
    r"(?:delete|remove|erase|trash|bin) (?:that|this|it)(?: (?:again|please))?",
    rf"(?:scratch|nix|kill|forget|never ?mind|ignore) (?:that|this|it|the|my)(?: last| latest| previous)? "
    rf"(?:change|edit|step|modification|one|bit)s?{_AGAIN}",
    r"(?:it|that|this|he|she|everything)(?: all)? (?:was|looked) (?:so |much |way )?(?:better|nicer|"
    r"prettier|cooler|cuter|fine|good|right|perfect) (?:before|earlier|without (?:that|it|this))(?: "
    r"(?:that|this|the change))?",
    r"(?:take|step) (?:that|it|this) back|i take (?:that|it) back",
    rf"(?:delete|remove|kill|ignore|drop|nix) (?:the|that|my|this)(?: last| latest| previous)? "
    rf"(?:change|edit|step|modification)s?{_AGAIN}",
    r"(?:one|two|three|a couple of) (?:steps? )?too (?:far|many|much)",
    r"(?:that|this|the last (?:one|change|edit)) (?:was|is) (?:a mistake|wrong|not what i (?:meant|"
    r"wanted)),? (?:undo|go back|take it back|revert)(?: (?:it|that))?",
    r"i (?:liked|preferred) (?:it|that|him|her) (?:better|more) (?:before|the way it was|how it was|"
    r"without (?:that|it|this))",
    r"(?:not|no) (?:that|this),? (?:go back|undo|take it back)",
    r"(?:forget|never ?mind|ignore) (?:that|the last|the latest) (?:change|edit|one|step)s?",
    r"(?:get rid of|lose) (?:that|the last|the latest) (?:change|edit|take|picture|step)",
    rf"(?:i (?:want|would like|'d like)|can we have|give me) (?:the )?(?:old|previous|"
    rf"earlier) (?:one|picture|take|version|image)(?: back)?{_AGAIN}",
]
_UNDO_TO = rx(
    r"(?:(?:let's |i want to |i'd like to )?(?:go|return|jump|step|move|get|switch|take me|take us|"
    r"change|flip|bring me|come)(?: back)?|back|return|revert|undo|bring back|restore|give me back|"
    r"show me)"
    r"(?: to)? (?P<t>{T})(?: again| please| instead| back| then)*"
)
_UNDO_LAST = rx(
    r"(?:undo|scrap|discard|drop|cancel|delete|remove|erase|throw away|trash|bin|take back|"
    r"get rid of|revert) (?P<t>{T})(?: again| please)*"
)
_UNDONE = (
    r"(?:what|the (?:one|thing|change|edit|step|picture)s?(?: that)?) (?:you|i|we)(?:'ve|'d| have| had)? "
    r"(?:just )?(?:undid|undone|took back|reverted|removed)"
)
_BETTER = rx(
    r"(?P<t>{T}) (?:was|looked) (?:better|nicer|best|much better|more like it)(?: than (?:this|that|"
    r"it))?(?:,? (?:go back|take me back|undo).{0,20})?"
)
_REDO = [
    rf"(?:actually,? |no,? |oh,? )*(?:bring|get|put|give|take|restore|repeat|redo|reapply|i want)(?: "
    rf"me)?(?: back)? {_UNDONE}(?: back)?(?: again)?{_AGAIN}",
    r"(?:i )?(?:didn't|did not|shouldn't have|should not have) (?:mean|want|meant|wanted)? ?(?:to "
    r")?(?:undo|undone)(?: (?:that|it|this))?(?: again)?",
    rf"re-?do (?P<both>both|all|everything|all of (?:it|them))(?: (?:of them|{_STEPS}))?{_AGAIN}",
    rf"re-?do(?: (?:that|this|it|the (?:last )?(?:change|edit|undo|step|one)|"
    rf"what i undid))?(?: (?:{_TWICE}|(?:the (?:last )?)?{_N}(?: {_STEPS})?))?(?: again| please|"
    rf" then)*",
    rf"re-?do (?:the )?(?:last )?{_N}(?: {_STEPS})?",
    r"(?:undo|reverse|take back|cancel) (?:the|that|my|your|this) (?:last )?undo(?:ing)?",
    r"un-?undo(?: that| it)?",
    rf"(?:let's )?(?:go|step|move|jump)(?: {_N}(?: {_STEPS})?)? forwards?(?: again)?(?: by)?(?: "
    rf"(?:{_TWICE}|(?:by )?(?P<m>\d{{1,3}}|{either(dict.fromkeys(NUMBERS))}|"
    rf"a)(?: {_STEPS})?))?{_AGAIN}",
    rf"(?:{_N} (?:{_STEPS} )?)?forwards?(?: (?P<m>\d{{1,3}}|"
    rf"{either(dict.fromkeys(NUMBERS))})(?: {_STEPS})?)?(?: again| please)*",
    r"(?:actually,? )?(?:bring|get|put|give me|restore) (?:it|that|this|the change|the edit|"
    r"that change|that one)(?: back)(?: again)?(?: please)?(?: in)?",
    r"(?:restore|reapply|re-apply|repeat) (?:it|that|that change|the change|the edit|what i undid|"
    r"what we undid|the undone (?:change|edit|step|take|picture))",
    r"(?:no,? )?(?:i (?:want|changed my mind,? i want)|give me) (?:it|that) back(?: after all)?",
    r"(?:actually )?(?:it|that) was better (?:after|with) (?:the change|that)",
]
_GO = (
    r"(?:go|jump|get|switch|return|head|roll|move|come|change|flip|travel|step|take me|take us|bring me|"
    r"bring us|rewind|revert|reset|skip|hop)"
)
_FORK = [
    r"(?P<t>{T}) (?:is|was|looks?|looked) .{1,30}(?:,|;| so| and|\.) (?:let's |please |we )?(?:go|"
    r"continue|carry|work|keep|"
    r"start|build|proceed)(?: on| going| working)? from (?:there|that|it|here)(?: one)?",
    r"(?:sorry,? )?i (?:meant|wanted|want|intended|would like|wish) to (?:stay|be|go|work|remain)(?: back)? "
    r"(?:on|at|with|to|in) (?P<t>{T})(?:,? (?:please )?(?:go|take me|bring me)(?: back)? there)?",
    rf"(?:let's |let us |i want to |i'd like to |i would like to |i'll |we should |now )?{_GO}(?: me|"
    rf" us| it| all the way| right| straight| over)*(?: back)?(?: over)? (?:to|at) (?P<t>{{T}})",
    r"(?:all the way )?back to (?P<t>{T})",
    r"(?:let's |i want to |i'd like to )?(?:fork|branch|branch off|branch out|split|split off|"
    r"make a branch|start a (?:new )?branch|create a branch|new branch|a (?:new )?branch|"
    r"open a branch)(?: (?:off|from|at|to|of|off of|here at))* (?P<t>{T})",
    r"(?:let's |i want to |i'd like to |let me |we'll |i'll )?(?:continue|start(?: over| again|"
    r" fresh| anew)?|work|carry on|go on|keep going|keep working|keep on working|resume|proceed|"
    r"move on|build|restart|pick up|take it|begin(?: again)?|play|stay)(?: (?:with|from|at|on|off|"
    r"again from))+ (?P<t>{T})",
    r"(?:let's |i want to |i'd like to |i'll |i will |we'll |let me |i'd rather |i would rather |"
    r"just )?(?:use|pick|choose|select|go with|take|work with|stick with|switch to|go for|base (?:it|"
    r"everything|this) on|stay with|open|restore|bring back|checkout|check out|settle on|settle for|"
    r"reopen|activate|return to|revert to|load)(?: back)? (?P<t>{T})",
    r"make (?P<t>{T}) (?:the )?(?:current|active|base|starting point|new base)(?: one| take| picture)?",
    r"(?P<t>{T}) (?:is|should be|shall be|as) (?:the|our|my) (?:base|starting point|new base|current one)",
]
_TAILS = (
    rf"{_AGAIN}(?: (?:as (?:a|the|our|my) (?:base|basis|starting point|start)|and (?:go on|continue|work|"
    rf"branch|start|carry on|keep going)(?: (?:from|on from) (?:there|it|that|here))?|from (?:now|"
    rf"here) on|for now))?{_AGAIN}"
)
_MY_COMPARE = [
    r"(?:can you |let's |please )?compare (?P<rest>.+)",
    r"(?:what(?:'s| is| are)|what has|show me|tell me|is there) (?:the |any |a )?differen(?:ce|ces|"
    r"t)(?: is)? (?:between|in|with|from|about) (?P<rest>.+)",
    r"(?:what(?:'s| is)|how is|how does|how do|how are|in what way (?:is|does|do)|is|"
    r"are) (?P<rest>{T}.{0,40}differ(?:ent|ence|s)?.{0,60})",
    r"(?:which|what|who)(?: one| of (?:them|those|these)| picture| take)?(?: (?:is|looks|"
    r"do you (?:think|find)|would you say|turned out|came out|has|scores?|matches|fits|"
    r"shows))*(?: the)?(?: is)? (?:better|best|nicer|closer|higher|prettier|sharper|good|more [a-z]+|"
    r"worse)(?: [a-z]+){0,5}[,:]? ?(?P<rest>.*{T}.*)",
    r"(?:is|are|was|does) (?P<rest>{T} .{0,30}(?:better|nicer|closer|worse|sharper|more|same|"
    r"as good).{0,40}{T}.{0,20})",
    r"(?P<rest>.*{T}.{0,20} (?:vs\.?|versus|against|compared (?:to|with)|or) .{0,20}{T}.{0,20})",
    r"(?:put|show|place|see|view|look at|let me see|"
    r"show me)(?: me)? (?P<rest>{T}.{0,40}(?:side by side|next to (?:each other|{T})|together|"
    r"beside {T}))",
    r"(?:side by side|comparison)(?: of| between|:)? (?P<rest>.*{T}.*)",
    r"how (?:do|does|did|are|is) (?P<rest>{T}.{0,40}compare.{0,40}|.{0,12}compare.{0,10}{T}.{0,40})",
]

_UNDO_ALL = re.compile(
    r"(?:undo|revert|scrap|take back|discard) (?:everything|it all|all(?: (?:changes|the changes|of it|"
    r"of that|my changes))?)(?: again| please)*"
)
_UNDOS = [rx(p) for p in _UNDO]
_REDOS = [rx(p) for p in _REDO]
_FORKS = [rx(p + _TAILS) for p in _FORK]
_MY_COMPARE.append(
    r"(?P<rest>{T}(?: and|,| or| vs| versus| against) {T})[,:;]? (?:what|where|how|which|tell me|show me|is there|any)"
    r"\b.*\b(?:differen(?:t|ce)|differs?|changed|better|nicer|best)\b.*"
)
_COMPARES = [rx(p) for p in _MY_COMPARE]
_SAME = re.compile(r"\b(?:it|this|that|the current(?: one)?|what we have|now)\b")


def history(text: Text) -> list[Step] | None:
    """Undo, redo and fork."""
    low = text.low.rstrip(" ?!.")
    for find in (_redo, _undo_previous, _undo, _fork):
        if steps := find(text, low):
            return steps
    return None


def _count(match: re.Match[str]) -> int:
    if times := pick(match, "times"):
        return TIMES[match[times]]
    number = pick(match, "n", "m")
    word = match[number] if number else "one"
    if word in ("a", "one"):
        return 1
    return {"a couple": 2, "a couple of": 2, "a few": 3}.get(word) or number_of(word) or 1


def _stepping(tool: str, count: int, text: Text) -> list[Step]:
    if not text.state.takes and not (text.state.can_undo if tool == "undo" else text.state.can_redo):
        return [Say(f"There is nothing to {tool} yet: this session has no pictures.", weak=False)]
    return [Call(tool, {"steps": count} if count > 1 else {})]


def _redo(text: Text, low: str) -> list[Step] | None:
    for pattern in _REDOS:
        if match := pattern.fullmatch(low):
            steps = _all_of(match, text.state.can_redo) or _count(match)
            return _stepping("redo", steps, text)
    return None


def _all_of(match: re.Match[str], left: int | None) -> int:
    """How many steps "both" or "everything" are; 0 when it was not said."""
    said = match.groupdict().get("both") or ""
    return 2 if said == "both" else (left or 1) if said else 0


def _undo(text: Text, low: str) -> list[Step] | None:
    if _UNDO_ALL.fullmatch(low):
        return _stepping("undo", text.state.can_undo or 1, text)
    for pattern in _UNDOS:
        if match := pattern.fullmatch(low):
            return _stepping("undo", _count(match), text)
    return None


def _undo_previous(text: Text, low: str) -> list[Step] | None:
    """As in "Back to the previous one" and "scrap the last two" count steps, not takes."""
    match = _UNDO_TO.fullmatch(low)
    ref = text.take_at(match.start("t")) if match else None
    if ref and ref.how == "previous":
        return _stepping("undo", 1, text)
    match = _BETTER.fullmatch(low)
    ref = text.take_at(match.start("t")) if match else None
    if ref and ref.how == "previous":
        return _stepping("undo", 1, text)
    match = _UNDO_LAST.fullmatch(low)
    ref = text.take_at(match.start("t")) if match else None
    if ref is None:
        return None
    if ref.how == "group" and ref.said.startswith(("the last", "last", "the latest")):
        return _stepping("undo", len(ref.numbers) or 1, text)
    if ref.how == "current" or (ref.numbers and ref.numbers == (text.state.current,)):
        return _stepping("undo", 1, text)
    if ref.numbers and low.startswith(
        ("delete", "remove", "erase", "trash", "bin", "throw", "get rid", "discard")
    ):
        return [
            Say(f"Pictures are deleted outside the conversation: limner delete {ref.numbers[0]}.", weak=False)
        ]
    return None


def _fork(text: Text, low: str) -> list[Step] | None:
    for pattern in _FORKS:
        match = pattern.fullmatch(low)
        ref = text.take_at(match.start(pick(match, "t"))) if match else None
        if ref:
            take = one_take(ref, text)
            if isinstance(take, Ask):
                return [take]
            return [Call("fork", {"take": take}, loose=_LOOSE.match(low[lead(low) :]) is not None)]
    return None


# A verb that picks a take to work on, where "go back to …" says that the user wants to be there.
_LOOSE = re.compile(r"(?:take|use|go with|pick|choose|select|open|work (?:on|with)|grab|with)\b")


def one_take(ref: TakeRef, text: Text) -> int | Ask:
    """The one take that is meant, or a question when it does not exist or several fit."""
    state = text.state
    if len(ref.numbers) == 1 and state.exists(ref.numbers[0]):
        return ref.numbers[0]
    if text.hints.take is not None and state.exists(text.hints.take):
        return text.hints.take
    near = [describe(t) for t in state.takes if t.number in ref.numbers] or [
        describe(t) for t in state.takes[-4:]
    ]
    if not state.takes:
        return Ask("There is no picture yet. What shall I draw?", options_to_draw(text), "words")
    if len(ref.numbers) > 1:
        return Ask(f'Which take do you mean by "{ref.said}"?', tuple(near[:6]), "take")
    return Ask(f'There is no take for "{ref.said}"; which one do you mean?', tuple(near[-4:]), "take")


def options_to_draw(text: Text) -> tuple[str, ...]:
    """What one could draw first: the taught subjects."""
    return tuple(f"draw {c.name}" for c in text.state.concepts[-3:])


def compare(text: Text) -> list[Step] | None:
    """Compare takes; without numbers only when it is clear which."""
    low = text.low.rstrip(" ?!.")
    match = next((m for p in _COMPARES if (m := p.fullmatch(low))), None)
    if not match:
        return _compare_bare(text, low)
    if not text.takes and text.subjects:
        return None
    refs, offset = text.takes, match.start("rest")
    numbers: list[int] = []
    it = _SAME.search(low, offset)
    if it and text.state.current and (not refs or it.start() < refs[0].start):
        numbers.append(text.state.current)
    for ref in refs:
        if ref.how == "group":
            if not ref.numbers:
                return compared(text, [], low)
            numbers += ref.numbers
            continue
        take = one_take(ref, text)
        if isinstance(take, Ask):
            return [take]
        numbers.append(take)
    if _MORE.search(low):
        return None
    if it and text.state.current and refs and it.start() > refs[0].start:
        numbers.append(text.state.current)
    return compared(text, list(dict.fromkeys(numbers)), low)


_MORE = re.compile(r"\b(?:then|undo|draw|paint|and (?:make|go|put|give|add|forget))\b")


def _compare_bare(text: Text, low: str) -> list[Step] | None:
    if re.fullmatch(
        r"(?:compare|what(?:'s| is) the difference|what changed|what did you change|"
        r"which (?:one )?is better|which (?:one )?do you (?:like|prefer)(?: better| more)?)",
        low,
    ):
        return compared(text, [], low)
    return None


def compared(text: Text, numbers: list[int], low: str) -> list[Step]:
    takes = [t.number for t in text.state.takes]
    if len(text.hints.takes) > 1:
        numbers = list(text.hints.takes)
    if len(numbers) == 1:
        other = text.hints.take
        if (
            other is None
            and numbers[0] != text.state.current
            and text.state.current
            and re.search(r"\bwith\b|\bto\b|than|differ|better|changed", low)
        ):
            other = text.state.current
        if other is not None and other != numbers[0]:
            numbers.append(other)
    if len(numbers) < 2 and len(takes) == 2:
        numbers = takes
    if len(takes) < 2 and len(numbers) < 2:
        return [Say("There are not two pictures to compare yet.", weak=False)]
    if len(numbers) < 2:
        return [_which_two(text)]
    return [Call("compare", {"takes": numbers[:6]})]


def _which_two(text: Text) -> Ask:
    takes = [t.number for t in text.state.takes]
    pairs = (
        [f"{a} and {b}" for a, b in ((takes[-2], takes[-1]), (takes[0], takes[-1]))] if len(takes) > 1 else []
    )
    return Ask("Which takes shall I compare?", tuple(dict.fromkeys(pairs)), "takes")

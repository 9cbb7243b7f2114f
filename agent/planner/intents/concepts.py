"""Looking after concepts: rename, forget, revert."""

from __future__ import annotations

import re

from ..normalise import lead, tail
from ..references import Text, pick, rx
from ..state import Ask, Call, Step
from ..subjects import antecedents, choose
from ..words import PRONOUNS

_WHO = r"(?P<c>{C}|him|her|it|them)"
_NEW = r"[\"']?(?P<new>[^\"'?!]{1,300}?|[^?!]{1,80}?)[\"']?"
_NOW = r"(?: (?:from now on|now|instead|please|in future|in the future|then|again))*"
_RENAMES = [
    rx(
        rf"(?:rename|re-name|relabel) (?P<c>{{C}}|him|her|it|them|[a-z]+)(?: as| to|:| into| ->|"
        rf" →)? {_NEW}{_NOW}"
    ),
    rx(rf"(?:change|switch|set|update) (?P<c>{{C}})(?:'s?)? name (?:to|into|from {{C}} to) {_NEW}{_NOW}"),
    rx(rf"(?:change|switch|set|update) (?P<p>his|her|its|their) name (?:to|into) {_NEW}{_NOW}"),
    rx(rf"(?:change|switch) the name of (?P<c>{{C}}) (?:to|into) {_NEW}{_NOW}"),
    rx(rf"(?:change|switch) the name (?P<c>{{C}}) (?:to|into) {_NEW}{_NOW}"),
    rx(
        rf"(?:give|gave) (?P<c>{{C}}|him|her|it|them) (?:the|a|another) (?:new |"
        rf"different )?name[:,]? {_NEW}{_NOW}"
    ),
    rx(
        rf"(?:from now on,? |in future,? |i (?:want|would like|'d like) to |let's |let us |i'll |we'll |"
        rf"we should |you can |you should |please )*(?:call|name) (?P<c>{{C}}|him|her|it|"
        rf"them) {_NEW}{_NOW}"
    ),
    rx(
        rf"(?:from now on,? |actually,? |no,? )*(?P<c>{{C}})(?:'s)? (?:is|should be|shall be|will be|are|"
        rf"be)(?: (?:now|from now on))? (?:called|named|known as|renamed(?: to| as)?) {_NEW}{_NOW}"
    ),
    rx(
        rf"(?:from now on,? |actually,? |no,? )*(?:he|she|it|they)(?: is| should be|'s| shall be| are|"
        rf" will be)(?: (?:now|actually))? (?:called|named|known as) {_NEW}{_NOW}"
    ),
    rx(
        rf"(?:from now on,? |actually,? |no,? )*(?:(?P<c>{{C}})'s?|(?P<p>his|her|its|their)) (?:real |"
        rf"new |actual |correct |proper )?name (?:is|should be|shall be|will be)(?: (?:now|actually|"
        rf"really|spelled|spelt|written|in fact))* {_NEW}{_NOW}"
    ),
    rx(rf"(?:the )?new name (?:for|of) (?P<c>{{C}})(?: is|:| should be)? {_NEW}{_NOW}"),
]
_RENAME_OPEN = rx(
    rf"(?:rename|(?:change|switch) the name of|find another name for|(?:give (?P<c>{{C}}) (?:a|"
    rf"another) (?:new|different|other) name)) ?{_WHO}?|change (?P<c>{{C}})(?:'s?)? name|(?:rename|"
    rf"change) (?:his|her|its) name"
)
_MEMORY = (
    r"(?:(?:from|out of) (?:your |the |my )?(?:memory|library|concepts?|list(?: of concepts)?|mind|"
    r"collection|subjects|brain|head|database)|as a (?:concept|subject))"
)
_FOREVER = (
    r"(?: (?:completely|entirely|for good|for ever|forever|again|altogether|please|totally|permanently|"
    r"now|too|as well))*"
)
_WHOM = r"(?P<all>{C}(?:(?:, and|,| and|, or) {C}){0,6}|him|her|them|it)"
_GONE = (
    r"(?:,? (?:please|for good|forever|completely|entirely|now|from now on|again|from your (?:memory|"
    r"mind|library|list|brain)))*"
)
_FORGETS = [
    rx(
        rf"(?:please )?(?:delete|erase|remove|wipe|clear|purge|forget|drop|destroy|throw away|get rid "
        rf"of|unlearn|discard|trash) (?:everything|all|all (?:the )?(?:data|info|information|"
        rf"knowledge|memory|memories|pictures|photos|of what)|whatever|anything|what|all memory|any "
        rf"memory|any trace|every trace|the memory|your memory|all traces)"
        rf"(?: (?:that )?(?:you|i)(?:'ve| have)? (?:know|learned|learnt|remember|have|stored|saved|"
        rf"have stored|taught you|told you|got))?(?: about| of| on| for| regarding)? {_WHOM}{_GONE}"
    ),
    rx(
        rf"(?:you (?:can|may|should|don't (?:need|have) to|needn't)|i don't want you to|no need to|stop|"
        rf"there's no need to|you no longer need to) (?:remember(?:ing)?|know(?:ing)?|keep(?:ing)?|store|"
        rf"storing|forget) {_WHOM}(?: any ?more| any longer| around)?{_GONE}"
    ),
    rx(
        rf"(?:i|we) (?:don't|do not|won't|no longer) (?:need|want|use|have) (?P<all>{{C}})(?: any ?more| "
        rf"any longer| around)?(?: (?:in|on) (?:your |the |my )?(?:memory|library|list))?{_GONE}"
    ),
    rx(
        rf"(?:wipe|erase|scrub|strike|cross|take|remove|delete|drop|kick) {_WHOM} (?:from|out of|off) "
        rf"(?:your |the |my |our )?(?:memory|mind|library|list|brain|head|concepts?|collection|database|"
        rf"subjects|system|books|records){_GONE}"
    ),
    rx(
        rf"(?P<all>{{C}}) (?:can|may|has to|must|should) (?:go|be (?:forgotten|deleted|removed|"
        rf"erased))(?: now)?{_GONE}"
    ),
    rx(
        rf"(?:(?:you can|you may|please|i want you to|you should|let's|just) )*(?:forget|unlearn|"
        rf"un-?teach|unteach)(?: (?:about|all about|everything (?:you (?:know|learned|learnt) )?about|"
        rf"everything on|what you know about|the (?:concept|"
        rf"subject)(?: of)?))? {_WHOM}(?: {_MEMORY})?{_FOREVER}"
    ),
    rx(
        rf"(?:delete|erase|drop|remove|wipe|clear|throw|kick|purge|take|get rid of) (?:the (?:concept|"
        rf"subject)(?: of)? )?{_WHOM}(?:'s)? (?:{_MEMORY}|concept|subject){_FOREVER}"
    ),
    rx(
        rf"(?:delete|erase|drop|remove|wipe|get rid of) (?:the |my )?(?:concept|subject|memory|"
        rf"data)(?: (?:of|called|named|about|for))? {_WHOM}{_FOREVER}"
    ),
    rx(
        rf"(?:i |we )?(?:don't|do not|won't) need {_WHOM} (?:any ?more|"
        rf"any longer),? (?:please )?(?:you can )?forget(?: (?:him|her|it|them|about (?:him|her|it|"
        rf"them)))?{_FOREVER}"
    ),
]
_DELETE = rx(rf"(?P<verb>delete|wipe|erase|unload|trash|remove|get rid of) {_WHOM}{_FOREVER}")
_FOR_GOOD = re.compile(r"\b(?:for good|for ?ever|permanently|completely|entirely)\b")
_FORGET_UNKNOWN = re.compile(
    r"(?:forget|unlearn|delete the concept|forget about|delete concept)(?: about)? (?P<who>(?:my |"
    r"our )?[a-z][\w-]*(?: [a-z][\w-]*)?)"
)
_FORGET_ALL = re.compile(
    r"(?:forget|delete|erase|wipe|clear|unlearn) (?:everything|all|all of (?:it|them)|everyone|"
    r"all (?:the |my |your )?(?:concepts|subjects|pets|names)|(?:your|the) (?:memory|"
    r"library))(?: (?:you know|you learned|i taught you|about everything))?"
)


def rename(text: Text) -> list[Step] | None:
    """Give a concept another name."""
    low = text.low.rstrip(" ?!.")
    if open_ended := _RENAME_OPEN.fullmatch(low):
        return [_open_rename(text, chosen(text, open_ended, pick(open_ended, "c")))]
    for pattern in _RENAMES:
        match = pattern.fullmatch(low)
        if not match or not text.state.concepts:
            continue
        old = _renamed(text, match)
        if old is None:
            continue
        if isinstance(old, Ask):
            return [old]
        new = text.raw[match.start("new") : match.end("new")].strip(" \"'.,")
        new = re.sub(r"^(?:to|as|into) ", "", new)
        if not new or new.lower() in ("", "it", "something else", "a take", "another name", "differently"):
            return [Ask(f"What shall {old} be called?", (), "name")]
        return [Call("rename", {"concept": old, "name": new})]
    return None


def _open_rename(text: Text, old: str | Ask) -> Step:
    """A rename without the new name: ask, unless it was answered already."""
    if isinstance(old, Ask):
        return old
    if text.hints.name:
        return Call("rename", {"concept": old, "name": text.hints.name})
    return Ask(f"What shall {old} be called?", (), "name")


def _renamed(text: Text, match: re.Match[str]) -> str | Ask | None:
    """Whom to rename; `None` when the sentence does not name a concept after all."""
    group = pick(match, "c", "p")
    if group and match[group] not in PRONOUNS and not text.subject_at(match.start(group)):
        return choose((), text.raw[match.start(group) : match.end(group)], text.state, text.hints)
    return chosen(text, match, group)


def chosen(text: Text, match: re.Match[str], group: str) -> str | Ask:
    """The concept behind a group that holds a marked concept, a pronoun or nothing."""
    said = match[group] if group else ""
    if said and (subject := text.subject_at(match.start(group))):
        if subject.how == "near" and not text.hints.concept:
            return near_question(subject.said, subject.names)
        return choose(subject.names, subject.said, text.state, text.hints)
    word = said if said in PRONOUNS else next((w for w in re.findall(r"[a-z]+", text.low) if w in PRONOUNS), "it")
    names = antecedents(word, text.state) or (text.state.focus if word == "it" else ())
    return choose(names, word, text.state, text.hints)


def near_question(said: str, names: tuple[str, ...]) -> Ask:
    """Ask about a name that is nearly right."""
    return Ask(
        f'I do not know "{said}". Did you mean {" or ".join(names)}?',
        (*names, "no, something else"),
        "concept",
    )


def forget(text: Text) -> list[Step] | None:
    """Forget concepts. Destructive, so anything unclear is asked."""
    low = text.low.rstrip(" ?!.")
    if _FORGET_ALL.fullmatch(low):
        names = tuple(c.name for c in text.state.concepts)
        return [Ask("Everything? Say which ones I shall forget.", names[:9], "concept")] if names else None
    for pattern in _FORGETS:
        match = pattern.fullmatch(low)
        if match and match["all"] != "it":  # "forget it" drops the matter
            return _forgotten(text, match)
    if match := _DELETE.fullmatch(low):
        return _deleted(text, match)
    match = _FORGET_UNKNOWN.fullmatch(low)
    if match and not text.takes and not re.search(r"\b(?:it|that|this|the|change|last)\b", match["who"]):
        return [
            Ask(
                f'I do not know "{text.raw[match.start("who") : match.end("who")]}". Whom shall I forget?',
                tuple(c.name for c in text.state.concepts)[:9],
                "concept",
            )
        ]
    return None


def _forgotten(text: Text, match: re.Match[str]) -> list[Step]:
    steps: list[Step] = []
    inside = [s for s in text.subjects if match.start("all") <= s.start < match.end("all")]
    if not inside:
        who = chosen(text, match, "all")
        return [who if isinstance(who, Ask) else Call("forget", {"concept": who})]
    for subject in inside:
        if subject.how == "near" and not text.hints.concept:
            return [near_question(subject.said, subject.names)]
        if subject.how == "group":
            steps += [Call("forget", {"concept": name}) for name in subject.names]
            continue
        who = choose(subject.names, subject.said, text.state, text.hints)
        if isinstance(who, Ask):
            return [who]
        steps.append(Call("forget", {"concept": who}))
    return steps


def leaves(text: Text) -> list[Step] | None:
    """Of several in the picture one is to go: "remove Luna" takes her out of it, and forgets nobody."""
    start = lead(text.low)
    body = text.part(start, max(start, tail(text.low)))
    match, take = _DELETE.fullmatch(body.low.rstrip(" ?!.")), text.state.take(text.state.current)
    if match is None or match["verb"] not in ("remove", "get rid of", "erase") or text.hints.mode == "forget":
        return None
    subject = body.subject_at(match.start("all"))
    known = subject is not None and len(subject.names) == 1 and not _FOR_GOOD.search(match.group())
    if not (known and subject and take and len(take.figures) > 1 and subject.names[0] in take.concepts):
        return None
    return [Call("edit", {"take": take.number, "instruction": body.raw[: match.end("all")]})]


def _deleted(text: Text, match: re.Match[str]) -> list[Step] | None:
    """As in "Delete Biscuit" may mean the concept or its place in the picture."""
    if match["all"] in ("him", "her", "them") and re.search(r"\b(?:for good|for ?ever|permanently)\b", match.group()):
        return _forgotten(text, match)
    subject = text.subject_at(match.start("all"))
    if subject is None or subject.how == "kind":
        return None
    take = text.state.take(text.state.current)
    shown = take is not None and any(name in take.concepts for name in subject.names)
    if shown and match["verb"] in ("remove", "get rid of", "erase"):
        return None
    if shown and text.hints.mode == "edit":
        return None
    if _FOR_GOOD.search(match.group()):
        return _forgotten(text, match)
    if text.hints.mode != "forget" and (shown or match["verb"] in ("remove", "get rid of", "erase")):
        out = (f"take out of take {text.state.current}",) if take else ()
        return [Ask(f"Shall I forget {subject.said} for good?", ("forget for good", *out), "mode")]
    return _forgotten(text, match)

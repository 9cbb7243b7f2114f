"""Looking after concepts: rename, forget, revert, recall."""

from __future__ import annotations

import re

from ..references import Text, pick, rx
from ..state import Ask, Call, Say, Step
from ..subjects import antecedents, choose, of_kind
from ..takes import number_of
from ..words import KINDS, NUMBERS, ORDINALS, PRONOUNS, either

_WHO = r"(?P<c>{C}|him|her|it|them)"
_NEW = r"[\"']?(?P<new>[^\"'?!]{1,300}?|[^?!]{1,80}?)[\"']?"
_NOW = r"(?: (?:from now on|now|instead|please|in future|in the future|then|again))*"
_RENAMES = [
    rx(rf"(?:rename|re-name|relabel) (?P<c>{{C}}|him|her|it|them|[a-z]+)(?: as| to|:| into| ->| →)? {_NEW}{_NOW}"),
    rx(rf"(?:change|switch|set|update) (?P<c>{{C}})(?:'s?)? name (?:to|into|from {{C}} to) {_NEW}{_NOW}"),
    rx(rf"(?:change|switch|set|update) (?P<p>his|her|its|their) name (?:to|into) {_NEW}{_NOW}"),
    rx(rf"(?:change|switch) the name of (?P<c>{{C}}) (?:to|into) {_NEW}{_NOW}"),
    rx(rf"(?:change|switch) the name (?P<c>{{C}}) (?:to|into) {_NEW}{_NOW}"),
    rx(rf"(?:give|gave) (?P<c>{{C}}|him|her|it|them) (?:the|a|another) (?:new |different )?name[:,]? {_NEW}{_NOW}"),
    rx(rf"(?:from now on,? |in future,? |i (?:want|would like|'d like) to |let's |let us |i'll |we'll |we should |you can |you should |please )*(?:call|name) (?P<c>{{C}}|him|her|it|them) {_NEW}{_NOW}"),
    rx(rf"(?:from now on,? |actually,? |no,? )*(?P<c>{{C}})(?:'s)? (?:is|should be|shall be|will be|are|be)(?: (?:now|from now on))? (?:called|named|known as|renamed(?: to| as)?) {_NEW}{_NOW}"),
    rx(rf"(?:from now on,? |actually,? |no,? )*(?:he|she|it|they)(?: is| should be|'s| shall be| are| will be)(?: (?:now|actually))? (?:called|named|known as) {_NEW}{_NOW}"),
    rx(rf"(?:from now on,? |actually,? |no,? )*(?:(?P<c>{{C}})'s?|(?P<p>his|her|its|their)) (?:real |new |actual |correct |proper )?name (?:is|should be|shall be|will be)(?: (?:now|actually|really))? {_NEW}{_NOW}"),
    rx(rf"(?:the )?new name (?:for|of) (?P<c>{{C}})(?: is|:| should be)? {_NEW}{_NOW}"),
]
_RENAME_OPEN = rx(rf"(?:rename|(?:change|switch) the name of|find another name for|(?:give (?P<c>{{C}}) (?:a|another) (?:new|different|other) name)) ?{_WHO}?|change (?P<c>{{C}})(?:'s?)? name|(?:rename|change) (?:his|her|its) name")
_MEMORY = r"(?:(?:from|out of) (?:your |the |my )?(?:memory|library|concepts?|list(?: of concepts)?|mind|collection|subjects|brain|head|database)|as a (?:concept|subject))"
_FOREVER = r"(?: (?:completely|entirely|for good|for ever|forever|again|altogether|please|totally|permanently|now|too|as well))*"
_WHOM = r"(?P<all>{C}(?:(?:, and|,| and|, or) {C}){0,6}|him|her|them|it)"
_FORGETS = [
    rx(rf"(?:(?:you can|you may|please|i want you to|you should|let's|just) )*(?:forget|unlearn|un-?teach|unteach)(?: (?:about|all about|everything (?:you (?:know|learned|learnt) )?about|everything on|what you know about|the (?:concept|subject)(?: of)?))? {_WHOM}(?: {_MEMORY})?{_FOREVER}"),
    rx(rf"(?:delete|erase|drop|remove|wipe|clear|throw|kick|purge|take|get rid of) (?:the (?:concept|subject)(?: of)? )?{_WHOM}(?:'s)? (?:{_MEMORY}|concept|subject){_FOREVER}"),
    rx(rf"(?:delete|erase|drop|remove|wipe|get rid of) (?:the |my )?(?:concept|subject|memory|data)(?: (?:of|called|named|about|for))? {_WHOM}{_FOREVER}"),
    rx(rf"(?:i |we )?(?:don't|do not|won't) need {_WHOM} (?:any ?more|any longer),? (?:please )?(?:you can )?forget(?: (?:him|her|it|them|about (?:him|her|it|them)))?{_FOREVER}"),
]
_DELETE = rx(rf"(?P<verb>delete|wipe|erase|unload|trash|remove|get rid of) {_WHOM}{_FOREVER}")
_FORGET_UNKNOWN = re.compile(r"(?:forget|unlearn|delete the concept|forget about|delete concept)(?: about)? (?P<who>(?:my |our )?[a-z][\w-]*(?: [a-z][\w-]*)?)")
_FORGET_ALL = re.compile(r"(?:forget|delete|erase|wipe|clear|unlearn) (?:everything|all|all of (?:it|them)|everyone|all (?:the |my |your )?(?:concepts|subjects|pets|names)|(?:your|the) (?:memory|library))(?: (?:you know|you learned|i taught you|about everything))?")
_VERSION = rf"(?:version|v\.?|revision) ?(?P<v>\d{{1,4}}|{either(dict.fromkeys(NUMBERS))})"
_NTH = rf"(?P<nth>{either(dict.fromkeys(ORDINALS))}|original|initial|old|previous|earlier|last|former|\d{{1,3}}(?:st|nd|rd|th))"
_BACK = r"(?:give me|revert|restore|reset|roll ?back|roll back|rollback|go back|bring back|return|switch|set|change|turn|put|undo|take|use)"
_REVERTS = [
    rx(rf"{_BACK}(?: back)?(?: to)? (?P<c>{{C}})(?: back)?(?: again)? (?:to|at|as|on|in) (?:the |an |his |her |its )?(?:{_VERSION}|{_NTH} version(?: of {{C}})?)(?: again| please)?"),
    rx(rf"{_BACK}(?: back)?(?: to)? (?:the )?(?:{_VERSION}|{_NTH} (?:version|one)) (?:of|for) (?P<c>{{C}})(?: again| please| back)?"),
    rx(rf"{_BACK}(?: back)?(?: to)? (?P<c>{{C}})'?s? (?:{_VERSION}|{_NTH} version)(?: again| please)?"),
    rx(rf"(?:use|take|i want|give me) (?P<c>{{C}}) {_VERSION}(?: again| please)?"),
    rx(r"(?:revert|restore|reset|roll ?back|rollback) (?P<c>{C})(?: (?:again|please|to before|to (?:how|what|the way) (?:he|she|it|they) (?:was|were|looked)(?: before)?|to the version before(?: that)?|one version|by one version|a version))*"),
    rx(rf"(?:go|switch|change|bring|return|get|let's go) back to (?:the |my )?(?:{_NTH}) (?P<c>{{C}})(?: again| please)?"),
    rx(rf"(?:bring back|restore|give me(?: back)?|i want) (?:the |my )?{_NTH} (?P<c>{{C}})(?: back| again| please)*"),
    rx(r"(?:undo|revert|reverse|take back|cancel|drop|roll back|discard|remove) (?:the |my |that |your )?(?:last |latest |previous |recent )?(?:change|changes|correction|refinement|update|edit|modification|revision)s? (?:to|of|on|about|for|in) (?P<c>{C})(?:'s? [a-z]+)?(?: again| please)?"),
    rx(r"(?:undo|revert|take back|cancel|forget) (?:the |my |that )?(?:last |latest |previous )?(?:correction|refinement)(?: (?:to|of|on|about|for) (?P<c>{C}))?"),
    rx(r"(?:undo|revert|take back|cancel|forget) what i (?:just )?(?:said|told you) about (?P<c>{C}|him|her|it|them|his|its|their)(?:'s?)?(?: [a-z]+)?"),
    rx(r"(?:undo|revert|take back) (?P<c>{C})'s? (?:last |latest )?(?:change|changes|correction|refinement|update|version)"),
    rx(r"(?P<c>{C}) (?:was|looked) (?:better|right|fine|correct|good) before(?:,? (?:go back|revert|undo|change (?:it|him|her) back|revert (?:it|him|her|that)))?"),
    rx(rf"(?P<c>{{C}})(?: back)? to (?:{_VERSION}|the {_NTH} version)"),
]


def rename(text: Text) -> list[Step] | None:
    """Give a concept another name."""
    low = text.low.rstrip(" ?!.")
    if open_ended := _RENAME_OPEN.fullmatch(low):
        old = _chosen(text, open_ended, pick(open_ended, "c"))
        if isinstance(old, Ask):
            return [old]
        if text.hints.name:
            return [Call("rename", {"concept": old, "name": text.hints.name})]
        return [Ask(f"What shall {old} be called?", (), "name")]
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


def _renamed(text: Text, match: re.Match[str]) -> str | Ask | None:
    """Whom to rename; `None` when the sentence does not name a concept after all."""
    group = pick(match, "c", "p")
    if group and match[group] not in PRONOUNS and not text.subject_at(match.start(group)):
        return choose((), text.raw[match.start(group) : match.end(group)], text.state, text.hints)
    return _chosen(text, match, group)


def _chosen(text: Text, match: re.Match[str], group: str) -> str | Ask:
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
    return Ask(f'I do not know "{said}". Did you mean {" or ".join(names)}?', (*names, "no, something else"), "concept")


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
        return [Ask(f'I do not know "{text.raw[match.start("who"):match.end("who")]}". Whom shall I forget?',
                    tuple(c.name for c in text.state.concepts)[:9], "concept")]
    return None


def _forgotten(text: Text, match: re.Match[str]) -> list[Step]:
    steps: list[Step] = []
    inside = [s for s in text.subjects if match.start("all") <= s.start < match.end("all")]
    if not inside:
        who = _chosen(text, match, "all")
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


def _deleted(text: Text, match: re.Match[str]) -> list[Step] | None:
    """"Delete Biscuit" may mean the concept or its place in the picture."""
    subject = text.subject_at(match.start("all"))
    if subject is None or subject.how == "kind":
        return None
    take = text.state.take(text.state.current)
    shown = take is not None and any(name in take.concepts for name in subject.names)
    if shown and match["verb"] in ("remove", "get rid of", "erase"):
        return None
    if shown and text.hints.mode == "edit":
        return None
    if text.hints.mode != "forget" and (shown or match["verb"] in ("remove", "get rid of", "erase")):
        out = (f"take out of take {text.state.current}",) if take else ()
        return [Ask(f"Shall I forget {subject.said} for good?", ("forget for good", *out), "mode")]
    return _forgotten(text, match)


def revert(text: Text) -> list[Step] | None:
    """Bring back an earlier version of a concept."""
    text = text.plain(takes=True)
    low = text.low.rstrip(" ?!.")
    if not text.state.concepts:
        return None
    for pattern in _REVERTS:
        match = pattern.fullmatch(low)
        if not match:
            continue
        concept = _chosen(text, match, pick(match, "c"))
        if isinstance(concept, Ask):
            return [concept]
        return [Call("revert", {"concept": concept, **_version(match)})]
    return None


def _version(match: re.Match[str]) -> dict[str, int]:
    if version := pick(match, "v"):
        return {"version": number_of(match[version])}
    nth = match[group] if (group := pick(match, "nth")) else ""
    if nth in ("original", "initial"):
        return {"version": 1}
    return {"version": number_of(nth)} if number_of(nth) else {}


_ALL_KNOWN = re.compile(
    r"(?:(?:tell|show|remind) me(?: again)? |can you tell me |do you remember |list(?: me)? |give me (?:a list of |an overview of )?|what about )?"
    r"(?:what (?:all )?(?:do|did) you (?:know|remember|learn|have learned)(?: so far| about| already| by now| now)?|what you know|what do you have (?:in (?:your )?memory|stored|saved)|"
    r"(?:what|who|whom|which (?:ones?|subjects|concepts|characters|pets|people|animals|things|names)|what (?:subjects|concepts|characters|things|names)|who all)(?: all)? (?:do|did|have|can|are) (?:you|i|we|there)(?: (?:already|so far|currently|all))*(?: (?:know|knows|remember|learn|learned|learnt|taught|teach|have|got|draw|store|stored|recognise|recognize|seen|met|saved|memorised|memorized|taught you))*(?: you)?(?: (?:already|so far|now|by now|in (?:your )?(?:memory|library)|of|about|by name|yet|to you))*|"
    r"(?:all )?(?:the |your |my |our |of )*(?:concepts?|subjects|library|memory|known subjects|characters)(?: list| you know| you have| i taught you| i have taught you| so far)*|"
    r"(?:everything|everyone|everybody|all|the things|the subjects|the concepts) (?:that )?(?:you (?:know|learned|remember|have learned)|i(?:'ve| have)? taught you)(?: so far)?|"
    r"what(?:'s| is) in (?:your|the) (?:memory|library)|who(?:'s| is) in (?:your|the) (?:memory|library)|"
    r"what (?:have|did) i (?:taught|teach|shown?|told) you(?: so far)?|how many (?:concepts|subjects|characters|things|animals|pets) (?:do you (?:know|have|remember)|have i taught you|are there)(?: so far)?|"
    r"what have you learned(?: so far)?|(?:which|what) subjects(?: are there| can you draw)?|who can you draw|show me my concepts|which of my (?:things|pets|subjects|concepts) do you know)"
)
_ABOUT = [
    rx(r"(?:(?:tell|show|remind) me |can you tell me |do you (?:remember|know) |say )?(?:everything |something |more |all |anything )?(?:you know |you remember |you have )?(?:about|on|of) (?P<c>{C}|him|her|it|them|(?:my|our) [a-z ]{1,30}|[a-z]+)(?: again| so far| please)*"),
    rx(r"(?:(?:tell|remind) me |can you tell me |do you (?:remember|know) )?(?:who|what)(?:'s| is| was| are|'re)(?: (?:actually|again|exactly))? (?P<c>{C}|he|she|they)(?: again| exactly| actually| like)*"),
    rx(r"(?:what|which|how much|how well)(?: things| facts| all)? (?:do|did) you (?:know|remember|have|learn|store|recall)(?: all)?(?: (?:about|of|on|for))? (?P<c>{C}|him|her|it|them|(?:my|our) [a-z]{1,20})(?: so far| already)?"),
    rx(r"(?:do|did|can) you (?:already |still |even )?(?:know|remember|recognise|recognize|recall|have)(?: about| who| what)? (?P<c>{C}|him|her|them|(?:my|our) [a-z]{1,20}|[a-z]+)(?: is| looks? like| already| yet)?"),
    rx(r"(?:have|did) (?:i|we) (?:already |ever )?(?:taught|teach|shown?|told)(?: you)?(?: about)? (?P<c>{C}|(?:my|our) [a-z]{1,20}|[a-z]+)(?: to you)?(?: already| yet)?"),
    rx(r"(?:describe|recall|look up|find|search(?: for)?|show what you know about|info(?:rmation)?(?: on| about)?|details (?:on|of|about)) (?P<c>{C}|him|her|it|them|(?:my|our) [a-z]{1,20})(?: (?:to|for) me)?(?: again| please)?"),
    rx(r"(?:what|how) (?:does|do|did) (?P<c>{C}|he|she|it|they) look(?: like)?(?: again)?"),
    rx(r"what (?:kind|sort|type|breed|species|version|colou?r)(?: of (?:[a-z]+))? (?:is|are) (?P<c>{C}|he|she|it|they)(?: again| now)?"),
    rx(r"(?:what(?:'s| is| are)) (?P<c>{C})'s? (?:kind|version|attributes|features|colou?rs?|description|traits|details|nickname|nicknames)"),
    rx(r"which version of (?P<c>{C}) (?:is (?:this|that|current|it)|do you have|are we (?:at|on|using))"),
    rx(r"how many (?:pictures|photos|references|images|versions) (?:of (?P<c>{C}) (?:do you have|are there|do you know)|do you have of (?P<c>{C})|does (?P<c>{C}) have)"),
]
_KIND_QUERY = re.compile(
    rf"(?:which|what|how many|do you (?:know|have|remember)(?: any| some)?|are there(?: any)?|have i taught you(?: any| some)?|list(?: all)?(?: the| my)?|show me (?:all )?(?:my|the)|who are|tell me about)(?: of)?(?: all)?(?: my| our| the| your)? (?P<k>{either(frozenset(re.escape(k) for k in KINDS))})(?:e?s)?(?: (?:do|have|are|did|can|that)(?: (?:you|i|we|there))?(?: (?:know|remember|have|taught|draw|seen|learned|learn))?(?: you)?| you know)?"
)
_WHO_PICTURE = re.compile(
    r"(?:who|what|which (?:one|subject|concept|dog|cat|of them|of my [a-z]+))(?:'s| is| was)? (?:this|that|that in the (?:picture|photo)|in (?:this|the) (?:picture|photo|image)|it|on (?:this|the) (?:picture|photo)|shown (?:here|in (?:this|the) (?:picture|photo)))|do you (?:know|recogni[sz]e|remember) (?:this|that|who this is|what this is|him|her|it|who that is|this (?:one|[a-z]+)|the (?:dog|cat|person|subject) in (?:this|the) (?:picture|photo))|recogni[sz]e (?:this|that|him|her|it)|have you seen (?:this|that)(?: [a-z]+)? before|(?:find|search|look) (?:who|what) this is"
)


def recall(text: Text) -> list[Step] | None:
    """What the agent knows: of all, of one, of a kind, or of what a picture shows."""
    low = text.low.rstrip(" ?!.")
    files = [f.path for f in text.files] or list(text.state.attached)
    plain = re.sub(r"[\s:,]*\ue002+[\s:,]*(?:in|on)?", "", low).strip(" ?!.:,")
    if files and _WHO_PICTURE.match(plain):
        return [Call("recall", {"image": files[0]})]
    if re.fullmatch(r"(?:who|what) do you know", low) or _ALL_KNOWN.fullmatch(low):
        return [Call("recall")]
    for pattern in _ABOUT:
        if match := pattern.fullmatch(low):
            return _about(text, match)
    match = _KIND_QUERY.fullmatch(low)
    if match and not re.match(r"(?:what|which) [a-z]+$", low):
        return [Call("recall", {"query": match["k"]})]
    return None


def _about(text: Text, match: re.Match[str]) -> list[Step] | None:
    group = pick(match, "c")
    said = match[group]
    subject = text.subject_at(match.start(group))
    if subject is None and said not in PRONOUNS:
        word = text.raw[match.start(group) : match.end(group)].strip()
        mine = re.match(r"(?:my|our) ", word.lower())
        if mine or word[:1].isupper():
            return [Call("recall", {"query": word[mine.end() if mine else 0 :]})]
        return None
    if subject is not None and len(subject.names) > 1 and not text.hints.concept:
        kind = subject.said.split()[-1].lower()
        if subject.how != "near" and of_kind(kind, text.state.concepts):
            return [Call("recall", {"query": kind})]
    if subject is not None and not subject.names:
        return [Call("recall", {"query": subject.said.split()[-1]})]
    if said in ("it", "he", "she", "they", "him", "her", "them") and not antecedents(said, text.state):
        return [Say("I do not know whom you mean; name one of your subjects.", weak=False)] if said != "it" else None
    concept = _chosen(text, match, group)
    return [concept if isinstance(concept, Ask) else Call("recall", {"query": concept})]

"""What the agent knows: of all subjects, of one, of a kind, or of what a picture shows."""

from __future__ import annotations

import re

from ..normalise import lead
from ..references import Text, pick, rx
from ..state import Ask, Call, Say, Step
from ..subjects import antecedents, of_kind
from ..words import KINDS, PRONOUNS, either
from .concepts import chosen

_ALL_KNOWN = re.compile(
    r"(?:(?:tell|show|remind) me(?: again)? |can you tell me |do you remember |list(?: me)? |"
    r"give me (?:a list of |an overview of )?|what about )?"
    r"(?:what (?:all )?(?:do|did) you (?:know|remember|learn|have learned)(?: so far| about| already|"
    r" by now| now)?|what you know|what do you have (?:in (?:your )?memory|stored|saved)|"
    r"(?:what|who|whom|which (?:ones?|subjects|concepts|characters|pets|people|animals|things|names)|"
    r"what (?:subjects|concepts|characters|things|names)|who all)(?: all)? (?:do|did|have|can|"
    r"are) (?:you|i|we|there)(?: (?:already|so far|currently|all))*(?: (?:know|knows|remember|learn|"
    r"learned|learnt|taught|teach|have|got|draw|store|stored|recognise|recognize|seen|met|saved|"
    r"memorised|memorized|taught you))*(?: you)?(?: (?:already|so far|now|by now|"
    r"in (?:your )?(?:memory|library)|of|about|by name|yet|to you))*|"
    r"(?:all )?(?:the |your |my |our |of )*(?:concepts?|subjects|library|memory|known subjects|"
    r"characters)(?: list| you know| you have| i taught you| i have taught you| so far)*|"
    r"(?:everything|everyone|everybody|all|the things|the subjects|"
    r"the concepts) (?:that )?(?:you (?:know|learned|remember|have learned)|i(?:'ve|"
    r" have)? taught you)(?: so far)?|"
    r"what(?:'s| is) in (?:your|the) (?:memory|library)|who(?:'s| is) in (?:your|the) (?:memory|library)|"
    r"what (?:have|did) i (?:taught|teach|shown?|told) you(?: so far)?|how many (?:concepts|subjects|"
    r"characters|things|animals|pets) (?:do you (?:know|have|remember)|have i taught you|"
    r"are there)(?: so far)?|"
    r"what have you learned(?: so far)?|(?:which|what) subjects(?: are there| can you draw)?|"
    r"who can you draw|show me my concepts|which of my (?:things|pets|subjects|concepts) do you know)"
)
_ABOUT = [
    rx(
        r"(?:and )?(?:what|which)(?: facts| info(?:rmation)?| things| details| all| else)? (?:have "
        r"you|do you|did you|have we|you have)(?: got)? ?(?:stored|saved|noted|remembered|written "
        r"down|learned|learnt|on file|got|have|remember|know|recorded)?"
        r"(?: so far)? (?:about|on|for|of) (?P<c>{C}|him|her|them|(?:my|our) [a-z]{1,20})(?: so far| "
        r"already| by now)?"
    ),
    rx(
        r"(?:which|what|who)(?: one)? of (?:my|the|our) (?:things|stuff|pets|animals|subjects|concepts|"
        r"friends|characters|people|ones) (?:is|are|was|has|have|do|does) (?:a |an |the |my )?(?P<c>{C}|"
        r"[a-z]+)(?: again| already| one)*"
    ),
    rx(
        r"(?:what|which) (?:notes|facts|attributes|features|info|information|corrections|details) (?:do "
        r"you have|are there|have you|did i give you) ?(?:on|about|for|of) (?P<c>{C}|him|her|it|them)"
    ),
    rx(
        r"(?:remind me|tell me|refresh my memory)(?: again)?,? (?:who|what)(?:'s| is)? (?P<c>{C})(?: is| "
        r"are| was)?(?: again)?"
    ),
    rx(
        r"(?:(?:tell|show|remind) me |can you tell me |do you (?:remember|know) |say )?(?:everything |"
        r"something |more |all |anything )?(?:you know |you remember |you have )?(?:about|on|"
        r"of) (?P<c>{C}|him|her|it|them|(?:my|our) [a-z ]{1,30}|[a-z]+)(?: again| so far| please)*"
    ),
    rx(
        r"(?:(?:tell|remind) me |can you tell me |do you (?:remember|know) )?(?:who|what)(?:'s| is| was|"
        r" are|'re)(?: (?:actually|again|exactly))? (?P<c>{C}|he|she|they)(?: again| exactly| actually|"
        r" like)*"
    ),
    rx(
        r"(?:what|which|how much|how well)(?: things| facts| all)? (?:do|did) you (?:know|remember|have|"
        r"learn|store|recall)(?: all)?(?: (?:about|of|on|for))? (?P<c>{C}|him|her|it|them|(?:my|"
        r"our) [a-z]{1,20})(?: so far| already)?"
    ),
    rx(
        r"(?:do|did|can) you (?:already |still |even )?(?:know|remember|recognise|recognize|recall|"
        r"have)(?: about| who| what)? (?P<c>{C}|him|her|them|(?:my|our) [a-z]{1,20}|[a-z]+)(?: is|"
        r" looks? like| already| yet)?"
    ),
    rx(
        r"(?:have|did) (?:i|we) (?:already |ever )?(?:taught|teach|shown?|"
        r"told)(?: you)?(?: about)? (?P<c>{C}|(?:my|our) [a-z]{1,20}|[a-z]+)(?: to you)?(?: already|"
        r" yet)?"
    ),
    rx(
        r"(?:describe|recall|look up|find|search(?: for)?|show what you know about|"
        r"info(?:rmation)?(?: on| about)?|details (?:on|of|about)) (?P<c>{C}|him|her|it|them|(?:my|"
        r"our) [a-z]{1,20})(?: (?:to|for) me)?(?: again| please)?"
    ),
    rx(r"(?:what|how) (?:does|do|did) (?P<c>{C}|he|she|it|they) look(?: like)?(?: again)?"),
    rx(
        r"what (?:kind|sort|type|breed|species|version|colou?r)(?: of (?:[a-z]+))? (?:is|are) (?P<c>{C}|"
        r"he|she|it|they)(?: again| now)?"
    ),
    rx(
        r"(?:what(?:'s| is| are)) (?P<c>{C})'s? (?:kind|version|attributes|features|colou?rs?|"
        r"description|traits|details|nickname|nicknames)"
    ),
    rx(r"which version of (?P<c>{C}) (?:is (?:this|that|current|it)|do you have|are we (?:at|on|using))"),
    rx(
        r"how many (?:pictures|photos|references|images|versions) (?:of (?P<c>{C}) (?:do you have|"
        r"are there|do you know)|do you have of (?P<c>{C})|does (?P<c>{C}) have)"
    ),
]
_KIND_QUERY = re.compile(
    rf"(?:which|what|how many|do you (?:know|have|remember)(?: any| some)?|are there(?: any)?|"
    rf"have i taught you(?: any| some)?|list(?: all)?(?: the| my)?|show me (?:all )?(?:my|the)|"
    rf"who are|tell me about)(?: of)?(?: all)?(?: my| our| the|"
    rf" your)? (?P<k>{either(frozenset(re.escape(k) for k in KINDS))})(?:e?s)?(?: (?:do|have|are|did|"
    rf"can|that)(?: (?:you|i|we|there))?(?: (?:know|remember|have|taught|draw|seen|learned|"
    rf"learn))?(?: you)?| you know)?"
)
_WHO_PICTURE = re.compile(
    r"(?:is|isn't|was) (?:this|that|it|he|she|the [a-z]+ in (?:this|the) [a-z]+)(?: (?:one|guy|thing|"
    r"dog|cat|person))?(?: not| really| maybe| actually| supposed to be)* (?:\ue000+|him|her|one of "
    r".{1,30}|someone you know|anyone you know|somebody you know)(?: again| here| or not| too)*|"
    r"(?:whose|which) [a-z]+ is (?:this|that|it)|does (?:this|that|it|he|she) look (?:familiar|like "
    r".{1,30})|do you (?:know|recogni[sz]e) .{0,20}(?:picture|photo|image)|"
    r"(?:who|what|which (?:one|subject|concept|dog|cat|of them|of my [a-z]+))(?:'s| is|"
    r" was)? (?:this|that|that in the (?:picture|photo)|in (?:this|the) (?:picture|photo|image)|it|"
    r"on (?:this|the) (?:picture|photo)|shown (?:here|in (?:this|the) (?:picture|photo)))|"
    r"(?:do|can) you (?:know|recogni[sz]e|remember|identify|tell) (?:the (?:one|guy|thing|animal|"
    r"character) (?:in|on) (?:(?:this|"
    r"the|my) [a-z]+|\ue001+)|this|that|who this is|what this is|him|her|it|"
    r"who that is|this (?:one|[a-z]+)|the (?:dog|cat|person|subject) in (?:this|the) (?:picture|"
    r"photo))|recogni[sz]e (?:this|that|him|her|it)|have you seen (?:this|that)(?: [a-z]+)? before|"
    r"(?:find|search|look) (?:who|what) this is"
)


_ANY_KNOWN = re.compile(
    r"(?:do|did|have) you (?:already |even |still )?(?:know|remember|learned?|learnt|met|have|seen|"
    r"got|store|stored) (?:any(?:thing|one|body)?|some|all)(?: ?(?:of )?(?:my|our|the|these) "
    r"(?:stuff|things|pets|animals|friends|people|subjects|concepts|characters|family|toys))?(?: of "
    r"mine)?(?: (?:yet|already|so far|at all))*"
    r"|(?:who|what|whom)(?:'s| is| are)? (?:all )?(?:in there|in your head|in your memory|in the "
    r"library|stored|saved|on file|on your list|in my library|my concepts|my subjects)(?: so far| "
    r"already| right now| now)?"
    r"|(?:who|what|whom|which (?:pets|animals|people|things|subjects|characters|friends))(?: all)? "
    r"(?:have|did) (?:i|we) (?:already )?(?:taught|teach|shown?|introduced?|given|give|told)(?: to)? "
    r"?(?:you)?(?: (?:about|so far|already|to|until now|up to now))*"
    r"|(?:which|what) (?:of )?(?:my |the |our )?(?:pets|animals|people|things|subjects|characters|"
    r"friends|names|concepts|stuff)(?: of mine)? (?:do you|can you|have you|are you)(?: (?:already|"
    r"even))? ?(?:know|remember|draw|learned|learnt|got|recognise|recognize|aware of)?(?: (?:so far|"
    r"already|yet|now|by now))*"
    r"|(?:list|show|give)(?: me)? (?:everything|everyone|everybody|all|what|whom|who)(?: that)?(?: "
    r"you)?(?: (?:know|remember|have|learned|learnt|have learned|have stored|can draw))(?: so far| "
    r"already)?"
)


def recall(text: Text) -> list[Step] | None:
    """What the agent knows: of all, of one, of a kind, or of what a picture shows."""
    low = text.low.rstrip(" ?!.")
    if re.fullmatch(r"(?:and )?(?:who|what) (?:exactly )?are you", low):
        return None
    files = [f.path for f in text.files] or list(text.state.attached)
    plain = re.sub(r"[\s:,]*\ue002+[\s:,]*(?:in|on)?", "", low).strip(" ?!.:,")
    if files and _WHO_PICTURE.match(plain):
        return [Call("recall", {"image": files[0]})]
    if (
        _ANY_KNOWN.fullmatch(low[lead(low) :])
        or re.fullmatch(r"(?:who|what) do you know", low)
        or _ALL_KNOWN.fullmatch(low)
    ):
        return [Call("recall")]
    for pattern in _ABOUT:
        if match := pattern.fullmatch(low):
            return _about(text, match)
    match = _KIND_QUERY.fullmatch(low)
    if match and not re.match(r"(?:what|which) [a-z]+$", low):
        return [Call("recall", {"query": match["k"]})]
    return None


def low_of_mine(low: str) -> bool:
    """Whether the sentence asks which of the user's subjects something is."""
    return re.search(r"\bof (?:my|the|our) ", low) is not None


def _about(text: Text, match: re.Match[str]) -> list[Step] | None:
    group = pick(match, "c")
    said = match[group]
    subject = text.subject_at(match.start(group))
    if subject is None and said not in PRONOUNS:
        word = text.raw[match.start(group) : match.end(group)].strip()
        mine = re.match(r"(?:my|our) ", word.lower())
        if mine or word[:1].isupper() or (word in KINDS and low_of_mine(text.low)):
            return [Call("recall", {"query": word[mine.end() if mine else 0 :]})]
        return None
    if subject is not None and len(subject.names) > 1 and not text.hints.concept:
        kind = subject.said.split()[-1].lower()
        if subject.how != "near" and of_kind(kind, text.state.concepts):
            return [Call("recall", {"query": kind})]
    if subject is not None and not subject.names:
        return [Call("recall", {"query": subject.said.split()[-1]})]
    if said in ("it", "he", "she", "they", "him", "her", "them") and not antecedents(said, text.state):
        return (
            [Say("I do not know whom you mean; name one of your subjects.", weak=False)]
            if said != "it"
            else None
        )
    concept = chosen(text, match, group)
    return [concept if isinstance(concept, Ask) else Call("recall", {"query": concept})]

"""Teaching a subject from pictures: "this is Luna, my cat: a.jpg b.jpg"."""

from __future__ import annotations

import re
from dataclasses import replace

from ..normalise import FILE, lead, tail
from ..references import Text, rx
from ..settings import cut
from ..state import Ask, Call, Say, Step
from ..tagger import own
from ..words import GIVEN_NAMES, table
from .naming import KNOWN_KINDS, called_so

_VERB = (
    r"(?:teach|learn|memori[sz]e|remember|save|store|add|register|study|know|meet|introduce|"
    r"train(?: on)?|import|create|make|call|name|get to know|take)"
)
_TEACH_WORDS = rx(
    r"(?:[\ue002,\s]|and )*(?:is|are|shows?)\b|(?:.{0,40}\b)?(?:(?:teach|learn|memori[sz]e|remember|"
    r"register|study|introduce|meet|save|store|get to know|get acquainted)\b|"
    r"(?:this|that|these|those|here|he|she|it)(?:'s| is|'re| are)\b|(?:his|her|its|their) name|(?:is|"
    r"are) called|call (?:him|her|it|them|this|that)\b|"
    r"(?:new|another) (?:concept|subject|character|friend)|(?:named|called)\b|say hello to|"
    r"(?:pictures|photos|images|pics|shots|references) of)"
)
_CHANGES = re.compile(
    r"\b(?:make|put|add|give|turn|change|remove|replace|let|erase|swap|place|paint|colou?r|edit|use|"
    r"take away|draw|show|compare|undo|set)\b"
)
_NEXT = re.compile(
    r"[.!?;,\ue002]\s+(?:and |then |now |please )*(?:draw|paint|sketch|put|make|show|undo|compare|"
    r"generate|create)\b"
)
_NAME = (
    r"(?<![\w'])(?P<name>{C}|[\"'][^\"']{1,300}[\"']|\ue003+|[^\s,.:;!?()\ue002\ue003]+(?: (?!(?:the|a|"
    r"an|is|from|with|and|my|our|in|on|using|as|here|of|who|which|he|she|it|for|to|kind|at|these|those|"
    r"this|based|please|by|are|was)\b)[^\s,.:;!?()\ue002\ue003]+){0,3})"
)
_CALLED = [
    rx(rf"(?:call|name) (?:him|her|it|them|this(?: [a-z]+)?|that(?: [a-z]+)?|the [a-z]+|my [a-z]+) {_NAME}"),
    rx(rf"(?:his|her|its|their|the|whose) name(?:'s| is|:| should be| shall be) {_NAME}"),
    rx(rf"(?:who|which|that|he|she|it|they)(?:'s| is| are|'re) (?:called|named) {_NAME}"),
    rx(
        rf"\b(?:called|named|by the name of|under the name(?: of)?|with the name|name:|name=|"
        rf"known as) ?{_NAME}"
    ),
    rx(
        rf"\b(?:save|store|remember|learn|add|register|keep|teach|memori[sz]e|import|"
        rf"know)\b.{{0,80}}? as {_NAME}"
    ),
]
_KIND = r"(?P<kind>[a-z][a-z-]*(?: [a-z][a-z-]*){0,2})"
_OWN = r"(?<!\w)(?:my|our|a|an|the|his|her|your|their)"
_STOP = (
    r"(?=\s*$|\s*[,.:;!?()\ue002\"-]| (?:from|with|in|on|using|called|named|here|who|which|that|and|for|"
    r"is|please|at|as|based|of|whose|by|he|she|it|they|his|her|its|their|kind)\b)"
)
_NOT_KIND = frozenset(
    "as called named name new one picture pictures photo photos image images concept subject file "
    "files friend's "
    "thing things kind way "
    "best favourite favorite same other attached following attachment first second last reference "
    "references folder".split()
)
# Name and kind from one phrase; the first that fits counts.
_BOTH = [
    rx(rf"(?:this|that) (?P<kind>[a-z][a-z-]*(?: [a-z-]+)??)(?: here| there)? (?:is|'s)(?: called|"
        rf" named)? {_NAME}{_STOP}"),
    rx(rf"{_NAME}, (?:he|she|it|they)(?:'s|'re| is| are) (?:{_OWN}) {_KIND}{_STOP}"),
    rx(
        rf"(?:{_OWN} )(?P<kind>[a-z][a-z-]*(?: [a-z-]+){{0,2}}?),? (?:called |named |whose name is "
        rf"){_NAME}{_STOP}"
    ),
    rx(
        rf"^(?P<kind>[a-z][a-z-]*(?: [a-z-]+){{0,2}}?)(?: model)?[,;:.]? (?:name|called|named)[:=]? "
        rf"?{_NAME}{_STOP}"
    ),
    rx(
        rf"(?:remember|learn|memori[sz]e|save|store|teach|know|meet|study)(?: this| these| him| her| "
        rf"it| them| that)?(?: one| pictures?| photos?| pics?| images?)?[,:;.]? "
        rf"(?:{_OWN} )(?P<kind>[a-z][a-z-]*(?: [a-z-]+){{0,1}}?),? {_NAME}{_STOP}"
    ),
    rx(
        rf"(?:this|that|here|these|those|meet|it|he|she|they)(?:'s|'re| is| are)? (?:(?:some |a few |"
        rf"two |three |four |five |the |my )?(?:more )?(?:pictures|photos|images|pics|shots|a picture|"
        rf"a photo|an image|picture|photo)(?: here)? of )?(?:{_OWN} )(?P<kind>[a-z][a-z-]*(?: "
        rf"[a-z-]+){{0,2}}?),? (?:called |named |whose name is |by the name of )?{_NAME}{_STOP}"
    ),
    rx(rf"{_NAME}(?:,| is| -|:| \()? ?(?:{_OWN}) {_KIND}{_STOP}"),
    rx(
        rf"(?:{_VERB}|meet|of) (?:you |yourself )?(?:about |to know |the concept |"
        rf"the subject )?(?:{_OWN} )(?P<kind>[a-z][a-z-]*(?: [a-z-]+){{0,2}}?),? (?:called |named |"
        rf"whose name is )?{_NAME}{_STOP}"
    ),
    rx(rf"(?:called|named|call (?:him|her|it)) {_NAME},? (?:the |{_OWN} ){_KIND}{_STOP}"),
    rx(rf"(?:this|that|these|those|both)(?: of (?:these|them))?(?: is| are|'s|"
        rf"'re) {_NAME},? the {_KIND}{_STOP}"),
    rx(rf"{_NAME} (?:as|=) (?:{_OWN} )?{_KIND}{_STOP}"),
    rx(rf"{_NAME},? (?:(?:of )?kind|type|class|kind:|kind=)[:=]? ?(?:{_OWN} )?{_KIND}{_STOP}"),
    rx(rf"{_NAME} \((?:{_OWN} )?(?:(?:kind|type|class)[:=]? ?)?{_KIND}\)"),
]
_PLAIN_KIND = rx(rf"{_NAME} {_KIND}(?=\s*[\ue002])")
_NAMED = [
    rx(
        rf"(?:teach|learn|memori[sz]e|remember|register|study|introduce|meet|save|store|know|add)(?: you|"
        rf" yourself)?(?: about| to know| how to draw| the (?:concept|subject|character|name)| (?:a|"
        rf"the) new (?:concept|subject|character)(?:,|:)?| what)? ?{_NAME}{_STOP}"
    ),
    rx(
        rf"(?:this|that|here|these|those|it|he|she|they)(?:'s|'re| is| are)(?: (?:all )?(?:(?:some |"
        rf"a few |two |three |four |five |the |my |more )*(?:pictures|photos|images|pics|shots|a picture|"
        rf"a photo|an image|picture|photo)) of)? {_NAME}{_STOP}"
    ),
    rx(
        rf"(?:pictures|photos|images|pics|shots|picture|photo|image|references?) (?:of|for|show|"
        rf"shows) {_NAME}{_STOP}"
    ),
    rx(rf"say (?:hello|hi) to {_NAME}{_STOP}"),
    rx(rf"^(?:[\ue002, ]|and )*(?:is|are|shows?) {_NAME}{_STOP}"),
    rx(rf"^{_NAME}(?=[:,=]? ?[\ue002(])"),
]
_KINDED = [
    rx(
        rf"(?:this|that|here|these|those|it|he|she)(?:'s|'re| is| are)(?: (?:some |a few |two |three |"
        rf"the |my )*(?:pictures|photos|images|pics|a picture|a photo|picture|photo|"
        rf"an image) of)? (?:{_OWN}) {_KIND}{_STOP}"
    ),
    rx(rf"{_VERB} (?:about |what )?(?:{_OWN}|this|that|these) {_KIND}{_STOP}"),
    rx(rf"(?:of|is|are|it's|he's|she's|as|for) (?:{_OWN}) {_KIND}{_STOP}"),
    rx(rf"(?:my|our) {_KIND}{_STOP}"),
    rx(rf"(?:kind|type|class)[:=]? ?(?:is )?(?:{_OWN} )?{_KIND}{_STOP}"),
]
_BEFORE_NAMES = frozenset(
    "about the concept named called you learn teach remember memorize memorise meet register save "
    "store study introduce "
    "add know subject character see please".split()
)
_NOT_NAMES = frozenset(
    "of and in front back both i want wanted would could can do i'd i'll he's she's it's that's "
    "they're i'm here's this's in photo's this "
    "that these those it him her them he she they my our the a an me you us here there picture "
    "pictures photo photos "
    "image images subject concept new what how to from something someone somebody everything all "
    "more another one two "
    "three file files attached not is are some your yourself his its their for please now so".split()
)
# A noun that makes another one out of the kind behind it: a tote bag is no other bag.
_COMPOUND = table(
    "tote stuffed toy plush alarm water watering garden rubber school rocking piggy cuckoo music "
    "sports fire racing soup "
    "flower sewing bobble table desk wall floor rag hand puppet"
)


def teach(text: Text) -> list[Step] | None:
    """Learn a subject from files in the sentence or attached ones; asks for what is missing."""
    text = _owned(text.plain(kinds=True))
    low = text.low
    files = tuple(f.path for f in text.files) or text.hints.images or text.state.attached
    words = low.strip(" .,:;!?\ue002")
    if told := called_so(text, files):
        return [told]
    if _NEXT.search(low):
        return None  # "… a.jpg. Draw her in the snow": the sentences are read one by one
    if not _TEACH_WORDS.match(low) and not (files and text.hints.name):
        if text.files and not _CHANGES.search(low) and words:
            return _teaching(text, files) if _name_before_files(text) else None
        return None
    if not files:
        return _without_files(text)
    if re.match(r"(?:is|are|isn't|was) (?:this|that|it|he|she|these|those)\b", low[lead(low) :]):
        return None
    if re.search(r"\b(?:who|what)(?:'s| is)? (?:this|that|it)\b|\bdo you (?:know|recogni[sz]e)\b", low):
        return None
    if _CHANGES.search(_before_files(low)) and not re.search(
        r"\b(?:teach|learn|memori[sz]e|remember|called|named|call)\b", low
    ):
        return None
    return _teaching(text, files)


_OWNER = re.compile(
    r"(?<!\w)(?P<my>my|our|his|her|their|the) (?:[a-z]+ )?(?:[a-z]+)(?:'s|s')(?= [a-z]+)|"
    r"(?<=\w)[!.,]+(?= (?:he|she|it|they)(?:'s|'re| is| are) (?:my|our|a|an|the)\b)"
)
_SYMBOLS = re.compile(r"[^\w\s.,:;!?'\"()/~\\*+&@#%=<>$-]+")


def _owned(text: Text) -> Text:
    """As in "My daughter's doll Annabel" is "my doll Annabel" here; emoji say nothing."""
    for match in reversed(list(_SYMBOLS.finditer(text.low))):
        if not set(match.group()) & set("\ue000\ue001\ue002\ue003"):
            text = cut(text, *match.span())
    for match in reversed(list(_OWNER.finditer(text.low))):
        if match["my"]:
            text = cut(text, match.end("my"), match.end())
        else:
            text = replaced_comma(text, match.start(), match.end())
    return text


def replaced_comma(text: Text, start: int, end: int) -> Text:
    """The text with a comma for the punctuation at a span."""
    low = text.low[:start] + "," + text.low[start + 1 : end].replace("!", " ").replace(".", " ") + text.low[end:]
    return replace(text, low=low)


def _before_files(low: str) -> str:
    return low.partition(FILE)[0] or low


def _name_before_files(text: Text) -> bool:
    return bool(_NAMED[-1].match(text.low)) and (name_and_kind(text)[0] != "")


def taught(text: Text) -> list[Step]:
    """Learn a subject, where it is settled that the clause teaches one."""
    text = _owned(text.plain(kinds=True))
    files = tuple(f.path for f in text.files) or text.hints.images or text.state.attached
    if files and (steps := _teaching(text, files)):
        return steps
    name, kind = name_and_kind(text)
    about = f"your {kind}" if kind else name or "it"
    return [Ask(f"Show me {about}: attach a picture or two, or type their file names.", (), "images")]


def _teaching(text: Text, files: tuple[str, ...]) -> list[Step] | None:
    name, kind = name_and_kind(text)
    name = name or _spotted_name(text, kind)
    name, kind = text.hints.name or name, text.hints.kind or kind
    known = text.state.concept(name) if name else None
    if known and not text.hints.name:
        return [
            Ask(
                f"I already know {known.name}, a {known.kind or 'subject'}. "
                f"Under which name shall I learn this one?",
                (f"{known.name} 2",),
                "name",
            )
        ]
    if not name:
        what = f"your {kind}" if kind else "it"
        return [Ask(f"What shall I call {what}?", (), "name")]
    images = list(dict.fromkeys(files))
    return [Call("teach", {"name": name, **({"kind": kind} if kind else {}), "images": images})]


def _without_files(text: Text) -> list[Step] | None:
    """As in "This is my dog Rex" without a picture: ask for one. Most such sentences are about something else."""
    low = text.low[lead(text.low) :]
    strong = re.match(
        r"(?:i(?:'d| would)? (?:like|want) (?:you )?to |let's |let me |can i |could i |i'll |i will |"
        r"may i |i can |i wanna )?(?:teach(?: you)?|learn|memori[sz]e|introduce)\b(?! (?:from|that))|"
        r"meet (?:my|our|\ue000)|"
        r"(?:i have|i've got|there's|here's|here is) a new (?:concept|subject|character)|(?:new|"
        r"another|add a(?: new)?) (?:concept|subject|character)\b|remember (?:my|this|"
        r"these) (?!is\b)[a-z]+(?:$|,| from)|say hello to",
        low,
    )
    own = re.match(
        r"(?:this|that|here|these)(?:'s| is| are) (?:my|our) (?P<kind>[a-z]+)(?: (?P<name>[\w-]+)|"
        r", (?P<late>[\w-]+))?[.!]*$",
        low,
    )
    named = re.match(r"(?:this|he|she)(?:'s| is) (?P<name>[\w-]+),? (?:my|our|a) (?P<kind>[a-z]+)[.!]*$", low)
    if not (strong or own or named):
        return None
    if named and not own and text.raw[lead(text.low) + named.start("name")].islower():
        return None
    name, kind = name_and_kind(text)
    known = text.state.concept(name) if name else None
    if known and not strong:
        return [Say(f"Yes, I know {known.name}.", weak=False)]
    about = f"your {kind}" if kind else "it" if known or name.lower().startswith("i ") else name or "it"
    return [Ask(f"Show me {about}: attach a picture or two, or type their file names.", (), "images")]


def name_and_kind(text: Text) -> tuple[str, str]:
    """The name and the class noun as far as the sentence tells them."""
    body = text.part(lead(text.low), tail(text.low)).plain(kinds=True)
    name = next((n for p in _CALLED if (m := p.search(body.low)) and (n := _name(body, m))), "")
    kind = ""
    for match in (m for pattern in _BOTH for m in pattern.finditer(body.low)):
        found = _name(body, match)
        if not found:
            continue
        dropped = body.raw[match.start("name") : match.end("name")].lower().partition(found.lower())[0].strip(" \"'")
        kind_words = (
            f"{match['kind']} {dropped}".strip() if match.start("kind") < match.start("name") else match["kind"]
        )
        if _kind(kind_words) and name.lower() in ("", found.lower()):
            name, kind = found, _kind(kind_words)
            break
    plain = None if kind else _PLAIN_KIND.search(body.low)
    if plain and plain["kind"] in KNOWN_KINDS:
        name, kind = name or _name(body, plain), plain["kind"]
    if not kind:
        kind = next((k for p in _KINDED for m in p.finditer(body.low) if (k := _kind(m["kind"]))), "")
    if not name:
        name = next((n for p in _NAMED if (m := p.search(body.low)) and (n := _name(body, m))), "")
    if name.lower() == kind and name.islower():
        name = ""
    kind = _surest_kind(body, name, kind)
    told = own(body, "teach", "kind").low
    longer = told.endswith(f" {kind}") or not kind
    return name, told if longer and len(told.split()) <= 2 and told != name.lower() else kind


_IS_A = re.compile(r"\b(?:he|she|it|they)(?:'s|'re|s| is| are) (?:an?|my|"
    r"our) (?P<kind>[a-z-]+(?: [a-z-]+){0,2})")


_HAS_A = re.compile(
    r"\b(?:got|has|have|adopted|bought|found|rescued|inherited|knitted|made|built) (?:an?|this|"
    r"these) (?P<kind>[a-z-]+(?: [a-z-]+){0,2})"
)


def _surest_kind(text: Text, name: str, kind: str) -> str:
    """The noun of "he is a dog"; else what was found, if it is a known noun; else a known noun of the sentence."""
    said = [k for m in _IS_A.finditer(text.low) if (k := _kind(m["kind"])) in KNOWN_KINDS]
    said = said or [k for m in _HAS_A.finditer(text.low) if (k := _kind(m["kind"])) in KNOWN_KINDS]
    if said or kind in KNOWN_KINDS or kind.split(" ")[0] in _COMPOUND:
        return said[0] if said else kind
    words = [w for w in re.findall(r"[a-z-]+", text.low) if w not in name.lower().split()]
    pairs = [f"{a} {b}" for a, b in zip(words, words[1:], strict=False)]
    known = next((w for w in (*pairs, *words) if w in KNOWN_KINDS), "")
    own = (
        re.search(rf"\b(?:my|our|an?|new|his|her|this|the) (?:[a-z-]+ )?{re.escape(kind)}\b", text.low)
        if kind
        else None
    )
    return known or (kind if own and not set(kind.split()) & (_NOT_NAMES | {"thing", "character"}) else "")


def _spotted_name(text: Text, kind: str) -> str:
    """A name by its capitals, or what stands behind the noun: "my teapot Rosebud", "our hamster pip"."""
    words = [m for m in re.finditer(r"[^\W\d_][\w'-]*", text.raw) if text.low[m.start()] not in "\ue002\ue001"]
    last = kind.rpartition(" ")[2]
    run: list[str] = []
    for i, match in enumerate(words):
        word = match.group()
        starts = i == 0 or text.raw[: match.start()].rstrip()[-1:] in ".!?:;"
        plain = word.lower() in _NOT_NAMES | _BEFORE_NAMES | KNOWN_KINDS | {
            "hey",
            "hi",
            "hello",
            "ok",
            "please",
            "can",
        }
        if word[:1].isupper() and not plain and (not starts or word.lower() in GIVEN_NAMES):
            run.append(word)
        elif run:
            break
    if run:
        return " ".join(run)
    for before, after in zip(words, words[1:], strict=False):
        if last and before.group().lower() == last and after.group().lower() not in _NOT_NAMES | _BEFORE_NAMES:
            return after.group()
    return ""


def _name(text: Text, match: re.Match[str]) -> str:
    start, end = match.span("name")
    raw = text.raw[start:end].strip(" \"'.,:;!?")
    if subject := text.subject_at(start):
        return subject.names[0] if subject.how == "name" and len(subject.names) == 1 else ""
    words = raw.split()
    while words and words[0].lower() in _BEFORE_NAMES:
        words = words[1:]
    if not words or words[0].lower() in _NOT_NAMES:
        return ""
    capital = [w for w in words if w[:1].isupper()]
    if len(words) > 1 and text.low[start] not in "\"'\ue003":
        while capital and not words[0][:1].isupper():
            words = words[1:]
        if not capital:
            words = words[:1]
    if len(words) == 1 and words[0].lower() in KNOWN_KINDS and words[0].islower() and words[0] not in GIVEN_NAMES:
        return ""
    return " ".join(words)


def _kind(words: str) -> str:
    """The class noun of a phrase: "little brown dog" is a "dog", "coffee mug" a "mug", "teddy bear" stays."""
    parts = [w for w in words.split() if w not in ("new", "old", "little", "favourite", "favorite", "beloved", "own")]
    while parts and parts[-1] in ("here", "please", "too", "now", "called", "named"):
        parts.pop()
    if not parts or parts[-1] in _NOT_KIND or parts[0] in _NOT_KIND:
        return ""
    if len(parts) > 1 and parts[-2] in _COMPOUND:
        return " ".join(parts[-2:])
    for size in (2, 1):
        tail_words = " ".join(parts[-size:])
        if len(parts) >= size and tail_words in KNOWN_KINDS:
            return tail_words
    return next((w for w in reversed(parts) if w in KNOWN_KINDS), "") or " ".join(parts[-2:])

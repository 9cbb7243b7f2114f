"""How many, which seed, which size, which method: what is said about the drawing, not about the scene."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .references import Text
from .words import AMOUNTS, FAMILY_METHODS, FAMILY_TOOLS, METHODS, NUMBERS, PICTURES, either

MOST = 8
SEEDS = 2**32
_METHOD = "|".join(f"(?P<m{i}>{pattern})" for i, pattern in enumerate(METHODS))
_METHOD_NAMES = list(METHODS.values())
_N = rf"(?P<n>\d{{1,3}}|{either(AMOUNTS)})"
_PICTURES = either(PICTURES)

_SEED = re.compile(
    r"(?:[,;(]? ?(?:and )?(?:(?:with|using|use|from|at|set|on|take|try)(?: the|"
    r" a)? )?(?:random )?seed(?: number| value)?(?: to| of|:|=| is|"
    r"#)? ?(?P<seed>\d{1,10})\)?)(?!\w|\.\d)"
)
_COUNTED = re.compile(r"[,;(.]? ?(?:and )?count(?: of|:|=)? ?(?P<n>\d{1,2})\)?(?!\w)")
_PIXELS = (
    r"(?:(?P<w>\d{2,4}) ?(?:x|by|×|\*) ?(?P<h>\d{2,4})(?: ?(?:px|pixels?))?|(?P<px>\d{2,4}) ?(?:px|"
    r"pixels?)(?: (?:wide|high|square|large|big))?|(?:size|resolution)(?: of|:|=)? ?(?P<s>\d{2,4}))"
)
_SHAPE_WORDS = {
    "portrait": "portrait",
    "upright": "portrait",
    "vertical": "portrait",
    "tall": "portrait",
    "9:16": "portrait",
    "landscape": "landscape",
    "horizontal": "landscape",
    "widescreen": "landscape",
    "wide": "landscape",
    "16:9": "landscape",
    "long ways": "landscape",
    "longways": "landscape",
    "lengthways": "landscape",
    "panoramic": "landscape",
    "square": "square",
}
_SHAPE = rf"(?P<shape>{either(_SHAPE_WORDS)})"
_SIZE = re.compile(
    rf"(?:[,;(]? ?(?:and )?(?:(?:in|as|at|with|using|of)(?: an?| the)? )?(?:size |resolution |"
    rf"a size of |a resolution of )?{_PIXELS}(?: in size)?\)?(?![\w]))"
    rf"|(?:[,;(]? ?(?:and )?(?:all |both )?(?:(?:in|as|with|use|using)(?: an?| the)? )?{_SHAPE}[- ](?:format|"
    rf"orientation|mode|size|aspect(?: ratio)?|shape|layout|ratio)\)?(?![\w]))"
    rf"|(?:(?:[,;(] ?| )(?:in|as) (?:an? )?(?P<shape2>portrait|landscape|square|widescreen|16:9|9:16)"
    rf"(?= ?$|[,.)]| please)\)?)"
    rf"|(?:(?:[,;:.!?(]| -) ?(?:in |as |make it )?(?P<shape3>portrait|"
    rf"landscape|square|upright|vertical|horizontal|widescreen|16:9|9:16)(?= ?[.!]?$|[,.)]| please)\)?)"
    rf"|(?:(?:^| )(?:make it |as )(?P<shape4>portrait|landscape)(?= ?$|[,.)]| please))"
    r"|(?:^(?:in |as )?(?P<shape5>portrait|landscape|square|upright|widescreen|16:9|9:16)(?= ?[.!]?$| please))"
)
# "…, a wide one please", "…; landscape, if you would", "…, tall ones for my phone": a part that says no more.
_SHAPE_APART = re.compile(
    rf"(?:(?:^|[,;:.!?(]| -) ?|(?:,? and |,? but )(?=make|in |as |a |all ))(?:(?:and|but|in|as|make (?:it|them|"
    rf"that)|an?|"
    rf"all|please|should be|it(?:'s| is)(?: for)?|something|(?:it )?(?:needs|has|wants) to be|must be) )*"
    rf"{_SHAPE}(?:[- ](?:ones?|format|orientation|shape|size|mode|{_PICTURES}|is fine|will do|would do|if possible|"
    rf"if you (?:would|can|could|please|like)|please|thanks|thank you|again|too|both|each|for (?:(?:the|my|our|a|"
    rf"his|her) )?"
    rf"[a-z'\ue000 -]{{2,30}}))*,?(?: please|,? if you (?:would|can|could|please|like))?\)?"
    rf"(?=[ .!]*$|[.,;!] ?|,? so (?:that )?(?:i|we|it|they)\b)"
)
_SIZED = re.compile(rf"\b{_SHAPE.replace('P<shape>', ':')}\b|\d{{2}}")
"""What stands in every size: looked for first, since it is quick."""
_BARE = frozenset("tall wide long".split())
"""Shapes that say something about the picture's things where nothing but a comma is around them."""
_SHAPED = re.compile(
    rf"(?<!\w){_SHAPE}(?= (?!shots?\b){_PICTURES}(?: (?:of|with|showing|where|in which|for)\b|:)|"
    r" (?:ones?|uns?) of\b|:)"
)
_METHODICAL = re.compile("|".join(METHODS))
_BY = re.compile(
    rf"[,;(]? ?(?:and )?(?:(?:please )?(?:use|using|with|via|through|by|by means of|try|take|"
    rf"do it with|on)(?: the| a| your)? |method[:= ]+(?:the )?|"
    rf"in (?=auto))(?:{_METHOD})(?: (?:method|model|approach|mode|family|pipeline|engine|way|decoder|"
    rf"generation))?(?: (?:for (?:this|that|it)|please|instead|this time))*\)?(?![\w])"
)
_SUFFIX = re.compile(
    rf"[,;(] ?(?:{_METHOD})(?: (?:method|model))?\)?(?= ?$|,)|"
    rf"^(?:{_METHOD.replace('(?P<m', '(?P<f')})(?: method)?(?:: |$)|(?:^| )(?P<adv>auto-?regressively)(?![\w])"
)
_LEADING = re.compile(
    rf"(?:(?:i(?:'d| would)? (?:want|like|need|love)|give me|show me|draw(?: me)?|make(?: me)?|"
    rf"paint(?: me)?|generate|create|render|sketch|can i (?:have|get|see)|let me see|let's (?:see|"
    rf"have|make|do|try)|do|produce|get me|now|please|i'd like to see|can you (?:draw|make|give me|"
    rf"paint)|could you (?:draw|make|give me|paint)|could i have|try) )*"
    rf"(?:{_N}|(?P<adj>multiple|various|different)) (?:(?:different|new|nice|more|other|small|quick|"
    rf"separate|distinct|alternative|possible|random|good|cute|slightly different|funny|portrait|"
    rf"landscape|square) )*(?P<noun>{_PICTURES}|(?:ones|uns)(?= of))(?: (?:of|with|showing|where|in which|for)(?= )|:|"
    rf"(?= ?$)|,)"
)
_TRAILING = re.compile(
    rf"(?:[,;:(] ?| )(?:(?:in|give me|make|i want|i'd like|show me|as|and|draw|do|make me|please|"
    rf"let me have|with|try|all in) )*{_N} (?:(?:different|new|more|other|separate|"
    rf"alternative) )*(?P<noun>{_PICTURES}|times|of (?:them|em|'em|those|it|these))(?: (?:please|of it|"
    rf"of that|to choose from|to pick from))*\)?$"
    rf"|[,;(] ?(?:x ?(?P<x>\d{{1,2}})|(?P<y>\d{{1,2}}) ?x)\)?$|(?:^|[. ]) ?x ?(?P<z>\d)$| (?P<twice>twice|"
    rf"thrice)$|[,;(] ?(?:make it )?(?P<just>two|three|four|five|six|seven|eight)(?: of (?:them|"
    rf"those|these))?\)?$|^(?:make it )?(?P<few>{either(NUMBERS)}|\d) of (?:them|those|these|em)(?: please)?$"
)
# "Make two: ▮ on a sledge"; "one of ▮ outside the shop".
_SO_MANY = re.compile(
    rf"(?:(?:make|do|draw|give me|i want|paint|get me|now|please|and)(?: me)? )*"
    rf"(?:{_N} ?: ?|(?:an? |one )?(?:un|ones?) of )(?=\S)"
)
# "4 lighthouses in fog, separate pictures": so many pictures of one each.
_EACH = re.compile(
    rf"^(?P<ask>.{{0,40}}?)\b{_N} (?P<what>\S.*?)(?P<each>[,;(]? (?:(?:all )?(?:in |on |as )?(?:separate|"
    rf"seperate|different|individual|"
    rf"single) {_PICTURES}(?: (?:each|please))?|(?:just )?(?:one|1) (?:each|per (?:{_PICTURES})|(?:in|on) (?:each|"
    rf"every) "
    rf"(?:{_PICTURES})|each per (?:{_PICTURES}))|each (?:in|on|as) (?:its|their|his|her|an?) (?:own |separate )*"
    rf"(?:{_PICTURES}))[.!) ]*)$"
)
_WORDS = {"multiple": 3, "various": 3, "different": 3}


@dataclass(slots=True)
class Settings:
    """What was said about the drawing. `lead`: the count stood in front ("three pictures of …")."""

    count: int | None = None
    seed: int | None = None
    size: str | int | None = None
    method: str = ""
    """A method's name, or the family "ar" or "pta"."""
    lead: bool = False

    @property
    def tool(self) -> str:
        """The tool of the family that was asked for by name, or ""."""
        return FAMILY_TOOLS.get(self.method, "")

    def args(self) -> dict[str, Any]:
        """Arguments of `draw` and its kin that are not at their default."""
        args: dict[str, Any] = {}
        if self.count and self.count != 1:
            args["count"] = min(self.count, MOST)
        if self.method and not self.tool:
            args["method"] = self.method
        if self.seed is not None and self.seed < SEEDS:
            args["seed"] = self.seed
        if self.size not in (None, "square"):
            args["size"] = self.size
        return args

    @property
    def edit_args(self) -> dict[str, Any]:
        """Arguments of `edit` that are not at their default."""
        return {"method": FAMILY_METHODS.get(self.method, self.method)} if self.method else {}


def take_settings(text: Text, *, edit: bool = False) -> tuple[Settings, Text]:
    """The settings of a clause, and the clause without them. With `edit`, only the method is looked for."""
    settings = Settings()
    if not edit and (match := _COUNTED.search(text.low)):
        settings.count = int(match["n"])
        text = cut(text, *match.span())
    text = _take_method(text, settings)
    if edit:
        return settings, text
    if match := _SEED.search(text.low):
        settings.seed = int(match["seed"])
        text = cut(text, *match.span())
    for pattern in (_SHAPE_APART, _SIZE, _SHAPED) if _SIZED.search(text.low) else ():
        if match := _last(pattern, text.low):
            settings.size = _size(match)
            text = cut(text, *match.span())
            break
    if (each := _EACH.match(text.low)) and (_amount(each["n"]) or 0) > 1:
        settings.count = _amount(each["n"])
        return settings, cut(text.part(0, each.start("each")), *each.span("n"))
    match = _LEADING.match(text.low)
    if match and (match["noun"].endswith("s") or not match["n"]) and match["n"] not in ("a", "an"):
        settings.count = _amount(match["n"] or "") or _WORDS.get(match["adj"] or "", 1)
        settings.lead = True
        return settings, text.part(match.end())
    if (match := _SO_MANY.match(text.low)) and (match["n"] not in ("a", "an", "one")):
        settings.count, settings.lead = _amount(match["n"] or "") or settings.count, True
        return settings, text.part(match.end())
    match = _TRAILING.search(text.low.rstrip(" ,.;!"))
    if match and not (match["n"] in ("a", "an", "one") or (match["noun"] or "s")[-1:] not in "smtex"):
        word = match["n"] or match["x"] or match["y"] or match["z"] or match["just"] or match["few"] or ""
        settings.count = {"twice": 2, "thrice": 3}.get(match["twice"] or "") or _amount(word)
        text = text.part(0, match.start())
    return settings, text


def _last(pattern: re.Pattern[str], low: str) -> re.Match[str] | None:
    """Where a size is said; a bare "tall" in the middle is said of something in the picture."""
    match = pattern.search(low)
    if match and pattern is _SHAPE_APART and match["shape"] in _BARE and match.end() < len(low.rstrip(" .!")):
        said = match.group().strip(" ,;:.!?(-")
        more = low[match.end() :].lstrip(" ,.")
        what_for = more.startswith(("for my ", "for the ", "for our ", "for \ue000"))
        return None if said == match["shape"] and not what_for else match
    return match


def cut(text: Text, start: int, end: int) -> Text:
    """The text without a span; what was found outside it keeps its place."""
    left, right = text.part(0, start), text.part(end)
    if not left.raw or not right.raw:
        return left if left.raw else right
    gap = "" if right.raw[0] in ",.;:!?)" else " "
    by = len(left.raw) + len(gap)
    joined = Text(left.raw + gap + right.raw, left.low + gap + right.low, text.state, text.hints)
    joined.files = left.files + [type(f)(f.start + by, f.end + by, f.path) for f in right.files]
    joined.takes = left.takes + [t.moved(by) for t in right.takes]
    joined.subjects = left.subjects + [s.moved(by) for s in right.subjects]
    return joined


def _take_method(text: Text, settings: Settings) -> Text:
    for pattern in (_BY, _SUFFIX) if _METHODICAL.search(text.low) else ():
        match = pattern.search(text.low)
        if not match:
            continue
        groups = match.groupdict()
        found = next(
            (i for i in range(len(_METHOD_NAMES)) if groups.get(f"m{i}") or groups.get(f"f{i}")), None
        )
        if found is None and not groups.get("adv"):
            continue
        name = "ar" if found is None else _METHOD_NAMES[found]
        if name == "lora" and "train" in text.low:
            continue
        settings.method = name
        return cut(text, *match.span())
    return text


def _size(match: re.Match[str]) -> str | int:
    groups = {k: v for k, v in match.groupdict().items() if v}
    for name in ("shape", "shape2", "shape3", "shape4", "shape5"):
        if name in groups:
            return _SHAPE_WORDS[groups[name]]
    if "w" in groups:
        width, height = int(groups["w"]), int(groups["h"])
        if width == height:
            return width
        return "landscape" if width > height else "portrait"
    return int(groups.get("px") or groups["s"])


def _amount(word: str) -> int | None:
    if word.isdigit():
        return int(word) or None
    return AMOUNTS.get(word)

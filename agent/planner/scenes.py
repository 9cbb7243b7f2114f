"""Clauses that describe a whole picture without a verb, and clauses that only change where or when it is."""

from __future__ import annotations

import re

from ...tools.apart import exchanged
from .normalise import CONCEPT, lead, tail
from .references import Text
from .subjects import PRONOUN
from .words import ANIMALS, DRAW_VERBS, PARTS, PEOPLE, PICTURES, WEAR, either, table

_AT = (
    r"(?:in|on|at|by|near|under|inside|behind|beside|among|outside|over|across|next to|in front of|deep in|"
    r"during|after|before|while|against|beneath|along|around|amid)"
)
_SIZE = r"(?:very|really|quite|little|small|tiny|mini|big|large|huge|giant|young|old|an?|the|my|our|just|only|please)"
_SAID = re.compile(
    rf"(?:(?:{either(DRAW_VERBS)}|show|give)(?: me| us)? |(?:an? )?(?:picture|drawing|painting|sketch) of |i want )"
)
_FIRST = re.compile(rf"{_AT} |(?:an? )?(?:[a-z]+ ){{0,2}}(?:scene|day|night|time|nighttime|sunset|evening|dusk)$")
"""A setting that stands before its subject."""
_SIZES = re.compile(rf"(?:{_SIZE} )*")
_PLACED = re.compile(
    rf"\b{_AT} (?!(?:(?:the|his|her|its|their|an?) )?(?:left|right|middle|cent(?:er|re)|front|back|top|bottom|head|"
    rf"it|him|her|them|that|this|there|picture|one)\b)(?:[a-z'-]+ ){{0,3}}?(?P<noun>[a-z'-]+)"
)
_CHANGES = re.compile(
    r"\b(?:now|then|and one|another|instead|again|same|too|also|as well|should|must|always|needs?|is|are|was|has|have|"
    r"make|put|add|change|turn|move|but|more|less|without|no|not|still|keep|from (?:the|take))\b|[\ue001\ue002?]"
)
"""Words of a change, or of another picture."""


def describes_a_picture(text: Text) -> bool:
    """Whether a clause names a subject and where it is, and nothing in it changes a picture."""
    low = text.low[lead(text.low) :]
    if _CHANGES.search(low) or not _begins_with_its_subject(low):
        return False
    return any(match["noun"] not in WEAR for match in _PLACED.finditer(low))


def _begins_with_its_subject(low: str) -> bool:
    """Whether nothing but its setting and its size stands before the subject."""
    said = _SAID.match(low)
    before, sign, after = low[said.end() if said else 0 :].partition(CONCEPT)
    if not sign or re.match(rf"{CONCEPT}*['’]s", after):
        return False
    *settings, last = re.split("[,:] ?", before)
    return all(map(_FIRST.match, settings)) and bool(_SIZES.fullmatch(last) or _FIRST.match(last))


_SETTING = re.compile(
    rf"(?P<go>(?:(?:now|and|ok|so|then|show|put|move|the same|but|once more|take),? )*)"
    rf"(?P<who>(?:(?:\ue000+|him|her|it|them|the scene|everything) )?)"
    rf"(?P<where>(?:{_AT}|while|to)\b[^,:;\ue000-\ue003]{{2,45}}?)"
    rf"(?P<end>(?:,? (?:please|instead|now|this time|again))*)[.! ]*"
)
_TIME = re.compile(
    r"\b(?:sun(?:set|rise|down|up|shine|light)?|night(?:time|fall)?|midnight|dusk|dawn|day(?:time|light|break)?|evening|morning|"
    r"noon|afternoon|moon(?:light)?|stars|starry|sky|dark(?:ness)?|twilight)\b"
)


def changes_the_setting(text: Text) -> bool:
    """Whether a clause moves the current picture's subject to another place or time: "now ▮ at sunset"."""
    match, take = _SETTING.fullmatch(text.low), text.state.take(text.state.current)
    if match is None or take is None or not (match["go"] or match["end"]):
        return False
    if any(names and names[0] not in take.concepts for names in (s.names for s in text.subjects)):
        return False
    if not match["who"] or "instead" in match["end"] or _TIME.search(match["where"]):
        return True
    return re.search(r"\b(?:put|move|take)\b", match["go"]) is not None


def of_a_stranger(text: Text) -> bool:
    """Whether "his ears are longer" can only be about somebody in the picture whom nobody has taught."""
    take = text.state.take(text.state.current)
    if take is None or take.concepts or text.subjects or text.state.focus:
        return False
    return PRONOUN.search(text.low) is not None


_FIGURES = (ANIMALS | PEOPLE) - table("friend") | table(
    "unicorn monster alien ghost witch wizard fairy mermaid pirate knight astronaut ninja zombie vampire elf troll "
    "giant superhero clown cowboy snowman angel goblin robot mug teapot car house castle boat ship rocket spaceship "
    "train truck bus plane mushroom flower cactus hound"
)
"""What a picture can be of: "make a …" asks for one."""
_THE_ONE = re.compile(
    rf"the (?:[a-z-]+ ){{0,2}}?{either(_FIGURES)} (?:with|wearing|in|under|holding|carrying|on|at) .+"
)
_PAINTS = re.compile(r"(?:paint|draw|colou?r) (?:his|her|its|their) .+")
_ONTO = re.compile(
    rf"(?:paint|draw|sketch) (?:an?|some) (?:(?!{either(_FIGURES)}\b)[a-z-]+ ){{1,3}}?on(?:to)? (?:the|this|that) "
    rf"(?:[a-z-]+ ){{0,2}}?{either(_FIGURES)}[.! ]*"
)
_ON = r"(?:on|onto|on to|over|to|round|around|behind|under|beside|next to|above|in front of)"
_ADDS = rf"(?:paint|draw|sketch|doodle) (?:an? |some |two )?(?:(?!of\b)[a-z-]+ ){{1,4}}?{_ON}"
_ON_IT = re.compile(rf"{_ADDS} (?:it|him|her|them|(?:his|her|its|their) [a-z]+)[.! ]*")
_ON_THAT = re.compile(rf"{_ADDS} (?:the|this|that|my) (?:[a-z-]+ ){{0,2}}?{either(_FIGURES)}(?:'s [a-z]+)?[.! ]*")


def of_the_one_there(text: Text) -> bool:
    """Whether words for a picture are about the figure of the current one, whom nobody has taught, or of the one that
    came along: "the robot under an umbrella", "paint its ears pink", "draw a hat on the cat", "draw a hat on it"."""
    take, low = text.state.take(text.state.current), text.low[lead(text.low) :]
    pronoun = text.subjects == [] or all(PRONOUN.fullmatch(subject.said) for subject in text.subjects)
    if text.state.attached and not text.files and pronoun and _PAINTS.fullmatch(low):
        return True
    if pronoun and (take or text.state.attached) and not text.files and _ON_IT.fullmatch(low):
        return True
    if text.state.attached and not text.files and _ON_THAT.fullmatch(re.sub(CONCEPT + "+", "the animal", low)):
        return True
    if take is None or take.concepts or text.subjects or text.files or text.state.attached:
        return False
    if _THE_ONE.fullmatch(low) or _ONTO.fullmatch(low):
        return True
    return _PAINTS.fullmatch(low) is not None and of_a_stranger(text)


_BESIDE_HIM = re.compile(
    rf"(?:(?:draw|paint|sketch|show|add|put) )?{CONCEPT}+ (?:next to|beside|near|close to|behind|with) "
    r"(?:it|him|her|them)[.! ]*"
)


def joins(text: Text) -> bool:
    """Whether somebody comes to the one in the current picture: "draw ▮ next to him"."""
    take, low = text.state.take(text.state.current), text.low[lead(text.low) :]
    names = {name for subject in text.subjects for name in subject.names}
    if take is None or not take.figures or names & set(take.concepts) or text.files or text.state.attached:
        return False
    return _BESIDE_HIM.fullmatch(low) is not None


def changes_places(text: Text) -> str:
    """The words that make the two subjects of the current picture change places: "swap them"; else ""."""
    take = text.state.take(text.state.current)
    whom = {name for subject in text.subjects if subject.how == "name" for name in subject.names}
    if take is None or not whom <= {*take.concepts} or text.files or text.state.attached:
        return ""
    words = text.part(lead(text.low)).raw.strip(" .!")
    orders = (take.figures, take.figures[::-1])  # whoever stands where
    return words if any(exchanged(words, " and ".join(order), order) for order in orders) else ""


_PUTS_ON = re.compile(
    rf"(?:draw|paint|sketch) (?:an?|some|two) (?:(?!{either(PICTURES)}\b)[a-z-]+ ){{1,4}}(?:on|onto|over) "
    rf"{CONCEPT}+(?:['’]s? [a-z]+)?"
)


def puts_on(text: Text) -> bool:
    """Whether somebody in the current picture gets something: "draw a hat on ▮"."""
    take = text.state.take(text.state.current)
    whom = [name for subject in text.subjects for name in subject.names]
    if take is None or not set(whom) <= {*take.concepts}:
        return False
    return _PUTS_ON.fullmatch(text.low[lead(text.low) : tail(text.low)]) is not None


_PLACES = table(
    "beach seaside sea ocean forest wood woods jungle city town village street desert dunes snow mountain mountains "
    "meadow field park garden castle palace farm barn kitchen bedroom bathroom office school library shop market cafe "
    "restaurant harbour harbor port river lake island volcano playground zoo airport station cave space"
)
_TIMES = table(
    "night nighttime midnight day daytime daylight noon morning afternoon evening dusk dawn sunset sunrise sunshine "
    "moonlight rain storm fog snow winter summer autumn spring"
)
_NEW = (
    rf"(?:an?|one|some|two|three) (?:(?!(?:different|other|better|new|[a-z]+er) )[a-z-]+ ){{0,3}}?"
    rf"{either(_FIGURES)}s?"
)
_MAKES = re.compile(
    rf"(?:(?:now|then|next|also|and|please|ok),? )*(?:make(?: (?:me|us))?|(?:what|how) about) {_NEW}(?:,? and {_NEW})*"
    rf"(?: (?:{_AT}|with|wearing|holding|riding|who|that|[a-z]{{3,}}ing)\b.*)?[.!? ]*"
)
_BEGINS_NEW = re.compile(
    rf"{_NEW} (?:(?:with|wearing|holding|carrying|in|under) (?:an? )?(?:[a-z-]+ )?"
    rf"{either(WEAR | {'balloon', 'parasol'})}|"
    rf"{_AT} (?:the |an? )?(?:[a-z]+ )?{either(_PLACES)}(?: {_AT} (?:the )?{either(_TIMES)})?)[.! ]*"
)
"""As in "a kid with a balloon" and "a person in the snow"."""
_OF_THE_PICTURE = re.compile(
    rf"[\ue000-\ue003]|\b(?:him|her|it|them|his|its|their|here|there|instead|too|(?:the|this) {either(PARTS)})\b"
)


def makes_a_new_one(text: Text) -> bool:
    """Whether "make a dragon in the forest" asks for a figure and says nothing of the current picture."""
    low = text.low[lead(text.low) :]
    if text.files or text.state.attached:
        return False
    new = _MAKES.fullmatch(low) or _BEGINS_NEW.fullmatch(low)
    return new is not None and _OF_THE_PICTURE.search(low) is None


_ABOUT = re.compile(
    rf"(?:(?:and|so|ok|now|hm+|but|then|or|well|yes|no),? )*(?:what|how) about (?P<where>(?:{_AT} )?(?:(?:the|an?) )?"
    rf"(?:[a-z]+ ){{0,2}}?{either(_PLACES | _TIMES)}(?:,? (?:at|in|during|by) (?:the )?{either(_TIMES)})?)"
    r"(?:,? (?:instead|then|now|maybe|perhaps|please))*[?.! ]*"
)


_LISTED = re.compile(rf"{CONCEPT}+(?:, ?(?:and )?(?:[a-z-]+ ){{0,2}}[a-z-]+){{1,5}}[. ]*")
_SET = re.compile(rf"\b{either(_PLACES | _TIMES)}\b")


def lists_a_picture(text: Text) -> bool:
    """As in "▮, city, night": a subject and its setting in single words."""
    return _LISTED.fullmatch(text.low) is not None and _SET.search(text.low) is not None


_SAME = re.compile(
    r"(?:(?:ok|now|and|so),? )*(?:the )?same(?: (?:thing|one|picture))?, (?!again|please|thanks)"
    r"(?P<where>[^,.;!?\ue000-\ue003]{2,40})[.! ]*"
)
_NOW = re.compile(
    rf"(?:(?:ok|so|and),? )*(?:now|then|suddenly) (?:it's|it is|its) (?P<where>{either(_TIMES)}(?: ?time)?)"
    r"(?: now)?[.! ]*"
)


_NOW_AND = re.compile(
    rf"(?:(?:ok|so|and|now|then|suddenly),? )*(?:it's|it is|its)(?: now)? (?P<where>(?:{either(_TIMES)}(?: ?time)?|"
    r"(?:snow|rain)ing|snowy|rainy|sunny|stormy|foggy|misty|cloudy|windy|dark)(?: now)?(?:,? and |, )"
    rf"(?={CONCEPT}|(?:he|she|they|it)\b).+)"
)


def setting_and_more(text: Text) -> Text | None:
    """The change in "now it's night and he is sleepy": the setting and what is said of the one in it."""
    match = _NOW_AND.match(text.low) if text.state.current is not None and not text.state.attached else None
    return text.part(match.start("where")) if match else None


def another_setting(text: Text) -> str:
    """What is to be otherwise in "what about a forest at night?" and "same, no moon", said of those in the current
    picture; "" of anything else."""
    known = text.state.current is not None
    match = next(filter(None, (form.fullmatch(text.low) for form in (_ABOUT, _SAME, _NOW))), None) if known else None
    return text.raw[match.start("where") : match.end("where")] if match else ""

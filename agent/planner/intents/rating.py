"""Verdicts on a take: "I like this one", "wrong colour", thumbs."""

from __future__ import annotations

import re

from ..references import Text, pick, rx
from ..state import Ask, Call, Say, Step
from ..words import BAD, GOOD, PRAISE, either
from .history import one_take

_OBJ = (
    r"(?P<t>{T})|it|this|that|them|these|this picture|the picture|the result|the image|how (?:it|that|"
    r"this) (?:looks|turned out|came out)|what you (?:did|made|drew)"
)
_VERY = (
    r"(?: (?:really|so|very|quite|pretty|just|absolutely|totally|completely|much|all|too|simply|"
    r"kind of|a bit|rather|"
    r"definitely|truly|super|actually|clearly|by far|still|also|now|the|a|an|my|our))*"
)
_END = (
    r"(?: (?:best|the best|the most|most|a lot|so much|very much|better|more|best of all|most of all|too|"
    r"indeed|already|really|much|the way it is|as it is|of (?:them )?all|now|one|picture|so far|"
    r"of the (?:lot|bunch|three|two|four)))*"
)
_THAN = r"(?: (?:better |more )?(?:than|over|to) (?:{T}|the others?|the rest|the other one|all the others))?"
_GOOD, _BAD = either(GOOD), either(BAD)
_THING = (
    r"(?:colou?rs?|place|background|dog|cat|pose|size|shape|pattern|face|hat|person|subject|ears?|eyes|"
    r"style|time|scene|direction|[a-z]+)"
)

_LIKED = [
    rf"(?:i'm |i am |we're )?(?:really |so |totally )?(?:(?:a |the )?(?:big |huge )?fan of|into|digging|in "
    rf"love with|crazy about|impressed (?:by|with)) (?:{_OBJ}){_END}",
    rf"(?:(?:i|we) (?:(?:really|do|absolutely|just|also|actually|still|definitely|quite|rather|"
    rf"kind of|think i|simply) )*(?:like|prefer|enjoy|love|adore)|(?:absolutely |really )?(?:love|"
    rf"loving|adore))(?: (?:{_OBJ}))(?: and (?P<u>{{T}}))?{_END}{_THAN}{_END}",
    rf"(?:i'm|i am|we're) (?:so |very |really )?(?:happy|pleased|satisfied) with (?:{_OBJ})",
    rf"(?:(?P<t>{{T}})|it|this|that|this picture|the picture|the result)(?:'s| is| looks?|"
    rf" turned out| came out| was| are){_VERY} {_GOOD}{_END}(?: one)?{_THAN}{_END}",
    rf"(?:it|that|this)'s{_VERY} {_GOOD}{_END}",
    rf"(?:looks|looking|turned out|came out){_VERY} {_GOOD}{_END}",
    r"(?:my |the )?(?:absolute |personal )?(?:favou?rite|best|winner|"
    r"best one)(?: one)?(?: so far)?(?: is|:|,) (?P<t>{T})",
    r"(?P<t>{T})(?: is|'s)?(?: definitely| clearly| by far)?,? (?:my |the |a |our )?(?:absolute |"
    r"new |personal )?(?:favou?rite|best|winner|keeper|best one|nicest|prettiest)(?: one)?(?: so far|"
    r" of all| by far| yet)?",
    rf"(?:rate|mark|score|save|flag|remember|tag) (?:{_OBJ})(?: as| with)?(?: a)? (?:good|great|"
    rf"liked|a favou?rite|favou?rite|best|perfect|positive|positively|thumbs up|up|nice|5 stars|"
    rf"five stars|👍)",
    rf"(?:(?:a )?(?:big )?thumbs up|two thumbs up|five stars|5 stars|10 out of 10|10/10|\+1|👍|❤️?|😍|"
    rf"🥰|💯|⭐+)(?:[ ,]*(?:for|to|on)? ?(?:{_OBJ}))?[ 👍❤️😍🥰]*",
    rf"(?:{_OBJ})[:, ]*(?: gets| deserves)?(?: a| my)? ?(?:thumbs up|👍|❤️?|😍|five stars|5 stars|\+1)",
    r"(?P<t>{T})(?: is| was|:|,)? ?(?:the )?(?:good|great|perfect|lovely|beautiful|best|better|nice|"
    r"nicer)(?: one)?",
    rf"{either(PRAISE)}(?: (?:one|picture|work|drawing|result))?",
    rf"(?:what a|such a) {_GOOD}(?: one| picture| drawing| image)?",
    r"(?:keep|save) (?P<t>{T}) as (?:a |my )?favou?rite",
    r"(?:i think )?(?P<t>{T}) (?:turned out|came out|looks|looked|worked|works) (?:really |so |very |"
    r"quite )?(?:well|good|great|best|better|perfect|lovely|beautiful|amazing|nice)(?: than {T})?",
    r"(?:yes,? )?that's (?:the one|it|exactly (?:it|right|what i (?:wanted|meant|had in mind))|"
    r"what i (?:wanted|meant|had in mind)|more like it)",
]
_DISLIKED = [
    rf"(?:i'm |i am |we're )?(?:really )?not (?:(?:a |the )?(?:big |biggest |huge )?(?:fan|lover) of|into|"
    rf"keen on|so keen on|happy with|convinced by|sold on|impressed (?:by|with)|in love with|so sure about) "
    rf"(?:{_OBJ}){_END}",
    rf"(?:i |we )?(?:(?:really|just|also|actually|still|absolutely) )*(?:don't|do not|didn't|never|"
    rf"can't say i) (?:(?:really|much|particularly|quite|even) )*(?:like|love|care for|want|"
    rf"enjoy)(?: (?:{_OBJ})){_END}(?: at all)?(?: one)?",
    rf"(?:i )?(?:(?:really|absolutely|just|kind of) )*(?:hate|dislike|can't stand|"
    rf"despise)(?: (?:{_OBJ}))(?: so much| a lot)?",
    rf"(?:(?P<t>{{T}})|it|this|that|this picture|the picture|the result)(?:'s| is| looks?|"
    rf" turned out| came out| was| are){_VERY} {_BAD}(?: {_THING})?(?: at all)?(?: one)?{_END}",
    rf"(?:it|that|this)'s{_VERY} {_BAD}{_END}(?: at all)?",
    rf"(?:looks|looking|turned out|came out){_VERY} {_BAD}{_END}",
    rf"(?:it's|that's|this is|that is) (?:the |a )?wrong {_THING}",
    rf"(?:the )?{_THING}(?:'s| is| are| looks?){_VERY} (?:wrong|incorrect|not right|all wrong|messed up)",
    rf"(?:the )?wrong {_THING}(?: {_THING})?(?: again| there)?",
    rf"(?:rate|mark|score|flag|tag) (?:{_OBJ})(?: as| with)?(?: a)? (?:bad|poor|wrong|disliked|"
    rf"not good|a failure|negative|terrible|ugly|thumbs down|down|1 star|one star|👎)",
    rf"(?:(?:a )?(?:big )?thumbs down|one star|1 star|-1|👎|🤮|😞|🙁)(?:[ ,]*(?:for|to|on)? ?(?:{_OBJ}))?[ 👎]*",
    rf"(?:{_OBJ})[:, ]*(?: gets| deserves)?(?: a)? ?(?:thumbs down|👎|one star|1 star)",
    r"(?P<t>{T})(?: is| was|:|,)? ?(?:bad|wrong|ugly|terrible|awful|the worst|worse|not good|"
    r"no good)(?: one)?",
    rf"{_BAD}(?: (?:one|picture|work|drawing|result))?",
    r"not (?:(?P<t>{T})|that one|this one|like that|like this|that|this|what i (?:wanted|meant|"
    r"asked for|had in mind)|(?:a )?(?:good|great|nice|right)(?: one)?)",
    r"(?:it|that|this|(?P<t>{T})) (?:doesn't|does not|didn't) (?:really |even )?(?:look|seem|feel|"
    r"turn out|come out|work)(?: (?:good|right|nice|well|like (?:him|her|it|them|{C}|my [a-z]+)|"
    r"anything like (?:him|her|it|{C})))?(?: at all| much)?",
    r"(?:it|that|this|(?P<t>{T}))(?:'s| is|) (?:not|isn't|hardly|no longer) (?:him|her|{C}|good|"
    r"right|what i (?:wanted|meant|asked for|had in mind))(?: at all| enough)?",
    r"that's not (?:what i (?:wanted|meant|asked for|had in mind)|it|right|good|him|her|{C})(?: at all)?",
]
# "Wrong window": nothing to do with a picture.
_ASTRAY = re.compile(
    r"\bwrong (?:window|chat|tab|person|button|conversation|app|program|thread|channel|number|keyboard|key|screen|"
    r"group|room)$"
)
_LIKES = [rx(p) for p in _LIKED]
_DISLIKES = [rx(p) for p in _DISLIKED]


def rating(text: Text) -> list[Step] | None:
    """Rate the take that is named, or else the current one."""
    low = text.low.rstrip(" ?!.,")
    if _ASTRAY.search(low):
        return None
    for liked, patterns in ((False, _DISLIKES), (True, _LIKES)):
        for pattern in patterns:
            if match := pattern.fullmatch(low):
                return _rated(text, match, liked)
    return None


def _rated(text: Text, match: re.Match[str], liked: bool) -> list[Step]:
    steps: list[Step] = []
    for name in ("t", "u"):
        group = pick(match, name)
        ref = text.take_at(match.start(group)) if group else None
        if ref is None:
            continue
        if ref.how == "group" and ref.numbers:
            steps += [Call("rate", {"take": number, "liked": liked}) for number in ref.numbers]
            continue
        take = one_take(ref, text)
        if isinstance(take, Ask):
            return [take]
        steps.append(Call("rate", {"take": take, "liked": liked}))
    if steps:
        return steps
    if text.state.current is None:
        return [Say("Glad to hear it!" if liked else "There is no picture yet that could be wrong.")]
    return [Call("rate", {"take": text.state.current, "liked": liked})]

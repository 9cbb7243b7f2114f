"""Fine-tuning on request: "train a LoRA for Biscuit for ten minutes"."""

from __future__ import annotations

import re

from ..references import Text, pick, rx
from ..state import Ask, Call, Step
from ..subjects import antecedents, choose
from ..words import NUMBERS, PRONOUNS, either

_TRAIN = rx(
    r"(?:(?:please|now|let's|i want to|i'd like to|can you|could you|you should|go ahead and) )*(?:"
    r"(?:fine-?tune|fine tune|finetune|train|retrain|re-train)(?: (?:an?|the|your|"
    r"another))?(?: (?:new|small|ar))?(?: (?:lora|model|adapter|lora adapter))?(?: (?:for|on|of|with|"
    r"about|from))*(?: (?P<c>{C}|him|her|it|them))?"
    r"|(?:make|create|run|start|do)(?: an?| the)?(?: new)? (?:lora|fine-?tuning|training|finetune|"
    r"training run)(?: (?:for|on|of|with))*(?: (?P<c>{C}|him|her|it|them))?"
    r"|(?:learn|study|practi[sc]e) (?P<c>{C}|him|her|it|them) (?:better|more|properly|harder|"
    r"thoroughly|in depth|more thoroughly)"
    r"|(?:spend|take|invest) .{1,30} (?:training|learning|on|fine-?tuning|practi[sc]ing)(?: on|"
    r" for)? (?P<c>{C}|him|her|it|them)(?: better)?"
    r"|practi[sc]e (?P<c>{C}|him|her|it|them)(?: (?:some|a (?:bit|little)))? ?more.{0,50}|(?:train|"
    r"tune) (?:yourself )?on (?P<c>{C}|him|her|it|them))"
    r"(?: (?:with|using|by)(?: an?)? lora| properly| better| now| please| again|"
    r" too)*(?P<time>,? (?:and )?(?:give (?:it|him|her|yourself)|take|spend|no more than|you have|"
    r"for|in|with|about|up to|at most|max(?:imum)?|within|using|a budget of|"
    r"budget).{1,40})?"
)
_TIME = re.compile(
    rf"(?P<n>\d{{1,4}}(?:\.\d)?|half an|half a|an|a|a couple of|a few|"
    rf"{either(dict.fromkeys(NUMBERS))}) ?(?P<unit>h|hours?|hrs?|m|minutes?|mins?|s|seconds?|secs?)\b"
)
_AMOUNT = {"half an": 0.5, "half a": 0.5, "an": 1.0, "a": 1.0, "a couple of": 2.0, "a few": 3.0}
_UNIT = {"h": 3600, "m": 60, "s": 1}


def train(text: Text) -> list[Step] | None:
    """Fine-tune a concept for as long as the user allows."""
    low = text.low.rstrip(" ?!.")
    match = _TRAIN.fullmatch(low)
    if not match or text.files:
        return None
    group = pick(match, "c")
    if not group and not re.search(r"fine-?\s?tun|train|lora", low):
        return None
    subject = text.subject_at(match.start(group)) if group else None
    if subject is not None:
        names, said = subject.names, subject.said
    else:
        said = match[group] if group else "it"
        names = antecedents(said, text.state) if said in PRONOUNS else ()
    concept = choose(names, said, text.state, text.hints)
    if isinstance(concept, Ask):
        return [concept]
    args: dict[str, object] = {"concept": concept}
    if time := _TIME.search(low):
        args["seconds"] = int(
            (_AMOUNT.get(time["n"]) or NUMBERS.get(time["n"]) or float(time["n"])) * _UNIT[time["unit"][0]]
        )
    return [Call("finetune_lora", args)]

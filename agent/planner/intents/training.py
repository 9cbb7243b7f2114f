"""Fine-tuning on request: "train a LoRA for Biscuit for ten minutes"."""

from __future__ import annotations

import re

from ..references import Text
from ..state import Ask, Call, Say, Step
from ..words import NUMBERS, either

_TRAINED = frozenset("lora ar_lora ar_tokens pivotal dreambooth textual_inversion".split())
_TIME = re.compile(
    rf"(?P<n>\d{{1,4}}(?:\.\d)?|half an|half a|an|a|a couple of|a few|"
    rf"{either(dict.fromkeys(NUMBERS))}) ?(?P<unit>h|hours?|hrs?|m|minutes?|mins?|s|seconds?|secs?)\b"
)
_AMOUNT = {"half an": 0.5, "half a": 0.5, "an": 1.0, "a": 1.0, "a couple of": 2.0, "a few": 3.0}
_UNIT = {"h": 3600, "m": 60, "s": 1}


def trained(text: Text, concept: str | Ask) -> list[Step]:
    """Fine-tune a concept, with the budget in seconds that the clause names, where the preset can."""
    if isinstance(concept, Ask):
        return [concept]
    if text.state.methods and not _TRAINED & set(text.state.methods):
        return [
            Say(f"These models cannot be fine-tuned; there is {', '.join(text.state.methods)}.", weak=False)
        ]
    args: dict[str, object] = {"concept": concept}
    if time := _TIME.search(text.low):
        amount = _AMOUNT.get(time["n"]) or NUMBERS.get(time["n"]) or float(time["n"])
        args["seconds"] = int(amount * _UNIT[time["unit"][0]])
    return [Call("finetune_lora", args)]

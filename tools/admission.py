"""Which methods a preset's models can carry, and what each can do on them. Loads nothing."""

from __future__ import annotations

from .backbones import Backbone, backbones
from .method import Method
from .methods import methods
from .presets import Preset
from .values import MethodInfo

SEVERAL = frozenset({"several", "borrow"})
"""What takes more than one picture in the prompt."""
WORDS = {
    "references": "pictures in its prompt", "ip_adapter": "an IP-Adapter", "lora": "LoRA",
    "textual_inversion": "learned words", "regions": "subjects each in a region",
    "edit": "a picture to change", "inpaint": "masks", "train": "training here",
    "train_words": "words learned here", "train_weights": "training of all its weights",
}  # fmt: skip


def admitted(preset: Preset) -> list[MethodInfo]:
    """Every registered method and whether this preset can run it."""
    return [_info(made, preset) for made in methods().values()]


def _info(made: type[Method], preset: Preset) -> MethodInfo:
    family = _family(made, preset)
    can = capabilities(made, family) if family is not None else made.capabilities
    can -= preset.not_for.get(made.name, frozenset())
    why = refusal(made, preset)
    return MethodInfo(made.name, made.summary, can, not why, why)


def _family(made: type[Method], preset: Preset) -> type[Backbone] | None:
    spec = preset.models.get(made.backbone)
    return backbones().get(spec.family) if spec is not None else None


def refusal(made: type[Method], preset: Preset) -> str:
    """Why a preset cannot run a method; "" where it can."""
    if made.name not in preset.methods:
        return f"the preset {preset.name} does not use it"
    if made.follows and made.follows not in preset.methods:
        return f"it goes on from {made.follows}, which the preset {preset.name} does not use"
    needed = [made.backbone, *([methods()[made.follows].backbone] if made.follows else [])]
    if lacking := [role for role in needed if role not in preset.models]:
        return f"the preset {preset.name} has no {lacking[0]} model"
    family = _family(made, preset)
    return lack(made, family) if family is not None else ""


def lack(made: type[Method], family: type[Backbone]) -> str:
    """What a method asks for and a family has not; "" where it has all."""
    needs = made.needs | ({"train"} if "trained" in made.capabilities else set())
    missing = sorted(needs - family.takes)
    return f"{family.label} takes no {WORDS[missing[0]].removeprefix('an ')}" if missing else ""


def capabilities(made: type[Method], family: type[Backbone]) -> frozenset[str]:
    """What a method can do on a family."""
    can = made.capabilities if "inpaint" in family.takes else made.capabilities - {"dress"}
    alone = "references" in made.needs and family.most_references < 2
    if alone or ("ip_adapter" in made.needs and "regions" not in family.takes):
        return can - SEVERAL
    return can

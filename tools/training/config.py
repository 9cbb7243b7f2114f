"""How a training goes, whatever it trains. A preset's values replace the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..method import MethodConfig


@dataclass(frozen=True)
class TrainingConfig(MethodConfig):
    """Settings of the loop, shared by all trained methods."""

    most_steps: int = 240
    """The stop rule mostly ends it earlier."""
    batch: int = 8
    learning_rate: float = 1e-3
    warm: bool = True
    """Begin from what the model sees in the references (the hybrid schemes of both surveys) instead of noise."""
    sample_every: int = 20
    probes: int = 4
    """Prompts that the references do not show, drawn at every sampling with the same seeds."""
    patience: int = 3
    """Samplings without a gain after which it stops."""
    least_gain: float = 0.01
    priors: int = 24
    """Pictures of the class, drawn once by the model itself and kept."""
    prior_share: float = 0.2
    """Of a batch (prior preservation: Ruiz et al. 2022, arXiv 2208.12242, section 3.3)."""
    composed_share: float = 0.6
    """Of a batch: the subject put into a prior picture's scene."""
    background: float = 0.2
    """Weight of the loss outside the subject in a reference; 1 inside."""
    optimizer: Literal["adamw", "adamw8bit"] = "adamw"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """"auto": bfloat16 where it is faster for this model on this machine."""
    checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, a third slower."""
    seed: int = 0

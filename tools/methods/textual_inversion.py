"""Textual inversion: the embedding of a new word is learned, nothing else (Gal et al. 2022, arXiv 2208.01618)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from ..method import Inversion, MethodConfig, Space
from ..training.tuned_diffusion import DiffusionTrainingConfig, TunedDiffusion
from ..values import SubjectInput

if TYPE_CHECKING:
    from ..backbones.diffusion import Diffusion
    from ..training.diffusion_parts import LearnedWord
    from ..training.task import Stage

WORD = "<subject>"


@dataclass(frozen=True)
class WordConfig(DiffusionTrainingConfig):
    """`vectors`: how many the word has."""

    learning_rate: float = 5e-3
    prior_share: float = 0.0
    vectors: int = 2


class TextualInversion(TunedDiffusion):
    """Learns a word for the subject."""

    name: ClassVar[str] = "textual_inversion"
    summary: ClassVar[str] = "learns a word for the subject in the diffusion model; a few kilobytes"
    space: ClassVar[Space] = "textual"
    inversion: ClassVar[Inversion] = "hybrid"
    scheme: ClassVar[str] = "learned word in the prompt"
    Config: ClassVar[type[MethodConfig]] = WordConfig
    needs: ClassVar[frozenset[str]] = frozenset({"train_words"})
    word: ClassVar[str] = WORD

    def stages(self, subject: SubjectInput, warm: bool, noun: str) -> Sequence[Stage]:
        from ..training.task import Stage

        return [Stage((learned_word(cast("Diffusion", self.model), noun, cast(WordConfig, self.config).vectors),))]


def learned_word(model: Diffusion, noun: str, vectors: int) -> LearnedWord:
    """A new word that begins as the class noun (arXiv 2208.01618, section 4)."""
    from ..training.diffusion_parts import LearnedWord

    ids = model.pipe.tokenizer(noun, add_special_tokens=False, return_tensors="pt").input_ids[0]
    rows = model.pipe.text_encoder.get_input_embeddings().weight.detach()[ids]
    return LearnedWord(model, rows.mean(0, keepdim=True).repeat(vectors, 1), WORD)

"""Emu3 (Wang et al. 2024, arXiv 2409.18869) on `Emu3ForConditionalGeneration`: words and pictures in one vocabulary.

A picture's codes are ordinary tokens, a mark at the end of each row of them; with words alone as the prompt and greedy
choice our loop gives the tokens of the library's `generate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from . import NO_SETTINGS
from .autoregressive import Autoregressive, Learned, Marks, Seen, Segment, Text, Tokens

if TYPE_CHECKING:
    from torch import Tensor

WHOLE = ("model.vqmodel", "lm_head")
"""What keeps its 16 bits: all but the language model, which is nearly all of the weights."""


class Emu3(Autoregressive):
    """One head for words and pictures; only the codes of pictures are looked at while drawing."""

    family: ClassVar[str] = "emu3"
    label: ClassVar[str] = "Emu3"
    takes: ClassVar[frozenset[str]] = frozenset({"references", "edit"})
    cannot: ClassVar[str] = "no masks, no training here; Emu3 itself never learned to follow references"
    settings: ClassVar[frozenset[str]] = frozenset({"side"})

    def __init__(self, folder: Path, model: Any, tokenizer: Any, side: int) -> None:
        import torch

        super().__init__(folder)
        self.model, self.tokenizer = model, tokenizer
        self.language_model, self.config = model.model.text_model, model.config.text_config
        vq, words = model.config.vq_config, model.model.vocabulary_mapping
        self.cell = 2 ** (len(vq.channel_multiplier) - 1)
        self.rows = side // self.cell
        self.side, self.steps = self.rows * self.cell, self.rows**2
        self.codes = torch.tensor([words.img2bpe[i] for i in range(len(words.img2bpe))], device=model.device)
        self.row_end = words.eol_token_id
        self._opening = f"{tokenizer.boi_token}{self.rows}*{self.rows}{tokenizer.image_wrapper_token}"
        self._closing = f"{tokenizer.eof_token}{tokenizer.eoi_token}"
        self.marks = Marks(tokenizer.bos_token, self._opening, "The picture to change: ", "subject {} ")  # type: ignore[misc]

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", settings: Mapping[str, Any] = NO_SETTINGS) -> Emu3:
        """`settings["side"]` is the side of a picture in pixels (default 720)."""
        from transformers import Emu3ForConditionalGeneration, PreTrainedTokenizerFast

        from ..checkpoints import check_part, reading
        from ..machine import Placement

        place = Placement.of(settings, device)
        check_part(folder)
        with reading(f"{folder} holds no usable Emu3 model"):
            model = Emu3ForConditionalGeneration.from_pretrained(
                folder, use_safetensors=True, local_files_only=True, **place.loading_model(WHOLE)
            )
            tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
            if place.bits == 16:
                model = model.to(device)
            return cls(folder, model.eval().requires_grad_(False), tokenizer, int(settings.get("side", 720)))

    def free(self) -> None:
        del self.model, self.language_model

    def embed(self, segments: Sequence[Segment]) -> Tensor:
        import torch

        return torch.cat([self._embed(segment) for segment in segments], 1)

    def _embed(self, segment: Segment) -> Tensor:
        """Inputs `[1, l, d]` of one segment."""
        import torch

        if isinstance(segment, Learned):
            return segment.vectors[None].to(self.model.device, self.model.dtype)
        return self._words(torch.tensor([self._ids(segment)], dtype=torch.long, device=self.model.device))

    def _words(self, ids: Tensor) -> Tensor:
        return self.model.get_input_embeddings()(ids)

    def _ids(self, segment: Text | Tokens | Seen) -> list[int]:
        """Token ids of a segment; a picture stands between its marks, a row's end after each row."""

        def words(text: str) -> list[int]:
            return self.tokenizer(text, add_special_tokens=False).input_ids

        if isinstance(segment, Text):
            return words(segment.text)
        codes = segment.ids if isinstance(segment, Tokens) else self.encode(segment.pixels[None])[0]
        rows = self.codes[codes.to(self.codes.device)].view(self.rows, self.rows).tolist()
        inside = [code for row in rows for code in [*row, self.row_end]]
        return [*words(self._opening), *inside, *words(self._closing)]

    def encode(self, pixels: Tensor) -> Tensor:
        import torch

        vq = self.model.model.vqmodel
        sizes = torch.tensor([pixels.shape[-2:]] * len(pixels))
        with torch.no_grad():
            found = vq.encode(pixels.to(self.model.device, vq.dtype), sizes, return_dict=True).image_tokens
        return torch.stack([codes.flatten() for codes in found])

    def decode_tokens(self, ids: Tensor) -> Tensor:
        import torch

        with torch.no_grad():
            return self.model.model.vqmodel.decode(ids.view(-1, self.rows, self.rows)).float().clamp(-1, 1)

    def logits(self, hidden: Tensor, step: int) -> Tensor:
        return self.model.lm_head(hidden)[:, self.codes]

    def embed_token(self, tokens: Tensor, step: int) -> Tensor:
        import torch

        ids = self.codes[tokens][:, None]
        if (step + 1) % self.rows == 0:
            ids = torch.cat([ids, torch.full_like(ids, self.row_end)], 1)
        return self._words(ids)

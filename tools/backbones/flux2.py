"""FLUX.2 (Black Forest Labs 2025 and 2026): [klein] on `Flux2KleinPipeline`, [dev] on `Flux2Pipeline`.

References stand in the transformer's sequence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from .diffusion import Painting
from .learning import Flow, parts
from .pipelined import Pipelined

if TYPE_CHECKING:
    from torch import Tensor


class Flux2(Flow, Pipelined):
    """Three layers of a language model read the prompt; every picture has its own place in time."""

    family: ClassVar[str] = "flux2"
    label: ClassVar[str] = "FLUX.2 klein"
    takes: ClassVar[frozenset[str]] = frozenset({"references", "edit", "inpaint", "lora", "train"})
    cannot: ClassVar[str] = "no learned words, no IP-Adapter: references go in as they are"
    layers: ClassVar[tuple[str, ...]] = (
        "to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out", "to_qkv_mlp_proj",
        "attn.to_out",
    )  # fmt: skip
    most_references: ClassVar[int] = 8
    drawing: ClassVar[str] = "Flux2KleinPipeline"
    inpainting: ClassVar[str] = "Flux2KleinInpaintPipeline"
    options: ClassVar[tuple[str, ...]] = ("is_distilled",)

    def latents(self, pixels: Tensor) -> Tensor:
        import torch

        vae = self.pipe.vae
        with torch.no_grad():
            found = [self.pipe._encode_vae_image(part.to(vae.device, vae.dtype), None) for part in parts(pixels)]
        return torch.cat(found)

    def hears(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        words, places = self.pipe.encode_prompt(list(prompts))
        return {"encoder_hidden_states": words, "txt_ids": places}

    def predicted(self, noisy: Tensor, times: Tensor, heard: Mapping[str, Tensor], images: Tensor | None) -> Tensor:
        pipe, dtype = self.pipe, self.pipe.transformer.dtype
        made: Tensor = pipe.transformer(
            hidden_states=pipe._pack_latents(noisy).to(dtype),
            timestep=times.to(dtype),
            guidance=None,
            img_ids=pipe._prepare_latent_ids(noisy).to(noisy.device),
            **heard,
        ).sample
        return made.permute(0, 2, 1).unflatten(2, noisy.shape[-2:])

    def arguments(self, painting: Painting) -> tuple[Any, dict[str, Any]]:
        asked = self.plainly(painting)
        if not self.pipe.config.is_distilled:
            asked["guidance_scale"] = painting.guidance
        if painting.mask is not None:
            reference = {"image_reference": list(painting.references)} if painting.references else {}
            asked |= {"image": painting.source, "mask_image": painting.mask, "strength": painting.strength}
            return self._inpaint, asked | reference
        shown = self.shown(painting)
        return self.pipe, asked | ({"image": shown} if shown else {})


class Flux2Dev(Pipelined):
    """The large one: layers of a vision-language model read the prompt, guidance is learned into the transformer."""

    family: ClassVar[str] = "flux2_dev"
    label: ClassVar[str] = "FLUX.2 dev"
    takes: ClassVar[frozenset[str]] = frozenset({"references", "edit", "lora"})
    cannot: ClassVar[str] = "no masks: the library paints inside one with klein only; no learned words, no IP-Adapter"
    most_references: ClassVar[int] = 8
    drawing: ClassVar[str] = "Flux2Pipeline"

    @classmethod
    def given(cls, folder: Path) -> dict[str, Any]:
        from transformers import AutoTokenizer
        from transformers.utils import is_torchvision_available

        if is_torchvision_available():
            return {}
        # Its processor for words and pictures needs torchvision; the pipeline shows it words alone.
        return {"tokenizer": AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)}

    def arguments(self, painting: Painting) -> tuple[Any, dict[str, Any]]:
        if painting.mask is not None:
            return self._inpaint, {}
        asked = self.plainly(painting) | {"guidance_scale": painting.guidance}
        shown = self.shown(painting)
        return self.pipe, asked | ({"image": shown} if shown else {})

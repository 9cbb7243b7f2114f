"""Stable Diffusion XL (Podell et al. 2023, arXiv 2307.01952) on `StableDiffusionXLPipeline`, with an IP-Adapter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .diffusion import Painting, Subject
from .hearing import Hearing
from .learning import Unet
from .stable_diffusion import dict_scale

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


class StableDiffusionXL(Unet, Hearing):
    """Two CLIP text encoders, size conditioning, and what is put on them."""

    family: ClassVar[str] = "stable_diffusion_xl"
    label: ClassVar[str] = "Stable Diffusion XL"
    takes: ClassVar[frozenset[str]] = frozenset(
        {"edit", "inpaint", "lora", "textual_inversion", "ip_adapter", "regions", "train"}
    )
    cannot: ClassVar[str] = (
        "references go in through an IP-Adapter only, never as pictures; of several subjects all hear the whole prompt"
    )
    large: ClassVar[tuple[str, ...]] = ("unet", "text_encoder_2")
    readers: ClassVar[tuple[str, ...]] = ("text_encoder", "text_encoder_2")
    drawing: ClassVar[str] = "StableDiffusionXLPipeline"
    from_picture: ClassVar[str] = "StableDiffusionXLImg2ImgPipeline"
    inpainting: ClassVar[str] = "StableDiffusionXLInpaintPipeline"
    multiple: ClassVar[int] = 8
    single_file: ClassVar[tuple[str, ...]] = (
        "model.diffusion_model.", "first_stage_model.", "conditioner.embedders.0.", "conditioner.embedders.1.",
    )  # fmt: skip

    def encoded(self, crops: Sequence[Image]) -> Tensor:
        device = self.pipe._execution_device
        found: Tensor = self.pipe.prepare_ip_adapter_image_embeds([list(crops)], None, device, 1, False)[0][0]
        return found

    def hears(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        import torch

        pipe, made = self.pipe, []
        for tokenizer, encoder in ((pipe.tokenizer, pipe.text_encoder), (pipe.tokenizer_2, pipe.text_encoder_2)):
            made.append(encoder(self.spelled(prompts, tokenizer), output_hidden_states=True))
        # A square that was neither made smaller nor cropped (arXiv 2307.01952, section 2.2).
        size = [float(self.side), float(self.side), 0.0, 0.0, float(self.side), float(self.side)]
        words = torch.cat([one.hidden_states[-2] for one in made], -1)
        sizes = torch.tensor([size] * len(prompts)).to(words)
        return {"encoder_hidden_states": words, "text_embeds": made[-1][0], "time_ids": sizes}

    def words(self, painting: Painting) -> dict[str, Any]:
        return {
            "prompt": painting.prompt, "negative_prompt": painting.negative or None,
            "guidance_scale": painting.guidance,
        }  # fmt: skip

    def sized(self, width: int, height: int) -> dict[str, Any]:
        return {}

    def heard(self, painting: Painting, width: int, height: int) -> dict[str, Any]:
        import torch

        subjects = painting.subjects
        self.pipe.set_ip_adapter_scale(dict_scale(painting.scale) if subjects else 0.0)
        silence = self.silence
        shown = silence
        if subjects:
            rows = torch.from_numpy(np.concatenate([s.embeddings for s in subjects]))
            shown = rows.to(silence).view(1, -1, *silence.shape[2:])
        if painting.guidance > 1:
            shown = torch.cat([silence.expand_as(shown), shown])
        heard: dict[str, Any] = {"ip_adapter_image_embeds": [shown]}
        if any(s.region is not None for s in subjects):
            masks = self._masks(subjects, width, height)
            self.pipe.set_ip_adapter_scale([[float(painting.scale)] * masks.shape[1]])  # type: ignore[arg-type]
            heard["cross_attention_kwargs"] = {"ip_adapter_masks": [masks]}
        return heard

    def _masks(self, subjects: Sequence[Subject], width: int, height: int) -> Tensor:
        """The region of each reference `[1, k, height, width]`."""
        from diffusers.image_processor import IPAdapterMaskProcessor
        from PIL import Image as Images

        everywhere = Images.new("L", (width, height), 255)
        masks = [s.region or everywhere for s in subjects for _ in range(len(s.embeddings))]
        found = IPAdapterMaskProcessor().preprocess(masks, height=height, width=width)
        return found.reshape(1, len(masks), height, width)

"""Stable Diffusion XL (Podell et al. 2023, arXiv 2307.01952) on `StableDiffusionXLPipeline`, with an IP-Adapter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .diffusion import Painting, Subject
from .hearing import Hearing
from .stable_diffusion import dict_scale

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


class StableDiffusionXL(Hearing):
    """Two CLIP text encoders, size conditioning, and what is put on them."""

    family: ClassVar[str] = "stable_diffusion_xl"
    label: ClassVar[str] = "Stable Diffusion XL"
    takes: ClassVar[frozenset[str]] = frozenset(
        {"edit", "inpaint", "lora", "textual_inversion", "ip_adapter", "regions"}
    )
    cannot: ClassVar[str] = (
        "references go in through an IP-Adapter only, never as pictures; of several subjects all hear the whole prompt"
    )
    large: ClassVar[tuple[str, ...]] = ("unet", "text_encoder_2")
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
        silence = self._silence
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

    @cached_property
    def _silence(self) -> Tensor:
        """What the adapter hears where there is no reference, as the library has it: `[1, 1, ...]`."""
        import torch
        from diffusers.models.embeddings import ImageProjection

        pipe, config = self.pipe, self.pipe.image_encoder.config
        simple = isinstance(pipe.unet.encoder_hid_proj.image_projection_layers[0], ImageProjection)
        black = torch.zeros(1, 3, config.image_size, config.image_size)
        with torch.no_grad():
            return pipe.encode_image(black, pipe._execution_device, 1, not simple)[1][None]

    def _masks(self, subjects: Sequence[Subject], width: int, height: int) -> Tensor:
        """The region of each reference `[1, k, height, width]`."""
        from diffusers.image_processor import IPAdapterMaskProcessor
        from PIL import Image as Images

        everywhere = Images.new("L", (width, height), 255)
        masks = [s.region or everywhere for s in subjects for _ in range(len(s.embeddings))]
        found = IPAdapterMaskProcessor().preprocess(masks, height=height, width=width)
        return found.reshape(1, len(masks), height, width)

"""FLUX.1 (Black Forest Labs 2024 and 2025, arXiv 2506.15742): [dev] on `FluxPipeline`, Kontext on its own.

To [dev] an IP-Adapter gives the references; to Kontext one picture stands in the transformer's sequence before the
picture that is drawn: a reference, or what is edited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...errors import UserError
from .diffusion import Painting
from .hearing import Hearing
from .learning import Flow, parts
from .pipelined import Pipelined

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


class Flux(Pipelined):
    """CLIP and T5 read the prompt; guidance is learned into the transformer."""

    family: ClassVar[str] = "flux"
    label: ClassVar[str] = "FLUX.1 Kontext"
    takes: ClassVar[frozenset[str]] = frozenset({"references", "edit", "inpaint", "lora"})
    cannot: ClassVar[str] = "one picture at a time: no second subject, nothing borrowed from another take"
    most_references: ClassVar[int] = 1
    large: ClassVar[tuple[str, ...]] = ("transformer", "text_encoder_2")
    drawing: ClassVar[str] = "FluxKontextPipeline"
    inpainting: ClassVar[str] = "FluxKontextInpaintPipeline"

    def arguments(self, painting: Painting) -> tuple[Any, dict[str, Any]]:
        width, height = self.frame(painting)
        shown = self.shown(painting)
        asked = self.plainly(painting) | {
            "guidance_scale": painting.guidance, "max_area": width * height,
            # Its list of sizes is for pictures of about a megapixel.
            "_auto_resize": width * height >= 2**19,
        }  # fmt: skip
        if painting.mask is not None:
            reference = {"image_reference": painting.references[0]} if painting.references else {}
            asked |= {"image": painting.source, "mask_image": painting.mask, "strength": painting.strength}
            return self._inpaint, asked | reference
        return self.pipe, asked | ({"image": shown[0]} if shown else {})


class FluxDev(Flow, Hearing):
    """The same parts without a picture in the sequence."""

    family: ClassVar[str] = "flux_dev"
    label: ClassVar[str] = "FLUX.1 dev"
    takes: ClassVar[frozenset[str]] = frozenset({"edit", "inpaint", "lora", "ip_adapter", "train"})
    cannot: ClassVar[str] = "one subject at a time, heard through an IP-Adapter; no learned words, no negative prompts"
    large: ClassVar[tuple[str, ...]] = Flux.large
    layers: ClassVar[tuple[str, ...]] = (
        "to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out",
    )  # fmt: skip
    drawing: ClassVar[str] = "FluxPipeline"
    from_picture: ClassVar[str] = "FluxImg2ImgPipeline"
    inpainting: ClassVar[str] = "FluxInpaintPipeline"

    def latents(self, pixels: Tensor) -> Tensor:
        import torch
        import torch.nn.functional as F

        vae = self.pipe.vae
        with torch.no_grad():
            found = [vae.encode(part.to(vae.device, vae.dtype)).latent_dist.mean for part in parts(pixels)]
        return F.pixel_unshuffle((torch.cat(found) - vae.config.shift_factor) * vae.config.scaling_factor, 2)

    def hears(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        words, pooled, _ = self.pipe.encode_prompt(list(prompts), None)
        return {"encoder_hidden_states": words, "pooled_projections": pooled}

    def predicted(self, noisy: Tensor, times: Tensor, heard: Mapping[str, Tensor], images: Tensor | None) -> Tensor:
        import torch

        network, words = self.pipe.transformer, heard["encoder_hidden_states"]
        cells = self.pipe._prepare_latent_image_ids(len(noisy), *noisy.shape[-2:], noisy.device, words.dtype)
        made: Tensor = network(
            hidden_states=noisy.flatten(2).permute(0, 2, 1).to(network.dtype),
            timestep=times.to(network.dtype),
            # Learned into the weights; without any it answers for the plain distribution.
            guidance=torch.ones(len(noisy)).to(noisy) if network.config.guidance_embeds else None,
            txt_ids=torch.zeros(words.shape[1], 3).to(words),
            img_ids=cells,
            joint_attention_kwargs=None if images is None else {"ip_adapter_image_embeds": [images]},
            **heard,
        ).sample
        return made.permute(0, 2, 1).unflatten(2, noisy.shape[-2:])

    def encoded(self, crops: Sequence[Image]) -> Tensor:
        found: Tensor = self.pipe.encode_image(list(crops), self.pipe._execution_device, 1)
        return found

    def words(self, painting: Painting) -> dict[str, Any]:
        return {"prompt": painting.prompt, "guidance_scale": painting.guidance}

    def heard(self, painting: Painting, width: int, height: int) -> dict[str, Any]:
        import torch

        if isinstance(painting.scale, Mapping):
            raise UserError(f"{self.label} hears references in all its blocks alike.", "Leave out `blocks`.")
        self.pipe.set_ip_adapter_scale(float(painting.scale) if painting.subjects else 0.0)
        shown = silence = self.silence
        if painting.subjects:
            rows = np.concatenate([s.embeddings for s in painting.subjects])
            shown = torch.from_numpy(rows)[None].to(silence)
        # Without what is not to be heard, the library would encode a black picture each time, and not use it.
        return {"ip_adapter_image_embeds": [shown], "negative_ip_adapter_image_embeds": [silence]}

    @cached_property
    def silence(self) -> Tensor:
        """Stands for a reference where there is none, its scale being 0: `[1, 1, width]`."""
        import torch

        encoder = self.pipe.image_encoder
        return torch.zeros(1, 1, encoder.config.projection_dim, device=self.pipe._execution_device, dtype=encoder.dtype)

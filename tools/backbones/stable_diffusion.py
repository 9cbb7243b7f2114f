"""Stable Diffusion 1.x and 2.x (Rombach et al. 2022, arXiv 2112.10752) on `StableDiffusionPipeline`.

An IP-Adapter (Ye et al. 2023, arXiv 2308.06721) is loaded where the folder holds one in the published layout:
`models/*.safetensors` and `models/image_encoder/`. The pipeline is the library's own and stays usable as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..images import square
from ..machine import Placement
from . import NO_SETTINGS
from .adapting import Adapting
from .diffusion import Painting, Step, Subject
from .image_adapter import adapter_of, adapter_space, load_adapter, without_adapter
from .learning import Unet

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from ..nn.denoise import Conditions, Source


class StableDiffusion(Unet, Adapting):
    """U-Net, CLIP text encoder and autoencoder, with what is put on them."""

    family: ClassVar[str] = "stable_diffusion"
    label: ClassVar[str] = "Stable Diffusion"
    takes: ClassVar[frozenset[str]] = frozenset({
        "edit", "inpaint", "lora", "textual_inversion", "ip_adapter", "regions",
        "train", "train_words", "train_weights",
    })  # fmt: skip
    cannot: ClassVar[str] = "references go in through an IP-Adapter only, never as pictures"
    settings: ClassVar[frozenset[str]] = frozenset({"variant", "half", "sampler"})
    drawing: ClassVar[str] = "StableDiffusionPipeline"
    large: ClassVar[tuple[str, ...]] = ("unet",)
    single_file: ClassVar[tuple[str, ...]] = ("model.diffusion_model.", "first_stage_model.", "cond_stage_model.")

    def __init__(self, folder: Path, pipe: Any, settings: Mapping[str, Any] = NO_SETTINGS) -> None:
        self.place = Placement.of(settings, pipe.device.type)
        self.half = bool(settings.get("half", False)) and _quick_bfloat16(pipe.device.type)
        self.adapted = pipe.unet.config.encoder_hid_dim_type == "ip_image_proj"
        self.side = int(pipe.unet.config.sample_size * pipe.vae_scale_factor)
        self.space = self.space_of(folder, settings)
        super().__init__(folder, pipe, settings)

    @classmethod
    def space_of(cls, folder: Path, settings: Mapping[str, Any] = NO_SETTINGS) -> str:
        return adapter_space(adapter_of(folder, settings))

    @classmethod
    def given(cls, folder: Path) -> dict[str, Any]:
        return dict.fromkeys(("safety_checker", "image_encoder", "feature_extractor"))

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", settings: Mapping[str, Any] = NO_SETTINGS) -> StableDiffusion:
        """With `settings["half"]` the U-Net multiplies in bfloat16 where the processor can; weights are as they are."""
        place = Placement.of(settings, device)
        pipe = cls.read(cls.drawing, folder, settings, place)
        if (adapter := adapter_of(folder, settings)) is not None:
            load_adapter(pipe, adapter)
        place.apply(pipe)
        return cls(folder, pipe, {**place.settings(), **settings})

    def free(self) -> None:
        self.__dict__.pop("silence", None)
        del self.pipe

    def hears(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        pipe = self.pipe
        return {"encoder_hidden_states": pipe.text_encoder(self.spelled(prompts, pipe.tokenizer))[0]}

    # The image adapter

    def image_embeddings(self, crops: Sequence[Image]) -> np.ndarray:
        import torch

        if not self.adapted:
            raise without_adapter(self)
        pipe = self.pipe
        with torch.no_grad():
            found = pipe.prepare_ip_adapter_image_embeds([list(crops)], None, pipe._execution_device, 1, False)
        return found[0][0].flatten(1).float().cpu().numpy()

    def _conditions(self, painting: Painting) -> Conditions:
        """Words and image prompts, with the empty ones before them where there is guidance."""
        import torch

        from ..nn.denoise import Conditions

        b, pipe, guided = len(painting.seeds), self.pipe, painting.guidance > 1
        device = pipe._execution_device
        words, empty = pipe.encode_prompt(painting.prompt, device, b, guided, painting.negative or None)
        shares = None
        if any(s.words for s in painting.subjects):
            own = [pipe.encode_prompt(s.words or painting.prompt, device, b, False)[0] for s in painting.subjects]
            words, shares = torch.cat(own), self._shares(painting.subjects).to(words)
        texts = len(words) // b
        if guided:
            words = torch.cat([empty, words])
        if not self.adapted:
            return Conditions(words, shares=shares)
        images, regions = self._image_prompts(painting.subjects)
        # Without subjects the adapter hears nothing, and is left out.
        pipe.set_ip_adapter_scale(dict_scale(painting.scale) if painting.subjects else 0.0)
        shown = images.expand(texts * b, *images.shape[1:])
        if guided:
            shown = torch.cat([self.silence.expand_as(shown[:b]), shown])
        return Conditions(words, shown, regions, shares)

    def _image_prompts(self, subjects: tuple[Subject, ...]) -> tuple[Tensor, Tensor | None]:
        """All subjects' embeddings `[1, k, ...]`, and the region of each `[1, k, side, side]` if any has one."""
        import torch

        if not subjects:
            return self.silence, None
        images = torch.from_numpy(np.concatenate([s.embeddings for s in subjects]))
        shown = images.to(self.silence).view(1, -1, *self.silence.shape[2:])
        if all(s.region is None for s in subjects):
            return shown, None
        inside = self._inside(subjects).repeat_interleave(torch.tensor([len(s.embeddings) for s in subjects]), 0)
        return shown, inside[None].to(self.silence)

    def _inside(self, subjects: tuple[Subject, ...]) -> Tensor:
        """The subjects' regions, 0 or 1, `[k, side, side]`."""
        import torch
        from PIL import Image as Images

        everywhere = Images.new("L", (self.side, self.side), 255)
        regions = [(s.region or everywhere).convert("L").resize((self.side, self.side)) for s in subjects]
        return torch.from_numpy(np.stack([np.asarray(region) > 127 for region in regions])).float()

    def _shares(self, subjects: tuple[Subject, ...]) -> Tensor:
        """How much each subject's words count at each place of the latents: `[k, 1, 1, h, w]`, together 1."""
        import torch.nn.functional as F

        inside = F.avg_pool2d(self._inside(subjects), self.pipe.vae_scale_factor) + 1e-6
        return (inside / inside.sum(0))[:, None, None]

    # Painting

    def paint(self, painting: Painting) -> Iterator[Step]:
        import torch

        from ..nn.denoise import Plan, denoise

        generators = [torch.Generator().manual_seed(seed) for seed in painting.seeds]
        source = self._source(painting, generators)
        conditions = self._conditions(painting)
        # While its own weights are trained, the U-Net is in 32 bits and the rest is not.
        half = self.half or self.pipe.unet.dtype != self.pipe.vae.dtype
        plan = Plan(painting.steps, painting.guidance, painting.guided, painting.strength, half)
        total = painting.steps if source is None else min(int(painting.steps * painting.strength), painting.steps)
        if total < 1:
            raise ValueError(f"{painting.steps} steps at strength {painting.strength} leave nothing to do")
        steps = denoise(self.pipe.unet, self.pipe.scheduler, conditions, plan, generators, source)
        for step, (latents, clean) in enumerate(steps, 1):
            if step == total:
                yield Step(step, total, None, self._decode(latents))
            else:
                wanted = painting.preview_every and step % painting.preview_every == 0
                yield Step(step, total, self._decode(clean[:1])[0] if wanted else None)

    def _source(self, painting: Painting, generators: list[Any]) -> Source | None:
        """The source's latents, one a seed, and where they may change."""
        import torch
        import torch.nn.functional as F
        from PIL import Image as Images

        from ..nn.denoise import Source
        from ..pixels import to_tensor

        if painting.source is None:
            return None
        vae = self.pipe.vae
        pixels = to_tensor(square(painting.source, self.side)).to(self.pipe._execution_device, vae.dtype)
        with torch.no_grad():
            found = vae.encode(pixels).latent_dist
            latents = torch.cat([found.sample(generator) for generator in generators]) * vae.config.scaling_factor
        if painting.mask is None:
            return Source(latents)
        mask = painting.mask.convert("L").resize((self.side, self.side), Images.Resampling.BILINEAR)
        free = torch.from_numpy((np.asarray(mask) > 127).astype(np.float32))[None, None].to(latents)
        # A cell of latents is free where any of its pixels is.
        return Source(latents, F.max_pool2d(free, self.pipe.vae_scale_factor))

    def _decode(self, latents: Tensor) -> tuple[Image, ...]:
        import torch

        from ..pixels import to_picture

        vae = self.pipe.vae
        with torch.no_grad():
            pixels = vae.decode(latents / vae.config.scaling_factor).sample
        return tuple(to_picture(picture) for picture in pixels)


def _quick_bfloat16(device: str) -> bool:
    """Whether a device multiplies bfloat16 faster than float32."""
    import torch

    return device != "cpu" or bool(torch.cpu._is_avx512_bf16_supported())


def dict_scale(scale: Any) -> Any:
    """A plain copy of a scale: the library writes into what it is given."""
    return {k: dict_scale(v) for k, v in scale.items()} if isinstance(scale, Mapping) else scale

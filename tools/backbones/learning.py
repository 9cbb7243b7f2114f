"""What a diffusion family must know so that it can be trained: its network's question and answer, example by example.

Shapes: b examples, c channels, h and w of the latents.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import ModelError, UserError
from .diffusion import Diffusion

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..machine import Placement


TOGETHER = 2**20
"""Pixels of the pictures that are encoded together; more would not fit beside a model."""


class Learning(Diffusion):
    """A family that the trained methods know. What it hears goes by the network's own names."""

    network: ClassVar[str] = "unet"
    """The pipeline's part that draws."""
    readers: ClassVar[tuple[str, ...]] = ("text_encoder",)
    """The text encoders that a LoRA may change; none where they are language models, which are left alone."""
    layers: ClassVar[tuple[str, ...]] = ("to_q", "to_k", "to_v", "to_out.0")
    """Layers of the network that get a LoRA, by the endings of their names."""
    waits: ClassVar[tuple[str, ...]] = ("image_encoder",)
    """How the names of the parts begin that are elsewhere while it is trained, where the memory is short."""
    place: Placement

    @property
    def drawer(self) -> nn.Module:
        """The network."""
        found: nn.Module = getattr(self.pipe, self.network)
        return found

    @abstractmethod
    def cells(self) -> tuple[int, int, int]:
        """Channels, height and width of a picture's latents as the network learns them."""

    @abstractmethod
    def latents(self, pixels: Tensor) -> Tensor:
        """Pictures `[b, 3, height, width]` in -1..1 as `[b, c, h, w]`, in the range of the noise."""

    @abstractmethod
    def hears(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """What the network hears of prompts, a row each."""

    @abstractmethod
    def noised(self, clean: Tensor, noise: Tensor, spread: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Latents on their way to noise, when that is (as the network is told), and what it should answer.

        `spread` `[b]`: 0..1, evenly.
        """

    @abstractmethod
    def predicted(self, noisy: Tensor, times: Tensor, heard: Mapping[str, Tensor], images: Tensor | None) -> Tensor:
        """The network's answer `[b, c, h, w]`. `images` `[b, k, width]`: for the image adapter."""

    @property
    def silence(self) -> Tensor:
        """What the image adapter hears where there is no reference `[1, 1, ...]`."""
        raise ModelError(f"{self.label} has no image adapter.")

    @contextmanager
    def together(self) -> Iterator[None]:
        offload = self.place.offload
        if offload == "none":
            with self._as_written():
                yield
            return
        if offload == "layers":
            raise UserError(
                f"{self.label} fits here layer by layer only, so nothing can be trained, nor drawn with what was.",
                "It takes a larger card, or the processor: `device: cpu` beside the model.",
            )
        if self.adapted:
            _ = self.silence
        self.pipe.remove_all_hooks()
        waiting = [name for name in self.pipe.components if name.startswith(self.waits)]
        try:
            self.pipe.to("cpu")  # what ran last is still there
            for name, part in self.pipe.components.items():
                if name not in waiting and hasattr(part, "named_parameters"):
                    part.to(self.place.device)
            with ExitStack() as taking_turns:
                for name in waiting:
                    if name != "image_encoder":
                        taking_turns.enter_context(self._in_turn(getattr(self.pipe, name)))
                yield
        finally:
            self.place.apply(self.pipe)

    @contextmanager
    def _as_written(self) -> Iterator[None]:
        """As long as it lasts, blocks that were compiled run as they are: their layers are taken apart."""
        compiled = {block: call for block in self.drawer.modules() if (call := block._compiled_call_impl) is not None}
        for block in compiled:
            block._compiled_call_impl = None
        try:
            yield
        finally:
            for block, call in compiled.items():
                block._compiled_call_impl = call

    @contextmanager
    def _in_turn(self, reader: nn.Module | None) -> Iterator[None]:
        """As long as it lasts, a text encoder comes to the device only while it reads, and the network goes then."""
        from accelerate.utils import send_to_device

        if reader is None:
            yield
            return

        def begin(_: nn.Module, *given: Any) -> Any:
            self.drawer.to("cpu")
            reader.to(self.place.device)
            return send_to_device(given, self.place.device)

        def end(*_: Any) -> None:
            reader.to("cpu")
            self.drawer.to(self.place.device)

        hooks = reader.register_forward_pre_hook(begin, with_kwargs=True), reader.register_forward_hook(end)
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def parts(pixels: Tensor) -> tuple[Tensor, ...]:
    """Pictures `[b, 3, height, width]` in handfuls that are encoded together."""
    some = TOGETHER // (pixels.shape[-2] * pixels.shape[-1])
    return pixels.split(min(16, max(1, some)))


class Flow(Learning):
    """What rectified flows share (Esser et al. 2024, arXiv 2403.03206): a straight way to noise, its direction as
    answer, most of the times in the middle of the way (logit-normal, section 3.1)."""

    network: ClassVar[str] = "transformer"
    readers: ClassVar[tuple[str, ...]] = ()
    waits: ClassVar[tuple[str, ...]] = ("image_encoder", "text_encoder")

    def cells(self) -> tuple[int, int, int]:
        side = self.side // (2 * int(self.pipe.vae_scale_factor))  # two by two latents are one
        return int(self.pipe.transformer.config.in_channels), side, side

    def noised(self, clean: Tensor, noise: Tensor, spread: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        import torch

        times = torch.special.ndtri(spread.clamp(1e-3, 1 - 1e-3)).sigmoid().to(clean.device)
        way = times[:, None, None, None]
        return (1 - way) * clean + way * noise, times, noise - clean


class Unet(Learning):
    """What the U-Nets of Stable Diffusion share: noise by a schedule of steps, the noise or the velocity as answer."""

    def cells(self) -> tuple[int, int, int]:
        config = self.pipe.unet.config
        side = self.side // int(self.pipe.vae_scale_factor)
        return int(config.in_channels), side, side

    def latents(self, pixels: Tensor) -> Tensor:
        import torch

        vae, before = self.pipe.vae, self.pipe.vae.dtype
        if before == torch.float16 and vae.config.get("force_upcast"):  # as the library does
            vae.to(torch.float32)
        with torch.no_grad():
            found = [vae.encode(part.to(vae.device, vae.dtype)).latent_dist.mean for part in parts(pixels)]
        vae.to(before)
        return (torch.cat(found) * vae.config.scaling_factor).to(before)

    def noised(self, clean: Tensor, noise: Tensor, spread: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        scheduler = self.pipe.scheduler
        kept = scheduler.alphas_cumprod.to(clean.device)
        times = (spread * len(kept)).long().to(clean.device)
        signal, sigma = (part[times].sqrt()[:, None, None, None] for part in (kept, 1 - kept))
        velocity = scheduler.config.prediction_type == "v_prediction"
        return signal * clean + sigma * noise, times, signal * noise - sigma * clean if velocity else noise

    def predicted(self, noisy: Tensor, times: Tensor, heard: Mapping[str, Tensor], images: Tensor | None) -> Tensor:
        # 32 bits while its own weights are trained, whatever the rest is.
        words = heard["encoder_hidden_states"].to(self.pipe.unet.conv_in.weight.dtype)
        beside: dict[str, Any] = {name: value for name, value in heard.items() if name != "encoder_hidden_states"}
        if images is not None:
            beside["image_embeds"] = [images.to(words.dtype)]
        made: Tensor = self.pipe.unet(noisy.to(words.dtype), times, words, added_cond_kwargs=beside or None).sample
        return made

    def spelled(self, prompts: Sequence[str], tokenizer: Any) -> Tensor:
        """Numbers of the words `[b, length]`, also of words that were learned."""
        asked = [self.pipe.maybe_convert_prompt(prompt, tokenizer) for prompt in prompts]
        most = tokenizer.model_max_length
        read = tokenizer(asked, padding="max_length", max_length=most, truncation=True, return_tensors="pt")
        ids: Tensor = read.input_ids.to(self.pipe._execution_device)
        return ids

    @cached_property
    def silence(self) -> Tensor:
        """What the adapter hears where there is no reference, as the library has it: `[1, 1, ...]`."""
        import torch
        from diffusers.models.embeddings import ImageProjection

        pipe, config = self.pipe, self.pipe.image_encoder.config
        simple = isinstance(pipe.unet.encoder_hid_proj.image_projection_layers[0], ImageProjection)
        black = torch.zeros(1, 3, config.image_size, config.image_size)
        with torch.no_grad():
            return pipe.encode_image(black, pipe._execution_device, 1, not simple)[1][None]

"""The denoising loop: from noise, or from a picture taken part of the way back to it, to a picture.

Shapes: b pictures, c channels, h and w of the latents, k image prompts.

The library's pipelines run the same steps, and the same pictures come out; the loop is ours so that every step can be
watched and stopped, a part of the picture kept, and the later steps spared the empty prompt (Kynkäänniemi et al. 2024,
arXiv 2404.07724: guidance matters in an interval of the noise levels only).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor


@dataclass(frozen=True)
class Conditions:
    """What steers the pictures; the rows of the empty prompt come first, as in the library."""

    words: Tensor
    """`[(1 + t) b, l, d]` with guidance, `[t b, l, d]` without, of t texts: one, or one a region."""
    images: Tensor | None = None
    """As many rows, `[..., k, width]`."""
    regions: Tensor | None = None
    """`[1, k, height, width]`: where each image prompt holds."""
    shares: Tensor | None = None
    """`[t, 1, 1, h, w]`, sums to 1 over t: where each of several texts holds."""


@dataclass(frozen=True)
class Plan:
    """How the noise is taken away; see `backbones.diffusion.Painting`."""

    steps: int
    guidance: float
    guided: float = 1.0
    strength: float = 1.0
    half: bool = False
    """Multiply in 16 bits, those of the words or bfloat16; the weights stay as they are."""


@dataclass(frozen=True)
class Source:
    """The picture to go on from: latents `[b, c, h, w]`, and where they may change `[1, 1, h, w]` in 0..1."""

    latents: Tensor
    free: Tensor | None = None


def _predict(unet: Any, latents: Tensor, time: Tensor, conditions: Conditions, guidance: float, half: bool) -> Tensor:
    """The network's prediction for `latents` `[b, c, h, w]`; without guidance the empty prompt is not asked.

    Several texts are each asked for the whole picture, and each counts in its share of it (Bar-Tal et al. 2023, arXiv
    2302.08113, MultiDiffusion).
    """
    words, images, shares, b = conditions.words, conditions.images, conditions.shares, len(latents)
    asking = b if shares is None else b * len(shares)
    if guidance <= 1:
        words, images = words[-asking:], None if images is None else images[-asking:]
    narrow = torch.float16 if words.dtype == torch.float16 else torch.bfloat16
    with torch.autocast(latents.device.type, narrow, enabled=half):
        made = unet(
            torch.cat([latents] * (len(words) // b)),
            time,
            encoder_hidden_states=words,
            added_cond_kwargs=None if images is None else {"image_embeds": [images]},
            cross_attention_kwargs=None if conditions.regions is None else {"ip_adapter_masks": [conditions.regions]},
            return_dict=False,
        )[0].to(latents.dtype)
    asked = made[-asking:] if shares is None else (shares * made[-asking:].unflatten(0, (-1, b))).sum(0)
    return asked if guidance <= 1 else made[:b] + guidance * (asked - made[:b])


def _clean(scheduler: Any, noisy: Tensor, made: Tensor, time: Tensor) -> Tensor:
    """The picture that a prediction for `noisy` points to (Salimans and Ho 2022, appendix D)."""
    kept = scheduler.alphas_cumprod[int(time)]
    if scheduler.config.prediction_type == "v_prediction":
        return kept.sqrt() * noisy - (1 - kept).sqrt() * made
    return (noisy - (1 - kept).sqrt() * made) / kept.sqrt()


@torch.no_grad()
def denoise(
    unet: Any,
    scheduler: Any,
    conditions: Conditions,
    plan: Plan,
    generators: Sequence[torch.Generator],
    source: Source | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """The latents after each step and what they point to, each `[b, c, h, w]`.

    The order of random numbers is the library's, so that the same seed gives the same picture there.
    """
    # The words are where the network computes, which may be another place than where its weights wait.
    where, side = {"device": conditions.words.device, "dtype": conditions.words.dtype}, unet.config.sample_size
    scheduler.set_timesteps(plan.steps, device=where["device"])
    noise = randn_tensor((len(generators), unet.config.in_channels, side, side), generator=list(generators), **where)
    times = scheduler.timesteps
    if source is None:
        latents = noise * scheduler.init_noise_sigma
    else:
        first = max(plan.steps - min(int(plan.steps * plan.strength), plan.steps), 0) * scheduler.order
        times = times[first:]
        scheduler.set_begin_index(first)
        latents = scheduler.add_noise(source.latents, noise, times[:1])
    takes_generator = {"generator": list(generators)} if _random(scheduler) else {}
    for i, time in enumerate(times):
        guidance = plan.guidance if i < plan.guided * len(times) else 1.0
        noisy = scheduler.scale_model_input(latents, time)
        made = _predict(unet, noisy, time, conditions, guidance, plan.half)
        clean = _clean(scheduler, noisy, made, time)
        latents = scheduler.step(made, time, latents, **takes_generator, return_dict=False)[0]
        if source is not None and source.free is not None:
            # What stays is put back at the noise of the next step (Avrahami et al. 2022, arXiv 2206.02779).
            kept = source.latents
            if i + 1 < len(times):
                kept = scheduler.add_noise(kept, noise, times[i + 1 : i + 2])
            latents = kept + source.free * (latents - kept)
        yield latents, clean


def _random(scheduler: Any) -> bool:
    """Whether the scheduler's steps draw noise of their own."""
    import inspect

    return "generator" in inspect.signature(scheduler.step).parameters

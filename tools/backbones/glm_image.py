"""GLM-Image (Z.ai 2026) on `GlmImagePipeline`: a language model writes a plan of tokens, a transformer paints it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from .diffusion import Painting
from .pipelined import Pipelined

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


TOKEN = 32
"""Pixels of a side that one token of the plan stands for."""


class GlmImage(Pipelined):
    """References and edits are read as tokens by the language model and as latents by the painter."""

    family: ClassVar[str] = "glm_image"
    label: ClassVar[str] = "GLM-Image"
    takes: ClassVar[frozenset[str]] = frozenset({"references", "edit"})
    cannot: ClassVar[str] = "no inpainting, no LoRA, no learned words and no IP-Adapter: the library has none for it"
    most_references: ClassVar[int] = 4
    large: ClassVar[tuple[str, ...]] = ("transformer", "vision_language_encoder")
    by_layers: ClassVar[bool] = False  # its eyes read weights of layers that are not called
    drawing: ClassVar[str] = "GlmImagePipeline"
    multiple: ClassVar[int] = TOKEN

    def arguments(self, painting: Painting) -> tuple[Any, dict[str, Any]]:
        if painting.mask is not None:
            return self._inpaint, {}
        asked = self.plainly(painting) | {"guidance_scale": painting.guidance}
        shown = self.shown(painting)
        return (_Planned(self.pipe, shown) if shown else self.pipe), asked


class _Planned:
    """The pipeline with pictures, its plan made here.

    diffusers 0.42 joins the pictures' features before it hands them to transformers 5.23, which expects them apart,
    and fails; both take a plan that is given.
    """

    def __init__(self, pipe: Any, pictures: Sequence[Image]) -> None:
        self.pipe, self.pictures = pipe, list(pictures)

    @property
    def num_timesteps(self) -> int:
        return self.pipe.num_timesteps

    def __call__(self, *, prompt: str, width: int, height: int, generator: Any, **rest: Any) -> Any:
        import torch

        torch.manual_seed(generator.initial_seed())
        plan, seen, grids = self.plan(prompt, width, height)
        return self.pipe(
            prompt=prompt, image=[self.pictures], width=width, height=height, generator=generator,
            prior_token_ids=plan, prior_token_image_ids=[seen], source_image_grid_thw=[grids], **rest,
        )  # fmt: skip

    def plan(self, prompt: str, width: int, height: int) -> tuple[Tensor, Tensor, Tensor]:
        """The drawn picture's tokens `[1, n]`, those of the shown ones `[m]`, and their grids `[pictures, 3]`.

        All at the painter's resolution, twice the planner's (`GlmImagePipeline.generate_prior_tokens`).
        """
        import torch

        pipe, model = self.pipe, self.pipe.vision_language_encoder
        content = [{"type": "image", "image": picture} for picture in self.pictures] + [
            {"type": "text", "text": prompt}
        ]
        inputs = pipe.processor.apply_chat_template(
            [[{"role": "user", "content": content}]], tokenize=True, target_h=height, target_w=width, return_dict=True,
            return_tensors="pt",
        ).to(pipe._execution_device)  # fmt: skip
        grids = inputs["image_grid_thw"]
        most, offset, rows, columns = pipe._compute_generation_params(grids, False)
        source = grids[:-1]
        # The painter sees them at the planner's size, or their tokens and latents would not match.
        sizes = [(int(w) * TOKEN, int(h) * TOKEN) for _, h, w in source.tolist()]
        self.pictures = [picture.resize(size) for picture, size in zip(self.pictures, sizes, strict=True)]
        if hasattr(model, "_hf_hook"):
            # It waits in the computer's memory, and comes only when it is called as a whole.
            model._hf_hook.pre_forward(model)
        features = model.get_image_features(inputs["pixel_values"], source).pooler_output
        codes = model.get_image_tokens(features, source).split(source.prod(-1).tolist())
        seen = [
            pipe._upsample_token_ids(ids, int(h), int(w))[0]
            for ids, (_, h, w) in zip(codes, source.tolist(), strict=True)
        ]
        written = model.generate(**inputs, max_new_tokens=most, do_sample=True)
        drawn = pipe._extract_large_image_tokens(written, inputs["input_ids"].shape[-1], offset, rows * columns)
        doubled = source * torch.tensor([1, 2, 2], device=source.device)
        return pipe._upsample_token_ids(drawn, rows, columns), torch.cat(seen), doubled

"""Emu3 against the library's own generation."""

from __future__ import annotations

import pytest
import torch

from limner.tools.backbones.autoregressive import Seen, Text, Tokens
from limner.tools.backbones.emu3 import Emu3
from limner.tools.nn.sampling import Sampling

from . import tiny

GREEDY = Sampling(guidance=3.0, temperature=0)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Emu3:
    return Emu3.load(tiny.BUILDERS["emu3"](tmp_path_factory.mktemp("emu3")), settings={"side": 32})


def pixels(value: float) -> torch.Tensor:
    return torch.linspace(-value, value, 3 * 32 * 32).view(3, 32, 32)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("shown", [False, True])
def test_greedy_guided_tokens_equal_the_library(model, shown):
    segments = [Text(model.marks.begin + "a dog"), *([Seen(pixels(0.5))] if shown else []), Text(model.marks.image)]
    blank = [Text(model.marks.begin), Text(model.marks.image)]
    ids, empty = (torch.tensor([[i for s in part for i in model._ids(s)]]) for part in (segments, blank))
    rows, length = model.rows, ids.shape[1]

    def allowed(batch: int, so_far: torch.Tensor) -> list[int]:
        drawn = len(so_far) - length
        return [model.row_end] if (drawn + 1) % (rows + 1) == 0 else model.codes.tolist()

    theirs = model.model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=rows * (rows + 1), do_sample=False,
        prefix_allowed_tokens_fn=allowed, guidance_scale=3.0, negative_prompt_ids=empty,
        negative_prompt_attention_mask=torch.ones_like(empty),
    )[0, length:].view(rows, rows + 1)[:, :-1]  # fmt: skip
    ours = list(model.tokens(model.read(segments), model.read(blank), [0], GREEDY))[-1]
    assert torch.equal(model.codes[ours[0]], theirs.flatten())


def test_a_picture_in_the_prompt_is_the_librarys_tokens(model):
    picture = pixels(0.8)[None]
    theirs = model.model.model.get_image_tokens(picture, torch.tensor([[32, 32]]))
    codes = model.encode(picture)[0]
    inside = model._ids(Tokens(codes))
    opening, closing = (len(model._ids(Text(text))) for text in (model._opening, model._closing))
    assert inside[opening:-closing] == theirs.tolist()
    assert model.decode_tokens(codes[None]).shape == (1, 3, 32, 32)

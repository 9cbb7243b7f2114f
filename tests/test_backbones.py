"""One contract for all backbones, on random small checkpoints in the real formats; and Janus against the library."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from limner.errors import ModelError
from limner.tools.backbones import backbones, weights_hash
from limner.tools.backbones.autoregressive import Seen, Text, Tokens, request_part, subject_part
from limner.tools.backbones.janus import Janus
from limner.tools.nn.sampling import Sampling, truncate

from . import tiny

GREEDY = Sampling(guidance=5.0, temperature=0)


@pytest.fixture(scope="session", params=sorted(backbones()))
def checkpoint(request, tmp_path_factory) -> tuple[str, Path]:
    return request.param, tiny.BUILDERS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def janus(tmp_path_factory) -> Janus:
    return Janus.load(tiny.janus(tmp_path_factory.mktemp("janus")))


def test_loads_and_frees(checkpoint):
    family, folder = checkpoint
    loaded = backbones()[family].load(folder)
    assert loaded.kind
    assert loaded.hash == weights_hash(folder)
    loaded.free()


def test_hash_follows_content(checkpoint, tmp_path):
    _, folder = checkpoint
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert weights_hash(copy) == weights_hash(folder)
    weights = sorted(copy.glob("*.safetensors"))[0]
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert weights_hash(copy) != weights_hash(folder)


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "config"])
def test_broken_checkpoint_is_said(checkpoint, tmp_path, damage):
    family, folder = checkpoint
    copy = shutil.copytree(folder, tmp_path / "copy")
    weights = sorted(copy.glob("*.safetensors"))
    if damage == "missing":
        shutil.rmtree(copy)
    elif damage == "empty":
        weights[0].write_bytes(b"")
    elif damage == "truncated":
        weights[0].write_bytes(weights[0].read_bytes()[:-100])
    else:
        (copy / "config.json").write_text("{")
    with pytest.raises(ModelError):
        backbones()[family].load(copy)


@pytest.mark.parametrize("words", ["a dog", "<concept_0> at night", "the pink mug in the snow, by the sea"])
@pytest.mark.filterwarnings("ignore")
def test_greedy_guided_tokens_equal_the_library(janus, words):
    prompt = f"<s>{words}<begin_of_image>"
    ids = torch.tensor([janus.tokenizer(prompt, add_special_tokens=False).input_ids])
    theirs = janus.model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), generation_mode="image", do_sample=False,
        guidance_scale=5.0, max_new_tokens=16,
    )  # fmt: skip
    # The library's unconditional branch keeps the length and pads every word.
    count = ids.shape[1] - 2
    blank = [Text("<s>"), *[Text("<pad>")] * count, Text("<begin_of_image>")]
    ours = list(janus.tokens(janus.read([Text(prompt)]), janus.read(blank), [0], GREEDY))[-1]
    assert torch.equal(ours, theirs)


def test_prompts_of_different_length_share_a_batch(janus):
    short, long = janus.read(request_part("", None)), janus.read([Text("<s>"), *request_part("a red dog", None)])
    together = list(janus.tokens(long, short, [3], GREEDY))[-1]
    ids = []
    # The same by hand: two caches, one token after the other.
    from transformers import DynamicCache

    caches, inputs = [DynamicCache(config=janus.config) for _ in range(2)], [
        janus.embed([Text("<s>"), *request_part("a red dog", None)]),
        janus.embed(request_part("", None)),
    ]
    for step in range(janus.steps):
        states = [
            janus.language_model(inputs_embeds=x, past_key_values=c, use_cache=True).last_hidden_state[:, -1]
            for x, c in zip(inputs, caches, strict=True)
        ]
        conditional, unconditional = (janus.logits(s, step) for s in states)
        ids.append((unconditional + 5.0 * (conditional - unconditional)).argmax(-1))
        inputs = [janus.embed_token(ids[-1], step)] * 2
    assert torch.equal(together, torch.stack(ids, 1))


def test_a_prefix_is_not_changed_by_what_follows(janus):
    pixels = torch.rand(3, 16, 16) * 2 - 1
    prefix = janus.read([Text("<s>"), *subject_part(0, [pixels])])
    kept = [k.clone() for k in prefix.keys]
    first, second = (janus.read(request_part("<concept_0> in the snow", None), prefix) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(prefix.keys, kept, strict=True))
    assert torch.equal(first.hidden, second.hidden)
    whole = janus.read([Text("<s>"), *subject_part(0, [pixels]), *request_part("<concept_0> in the snow", None)])
    assert torch.allclose(first.hidden, whole.hidden, atol=1e-5)


def test_candidates_do_not_depend_on_each_other(janus):
    prompt, sampling = janus.read([Text("<s>"), *request_part("a dog", None)]), Sampling(1.0, 1.0)
    many = list(janus.tokens(prompt, None, [1, 2, 3], sampling))[-1]
    alone = list(janus.tokens(prompt, None, [2], sampling))[-1]
    assert torch.equal(many[1], alone[0])
    assert not torch.equal(many[0], many[1])


def test_codes_survive_a_round_trip_in_shape_and_range(janus):
    ids = torch.randint(0, 64, (2, janus.steps))
    pixels = janus.decode_tokens(ids)
    assert pixels.shape == (2, 3, janus.side, janus.side)
    assert pixels.abs().max() <= 1
    assert janus.encode(pixels).shape == ids.shape


def test_segments_take_the_places_they_should(janus):
    ids = torch.zeros(janus.steps, dtype=torch.long)
    assert janus.embed([Tokens(ids)]).shape[1] == janus.steps
    assert janus.embed([Seen(torch.zeros(3, 16, 16))]).shape[1] == 16
    pooled = Janus(janus.folder, janus.model, janus.tokenizer, pool=2)
    assert pooled.embed([Seen(torch.zeros(3, 16, 16))]).shape[1] == 4


def test_truncation_keeps_the_likeliest():
    logits = torch.tensor([[0.1, 3.0, 2.0, -1.0]])
    assert torch.isfinite(truncate(logits, 2, 1.0)).tolist() == [[False, True, True, False]]
    assert torch.isfinite(truncate(logits, 0, 0.5)).tolist() == [[False, True, False, False]]
    for wrong in ({"guidance": 0.5}, {"temperature": -1.0}, {"top_p": 0.0}, {"top_k": -1}):
        with pytest.raises(ValueError, match="needed"):
            Sampling(**wrong)

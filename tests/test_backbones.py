"""One contract for all backbones, on random small checkpoints in the real formats; and Janus against the library."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from limner.errors import ModelError
from limner.tools.backbones import backbones, weights_hash
from limner.tools.backbones.autoregressive import Seen, Text, Tokens, request_part, subject_part
from limner.tools.backbones.clip import Clip
from limner.tools.backbones.janus import Janus
from limner.tools.nn.sampling import Sampling, truncate, unmoved
from limner.tools.pixels import to_tensor

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
    weights = sorted(copy.rglob("*.safetensors"))[0]
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert weights_hash(copy) != weights_hash(folder)


def test_large_files_are_read_once(checkpoint, tmp_path, monkeypatch):
    from limner.tools import hashes

    _, folder = checkpoint
    expected, read = weights_hash(folder), []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(hashes, "LARGE", 1)
    plain = hashes._read
    monkeypatch.setattr(hashes, "_read", lambda file: read.append(file) or plain(file))
    assert weights_hash(folder) == weights_hash(folder) == expected
    assert len(read) == len(set(read)) > 0
    copy = shutil.copytree(folder, tmp_path / "copy")
    weights = sorted(copy.rglob("*.safetensors"))[0]
    assert weights_hash(copy) == expected
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert weights_hash(copy) != expected
    # The hub's cache names a large file by its content.
    (tmp_path / "blobs").mkdir()
    blob = tmp_path / "blobs" / ("ab" * 32)
    blob.write_bytes(b"x")
    assert hashes.sha256(blob) == bytes.fromhex("ab" * 32)


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "config"])
def test_broken_checkpoint_is_said(checkpoint, tmp_path, damage):
    family, folder = checkpoint
    copy = shutil.copytree(folder, tmp_path / "copy")
    weights = sorted(copy.rglob("*.safetensors"))
    if damage == "missing":
        shutil.rmtree(copy)
    elif damage == "empty":
        weights[0].write_bytes(b"")
    elif damage == "truncated":
        weights[0].write_bytes(weights[0].read_bytes()[:-100])
    else:
        next(copy.glob("*.json")).write_text("{")
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

    caches, inputs = (
        [DynamicCache(config=janus.config) for _ in range(2)],
        [
            janus.embed([Text("<s>"), *request_part("a red dog", None)]),
            janus.embed(request_part("", None)),
        ],
    )
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


def test_a_request_that_changes_nothing_leaves_the_source_its_favour():
    logits = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(unmoved(logits, logits), torch.ones(2))
    other = logits.clone()
    other[1, 7] += 12
    assert unmoved(other, logits)[0] == 1 and unmoved(other, logits)[1] < 0.01


def test_the_source_is_kept_where_it_is_favoured(janus):
    """An overwhelming favour gives the source back, whatever the model would draw."""
    source = torch.randint(0, 16, (janus.steps,), generator=torch.Generator().manual_seed(1))
    prompt = janus.read([Text("<s>"), *request_part("a dog", source)])
    free = janus.read([Text("<s>"), *request_part("", source)])
    drawn = list(janus.tokens(prompt, free, [1], Sampling(2.0, 1.0, keep=1e6), source))[-1]
    assert drawn[0].tolist() == source.tolist()


def test_published_janus_pro_is_asked_as_it_was_taught(janus):
    plain = SimpleNamespace(get_vocab=dict, bos_token="<s>")
    asked = Janus(janus.folder, janus.model, plain).marks
    assert asked.begin == "<s><|User|>: " and asked.image.endswith("<|Assistant|>:<begin_of_image>")
    assert janus.marks.concept == "<concept_{}>"


def test_a_published_encoder_sees_pictures_as_it_was_taught(tmp_path):
    from transformers import CLIPImageProcessorPil

    model = Clip.load(tiny.clip(tmp_path))
    picture = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    plain = model.images([picture])
    CLIPImageProcessorPil(size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64}).save_pretrained(tmp_path)
    theirs = CLIPImageProcessorPil.from_pretrained(tmp_path)(picture, return_tensors="pt").pixel_values
    ours = model._normalised(to_tensor(picture))
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert (model.images([picture]) != plain).any()

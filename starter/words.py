"""The text tokenizer of the starter models: byte-level BPE over what people say about the storybook world."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from .world import caption, describe, instruction, sample_scene, sample_subject

SIZE = 1024
CONCEPTS = 4
SLOTS = 32
"""Reserved tokens that a concept can learn, so that the embedding never has to grow."""
SPECIAL = (
    "<pad>", "<s>", "</s>", "<image_placeholder>", "<begin_of_image>", "<end_of_image>", "<source>",
    *(f"<concept_{i}>" for i in range(CONCEPTS)), *(f"<slot_{i}>" for i in range(SLOTS)),
)  # fmt: skip


def sentences(n: int, seed: int = 0) -> Iterator[str]:
    """`n` captions, descriptions and instructions of training scenes."""
    from .pool import sample_edit

    rng = random.Random(seed)
    while n > 0:
        subjects = [sample_subject(rng) for _ in range(1 + (rng.random() < 0.25))]
        scene = sample_scene(rng, subjects)
        names = [f"<concept_{i}>" for i in range(len(subjects))]
        yield caption(scene, rng, names, rng.random() < 0.5)
        yield describe(subjects[0], rng)
        made = sample_edit(rng, scene, sample_subject(rng))
        if made:
            what, figure, after = made
            yield instruction(what, scene, after, rng, names[figure], figure)
        n -= 3


def train_tokenizer(n: int = 60_000) -> PreTrainedTokenizerFast:
    """Learns the merges; words are lower-cased, digits and unknown characters fall back to bytes."""
    inner = Tokenizer(models.BPE())
    inner.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(sentences(n), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens={
            "image_token": "<image_placeholder>",
            "boi_token": "<begin_of_image>",
            "eoi_token": "<end_of_image>",
        },
    )

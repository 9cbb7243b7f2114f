"""The diffusion model's text tokenizer: `CLIPTokenizer`, its merges learned from what people say about the world."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from .world import Scene, caption, describe, sample_scene, sample_subject
from .world.words import KIND_NOUNS

LENGTH = 40
SIZE = 1200
SUBJECT, FRIEND = "subject", "friend"
"""What a taught subject is called in captions, and a second one beside it."""
BEGIN, END = "<|startoftext|>", "<|endoftext|>"
PIECES = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
"""CLIP's pattern of words."""


def known_caption(scene: Scene, rng: random.Random) -> str:
    """What a user asks for whose subjects are taught; now and then the class is named too."""
    return caption(scene, rng, [SUBJECT, FRIEND][: len(scene.figures)], rng.random() < 0.4)


def plain_caption(scene: Scene, rng: random.Random) -> str:
    """What a user asks for without a taught subject: a full description, or only the class."""
    names = []
    for figure in scene.figures:
        noun = rng.choice(KIND_NOUNS[figure.subject.kind])
        said = rng.random()
        names.append(
            describe(figure.subject, rng) if said < 0.6 else f"{rng.choice(('a', 'the', 'my'))} {noun}"
        )
    return caption(scene, rng, names)


def sentences(n: int, seed: int = 0) -> Iterator[str]:
    """`n` captions of training scenes."""
    rng = random.Random(seed)
    for i in range(n):
        scene = sample_scene(rng, [sample_subject(rng) for _ in range(1 + (rng.random() < 0.2))])
        yield (known_caption if i % 2 else plain_caption)(scene, rng)


def train_tokenizer(n: int = 30_000) -> CLIPTokenizer:
    """Learns the merges; like CLIP's it is lower-cased, and unknown words fall back to bytes."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    inner.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    from tokenizers import Regex

    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE - 2, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False
    )
    inner.train_from_iterator(sentences(n), trainer)
    import json

    model = json.loads(inner.to_str())["model"]
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]
    # CLIP's order: every byte alone, every byte at the end of a word, the merges, the two marks.
    names = [*alphabet, *(f"{c}</w>" for c in alphabet), *("".join(m) for m in merges), BEGIN, END]
    vocabulary = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=LENGTH)

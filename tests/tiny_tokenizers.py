"""Tokenizers in the formats of the large families, their vocabularies built on the spot."""

from __future__ import annotations

WORDS = ("photo", "dog", "beach", "blue", "the", "image", "night", "picture")


def _byte_pairs(end_of_word: str) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """A byte-level vocabulary with a few merged words."""
    from tokenizers.pre_tokenizers import ByteLevel

    alphabet = sorted(ByteLevel.alphabet())
    pieces = [*alphabet, *((c + end_of_word for c in alphabet) if end_of_word else ())]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        parts = [*word[:-1], word[-1] + end_of_word]
        while len(parts) > 1:
            pair = (parts[0], parts[1])
            if pair not in merges:
                merges.append(pair)
            vocabulary.setdefault("".join(pair), len(vocabulary))
            parts = ["".join(pair), *parts[2:]]
    return vocabulary, merges


def clip():
    """`CLIPTokenizer`, 77 tokens."""
    from transformers import CLIPTokenizer

    vocabulary, merges = _byte_pairs("</w>")
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[special] = len(vocabulary)
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


def t5():
    """`T5Tokenizer` with a unigram vocabulary of letters and a few words."""
    from transformers import T5Tokenizer

    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    letters = [("▁", -2.0), *((c, -4.0) for c in "abcdefghijklmnopqrstuvwxyz,.'")]
    words = [("▁" + word, -1.0) for word in WORDS]
    return T5Tokenizer(vocab=[*special, *letters, *words], extra_ids=0, model_max_length=512)


QWEN_TOKENS = ("<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def qwen():
    """`Qwen2Tokenizer` with the chat's special tokens."""
    from transformers import Qwen2Tokenizer

    vocabulary, merges = _byte_pairs("")
    for special in ("<|endoftext|>", *QWEN_TOKENS):
        vocabulary[special] = len(vocabulary)
    made = Qwen2Tokenizer(
        vocab=vocabulary, merges=merges, extra_special_tokens=list(QWEN_TOKENS), model_max_length=1024
    )
    made.chat_template = CHAT
    return made


def pixtral():
    """A byte-level tokenizer with the marks of pictures."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary, merges = _byte_pairs("")
    special = ["<s>", "</s>", "<pad>", "[IMG]", "[IMG_BREAK]", "[IMG_END]"]
    for piece in special:
        vocabulary[piece] = len(vocabulary)
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    core.pre_tokenizer, core.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    core.add_special_tokens(special)
    made = PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    made.chat_template = CHAT
    return made


GLM_TOKENS = ("<|image|>", "<|user|>", "<|assistant|>", "<sop>", "<eop>", "<|endoftext|>")


def glm(codes: int = 64):
    """A byte-level tokenizer whose first ids are the codes of pictures, then their beginning and end."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    pieces, merges = _byte_pairs("")
    vocabulary = {f"<|code_{i}|>": i for i in range(codes + 2)}
    for piece in [*pieces, *GLM_TOKENS]:
        vocabulary[piece] = len(vocabulary)
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    core.pre_tokenizer, core.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    begin = f"<|code_{codes}|>"
    core.add_special_tokens([begin, *GLM_TOKENS])
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=begin, pad_token="<|endoftext|>", padding_side="left",
        extra_special_tokens={"image_token": "<|image|>", "grid_bos_token": "<sop>", "grid_eos_token": "<eop>"},
    )  # fmt: skip


EMU_TOKENS = {
    "image_token": "<image>", "boi_token": "<|image start|>", "eoi_token": "<|image end|>",
    "image_wrapper_token": "<|image token|>", "eof_token": "<|extra_201|>", "eol_token": "<|extra_200|>",
}  # fmt: skip


def emu3(codes: int = 64):
    """A byte-level tokenizer with a token for every code of a picture."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary, merges = _byte_pairs("")
    visual = [f"<|visual token {i:06d}|>" for i in range(codes)]
    special = ["<|endoftext|>", "<|extra_203|>", "<|extra_204|>", *EMU_TOKENS.values()]
    for piece in [*special, *visual]:
        vocabulary[piece] = len(vocabulary)
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    core.pre_tokenizer, core.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    core.add_special_tokens([*special, *visual])
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<|extra_203|>", eos_token="<|extra_204|>", pad_token="<|endoftext|>",
        extra_special_tokens=EMU_TOKENS,
    )  # fmt: skip

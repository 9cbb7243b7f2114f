"""Random small checkpoints in the real formats: what stands in for large models in tests."""

from __future__ import annotations

from pathlib import Path


def tokenizer():
    """A text tokenizer with the starter's special tokens."""
    from limner.starter.words import train_tokenizer

    return train_tokenizer(600)


def janus(folder: Path) -> Path:
    """A `JanusForConditionalGeneration` of two layers: 16 px pictures of 4 tokens."""
    import torch
    from transformers import (
        JanusConfig,
        JanusForConditionalGeneration,
        JanusVisionConfig,
        JanusVQVAEConfig,
        LlamaConfig,
    )

    from limner.starter.janus import export

    words = tokenizer()
    torch.manual_seed(0)
    config = JanusConfig(
        text_config=LlamaConfig(
            vocab_size=len(words), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=True,
            pad_token_id=words.pad_token_id, bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id,
        ),
        vision_config=JanusVisionConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=16, patch_size=4,
            projection_dim=32, num_image_tokens=16,
        ),
        vq_config=JanusVQVAEConfig(
            embed_dim=8, num_embeddings=64, latent_channels=16, base_channels=32, channel_multiplier=[1, 1, 1],
            num_res_blocks=1, projection_dim=32, image_token_embed_dim=32,
        ),
        image_token_id=words.image_token_id,
    )  # fmt: skip
    model = JanusForConditionalGeneration(config).eval()
    # Fresh weights are so small that nothing in the prompt would matter.
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(8)
    export(model, words, folder)
    return folder


def clip(folder: Path) -> Path:
    """A `CLIPModel` of one layer each."""
    import torch
    from transformers import CLIPConfig, CLIPModel

    words = tokenizer()
    torch.manual_seed(0)
    shared = {
        "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2,
        "projection_dim": 8,
    }  # fmt: skip
    special = {f"{n}_token_id": getattr(words, f"{n}_token_id") for n in ("bos", "eos", "pad")}
    config = CLIPConfig(
        text_config={**shared, **special, "vocab_size": len(words), "max_position_embeddings": 24},
        vision_config={**shared, "image_size": 64, "patch_size": 16},
        projection_dim=8,
    )
    CLIPModel(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def segformer(folder: Path) -> Path:
    """A `SegformerForSemanticSegmentation` of the starter's labels."""
    import torch
    from transformers import SegformerForSemanticSegmentation

    from limner.starter.segmenter import config

    torch.manual_seed(0)
    SegformerForSemanticSegmentation(config()).save_pretrained(folder)
    return folder


BUILDERS = {"janus": janus, "clip": clip, "segformer": segformer}
"""By family; the contract suite fails for a family that is missing here."""

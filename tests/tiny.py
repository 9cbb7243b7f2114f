"""Random small checkpoints in the real formats: what stands in for large models in tests."""

from __future__ import annotations

from pathlib import Path

from . import tiny_pipelines


def tokenizer():
    """A text tokenizer with the starter's special tokens."""
    from limner.starter.words import train_tokenizer

    return train_tokenizer(600)


def janus(folder: Path, width: int = 32, inner: int = 48) -> Path:
    """A `JanusForConditionalGeneration` of two layers: 16 px pictures of 16 tokens."""
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
            vocab_size=len(words), hidden_size=width, intermediate_size=inner, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=True,
            pad_token_id=words.pad_token_id, bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id,
        ),
        vision_config=JanusVisionConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=16, patch_size=4,
            projection_dim=width, num_image_tokens=16,
        ),
        vq_config=JanusVQVAEConfig(
            embed_dim=8, num_embeddings=64, latent_channels=16, base_channels=32, channel_multiplier=[1, 1, 1],
            num_res_blocks=1, projection_dim=width, image_token_embed_dim=width,
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


def sam2(folder: Path, film: bool = False) -> Path:
    """A `Sam2Model` of five blocks; `film`: with the memory of a `Sam2VideoModel`, as the published checkpoints are."""
    import torch
    from transformers import Sam2Config, Sam2Model, Sam2VideoConfig, Sam2VideoModel

    torch.manual_seed(0)
    eyes = {
        "model_type": "sam2_hiera_det_model", "image_size": [64, 64], "hidden_size": 8, "num_attention_heads": 1,
        "blocks_per_stage": [1, 1, 2, 1], "embed_dim_per_stage": [8, 16, 32, 64],
        "num_attention_heads_per_stage": [1, 1, 2, 4], "window_size_per_stage": [4, 4, 4, 2],
        "global_attention_blocks": [3], "window_positional_embedding_background_size": [2, 2],
    }  # fmt: skip
    config = {
        "vision_config": {
            "backbone_config": eyes, "backbone_channel_list": [64, 32, 16, 8], "fpn_hidden_size": 32,
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        },
        "prompt_encoder_config": {"hidden_size": 32, "image_size": 64, "patch_size": 16, "mask_input_channels": 4},
        "mask_decoder_config": {"hidden_size": 32, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 32},
    }  # fmt: skip
    memory = {
        "memory_attention_hidden_size": 32, "memory_attention_feed_forward_hidden_size": 32,
        "memory_attention_num_layers": 1, "memory_encoder_hidden_size": 32, "memory_encoder_output_channels": 8,
        "mask_downsampler_embed_dim": 32, "memory_fuser_embed_dim": 32, "memory_fuser_intermediate_dim": 32,
        "memory_fuser_num_layers": 1,
    }  # fmt: skip
    made = (
        Sam2VideoModel(Sam2VideoConfig(**config, **memory, image_size=64)) if film else Sam2Model(Sam2Config(**config))
    )
    # Fresh weights are so small that every mask would be the same.
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if parameter.ndim > 1 and "positional" not in name:
                parameter.mul_(12)
    made.save_pretrained(folder)
    return folder


def stable_diffusion(folder: Path, width: int = 16) -> Path:
    """A `StableDiffusionPipeline` with an IP-Adapter in the published layout: 16 px pictures, 8 x 8 x 4 latents.

    `width`: of the U-Net's layers.
    """
    import torch
    from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from safetensors.torch import save_file
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModelWithProjection

    from limner.starter.diffusion import sampler_config
    from limner.starter.diffusion_words import train_tokenizer

    words = train_tokenizer(300)
    torch.manual_seed(0)
    shared = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = CLIPTextModel(
        CLIPTextConfig(
            **shared, vocab_size=len(words), max_position_embeddings=words.model_max_length,
            bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
        )
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(8, 8), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=4, norm_num_groups=4, sample_size=16,
        scaling_factor=1.0,
    )  # fmt: skip
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=(width, width), layers_per_block=1, cross_attention_dim=16, norm_num_groups=4,
        attention_head_dim=2, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )  # fmt: skip
    pipe = StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=words, unet=unet, safety_checker=None, feature_extractor=None,
        scheduler=DPMSolverMultistepScheduler(**sampler_config()),
        requires_safety_checker=False,
    )  # fmt: skip
    pipe.save_pretrained(folder)
    seer = CLIPVisionModelWithProjection(CLIPVisionConfig(**shared, image_size=16, patch_size=4, projection_dim=8))
    seer.save_pretrained(folder / "models" / "image_encoder")
    adapter = {
        "image_proj.proj.weight": torch.randn(4 * 16, 8), "image_proj.proj.bias": torch.randn(4 * 16),
        "image_proj.norm.weight": torch.ones(16), "image_proj.norm.bias": torch.zeros(16),
    }  # fmt: skip
    crossed = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    for number in range(len(crossed)):
        for part in ("k", "v"):
            adapter[f"ip_adapter.{2 * number + 1}.to_{part}_ip.weight"] = torch.randn(width, 16)
    save_file(adapter, folder / "models" / "ip-adapter_tiny.safetensors")
    return folder


def stable_diffusion_2(folder: Path) -> Path:
    """A `StableDiffusionPipeline` of the second kind: OpenCLIP's text encoder, linear projections, predicting v."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    first = stable_diffusion(folder.with_name("first"))
    pipe = StableDiffusionPipeline.from_pretrained(first, local_files_only=True)
    torch.manual_seed(0)
    text = pipe.text_encoder.config.to_dict() | {"num_hidden_layers": 2, "hidden_act": "gelu", "projection_dim": 16}
    unet = {name: pipe.unet.config[name] for name in pipe.unet.config if not name.startswith("_")}
    unet |= {"use_linear_projection": True, "attention_head_dim": [2, 4], "encoder_hid_dim_type": None}
    pipe.text_encoder = CLIPTextModel(CLIPTextConfig(**text))
    pipe.unet = UNet2DConditionModel(**unet)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config, prediction_type="v_prediction", clip_sample=False)
    pipe.save_pretrained(folder)
    return folder


BUILDERS = {
    "janus": janus,
    "clip": clip,
    "segformer": segformer,
    "sam2": sam2,
    "stable_diffusion": stable_diffusion,
    "stable_diffusion_xl": tiny_pipelines.stable_diffusion_xl,
    "flux": tiny_pipelines.flux,
    "flux_dev": tiny_pipelines.flux_dev,
    "flux2": tiny_pipelines.flux2,
    "flux2_dev": tiny_pipelines.flux2_dev,
    "qwen_image_edit": tiny_pipelines.qwen_image_edit,
    "emu3": tiny_pipelines.emu3,
    "glm_image": tiny_pipelines.glm_image,
}
"""By family; the contract suite fails for a family that is missing here."""

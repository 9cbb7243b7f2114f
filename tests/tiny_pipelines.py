"""Random small diffusion pipelines in the exact layout of the large families: the same classes, names and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import tiny_tokenizers


def _clip_text(tokenizer: Any, projected: bool, width: int = 32) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=width, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=77, projection_dim=width,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config).eval()


def _clip_vision() -> Any:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, image_size=32,
            patch_size=16, projection_dim=24,
        )
    ).eval()  # fmt: skip


def _vae(channels: int, blocks: tuple[int, ...] = (16, 32), **more: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=blocks, down_block_types=("DownEncoderBlock2D",) * len(blocks),
        up_block_types=("UpDecoderBlock2D",) * len(blocks), latent_channels=channels, layers_per_block=1,
        norm_num_groups=16, sample_size=64, **more,
    ).eval()  # fmt: skip


def _flow() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)


def stable_diffusion_xl(folder: Path) -> Path:
    """`StableDiffusionXLPipeline`: two text encoders of unlike width, size conditioning; an IP-Adapter as published."""
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel

    torch.manual_seed(0)
    words = tiny_tokenizers.clip()
    unet = UNet2DConditionModel(
        sample_size=32, block_out_channels=(16, 32), layers_per_block=1, norm_num_groups=16, cross_attention_dim=48,
        attention_head_dim=(2, 4), use_linear_projection=True, transformer_layers_per_block=(1, 1),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=32 + 6 * 8,
    ).eval()  # fmt: skip
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, timestep_spacing="leading"
    )
    StableDiffusionXLPipeline(
        vae=_vae(4), text_encoder=_clip_text(words, False, 16), text_encoder_2=_clip_text(words, True), tokenizer=words,
        tokenizer_2=words, unet=unet, scheduler=scheduler,
    ).save_pretrained(folder)  # fmt: skip
    ip_adapter(folder, unet, 48)
    return folder


def ip_adapter(folder: Path, unet: Any, width: int) -> None:
    """An IP-Adapter for `unet` in `folder/models`, with its image encoder, in the published layout."""
    import torch
    from safetensors.torch import save_file

    _clip_vision().save_pretrained(folder / "models" / "image_encoder")
    tensors = {
        "image_proj.proj.weight": torch.randn(4 * width, 24), "image_proj.proj.bias": torch.randn(4 * width),
        "image_proj.norm.weight": torch.ones(width), "image_proj.norm.bias": torch.zeros(width),
    }  # fmt: skip
    crossed = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    for number, name in enumerate(crossed):
        hidden = unet.get_submodule(name.removesuffix(".processor")).to_k.out_features
        for part in ("k", "v"):
            tensors[f"ip_adapter.{2 * number + 1}.to_{part}_ip.weight"] = torch.randn(hidden, width)
    save_file(tensors, folder / "models" / "ip-adapter_tiny.safetensors")


def flux(folder: Path, kind: str = "FluxKontextPipeline") -> Path:
    """`FluxKontextPipeline`: CLIP and T5 encoders, packed latents, guidance embedded."""
    import diffusers
    import torch
    from diffusers import FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    words, pieces = tiny_tokenizers.clip(), tiny_tokenizers.t5()
    encoder = T5EncoderModel(
        T5Config(vocab_size=len(pieces), d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, is_gated_act=True)
    )
    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=32, guidance_embeds=True, axes_dims_rope=(4, 4, 8),
    )  # fmt: skip
    getattr(diffusers, kind)(
        scheduler=_flow(), vae=_vae(4, shift_factor=0.1, scaling_factor=0.36, use_quant_conv=False,
        use_post_quant_conv=False), text_encoder=_clip_text(words, False), tokenizer=words,
        text_encoder_2=encoder.eval(), tokenizer_2=pieces, transformer=transformer.eval(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def flux_dev(folder: Path) -> Path:
    """`FluxPipeline`, the same parts, with an IP-Adapter in its published layout: one key and value a double block."""
    import torch
    from safetensors.torch import save_file

    flux(folder, "FluxPipeline")
    _clip_vision().save_pretrained(folder / "models" / "image_encoder")
    width, before = 32, "double_blocks.0.processor.ip_adapter_double_stream"
    tensors = {
        "ip_adapter_proj_model.proj.weight": torch.randn(4 * width, 24),
        "ip_adapter_proj_model.proj.bias": torch.randn(4 * width),
        "ip_adapter_proj_model.norm.weight": torch.ones(width), "ip_adapter_proj_model.norm.bias": torch.zeros(width),
    }  # fmt: skip
    for part in ("k", "v"):
        tensors[f"{before}_{part}_proj.weight"] = torch.randn(32, width)
        tensors[f"{before}_{part}_proj.bias"] = torch.randn(32)
    save_file(tensors, folder / "models" / "ip_adapter.safetensors")
    return folder


def flux2(folder: Path) -> Path:
    """`Flux2KleinPipeline`: three layers of Qwen3 as the text, references in the sequence; distilled."""
    import torch
    from diffusers import Flux2KleinPipeline
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    words = tiny_tokenizers.qwen()
    encoder = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(words), hidden_size=16, intermediate_size=24, num_hidden_layers=28, num_attention_heads=2,
            num_key_value_heads=1, head_dim=8, max_position_embeddings=1024, tie_word_embeddings=True,
        )
    )  # fmt: skip
    Flux2KleinPipeline(
        scheduler=_flow(), text_encoder=encoder.eval(), tokenizer=words, is_distilled=True, **_flux2_parts(False)
    ).save_pretrained(folder)
    return folder


def _flux2_parts(guided: bool) -> dict[str, Any]:
    """Autoencoder and transformer of a FLUX.2."""
    from diffusers import AutoencoderKLFlux2, Flux2Transformer2DModel

    vae = AutoencoderKLFlux2(
        block_out_channels=(16, 32), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=4, layers_per_block=1, norm_num_groups=16,
        sample_size=64,
    )  # fmt: skip
    transformer = Flux2Transformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=48, timestep_guidance_channels=32, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=guided,
    )  # fmt: skip
    return {"vae": vae.eval(), "transformer": transformer.eval()}


def flux2_dev(folder: Path) -> Path:
    """`Flux2Pipeline`: layers 10, 20 and 30 of Mistral 3 as the text, guidance embedded."""
    import torch
    from diffusers import Flux2Pipeline
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration

    torch.manual_seed(0)
    words = tiny_tokenizers.pixtral()
    config = Mistral3Config(
        text_config={
            "model_type": "mistral", "vocab_size": len(words), "hidden_size": 16, "intermediate_size": 24,
            "num_hidden_layers": 30, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8,
            "max_position_embeddings": 1024,
        },
        vision_config={
            "model_type": "pixtral", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1,
            "num_attention_heads": 2, "image_size": 28, "patch_size": 14, "head_dim": 8,
        },
        image_token_index=words.convert_tokens_to_ids("[IMG]"),
    )  # fmt: skip
    Flux2Pipeline(
        scheduler=_flow(), text_encoder=Mistral3ForConditionalGeneration(config).eval(), tokenizer=words,
        **_flux2_parts(True),
    ).save_pretrained(folder)  # fmt: skip
    return _said_to_be(folder, "tokenizer", "PixtralProcessor")


def _said_to_be(folder: Path, part: str, kind: str) -> Path:
    """Names a part's published class in the index, where that class needs torchvision; its files are what matters."""
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {part: ["transformers", kind]}))
    return folder


def qwen_image_edit(folder: Path) -> Path:
    """`QwenImageEditPlusPipeline`: Qwen2.5-VL reads prompt and references together."""
    import torch
    from diffusers import AutoencoderKLQwenImage, QwenImageEditPlusPipeline, QwenImageTransformer2DModel
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessorPil

    torch.manual_seed(0)
    words = tiny_tokenizers.qwen()
    ids = {name: words.convert_tokens_to_ids(name) for name in tiny_tokenizers.QWEN_TOKENS}
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(words), "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 2048,
            "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 1e6},
            "bos_token_id": 0, "eos_token_id": ids["<|im_end|>"],
        },
        vision_config={
            "depth": 1, "hidden_size": 16, "intermediate_size": 24, "num_heads": 2, "out_hidden_size": 32,
            "patch_size": 14, "window_size": 112, "fullatt_block_indexes": [0],
        },
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
    )  # fmt: skip
    vae = AutoencoderKLQwenImage(
        base_dim=8, z_dim=4, dim_mult=[1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True],
        latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
    )  # fmt: skip
    transformer = QwenImageTransformer2DModel(
        patch_size=2, in_channels=16, out_channels=4, num_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, axes_dims_rope=(4, 6, 6),
    )  # fmt: skip
    QwenImageEditPlusPipeline(
        scheduler=_flow(), vae=vae.eval(), text_encoder=Qwen2_5_VLForConditionalGeneration(config).eval(),
        tokenizer=words, processor=None, transformer=transformer.eval(),
    ).save_pretrained(folder)  # fmt: skip
    words.save_pretrained(folder / "processor")
    Qwen2VLImageProcessorPil(min_pixels=28 * 28, max_pixels=56 * 56).save_pretrained(folder / "processor")
    return _said_to_be(folder, "processor", "Qwen2VLProcessor")


GLM_CHAT = (
    "{% for m in messages %}<|user|>{% for c in m['content'] %}{% if c['type'] == 'image' %}<sop><|image|><eop>"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}<|assistant|>"
)


def glm_image(folder: Path) -> Path:
    """`GlmImagePipeline`: an autoregressive model writes a plan of tokens, a transformer paints it."""
    import torch
    from diffusers import GlmImagePipeline, GlmImageTransformer2DModel
    from transformers import (
        ByT5Tokenizer,
        GlmImageConfig,
        GlmImageForConditionalGeneration,
        GlmImageImageProcessorPil,
        GlmImageProcessor,
        T5Config,
        T5EncoderModel,
    )

    torch.manual_seed(0)
    words = tiny_tokenizers.glm()
    config = GlmImageConfig(
        text_config={
            "vocab_size": len(words), "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1,
            "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 2048,
            "vision_vocab_size": 66, "pad_token_id": words.pad_token_id, "eos_token_id": 65,
            "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 1e4,
                                "partial_rotary_factor": 1.0},
        },
        vision_config={
            "depth": 1, "hidden_size": 16, "intermediate_size": 24, "num_heads": 2, "patch_size": 16,
            "image_size": 64,
        },
        vq_config={"embed_dim": 8, "num_embeddings": 64, "latent_channels": 16},
        image_token_id=words.convert_tokens_to_ids("<|image|>"), image_start_token_id=64, image_end_token_id=65,
    )  # fmt: skip
    processor = GlmImageProcessor(
        GlmImageImageProcessorPil(patch_size=16, merge_size=1, temporal_patch_size=1), words, chat_template=GLM_CHAT
    )
    glyphs = T5EncoderModel(T5Config(vocab_size=384, d_model=16, d_kv=8, d_ff=24, num_layers=1, num_heads=2))
    transformer = GlmImageTransformer2DModel(
        in_channels=4, out_channels=4, num_layers=1, attention_head_dim=16, num_attention_heads=2, text_embed_dim=16,
        time_embed_dim=32, condition_dim=8, prior_vq_quantizer_codebook_size=64,
    )  # fmt: skip
    GlmImagePipeline(
        tokenizer=ByT5Tokenizer(), processor=processor, text_encoder=glyphs.eval(),
        vision_language_encoder=GlmImageForConditionalGeneration(config).eval(),
        vae=_vae(4, (16, 16, 16, 16), latents_mean=[0.0] * 4, latents_std=[1.0] * 4),
        transformer=transformer.eval(), scheduler=_flow(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def emu3(folder: Path, width: int = 32, inner: int = 48) -> Path:
    """`Emu3ForConditionalGeneration`: words and the codes of pictures in one vocabulary."""
    import torch
    from transformers import Emu3Config, Emu3ForConditionalGeneration

    torch.manual_seed(0)
    words = tiny_tokenizers.emu3()
    config = Emu3Config(
        text_config={
            "vocab_size": len(words), "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 2048,
            "pad_token_id": words.pad_token_id, "bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id,
            "attention_dropout": 0.0,
        },
        vq_config={
            "codebook_size": 64, "embed_dim": 4, "latent_channels": 4, "base_channels": 32, "hidden_size": 32,
            "channel_multiplier": [1, 1, 1, 1], "num_res_blocks": 1, "attn_resolutions": [],
            "temporal_downsample_factor": 1,
        },
        vocabulary_map=words.get_vocab(),
    )  # fmt: skip
    model = Emu3ForConditionalGeneration(config).eval()
    # Fresh weights are so small that nothing in the prompt would matter.
    with torch.no_grad():
        for parameter in model.model.text_model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(8)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder

"""The scorers' encoder: a small `CLIPModel` (Radford et al. 2021) that knows the storybook world.

Six losses: scenes with their captions, before and after one change; cut-out subjects with their descriptions, and with
another cut-out of the same subject, among subjects that are nearly alike; scenes with single phrases, true and false;
instructions with what was there before and after them. These last two are sigmoid losses (Zhai et al. 2023, "Sigmoid
Loss for Language Image Pre-Training", section 3.2) round a fixed cosine, so that one threshold tells whether a phrase
holds. The sixth is plain classification, by linear heads that do not ship: it teaches the picture side what
there is to see much sooner than words do.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig, PreTrainedTokenizerFast
from transformers.models.janus.modeling_janus import JanusVQVAE

from ..tools.subject import crop_subject
from .ar import encode_pool, tokenizer_state
from .decoder import DecoderModule
from .encoder_data import READ, Pair, Phrase, attributes, hard_pairs, phrases, scene_key, truths
from .loop import Plan
from .pool import Edit, Pool
from .tokenizer import config as tokenizer_config
from .tokenizer import to_pixels
from .vision import jitter
from .world import Scene, caption, describe, instruction

LENGTH = 40
WIDTH, SEEN = 128, 160
EMBEDDING = 96
SCALE, THRESHOLD = 24.0, 0.2
"""A phrase holds where its cosine with the picture is above `THRESHOLD`; `SCALE` says how sharply."""
GROUP = 8
"""Subjects that share two of their attributes, side by side in a batch."""
DRAWN = 4
"""Pictures of a batch that went through the picture tokenizer, as drawn ones do."""
WORDLESS = 0.4
"""Part of the time before captions, descriptions and instructions come in: long texts cost more than pictures."""
PLAIN = ("it", "the subject", "the thing", "<concept_0>")


def config(tokenizer: PreTrainedTokenizerFast) -> CLIPConfig:
    """About 1.5 M parameters; 64 px pictures, `LENGTH` text tokens."""
    text = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=384, num_hidden_layers=3, num_attention_heads=4,
        max_position_embeddings=LENGTH, projection_dim=EMBEDDING, hidden_act="gelu",
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    seen = CLIPVisionConfig(
        hidden_size=SEEN, intermediate_size=3 * SEEN, num_hidden_layers=3, num_attention_heads=4, image_size=64,
        patch_size=16, projection_dim=EMBEDDING, hidden_act="gelu",
    )  # fmt: skip
    return CLIPConfig(text_config=text.to_dict(), vision_config=seen.to_dict(), projection_dim=EMBEDDING)


def pack(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> dict[str, Tensor]:
    """`<s> text </s>` padded to one length."""
    ids = [[tokenizer.bos_token_id, *row[: LENGTH - 2], tokenizer.eos_token_id]
           for row in tokenizer(texts, add_special_tokens=False).input_ids]  # fmt: skip
    longest = max(map(len, ids))
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids])
    return {
        "input_ids": torch.tensor([row + [tokenizer.pad_token_id] * (longest - len(row)) for row in ids]),
        "attention_mask": mask,
    }


def worn(pixels: Tensor, rng: np.random.Generator) -> Tensor:
    """A third each of `[b, 3, h, w]`: as it is, softened by a smaller size, noisy; what drawn pictures look like."""
    third = len(pixels) // 3
    small = F.interpolate(pixels[:third], size=(int(rng.integers(26, 56)),) * 2, mode="area")
    soft = F.interpolate(small, size=pixels.shape[2:], mode="bicubic", align_corners=False)
    noisy = pixels[third : 2 * third]
    noisy = noisy * float(rng.normal(1, 0.04)) + float(rng.exponential(0.03)) * torch.randn_like(noisy)
    return torch.cat([soft, noisy, pixels[2 * third :]]).clamp(-1, 1)


class EncoderModule(nn.Module):
    """The encoder, and the heads that read a picture's attributes while it learns."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__()
        # Plain attention: on a CPU the fused one costs more than all the rest of a step at this length.
        self.clip: Any = CLIPModel._from_config(config(tokenizer), attn_implementation="eager")
        self.heads = nn.ModuleDict({name: nn.Linear(SEEN, len(words)) for name, words in READ.items()})
        for module in (self.clip.vision_model.embeddings, self.clip.text_projection, self.clip.visual_projection):
            for parameter in module.parameters():
                parameter.adam = True
        for parameter in self.heads.parameters():
            parameter.adam = True  # type: ignore[attr-defined]

    def read(self, seen: Tensor, scenes: Sequence[Scene]) -> Tensor:
        """Mean cross-entropy of the attributes of `scenes` with one figure, from pooled features `[b, SEEN]`."""
        rows = [i for i, scene in enumerate(scenes) if len(scene.figures) == 1]
        truth = [attributes(scenes[i]) for i in rows]
        losses = [
            F.cross_entropy(head(seen[rows]).float(), torch.tensor([words[name] for words in truth]))
            for name, head in self.heads.items()
        ]
        return torch.stack(losses).mean()


class EncoderTask:
    """Learns from the pool; measured on subjects and settings that are in no pool."""

    def __init__(self, plan: Plan, rank: int) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.pool = plan, Pool(plan.work / "pool")
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(plan.work / "words")
        self.model = EncoderModule(self.tokenizer)
        self.clip = self.model.clip
        self.rng, self.words = np.random.default_rng(plan.seed * 100 + rank), random.Random(plan.seed * 100 + rank)
        self.alike = self._alike()
        self.codes = encode_pool(plan)
        vq = JanusVQVAE(tokenizer_config())
        vq.load_state_dict(tokenizer_state(plan))
        self.drawer = DecoderModule(vq.eval().requires_grad_(False))
        self.held: list[Pair] = []

    def _alike(self) -> list[dict[Any, np.ndarray]]:
        """Subjects by class and main colour, by class and second colour, and by class and pattern."""
        found: list[dict[Any, list[int]]] = [defaultdict(list) for _ in range(3)]
        for number in range(self.pool.sizes.subjects):
            one = self.pool.scenes[number * self.pool.sizes.scenes].figures[0].subject
            for groups, key in zip(found, (one.main, one.second, one.pattern), strict=True):
                groups[one.kind, key].append(number)
        return [{k: np.array(v) for k, v in groups.items() if len(v) >= GROUP} for groups in found]

    def _subjects(self) -> np.ndarray:
        """Numbers of subjects, in groups that are nearly alike."""
        picked = []
        for _ in range(self.plan.batch // GROUP):
            groups = self.alike[int(self.rng.integers(len(self.alike)))]
            members = groups[self.words.choice(list(groups))]
            picked.append(self.rng.choice(members, GROUP, replace=False))
        return np.unique(np.concatenate(picked))

    def images(self, pixels: Tensor) -> Tensor:
        """Unit embeddings `[b, d]` of pixels `[b, 3, 64, 64]`."""
        return self._projected(self.clip.vision_model(pixels.contiguous()).pooler_output)

    def _projected(self, pooled: Tensor) -> Tensor:
        return F.normalize(self.clip.visual_projection(pooled).float(), dim=-1)

    def texts(self, texts: list[str]) -> Tensor:
        """Unit embeddings `[b, d]`."""
        out = self.clip.text_projection(self.clip.text_model(**pack(self.tokenizer, texts)).pooler_output)
        return F.normalize(out.float(), dim=-1)

    def _contrast(self, a: Tensor, b: Tensor, keys: Sequence[Any] = ()) -> Tensor:
        """Symmetric cross-entropy; other rows with the same key are as right, so they do not count as wrong."""
        logits = a @ b.T * self.clip.logit_scale.exp().clamp(max=60)
        index = torch.arange(len(a))
        if keys:
            numbers = {key: i for i, key in enumerate(dict.fromkeys(keys))}
            number = torch.tensor([numbers[key] for key in keys])
            same = (number[:, None] == number) & ~torch.eye(len(a), dtype=torch.bool)
            logits = logits.masked_fill(same, -1e4)
        return (F.cross_entropy(logits, index) + F.cross_entropy(logits.T, index)) / 2

    def _named(self, scene: Scene) -> tuple[str, Any]:
        """A caption, and what it says, as a key. Sometimes the subject is left out, so that the rest has to count."""
        shown = [describe(f.subject, self.words) for f in scene.figures]
        names: list[str] = [t if self.words.random() < 0.5 else self.words.choice(PLAIN) for t in shown]
        if self.words.random() < 0.3:
            names = [f"the {f.subject.kind}" for f in scene.figures]
        said = tuple(f.subject for f in scene.figures) if names[0] not in PLAIN else ()
        return caption(scene, self.words, names), (scene_key(scene), said)

    def loss(self, fraction: float) -> tuple[Tensor, dict[str, float]]:
        pool, count = self.pool, self.plan.batch
        subjects = self._subjects()
        which = np.array([self.rng.choice(pool.sizes.scenes, 2, replace=False) for _ in subjects])
        a, b = (subjects * pool.sizes.scenes + which[:, i] for i in (0, 1))
        edits = [pool.edits[i] for i in self.rng.integers(0, len(pool.edits), count // 3)]
        rows = np.concatenate([a, [e.before for e in edits], [e.after for e in edits]])
        scenes = [pool.scenes[i] for i in rows]
        asked, half, n, e = phrases(scenes, self.words), len(a) // 2, len(a), len(edits)
        spoken = fraction > WORDLESS
        named = [self._named(scene) for scene in scenes[n:]] if spoken else []
        described = [describe(scene.figures[0].subject, self.words) for scene in scenes[:half]] if spoken else []
        told = [self._told(edit) for edit in edits] if spoken else []
        with torch.autocast("cpu", torch.bfloat16):
            pictures, crops = self._drawn(rows, np.concatenate([pool.crops[a[:half]], pool.crops[b[:half]]]))
            pixels = torch.cat([worn(jitter(crops, self.rng), self.rng), self._moved(pictures)])
            pooled = self.clip.vision_model(pixels.contiguous()).pooler_output
            words = self.texts([p.text for p in asked] + [c for c, _ in named] + described + told)
        first, second, whole = self._projected(pooled).split([half, half, len(rows)])
        single, captions, descriptions, orders = words.split([len(asked), len(named), len(described), len(told)])
        parts = {
            "same": self._contrast(first, second),
            "read": self.model.read(pooled[2 * half :], scenes),
            "phrase": 2 * phrase_loss(whole @ single.T, truths(scenes, asked)),
        }
        if spoken:
            parts |= {
                "caption": 0.5 * self._contrast(whole[n:], captions, [key for _, key in named]),
                "described": 0.5 * self._contrast(first, descriptions),
                "told": told_loss((whole[n + e :] * orders).sum(-1), (whole[n : n + e] * orders).sum(-1)),
            }
        return sum(parts.values(), torch.zeros(())), {k: float(v.detach()) for k, v in parts.items()}

    def _told(self, edit: Edit) -> str:
        """How a user asks for an edit."""
        before, after = self.pool.scenes[edit.before], self.pool.scenes[edit.after]
        return instruction(edit.what, before, after, self.words, "it", edit.figure)

    @torch.no_grad()
    def _drawn(self, rows: np.ndarray, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pictures of `rows` and their `crops`, some of them as the picture tokenizer gives them back."""
        pictures = np.array(self.pool.pictures[rows])
        made = self.drawer(torch.from_numpy(self.codes[rows[:DRAWN]].astype(np.int64))).clamp(-1, 1)
        pictures[:DRAWN] = ((made + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
        for i, row in enumerate(rows[:DRAWN]):
            mask = Image.fromarray(np.where(self.pool.labels[row] == 1, 255, 0).astype(np.uint8))
            crops[i] = np.asarray(crop_subject(Image.fromarray(pictures[i]), mask))
        return pictures, crops

    def _moved(self, pictures: np.ndarray) -> Tensor:
        """Pixels of whole pictures, moved by a pixel or two and a little worn."""
        dy, dx = (int(v) for v in self.rng.integers(0, 5, 2))
        moved = F.pad(to_pixels(pictures), (2, 2, 2, 2), mode="replicate")[:, :, dy : dy + 64, dx : dx + 64]
        order = torch.from_numpy(self.rng.permutation(len(pictures)))
        return worn(moved[order], self.rng)[order.argsort()]

    def evaluate(self) -> dict[str, float]:
        """How often the right one of two pictures, or of a true and a false phrase, comes first."""
        self.held = self.held or hard_pairs(300)
        true, false, reference = (
            self.images(to_pixels(np.stack([cut(getattr(p, name)) for p in self.held])))
            for name in ("right", "wrong", "reference")
        )
        right = ((true * reference).sum(-1) > (false * reference).sum(-1)).float()
        whole, changed = (
            self.images(to_pixels(np.stack([np.asarray(getattr(p, name).image) for p in self.held])))
            for name in ("right", "changed")
        )
        words = self.texts([p.caption for p in self.held])
        scene = ((whole * words).sum(-1) > (changed * words).sum(-1)).float()
        rng = random.Random(1)
        scenes = [p.scene for p in self.held]
        asked: list[Phrase] = phrases(scenes, rng)
        truth, near = truths(scenes, asked), whole @ self.texts([p.text for p in asked]).T > THRESHOLD
        holds, fails = near[truth == 1].float().mean(), (~near[truth == 0]).float().mean()
        found = {"subject": right.mean(), "text": scene.mean(), "holds": holds, "fails": fails}
        return {name: float(value) for name, value in found.items()}


def cut(picture: Any) -> np.ndarray:
    """The first figure of a rendered picture, cut out as the product cuts it."""
    mask: Image.Image = picture.masks[0]
    return np.asarray(crop_subject(picture.image, mask))


def phrase_loss(cosines: Tensor, truth: Tensor) -> Tensor:
    """Sigmoid loss of phrases `[pictures, phrases]`: 1 true, 0 false, -1 undecided. True and false weigh the same."""
    logits = SCALE * (cosines - THRESHOLD)
    return (F.softplus(-logits[truth == 1]).mean() + F.softplus(logits[truth == 0]).mean()) / 2


def told_loss(after: Tensor, before: Tensor) -> Tensor:
    """An instruction holds of the picture after it, and not of the one before; cosines `[edits]`."""
    return (F.softplus(-SCALE * (after - THRESHOLD)) + F.softplus(SCALE * (before - THRESHOLD))).mean() / 2


def build(plan: Plan, rank: int) -> EncoderTask:
    """The task of one process."""
    return EncoderTask(plan, rank)

"""Training the starter AR model on interleaved text and pictures.

Letters of shapes: b sequences, l inputs, d width, n = 64 codes of a picture, v codes there are.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor
from torch.multiprocessing.spawn import spawn
from transformers import PreTrainedTokenizerFast

from ..tools.nn.pooling import pool_tokens
from . import janus
from .ar_data import Batch, Dealer, Examples
from .loop import Plan
from .pool import Pool
from .tokenizer import latents, nearest, to_pixels
from .vision import Reader, jitter

FIGURE, ACCESSORY = 1, 3
"""Labels of a pool's pictures, from which up a token counts as one."""


def state_of(plan: Plan, name: str, prefix: str = "average.") -> dict[str, Tensor]:
    """The averaged weights of another finished (or running) recipe in the same work folder."""
    tensors = load_file(plan.work / name / "state.safetensors")
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}


def tokenizer_state(plan: Plan, decoder: bool = True) -> dict[str, Tensor]:
    """The tokenizer's weights as `JanusVQVAE` names them, with the decoder of its second stage where there is one."""
    extra = ("code_count", "code_sum", "quantized")
    first = {k: v for k, v in state_of(plan, "tokenizer").items() if k not in extra}
    if not (decoder and (plan.work / "decoder" / "state.safetensors").exists()):
        return first
    return first | {k: v for k, v in state_of(plan, "decoder").items() if not k.startswith("quantize.")}


def _encode_part(part: int, plan: Plan, parts: int) -> None:
    """Encodes one of `parts` slices of the pool into a file of its own."""
    from transformers.models.janus.modeling_janus import JanusVQVAE

    from .tokenizer import config

    torch.set_num_threads(1)
    vq = JanusVQVAE(config()).eval()
    vq.load_state_dict(tokenizer_state(plan))
    codes = F.normalize(vq.quantize.embedding.weight, dim=-1)
    pictures = np.array_split(Pool(plan.work / "pool").pictures, parts)[part]
    made = np.zeros((len(pictures), 64), np.int16)
    with torch.no_grad():
        for start in range(0, len(pictures), 128):
            with torch.autocast("cpu", torch.bfloat16):
                z = latents(vq, to_pixels(pictures[start : start + 128]))
            index = nearest(codes, z.permute(0, 2, 3, 1).reshape(-1, 8))
            made[start : start + 128] = index.view(-1, 64).to(torch.int16).numpy()
    np.save(plan.work / f"codes.part{part}.npy", made)


def encode_pool(plan: Plan, parts: int = 2) -> np.ndarray:
    """Codes `[n, 64]` int16 of all pictures of the pool, computed once a tokenizer and kept beside it."""
    file = plan.work / "codes.npy"
    if not file.exists():
        spawn(_encode_part, (plan, parts), nprocs=parts)
        files = [plan.work / f"codes.part{i}.npy" for i in range(parts)]
        np.save(plan.work / "codes.new.npy", np.concatenate([np.load(f) for f in files]))
        (plan.work / "codes.new.npy").rename(file)
        for part in files:
            part.unlink()
    return np.load(file, mmap_mode="r")


def cells(labels: np.ndarray, least: int) -> Tensor:
    """1 for each of the 64 tokens that touches a label of at least `least`: `[b, 64, 64]` labels to `[b, 64]`."""
    shown = np.ascontiguousarray(labels) >= least
    touched = shown.reshape(len(labels), 8, 8, 8, 8).mean((2, 4)).reshape(len(labels), 64) > 0.06
    return torch.from_numpy(touched).float()


class ArTask:
    """Next-token prediction of the target's codes."""

    def __init__(self, plan: Plan, rank: int, layers: int = 8) -> None:
        torch.manual_seed(plan.seed)
        self.plan = plan
        self.pool = Pool(plan.work / "pool")
        self.codes = encode_pool(plan)
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(plan.work / "words")
        seen = state_of(plan, "vision")
        vision_state = {k[7:]: v for k, v in seen.items() if k.startswith("vision.")}
        self.model = janus.fresh(self.tokenizer, tokenizer_state(plan), vision_state, layers)
        # On a CPU, and at this length, plain attention is 1.6 times faster to train than the fused one.
        self.model.set_attn_implementation("eager")
        self.model.reader = Reader(192)
        self.model.reader.load_state_dict({k[7:]: v for k, v in seen.items() if k.startswith("reader.")})
        for module in (self.model.model.vision_model, self.model.model.generation_embeddings, self.model.reader):
            for parameter in module.parameters():
                parameter.adam = True
        self.dealer = Dealer(Examples(self.pool, plan.seed * 1000 + rank + 1), self.tokenizer, plan.batch)
        self.held = Dealer(Examples(self.pool, 5, held=True), self.tokenizer, 64, chunk=2048)
        self.rng = np.random.default_rng(plan.seed * 100 + rank)
        ids = self.tokenizer.convert_tokens_to_ids
        names = ("<s>", "<source>", "<begin_of_image>", "<concept_0>", "<concept_1>", "<concept_2>")
        self.special = {name: ids(name) for name in names}

    def _word(self, name: str, b: int) -> Tensor:
        """Inputs `[b, 1, d]` of a special token."""
        return self.model.get_input_embeddings()(torch.full((b, 1), self.special[name]))

    def _see(self, rows: np.ndarray, train: bool) -> tuple[Tensor, Tensor]:
        """Inputs `[b, 16 k, d]` and the encoder's tokens `[b k, 64, w]` of references in `rows` `[b, k]`."""
        crops = self.pool.crops[rows.flatten()]
        pixels = jitter(crops, self.rng) if train else to_pixels(crops)
        tokens = self.model.model.vision_model(pixels).last_hidden_state
        seen = pool_tokens(self.model.model.aligner(tokens), janus.POOL)
        return seen.view(len(rows), -1, seen.shape[-1]), tokens

    def _codes(self, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(self.codes[rows].astype(np.int64))

    def nll(self, batch: Batch, train: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Per-token loss `[b, 64]`, its weights, and the encoder's own loss."""
        b, target = len(batch.target), self._codes(batch.target)
        draw = self.model.prepare_embeddings_for_image_generation
        parts, reading = [self._word("<s>", b)], torch.zeros(())
        for i, rows in enumerate(batch.references):
            seen, tokens = self._see(rows, train)
            parts += [self._word(f"<concept_{i}>", b), seen]
            subjects = [self.pool.scenes[r].figures[0].subject for r in rows.flatten()]
            reading = reading + self.model.reader.loss(tokens, subjects)
        if batch.text.shape[1]:
            parts.append(self.model.get_input_embeddings()(torch.from_numpy(batch.text)))
        # An accessory is few tokens, and the whole of what was asked.
        labels = self.pool.labels[batch.target]
        weight = 1.0 + cells(labels, FIGURE) + 2.0 * cells(labels, ACCESSORY)
        if batch.source is not None:
            source = self._codes(batch.source)
            parts += [self._word("<source>", b), draw(source)]
            weight = 0.5 + 2.0 * (source != target).float()
        parts += [self._word("<begin_of_image>", b), draw(target[:, :-1])]
        hidden = self.model.model.language_model(inputs_embeds=torch.cat(parts, 1), use_cache=False).last_hidden_state
        logits = self.model.model.generation_head(hidden[:, -64:]).float()
        loss = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none").view(b, 64)
        return loss, weight, reading

    def loss(self, fraction: float) -> tuple[Tensor, dict[str, float]]:
        batch = self.dealer.deal()
        with torch.autocast("cpu", torch.bfloat16):
            loss, weight, reading = self.nll(batch, True)
        total = (loss * weight).sum() / weight.sum() + 0.03 * reading / max(1, len(batch.references))
        return total, {"nats": float(loss.detach().mean())}

    def evaluate(self) -> dict[str, float]:
        sums: dict[str, list[float]] = {}
        for _ in range(12):
            batch = self.held.deal()
            with torch.autocast("cpu", torch.bfloat16):
                loss, _, _ = self.nll(batch, False)
            sort = "edit" if batch.source is not None else "words" if not batch.references else "known"
            sums.setdefault(f"held_{sort}", []).append(float(loss.mean()))
        return {k: sum(v) / len(v) for k, v in sorted(sums.items())}


def build(plan: Plan, rank: int) -> ArTask:
    """The task of one process."""
    return ArTask(plan, rank)

"""A language model of one's own on this machine: any chat model in transformers' format, also in 4 or 8 bits.

Loaded from a folder, or from the hub's cache on the disk; never from the network, never with the repository's code.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import ModelError

Bits = Literal["", "4bit", "8bit", "full"]
MOST_TOKENS = 512
"""Tokens of one answer: a tool call or a few sentences."""


@dataclass(slots=True)
class Spoken:
    """How many tokens a call took: what was read and what was written. Complete when the words have all come."""

    read: int = 0
    written: int = 0


class Language:
    """A causal language model with the chat template of its tokenizer."""

    def __init__(self, name: str, model: Any, tokenizer: Any) -> None:
        self.name, self.model, self.tokenizer = name, model, tokenizer
        self._lock = threading.Lock()
        self._hushed = threading.Event()

    def hush(self) -> None:
        """End the answer under way, from any thread."""
        self._hushed.set()

    @classmethod
    def load(cls, name: str, bits: Bits = "") -> Language:
        """Load `name`: a folder, or a repository that is in the hub's cache.

        Args:
            bits: "" for 4 bits where there is a CUDA device and full precision elsewhere.

        Raises:
            ModelError: it is not there, has no safetensors or no chat template, or does not fit.
        """
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        cuda = torch.cuda.is_available()
        settings = _precision(bits or ("4bit" if cuda else "full"), cuda)
        path = Path(name).expanduser()
        source = str(path) if path.is_dir() else name
        try:
            tokenizer = AutoTokenizer.from_pretrained(source, **where)
            model = AutoModelForCausalLM.from_pretrained(source, use_safetensors=True, **where, **settings)
        except torch.cuda.OutOfMemoryError as error:
            hint = "Add @4bit, or take a smaller model."
            raise ModelError(f"{name} does not fit into the memory of this GPU.", hint) from error
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
            why = str(error).strip().splitlines()[0][:200]
            hint = "Name a folder with config.json and *.safetensors, or fetch the repository with `hf download` first."
            raise ModelError(f"There is no usable language model in {name}: {why}", hint) from error
        if not tokenizer.chat_template:
            raise ModelError(f"{name} has no chat template, so it cannot hold a conversation.", "Take a chat model.")
        return cls(name, model.eval(), tokenizer)

    def speak(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        spoken: Spoken,
    ) -> Iterator[str]:
        """The answer to a conversation in pieces of text, with the model's own marks round its tool calls.

        `messages` and `tools` are as chat templates take them: roles and contents, and JSON schemas. Greedy, so the
        same conversation gets the same answer.
        """
        import torch
        from transformers import TextIteratorStreamer

        def hushed(ids: Any, scores: Any, **more: Any) -> Any:
            return torch.full((ids.shape[0],), self._hushed.is_set(), device=ids.device, dtype=torch.bool)

        inputs = self.tokenizer.apply_chat_template(
            list(messages), tools=list(tools) or None, add_generation_prompt=True, return_tensors="pt", return_dict=True
        ).to(self.model.device)
        spoken.read = int(inputs["input_ids"].shape[1])
        longest = getattr(self.model.config, "max_position_embeddings", None)
        if longest and spoken.read + 16 > longest:
            raise ModelError(f"The conversation has {spoken.read} tokens; {self.name} reads {longest}.")
        room = min(MOST_TOKENS, longest - spoken.read) if longest else MOST_TOKENS
        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True)
        fault: list[BaseException] = []

        def work() -> None:
            try:
                made = self.model.generate(
                    **inputs, max_new_tokens=room, do_sample=False, streamer=streamer, stopping_criteria=[hushed]
                )
                spoken.written = int(made.shape[1]) - spoken.read
            except BaseException as error:  # raised again below, in the thread that reads
                fault.append(error)
                streamer.end()

        with self._lock:
            self._hushed.clear()
            thread = threading.Thread(target=work, name="limner-language", daemon=True)
            thread.start()
            for piece in streamer:
                yield self._without_ends(piece)
            thread.join()
        if fault:
            raise ModelError(f"{self.name} failed: {type(fault[0]).__name__}: {fault[0]}") from fault[0]

    def _without_ends(self, piece: str) -> str:
        """A piece without the marks of the end; those round tool calls stay, they are read later."""
        for mark in {self.tokenizer.eos_token, self.tokenizer.pad_token, "<|im_end|>", "<|eot_id|>", "<|eom_id|>"}:
            piece = piece.replace(mark, "") if mark else piece
        return piece


def _precision(bits: str, cuda: bool) -> dict[str, Any]:
    """What `from_pretrained` takes for a precision (bitsandbytes: Dettmers et al. 2023, arXiv 2305.14314)."""
    import torch
    from transformers import BitsAndBytesConfig

    device: dict[str, Any] = {"device_map": {"": 0}} if cuda else {}
    if bits == "4bit":
        half = torch.bfloat16
        kind = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=half)
        return device | {"quantization_config": kind}
    if bits == "8bit":
        return device | {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
    return device | {"dtype": torch.bfloat16 if cuda else torch.float32}

"""A language model of one's own on this machine: any chat model in transformers' format, also in 4 or 8 bits.

Loaded from a folder, or from the hub's cache on the disk; never from the network, never with the repository's code.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import ModelError
from .machine import KEEP_FREE, Machine, machine
from .needs import weights_bytes
from .shelf import prepare_libraries
from .weights import cached

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
        prepare_libraries(0)
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        here, path = machine(), Path(name).expanduser()
        chosen = bits or ("4bit" if here.device == "cuda" else "full")
        source = str(path) if path.is_dir() else name
        _check_room(name, path if path.is_dir() else cached(name, "main"), chosen, here)
        settings = _precision(chosen, here)
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


def _check_room(name: str, folder: Path, bits: str, here: Machine) -> None:
    """Raises `ModelError` for more than this machine holds: the system would end the process without a word."""
    # Weights are stored in 16 bits, nearly everywhere.
    share = {"4bit": 0.3, "8bit": 0.55}.get(bits, 2.0 if here.device == "cpu" else 1.0)
    if (need := share * weights_bytes(folder)) > here.memory * KEEP_FREE:
        said = f"{name} takes about {need / 1e9:.0f} GB so, and may fill {here.memory * KEEP_FREE / 1e9:.0f} GB here"
        fewer = "Take a smaller model." if bits == "4bit" else "Add @4bit, or take a smaller model."
        raise ModelError(f"{said} ({here.name}).", fewer)


def _precision(bits: str, here: Machine) -> dict[str, Any]:
    """What `from_pretrained` takes for a precision (bitsandbytes: Dettmers et al. 2023, arXiv 2305.14314)."""
    import torch
    from transformers import BitsAndBytesConfig

    device: dict[str, Any] = {} if here.device == "cpu" else {"device_map": {"": here.device}}
    half = getattr(torch, here.half)
    if bits == "4bit":
        kind = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=half)
        return device | {"quantization_config": kind}
    if bits == "8bit":
        return device | {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
    return device | {"dtype": torch.float32 if here.device == "cpu" else half}

"""What this computer has, and where a model is put on it."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .backbones.adapting import Adapting
    from .presets import ModelSpec

Precision = Literal["float32", "bfloat16", "float16"]
Offload = Literal["none", "parts", "layers"]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where models could run. Bytes."""

    device: str
    """"cuda", "mps" or "cpu"."""
    name: str
    memory: int
    """Of the accelerator; of the computer where there is none."""
    host_memory: int
    tflops: float
    """10^12 floating-point operations a second that models reach, roughly."""
    half: Precision = "bfloat16"
    """The 16 bits that it multiplies quickly."""

    @property
    def plainly(self) -> str:
        """What it is, for people who choose."""
        whole = f"{self.host_memory / 1e9:.0f} GB"
        if self.device == "cpu":
            return f"{self.name}, {whole} of memory, no GPU"
        if self.device == "mps":
            return f"{self.name} with up to {self.memory / 1e9:.0f} of the computer's {whole}"
        return f"{self.name} with {self.memory / 1e9:.0f} GB, in a computer with {whole}"


@dataclass(frozen=True, slots=True)
class Placement:
    """How one model is put on a machine. Each step down (`lighter`) takes less memory and more time."""

    device: str = "cpu"
    precision: Precision = "float32"
    bits: int = 16
    """Of the large parts' weights: 16 (as `precision` says), 8 or 4 (bitsandbytes: LLM.int8, NF4)."""
    offload: Offload = "none"
    """"parts": what does not run just now waits in the computer's memory; "layers": even a layer at a time."""
    tiling: bool = False
    """Large pictures are decoded in tiles."""
    compile: bool = False
    """The painter's repeated blocks are compiled: the first picture takes about a minute more, others less."""

    @classmethod
    def of(cls, settings: Mapping[str, Any], device: str = "cpu") -> Placement:
        """The placement in a model's settings, where it says one."""
        known = {name: settings[name] for name in cls.__dataclass_fields__ if name in settings}
        return cls(**{"device": device, **known})

    def settings(self) -> dict[str, Any]:
        """What `of` reads."""
        return asdict(self)

    def sentence(self, here: Machine) -> str:
        """The choice in words."""
        weights = {16: "16 bits" if self.precision != "float32" else "32 bits", 8: "8 bits", 4: "4 bits"}[self.bits]
        waiting = {"none": "", "parts": ", idle parts in the computer's memory", "layers": ", layer by layer"}
        more = (", decoded in tiles" if self.tiling else "") + (", compiled" if self.compile else "")
        return f"{here.name}: {weights}{waiting[self.offload]}{more}"

    def loading(self, large: Sequence[str]) -> dict[str, Any]:
        """Arguments of diffusers' `from_pretrained`; `large`: the parts of the pipeline that fewer bits are for."""
        import torch

        asked: dict[str, Any] = {"dtype": getattr(torch, self.precision)}
        if self.bits < 16:
            from diffusers import PipelineQuantizationConfig

            kind = f"bitsandbytes_{self.bits}bit"
            asked["quantization_config"] = PipelineQuantizationConfig(kind, self._quantised(), list(large))
        return asked

    def loading_model(self, whole: Sequence[str]) -> dict[str, Any]:
        """Arguments of transformers' `from_pretrained`; `whole`: beginnings of names of what keeps its 16 bits."""
        import torch

        asked: dict[str, Any] = {"dtype": getattr(torch, self.precision)}
        if self.bits < 16:
            from transformers import BitsAndBytesConfig

            asked["device_map"] = {"": self.device}
            asked["quantization_config"] = BitsAndBytesConfig(**self._quantised(), llm_int8_skip_modules=list(whole))
        return asked

    def _quantised(self) -> dict[str, Any]:
        """bitsandbytes' options: LLM.int8 (arXiv 2208.07339), or NF4 (arXiv 2305.14314)."""
        import torch

        options: dict[str, Any] = {f"load_in_{self.bits}bit": True}
        if self.bits == 4:
            options |= {"bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": getattr(torch, self.precision)}
        return options

    def apply(self, pipe: Any) -> None:
        """Puts a loaded pipeline where it belongs."""
        if self.offload == "parts":
            pipe.enable_model_cpu_offload(device=self.device)
        elif self.offload == "layers":
            pipe.enable_sequential_cpu_offload(device=self.device)
        else:
            # Also beside parts of fewer bits, which are there already: the others have to follow them.
            pipe.to(self.device)
        if self.tiling:
            pipe.vae.enable_tiling()
        if self.compile:
            import torch

            # What cannot be compiled runs as it is.
            torch._dynamo.config.suppress_errors = True
            painter = getattr(pipe, "transformer", None) or pipe.unet
            painter.compile_repeated_blocks()


def give_back() -> None:
    """Memory that freed models held goes back, before the next one is loaded."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
    _trim()


def _trim() -> None:
    """glibc keeps freed memory for itself unless asked."""
    import ctypes

    if sys.platform == "linux":
        try:
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        except (OSError, AttributeError):
            return


def host_memory() -> int:
    """The computer's memory in bytes; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


@lru_cache
def machine() -> Machine:
    """What is here. An accelerator is looked for only where there are signs of one: torch is slow to import."""
    host = host_memory()
    if "torch" in sys.modules or _signs_of_accelerator():
        import torch

        if torch.cuda.is_available():
            found = torch.cuda.get_device_properties(0)
            speed = found.multi_processor_count * CUDA_TFLOPS
            # bfloat16 came with compute capability 8 (2020); before, it is only imitated.
            half: Precision = "bfloat16" if found.major >= 8 else "float16"
            return Machine("cuda", found.name, found.total_memory, host, speed, half)
        if torch.backends.mps.is_available():
            return Machine("mps", "Apple GPU", host * 3 // 4, host, MPS_TFLOPS)
    return Machine("cpu", f"{os.cpu_count()} cores", host, host, (os.cpu_count() or 1) * CORE_TFLOPS)


CUDA_TFLOPS, MPS_TFLOPS, CORE_TFLOPS = 0.7, 5.0, 0.04
"""What diffusion models reach a multiprocessor, on an Apple GPU, a core: orders of magnitude, for estimates only."""


def _signs_of_accelerator() -> bool:
    return sys.platform == "darwin" or any(Path("/dev").glob("nvidia[0-9]*")) or "CUDA_VISIBLE_DEVICES" in os.environ


@dataclass(frozen=True, slots=True)
class Fit:
    """How a model fits a machine."""

    placements: tuple[Placement, ...]
    """From the quickest to the lightest; empty where it does not fit at all."""
    seconds: float
    """Expected for one picture."""
    sentence: str
    bytes: float = 0.0
    """On the device, placed in the quickest way."""

    @property
    def possible(self) -> bool:
        return bool(self.placements)

    @property
    def plainly(self) -> str:
        """Whether it fits, how, and what a picture takes, for people who choose."""
        if not self.placements:
            return self.sentence
        place = self.placements[0]
        how = {"none": "", "parts": " with idle parts in the computer's memory", "layers": " layer by layer"}[
            place.offload
        ]
        fewer = f" in {place.bits} bits, a little coarser" if place.bits < 16 else ""
        return f"fits{fewer}{' and' if how and fewer else ''}{how}: about {_duration(self.seconds)} a picture"


WORTH_COMPILING, COMPILED = 10.0, 0.8
"""Seconds a picture from which compiling pays within a few of them, and what is left of the time."""
SLOWER = {"none": 1.0, "parts": 1.4, "layers": 8.0}
"""How much longer a picture takes with that which waits in the computer's memory."""
KEEP_FREE = 0.9
"""Share of the memory that a model may fill."""


def fit(spec: ModelSpec, here: Machine) -> Fit:
    """Where and how a preset's model is put on this machine, and what it will take."""
    if not spec.memory:
        return Fit((Placement(device="cpu"),), 0.0, "runs anywhere")
    family = _family(spec)
    # diffusers quantises on a GPU alone, and only what it reads from a folder.
    whole = spec.file is not None or (family is not None and here.device != "cuda")
    choices = [place for place in _choices(here) if place.bits == 16 or not whole]
    if family is None:
        # Only pipelines have parts of which some can wait.
        choices = [place for place in choices if place.offload == "none"]
    elif not family.by_layers:
        choices = [place for place in choices if place.offload != "layers"]
    if here.half == "float16" and family is not None and "unet" in family.large:
        # Transformers of this size overflow in float16; U-Nets were published in it.
        choices = [replace(place, precision="float16") for place in choices]
    found = tuple(place for place in choices if _fits(place, spec, here))
    if not found:
        have = f"may fill {here.memory * KEEP_FREE / 1e9:.0f} of {here.memory / 1e9:.0f} GB here ({here.name})"
        return Fit((), 0.0, f"does not fit: it takes {spec.memory:.0f} GB at 16 bits, and {have}")
    first = found[0]
    seconds = spec.work / here.tflops * SLOWER[first.offload] * (1.3 if first.bits < 16 else 1.0)
    plain = first.bits == 16 and first.offload == "none"
    if here.device == "cuda" and seconds >= WORTH_COMPILING and plain and family is not None:
        found, seconds = (replace(first, compile=True), *found), seconds * COMPILED
        first = found[0]
    said = f"{first.sentence(here)}, about {_duration(seconds)} a picture"
    return Fit(found, seconds, said, _on_device(first, spec, here))


def _family(spec: ModelSpec) -> type[Adapting] | None:
    """The family of a model that draws by a pipeline of diffusers; `None` for others."""
    from .backbones import backbones
    from .backbones.adapting import Adapting

    made = backbones().get(spec.family)
    return made if made is not None and issubclass(made, Adapting) else None


def _choices(here: Machine) -> tuple[Placement, ...]:
    """What could be tried on a machine, the quickest first."""
    if here.device == "cuda":
        base = Placement("cuda", "bfloat16", tiling=True)
        return (
            replace(base, tiling=False), base, replace(base, offload="parts"), replace(base, bits=8),
            replace(base, bits=4), replace(base, bits=4, offload="parts"), replace(base, offload="layers"),
        )  # fmt: skip
    if here.device == "mps":
        base = Placement("mps", "bfloat16")
        return (base, replace(base, tiling=True), replace(base, offload="parts", tiling=True))
    base = Placement("cpu", "float32")
    half = replace(base, precision="bfloat16")
    return (base, half, replace(half, bits=4, tiling=True))


def _fits(place: Placement, spec: ModelSpec, here: Machine) -> bool:
    """Whether a model's memory, put so, stays within the machine's."""
    waits = taken(replace(place, offload="none"), spec) if place.offload != "none" and here.device != "cpu" else 0
    return _on_device(place, spec, here) <= here.memory * KEEP_FREE and waits <= here.host_memory * KEEP_FREE


def taken(place: Placement, spec: ModelSpec) -> float:
    """Bytes that a model's weights and what it computes take where it computes."""

    def left(gigabytes: float) -> float:
        fewer = min(spec.quantised or spec.memory, gigabytes) * (1 - place.bits / 16)
        return (gigabytes - fewer) * (2e9 if place.precision == "float32" else 1e9)

    whole, largest = left(spec.memory), left(spec.largest or spec.memory)
    return {"none": whole, "parts": largest * 1.2, "layers": largest / 8}[place.offload]


def _on_device(place: Placement, spec: ModelSpec, here: Machine) -> float:
    """As `taken`, with what decoding a picture takes."""
    return taken(place, spec) + (WITHOUT_TILES if not place.tiling and here.device != "cpu" else 0)


WITHOUT_TILES = 3_000_000_000
"""Bytes more that decoding a picture of a megapixel takes in one piece."""


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"


def out_of_memory(error: BaseException) -> bool:
    """Whether a library's error means that the memory was used up."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(mark in said for mark in USED_UP)


USED_UP = ("out of memory", "not enough memory", "t allocate memory", "alloc_failed")
"""As CUDA, MPS, the processor's allocator and cuBLAS say it; "an illegal memory access" is something else."""

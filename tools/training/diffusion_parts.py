"""What is trained on diffusion models, in the file layouts of diffusers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..checkpoints import load_checked, low_rank
from .parts import LowRank, Part, Vectors, write_file

if TYPE_CHECKING:
    from ..backbones.diffusion import Diffusion
    from ..backbones.learning import Learning

LORA = "pytorch_lora_weights.safetensors"
UNET = "diffusion_pytorch_model.safetensors"


class DiffusionLora(Part):
    """Low-rank updates of the network that draws and of the text encoders, as `save_lora_weights` writes them."""

    def __init__(self, model: Learning, targets: Sequence[str], text: Sequence[str], rank: int) -> None:
        """`targets`, `text`: endings of the names of the layers; none leaves the text encoders alone."""
        self.pipe = model.pipe
        self.names = (model.network, *model.readers)
        named = {model.network: targets, **dict.fromkeys(model.readers, text)}
        self.networks = {n: LowRank(getattr(self.pipe, n), ends, rank) for n, ends in named.items() if ends}
        self.texts = any(name in self.networks for name in model.readers)

    def start(self) -> None:
        for low in self.networks.values():
            low.start()

    def load(self, folder: Path) -> None:
        layers = {
            f"{name}.{layer}": module
            for name in self.names
            for layer, module in LowRank(getattr(self.pipe, name), (), 1).layers().items()
        }
        rank, shapes = low_rank(folder / LORA, layers)
        tensors = load_checked(folder / LORA, shapes)
        for name in self.names:
            own = {k.removeprefix(f"{name}."): t for k, t in tensors.items() if k.startswith(f"{name}.")}
            if own:
                self.networks[name] = LowRank(getattr(self.pipe, name), (), rank)
                self.networks[name].put(own, rank)

    def parameters(self) -> dict[str, nn.Parameter]:
        return {f"{name}.{k}": p for name, low in self.networks.items() for k, p in low.parameters().items()}

    def save(self, folder: Path) -> None:
        found: dict[str, Any] = {f"{name}_lora_layers": low.tensors() for name, low in self.networks.items()}
        write = lambda tensors, file: write_file(Path(file), tensors)  # noqa: E731
        self.pipe.save_lora_weights(folder, **found, save_function=write)

    def remove(self) -> None:
        for low in self.networks.values():
            low.remove()


class LearnedWord(Part):
    """A placeholder word of the text encoder, `[n, d]`, in the layout of textual inversion.

    The pipeline itself takes the word in; while it is trained, its rows of the embedding come from here.
    """

    def __init__(self, model: Diffusion, beginning: Tensor, word: str) -> None:
        self.pipe, self.word = model.pipe, word
        self.vectors = Vectors(beginning, word)
        self.texts = True
        self._hook: Any = None
        self._rows: Any = None

    def start(self) -> None:
        self.vectors.start()
        self._install()

    def load(self, folder: Path) -> None:
        self.vectors.load(folder)
        self._install()

    def _install(self) -> None:
        (vectors,) = self.vectors.parameters().values()
        # The library resizes the table in place; its old rows stay what they are.
        self._rows = self.pipe.text_encoder.get_input_embeddings().weight.detach()
        self.pipe.load_textual_inversion({self.word: vectors.detach().clone()}, token=self.word)
        self.pipe.text_encoder.requires_grad_(False)
        names = [self.word, *(f"{self.word}_{i}" for i in range(1, len(vectors)))]
        ids = self.pipe.tokenizer.convert_tokens_to_ids(names)

        def replace(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            made = output
            for i, number in enumerate(ids):
                made = torch.where((inputs[0] == number)[..., None], vectors[i].to(made), made)
            return made

        self._hook = self.pipe.text_encoder.get_input_embeddings().register_forward_hook(replace)

    def parameters(self) -> dict[str, nn.Parameter]:
        return self.vectors.parameters()

    def save(self, folder: Path) -> None:
        self.vectors.save(folder)

    def remove(self) -> None:
        if self._hook is not None:
            self._hook.remove()
            self._hook = None
            self.pipe.unload_textual_inversion()
            table = self.pipe.text_encoder.get_input_embeddings()
            table.weight = nn.Parameter(self._rows, requires_grad=False)
            table.num_embeddings = self.pipe.text_encoder.config.vocab_size = len(self._rows)
        self.vectors.remove()


class Weights(Part):
    """The U-Net's own weights, in its own file layout and in 16 bits; the image adapter's stay as they are."""

    def __init__(self, model: Diffusion) -> None:
        self.unet = model.pipe.unet
        self._before: dict[str, Tensor] = {}
        self._dtype = self.unet.dtype

    def _own(self) -> dict[str, nn.Parameter]:
        apart = (".processor.", "encoder_hid_proj.")
        return {n: p for n, p in self.unet.named_parameters() if not any(part in n for part in apart)}

    def start(self) -> None:
        self._remember()
        # Small steps would be lost in 16 bits.
        self.unet.float()

    def _remember(self) -> None:
        # In the computer's memory, wherever the model is: it is needed only afterwards.
        self._before = {name: p.detach().to("cpu", copy=True) for name, p in self._own().items()}

    def load(self, folder: Path) -> None:
        own = self._own()
        tensors = load_checked(folder / UNET, {name: p.shape for name, p in own.items()})
        self._remember()
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(tensors[name])

    def parameters(self) -> dict[str, nn.Parameter]:
        return self._own() if self._before else {}

    def save(self, folder: Path) -> None:
        write_file(folder / UNET, {n: p.detach().half().cpu() for n, p in self._own().items()})

    def remove(self) -> None:
        self.unet.to(self._dtype)
        with torch.no_grad():
            for name, parameter in self._own().items():
                if name in self._before:
                    parameter.copy_(self._before[name])
                    parameter.requires_grad_(False)
        self._before = {}

"""LoRA and learned words on a pipeline, put on and taken off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import ModelError
from ..machine import out_of_memory
from .diffusion import Diffusion

if TYPE_CHECKING:
    from torch import Tensor

    from ..machine import Placement


class Adapting(Diffusion):
    """A pipeline of diffusers that takes adapters in any layout in use (see `adapter_files`)."""

    large: ClassVar[tuple[str, ...]] = ("transformer", "text_encoder")
    """The pipeline's large parts: those that are loaded with fewer bits where memory is scarce."""
    by_layers: ClassVar[bool] = True
    """Whether the library can bring it to the device a layer at a time."""
    drawing: ClassVar[str]
    """Name of the pipeline's class as the checkpoint's `model_index.json` has it."""
    lasting: tuple[Path, ...] = ()
    """Adapters that the preset names: on before all others, and not taken off."""

    def __init__(self, folder: Path, pipe: Any, settings: Mapping[str, Any]) -> None:
        super().__init__(folder, single(settings))
        self.pipe = pipe
        self._attached: list[str] = []
        self._learned: list[str] = []
        self.lasting = tuple(Path(file) for file in settings.get("adapters", ()))
        if self.lasting:
            self.attach(())

    @classmethod
    def given(cls, folder: Path) -> dict[str, Any]:
        """Parts that are made here, or left out where `None`, instead of being loaded by the library."""
        return {}

    @classmethod
    def read(cls, kind: str, folder: Path, settings: Mapping[str, Any], place: Placement) -> Any:
        """The library's pipeline of the class `kind` out of `folder`; with `settings["file"]` its weights out of that.

        Raises `ModelError` in one sentence.
        """
        import diffusers

        from ..checkpoints import check_finite, check_index, check_single, reading
        from ..samplers import sampler

        quiet()
        check_index(folder, kind)
        made, file = getattr(diffusers, kind), single(settings)
        with reading(f"{file or folder} holds no usable {kind}"):
            given = cls.given(folder)
            asked = {"local_files_only": True, **dict.fromkeys(given), **place.loading(cls.large)}
            if file is None:
                pipe = made.from_pretrained(folder, use_safetensors=True, variant=settings.get("variant"), **asked)
            else:
                check_single(file, cls.single_file, folder, settings.get("sampler"))
                pipe = made.from_single_file(str(file), config=str(folder), **asked)
            if steps := settings.get("sampler"):
                pipe.scheduler = sampler(pipe.scheduler, steps)
            pipe.register_modules(**{name: part for name, part in given.items() if part is not None})
        for name, part in pipe.components.items():
            if hasattr(part, "named_parameters"):
                check_finite(part, f"{name} in {file or folder}")
                part.eval().requires_grad_(False)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def attach(self, folders: Sequence[Path], weights: Sequence[float] = ()) -> None:
        from ..adapter_files import ELSEWHERE, Adapter, read_adapter
        from ..checkpoints import BROKEN

        paths = [*self.lasting, *folders]
        strengths = [1.0] * len(self.lasting) + list(weights)
        found: list[Adapter] = [read_adapter(path, self.pipe) for path in paths]
        self._refuse(found)
        self._take_off()
        for number, (adapter, path) in enumerate(zip(found, paths, strict=True)):
            try:
                self._put_on(adapter, f"adapter_{number}")
            except BROKEN as error:
                self._take_off()
                if out_of_memory(error):
                    raise
                raise ModelError(
                    f"{path} does not belong to this model, {self.label}: {_misfit(adapter.base, error)}.",
                    ELSEWHERE,
                ) from error
        if self._attached:
            numbers = [int(name.rpartition("_")[2]) for name in self._attached]
            self.pipe.set_adapters(self._attached, [strengths[i] if i < len(strengths) else 1.0 for i in numbers])

    def _refuse(self, found: Sequence[Any]) -> None:
        for adapter in found:
            if adapter.lora and "lora" not in self.takes:
                raise ModelError(f"{self.label} takes no LoRA; {adapter.name} was made for another model.")
            if adapter.words and "textual_inversion" not in self.takes:
                raise ModelError(f"{self.label} takes no learned words; {adapter.name} was made for another model.")

    def _put_on(self, adapter: Any, name: str) -> None:
        if adapter.lora:
            self._check_layers(adapter.lora)
            self.pipe.load_lora_weights(dict(adapter.lora), adapter_name=name)
            if not any(name in names for names in self.pipe.get_list_adapters().values()):
                # The library only warns when no key fits.
                raise ValueError("none of its layers is a layer of this model")
            self._attached.append(name)
        for word, vectors in adapter.words.items():
            self._learn(word, vectors)

    def _check_layers(self, lora: Mapping[str, Tensor]) -> None:
        """What names this pipeline's layers in full must fit them; other layouts are the library's to read."""
        for name in lora:
            part, _, layer = name.partition(".")
            model = getattr(self.pipe, part, None)
            head, found, _ = layer.removeprefix("text_model.").rpartition(".lora_A.")
            if model is None or not found or not hasattr(model, "named_modules"):
                continue
            # The library, too, knows a text encoder's layers by their names with "text_model." and without.
            if not any(known == head or known.endswith("." + head) for known, _ in model.named_modules()):
                raise ValueError(f"it changes {head}, which this model has not")

    def _learn(self, word: str, vectors: Mapping[str, Tensor]) -> None:
        """Adds a learned word to each text encoder it was learned for."""
        for which, tensor in vectors.items():
            tokenizer, encoder = self._reader(which)
            width = encoder.get_input_embeddings().weight.shape[-1]
            if tensor.shape[-1] != width:
                raise ValueError(f"its vectors have {tensor.shape[-1]} numbers, this model's words have {width}")
            self.pipe.load_textual_inversion(
                {word: tensor if len(tensor) > 1 else tensor[0]}, token=word, tokenizer=tokenizer, text_encoder=encoder
            )
        most = max(len(tensor) for tensor in vectors.values())
        self._learned += [word, *(f"{word}_{number}" for number in range(1, most))]

    def _reader(self, which: str) -> tuple[Any, Any]:
        """Tokenizer and text encoder: "" the first, "2" the second."""
        name = f"_{which}" if which else ""
        tokenizer, encoder = (getattr(self.pipe, f"{part}{name}", None) for part in ("tokenizer", "text_encoder"))
        if tokenizer is None or encoder is None:
            raise ValueError("it was learned for a text encoder that this model has not")
        return tokenizer, encoder

    def _readers(self) -> Iterator[tuple[Any, Any]]:
        for which in ("", "2"):
            if getattr(self.pipe, f"tokenizer{'_' + which if which else ''}", None) is not None:
                yield self._reader(which)

    def _take_off(self) -> None:
        if self._attached or (hasattr(self.pipe, "get_list_adapters") and self.pipe.get_list_adapters()):
            self.pipe.unload_lora_weights()
        self._attached.clear()
        for word in self._learned:
            for tokenizer, encoder in self._readers():
                if word in tokenizer.get_vocab():
                    self.pipe.unload_textual_inversion(word, tokenizer=tokenizer, text_encoder=encoder)
        self._learned.clear()

    def detach(self) -> None:
        if self.lasting:
            self.attach(())
        else:
            self._take_off()


def single(settings: Mapping[str, Any]) -> Path | None:
    """The one file that holds all weights, where the preset names one."""
    return Path(settings["file"]) if settings.get("file") else None


def _misfit(base: str, error: Exception) -> str:
    """Why an adapter did not go on; the library's own words are about its keys."""
    from ..checkpoints import first_line

    said = first_line(error)
    if "Target modules" in said or "have not been correctly renamed" in said or "Incompatible keys" in said:
        said = "it changes layers that this model has not"
    elif "loading state_dict" in said:
        said = "its layers have other sizes than this model's"
    return f"it was made for {base}, and {said}" if base else said


def quiet() -> None:
    """The library's own talk stays out of the user's terminal."""
    from diffusers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()

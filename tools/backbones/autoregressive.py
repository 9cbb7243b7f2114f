"""What the autoregressive families share: prompts of interleaved text and pictures, and the loop over them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from . import Backbone

if TYPE_CHECKING:
    from torch import Tensor

    from ..nn.decode import Prefix
    from ..nn.sampling import Sampling


@dataclass(frozen=True)
class Text:
    """Words and special tokens."""

    text: str


@dataclass(frozen=True)
class Tokens:
    """A picture as the tokenizer's codes, `[n]` int64: what is copied exactly."""

    ids: Tensor


@dataclass(frozen=True)
class Seen:
    """A picture through the understanding encoder, pixels `[3, h, w]` in -1..1: what is recognised."""

    pixels: Tensor


@dataclass(frozen=True)
class Learned:
    """Inputs of the model that were learned, `[l, d]`."""

    vectors: Tensor


Segment = Text | Tokens | Seen | Learned


@dataclass(frozen=True)
class Marks:
    """The special tokens of a family's prompts."""

    begin: str = "<s>"
    image: str = "<begin_of_image>"
    source: str = "<source>"
    concept: str = "<concept_{}>"


def subject_part(index: int, references: Sequence[Tensor], marks: Marks = Marks()) -> list[Segment]:
    """The subject's slot and its references, each `[3, h, w]`."""
    return [Text(marks.concept.format(index)), *(Seen(pixels) for pixels in references)]


def request_part(text: str, source: Tensor | None, marks: Marks = Marks()) -> list[Segment]:
    """The request, then the picture being edited, so that source and target lie at a fixed distance; then the cue."""
    shown: list[Segment] = [] if source is None else [Text(marks.source), Tokens(source)]
    return [*([Text(text)] if text else []), *shown, Text(marks.image)]


class Autoregressive(Backbone):
    """A model that draws a picture token by token after a prompt of segments."""

    kind: ClassVar[str] = "ar"
    marks: ClassVar[Marks] = Marks()
    language_model: Any
    config: Any
    steps: int
    """Tokens of a picture."""
    side: int
    """Pixels of a picture's side."""
    most_subjects: int = 4

    @abstractmethod
    def embed(self, segments: Sequence[Segment]) -> Tensor:
        """The model's inputs `[1, l, d]`."""

    @abstractmethod
    def encode(self, pixels: Tensor) -> Tensor:
        """Codes `[b, n]` of pixels `[b, 3, h, w]` in -1..1."""

    @abstractmethod
    def decode_tokens(self, ids: Tensor) -> Tensor:
        """Pixels `[b, 3, h, w]` in -1..1 of codes `[b, n]`."""

    @abstractmethod
    def logits(self, hidden: Tensor, step: int) -> Tensor:
        """See `nn.decode.TokenModel`."""

    @abstractmethod
    def embed_token(self, tokens: Tensor, step: int) -> Tensor:
        """See `nn.decode.TokenModel`."""

    def read(self, segments: Sequence[Segment], before: Prefix | None = None) -> Prefix:
        """Reads a prompt, or its continuation after `before`."""
        from ..nn.decode import prefill

        return prefill(self, self.embed(segments), before)

    def tokens(
        self,
        conditional: Prefix,
        unconditional: Prefix | None,
        seeds: list[int],
        sampling: Sampling,
        source: Tensor | None = None,
        held: Tensor | None = None,
    ) -> Iterator[Tensor]:
        """The codes drawn so far `[b, 1..n]`, after each step. See `nn.decode.decode`."""
        from ..nn.decode import decode

        return decode(self, conditional, unconditional, self.steps, seeds, sampling, source, held)

"""The header of a safetensors file, read with suspicion: before any tensor, and without a library that trusts it.

Layout: eight bytes with the header's length, the header as JSON, then the tensors' bytes without a gap.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip
"""Of one element, by the format's names of its types."""
MAX_HEADER = 16 * 2**20
MAX_TENSORS = 50_000
DISGUISES = (
    (b"PK\3\4", "a pickle under another name, which can run any code"),
    (b"\x80\2", "a pickle under another name, which can run any code"),
    (b"version ", "a pointer of Git LFS: the file itself was never fetched (git lfs pull)"),
    (b"<", "a web page that was saved in place of the file"),
)
"""What lies under a name that ends in safetensors, by its first bytes, which would read as an enormous length."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says it holds."""

    shapes: Mapping[str, tuple[int, ...]]
    types: Mapping[str, str]
    metadata: Mapping[str, str]


def read_header(path: Path) -> Header:
    """The header of `path`, if every byte of the file is accounted for by it.

    Raises:
        ValueError: says what is wrong. OSError: the file cannot be read.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        first = file.read(8)
        for beginning, what in DISGUISES:
            if first.startswith(beginning):
                raise ValueError(f"it is {what}")
        if len(first) < 8:
            raise ValueError("it is too short to be a safetensors file")
        (length,) = struct.unpack("<Q", first)
        if length > min(MAX_HEADER, size - 8):
            raise ValueError("it is no safetensors file, or only the beginning of one")
        text = file.read(length)
    try:
        content = json.loads(text.decode("utf-8"), object_pairs_hook=_once)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError("its header is no JSON") from error
    if not isinstance(content, dict):
        raise ValueError("its header is no JSON object")
    metadata = content.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("its metadata is malformed")
    if len(content) > MAX_TENSORS:
        raise ValueError(f"it names more than {MAX_TENSORS} tensors")
    return _checked(content, metadata, size - 8 - length)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("its header names something twice")
    return found


def _checked(content: dict[str, Any], metadata: dict[str, str], bytes_left: int) -> Header:
    shapes: dict[str, tuple[int, ...]] = {}
    types: dict[str, str] = {}
    spans = []
    for name, entry in content.items():
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise ValueError("a tensor in its header is malformed")
        kind, shape, span = entry["dtype"], entry["shape"], entry["data_offsets"]
        whole = isinstance(shape, list) and isinstance(span, list) and len(span) == 2
        if not whole or not all(type(n) is int and 0 <= n < 2**48 for n in (*shape, *span)):
            raise ValueError("a tensor in its header is malformed")
        if not isinstance(kind, str) or kind not in BYTES:
            raise ValueError(f"its weights are stored as {kind}, which is not read here; there may be one in 16 bits")
        if span[1] - span[0] != prod(shape) * BYTES[kind]:
            raise ValueError("a tensor in it has another size than its shape")
        shapes[name], types[name] = tuple(shape), kind
        spans.append((span[0], span[1]))
    at = 0
    for start, end in sorted(spans):
        if start != at:
            raise ValueError("its tensors do not lie side by side")
        at = end
    if at != bytes_left:
        raise ValueError(f"it is {'shorter' if at > bytes_left else 'longer'} than its header says")
    return Header(shapes, types, metadata)

"""`limner bench recommend`: which method a new concept should begin with, from runs of the benchmark."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """`limner bench recommend RUN…`."""
    from .__main__ import call

    return call("recommend", arguments)

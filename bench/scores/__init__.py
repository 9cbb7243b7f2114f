"""`limner bench scores`: do the scores rank pictures as the truth does, and does the copy gate tell copies apart?

`limner bench recommend` makes the table that says which method a new concept begins with.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """`limner bench scores …`; `--help` says what it takes."""
    from ..__main__ import call

    return call("scores", arguments)

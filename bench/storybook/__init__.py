"""`limner bench storybook`: how well a preset draws and edits subjects that its models have never seen.

Every subject is taught from references and asked for once; what was drawn is edited once, and so is a
rendered picture of it that nobody asked for in words. The judge reads what came out.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """`limner bench storybook …`; `--help` says what it takes."""
    from ..__main__ import call

    return call("storybook", arguments)

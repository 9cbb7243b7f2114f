"""Memory that a library writes to the disk without having filled it, wiped on the way.

Chroma's index file holds the whole block that its engine allocated, used or not: whatever lay there before, a
forgotten embedding or any other secret of the process, would be on the disk.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PERTURB = -6
"""`M_PERTURB` of glibc's malloc.h: new blocks are filled with the complement of the given byte."""
_ONE = threading.RLock()


@contextmanager
def blank_memory() -> Iterator[None]:
    """While inside, what the process allocates comes filled with zeros.

    With another C library than glibc nothing happens.
    """
    mallopt = _mallopt()
    if mallopt is None:
        yield
        return
    with _ONE:  # the setting is the process's
        mallopt(_PERTURB, 0xFF)
        try:
            yield
        finally:
            mallopt(_PERTURB, 0)


def _mallopt() -> ctypes._NamedFuncPointer | None:
    try:
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018 - other C libraries number their options otherwise
        return libc.mallopt
    except (AttributeError, OSError, TypeError):  # TypeError: Windows has no nameless library
        return None

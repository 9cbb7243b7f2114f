"""When Python looks for reference cycles: in a quiet moment, and not between a key and its letter.

With the models in memory there are half a million objects, and to look through all of them holds every thread for
a third of a second. So what is there is set aside every now and then (`gc.freeze`), which takes no time, and all of
it is looked through when nobody has typed for long and nothing is drawn.
"""

from __future__ import annotations

import gc
import time

from textual._styles_cache import StylesCache

QUIET = 20.0
"""Seconds without a key after which all of it is looked through."""
DUE = 10
"""Collections of the middle generation since the last full one, from which it is worth its while."""
OVERDUE = 80
"""So many, and it is not put off any longer: some 50 MB of cycles at the most are waiting by then."""


class Tidy:
    """Decides when to look. One for an application that has the process for itself."""

    def __init__(self) -> None:
        self._touched = time.monotonic()
        self._waiting = False
        """Whether something was set aside that nobody has looked through."""
        gc.set_threshold(*gc.get_threshold()[:2], OVERDUE)

    def touch(self) -> None:
        """The user has pressed a key, or moved the mouse."""
        self._touched = time.monotonic()

    def look(self, *, busy: bool) -> bool:
        """Set aside what is due; collect it, unless somebody is typing or work is under way. True when it was done."""
        if gc.get_count()[2] >= DUE:
            gc.freeze()
            self._waiting = True
        if busy or not self._waiting or time.monotonic() - self._touched < QUIET:
            return False
        self._waiting = False
        StylesCache.get_inner_outer.cache_clear()  # Textual 8 keeps lines of widgets alive there that are long gone
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        return True

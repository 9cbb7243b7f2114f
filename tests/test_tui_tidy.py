"""When the screens let Python look for reference cycles."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from limner.tui import tidy
from limner.tui.tidy import DUE, OVERDUE, Tidy


@pytest.fixture
def collector() -> Iterator[None]:
    """The collector as it was before."""
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


class Ring:
    """Holds itself."""

    def __init__(self) -> None:
        self.me = self


def test_cycles_are_looked_for_when_nobody_waits(collector: None, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Tidy()
    assert gc.get_threshold()[2] == OVERDUE
    gc.collect()
    monkeypatch.setattr(tidy, "QUIET", 0.0)
    assert not kept.look(busy=False), "nothing is due"
    for _ in range(2 * DUE):
        gc.collect(1)
    gone = weakref.ref(Ring())
    assert not kept.look(busy=True), "a picture is being drawn"
    assert gc.get_freeze_count() > 1000, "but what is there is set aside"
    monkeypatch.setattr(tidy, "QUIET", 60.0)
    kept.touch()
    assert not kept.look(busy=False), "somebody types"
    assert gone() is not None
    monkeypatch.setattr(tidy, "QUIET", 0.0)
    assert kept.look(busy=False) and gone() is None and gc.get_count()[2] < DUE
    assert gc.get_freeze_count() > 1000

"""The same words drawn once more."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from limner.tools.variety import earlier, words_of

VARIED_BY = ("on the left", "far away")


@pytest.mark.parametrize(
    "number, prompt, figures, words",
    [
        (0, "Biscuit on the beach", 1, ""),
        (1, "Biscuit on the beach", 1, "on the left"),
        (2, "a red car in the city", 0, "far away"),
        (3, "Biscuit on the beach", 1, ""),
        (1, "Biscuit on the beach, on the right", 1, ""),
        (1, "a tiny Biscuit on the beach", 1, ""),
        (1, "Biscuit and Luna on the beach", 2, ""),
    ],
)
def test_what_the_words_leave_open_is_varied(number, prompt, figures, words):
    assert words_of(number, prompt, VARIED_BY, figures) == words


def test_models_that_vary_by_seed_get_the_words_alone():
    assert words_of(1, "Biscuit on the beach", (), 1) == ""


def test_only_drawings_of_these_words_count():
    said = [("draw", "Biscuit at night"), ("draw", "biscuit at night "), ("edit", "Biscuit at night"), ("draw", "now")]
    takes = [SimpleNamespace(origin=origin, prompt=prompt) for origin, prompt in said]
    assert earlier(takes, "Biscuit at night") == 2

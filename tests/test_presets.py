"""Presets, their files and their words."""

from __future__ import annotations

import json

import pytest
import yaml

from limner.errors import NotFound, UserError
from limner.tools.presets import load_preset, presets, read_preset
from limner.tools.words import known_part, unknown_words


def test_built_in_presets_are_whole():
    found = {p.name: p for p in presets()}
    assert "starter" in found
    for name, preset in found.items():
        assert preset.path.stem == name
        assert preset.summary and preset.methods and preset.models


def test_unknown_names_say_what_is_known():
    with pytest.raises(NotFound, match="no preset 'nope'") as caught:
        load_preset("nope")
    assert "starter" in caught.value.hint
    with pytest.raises(NotFound):
        load_preset("/nowhere/mine.yaml")


GOOD = {"name": "mine", "summary": "x", "methods": ["in_context"], "models": {"ar": {"family": "janus", "folder": "w"}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "unknown key 'colour'"),
        ({"models": {"brain": {}}}, "brain"),
        ({"models": {"ar": {"family": "janus"}}}, "models.ar"),
        ({"models": 3}, "models"),
    ],
)
def test_mistakes_are_named(tmp_path, change, message):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(GOOD | change))
    with pytest.raises(UserError, match=message):
        load_preset(file)


@pytest.mark.parametrize("text", ["[1, 2]", "name: [", "name: x", "\x00"])
def test_no_mapping_no_yaml(tmp_path, text):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UserError):
        read_preset(file)


def test_own_preset_is_relative_to_its_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(GOOD))
    assert load_preset(file).models["ar"].folder == tmp_path / "w"


@pytest.fixture
def words(tmp_path):
    file = tmp_path / "words.json"
    file.write_text(json.dumps(["beach", "sunglasses", "night", "dog", "red", "city", "snowy", "on", "the", "at"]))
    return file


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        ("Biscuit on the beach", []),
        ("Biscuit riding a skateboard on the beaches", ["riding", "skateboard"]),
        ("please draw a red dog at night!", []),
        ("the cities' dogs, don't", []),
        ("a dragon, a dragon", ["dragon"]),
        ("", []),
    ],
)
def test_unknown_words(words, prompt, unknown):
    assert unknown_words(prompt, ["Biscuit"], words) == unknown


def test_only_the_known_part_is_drawn(words):
    prompt = "Biscuit riding a dragon on the beach, at night!"
    assert known_part(prompt, ["Biscuit"], words) == "Biscuit on the beach, at night"

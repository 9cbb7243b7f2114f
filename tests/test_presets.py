"""Presets, their files and their words."""

from __future__ import annotations

import json

import pytest
import yaml

from limner.errors import NotFound, UserError
from limner.tools.presets import BUILT_IN, check_preset, load_preset, presets, read_preset
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


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UserError, match="There is no preset file"):
        check_preset(tmp_path / "none.yaml")


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


SOUND = """\
name: mine
summary: My own.
methods: [in_context]
models:
  ar:
    family: janus
    folder: w
    guidance: 3
  encoder: {family: clip, folder: w}
threads: 1
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("threads: 1", "thread: 1", 10, "unknown key 'thread'. Did you mean 'threads'?"),
        ("summary: My own.", "sumary: My own.", 2, "Did you mean 'summary'?"),
        ("threads: 1", "threads: many", 10, "'threads' must be a number"),
        ("family: janus", "family: janos", 6, "there is no model family 'janos'. Did you mean 'janus'?"),
        ("family: janus", "family: clip", 6, "for models.encoder"),
        ("guidance: 3", "guidence: 3", 8, "no setting 'guidence'. Did you mean 'guidance'?"),
        ("folder: w", "folder: gone", 7, "there is no"),
        ("folder: w", "licence: MIT\n    hub: nonsense", 8, "owner/name"),
        ("folder: w", "hub: a/b", 5, "'licence' must be said"),
        ("folder: w", "folder: w\n    hub: a/b", 5, "exactly one of"),
        ("[in_context]", "[in_contxt]", 3, "no method 'in_contxt'. Did you mean 'in_context'?"),
        ("[in_context]", "[ip_adapter]", 3, "needs a model models.diffusion"),
        ("[in_context]", "in_context", 3, "a list of texts"),
        ("summary: My own.", "summary: ''", 2, "'summary' must be a text"),
        ("name: mine", "name: mine\nname: yours", 2, "twice"),
        ("    guidance: 3", "   guidance: 3", 8, "no YAML"),
        ("  encoder: {family: clip, folder: w}", "", 4, "nothing can be taught or scored"),
        ("threads: 1", "words: gone.json", 10, "there is no file"),
        ("threads: 1", "measured: gone.json", 10, "there is no file"),
    ],
)
def test_the_first_mistake_is_named_by_its_line(tmp_path, old, new, line, message):
    file = tmp_path / "mine.yaml"
    (tmp_path / "w").mkdir()
    file.write_text(SOUND)
    check_preset(file)
    file.write_text(SOUND.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        check_preset(file)
    assert f"line {line}:" in caught.value.text and message in f"{caught.value.text} {caught.value.hint}"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("steps: 25", "steps: many", 20, "'steps' must be a whole number"),
        ("guidance: 7.5", "guidance: [7]", 21, "'guidance' must be a number"),
        ("guidance: 7.5", "bits: 5", 21, "'bits' must be one of 16, 8, 4"),
        ("guidance: 7.5", "precision: fp8", 21, "'precision' must be one of float32"),
        ("guidance: 7.5", "offload: some", 21, "'offload' must be one of none, parts, layers"),
        ("guidance: 7.5", "half: perhaps", 21, "'half' must be true or false"),
        ("guidance: 7.5", "adapters: [gone.safetensors]", 21, "there is no"),
        ("guidance: 7.5", "adapters: [style.pt]", 21, "is a pickle"),
        ("      weights: models/ip-adapter_sd15.safetensors\n", "", 22, "needs its 'weights'"),
        ("      encoder: models/image_encoder\n", "", 22, "needs its 'encoder'"),
        ("hub: h94/IP-Adapter", "hubb: h94/IP-Adapter", 22, "needs exactly one of folder, hub"),
        ("  lora: {", "  lorra: {", 36, "no method 'lorra'"),
        ("  lora: {", "  lora: {rank: x, ", 36, "'rank' must be a whole number"),
        ("  lora: {", "  lora: {optimizer: adam, ", 36, "one of adamw, adamw8bit"),
    ],
)
def test_settings_and_adapters_are_looked_at(tmp_path, old, new, line, message):
    text = (BUILT_IN / "sd15.yaml").read_text()
    assert old in text
    (tmp_path / "mine.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        check_preset(tmp_path / "mine.yaml")
    assert f"line {line}:" in caught.value.text and message in f"{caught.value.text} {caught.value.hint}"


def test_of_several_mistakes_the_first_is_named(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(SOUND.replace("threads: 1", "threads: x").replace("My own.", "[]"))
    with pytest.raises(UserError, match="line 2:"):
        check_preset(file)


def test_a_method_that_a_family_cannot_carry_is_named(tmp_path):
    (tmp_path / "w").mkdir()
    text = SOUND.replace("ar:", "diffusion:").replace("janus", "flux2").replace("in_context", "ip_adapter")
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(UserError, match="FLUX.2 klein takes no IP-Adapter"):
        check_preset(tmp_path / "mine.yaml")


def test_built_in_presets_are_sound():
    for preset in presets():
        check_preset(preset.path)


def test_own_presets_stand_before_built_in_ones(tmp_path):
    own = tmp_path / "presets"
    own.mkdir()
    (own / "mine.yaml").write_text(SOUND)
    (own / "starter.yaml").write_text(SOUND.replace("name: mine", "name: starter"))
    found = {p.name: p for p in presets(tmp_path)}
    assert found["mine"].summary == found["starter"].summary == "My own."
    assert load_preset("mine", tmp_path).models["ar"].folder == own / "w"
    assert load_preset("starter", tmp_path / "other").summary != "My own."

"""What all tests share: no network, no library of the user's, one thread, and small presets."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

# Programs that tests start find the package also where it is not installed.
_DEVELOPMENT = str(Path(__file__).resolve().parent.parent / ".dev")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (_DEVELOPMENT, os.environ.get("PYTHONPATH"))))


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    """Nobody's real library is touched."""
    monkeypatch.setenv("LIMNER_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def tiny_preset(tmp_path_factory) -> Path:
    """A preset file over random small checkpoints in the real formats."""
    from . import tiny

    folder = tmp_path_factory.mktemp("tiny")
    models = {
        role: {"family": family, "folder": str(tiny.BUILDERS[family](folder / role))}
        for role, family in (("ar", "janus"), ("encoder", "clip"), ("segmenter", "segformer"))
    }
    (folder / "words.json").write_text(json.dumps(["dog", "beach", "red", "night", "hat"]))
    preset = {
        "name": "tiny", "summary": "Random weights.", "methods": ["in_context"], "models": models,
        "words": str(folder / "words.json"), "threads": 1,
    }  # fmt: skip
    file = folder / "tiny.yaml"
    file.write_text(yaml.safe_dump(preset))
    return file

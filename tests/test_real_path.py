"""The whole path with a preset of a large family's format and nothing else: taught, drawn, changed, drawn again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image, ImageDraw

from limner import Agent

from . import tiny

PATHS = {"flux2": "references", "stable_diffusion_xl": "ip_adapter"}


@pytest.fixture
def photographs(tmp_path) -> list[Path]:
    """Two pictures of a round red thing before something grey."""
    made = []
    for number, place in enumerate(((90, 60), (60, 90))):
        noise = np.random.default_rng(number).integers(90, 130, (256, 256, 3), dtype=np.uint8)
        image = Image.fromarray(noise)
        ImageDraw.Draw(image).ellipse((*place, place[0] + 100, place[1] + 100), fill=(200, 30, 40))
        made.append(tmp_path / f"photo{number}.png")
        image.save(made[-1])
    return made


@pytest.mark.parametrize("family", PATHS)
def test_taught_drawn_changed_and_replayed(family, photographs, tmp_path):
    models = {
        "diffusion": {
            "family": family, "folder": str(tiny.BUILDERS[family](tmp_path / "model")), "side": 64, "steps": 2,
        },
        "encoder": {"family": "clip", "folder": str(tiny.clip(tmp_path / "clip"))},
    }  # fmt: skip
    data = {"name": "own", "summary": "Small.", "methods": [PATHS[family]], "models": models, "threads": 1}
    preset = tmp_path / "own.yaml"
    preset.write_text(yaml.safe_dump(data))
    with Agent.open(preset=preset, home=tmp_path / "home") as agent:
        agent.teach("Biscuit", [str(file) for file in photographs], kind="ball")
        chat = agent.session("picnic")
        first = chat.say("Biscuit on the beach")
        assert first.take is not None and first.method == PATHS[family], first.reply
        assert first.take.image.size == (64, 64)
        second = chat.say("now at night")
        assert second.take is not None and second.take.parent == first.take.id
        assert second.take.image.tobytes() != first.take.image.tobytes()
        for take in (first.take, second.take):
            assert agent.replay(take).identical

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
    """A preset file over random small checkpoints in the real formats, with every method that fits them."""
    from limner.tools.admission import lack
    from limner.tools.backbones import backbones
    from limner.tools.methods import methods

    from . import tiny

    folder = tmp_path_factory.mktemp("tiny")
    families = {"ar": "janus", "diffusion": "stable_diffusion", "encoder": "clip", "segmenter": "segformer"}
    models = {
        role: {"family": family, "folder": str(tiny.BUILDERS[family](folder / role))}
        for role, family in families.items()
    }
    fit = [name for name, made in methods().items() if not lack(made, backbones()[families[made.backbone]])]
    (folder / "words.json").write_text(json.dumps(["dog", "beach", "red", "night", "hat"]))
    brief = {"most_steps": 2, "batch": 2, "sample_every": 1, "probes": 1, "priors": 3, "patience": 9, "rank": 2}
    trained = ["ar_lora", "ar_tokens", "dreambooth", "lora", "pivotal", "textual_inversion"]
    preset = {
        "name": "tiny", "summary": "Random weights.",
        "methods": list(dict.fromkeys(["in_context", "ip_adapter", "finished", *trained, *sorted(fit)])),
        "models": models, "words": str(folder / "words.json"), "threads": 1,
        "scenes": {"place": ["on the beach", "at night"], "time": [], "worn": ["in a red hat"], "kinds": ["dog"]},
        "training": dict.fromkeys(trained, brief),
    }  # fmt: skip
    file = folder / "tiny.yaml"
    file.write_text(yaml.safe_dump(preset))
    return file


@pytest.fixture(scope="module")
def models_once():
    """Agents of one preset share their loaded models as long as a module's tests run."""
    from limner.agent import agent
    from limner.tools.studio import Studio

    made: dict[str, Studio] = {}

    class Kept(Studio):
        def close(self) -> None:
            pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agent, "Studio", lambda preset: made.setdefault(preset.name, Kept(preset)))
        yield
    for studio in made.values():
        Studio.close(studio)


@pytest.fixture(scope="session")
def small_pictures():
    """Qwen's pipelines bring every picture to a megapixel; here to 64 px, for ours and for the library's own calls."""
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_inpaint as inpaint
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as edit

    fitted = inpaint.calculate_dimensions
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inpaint, "calculate_dimensions", lambda area, ratio: fitted(64 * 64, ratio))
        patch.setattr(edit, "VAE_IMAGE_SIZE", 64 * 64)
        patch.setattr(edit, "CONDITION_IMAGE_SIZE", 64 * 64)
        yield

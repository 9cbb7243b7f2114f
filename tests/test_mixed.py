"""Two models in one preset: a sketch by one, the finish by the other; and what a preset does not ask of a method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from limner import Agent
from limner.errors import UserError
from limner.memory.events import Progress
from limner.memory.values import Scores
from limner.tools.machine import Machine
from limner.tools.presets import BUILT_IN, check_preset, load_preset
from limner.tools.studio import Studio
from limner.tools.values import Drawn, DrawRequest, SubjectInput

from . import tiny

PICTURE = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
BISCUIT = SubjectInput("Biscuit", "dog", (PICTURE,), key="a@1")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> Path:
    """The preset `mixed` as it is built in, its models small and on this computer."""
    folder = tmp_path_factory.mktemp("mixed")
    data = yaml.safe_load((BUILT_IN / "mixed.yaml").read_text(encoding="utf-8"))
    for role, spec in data["models"].items():
        own = {key: spec[key] for key in ("family", "steps", "guidance", "temperature") if key in spec}
        data["models"][role] = own | {"folder": str(tiny.BUILDERS[spec["family"]](folder / role))}
    data["models"]["diffusion"]["side"] = 64
    file = folder / "mixed.yaml"
    file.write_text(yaml.safe_dump(data | {"threads": 1}), encoding="utf-8")
    return file


def names(preset: str | Path, **asked) -> list[str]:
    return [info.name for info in Studio(load_preset(preset)).able(DrawRequest("at night", (BISCUIT,), **asked))]


def test_what_a_preset_does_not_ask_of_a_method(mixed):
    assert "ip_adapter" in names("starter") and "ip_adapter" not in names("starter", source=PICTURE)
    assert names("sd15", source=PICTURE)[0] == names("sdxl", source=PICTURE)[0] == "ip_adapter"
    assert names(mixed) == ["in_context", "finished", "references"] and names(mixed, source=PICTURE) == ["references"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"lora": ["edit"]}, "does not use the method 'lora'"),
        ({"in_context": ["edits"]}, "does not 'edits' anyway"),
        ({"in_context": "edit"}, "a list of texts"),
        (["edit"], "'not_for' must be a mapping"),
    ],
)
def test_a_wrong_exception_is_named_by_its_line(mixed, tmp_path, wrong, said):
    data = yaml.safe_load(mixed.read_text(encoding="utf-8")) | {"not_for": wrong}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    with pytest.raises(UserError, match=f"line [0-9]+: .*{said}"):
        check_preset(tmp_path / "own.yaml")


def test_a_sketch_that_does_not_pass_is_finished_and_edits_are_the_finishers(mixed, tmp_path, monkeypatch):
    PICTURE.save(tmp_path / "a.png")
    drawn: list[Drawn] = []

    def spied(self, *given):
        for item in draw(self, *given):
            if isinstance(item, Drawn):
                drawn.append(item)
            yield item

    def score(image, *about, **more) -> Scores:
        poor = drawn[-1].method == "in_context"
        return Scores(0.2, 0.2, 0.0, "retry") if poor else Scores(0.9, 0.9, 0.0, "accept")

    draw = Studio.draw
    monkeypatch.setattr(Studio, "draw", spied)
    with Agent.open(preset=str(mixed), home=tmp_path / "home") as agent:
        agent.teach("Biscuit", [tmp_path / "a.png"], kind="dog")
        monkeypatch.setattr(agent.studio, "score", score)
        chat = agent.session("picnic")
        turn = chat.say("draw Biscuit on the beach")
        assert turn.method == "finished" and [d.method for d in drawn] == ["in_context"] * 4 + ["finished"]
        assert drawn[0].image.size == (16, 16) and turn.take.image.size == (64, 64)
        assert agent.replay(turn.take).identical
        turn = chat.say("now at night")
        assert turn.method == "references" and turn.take.parent is not None


def test_the_finisher_is_shown_the_sketch_and_one_model_makes_room_for_the_other(mixed, tmp_path):
    data = yaml.safe_load(mixed.read_text(encoding="utf-8"))
    for role in ("ar", "diffusion"):
        data["models"][role] |= {"memory": 10, "largest": 5, "work": 1}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    studio = Studio(load_preset(tmp_path / "own.yaml"), Machine("cpu", "8 cores", 24 * 10**9, 24 * 10**9, 0.3))
    request = DrawRequest("Biscuit on the beach", (BISCUIT,), method="finished", seed=5, count=2)
    items = list(studio.draw(request, lambda: False))
    pictures = [item for item in items if isinstance(item, Drawn)]
    told = [(item.step, item.total) for item in items if isinstance(item, Progress)]
    assert [step for step, _ in told] == list(range(1, len(told) + 1)) and told[-1][0] == told[-1][1]
    assert [p.index for p in pictures] == [0, 1] and {p.method for p in pictures} == {"finished"}
    assert "ar" not in studio.shelf._loaded and "diffusion" in studio.shelf._loaded
    painting = studio.method("finished").painter._painting(request, [5])
    sketch = next(d for d in Studio(load_preset(mixed)).draw(
        DrawRequest("Biscuit on the beach", (BISCUIT,), method="in_context", seed=5, count=2), lambda: False
    ) if isinstance(d, Drawn)).image  # fmt: skip
    from dataclasses import replace

    asked = "image 1 is a sketch of this, draw it in full: the dog from image 2 on the beach"
    by_hand = studio.backbone("diffusion").generate(replace(painting, prompt=asked, source=sketch, size=None))[0]
    assert np.array_equal(np.asarray(by_hand), np.asarray(pictures[0].image))
    studio.close()

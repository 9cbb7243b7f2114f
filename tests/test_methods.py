"""One contract for all registered methods, on a small checkpoint of the family each one needs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, is_dataclass
from typing import get_args

import pytest
from PIL import Image

from limner.errors import ModelError, NotFound, UserError
from limner.memory.events import Progress
from limner.tools import method as method_module
from limner.tools.methods import in_context, methods
from limner.tools.presets import load_preset
from limner.tools.registry import discover
from limner.tools.studio import Studio
from limner.tools.values import Drawn, DrawRequest, SubjectInput

KNOWN = {"draw", "edit", "borrow", "several", "words", "ar", "pta", "trained"}


@pytest.fixture(scope="module")
def studio(tiny_preset):
    made = Studio(load_preset(tiny_preset))
    yield made
    made.close()


@pytest.fixture(params=sorted(methods()))
def method(request, studio):
    return studio.method(request.param)


def subject(key: str = "a@1", colour: str = "red") -> SubjectInput:
    picture = Image.new("RGB", (40, 30), colour)
    mask = Image.new("L", (40, 30), 0)
    mask.paste(255, (10, 5, 30, 25))
    return SubjectInput("Biscuit", "dog", (picture, picture), (mask, None), key=key)


def run(method, request: DrawRequest, seeds: list[int], cancelled=lambda: False) -> tuple[list, list]:
    steps = list(method.generate(request, seeds, cancelled))
    return [s for s in steps if isinstance(s, Drawn)], [s for s in steps if isinstance(s, Progress)]


@pytest.mark.parametrize("name", sorted(methods()))
def test_says_what_it_is(name):
    made = methods()[name]
    assert made.name == name
    assert made.summary and made.scheme
    assert made.space in get_args(method_module.Space)
    assert made.inversion in get_args(method_module.Inversion)
    assert made.capabilities <= KNOWN
    assert made.capabilities & {"ar", "pta", "trained"}
    assert is_dataclass(made.Config)
    assert all(f.default is not None for f in fields(made.Config))


def test_draws_a_picture_a_seed_and_says_how_far_it_is(method):
    drawn, progress = run(method, DrawRequest("Biscuit on the beach", (subject(),), count=3), [5, 6, 7])
    assert [d.seed for d in drawn] == [5, 6, 7]
    assert [d.index for d in drawn] == [0, 1, 2]
    assert all(d.method == method.name and len(d.model) == 12 and d.image.mode == "RGB" for d in drawn)
    assert progress[-1].step == progress[-1].total
    assert all(p.seconds_left is not None and p.seconds_left >= 0 for p in progress)
    assert drawn[0].image.tobytes() != drawn[1].image.tobytes()


def test_the_same_seed_draws_the_same_picture(method):
    request = DrawRequest("Biscuit on the beach", (subject(),))
    first, second = (run(method, request, [9])[0][0].image.tobytes() for _ in range(2))
    assert first == second


def test_the_references_count(method):
    pictures = [
        run(method, DrawRequest("Biscuit", (subject(f"{c}@1", c),)), [3])[0][0].image.tobytes() for c in ("red", "blue")
    ]
    assert pictures[0] != pictures[1]


def test_stops_without_a_picture(method):
    asked = iter(range(100))
    drawn, progress = run(method, DrawRequest("a dog"), [1], lambda: next(asked) >= 3)
    assert not drawn
    assert len(progress) == 3


def test_edits_look_at_the_picture(method):
    if "edit" not in method.capabilities:
        pytest.skip("does not edit")
    made = [
        run(method, DrawRequest("at night", source=Image.new("RGB", (50, 50), c)), [2])[0][0].image.tobytes()
        for c in ("white", "black")
    ]
    assert made[0] != made[1]


def test_several_subjects(method):
    if "several" not in method.capabilities:
        pytest.skip("draws one subject at a time")
    two = (subject(), SubjectInput("Momo", "cat", subject("b@1", "blue").references, key="b@1"))
    assert len(run(method, DrawRequest("Biscuit and Momo", two), [1])[0]) == 1


def test_a_known_subject_is_read_once(studio):
    method = studio.method("in_context")
    run(method, DrawRequest("Biscuit at night", (subject("kept@1"),)), [1])
    kept = method._prefixes["kept@1"]
    run(method, DrawRequest("Biscuit on the beach", (subject("kept@1"),)), [1])
    assert method._prefixes["kept@1"] is kept
    for i in range(in_context.KEPT + 2):
        method._subjects((subject(f"other@{i}"),))
    assert len(method._prefixes) <= in_context.KEPT


@pytest.mark.parametrize(
    ("prompt", "kind", "expected"),
    [
        ("Biscuit on the beach", "dog", "<concept_0> on the beach"),
        ("draw BISCUIT and biscuits", "dog", "draw <concept_0> and biscuits"),
        ("my dog at night", "dog", "<concept_0> at night"),
        ("a dog at night", "dog", "a dog at night"),
        ("Biscuit's hat", "dog", "<concept_0>'s hat"),
    ],
)
def test_names_become_slots(prompt, kind, expected):
    assert in_context.slotted(prompt, (SubjectInput("Biscuit", kind, ()),)) == expected


def test_lasting_attributes_are_said():
    known = SubjectInput("Biscuit", "dog", (), attributes=("long ears",))
    assert in_context.slotted("Biscuit at night", (known,)) == "<concept_0> at night, <concept_0> with long ears"


def test_choices_and_refusals(studio):
    assert [m.name for m in studio.methods() if m.available] == ["in_context"]
    with pytest.raises(NotFound, match="no method 'magic'"):
        list(studio.draw(DrawRequest("a dog", method="magic"), lambda: False))
    with pytest.raises(UserError, match="seed"):
        list(studio.draw(DrawRequest("a dog", seed=-1), lambda: False))


def test_two_classes_of_one_name_are_refused(tmp_path, monkeypatch):
    package = tmp_path / "doubled"
    package.mkdir()
    (package / "__init__.py").write_text("class Base:\n    pass\n")
    for name in "ab":
        (package / f"{name}.py").write_text(f"from . import Base\nclass {name.upper()}(Base):\n    name = 'same'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import doubled  # type: ignore[import-not-found]

    with pytest.raises(ModelError, match="registered as 'same'"):
        discover("doubled", doubled.__path__, doubled.Base, "nothing.here", "name")


def test_listing_imports_nothing_heavy():
    code = (
        "import sys; from limner.tools.studio import Studio; from limner.tools.presets import load_preset;"
        "Studio(load_preset('starter')).methods();"
        "sys.exit(any(m in sys.modules for m in ('torch', 'transformers', 'diffusers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

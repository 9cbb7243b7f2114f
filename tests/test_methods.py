"""One contract for all registered methods, on a small checkpoint of the family each one needs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, is_dataclass, replace
from typing import get_args

import pytest
import yaml
from PIL import Image

from limner.errors import ModelError, NotFound, UserError
from limner.memory.events import Progress
from limner.memory.files import new_id
from limner.memory.values import Adapter, Scores
from limner.tools import method as method_module
from limner.tools.admission import lack
from limner.tools.backbones import backbones
from limner.tools.images import square
from limner.tools.methods import in_context, ip_adapter, methods
from limner.tools.methods.in_context import InContext
from limner.tools.presets import load_preset
from limner.tools.registry import discover
from limner.tools.studio import Studio
from limner.tools.values import Drawn, DrawRequest, SubjectInput

from . import tiny

KNOWN = {"draw", "edit", "dress", "borrow", "several", "words", "ar", "pta", "trained"}


@pytest.fixture(scope="module")
def studio(tiny_preset):
    made = Studio(load_preset(tiny_preset))
    yield made
    made.close()


PAIRS = [
    (name, family)
    for name, made in sorted(methods().items())
    for family, known in sorted(backbones().items())
    if known.kind == made.backbone and not lack(made, known)
]
"""Every method with every family that the registry lets it have."""


@pytest.fixture(scope="module")
def studios(studio, tiny_preset, tmp_path_factory, small_pictures):
    """A studio for each family: the small preset, the family in its role."""
    made = {"janus": studio, "stable_diffusion": studio}

    def of(family: str) -> Studio:
        if family not in made:
            folder = tmp_path_factory.mktemp(family)
            data = yaml.safe_load(tiny_preset.read_text())
            own = [name for name, other in PAIRS if other == family]
            data["methods"] = list(dict.fromkeys(n for name in own for n in (methods()[name].follows, name) if n))
            spec = {"family": family, "folder": str(tiny.BUILDERS[family](folder / "model")), "steps": 4}
            data["models"][backbones()[family].kind] = spec | (
                {"side": 64} if "side" in backbones()[family].settings else {}
            )
            (folder / "own.yaml").write_text(yaml.safe_dump(data))
            made[family] = Studio(load_preset(folder / "own.yaml"))
        return made[family]

    yield of
    for other in set(made.values()) - {studio}:
        other.close()


@pytest.fixture(params=PAIRS, ids="-".join)
def method(request, studios):
    name, family = request.param
    return studios(family).method(name)


@pytest.fixture(scope="module")
def trained(studio, tmp_path_factory):
    """Gives subjects what a method needs before it draws: an adapter of two steps, kept for the module."""
    kept: dict[tuple[str, str, str], Adapter] = {}

    def train(method, known: SubjectInput) -> SubjectInput:
        if "trained" not in method.capabilities:
            return known
        method._proved = frozenset()  # as in a process that has drawn nothing yet
        at = (method.name, known.key, method.model.hash)
        if at not in kept:
            folder = tmp_path_factory.mktemp("training")
            lesson = studio.lesson(known, folder, folder / "priors", None, lambda: False)
            better = iter(range(1, 99))
            lesson.score = lambda *about: Scores(subject=0.01 * next(better), text=0.5)
            learned = finish(method.fit(lesson))
            kept[at] = Adapter(new_id("a"), method.name, learned.folder, method.model.hash, 1, facts=learned.facts)
        return replace(known, adapters=(kept[at],))

    return train


def finish(work):
    """What a generator returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


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


def test_draws_a_picture_a_seed_and_says_how_far_it_is(method, trained):
    known = trained(method, subject())
    drawn, progress = run(method, DrawRequest("Biscuit on the beach", (known,), count=3), [5, 6, 7])
    assert {d.adapters for d in drawn} == {tuple(adapter.id for adapter in known.adapters)}
    assert [d.seed for d in drawn] == [5, 6, 7]
    assert [d.index for d in drawn] == [0, 1, 2]
    assert all(d.method == method.name and len(d.model) == 12 and d.image.mode == "RGB" for d in drawn)
    assert progress[-1].step == progress[-1].total
    assert all(p.seconds_left is not None and p.seconds_left >= 0 for p in progress)
    assert drawn[0].image.tobytes() != drawn[1].image.tobytes()


def test_the_same_seed_draws_the_same_picture(method, trained):
    request = DrawRequest("Biscuit on the beach", (trained(method, subject()),))
    first, second = (run(method, request, [9])[0][0].image.tobytes() for _ in range(2))
    assert first == second


def test_the_references_count(method, trained):
    subjects = [trained(method, subject(f"{colour}@1", colour)) for colour in ("red", "blue")]
    pictures = [run(method, DrawRequest("Biscuit", (known,)), [3])[0][0].image.tobytes() for known in subjects]
    assert pictures[0] != pictures[1]


def test_stops_without_a_picture(method, trained):
    asked = iter(range(100))
    drawn, progress = run(method, DrawRequest("a dog", (trained(method, subject()),)), [1], lambda: next(asked) >= 3)
    assert not drawn
    assert len(progress) == 3


def test_edits_look_at_the_picture(method, trained):
    if "edit" not in method.capabilities:
        pytest.skip("does not edit")
    made = [
        run(method, DrawRequest("at night", (trained(method, subject()),), source=Image.new("RGB", (50, 50), c)), [2])[
            0
        ][0].image.tobytes()
        for c in ("white", "black")
    ]
    assert made[0] != made[1]


def test_several_subjects(method, trained):
    if "several" not in method.capabilities:
        pytest.skip("draws one subject at a time")
    two = (trained(method, subject()), SubjectInput("Momo", "cat", subject("b@1", "blue").references, key="b@1"))
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
    assert {m.name for m in studio.methods() if m.available} == set(studio.preset.methods)
    assert studio._choose(DrawRequest("a dog")) == "in_context"
    with pytest.raises(NotFound, match="no method 'magic'"):
        list(studio.draw(DrawRequest("a dog", method="magic"), lambda: False))
    with pytest.raises(UserError, match="seed"):
        list(studio.draw(DrawRequest("a dog", seed=-1), lambda: False))


def test_what_was_not_trained_is_said(method):
    if "trained" not in method.capabilities:
        assert finish(method.fit(None)) is None
        return
    with pytest.raises(UserError, match="has not been trained"):
        run(method, DrawRequest("Biscuit", (subject(),)), [1])


def weights(method) -> dict:
    """All weights of the method's model, by name."""
    if hasattr(method.model, "model"):
        return method.model.model.state_dict()
    pipe = method.model.pipe
    nets = {name: part for name, part in pipe.components.items() if hasattr(part, "state_dict")}
    return {f"{name}.{k}": v for name, part in nets.items() for k, v in part.state_dict().items()}


def test_a_trained_method_leaves_the_model_as_it_was(method, trained):
    if "trained" not in method.capabilities:
        pytest.skip("puts nothing into the model")
    before = {name: value.clone() for name, value in weights(method).items()}
    run(method, DrawRequest("Biscuit", (trained(method, subject()),)), [1])
    after = weights(method)
    assert before.keys() == after.keys()
    assert not [name for name, value in before.items() if not bool((after[name] == value).all())]


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


def test_what_the_adapter_hears_is_computed_once_and_can_come_with_the_subject(studio, monkeypatch):
    from dataclasses import replace

    method, one = studio.method("ip_adapter"), subject("heard@1", "green")
    first = run(method, DrawRequest("Biscuit at night", (one,)), [1])[0][0].image.tobytes()
    known = replace(one, key="elsewhere@1", embeddings=dict(studio.kept(one)))
    assert set(known.embeddings) == set(studio.kept_spaces)
    monkeypatch.setattr(method.model, "image_embeddings", None)
    assert run(method, DrawRequest("Biscuit at night", (one,)), [1])[0][0].image.tobytes() == first
    assert run(method, DrawRequest("Biscuit at night", (known,)), [1])[0][0].image.tobytes() == first


def test_subjects_share_the_picture_in_the_order_of_their_mention():
    biscuit, momo = SubjectInput("Biscuit", "dog", ()), SubjectInput("Momo", "thing", ())
    ordered = ip_adapter.by_mention("Momo meets Biscuit", (biscuit, momo))
    assert [s.name for s in ordered] == ["Momo", "Biscuit"]
    asked = ip_adapter.called("Momo meets Biscuit", ordered, ("subject", "friend"))
    assert asked == "subject meets the dog friend"
    assert ip_adapter.called("Biscuit at night", (biscuit,), ()) == "the dog at night"
    left, right = ip_adapter.strips(2, 16)
    assert left.getbbox() == (0, 0, 8, 16) and right.getbbox() == (8, 0, 16, 16)
    assert ip_adapter.strips(1, 16) == [None]


def test_the_adapter_by_block():
    assert ip_adapter.scale_of(0.7, "all") == 0.7
    assert ip_adapter.scale_of(0.7, "look") == {"up": 0.7}
    with pytest.raises(ValueError, match="layout"):
        ip_adapter.scale_of(1.0, "everything")


def test_a_concept_keeps_what_the_adapter_hears_of_it(tiny_preset, tmp_path, monkeypatch):
    from limner import Agent

    picture = tmp_path / "a.png"
    Image.new("RGB", (64, 64), "red").save(picture)
    with Agent.open(preset=str(tiny_preset), home=tmp_path / "home") as agent:
        concept = agent.teach("Biscuit", [picture], kind="dog")
        chat = agent.session("drawing")
        first = chat.say("draw Biscuit on the beach", method="ip_adapter")
        assert first.method == "ip_adapter"
        (space,) = agent.studio.kept_spaces
        kept = agent.library.embeddings(concept, space)
        assert kept is not None and kept.shape == (1, 8)
        method = agent.studio.method("ip_adapter")
        method._heard.clear()
        monkeypatch.setattr(method.model, "image_embeddings", None)
        assert chat.say("draw Biscuit at night", method="ip_adapter").take is not None


def test_the_figure_of_an_unknown_picture_is_its_own_reference(studio, monkeypatch):
    method = studio.method("in_context")
    monkeypatch.setattr(method, "config", replace(method.config, own_reference=True))
    seen = []

    def watched(request):
        seen.append(request)
        return InContext._itself(method, request)

    monkeypatch.setattr(method, "_itself", watched)
    picture = Image.new("RGB", (40, 40), "teal")
    one, two = Image.new("L", (40, 40)), Image.new("L", (40, 40))
    one.paste(255, (5, 5, 25, 35))
    two.paste(255, (2, 5, 15, 35))
    two.paste(255, (25, 5, 38, 35))
    for mask in (one, two):
        monkeypatch.setattr(studio, "mask", lambda image, mask=mask: mask)
        list(studio.draw(DrawRequest("at night", source=picture, seed=1, method="in_context"), lambda: False))
    list(studio.draw(DrawRequest("at night", seed=1, method="in_context"), lambda: False))
    assert [request.source_mask for request in seen] == [one, None, None], "two figures are not one"
    with_it, without = (len(InContext._itself(method, request)) for request in seen[:2])
    assert (with_it, without) == (1, 0)


def test_somebody_who_comes_into_an_unknown_picture_stands_beside_its_figure(studio, monkeypatch):
    method = studio.method("in_context")
    monkeypatch.setattr(method, "config", replace(method.config, own_reference=True))
    mask = Image.new("L", (40, 40))
    mask.paste(255, (5, 5, 25, 35))
    monkeypatch.setattr(studio, "mask", lambda image: mask)
    read, asked = [], []
    monkeypatch.setattr(method, "_read", lambda subjects: read.append(subjects) or InContext._read(method, subjects))
    slot = in_context.slotted
    monkeypatch.setattr(in_context, "slotted", lambda *args: asked.append(slot(*args)) or asked[-1])
    red, picture = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (40, 40), "teal")
    friend = SubjectInput("Rollo", "cat", (red,), (mask,))
    request = DrawRequest("add Rollo", (friend,), source=picture, coming=("Rollo",), seed=1, method="in_context")

    def shown(request):
        read.clear()
        method._prefixes.clear()
        list(studio.draw(request, lambda: False))
        return [subject.name for subject in max(read, key=len)]

    monkeypatch.setattr(studio.figures, "resembles", lambda image, subject, slack=0.0: slack > 0)
    assert shown(request) == ["", "Rollo"] and asked[-1].endswith("<concept_1>")
    assert shown(replace(request, coming=())) == ["Rollo"] and asked[-1].endswith("<concept_0>")
    monkeypatch.setattr(studio.figures, "resembles", lambda *args: True)  # it is Rollo whom the picture shows
    assert shown(request) == ["Rollo"] and asked[-1].endswith("<concept_0>")
    monkeypatch.setattr(studio.figures, "resembles", lambda *args: False)  # it was Rollo, until somebody made him red
    assert shown(replace(request, coming=())) == [""] and "concept" not in asked[-1]


def test_only_what_lies_within_a_mask_may_change(studio):
    picture, half = Image.new("RGB", (64, 64), "teal"), Image.new("L", (64, 64))
    picture.paste("orange", (10, 10, 40, 60))
    half.paste(255, (0, 0, 32, 64))
    request = DrawRequest("at night", source=picture, seed=1, method="in_context")

    def drawn(request):
        return next(item for item in studio.draw(request, lambda: False) if isinstance(item, Drawn))

    nowhere = drawn(replace(request, within=Image.new("L", (64, 64))))
    assert nowhere.settings["changed"] == 0 and nowhere.image == square(picture, nowhere.image.width)
    assert drawn(request).settings["changed"] > drawn(replace(request, within=half)).settings["changed"]
    held = studio.method("in_context")._held(half)
    side = round(len(held) ** 0.5)
    grid = held.view(side, side)
    assert not grid[:, : side // 2].any() and grid[:, side // 2 :].all()
    adapter = studio.method("ip_adapter")
    inside = "inpaint" in adapter.model.takes
    assert (adapter.painting(replace(request, within=half), [1]).mask is half) == inside


def test_what_a_figure_wears_is_painted_near_it(method):
    if "dress" not in method.capabilities or "inpaint" not in method.model.takes:
        pytest.skip("paints whole pictures")
    side = method.model.side
    source, mask = Image.new("RGB", (side, side), "teal"), Image.new("L", (side, side))
    for picture, colour in ((source, "orange"), (mask, 255)):
        picture.paste(colour, (0, side // 2, side // 8, side * 5 // 8))
    request = DrawRequest("give it a hat", source=source, source_mask=mask, scene="{} with a {hat}, at night")
    made = next(item for item in method.generate(request, [1], lambda: False) if isinstance(item, Drawn))
    assert made.image.size == source.size and 0 <= made.settings["changed"] < 0.5
    far = (side // 2, 0, side, side // 4)
    assert made.image.crop(far).tobytes() == source.crop(far).tobytes()

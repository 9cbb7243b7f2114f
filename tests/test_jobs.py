"""Trainings in processes of their own: queued, killed, resumed, cancelled; what they leave is kept with the concept."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from limner.agent.agent import Agent
from limner.cli.app import app
from limner.errors import Locked, NotFound, UserError
from limner.memory.adapters import write_record
from limner.memory.files import to_json
from limner.memory.library import Library
from limner.memory.values import Scores
from limner.tools.desk import Desk, subject_of
from limner.tools.jobs import Jobs
from limner.tools.presets import load_preset
from limner.tools.studio import Studio
from limner.tools.train import finetune_lora, trained_method
from limner.tools.training import worker
from limner.tools.training.places import Place, is_alive


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library") as made:
        mask = Image.new("L", (32, 32), 0)
        mask.paste(255, (8, 8, 24, 24))
        for name, colour in (("Biscuit", "red"), ("Momo", "blue")):
            made.teach(name, "dog", [Image.new("RGB", (32, 32), colour)], [mask])
        yield made


@pytest.fixture
def jobs(library: Library, tiny_preset: Path, tmp_path: Path) -> Iterator[Jobs]:
    """With trainings that do not end by themselves."""
    preset = yaml.safe_load(tiny_preset.read_text(encoding="utf-8"))
    preset["training"]["ar_tokens"] |= {"most_steps": 100_000, "patience": 100_000, "sample_every": 3}
    preset["words"] = str(tiny_preset.parent / "words.json")
    file = tmp_path / "endless.yaml"
    file.write_text(yaml.safe_dump(preset), encoding="utf-8")
    made = Jobs(library, load_preset(file))
    yield made
    for child in made._children:
        os.kill(child, signal.SIGKILL)
    wait(lambda: all(job.over for job in made.all()))
    made.settle()


def wait(true: Callable[[], object], seconds: float = 300) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it takes too long"
        time.sleep(0.05)


def leave(jobs: Jobs, name: str, *, state: str = "done", method: str = "ar_tokens", damaged: bool = False) -> Place:
    """A job's folder as a process leaves it that has learned something."""
    import torch
    from safetensors.torch import save_file

    concept = jobs.library.concept(name)
    place = Place(jobs.library.home / "jobs" / f"j{os.urandom(6).hex()}")
    place.result.mkdir(parents=True)
    save_file({"<subject>": torch.randn(2, 4)}, place.result / "learned_embeds.safetensors")
    (place.result / "curve.json").write_text("{}", encoding="utf-8")
    write_record(place.result, method, "0" * 12, concept.version, Scores(0.8, 0.5), steps=7)
    if damaged:
        (place.result / "learned_embeds.safetensors").write_bytes(b"cut")
    request = {
        "id": place.folder.name,
        "concept": concept.id,
        "name": concept.name,
        "method": method,
        "created": "2026",
    }
    place.request.write_bytes(to_json(request))
    place.put(state=state, step=7, message="", measured={"seconds": 42.0})
    return place


def test_a_killed_training_is_noticed_and_goes_on(jobs: Jobs, library: Library) -> None:
    first = jobs.start(library.concept("Biscuit"), "ar_tokens")
    (child,) = jobs._children
    with pytest.raises(UserError, match="being trained"):
        jobs.start(library.concept("biscuit"), "ar_tokens")
    place = Place(library.home / "jobs" / first.id)
    wait(lambda: jobs.get(first.id).state == "running")
    second = jobs.start(library.concept("Momo"), "ar_tokens")
    wait(lambda: (place.work / "state.safetensors").exists())
    assert jobs.get(second.id).state == "queued", "two at once: the second one waits"
    jobs.cancel("Momo")
    wait(lambda: jobs.get(second.id).over)
    assert "cancelled before it began" in jobs.get("Momo").message
    os.kill(child, signal.SIGKILL)
    wait(lambda: jobs.get(first.id).state == "died")
    told = jobs.untold(jobs.settle())
    assert any("broke off at step" in job.sentence() for job in told) and not jobs.untold(jobs.all())
    assert jobs.start(library.concept("Biscuit"), "ar_tokens", 0.5).id == first.id
    assert [p for p in jobs.follow(first.id) if p.step]
    over = jobs.get(first.id)
    assert over.state == "done" and "went on from step" in over.message and over.step >= 3
    with pytest.raises(UserError, match="nothing to go on with"):
        jobs.resume(first.id)


def test_what_was_learned_is_kept_with_the_concept(jobs: Jobs, library: Library) -> None:
    place = leave(jobs, "Biscuit")
    (job,) = jobs.settle()
    (adapter,) = library.adapters(library.concept("Biscuit"))
    assert job.adapter == adapter.id and adapter.scores == Scores(0.8, 0.5) and adapter.facts["steps"] == 7
    assert adapter.folder.parent.parent.name == library.concept("Biscuit").id and not place.result.exists()
    assert jobs.settle() == []
    leave(jobs, "Biscuit")
    jobs.settle()
    (newer,) = library.adapters(library.concept("Biscuit"))
    assert newer.id != adapter.id, "a newer one of the same sort takes the older one's place"
    library.revise("Biscuit", add=["long ears"])
    assert library.adapters(library.concept("Biscuit")) == (newer,), "it fits every version with the same pictures"
    assert subject_of(library.concept("Biscuit"), library.adapters(library.concept("Biscuit"))).adapters == (newer,)


def test_a_damaged_result_is_refused(jobs: Jobs, library: Library) -> None:
    leave(jobs, "Biscuit", damaged=True)
    (job,) = jobs.settle()
    assert job.state == "failed" and "cannot be kept" in job.message
    assert library.adapters(library.concept("Biscuit")) == ()


def test_forgetting_a_concept_takes_all_of_it(jobs: Jobs, library: Library) -> None:
    leave(jobs, "Biscuit")
    jobs.settle()
    late = leave(jobs, "Biscuit")
    folder = library.adapters(library.concept("Biscuit"))[0].folder
    library.forget("Biscuit")
    jobs.settle()
    assert not folder.exists() and not late.folder.exists() and jobs.all() == []


def test_adapters_travel_with_their_concept(jobs: Jobs, library: Library, tmp_path: Path) -> None:
    leave(jobs, "Biscuit")
    jobs.settle()
    (adapter,) = library.adapters(library.concept("Biscuit"))
    library.export_concept("Biscuit", tmp_path / "biscuit.zip")
    with Library.open(tmp_path / "other") as other:
        other.import_file(tmp_path / "biscuit.zip")
        (found,) = other.adapters(other.concept("Biscuit"))
        assert (found.id, found.scores, found.bytes) == (adapter.id, adapter.scores, adapter.bytes)
    (adapter.folder / "learned_embeds.safetensors").write_bytes(b"\0" * found.bytes)
    assert library.adapters(library.concept("Biscuit")) == ()
    assert any("cannot be used" in text for text in library.notices)


def test_a_hostile_adapter_is_not_imported(jobs: Jobs, library: Library, tmp_path: Path) -> None:
    leave(jobs, "Biscuit")
    jobs.settle()
    (adapter,) = library.adapters(library.concept("Biscuit"))
    file = adapter.folder / "learned_embeds.safetensors"
    data = bytearray(file.read_bytes())
    data[7] = 0x7F
    file.write_bytes(data)
    library.export_concept("Biscuit", tmp_path / "biscuit.zip")
    with Library.open(tmp_path / "other") as other:
        with pytest.raises(UserError, match="nothing was changed"):
            other.import_file(tmp_path / "biscuit.zip")
        assert other.concepts() == []


def test_a_full_disk_ends_it_with_a_sentence(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    place = leave(jobs, "Biscuit", state="queued")
    place.work.mkdir()

    def full(place: Place) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(worker, "_train", full)
    monkeypatch.setattr(os, "nice", lambda by: 0)
    assert worker.work(place.folder) == 1
    assert "disk was full" in place.status()["message"] and not place.work.exists() and not place.result.exists()


def test_the_tool_says_how_long_it_will_take(jobs: Jobs, library: Library) -> None:
    leave(jobs, "Momo", method="lora")
    desk = Desk(library, library.session("x"), Studio(jobs.preset), jobs.preset, jobs=jobs)
    working = finetune_lora(desk, "Biscuit")
    with pytest.raises(StopIteration) as end:
        while True:
            next(working)
    answer = end.value.value
    assert answer["estimate"] == 42 and answer["method"] == "lora" and "go on meanwhile" in answer["note"]
    jobs.cancel(answer["job"])


def test_a_training_finds_a_preset_of_the_librarys_own(
    library: Library, jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name, in the library's folder; also where that has moved, or a file of it is a link."""
    own = library.home / "presets"
    own.mkdir()
    data = yaml.safe_load(jobs.preset.path.read_text(encoding="utf-8"))
    (library.home / "weights").symlink_to(data["models"]["ar"]["folder"])
    data["models"]["ar"]["folder"] = "../weights"
    (tmp_path / "kept.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    (own / "mine.yaml").symlink_to(tmp_path / "kept.yaml")
    mine = Jobs(library, load_preset("mine", library.home))
    monkeypatch.setattr(mine, "_spawn", lambda place: place)
    asked = [json.loads(mine.start(library.concept("Biscuit"), "ar_tokens").request.read_bytes())]
    monkeypatch.setattr(jobs, "_spawn", lambda place: place)
    place = jobs.start(library.concept("Momo"), "ar_tokens")
    asked.append(json.loads(place.request.read_bytes()))
    assert [job["preset"] for job in asked] == ["mine", str(jobs.preset.path)]
    loaded: list[Any] = []

    def studio(preset: Any) -> Any:
        loaded.append(preset)
        raise NotFound("Enough was seen.")

    monkeypatch.setattr("limner.tools.studio.Studio", studio)
    for job in sorted((library.home / "jobs").glob("j*/job.json")):
        with pytest.raises(NotFound, match="Enough"):
            worker._train(Place(job.parent))
    assert {preset.path for preset in loaded} == {own / "mine.yaml", jobs.preset.path}
    assert all(list(preset.models["ar"].folder.glob("*.safetensors")) for preset in loaded)


def test_choosing_what_to_train(jobs: Jobs) -> None:
    methods = Studio(jobs.preset).methods()
    assert trained_method(methods) == "lora" and trained_method(methods, "pivotal") == "pivotal"
    with pytest.raises(UserError, match="needs no training"):
        trained_method(methods, "in_context")
    with pytest.raises(NotFound):
        trained_method(methods, "magic")
    with pytest.raises(UserError, match="No method"):
        trained_method([m for m in methods if m.name == "in_context"])
    with pytest.raises(NotFound, match="no training"):
        jobs.get("nobody")


def test_conversations_hear_of_it(library: Library, jobs: Jobs, tiny_preset: Path) -> None:
    home = library.home
    leave(jobs, "Biscuit")
    with pytest.raises(Locked):
        Agent.open(preset=tiny_preset, home=home)
    library.close()
    with Agent.open(preset=tiny_preset, home=home) as agent:
        assert [row["state"] for row in agent.jobs()] == ["done"]
        leave(agent.training, "Momo")
        chat = agent.session("x")
        agent.jobs()
        changed = [e for e in chat.say("what do you know?").events if type(e).__name__ == "JobChanged"]
        assert [event.job["concept"] for event in changed] == ["Momo"]


def test_a_lock_lives_as_long_as_its_holder(tmp_path: Path) -> None:
    from limner.tools.training.places import own_lock

    file = tmp_path / "alive"
    assert not is_alive(file)
    with own_lock(file) as mine:
        assert mine and is_alive(file)
        with own_lock(file) as other:
            assert not other
    assert not is_alive(file)


def test_the_command_line_lists_and_refuses(jobs: Jobs, library: Library) -> None:
    leave(jobs, "Biscuit")
    library.close()

    def limner(*words: str) -> Any:
        return CliRunner().invoke(app, [*words, "--home", str(library.home)], prog_name="limner")

    (row,) = [json.loads(line) for line in limner("jobs", "--json").stdout.splitlines()]
    assert (row["concept"], row["state"], row["step"]) == ("Biscuit", "done", 7) and row["adapter"].startswith("a")
    assert "Biscuit  ar_tokens  done" in limner("jobs").stdout
    for words, said in (
        (("train", "Nobody"), "no concept"),
        (("train", "Biscuit", "--method", "in_context"), "needs no training"),
        (("train", "Biscuit", "--method", "magic"), "no method"),
        (("jobs", "--resume", "Biscuit"), "nothing to go on with"),
        (("jobs", "--restart", "Biscuit"), "cannot be started over"),
        (("jobs", "--cancel", "a", "--resume", "b"), "at a time"),
        (("jobs", "--cancel", "j123"), "no training"),
    ):
        result = limner(*words)
        assert result.exit_code == 2 and said in result.stderr, (words, result.stderr)

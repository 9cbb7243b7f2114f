"""The survey's benchmark: the authors' own numbers come out of their log; a run is resumed and says what differs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from limner.bench import persona
from limner.bench.__main__ import call
from limner.bench.persona import Runner, mean, published, read_log, run, tasks
from limner.errors import NotFound, UserError
from limner.tools.values import Prepared

from .beside import beside, needs

LOG = beside("persona/golden_IP-Adapter.json")


@needs(LOG)
def test_the_authors_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("persona", ["--log", str(LOG), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["pictures"], result["clip_i"], result["clip_t"]) == (4700, 0.82860, 0.27220)
    assert call("persona", ["--log", str(LOG)]) == 0
    lines = capsys.readouterr().out.splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("> golden"))
    assert "0.8286" in lines[place] and "0.2722" in lines[place] and lines[place + 1].startswith("IP-Adapter")


def test_the_published_form() -> None:
    everything = list(tasks(list(published()["classes"])))
    assert len(everything) == 47 * 25 and len({task.number for task in everything}) == 47 * 25
    dog = next(task for task in everything if task.subject == "dog8")
    assert dog.words == "a dog in the jungle"
    assert any(task.subject == "cat3" and "chef outfit" in task.words for task in everything)
    assert any(task.subject == "vase" and task.words == "a cube shaped vase" for task in everything)


def test_bad_logs(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_log(tmp_path / "none.json")
    for text in ("{", "[]", "[1]", '{"a": {"b": {"c": ["x", "y"]}}}', '{"a": 3}'):
        (tmp_path / "log.json").write_text(text, encoding="utf-8")
        with pytest.raises(UserError):
            read_log(tmp_path / "log.json")
    with pytest.raises(UserError, match="either"):
        call("persona", [])


def test_a_run_is_resumed(tiny_preset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = tmp_path / "photos"
    (photos / "dog8").mkdir(parents=True)
    for n in range(2):
        Image.new("RGB", (40, 30), (90 * n, 50, 60)).save(photos / "dog8" / f"0{n}.jpg")
    drawn = []
    draw = Runner._draw

    def counted(self: Runner, *args: object) -> Image.Image:
        drawn.append(args)
        if len(drawn) == 4:
            raise KeyboardInterrupt
        return draw(self, *args)  # type: ignore[arg-type]

    sets = []

    def together(images: Sequence[Image.Image], alone: Sequence[Prepared]) -> list[Prepared]:
        sets.append(len(images))
        return list(alone)

    monkeypatch.setattr(Runner, "_draw", counted)
    monkeypatch.setattr(persona, "tasks", lambda subjects: list(tasks(subjects))[:3])
    monkeypatch.setattr(persona, "prepare_together", together)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(str(tiny_preset), "in_context", photos, None, out)
    results = run(str(tiny_preset), "in_context", photos, None, out)
    assert len(results.rows) == 12 and len(drawn) == 13
    assert sets == [2, 2], "the photographs of a subject are cut out together, as in teaching"
    assert results.header["settings"]["benchmark"] == "Persona-1"
    pairs = [(row["clip_i"], row["clip_t"]) for row in results.rows]
    assert mean(read_log(out / "log.json")) == pytest.approx(mean(pairs))
    with pytest.raises(NotFound, match="No subject"):
        run(str(tiny_preset), "in_context", tmp_path / "out", None, None)

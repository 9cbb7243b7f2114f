"""The judge reads the world truly, the storybook benchmark measures what it says, results survive a kill."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from limner.bench.__main__ import call
from limner.bench.compare import compare
from limner.bench.judge.export import accuracy, draw, sample
from limner.bench.judge.reader import FigureReading, Judge, Reading, overlap
from limner.bench.results import ResultFolder, paired, tally, wilson
from limner.bench.storybook.measures import ENOUGH, TARGETS, change_made, drawing, edited, truth
from limner.bench.storybook.report import breakdown, shown, summary
from limner.bench.storybook.running import Runner, Settings
from limner.bench.storybook.sheet import LABEL, TILE, key_file, write_sheet
from limner.bench.storybook.trials import Trial, make_trial, sample_change
from limner.errors import NotFound, UserError
from limner.memory.values import Scores
from limner.starter.world import (
    Figure,
    Scene,
    Subject,
    is_held_out,
    is_held_out_setting,
    render,
    sample_scene,
    sample_subject,
    synonyms,
)
from limner.tools.values import Drawn, DrawRequest, Prepared

SETTINGS = Settings(
    "starter", "in_context", "abc123", "def456", seed=0, references=1, held_out=True, candidates=1, sampling={}
)
SURE = ("place", "time", "kind", "main", "accessory", "size", "position", "present")


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge.load()


# The judge


def test_the_judge_reads_unseen_subjects_in_unseen_settings(judge: Judge) -> None:
    scenes = sample(250, "test", held_out=True)
    pixels, masks = draw(scenes)
    found = accuracy(judge, pixels, scenes, masks)
    # Below the 97 % and 90 % of the full report by what chance does to 250 pictures.
    for name in SURE:
        assert found[name] >= 0.95, (name, found)
    # What the judge reaches so far, less chance on few pictures; bench/README.md says what is asked of it.
    assert found["second"] >= 0.9, found
    assert found["pattern"] >= 0.72, found
    assert found["mask_iou"] >= 0.85


def test_the_report_beside_the_weights_holds_what_is_asked_of_the_judge() -> None:
    from limner.bench.judge import reader

    report = json.loads(reader.WEIGHTS.with_name("report.json").read_text(encoding="utf-8"))
    raw = report["accuracy"]["raw"]
    assert all(raw[name] >= 0.97 for name in SURE)
    assert raw["pattern"] >= 0.8 and raw["second"] >= 0.9
    assert {"blurred", "tokenizer"} <= report["accuracy"].keys()
    assert reader.WEIGHTS.stat().st_size <= 3 * 2**20


def test_what_the_judge_cannot_tell_is_none(judge: Judge) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    readings = judge.read([noise, Image.new("RGB", (64, 64), (128, 128, 128))])
    unsure = [sum(value is None for value in reading.values().values()) for reading in readings]
    assert max(unsure) >= 3, unsure


def test_an_empty_place_has_nobody_in_it(judge: Judge) -> None:
    bare = [Scene(place, time) for place in ("beach", "kitchen", "volcano") for time in ("day", "night")]
    readings = judge.read([render(scene).image for scene in bare])
    assert [reading.place for reading in readings] == [scene.place for scene in bare]
    assert all(not reading.figures for reading in readings)
    assert all(reading.values()["kind"] is None for reading in readings)


def test_pictures_of_other_sizes_and_modes_are_read(judge: Judge) -> None:
    scene = Scene("beach", "day", (Figure(Subject("mug", "red", "white"), "hat"),))
    big = render(scene, 256).image
    for image in (big, big.convert("RGBA"), big.filter(ImageFilter.GaussianBlur(3))):
        seen = judge.read([image])[0].values()
        assert [seen[n] for n in ("kind", "main", "place", "accessory")] == ["mug", "red", "beach", "hat"]
    assert judge.read([]) == []


def test_two_figures_are_read_from_left_to_right(judge: Judge) -> None:
    pair = (
        Figure(Subject("robot", "blue", "yellow"), "none", "small", "left"),
        Figure(Subject("flower", "pink", "green"), "crown", "small", "right"),
    )
    reading = judge.read([render(Scene("meadow", "day", pair)).image])[0]
    assert [f.kind for f in reading.figures] == ["robot", "flower"]
    assert [f.accessory for f in reading.figures] == ["none", "crown"]


# What counts as right


def reading_of(scene: Scene, **other: str | None) -> Reading:
    """What a faultless judge would read, but for `other`."""
    figures = []
    for figure in scene.figures:
        flat = truth(replace(scene, figures=(figure,))) | (other if not figures else {})
        figures.append(FigureReading(**{n: v for n, v in flat.items() if n not in ("place", "time")}))
    picture = render(scene)
    mask = np.any([np.asarray(m) > 127 for m in picture.masks], axis=0)
    extra = np.any([np.asarray(m) > 127 for m in picture.accessory_masks], axis=0)
    place, time = other.get("place", scene.place), other.get("time", scene.time)
    return Reading(place, time, tuple(figures), mask, extra, {})


def test_a_drawing_is_measured_attribute_by_attribute() -> None:
    scene = make_trial(3).scene
    assert all(drawing(scene, reading_of(scene)).values())
    wrong = drawing(scene, reading_of(scene, main=None))
    assert not wrong["main"] and not wrong["joint"] and wrong["class"] and wrong["place"]
    copied = drawing(scene, reading_of(scene), copied=True)
    assert copied["joint"] and not copied["not copied"] and not copied["success"]


def test_edits_know_what_was_asked_and_what_should_stay() -> None:
    rng = random.Random(5)
    seen = set()
    for _ in range(400):
        subject, friend = sample_subject(rng), sample_subject(rng)
        scene = sample_scene(rng, [subject])
        step = sample_change(rng, scene, "Momo", friend, "Rollo")
        seen.add(step.what)
        assert step.after != step.before and step.instruction
        before, after = reading_of(step.before), reading_of(step.after)
        right, shared = edited(step, truth(step.before), before, after)
        assert right["asked"] and right["kept"], (step.what, right)
        assert right["overlap"] in (True, None) and (shared is None) == (right["overlap"] is None)
        undone, _ = edited(step, truth(step.before), before, before)
        assert not undone["asked"] and undone["kept"], (step.what, undone)
    assert seen == {"time", "place", "accessory", "position", "size", "main", "second", "add"}


def test_an_edit_that_loses_the_subject_does_not_keep_it() -> None:
    scene = Scene("beach", "day", (Figure(Subject("cat", "red", "white")),))
    after = replace(scene, time="night")
    step = replace(make_trial(0).edit, what="time", before=scene, after=after)
    old = truth(scene)
    lost = reading_of(after, kind="dog")
    right, _ = edited(step, old, reading_of(scene), lost)
    assert right["asked"] and not right["kept"] and right["kept class"] is False and right["kept main"]
    unknown = edited(step, old | {"main": None}, reading_of(scene), reading_of(after, main=None))[0]
    assert not unknown["kept main"], "what nobody could read was not kept"
    moved = replace(scene, figures=(replace(scene.figures[0], position="right"),))
    assert overlap(reading_of(scene), reading_of(moved)) < ENOUGH
    assert overlap(reading_of(scene), reading_of(scene)) == 1.0


def test_overlap_leaves_out_what_an_accessory_hides() -> None:
    scene = Scene("beach", "day", (Figure(Subject("cat", "red", "white")),))
    hidden = replace(scene, figures=(replace(scene.figures[0], accessory="scarf"),))
    assert overlap(reading_of(scene), reading_of(hidden)) > 0.97
    nobody = reading_of(scene)
    empty = replace(nobody, figure_mask=np.zeros((64, 64), bool))
    assert overlap(empty, empty) == 0.0


def test_somebody_added_must_be_the_right_one() -> None:
    trial = make_trial(1)
    friend = Figure(trial.friend, "none", "small", "right")
    steps = (sample_change(random.Random(i), trial.scene, "Momo", trial.friend, "Rollo") for i in range(500))
    step = next(step for step in steps if step.what == "add")
    assert change_made(step, reading_of(step.after))
    assert not change_made(step, reading_of(replace(step.after, figures=step.after.figures[:1])))
    kind = "car" if trial.friend.kind != "car" else "mug"
    other = replace(friend, subject=replace(trial.friend, kind=kind))
    assert not change_made(step, reading_of(replace(step.after, figures=(step.after.figures[0], other))))


# What is asked


def test_trials_ask_for_unseen_subjects_in_unseen_settings_without_naming_the_class() -> None:
    nouns = synonyms()["kind"]
    for number in range(100):
        trial = make_trial(number, references=3)
        figure = trial.scene.figures[0]
        assert is_held_out(trial.subject) and figure.subject == trial.subject
        assert is_held_out_setting(trial.scene.place, trial.scene.time, figure.accessory)
        assert trial.name.lower() in trial.prompt.lower()
        assert not {n for n in nouns[trial.subject.kind] if f" {n} " in f" {trial.prompt.lower()} "}
        assert len(trial.references) == 3
        assert trial.scene.place not in {s.place for s in trial.references}
        assert {s.figures[0].subject for s in trial.references} == {trial.subject}
        assert make_trial(number, references=3) == trial
        one = make_trial(number, references=1)
        assert (one.scene, one.prompt, one.edit, one.imported) == (
            trial.scene,
            trial.prompt,
            trial.edit,
            trial.imported,
        )
    assert not is_held_out(make_trial(0, held_out=False).subject)
    assert make_trial(0, seed=1) != make_trial(0)


# A painter that knows the truth: what the benchmark says about it is what the benchmark itself costs


class Painter:
    """Draws what each trial wants by the renderer, or something else: `wrong` changes the scene first."""

    def __init__(self, trials: list[Trial], wrong: Callable[[Scene], Scene] = lambda scene: scene) -> None:
        self.scenes: dict[tuple[str, int], Scene] = {}
        for trial in trials:
            self.scenes[trial.prompt, trial.seed] = trial.scene
            self.scenes[trial.edit.instruction, trial.seed] = trial.edit.after
            self.scenes[trial.imported.instruction, trial.seed] = trial.imported.after
        self.wrong, self.requests, self.stop_after = wrong, [], 10**9

    def prepare(self, image: Image.Image) -> Prepared:
        return Prepared(image, None)

    @property
    def figures(self) -> Painter:
        return self

    def worn(self, image: Image.Image) -> None:
        return None

    def changed_beside(self, request: DrawRequest, image: Image.Image) -> None:
        return None

    def lost(self, request: DrawRequest, image: Image.Image) -> None:
        return None

    def score(self, image: Image.Image, subjects: object, prompt: str, *, instruction: bool = False) -> Scores:
        return Scores()

    def draw(self, request: DrawRequest, cancelled: Callable[[], bool]) -> Iterator[Drawn]:
        if len(self.requests) >= self.stop_after:
            raise KeyboardInterrupt
        self.requests.append(request)
        scene = self.wrong(self.scenes[request.prompt, request.seed or 0])
        yield Drawn(render(scene).image, 0, request.seed or 0, "painter", "truth")


def run(folder: Path, painter: Painter, judge: Judge, subjects: int) -> ResultFolder:
    results = ResultFolder.begin(folder, asdict(SETTINGS))
    Runner(painter, judge, results, SETTINGS).run(subjects, True, lambda text: None)  # type: ignore[arg-type]
    return results


@pytest.fixture(scope="module")
def trials() -> list[Trial]:
    return [make_trial(number) for number in range(16)]


@pytest.fixture(scope="module")
def faultless(
    tmp_path_factory: pytest.TempPathFactory, judge: Judge, trials: list[Trial]
) -> tuple[ResultFolder, Painter]:
    painter = Painter(trials)
    return run(tmp_path_factory.mktemp("faultless"), painter, judge, len(trials)), painter


def test_a_faultless_painter_reaches_every_target(faultless: tuple[ResultFolder, Painter]) -> None:
    results, _ = faultless
    found = {row["measure"]: row for row in summary(results.rows)}
    assert found.keys() >= TARGETS.keys()
    for measure in TARGETS:
        assert found[measure]["share"] >= (0.8 if "second" in measure or "kept" in measure else 0.9), measure
    assert sum(row["trials"] for row in breakdown(results.rows)) == 2 * 16
    assert "draw class" in shown(results.rows) and "edit time" in shown(results.rows)
    header = json.loads((results.folder / "header.json").read_text())
    assert header["settings"] == asdict(SETTINGS) and header["versions"]["torch"] and header["date"]


def test_edits_get_the_subjects_that_the_agent_would_hand_over(
    faultless: tuple[ResultFolder, Painter], trials: list[Trial]
) -> None:
    requests = faultless[1].requests
    for trial, request in zip(trials, requests[0::3], strict=True):
        assert request.source is None and [s.name for s in request.subjects] == [trial.name]
        assert request.subjects[0].kind == "thing" and not request.subjects[0].attributes
    for trial, request in zip(trials, requests[1::3], strict=True):
        assert request.source is not None and request.subjects[0].name == trial.name
    imports = requests[2::3]
    for request in imports:
        assert request.source is not None
        assert all(s.name.lower() in request.prompt.lower() for s in request.subjects)
    assert any(not request.subjects for request in imports)


def test_a_painter_of_the_wrong_thing_is_found_out(
    tmp_path: Path, judge: Judge, trials: list[Trial], faultless: tuple[ResultFolder, Painter]
) -> None:
    def recoloured(scene: Scene) -> Scene:
        old = scene.figures[0].subject
        colour = next(c for c in ("blue", "red", "green") if c not in (old.main, old.second))
        return replace(scene, figures=(replace(scene.figures[0], subject=replace(old, main=colour)),))

    good, bad = faultless[0], run(tmp_path, Painter(trials, recoloured), judge, 8)
    shares = {row["measure"]: row["share"] for row in summary(bad.rows)}
    assert shares["draw main"] <= 0.1 and shares["draw joint"] == 0.0
    assert shares["draw place"] >= 0.8 and shares["import kept main"] <= 0.2
    rows = {row["measure"]: row for row in compare(good.folder, bad.folder)}
    assert rows["draw main"]["difference"] <= -0.8 and rows["draw main"]["high"] < 0
    assert rows["draw place"]["difference"] == 0 and rows["draw place"]["trials"] == 8
    assert call("compare", [str(good.folder), str(bad.folder)]) == 0


def test_a_killed_run_goes_on_where_it_stopped(
    tmp_path: Path, judge: Judge, trials: list[Trial], faultless: tuple[ResultFolder, Painter]
) -> None:
    painter = Painter(trials)
    painter.stop_after = 4
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, painter, judge, 3)
    with open(tmp_path / "rows.jsonl", "a", encoding="utf-8") as file:
        file.write('{"trial": 1, "sta')
    again = Painter(trials)
    resumed = run(tmp_path, again, judge, 3)
    assert len(again.requests) == 5 and len(resumed.rows) == 9
    assert ResultFolder.read(tmp_path).done == {(n, s) for n in range(3) for s in ("draw", "edit", "import")}
    assert tally(resumed.rows) == tally(row for row in faultless[0].rows if row["trial"] < 3)


def test_results_begun_with_other_settings_are_left_alone(tmp_path: Path) -> None:
    ResultFolder.begin(tmp_path, asdict(SETTINGS))
    with pytest.raises(UserError, match="another model, seed"):
        ResultFolder.begin(tmp_path, asdict(replace(SETTINGS, seed=1, model="other")))
    with pytest.raises(NotFound):
        ResultFolder.read(tmp_path / "nowhere")


def test_the_sheet_shows_pictures_and_numbers_and_its_key_is_apart(
    tmp_path: Path, trials: list[Trial], faultless: tuple[ResultFolder, Painter]
) -> None:
    file = tmp_path / "eye.png"
    assert write_sheet(faultless[0], file, 12) == 12
    with Image.open(file) as sheet:
        assert sheet.width >= 10 * TILE and sheet.height >= 2 * (TILE + LABEL)
    key = json.loads(key_file(file).read_text())
    assert [entry["number"] for entry in key] == list(range(1, 13))
    assert key[5]["truth"]["kind"] == trials[5].subject.kind
    with pytest.raises(UserError):
        write_sheet(ResultFolder(tmp_path, {}, []), file)


# The real models


def test_the_starter_models_are_measured_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, sheet = tmp_path / "run", tmp_path / "sheet.png"
    arguments = ["--limit", "2", "--out", str(folder), "--sheet", str(sheet), "--json"]
    assert call("storybook", arguments) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["measure"] for row in rows if "measure" in row} >= {"draw class", "draw joint", "edit asked"}
    before = (folder / "rows.jsonl").read_bytes()
    assert call("storybook", arguments) == 0
    assert (folder / "rows.jsonl").read_bytes() == before, "what is done is not done again"
    assert sheet.exists() and key_file(sheet).exists()


def test_speed_is_measured_with_the_starter_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("speed", ["--runs", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["seconds"].keys() == {"one", "four", "edit", "new_concept"}
    assert all(times["median"] > 0 for times in found["seconds"].values())
    assert found["targets"].keys() == {"one_seconds", "four_over_one"}


def test_the_tokenizer_passes_its_gate(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("tokenizer", ["--pictures", "150"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["quantized"]
    assert found["db"] >= 22 and found["db_inside"] >= 18.5, found["gate"]


# The arithmetic


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_agrees_with_the_published_table(right: int, count: int, low: float, high: float) -> None:
    assert wilson(right, count) == pytest.approx((low, high), abs=1e-4)


def test_paired_intervals_hold_the_difference_and_shrink() -> None:
    old, new = [True] * 50 + [False] * 50, [True] * 70 + [False] * 30
    difference, low, high = paired(old, new)
    assert difference == pytest.approx(0.2) and 0 < low < difference < high < 0.3
    same, low, high = paired(old, old)
    assert same == 0 and low == pytest.approx(-high) and high < 0.05
    assert paired([], []) == (0.0, -1.0, 1.0)
    more = paired(old * 4, new * 4)
    assert more[2] - more[1] < 0.2


def test_measures_that_do_not_apply_are_not_counted() -> None:
    rows = [{"trial": i, "stage": "edit", "right": {"overlap": value}} for i, value in enumerate((True, None))]
    assert tally(rows) == {"edit overlap": {(0, "edit"): True}}

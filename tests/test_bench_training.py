"""Measurements of trainings: hard subjects, the stop rule under the judge's eyes, plots."""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageColor

from limner.bench import hard, tuning
from limner.bench.plots import Series, plot, ticks
from limner.bench.results import ResultFolder
from limner.bench.storybook.trials import make_trial, more_prompts
from limner.tools.training.front import Point


def chosen(trial: int, success: list[bool], right: int = 0) -> dict[str, Any]:
    return {"trial": trial, "stage": hard.CHOOSE, "success": success, "attributes": {"main": right}}


def test_the_worse_half_are_those_with_the_fewest_successes_then_attributes() -> None:
    rows = [chosen(0, [True, True]), chosen(1, [True, False], 3), chosen(2, [False, True], 2), chosen(3, [True, True])]
    assert hard.hard(rows, 4) == [2, 1] and hard.hard(rows, 2) == [1]


def test_prompts_of_two_sets_differ_and_none_is_in_a_place_that_a_reference_shows() -> None:
    trial = make_trial(3, references=2)
    first, second = (more_prompts(trial, what, 5) for what in (hard.CHOOSE, hard.COMPARE))
    assert not {prompt for _, prompt, _ in first} & {prompt for _, prompt, _ in second}
    assert first == more_prompts(trial, hard.CHOOSE, 5)
    shown = {scene.place for scene in trial.references}
    assert all(scene.place not in shown and trial.name in prompt for scene, prompt, _ in first + second)


def test_a_gain_is_measured_over_subjects() -> None:
    gain, low, high = hard.difference([[False, False], [True, False]], [[True, False], [True, True]])
    assert gain == low == high == 0.5, "both gained the same"
    gain, low, high = hard.difference([[False], [False]], [[True], [False]])
    assert gain == 0.5 and low < 0 < high


def test_where_todays_rule_keeps_nothing_the_adapters_pictures_count() -> None:
    def trained(last: float) -> dict[str, Any]:
        points = [Point(20 * i, 0.0, v, v, None, 0.0, 1.0).row() for i, v in enumerate((0.5, last))]
        config = {"patience": 4, "least_gain": 0.01}
        return {"trial": 0, "stage": "lora", "success": [True], "attributes": {}, "points": points, "config": config}

    before = {"trial": 0, "stage": hard.ADAPTER, "success": [False], "attributes": {}}
    kept, dropped = (hard.replayed([before, trained(last)])[1] for last in (0.6, 0.505))
    assert (kept["success"], kept["best_step"], kept["stage"]) == ([True], 20, "lora, replayed")
    assert (dropped["success"], dropped["best_step"]) == ([False], 0)


def curve(*successes: list[bool], values: tuple[float, ...] = ()) -> list[dict[str, Any]]:
    return [{"step": 20 * i, "success": s, "value": v} for i, (s, v) in enumerate(zip(successes, values, strict=True))]


def test_a_best_checkpoint_that_was_best_by_luck_is_not_held_against_the_kept_one() -> None:
    lucky = curve([True, False], [False, True], values=(0.0, 0.0))
    assert tuning.lost(lucky, 0) <= 0, "each is best on one half and worst on the other"
    better = curve([False, False], [True, True], values=(0.0, 0.0))
    assert tuning.lost(better, 0) == 1 and tuning.lost(better, 1) == 0


def test_agreement_counts_pairs_in_which_the_judge_has_a_preference() -> None:
    points = curve([False], [True], [True], values=(0.1, 0.3, 0.1))
    assert tuning.agreement([points], tuning.by_value) == (0.75, 2)
    with_loss = [point | {"held": loss} for point, loss in zip(points, (0.5, 0.4, 0.4), strict=True)]
    assert tuning.agreement([with_loss], tuning.by_value_then_loss) == (1.0, 2)


def test_a_warm_start_is_measured_by_when_it_reaches_the_cold_ones_best() -> None:
    cold = curve([False], [False], [True], values=(0.0, 0.2, 0.4))
    warm = curve([False], [True], [True], values=(0.1, 0.4, 0.5))
    assert tuning.warm_share([(warm, cold)], tuning.valued) == [0.5]
    assert tuning.warm_share([(cold[:2], cold)], tuning.judged) == [1.0], "never"
    assert tuning.warm_share([(warm, cold[:1])], tuning.valued) == [], "nothing was learned"


def test_hard_subjects_are_measured_with_real_trainings(tiny_preset: Path, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "hard"
    said = ["run", str(folder), "--preset", str(tiny_preset), "--subjects", "2", "--prompts", "1"]
    hard.main([*said, "--settings", '{"rank": 1}'])
    rows = ResultFolder.read(folder).rows
    stages = [row["stage"] for row in rows]
    assert stages == [hard.CHOOSE, hard.CHOOSE, hard.ADAPTER, 'lora {"rank": 1}'] and rows[-1]["steps"] == 2
    assert "the worse half" in capsys.readouterr().out
    hard.main([*said, "--settings", '{"rank": 1}'])
    assert len(ResultFolder.read(folder).rows) == 4, "a run goes on"
    with pytest.raises(SystemExit, match="no setting wings"):
        hard.main([*said, "--settings", '{"wings": 2}'])


def test_trainings_are_judged_at_every_sampling(tiny_preset: Path, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "tuning"
    said = ["--preset", str(tiny_preset), "--subjects", "1", "--steps", "2", "--pictures", "2", "--stages", "warm"]
    tuning.main(["run", str(folder), *said])
    (row,) = ResultFolder.read(folder).rows
    assert [p["step"] for p in row["points"]] == [0, 1, 2] and all(len(p["success"]) == 2 for p in row["points"])
    assert all(len(p["probes"]) == 1 for p in row["points"])
    assert "warm, stop rule" in capsys.readouterr().out and (folder / "score-against-step.png").exists()


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.62, 0.91), (0, 240), (5, 5), (-3e-4, 2e-4)])
def test_axes_have_round_numbers_around_everything(low: float, high: float) -> None:
    found = ticks(low, high)
    assert found[0] <= low and found[-1] >= high and 2 <= len(found) <= 8


def test_a_plot_is_the_same_as_svg_and_png(tmp_path: Path) -> None:
    series = [Series("a < b", [(0, 0.1), (20, 0.5)]), Series("dot", [(10, 0.3)]), Series("none", [])]
    svg, png = plot(tmp_path / "score", "Title", "step", "score", series)
    root = Xml.parse(svg).getroot()
    kinds = [element.tag.rpartition("}")[2] for element in root]
    assert kinds.count("circle") == 3 and "a < b" in [element.text for element in root]
    with Image.open(png) as picture:
        box = [float(v) * 2 for v in root.attrib["viewBox"].split()[2:]]
        assert list(picture.size) == box
        for dot in (e for e in root if e.tag.endswith("circle")):
            where = round(float(dot.attrib["cx"]) * 2), round(float(dot.attrib["cy"]) * 2)
            assert picture.getpixel(where) == ImageColor.getrgb(dot.attrib["fill"])
    assert plot(tmp_path / "nothing", "", "", "", []) == []

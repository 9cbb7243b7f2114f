"""The measurements of the scores: they count what they say, and the starter's copy gate holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from limner.bench.__main__ import call
from limner.bench.results import ResultFolder
from limner.bench.scores.ranking import Agreement
from limner.bench.scores.table import FEWEST, recommended, write


def test_the_gate_and_the_ranking_are_measured_with_the_starter_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("scores", ["--pairs", "6", "--drawings", "0", "--json"]) == 0
    rows = {row["measure"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert rows["caught of all copies"]["share"] >= 0.95
    assert rows["false alarms on new scenes"]["right"] == 0
    assert rows["rendered subject"]["share"] >= 0.7
    assert rows["rendered subject"]["low"] < rows["rendered subject"]["share"] <= rows["rendered subject"]["high"]


def test_nothing_counted_has_no_share() -> None:
    assert Agreement("x", 0, 0).row()["share"] is None


def folder_of(place: Path, method: str, references: int, outcomes: dict[str, list[bool]]) -> Path:
    run = ResultFolder.begin(place, {"method": method, "references": references})
    number = 0
    for kind, rights in outcomes.items():
        for right in rights:
            run.add({"trial": number, "stage": "draw", "truth": {"kind": kind}, "right": {"success": right}})
            number += 1
    return place


def test_the_cheapest_method_that_is_nearly_the_best_is_recommended(tmp_path: Path) -> None:
    good, bad = [True] * FEWEST, [False] * FEWEST
    runs = [
        folder_of(tmp_path / "a", "in_context", 1, {"dog": good, "mug": bad, "car": [True]}),
        folder_of(tmp_path / "b", "ip_adapter", 1, {"dog": good, "mug": good, "car": [True]}),
    ]
    rows = {row["kind"]: row["method"] for row in recommended(runs, ["in_context", "ip_adapter"])}
    assert rows == {"": "ip_adapter", "dog": "in_context", "mug": "ip_adapter"}


def test_one_part_of_a_table_is_renewed_and_the_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "measured.json"
    write(file, "alike", {"all": 0.9})
    write(file, "recommended", [])
    write(file, "alike", {"all": 0.8})
    assert json.loads(file.read_text()) == {"alike": {"all": 0.8}, "recommended": []}

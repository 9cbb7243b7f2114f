"""The command line from end to end, with the models that ship."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from limner.cli.app import app
from limner.cli.demo import KIND, NAME, TURNS, reference_pictures

ROOT = Path(__file__).resolve().parent.parent


def limner(home: Path, *args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["--home", str(home), *args], input=stdin, prog_name="limner")


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("pictures")
    names = []
    for number, image in enumerate(reference_pictures(), 1):
        image.save(folder / f"{number}.png")
        names.append(str(folder / f"{number}.png"))
    return names


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, pictures: list[str]) -> Path:
    """A library that knows Biscuit and has one take of him."""
    folder = tmp_path_factory.mktemp("library") / "home"
    taught = limner(folder, "teach", NAME, *pictures, "--kind", KIND, "--json")
    assert taught.exit_code == 0, taught.stderr
    (row,) = rows(taught)
    assert row["name"] == NAME and row["kind"] == KIND and row["version"] == 1 and len(row["references"]) == 3
    assert limner(folder, "say", TURNS[0]).exit_code == 0
    return folder


def test_the_take_that_one_goes_to_is_named_with_its_picture(home: Path) -> None:
    made = rows(limner(home, "say", f"{NAME} in the forest", "--session", "seen", "--json"))
    picture = next(row["take"]["image"] for row in made if row["event"] == "TakeReady")
    for sentence in ("show me the first one", "go back to take 1"):
        told = limner(home, "say", sentence, "--session", "seen").stdout
        assert "You are at take 1" in told and picture in told


def test_a_take_is_taught_and_a_turn_says_one_time(home: Path) -> None:
    told = limner(home, "say", "a red dog in the forest", "--session", "kept").stdout
    assert re.findall(r"[0-9.]+ s\b", told) == re.findall(r"(?<=Take 1 is ready in )[0-9.]+ s\b", told)
    (row,) = rows(limner(home, "teach", "Fizz", "--take", "1", "--session", "kept", "--kind", "dog", "--json"))
    assert row["name"] == "Fizz" and len(row["references"]) == 1
    (show,) = limner(home, "say", "now at night", "--session", "kept", "--dry-run", "--json").stdout.splitlines()[:1]
    assert json.loads(show) == {"tool": "edit", "args": {"take": 1, "instruction": "now at night"}}
    made = rows(limner(home, "say", "now at night", "--session", "kept", "--json"))
    assert next(row["take"]["concepts"] for row in made if row["event"] == "TakeReady") == ["Fizz"]


def test_say_tells_the_turn_as_events(home: Path) -> None:
    result = limner(home, "say", f"{NAME} in the forest", "--session", "events", "--json")
    assert result.exit_code == 0, result.stderr
    events = rows(result)
    assert [event["event"] for event in events] == ["ToolStarted", "TakeReady", "Reply"]
    started, ready, reply = events
    assert started["tool"] == "draw" and started["args"] == {"prompt": f"{NAME} in the forest", "concepts": [NAME]}
    take = ready["take"]
    assert take["number"] == 1 and take["concepts"] == [NAME] and take["method"] == "ip_adapter"
    assert 0 <= take["scores"]["subject"] <= 1 and 0 <= take["scores"]["text"] <= 1
    assert reply["done"] is True and reply["text"]
    with Image.open(take["image"]) as picture:
        picture.load()
    assert rows(limner(home, "takes", "--session", "events", "--json"))[0].items() >= take.items()


def test_many_lines_are_many_turns_and_a_bad_one_does_not_end_them(home: Path) -> None:
    result = limner(
        home, "say", "-", "--session", "lines", "--json", stdin=f"{NAME} at the farm\n\nnow at night\nundo\n"
    )
    assert result.exit_code == 2  # the empty line
    events = rows(result)
    assert [event["event"] for event in events if event["event"] in ("Reply", "Failed")] == [
        "Reply",
        "Failed",
        "Reply",
        "Reply",
    ]
    numbers = [event["take"]["number"] for event in events if event["event"] == "TakeReady"]
    assert numbers == [1, 2]
    taken = rows(limner(home, "takes", "--session", "lines", "--json"))
    assert [row["head"] for row in taken] == [True, False]


def test_a_dry_run_shows_the_calls_and_changes_nothing(home: Path) -> None:
    before = files_of(home)
    sentences = ["now at night", "go back to the first", "", f"{NAME} on the beach", "x" * 30_000, "\x1b[31m"]
    result = limner(home, "say", "-", "--dry-run", "--json", stdin="\n".join(sentences))
    lines = rows(result)
    assert sum("reply" in line for line in lines) == len(sentences)
    assert lines[0] == {"tool": "edit", "args": {"take": 1, "instruction": "now at night"}}
    assert lines[2] == {"tool": "fork", "args": {"take": 1}}
    assert result.exit_code == 2
    assert files_of(home) == before


def test_a_dry_run_makes_no_library(tmp_path: Path) -> None:
    result = limner(tmp_path / "none", "say", "a cat in the forest", "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    assert rows(result)[0]["tool"] == "draw"
    assert not (tmp_path / "none").exists()


def test_the_tree_from_the_command_line(home: Path) -> None:
    talk = ("--session", "tree", "--json")
    for sentence in (f"{NAME} in the city", "now at night"):
        assert limner(home, "say", sentence, *talk).exit_code == 0
    assert rows(limner(home, "undo", *talk))[0]["number"] == 1
    assert rows(limner(home, "redo", *talk))[0]["number"] == 2
    assert rows(limner(home, "fork", "1", *talk))[0]["number"] == 1
    (pair,) = rows(limner(home, "compare", "1", "2", *talk))
    assert [take["number"] for take in pair["takes"]] == [1, 2] and pair["changed"] > 0.1
    assert rows(limner(home, "rate", "2", "good", *talk))[0]["rating"] == "good"
    assert rows(limner(home, "replay", "2", *talk))[0]["identical"] is True
    assert limner(home, "delete", "2", *talk).exit_code == 0
    assert [row["number"] for row in rows(limner(home, "takes", *talk))] == [1]
    assert limner(home, "fork", "2", *talk).exit_code == 2
    assert limner(home, "redo", "--session", "never").exit_code == 2


def test_a_concept_is_corrected_renamed_reverted_and_forgotten(home: Path, pictures: list[str]) -> None:
    assert limner(home, "teach", "Pip", pictures[0], "--kind", KIND).exit_code == 0
    (refined,) = rows(limner(home, "refine", "Pip", "--add", "longer ears", "--remove", "hat", "--json"))
    assert refined["version"] == 2 and refined["stable"] == ["longer ears"] and refined["negatives"] == ["hat"]
    assert rows(limner(home, "refine", "Pip", "--rejected", "1", "--json"))[0]["version"] == 3
    (back,) = rows(limner(home, "revert", "pip", "1", "--json"))
    assert back["version"] == 4 and back["stable"] == []
    assert rows(limner(home, "rename", "Pip", "Crumb 🐶", "--json"))[0]["name"] == "Crumb 🐶"
    assert limner(home, "rename", "Crumb 🐶", NAME).exit_code == 2
    assert limner(home, "forget", "Crumb 🐶").exit_code == 0
    names = [row["name"] for row in rows(limner(home, "concepts", "--json"))]
    assert NAME in names and "Crumb 🐶" not in names and "Pip" not in names
    assert limner(home, "forget", "Crumb 🐶").exit_code == 2


@pytest.mark.parametrize(
    "line",
    [
        ("teach", "Mo", "nothing.png", "--kind", "dog"),
        ("teach", "Mo", "FOLDER", "--kind", "dog"),
        ("teach", "a/b", "PICTURE", "--kind", "dog"),
        ("teach", "", "PICTURE", "--kind", "dog"),
        ("teach", NAME, "PICTURE", "--kind", "dog"),
        ("say", ""),
        ("say", "now at night", "--method", "magic"),
        ("say", "make it snow on this", "--image", "nothing.png"),
        ("say", "a cat", "--planner", "nobody"),
        ("say", "a cat", "--preset", "nothing"),
        ("replay", "77"),
        ("undo", "--session", "empty"),
    ],
)
def test_what_the_user_got_wrong_changes_nothing(line: tuple[str, ...], home: Path, pictures: list[str]) -> None:
    before = files_of(home)
    given = [part.replace("PICTURE", pictures[0]).replace("FOLDER", str(Path(pictures[0]).parent)) for part in line]
    result = limner(home, *given)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("limner: ") and result.stderr.count("\n") == 1
    assert {name: data for name, data in files_of(home).items() if name != "lock"} == {
        name: data for name, data in before.items() if name != "lock"
    }


def test_ctrl_c_ends_a_turn_with_130_and_nothing_half_made(home: Path) -> None:
    command = [sys.executable, "-m", "limner", "--home", str(home), "say", "-", "--session", "stopped", "--json"]
    env = os.environ | {"PYTHONPATH": str(ROOT / ".dev"), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        # A test run in the background has Ctrl-C switched off, and its children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as running:
        assert running.stdin and running.stdout and running.stderr
        # The first turn loads the models, so that the second is stopped while it draws.
        running.stdin.write(f"{NAME} in the snow\neight pictures of {NAME} at the farm\n")
        running.stdin.flush()
        seen = [json.loads(running.stdout.readline())["event"] for _ in range(4)]
        assert seen == ["ToolStarted", "TakeReady", "Reply", "ToolStarted"]
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        assert running.wait(180) == 130
        told = [json.loads(line) for line in running.stdout.read().splitlines()]
        assert "limner: stopped" in running.stderr.read()
    kept = rows(limner(home, "takes", "--session", "stopped", "--json"))
    assert {event["take"]["id"] for event in told if event["event"] == "TakeReady"} <= {row["id"] for row in kept}
    for row in kept:
        with Image.open(row["image"]) as picture:
            picture.load()


# -- the demo --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Result]:
    """The folders of two runs, and what the second one printed."""
    folder = tmp_path_factory.mktemp("demo")
    for name in ("one", "two"):
        result = CliRunner().invoke(app, ["demo", "--out", str(folder / name)], prog_name="limner")
        assert result.exit_code == 0, result.stderr
    return folder / "one", folder / "two", result


def test_the_demo_writes_the_conversation_down(demos: tuple[Path, Path, Result]) -> None:
    folder, _, result = demos
    record = json.loads((folder / "conversation.json").read_text(encoding="utf-8"))
    assert [turn["text"] for turn in record["turns"]] == list(TURNS) and len(TURNS) >= 5
    takes = [take for turn in record["turns"] for take in turn["takes"]]
    assert [take["image"] for take in takes] == [f"takes/{number}.png" for number in range(1, len(takes) + 1)]
    assert len(takes) >= 4 and all((folder / take["image"]).is_file() for take in takes)
    assert len({take["parent"] for take in takes}) > 2, "the conversation branches"
    assert len(list((folder / "references").glob("*.png"))) == 3
    for sentence in TURNS:
        assert sentence in result.stdout


def pixels(file: Path) -> bytes:
    with Image.open(file) as picture:
        return picture.convert("RGB").tobytes()


def test_the_demo_draws_the_same_pictures_each_time(demos: tuple[Path, Path, Result]) -> None:
    one, two, _ = demos
    pictures = sorted(file.relative_to(one) for file in one.rglob("*.png"))
    assert pictures == sorted(file.relative_to(two) for file in two.rglob("*.png"))
    # Signed manifests beside the pixels carry the hour.
    assert all(pixels(one / name) == pixels(two / name) for name in pictures)


def test_the_demo_page_needs_nothing_else(demos: tuple[Path, Path, Result]) -> None:
    page = (demos[0] / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources and all(source.startswith("data:image/png;base64,") for source in sources)


def test_the_demo_leaves_other_files_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    result = CliRunner().invoke(app, ["demo", "--out", str(tmp_path)], prog_name="limner")
    assert result.exit_code == 2 and "holds other files" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]

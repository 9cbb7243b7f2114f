"""The command line: flags, exit statuses, JSON fields, what it refuses to print. No model is loaded here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from limner.cli.app import app
from limner.cli.output import clean, duration
from limner.memory.library import Library
from limner.memory.values import ConceptUse, Scores

ROOT = Path(__file__).resolve().parent.parent
VERBS = (
    "demo teach say concepts takes show undo redo fork compare rate delete refine rename revert forget replay"
    " export import presets doctor bench"
).split()


def limner(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(args), input=stdin, prog_name="limner")


def process(*args: str, **more: Any) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    env = os.environ | {"PYTHONPATH": str(ROOT / ".dev"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "limner", *args]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=env, **more)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A library with one concept, and two takes in the default conversation."""
    folder = tmp_path / "home"
    with Library.open(folder) as library:
        pictures = [Image.new("RGB", (64, 64), (40 * shade, 90, 90)) for shade in range(3)]
        concept = library.teach("Biscuit", "dog", pictures)
        use = ConceptUse(concept.id, concept.name, concept.version)
        store = library.session("default")
        first = store.add_take(
            Image.new("RGB", (64, 64), "red"),
            origin="draw",
            prompt="Biscuit on the beach",
            description="Biscuit on the beach",
            concepts=[use],
            method="in_context",
            scores=Scores(0.8, 0.7),
            seconds=0.4,
        )
        store.add_take(
            Image.new("RGB", (64, 64), "navy"),
            origin="edit",
            prompt="now at night",
            parent=first.id,
            concepts=[use],
        )
    return folder


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


# -- help ------------------------------------------------------------------------------------------


def test_alone_without_a_terminal_it_says_what_to_use_instead() -> None:
    result = limner()
    assert result.exit_code == 2
    assert "needs a terminal" in result.stderr and "limner say" in result.stderr


def test_presets_are_listed_without_loading_them() -> None:
    listed = {row["name"]: row for row in rows(limner("presets", "--json"))}
    assert listed["starter"]["methods"][0] == "in_context" and listed["starter"]["in_use"] is True


def test_doctor_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "library.json").write_text('{"format": 999}', encoding="utf-8")
    result = limner("doctor", "--home", str(tmp_path), "--preset", "nothing", "--json")
    found = {(row["check"], row["state"]) for row in rows(result)}
    assert result.exit_code == 1
    assert {("python", "ok"), ("torch", "ok"), ("preset", "fail"), ("home", "fail")} <= found


def test_doctor_counts_what_the_library_holds(tmp_path: Path) -> None:
    with Library.open(tmp_path / "home") as library:
        library.teach("Mug", "mug", [Image.new("RGB", (64, 64), "red")])
    found = {row["check"]: row["text"] for row in rows(limner("doctor", "--home", str(tmp_path / "home"), "--json"))}
    assert ": 1 concept, 0 conversations, " in found["home"]


def test_help_lists_every_verb() -> None:
    result = limner("--help")
    assert result.exit_code == 0
    listed = {line.strip("│ ").split(" ")[0] for line in result.stdout.splitlines()}
    assert set(VERBS) <= listed


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb: str) -> None:
    result = limner(verb, "--help")
    assert result.exit_code == 0
    assert f"Example:  limner {verb}" in result.stdout
    # What follows `bench NAME` belongs to the measurement.
    assert verb == "bench" or ("--home" in result.stdout and "--json" in result.stdout)


def test_version() -> None:
    import limner as package

    assert limner("--version").stdout == f"limner {package.__version__}\n"


# -- flags and exit statuses -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        ("--home", "HOME", "--json", "concepts"),
        ("concepts", "--home", "HOME", "--json"),
        ("--json", "concepts", "--home=HOME"),
        ("--home", "elsewhere", "concepts", "--json", "--home", "HOME"),
    ],
)
def test_global_flags_stand_anywhere(line: tuple[str, ...], home: Path) -> None:
    result = limner(*(part.replace("HOME", str(home)) for part in line))
    assert result.exit_code == 0
    assert [row["name"] for row in rows(result)] == ["Biscuit"]


def test_the_home_may_come_from_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMNER_HOME", str(home))
    assert rows(limner("concepts", "--json"))[0]["name"] == "Biscuit"


@pytest.mark.parametrize(
    "line",
    [
        ("dance",),
        ("say",),
        ("concepts", "--sideways"),
        ("teach", "Biscuit", "a.png"),
        ("teach", "Fizz", "--kind", "dog"),
        ("teach", "Fizz", "--kind", "dog", "--take", "9"),
        ("rate", "1", "wonderful"),
        ("revert", "Biscuit", "0"),
        ("refine", "Biscuit"),
        ("show", "9"),
        ("show", "tdeadbeef"),
        ("takes", "--session", "nowhere"),
        ("takes", "--session", "a/b"),
        ("export", "concept", "Nobody", "out.limner"),
        ("import", "nothing.limner"),
        ("bench", "nothing"),
    ],
)
def test_what_the_user_got_wrong_is_one_sentence_and_status_2(line: tuple[str, ...], home: Path) -> None:
    before = sorted(home.rglob("*"))
    result = limner(*line, "--home", str(home), "--json")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("limner: ") and result.stderr.count("\n") == 1
    assert sorted(home.rglob("*")) == before


def test_what_there_is_to_choose_from_stands_in_one_line() -> None:
    assert "Choose from: concept, session, adapter. `limner export --help`" in limner("export").stderr


def test_a_typing_slip_is_answered_with_the_near_verb() -> None:
    assert "Did you mean 'say'?" in limner("sya").stderr


def test_a_locked_library_is_status_1_and_names_the_process(home: Path, tmp_path: Path) -> None:
    limner("export", "concept", "Biscuit", str(tmp_path / "b.limner"), "--home", str(home))
    with Library.open(home):
        result = limner("import", str(tmp_path / "b.limner"), "--home", str(home))
    assert result.exit_code == 1
    assert f"process {os.getpid()}" in result.stderr


def test_reading_needs_no_lock(home: Path) -> None:
    with Library.open(home):
        assert limner("takes", "--home", str(home)).exit_code == 0


def test_a_home_that_is_a_file_is_status_1(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    result = limner("import", "x.limner", "--home", str(tmp_path / "file"))
    assert result.exit_code == 1
    assert "file in the way" in result.stderr


def test_bench_lists_the_measurements_and_hands_their_flags_on() -> None:
    known = limner("bench", "nothing").stderr
    assert all(name in known for name in ("startup", "storybook", "rounds", "persona", "adapter", "tui"))
    assert "--conversations" in limner("bench", "rounds", "--help").stdout
    shown = process("bench", "startup", "--help").communicate(timeout=240)[0]
    assert shown.startswith("usage: limner bench startup") and "--runs" in shown


# -- what is printed -------------------------------------------------------------------------------


def test_concepts_have_the_promised_fields(home: Path) -> None:
    (row,) = rows(limner("concepts", "--json", "--home", str(home)))
    assert row["name"] == "Biscuit" and row["kind"] == "dog" and row["version"] == 1
    assert len(row["references"]) == 3 and all(Path(path).is_file() for path in row["references"])


def test_takes_have_the_promised_fields(home: Path) -> None:
    first, second = rows(limner("takes", "--json", "--home", str(home)))
    promised = {"number", "id", "parent", "prompt", "concepts", "method", "scores", "seconds", "image"}
    assert promised <= first.keys()
    assert first["number"] == 1 and first["parent"] is None and first["concepts"] == ["Biscuit"]
    assert first["scores"] == {"subject": 0.8, "text": 0.7, "copy": None, "verdict": "not_measured"}
    assert second["parent"] == first["id"] and second["head"] is True
    assert Path(first["image"]).is_file()


def test_an_empty_library_is_no_error(tmp_path: Path) -> None:
    for verb in ("concepts", "takes"):
        result = limner(verb, "--home", str(tmp_path / "none"))
        assert result.exit_code == 0 and "Begin with: limner" in result.stdout
        assert limner(verb, "--json", "--home", str(tmp_path / "none")).stdout == ""
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("reference", ["2", "#2", "id"])
def test_a_take_is_its_number_or_its_id(reference: str, home: Path) -> None:
    takes = rows(limner("takes", "--json", "--home", str(home)))
    ref = takes[1]["id"] if reference == "id" else reference
    assert rows(limner("show", ref, "--json", "--home", str(home)))[0]["prompt"] == "now at night"


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_show_saves_the_picture(ending: str, home: Path, tmp_path: Path) -> None:
    out = tmp_path / f"picture.{ending}"
    result = limner("show", "1", "--out", str(out), "--home", str(home), "--json")
    assert rows(result)[0]["saved"] == str(out)
    with Image.open(out) as picture:
        assert picture.size == (64, 64)


@pytest.mark.parametrize(("name", "status"), [("picture.docx", 2), ("folder", 2), ("none/picture.png", 2)])
def test_show_refuses_what_cannot_be_written(name: str, status: int, home: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert limner("show", "1", "--out", str(tmp_path / name), "--home", str(home)).exit_code == status
    assert sorted(tmp_path.rglob("*")) == before


def test_a_conversation_travels_as_one_file(home: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "talk.limner", tmp_path / "other"
    assert limner("export", "session", "default", str(file), "--home", str(home)).exit_code == 0
    result = limner("import", str(file), "--home", str(other), "--json")
    assert result.exit_code == 0 and len(rows(result)) == 2
    here, there = (limner("takes", "--json", "--home", str(folder)) for folder in (home, other))
    assert [row["prompt"] for row in rows(here)] == [row["prompt"] for row in rows(there)]


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert clean("a\x1b[31mb\x07\u202ec\n") == "a\\x1b[31mb\\x07\\u202ec\\n"
    assert clean("a\nb\tc", lines=True) == "a\nb\tc"
    assert clean("\udc80ümlaut 🐶") == "\\udc80ümlaut 🐶"
    result = limner("show", "\x1b]0;gone\x07")
    assert result.exit_code == 2 and "\x1b" not in result.stderr


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s")],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


# -- completion ------------------------------------------------------------------------------------


def complete(words: str, home: Path) -> Result:
    """What zsh is offered after `words`."""
    env = {"_LIMNER_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": words, "LIMNER_HOME": str(home)}
    return CliRunner().invoke(app, [], env=env, prog_name="limner")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("limner forget ", "Biscuit"),
        ("limner forget bi", "biscuit"),
        ("limner rename B", "Biscuit"),
        ("limner show ", "2"),
        ("limner takes --session d", "default"),
        ("limner export session ", "default"),
        ("limner export concept ", "Biscuit"),
        ("limner rate 1 g", "good"),
        ("limner sho", "show"),
        ("limner concepts --ho", "--home"),
    ],
)
def test_the_shell_completes_names(words: str, offered: str, home: Path) -> None:
    assert f'"{offered}"' in complete(words, home).stdout


def test_completion_looks_into_the_home_on_the_line(home: Path) -> None:
    assert '"Biscuit"' in complete(f"limner --home {home} forget ", home / "elsewhere").stdout


def test_completion_of_a_broken_library_offers_nothing(tmp_path: Path) -> None:
    (tmp_path / "library.json").write_text('{"format": 999}', encoding="utf-8")
    result = complete("limner forget ", tmp_path)
    assert "Traceback" not in result.output and result.exit_code == 0


# -- as a process ----------------------------------------------------------------------------------


def test_a_reader_that_goes_away_is_no_error_message(home: Path) -> None:
    with process("takes", "--json", "--home", str(home)) as running:
        assert running.stdout and running.stderr and running.stdin
        running.stdout.close()
        running.stdin.close()
        assert running.wait(30) == 141
        assert running.stderr.read() == ""


def test_text_that_the_terminal_cannot_show_is_escaped(home: Path) -> None:
    with Library.open(home) as library:
        library.rename("Biscuit", "Bröselkeks 🐶")
    env = os.environ | {"PYTHONPATH": str(ROOT / ".dev"), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "limner", "concepts", "--home", str(home)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert "Br\\xf6selkeks \\U0001f436" in done.stdout

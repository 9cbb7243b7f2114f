"""What the library does with damage, with a disk that refuses, and with names and texts that mean harm."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limner.errors import BadName, LibraryError, UserError
from limner.memory.library import Library

SPACE = "clip-test"


def picture(shade: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(shade).integers(0, 256, (16, 16, 3), dtype=np.uint8))


def vectors(seed: int, rows: int = 1) -> np.ndarray:
    found = np.random.default_rng(seed).standard_normal((rows, 8)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed library: two concepts, an index, a session of three takes."""
    place = tmp_path_factory.mktemp("original") / "home"
    with Library.open(place) as library:
        for i, name in enumerate(("Biscuit", "Mug")):
            library.teach(name, "thing", [picture(i), picture(i + 9)], embeddings={SPACE: vectors(i, 2)})
        library.revise("Mug", add=["red"], reject=picture(5))
        library.search(SPACE, vectors(0)[0])
        session = library.session()
        for i in range(3):
            session.add_take(picture(i), origin="draw", prompt=f"prompt {i}")
        session.add_turn({"text": "hello"})
    return place


@pytest.fixture
def home(original: Path, tmp_path: Path) -> Path:
    """A copy of it to damage."""
    return shutil.copytree(original, tmp_path / "home")


def folder_of(home: Path, name: str) -> Path:
    with Library.open(home, write=False) as library:
        return library.concept(name).references[0].parent


def open_twice(home: Path, notice: str) -> None:
    """The first opening mends and says so, the second has nothing to say."""
    with Library.open(home) as library:
        library.session()
        assert any(notice in n for n in library.notices), library.notices
    with Library.open(home) as library:
        library.session()
        assert library.notices == []


# Damaged files


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format": 1}',
        b'{"format": 2, "id": "c000000000000", "name": "x", "versions": []}',
    ],
)
def test_a_broken_concept_is_set_aside(home: Path, content: bytes) -> None:
    folder = folder_of(home, "Mug")
    (folder / "concept.json").write_bytes(content)
    with Library.open(home, write=False) as reader:
        assert [c.name for c in reader.concepts()] == ["Biscuit"] and "could not be read" in reader.notices[0]
    assert folder.exists()
    open_twice(home, "was set aside")
    with Library.open(home) as library:
        assert [c.name for c in library.concepts()] == ["Biscuit"]
        assert [c.name for c, _ in library.search(SPACE, vectors(1)[0])] == ["Biscuit"]
    assert any((home / "broken").iterdir())


def test_a_concept_that_reaches_outside_is_set_aside(home: Path) -> None:
    path = folder_of(home, "Mug") / "concept.json"
    path.write_text(path.read_text(encoding="utf-8").replace("reference-", "../reference-"), encoding="utf-8")
    open_twice(home, "file name that is not the library's")


def test_missing_pictures(home: Path) -> None:
    folder = folder_of(home, "Mug")
    first, second = sorted(folder.glob("reference-*"))
    first.unlink()
    with Library.open(home) as library:
        concept = library.concept("Mug")
        assert concept.references == (second,) and concept.stable == ("red",)
        assert library.embeddings(concept, SPACE) is None
        assert '"Mug": 1 picture of it is missing' in library.notices[0]
    second.unlink()
    open_twice(home, "all its reference pictures are missing")


def test_damaged_embeddings_count_as_none(home: Path) -> None:
    folder = folder_of(home, "Mug")
    next(folder.glob("*.npy")).write_bytes(b"\x93NUMPY nonsense")
    with Library.open(home) as library:
        assert library.embeddings(library.concept("Mug"), SPACE) is None
        library.put_embeddings(library.concept("Mug"), SPACE, vectors(1, 2))
        assert library.embeddings(library.concept("Mug"), SPACE) is not None


def test_two_concepts_of_one_name(home: Path) -> None:
    folder = folder_of(home, "Mug")
    path = folder / "concept.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"Mug"', '"biscuit"'), encoding="utf-8")
    open_twice(home, "Two concepts are named")
    with Library.open(home) as library:
        assert len(library.concepts()) == 2


@pytest.mark.parametrize("damage", ["take.json", "image.png", "cut"])
def test_a_damaged_take_is_set_aside(home: Path, damage: str) -> None:
    folder = next((home / "sessions/default/takes").glob("2-*"))
    if damage == "cut":
        (folder / "image.png").write_bytes((folder / "image.png").read_bytes()[:99])
    else:
        (folder / damage).unlink()
    open_twice(home, "A take of the session")
    with Library.open(home) as library:
        session = library.session()
        assert [t.number for t in session.takes()] == [1, 3]
        undone = session.undo()
        assert undone is not None and undone.number == 1
        assert session.add_take(picture(), origin="draw", prompt="").number == 4


@pytest.mark.parametrize("content", [None, b"", b'{"format": 1, "name": "x"}', b'{"history": [1]}'])
def test_a_lost_session_record_is_made_anew(home: Path, content: bytes | None) -> None:
    path = home / "sessions/default/session.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    open_twice(home, "has been made anew from its takes")
    with Library.open(home) as library:
        session = library.session()
        assert session.head is not None and session.head.number == 3 and session.can_undo == 3


def test_a_torn_turn_is_dropped(home: Path) -> None:
    with open(home / "sessions/default/turns.jsonl", "ab") as file:
        file.write(b'{"text": "half of a li')
    with Library.open(home) as library:
        session = library.session()
        session.add_turn({"text": "next"})
        assert [t["text"] for t in session.turns()] == ["hello", "next"]


@pytest.mark.parametrize("name", ["library.json", "concepts", "sessions", "index", "lock", "staging"])
def test_a_half_deleted_home(home: Path, name: str) -> None:
    path = home / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with Library.open(home) as library:
        assert len(library.concepts()) == (0 if name == "concepts" else 2)
        assert len(library.session().takes()) == (0 if name == "sessions" else 3)
        found = library.search(SPACE, vectors(0)[0])
        assert len(found) == (0 if name == "concepts" else 2)
        assert any(name in n or "index" in n for n in library.notices) or name == "lock"


@pytest.mark.parametrize("content", ["{", "[]", '{"no": "format"}'])
def test_a_broken_library_json(home: Path, content: str) -> None:
    (home / "library.json").write_text(content, encoding="utf-8")
    if "no" in content:
        with pytest.raises(LibraryError, match="format None"):
            Library.open(home)
    else:
        open_twice(home, "library.json could not be read")


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize(("version", "hint"), [(2, "Update Limner."), (0, "Export from it")])
def test_another_format(home: Path, write: bool, version: int, hint: str) -> None:
    (home / "library.json").write_text(json.dumps({"format": version}), encoding="utf-8")
    with pytest.raises(LibraryError, match=f"has the format {version}; this Limner reads 1") as error:
        Library.open(home, write=write)
    assert error.value.hint.startswith(hint)
    (home / "library.json").write_text('{"format": 1}', encoding="utf-8")
    Library.open(home).close()  # the failure left no lock


def test_leftovers_of_an_interrupted_write_are_cleared(home: Path) -> None:
    (home / "staging" / "half").mkdir()
    (home / "staging" / "half" / "image.png").write_bytes(b"\x89PNG")
    orphan = folder_of(home, "Mug") / "reference-0123456789abcdef.png"
    orphan.write_bytes(b"\x89PNG")
    open_twice(home, "unfinished write")
    assert not orphan.exists() and not any((home / "staging").iterdir())


# A damaged index


def garble(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


DAMAGES: dict[str, Callable[[Path], object]] = {"garbled": garble, "halved": halve, "deleted": Path.unlink}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("pattern", ["chroma-*/chroma.sqlite3", "chroma-*/*/data_level0.bin", "stamp.json"])
def test_a_damaged_index_is_rebuilt_and_said_so(home: Path, pattern: str, damage: str) -> None:
    DAMAGES[damage](next((home / "index").glob(pattern)))
    with Library.open(home) as library:
        assert library.notices == [
            "The search index is made anew from the library (its files are not as they were left)."
        ]
        assert library.search(SPACE, vectors(1, 2)[1])[0][0].name == "Mug"
    with Library.open(home) as library:
        assert library.search(SPACE, vectors(1, 2)[1])[0][0].name == "Mug"
        assert library.notices == []


def test_an_index_that_is_damaged_while_open(home: Path) -> None:
    with Library.open(home) as library:
        library.search(SPACE, vectors(1)[0])
        library.close()
    with Library.open(home) as library:
        garble(next((home / "index").glob("chroma-*/chroma.sqlite3")))
        assert library.search(SPACE, vectors(1, 2)[1])[0][0].name == "Mug"
        assert len(library.notices) == 1


def test_an_index_that_was_copied_is_used(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "copy")
    with Library.open(tmp_path / "copy") as library:
        assert library.search(SPACE, vectors(1, 2)[1])[0][0].name == "Mug"
        assert library.notices == []


def test_an_index_that_is_a_file(home: Path) -> None:
    shutil.rmtree(home / "index")
    (home / "index").write_text("no folder", encoding="utf-8")
    with pytest.raises(LibraryError, match="file in the way"):
        Library.open(home)


# A disk that refuses


@pytest.fixture
def no_room() -> Iterator[Callable[[int], None]]:
    """Limits how large a file may grow: the system refuses as it does when a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 200, 600])
def test_a_full_disk_changes_nothing(home: Path, tmp_path: Path, no_room: Callable[[int], None], size: int) -> None:
    with Library.open(home) as library:
        session = library.session()
        concepts, takes, turns = library.concepts(), session.takes(), session.turns()
        no_room(size)
        for change in (
            lambda: library.teach("New", "thing", [picture(7)]),
            lambda: library.revise("Mug", add=["long " * 50]),
            lambda: library.rename("Mug", "Cup" * 20),
            lambda: session.add_take(picture(8), origin="draw", prompt="x"),
            lambda: session.add_turn({"text": "long " * 500}),
            lambda: session.put_state(big="x" * 900),
            lambda: library.export_session("default", tmp_path / "export"),
        ):
            with pytest.raises(LibraryError, match="no space left"):
                change()
        assert (library.concepts(), session.takes(), session.turns()) == (concepts, takes, turns)
        assert not any((home / "staging").iterdir()) and not (tmp_path / "export").exists()
        no_room(resource.RLIM_INFINITY)
        assert session.add_take(picture(8), origin="draw", prompt="x").number == 4
    with Library.open(home) as library:
        assert library.concepts() == concepts and library.notices == []
        assert [t["text"] for t in library.session().turns()] == ["hello"]


READ_ONLY = """
import fcntl, os, sys
from limner.errors import LibraryError
from limner.memory.library import Library
home = sys.argv[1]
if os.geteuid() == 0:  # root may write everywhere: become nobody
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
with Library.open(home, write=False) as library:
    assert len(library.concepts()) == 2 and len(library.session().takes()) == 3
try:
    Library.open(home)
except LibraryError as error:
    print(error)
"""


def test_a_read_only_home_can_be_read(home: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "home"
        shutil.copytree(home, place)
        for path in (Path(name), place, *place.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        command = [sys.executable, "-c", READ_ONLY, str(place)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        assert run.stdout.strip() == f"The library at {place} cannot be used: Permission denied.", run.stderr
        for path in (Path(name), place, *place.rglob("*")):
            path.chmod(0o755)


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello", encoding="utf-8")
    for home in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(LibraryError, match="file in the way"):
            Library.open(home)


# Names and texts


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("\u200d", "is empty"),
        ("a/b", "a slash"),
        ("..\\x", "a slash"),
        ("a\nb", "a line break"),
        ("a\u2028b", "a line break"),
        ("a\tb", "a control character"),
        ("a\0b", "a control character"),
        ("\x1b[31mred", "a control character"),
        ("x" * 300, "is 300 characters long; at most 80"),
        ("a\u202eb", "an invisible formatting character"),
        ("a\u200bb", "an invisible formatting character"),
        ("a\ud800b", "half a character"),
        ("\uffff", "no character"),
        ("MUG", "already a concept named"),
        ("Ｍug ", "already a concept named"),
    ],
)
def test_a_name_that_cannot_be(home: Path, name: str, why: str) -> None:
    with Library.open(home) as library:
        before = sorted(home.rglob("*"))
        with pytest.raises(BadName, match=why):
            library.teach(name, "thing", [picture()])
        with pytest.raises(BadName, match=why):
            library.rename("Biscuit", name)
        if "concept" not in why:
            with pytest.raises(BadName, match=why):
                library.session(name)
            with pytest.raises(BadName, match=why):
                library.teach("Fine", name, [picture()])
        assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize(
    "name",
    ["🐶", "👩‍🚀", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "Füße", "狗", "می‌خواهم", "..", ".", "con", "-rf", "x" * 80, "'; --", "#3", "~"],
)
def test_a_name_that_can_be(tmp_path: Path, name: str) -> None:
    with Library.open(tmp_path) as library:
        library.teach(name, "thing", [picture()])
        library.session(name).add_take(picture(), origin="draw", prompt=name)
    with Library.open(tmp_path) as library:
        assert library.concept(name).name == name and library.sessions() == [name]
        assert library.session(name).take(1).prompt == name
    assert len(list((tmp_path / "sessions").iterdir())) == 1


def test_escapes_are_taken_out_of_texts(home: Path) -> None:
    hostile = "a\x1b[2Jb\x1b]0;title\x07c\x1b]8;;http://x\x1b\\d\x9b31me\x00f\u202eg\ud800h\r\ni\tj"
    with Library.open(home) as library:
        take = library.session().add_take(picture(), origin="draw", prompt=hostile, description=hostile)
        assert take.prompt == take.description == "abcdefgh\ni\tj"
        assert library.revise("Mug", add=[hostile]).stable == ("red", "abcdefgh i j")
        library.session().put_state(pending={"text": hostile})
        assert library.session().state["pending"] == {"text": "abcdefgh\ni\tj"}
        with pytest.raises(UserError, match="empty"):
            library.revise("Mug", add=["\x1b[0m "])
        with pytest.raises(UserError, match="at most 300"):
            library.revise("Mug", add=["x" * 301])
    with Library.open(home) as library:
        assert library.session().take(4) == take and library.notices == []


def test_a_very_long_prompt_is_kept(home: Path) -> None:
    with Library.open(home) as library:
        library.session().add_take(picture(), origin="draw", prompt="wörd " * 20_000)
    with Library.open(home) as library:
        assert len(library.session().take(4).prompt) == 100_000

"""Archives: what goes out comes in elsewhere; what was cut, altered or made to do harm does not."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from limner.errors import NotFound, UserError
from limner.memory import archive
from limner.memory.library import Library
from limner.memory.values import ConceptUse

SPACE = "clip-test"
Files = dict[str, bytes]


def picture(shade: int = 0, mode: str = "RGB") -> Image.Image:
    noise = np.random.default_rng(shade).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).convert(mode)


def vectors(seed: int, rows: int = 1) -> np.ndarray:
    found = np.random.default_rng(seed).standard_normal((rows, 8)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a library in `home`, and its exports `concept.limner` and `session.limner`."""
    place = tmp_path_factory.mktemp("sent")
    with Library.open(place / "home") as library:
        biscuit = library.teach(
            "Biscuit",
            "dog",
            [picture(1), picture(2)],
            [None, picture(3, "L")],
            embeddings={SPACE: vectors(1, 2)},
        )
        library.revise("Biscuit", add=["long ears"], reject=picture(4))
        library.teach("Unused", "mug", [picture(5)])
        session = library.session("Picnic 🧺")
        use = [ConceptUse(biscuit.id, "Biscuit", 2)]
        parent = None
        for i in range(4):
            parent = session.add_take(picture(i), origin="draw", prompt=f"{i}", parent=parent, concepts=use).id
        session.delete(2)
        session.undo()
        session.add_turn({"text": "hello", "takes": [parent]})
        session.put_state(focus=[parent])
        library.export_concept("biscuit", place / "concept.limner")
        library.export_session("picnic 🧺", place / "session.limner")
    return place


@pytest.fixture
def place(sent: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(sent, tmp_path / "place")


def test_a_concept_opens_elsewhere(place: Path, tmp_path: Path) -> None:
    with Library.open(tmp_path / "new") as library, Library.open(place / "home", write=False) as source:
        said = library.import_file(place / "concept.limner")
        assert said == ['The concept "Biscuit" (dog, 2 pictures) came in.']
        ours, theirs = library.versions("Biscuit"), source.versions("Biscuit")
        assert [(c.id, c.version, c.stable) for c in ours] == [(c.id, c.version, c.stable) for c in theirs]
        for mine, other in zip(ours, theirs, strict=True):
            paths = zip(mine.references + mine.rejected, other.references + other.rejected, strict=True)
            assert all(a.read_bytes() == b.read_bytes() for a, b in paths)
        assert library.search(SPACE, vectors(1, 2)[1])[0][0] == ours[-1]
        assert library.import_file(place / "concept.limner") == ['The concept "Biscuit" was already here.']
        assert len(library.concepts()) == 1


def test_a_session_opens_elsewhere_with_its_concepts(place: Path, tmp_path: Path) -> None:
    with Library.open(place / "home", write=False) as source:
        there = source.session("Picnic 🧺")
    with Library.open(tmp_path / "new") as library:
        assert library.import_file(place / "session.limner") == [
            'The session "Picnic 🧺" (3 takes) came in.',
            'The concept "Biscuit" (dog, 2 pictures) came in.',
        ]
        here = library.session("picnic 🧺", create=False)
        assert [(t.id, t.number, t.parent) for t in here.takes()] == [(t.id, t.number, t.parent) for t in there.takes()]
        assert [t.image.tobytes() for t in here.takes()] == [t.image.tobytes() for t in there.takes()]
        assert here.head is not None and there.head is not None and here.head.id == there.head.id
        assert (here.turns(), here.state, here.can_redo) == (there.turns(), there.state, there.can_redo)
        use = here.takes()[0].concepts[0]
        assert library.concept_at(use.id, use.version).name == "Biscuit"
        with pytest.raises(NotFound, match="deleted"):
            here.take(2)


def test_what_is_already_here_gets_another_name_and_other_ids(place: Path) -> None:
    with Library.open(place / "home") as library:
        library.revise("Biscuit", add=["fat"])
        library.forget("Unused")
        assert library.import_file(place / "concept.limner") == ['The concept "Biscuit" was already here.']
        library.rename("Biscuit", "Rex")
        old = library.concept("Rex")
        library.forget("Rex")
        library.teach("biscuit", "cat", [picture(1)])
        first, second = library.import_file(place / "session.limner")
        assert first == 'The session "Picnic 🧺" (3 takes) came in as "Picnic 🧺 2", because the name was taken.'
        assert 'came in as "Biscuit 2", because the name was taken' in second
        assert library.concept("Biscuit 2").id == old.id
        ours, copy = library.session("Picnic 🧺"), library.session("Picnic 🧺 2")
        assert not {t.id for t in ours.takes()} & {t.id for t in copy.takes()}
        assert copy.take(4).parent == copy.take(3).id
        assert copy.turns()[0]["takes"] == [copy.take(4).id] == copy.state["focus"]
    with Library.open(place / "home") as library:
        assert library.session("Picnic 🧺 2").head == library.session("Picnic 🧺 2").take(3)
        assert library.notices == []


def test_another_history_of_the_same_concept_comes_in_as_a_copy(place: Path) -> None:
    with Library.open(place / "home") as library:
        library.revert("Biscuit", 1)
        library.export_concept("Biscuit", place / "longer.limner")
        library.forget("Biscuit")
        library.import_file(place / "concept.limner")
        library.import_file(place / "longer.limner")
        assert [(c.name, c.version) for c in library.concepts()] == [
            ("Biscuit", 2),
            ("Biscuit 2", 3),
            ("Unused", 1),
        ]
        assert library.concept("Biscuit").id != library.concept("Biscuit 2").id


def test_exporting(place: Path, tmp_path: Path) -> None:
    with Library.open(place / "home") as library:
        library.export_concept("Biscuit", place / "concept.limner")
        assert (place / "concept.limner").read_bytes() == (place / "concept.limner").read_bytes()
        photo = place / "photo.jpg"
        photo.write_bytes(b"mine")
        for file in (photo, tmp_path, tmp_path / "no" / "such" / "folder"):
            with pytest.raises(UserError):
                library.export_concept("Biscuit", file)
        assert photo.read_bytes() == b"mine"
        with pytest.raises(NotFound):
            library.export_session("nowhere", place / "x")
        with pytest.raises(NotFound):
            library.export_concept("nobody", place / "x")
        assert not list(place.glob("*.tmp")) and not (place / "x").exists()


# Archives that mean harm


def read(file: Path) -> Files:
    with zipfile.ZipFile(file) as source:
        return {name: source.read(name) for name in source.namelist()}


def write(file: Path, files: Files, *, hashes: bool = True) -> None:
    """Write an archive; with `hashes` its list of files is made to fit."""
    manifest = json.loads(files["manifest.json"])
    if hashes:
        facts = {n: {"size": len(d), "sha256": hashlib.sha256(d).hexdigest()} for n, d in files.items()}
        manifest["files"] = {n: f for n, f in facts.items() if n != "manifest.json"}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files.items():
            target.writestr(name, json.dumps(manifest) if name == "manifest.json" else data)


def edit(files: Files, ending: str, change: Callable[[Any], object]) -> None:
    """Change a JSON file of the archive."""
    name = next(n for n in files if n.endswith(ending))
    record = json.loads(files[name])
    change(record)
    files[name] = json.dumps(record).encode()


def rename(files: Files, ending: str, new: str) -> None:
    files[new] = files.pop(next(n for n in files if n.endswith(ending)))


def bomb(files: Files) -> None:
    name = next(n for n in files if "/reference-" in n)
    files[name] = b"\0" * (archive.MAX_FILE + 1)


def huge_picture(files: Files) -> None:
    import io

    buffer = io.BytesIO()
    Image.new("RGB", (1, 1)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = (20_000).to_bytes(4, "big") * 2
    name = next(n for n in files if n.endswith("image.png"))
    files[name] = bytes(data)


HOSTILE: dict[str, Callable[[Files], object]] = {
    "escape": lambda f: rename(f, "turns.jsonl", "session/../../../evil"),
    "absolute": lambda f: rename(f, "turns.jsonl", "/tmp/evil"),
    "backslash": lambda f: rename(f, "turns.jsonl", "session\\..\\evil"),
    "stranger": lambda f: f.update({"session/run.sh": b"rm"}),
    "folder": lambda f: f.update({"session/turns.jsonl/": b""}),
    "bomb": bomb,
    "huge picture": huge_picture,
    "no picture": lambda f: f.pop(next(n for n in f if n.endswith("image.png"))),
    "no concept file": lambda f: f.pop(next(n for n in f if "/rejected-" in n)),
    "other content": lambda f: f.update({next(n for n in f if "/reference-" in n): f["session/session.json"]}),
    "no picture at all": lambda f: f.update({next(n for n in f if n.endswith("image.png")): b"GIF89a"}),
    "vectors": lambda f: f.update({next(n for n in f if n.endswith(".npy")): b"\x93NUMPY"}),
    "version": lambda f: edit(f, "manifest.json", lambda m: m.update(limner_archive=2)),
    "kind": lambda f: edit(f, "manifest.json", lambda m: m.update(kind="evil")),
    "no manifest": lambda f: edit(f, "manifest.json", lambda m: m.clear()),
    "concept format": lambda f: edit(f, "concept.json", lambda r: r.update(format=9)),
    "concept path": lambda f: edit(f, "concept.json", lambda r: r["versions"][0]["references"].append("../x")),
    "concept name": lambda f: edit(f, "concept.json", lambda r: r.update(name="a/b")),
    "concept kind": lambda f: edit(f, "concept.json", lambda r: r["versions"][0].update(kind="a\nb")),
    "concept id": lambda f: edit(f, "concept.json", lambda r: r.update(id="c000000000000")),
    "empty attribute": lambda f: edit(f, "concept.json", lambda r: r["versions"][0].update(stable=[""])),
    "no number": lambda f: edit(f, "concept.json", lambda r: r["versions"][0].update(version="1")),
    "take number": lambda f: edit(f, "take.json", lambda r: r.update(number=99)),
    "take parent": lambda f: edit(f, "take.json", lambda r: r.update(parent="t000000000000")),
    "take seed": lambda f: edit(f, "take.json", lambda r: r.update(seed=-1)),
    "take score": lambda f: edit(f, "take.json", lambda r: r["scores"].update(subject=7)),
    "take infinity": lambda f: edit(f, "take.json", lambda r: r["settings"].update(x=float("inf"))),
    "session name": lambda f: edit(f, "session.json", lambda r: r.update(name="\x1b[2J")),
    "session history": lambda f: edit(f, "session.json", lambda r: r.update(position=99)),
    "session next": lambda f: edit(f, "session.json", lambda r: r.update(next=1)),
    "session list": lambda f: f.update({"session/session.json": b"[]"}),
    "deep": lambda f: f.update({"session/session.json": b'{"a":' + b"[" * 90_000}),
    "turns": lambda f: f.update({"session/turns.jsonl": b"nonsense\n"}),
}


@pytest.mark.parametrize("harm", HOSTILE)
def test_a_hostile_archive_changes_nothing(place: Path, tmp_path: Path, harm: str) -> None:
    files = read(place / "session.limner")
    HOSTILE[harm](files)
    write(place / "hostile.limner", files)
    with Library.open(tmp_path / "new") as library:
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(UserError, match="hostile.limner cannot be imported: .*; nothing was changed"):
            library.import_file(place / "hostile.limner")
        assert sorted(tmp_path.rglob("*")) == before


def test_escapes_in_an_archive_are_taken_out(place: Path, tmp_path: Path) -> None:
    files = read(place / "session.limner")
    edit(files, "take.json", lambda r: r.update(prompt="\x1b[2Jclear", method="a\x07b"))
    edit(files, "concept.json", lambda r: r["versions"][1].update(stable=["\x1b]0;x\x07ears"]))
    write(place / "rude.limner", files)
    with Library.open(tmp_path / "new") as library:
        library.import_file(place / "rude.limner")
        assert "clear" in {t.prompt for t in library.session("Picnic 🧺").takes()}
        assert library.concept("Biscuit").stable == ("ears",)


def test_an_altered_archive_is_noticed(place: Path, tmp_path: Path) -> None:
    files = read(place / "concept.limner")
    edit(files, "concept.json", lambda r: r.update(name="Biscuix"))
    write(place / "altered.limner", files, hashes=False)
    with Library.open(tmp_path) as library, pytest.raises(UserError, match="altered"):
        library.import_file(place / "altered.limner")


def test_a_header_that_lies_about_the_size(place: Path, tmp_path: Path) -> None:
    data = (place / "concept.limner").read_bytes()
    with zipfile.ZipFile(place / "concept.limner") as source:
        entry = source.getinfo("manifest.json")
    lie = data.replace(entry.file_size.to_bytes(4, "little"), (10).to_bytes(4, "little"))
    (place / "lie.limner").write_bytes(lie)
    with Library.open(tmp_path) as library, pytest.raises(UserError, match="nothing was changed"):
        library.import_file(place / "lie.limner")


def test_what_is_no_archive(place: Path, tmp_path: Path) -> None:
    (place / "text").write_text("hello", encoding="utf-8")
    (place / "empty").write_bytes(b"")
    with zipfile.ZipFile(place / "other.zip", "w") as other:
        other.writestr("readme", "hello")
    with Library.open(tmp_path) as library:
        for name in ("text", "empty", "other.zip", "missing", "home"):
            with pytest.raises(UserError):
                library.import_file(place / name)
        assert library.concepts() == [] and library.sessions() == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_damaged_archive_is_refused_or_whole(
    sent: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = tmp_path_factory.mktemp("damaged")
    content = bytearray((sent / "session.limner").read_bytes())
    if data.draw(st.booleans(), "cut"):
        del content[data.draw(st.integers(0, len(content) - 1), "from") :]
    else:
        for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4), "at"):
            content[at] ^= data.draw(st.integers(1, 255), "bits")
    (place / "damaged").write_bytes(content)
    with Library.open(place / "home") as library:
        try:
            library.import_file(place / "damaged")
        except UserError:
            assert library.concepts() == [] and library.sessions() == []
        else:  # the change hit bytes that mean nothing
            assert [len(s.takes()) for s in map(library.session, library.sessions())] == [3]
        assert not os.listdir(place / "home" / "staging")

"""What exported pictures say about themselves."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from limner.cli.app import app
from limner.errors import LibraryError, UserError
from limner.memory.library import Library
from limner.memory.values import ConceptUse, Take
from limner.tools.provenance import LABEL, encode, facts, manifest_of, originals


@pytest.fixture
def takes(tmp_path: Path) -> tuple[Path, list[Take]]:
    home = tmp_path / "home"
    with Library.open(home) as library:
        store = library.session("default")
        picture = Image.effect_noise((64, 48), 40).convert("RGB")
        use = ConceptUse("c1", "Bißcuit", 2)
        first = store.add_take(picture, origin="draw", prompt="a secret", concepts=[use], method="lora", model="abc")
        second = store.add_take(picture, origin="edit", prompt="at night", parent=first.id, method="in_context")
        photo = store.add_take(picture, origin="import", prompt="p.png")
        edited = store.add_take(picture, origin="edit", prompt="snow", parent=photo.id, method="in_context")
        return home, [first, second, photo, edited]


def test_facts(takes: tuple[Path, list[Take]]) -> None:
    _, (first, second, photo, edited) = found = takes[0], takes[1]
    about = facts(second, found[1])
    assert about["ai_generated"] and about["lineage"] == [f"{first.id} (draw)"] and about["method"] == "in_context"
    assert about["digital_source_type"].endswith("/trainedAlgorithmicMedia")
    assert facts(edited, found[1])["digital_source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert facts(photo, found[1])["ai_generated"] is False and "digital_source_type" not in facts(photo)
    assert "secret" not in json.dumps(facts(first)) + json.dumps(about)
    assert facts(second, found[1], prompts=True)["earlier_prompts"] == ["a secret"]


def test_png_text(takes: tuple[Path, list[Take]], tmp_path: Path) -> None:
    first = takes[1][0]
    file = tmp_path / "a.png"
    file.write_bytes(encode(first.image, facts(first), file.name))
    with Image.open(file) as read:
        text = read.text  # type: ignore[attr-defined]
        assert read.tobytes() == first.image.tobytes()
    assert text["AI-generated"] == "yes" and text["Concepts"] == "Bißcuit (version 2)" and text["Method"] == "lora"
    assert text["Software"].startswith("Limner ") and json.loads(text["Limner"])["model"] == "abc"
    jpeg = tmp_path / "a.jpg"
    jpeg.write_bytes(encode(first.image, facts(first), jpeg.name))
    with Image.open(jpeg) as read:
        assert json.loads(read.getexif()[0x010E])["concepts"] == ["Bißcuit (version 2)"]
    with pytest.raises(UserError, match="no ending"):
        encode(first.image, facts(first), "a.xyz")


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_a_signed_manifest(takes: tuple[Path, list[Take]], tmp_path: Path, ending: str) -> None:
    c2pa = pytest.importorskip("c2pa")
    home, (first, *_) = takes
    file = tmp_path / f"a.{ending}"
    file.write_bytes(encode(first.image, facts(first), file.name, home))
    manifest = manifest_of(file)
    assert manifest is not None
    labels = {assertion["label"]: assertion["data"] for assertion in manifest["assertions"]}
    action = labels["c2pa.actions.v2"]["actions"][0]
    assert action["action"] == "c2pa.created" and action["digitalSourceType"].endswith("trainedAlgorithmicMedia")
    assert labels[LABEL]["concepts"] == ["Bißcuit (version 2)"]
    with c2pa.Reader.try_create(str(file)) as reader:
        failures = json.loads(reader.json())["validation_results"]["activeManifest"]["failure"]
    assert {failure["code"] for failure in failures} <= {"signingCredential.untrusted"}
    key = home / "signing.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    encode(first.image, facts(first), file.name, home)
    assert key.read_bytes() == before
    data = bytearray(file.read_bytes())
    data[-200 if ending != "webp" else 400] ^= 1  # someone changes the picture
    file.write_bytes(data)
    with c2pa.Reader.try_create(str(file)) as reader:
        assert reader.get_validation_state() == "Invalid"


def test_a_certificate_of_ones_own(
    takes: tuple[Path, list[Take]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("c2pa")
    home, (first, *_) = takes
    for part in ("CERT", "KEY"):
        monkeypatch.setenv(f"LIMNER_C2PA_{part}", str(tmp_path / "none.pem"))
    with pytest.raises(LibraryError, match="certificate"):
        encode(first.image, facts(first), "a.png", home)
    (tmp_path / "none.pem").write_text("nonsense", encoding="utf-8")
    with pytest.raises(LibraryError, match="could not be signed"):
        encode(first.image, facts(first), "a.png", home)


def test_show_writes_it(takes: tuple[Path, list[Take]], tmp_path: Path) -> None:
    home, file = takes[0], tmp_path / "out.png"
    run = CliRunner().invoke(app, ["--home", str(home), "show", "2", "--out", str(file)])
    assert run.exit_code == 0, run.output
    with Image.open(file) as read:
        assert read.text["AI-generated"] == "yes" and "secret" not in json.dumps(dict(read.text))  # type: ignore[attr-defined]
    run = CliRunner().invoke(app, ["--home", str(home), "show", "2", "--out", str(file), "--prompts"])
    with Image.open(file) as read:
        assert "secret" in read.text["Limner"]  # type: ignore[attr-defined]


def test_the_manifest_of_what_was_brought_in_is_preserved(takes: tuple[Path, list[Take]], tmp_path: Path) -> None:
    c2pa = pytest.importorskip("c2pa")
    home, (first, _, photo, edited) = takes
    signed = tmp_path / "signed.png"
    signed.write_bytes(encode(first.image, facts(first), signed.name, home))
    with Library.open(home) as library:
        library.session("default").keep_original(photo, signed.name, signed.read_bytes())
    with Library.open(home) as library:
        assert library.notices == [] and len(library.session("default").takes()) == 4
        library.session("default").delete(3)
        assert not list(home.rglob("original.png"))
        library.session("default").undelete(3)
        library.session("default").keep_original(photo, signed.name, signed.read_bytes())
    assert [file.name for file in originals(edited, takes[1])] == ["original.png"]
    with Library.open(home, write=False) as library:
        library.export_session("default", tmp_path / "session.limner")
    with Library.open(tmp_path / "elsewhere") as library:
        library.import_file(tmp_path / "session.limner")
        there = library.session("default").takes()
        (came,) = originals(there[3], there)
        assert came.read_bytes() == signed.read_bytes()
    out = tmp_path / "edited.png"
    out.write_bytes(encode(edited.image, facts(edited, takes[1]), out.name, home, originals(edited, takes[1])))
    manifest = manifest_of(out)
    assert manifest is not None and [part["title"] for part in manifest["ingredients"]] == ["original.png"]
    with c2pa.Reader.try_create(str(out)) as reader:
        assert len(json.loads(reader.json())["manifests"]) == 2

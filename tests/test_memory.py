"""The library in its normal life: concepts, versions, takes, the tree, search."""

from __future__ import annotations

import math
import platform
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from limner.errors import BadName, LibraryError, NotFound, UserError
from limner.memory.library import Library
from limner.memory.sessions import SessionStore
from limner.memory.values import ConceptUse, Scores, Take

SPACE = "clip-test"


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "home") as opened:
        yield opened


def picture(shade: int = 0, size: tuple[int, int] = (8, 8)) -> Image.Image:
    return Image.new("RGB", size, (shade % 256, shade // 256 % 256, 77))


def vectors(seed: int, rows: int = 1, dim: int = 16) -> np.ndarray:
    found = np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def draw(session: SessionStore, prompt: str = "on the beach", **more: object) -> Take:
    parent = session.head.id if session.head else None
    return session.add_take(picture(), origin="draw", prompt=prompt, **{"parent": parent, **more})  # type: ignore[arg-type]


# Concepts


def test_a_concept_comes_back_as_it_was_taught(library: Library) -> None:
    mask = Image.new("L", (8, 8), 255)
    taught = library.teach(
        "Biscuit",
        "dog",
        [picture(1), picture(2)],
        [mask, None],
        embeddings={SPACE: vectors(1, 2)},
        stable=["long ears"],
        notes=["from a photograph"],
    )
    library.close()
    with Library.open(library.home) as again:
        found = again.concept(" BISCUIT ")
        assert found == taught
        assert (found.version, found.kind, found.stable, found.notes) == (
            1,
            "dog",
            ("long ears",),
            ("from a photograph",),
        )
        assert [Image.open(p).getpixel((0, 0)) for p in found.references] == [(1, 0, 77), (2, 0, 77)]
        assert found.masks[0] is not None and found.masks[1] is None
        array = again.embeddings(found, SPACE)
        assert array is not None and np.array_equal(array, vectors(1, 2))
        assert again.embeddings(found, "another-space") is None


def test_revising_makes_versions_that_can_be_reverted(library: Library) -> None:
    first = library.teach("Mug", "mug", [picture(1)], embeddings={SPACE: vectors(2)}, stable=["red"])
    second = library.revise("mug", add=["tall"], remove=["red", "hat"], reject=picture(9), changeable=["full"])
    assert (second.version, second.stable, second.changeable) == (2, ("tall",), ("full",))
    assert second.negatives == ("hat",) and len(second.rejected) == 1
    third = library.revise("mug", add=["HAT"])
    assert third.negatives == () and third.stable == ("tall", "HAT")
    back = library.revert("mug", 1)
    assert back.version == 4
    assert (back.stable, back.negatives, back.rejected, back.references) == (
        first.stable,
        (),
        (),
        first.references,
    )
    assert library.revert("mug").stable == third.stable
    assert [c.version for c in library.versions("mug")] == [1, 2, 3, 4, 5]
    assert library.concept_at(first.id, 2) == second
    array = library.embeddings(library.concept("mug"), SPACE)
    assert array is not None and np.array_equal(array, vectors(2))


def test_revising_with_nothing_new_changes_nothing(library: Library) -> None:
    taught = library.teach("Mug", "mug", [picture()], stable=["red"])
    assert library.revise("Mug", add=["Red"]) == taught


@pytest.mark.parametrize("version", [0, 2, -1])
def test_reverting_to_no_version(library: Library, version: int) -> None:
    library.teach("Mug", "mug", [picture()])
    with pytest.raises(NotFound, match="no version"):
        library.revert("Mug", version)
    with pytest.raises(UserError, match="only one version"):
        library.revert("Mug")


def test_renaming_keeps_the_versions(library: Library) -> None:
    taught = library.teach("Mug", "mug", [picture()])
    library.teach("Cup", "cup", [picture()])
    library.revise("Mug", add=["red"])
    with pytest.raises(BadName, match='already a concept named "Cup"') as caught:
        library.rename("Mug", "cup")
    assert "forget that one first" in caught.value.hint
    assert library.rename("Mug", "MUG").name == "MUG"
    assert library.rename("mug", "Tasse").version == 2
    assert library.concept_at(taught.id, 1).name == "Tasse"
    with pytest.raises(NotFound):
        library.concept("Mug")


def test_forgetting_leaves_nothing_on_the_disk(library: Library) -> None:
    kept = library.teach("Kept", "cup", [picture(3)], embeddings={SPACE: vectors(3)})
    secret = vectors(4)
    gone = library.teach("Gone", "mug", [picture(4)], embeddings={SPACE: secret})
    library.revise("Gone", reject=picture(5))
    take = draw(library.session(), concepts=[ConceptUse(gone.id, gone.name, 2)])
    assert library.search(SPACE, secret[0], 1)[0][0].id == gone.id
    library.forget("gone")
    assert [c for c, _ in library.search(SPACE, secret[0])] == [kept]
    for path in filter(Path.is_file, library.home.rglob("*")):
        data = path.read_bytes()
        assert secret.tobytes() not in data, path
        assert gone.id.encode() not in data or path.parent == take.image_path.parent
    assert library.find_take(take.id).concepts[0].name == "Gone"
    with pytest.raises(NotFound, match="forgotten"):
        library.concept_at(gone.id, 1)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries cannot be told to")
def test_the_index_holds_nothing_that_was_not_put_into_it(library: Library) -> None:
    put = vectors(3)
    library.teach("Mug", "mug", [picture()], embeddings={SPACE: put})
    for shade in range(4):  # an engine that went before leaves its memory behind
        library.teach("Gone", "mug", [picture(shade)], embeddings={SPACE: vectors(4)})
        library.search(SPACE, put[0], 1)
        library.forget("Gone")
    library.search(SPACE, put[0], 1)
    blocks = list(library.home.rglob("data_level0.bin"))  # of the size of what the engine has allocated
    assert blocks and all(np.count_nonzero(np.fromfile(p, np.uint8)) <= 2 * put.nbytes for p in blocks)


def test_an_unknown_concept_names_near_ones(library: Library) -> None:
    with pytest.raises(NotFound) as error:
        library.concept("Biscuit")
    assert error.value.hint == "Nothing has been taught yet."
    library.teach("Biscuit", "dog", [picture()])
    with pytest.raises(NotFound) as error:
        library.concept("Biscit")
    assert error.value.hint == "Did you mean Biscuit?"
    with pytest.raises(NotFound) as error:
        library.concept("zzzz")
    assert error.value.hint == "Known are: Biscuit."


def test_teaching_needs_a_picture_and_fitting_masks(library: Library) -> None:
    with pytest.raises(UserError, match="at least one picture"):
        library.teach("Mug", "mug", [])
    with pytest.raises(ValueError, match="does not fit"):
        library.teach("Mug", "mug", [picture()], [Image.new("L", (4, 4))])
    with pytest.raises(ValueError, match="embeddings"):
        library.teach("Mug", "mug", [picture()], embeddings={SPACE: vectors(1, 2)})
    assert library.concepts() == [] and not any((library.home / "concepts").iterdir())


def test_pictures_lose_their_metadata(library: Library) -> None:
    image = picture()
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "taken at home")
    image.info.update(icc_profile=b"secret profile", pnginfo=info, transparency=(1, 2, 3))
    concept = library.teach("Mug", "mug", [image])
    with Image.open(concept.references[0]) as stored:
        assert stored.info == {} and stored.mode == "RGB"


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "I;16", "1", "YCbCr"])
def test_any_mode_is_stored_as_rgb(library: Library, mode: str) -> None:
    take = library.session().add_take(Image.new(mode, (5, 4)), origin="import", prompt="")
    assert take.image.mode == "RGB" and take.image.size == (5, 4)


# Search


def test_search_finds_by_the_nearest_reference(library: Library) -> None:
    for i in range(12):
        library.teach(f"Thing {i}", "thing", [picture(i)] * 3, embeddings={SPACE: vectors(i, 3)})
    found = library.search(SPACE, vectors(7, 3)[2], 3)
    assert found[0][0].name == "Thing 7" and math.isclose(found[0][1], 1, abs_tol=1e-5)
    assert len({c.id for c, _ in found}) == 3
    assert [s for _, s in found] == sorted((s for _, s in found), reverse=True)
    exact = {f"Thing {i}": float((vectors(i, 3) @ vectors(7, 3)[2]).max()) for i in range(12)}
    assert all(math.isclose(s, exact[c.name], abs_tol=1e-4) for c, s in found)
    assert len(library.search(SPACE, vectors(7, 3)[2], 100)) == 12
    assert library.search("empty-space", vectors(1)[0]) == []


def test_search_follows_every_change(library: Library) -> None:
    concept = library.teach("Mug", "mug", [picture()])
    assert library.search(SPACE, vectors(1)[0]) == []
    library.put_embeddings(concept, SPACE, vectors(1))
    assert library.search(SPACE, vectors(1)[0])[0][1] > 0.999
    library.put_embeddings(concept, SPACE, vectors(2))
    assert library.search(SPACE, vectors(1)[0])[0][1] < 0.999
    assert len(list((library.home / "concepts" / concept.id).glob("*.npy"))) == 1
    revised = library.revise("Mug", add=["blue"])
    assert library.search(SPACE, vectors(2)[0])[0][0] == revised
    assert library.notices == []


def test_search_keeps_spaces_and_dimensions_apart(library: Library) -> None:
    library.teach(
        "Anna",
        "thing",
        [picture()],
        embeddings={SPACE: vectors(1), "face-1": vectors(2), "dim-8": vectors(3, 1, 8)},
    )
    library.teach("B", "thing", [picture()], embeddings={SPACE: vectors(4, 1, 8)})
    assert [c.name for c, _ in library.search(SPACE, vectors(1)[0])] == ["Anna"]
    assert [c.name for c, _ in library.search(SPACE, vectors(4, 1, 8)[0])] == ["B"]
    assert [c.name for c, _ in library.search("face-1", vectors(2)[0])] == ["Anna"]


@pytest.mark.parametrize("vector", [np.zeros(4), np.ones((2, 2)), np.array([np.nan, 1])])
def test_search_refuses_what_is_no_vector(library: Library, vector: np.ndarray) -> None:
    with pytest.raises(ValueError, match="vector"):
        library.search(SPACE, vector)


def test_text_search(library: Library) -> None:
    library.teach("Biscuit", "dog", [picture()], stable=["long brown ears"])
    library.teach("My old mug", "mug", [picture()], stable=["chipped"])
    library.teach("Füße", "boots", [picture()])
    names = [c.name for c in library.search_text("the dog with brown ears")]
    assert names[0] == "Biscuit"
    assert [c.name for c in library.search_text("chipped mug")][0] == "My old mug"
    assert [c.name for c in library.search_text("bisquit")] == ["Biscuit"]
    assert [c.name for c in library.search_text("FÜSSE")] == ["Füße"]
    assert library.search_text("") == [] and library.search_text("xylophone") == []


def test_nothing_heavy_is_imported_without_a_search(tmp_path: Path) -> None:
    program = (
        "import sys; from limner.memory.library import Library\n"
        f"with Library.open({str(tmp_path)!r}) as l: l.concepts(), l.session().takes(), l.sessions()\n"
        "heavy = {'torch', 'chromadb', 'numpy', 'langchain', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# Takes and the tree


def test_a_take_comes_back_as_it_was_added(library: Library) -> None:
    session = library.session("picnic")
    parent = draw(session)
    take = session.add_take(
        picture(5),
        origin="edit",
        prompt="now at\nnight",
        parent=parent.id,
        description="a dog; now at night",
        concepts=[ConceptUse("c123456789abc", "Biscuit", 3)],
        method="in_context",
        adapters=["warm"],
        borrow_from=parent.id,
        seed=2**40,
        model="abc",
        settings={"guidance": 3.0, "steps": (1, 2)},
        scores=Scores(1.0000001, math.nan, -1e-9, "accept"),
        seconds=0.4,
    )
    assert take.scores == Scores(1.0, None, 0.0, "accept")
    library.close()
    with Library.open(library.home) as again:
        found = again.session("Picnic").take("#2")
        assert found == take and found.image.getpixel((1, 1)) == (5, 0, 77)
        assert found.settings == {"guidance": 3.0, "steps": [1, 2]}
        assert again.find_take(take.id, session="default") == take


def test_undo_redo_and_branches(library: Library) -> None:
    session = library.session()
    with pytest.raises(UserError, match="nothing to undo"):
        session.undo()
    one, two, three = draw(session), draw(session), draw(session)
    assert session.undo(2) == one and (session.can_undo, session.can_redo) == (1, 2)
    assert session.redo() == two
    with pytest.raises(UserError, match="Only 1 step can be redone, not 2"):
        session.redo(2)
    assert session.fork(three.id) == three and session.undo() == two
    four = draw(session)
    assert four.parent == two.id and four.number == 4 and session.can_redo == 0
    assert session.undo(3) is None and session.head is None
    with pytest.raises(UserError, match="1 or more"):
        session.redo(0)


def test_a_candidate_need_not_move_the_head(library: Library) -> None:
    session = library.session()
    one = draw(session)
    draw(session, advance=False)
    assert session.head == one and [t.number for t in session.takes()] == [1, 2]


def test_deleting_leaves_a_place_in_the_tree(library: Library) -> None:
    session = library.session()
    one, two, three = draw(session), draw(session, "a secret"), draw(session)
    deleted = session.delete(2)
    assert deleted == two and not two.image_path.exists()
    assert session.head == three and session.take(3).parent == two.id
    assert session.undo() == one and session.can_undo == 1
    with pytest.raises(NotFound, match="Take 2 was deleted"):
        session.take("2")
    assert "secret" not in (two.image_path.parent / "take.json").read_text(encoding="utf-8")
    session.delete(3)
    assert draw(session).number == 4, "numbers are never used again"
    library.close()
    with Library.open(library.home) as again:
        assert [t.number for t in again.session().takes()] == [1, 4]


def test_what_was_deleted_can_be_brought_back(library: Library) -> None:
    session = library.session()
    draw(session)
    two = draw(session, "the middle")
    three = draw(session, parent=two.id)
    png = two.image_path.read_bytes()
    session.delete(3)
    session.delete(2)
    assert session.head is not None and session.head.number == 1
    assert session.undelete() == two and session.head == two
    assert two.image_path.read_bytes() == png and session.take(2).prompt == "the middle"
    assert session.undelete("#3") == three and session.head == three
    with pytest.raises(UserError, match="no deleted take that"):
        session.undelete()
    session.delete(2)
    session.undo()
    with pytest.raises(UserError, match="no deleted take 1 "):
        session.undelete(1)
    assert session.undelete(2) == two and session.head != two, "who has moved since stays there"
    session.delete(3)
    library.close()
    with Library.open(library.home) as again:
        assert [t.number for t in again.session().takes()] == [1, 2]
        with pytest.raises(UserError):
            again.session().undelete(3)


def test_the_nearest_parent_that_is_left(library: Library) -> None:
    session = library.session()
    one = draw(session)
    two = draw(session, parent=one.id)
    three = draw(session, parent=two.id)
    session.delete(2)
    assert session.parent(three) == one and session.parent(one) is None
    library.close()
    with Library.open(library.home, write=False) as again:
        assert again.session().parent(three) == one


def test_rating_and_scoring(library: Library) -> None:
    session = library.session()
    draw(session)
    assert session.rate(1, True).rating == "good"
    assert session.set_scores("1", Scores(0.5)).rating == "good"
    library.close()
    with Library.open(library.home) as again:
        take = again.session().take(1)
        assert (take.rating, take.scores) == ("good", Scores(0.5))


@pytest.mark.parametrize("ref", ["7", "#0", 0, -1, "", "t000000000000", "x" * 500, "٣", True])
def test_an_unknown_take(library: Library, ref: int | str) -> None:
    draw(library.session())
    with pytest.raises(NotFound):
        library.find_take(ref)


def test_turns_and_state_are_kept(library: Library) -> None:
    session = library.session()
    session.add_turn({"text": "hello\x1b[31m", "takes": ("t1",), "question": None})
    session.put_state(pending={"question": "Which one?"}, focus=["Biscuit"])
    session.put_state(focus=None)
    library.close()
    with Library.open(library.home) as again:
        (turn,) = again.session().turns()
        assert turn["text"] == "hello" and turn["takes"] == ["t1"] and turn["time"]
        assert again.session().state == {"pending": {"question": "Which one?"}}


def test_sessions_by_name(library: Library) -> None:
    assert library.sessions() == []
    with pytest.raises(NotFound, match="no session"):
        library.session("picnic", create=False)
    picnic = library.session("Picnic 🧺")
    assert library.session(" picnic  🧺") is picnic and picnic.name == "Picnic 🧺"
    assert library.session("PICNIC 🧺", create=False).folder.parent == library.home / "sessions"
    library.session()
    assert library.sessions() == ["Picnic 🧺", "default"]


# One writer


def test_a_second_writer_is_told_and_a_reader_is_not(library: Library) -> None:
    draw(library.session())
    library.teach("Mug", "mug", [picture()])
    with pytest.raises(LibraryError, match=r"being used by another Limner \(process \d+\)"):
        Library.open(library.home)
    with Library.open(library.home, write=False) as reader:
        assert [t.number for t in reader.session().takes()] == [1]
        assert reader.session("nowhere").takes() == [] and reader.sessions() == ["default"]
        for change in (
            lambda: reader.forget("Mug"),
            lambda: draw(reader.session()),
            lambda: reader.session().undo(),
            lambda: reader.search(SPACE, np.ones(4)),
        ):
            with pytest.raises(LibraryError, match="not open for writing"):
                change()
    assert len(library.concepts()) == 1


def test_a_reader_makes_nothing(tmp_path: Path) -> None:
    with Library.open(tmp_path / "none", write=False) as reader:
        assert reader.concepts() == [] and reader.session().takes() == [] and reader.sessions() == []
    assert not (tmp_path / "none").exists()


def test_a_closed_library_takes_nothing(library: Library) -> None:
    library.close()
    with pytest.raises(LibraryError, match="not open"):
        library.teach("Mug", "mug", [picture()])
    Library.open(library.home).close()


def test_several_threads_may_write(library: Library) -> None:
    session = library.session()

    def work(i: int) -> None:
        for j in range(5):
            library.teach(f"{i} {j}", "thing", [picture()])
            draw(session, parent=None)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(library.concepts()) == 20
    assert [t.number for t in session.takes()] == list(range(1, 21))


def test_the_place_of_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMNER_HOME", str(tmp_path / "named"))
    with Library.open() as library:
        assert library.home == tmp_path / "named"
    monkeypatch.setenv("LIMNER_HOME", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "platform", "linux")
    with Library.open() as library:
        assert library.home == tmp_path / "data" / "limner"

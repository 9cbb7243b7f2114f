"""Kill a writing Limner at random moments, reopen its library and check that nothing is lost or half there.

    python tests/kill9.py --moments 200 [--seed 1] [--home DIR]

A child process teaches, revises, renames, reverts and forgets concepts, adds, rates and deletes takes, logs
turns and searches. It says on its standard output what it is about to do and, when the call returned, that it
is done. After a random time it gets SIGKILL. Then the library is opened again and must hold exactly what was
reported as done; what was under way may have happened whole or not at all. Pictures are compared pixel by
pixel, the folders are looked through for leftovers, and the answers of the search are compared with the
concepts. Prints one JSON line at the end; the exit status is 1 when anything was wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from kill9_child import SPACE, facts, pixels, vectors
from PIL import Image

from limner.errors import LibraryError
from limner.memory.library import Library
from limner.memory.values import Concept

MOMENTS_PER_HOME = 50
"""After that many kills a new library is begun, so that checking all of it stays quick."""
HARMLESS = ("An unfinished write", "The search index is made anew")


@dataclass
class Expected:
    """What the library must hold, from the children's reports."""

    concepts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Id to `facts`."""
    vectors: dict[str, int] = field(default_factory=dict)
    """Concept id to the seed of its vectors."""
    takes: dict[str, str] = field(default_factory=dict)
    """Id to `pixels`."""
    turns: list[str] = field(default_factory=list)
    pending: dict[str, Any] | None = None
    """What was begun and not reported as done."""

    def note(self, said: dict[str, Any]) -> None:
        """One line of a child."""
        if "begin" in said:
            self.pending = said
        done = said.get("done")
        if done is None:
            return
        self.pending = None
        if done in ("teach", "revise", "revert", "rename"):
            self.concepts[said["id"]] = {k: v for k, v in said.items() if k not in ("done", "seed")}
        if done in ("teach", "embed"):
            self.vectors[said["id"]] = said["seed"]
        if done == "forget":
            del self.concepts[said["id"]]
        if done == "take":
            self.takes[said["id"]] = said["pixels"]
        if done == "delete":
            del self.takes[said["id"]]
        if done == "turn":
            self.turns.append(said["text"])


class Check:
    """Compares an opened library with what it must hold, and then believes what was found."""

    def __init__(self, library: Library, expected: Expected) -> None:
        self.library = library
        self.expected = expected
        self.pending = expected.pending or {}
        self.faults: list[str] = []

    def run(self) -> list[str]:
        """All faults, as sentences."""
        self.concepts()
        self.takes()
        self.folders()
        self.search()
        notices = [n for n in self.library.notices if not n.startswith(HARMLESS)]
        self.need(not notices, f"notices: {notices}")
        self.expected.pending = None
        return self.faults

    def need(self, condition: object, fault: str) -> None:
        """Note a fault unless `condition`."""
        if not condition:
            self.faults.append(fault)

    def concepts(self) -> None:
        """Each is there as reported; at most the one under way differs, and is whole."""
        found = {c.id: c for c in self.library.concepts()}
        old = self.expected.concepts
        act, subject = self.pending.get("begin"), self.pending.get("id")
        gone, new = old.keys() - found.keys(), found.keys() - old.keys()
        self.need(gone <= ({subject} if act == "forget" else set()), f"lost concepts: {gone}")
        self.need(len(new) <= (act == "teach"), f"unknown concepts: {new}")
        self.need(all(found[i].name == self.pending.get("name") for i in new), "an unknown concept has another name")
        for identity, concept in found.items():
            if identity in old and (identity != subject or act not in ("revise", "revert", "rename")):
                self.need(facts(concept) == old[identity], f"{concept.name} is not as it was reported")
            for version in self.library.versions(concept.name):
                for path in (*version.references, *version.rejected, *filter(None, version.masks)):
                    self.decode(path)
            self.embeddings(concept)
        self.expected.concepts = {i: facts(c) for i, c in found.items()}

    def embeddings(self, concept: Concept) -> None:
        """The vectors are the reported ones, or those that were under way."""
        array = self.library.embeddings(concept, SPACE)
        seeds = [self.expected.vectors.get(concept.id), self.pending.get("seed")]
        same = [s for s in seeds if s is not None and array is not None and np.array_equal(array, vectors(s))]
        self.need(same, f"{concept.name} has other vectors")
        if same:
            self.expected.vectors[concept.id] = same[0]

    def takes(self) -> None:
        """Each is there with its pixels; the head is one of them; each reported turn is logged."""
        session = self.library.session()
        found = {t.id: t for t in session.takes()}
        old = self.expected.takes
        act, subject = self.pending.get("begin"), self.pending.get("id")
        gone, new = old.keys() - found.keys(), found.keys() - old.keys()
        self.need(gone <= ({subject} if act == "delete" else set()), f"lost takes: {gone}")
        self.need(len(new) <= (act == "take"), f"unknown takes: {new}")
        for identity, take in found.items():
            image = self.decode(take.image_path)
            wanted = old.get(identity, self.pending.get("pixels"))
            self.need(image is not None and pixels(image) == wanted, f"take {take.number} shows something else")
        self.need(session.head is None or session.head.id in found, "the head is no take")
        self.need(len({t.number for t in found.values()}) == len(found), "a number was used twice")
        turns = [t["text"] for t in session.turns()]
        under_way = [self.pending["text"]] if act == "turn" else []
        self.need(turns in (self.expected.turns, self.expected.turns + under_way), "the turns differ")
        self.expected.turns = turns
        self.expected.takes = {i: pixels(t.image) for i, t in found.items()}

    def decode(self, path: Path) -> Image.Image | None:
        """The picture, all of it."""
        try:
            with Image.open(path) as image:
                image.load()
                return image.convert("RGB")
        except OSError as error:
            self.faults.append(f"{path} cannot be read: {error}")
            return None

    def folders(self) -> None:
        """No leftovers, no strangers."""
        home = self.library.home
        self.need(not any((home / "staging").iterdir()), "something is left in staging/")
        self.need(not (home / "broken").exists(), "something was set aside in broken/")
        for concept in self.library.concepts():
            versions = self.library.versions(concept.name)
            files = {p.name for v in versions for p in (*v.references, *v.rejected, *v.masks) if p}
            there = {p.name for p in (home / "concepts" / concept.id).iterdir() if p.suffix != ".npy"}
            self.need(
                there == files | {"concept.json"},
                f"{concept.name} has files that nothing uses: {there - files}",
            )
            arrays = list((home / "concepts" / concept.id).glob("*.npy"))
            self.need(len(arrays) == 1, f"{concept.name} has {len(arrays)} arrays")

    def search(self) -> None:
        """Every concept is found by its own vector, and nothing else is found."""
        found = self.library.concepts()
        if not found:
            return
        for concept in random.Random(0).sample(found, min(8, len(found))):
            array = self.library.embeddings(concept, SPACE)
            best, similarity = self.library.search(SPACE, array[1], 1)[0]
            self.need(best.id == concept.id and similarity > 0.999, f"the search does not find {concept.name}")
        everything = self.library.search(SPACE, vectors(1)[0], len(found) + 10)
        self.need({c.id for c, _ in everything} == {c.id for c in found}, "the search finds other concepts")


@contextmanager
def started(home: Path, seed: int, finds: bool) -> Iterator[subprocess.Popen[bytes]]:
    """A child that is writing; dead at the end."""
    program = Path(__file__).with_name("kill9_child.py")
    command = [sys.executable, str(program), str(home), str(seed), "finds" if finds else "writes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        try:
            yield child
        finally:
            child.kill()


def moment(home: Path, expected: Expected, chance: random.Random, killed: Counter[str]) -> list[str]:
    """Start a child, kill it, check the library. Returns the faults."""
    finds = chance.random() < 0.3
    with started(home, chance.getrandbits(32), finds) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(chance.uniform(0, 1.5 if finds else 0.4))
        child.kill()
        said = child.stdout.read()
        status = child.wait()
    if status != -9 or json.loads(first) != {"ready": True}:
        return [f"the child ended by itself with {status}"]
    lines = said.splitlines()
    for line in lines:
        expected.note(json.loads(line))
    killed[expected.pending["begin"] if expected.pending else "between two acts"] += 1
    try:
        with Library.open(home) as library:
            return Check(library, expected).run()
    except LibraryError as error:
        return [f"the library does not open: {error.text}"]


def main() -> int:
    """Run the program; its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--home", type=Path, help="an empty or missing folder, kept; default: a temporary one")
    options = parser.parse_args()
    root = options.home or Path(tempfile.mkdtemp(prefix="limner-kill9-"))
    chance, began = random.Random(options.seed), time.monotonic()
    faults: list[str] = []
    killed: Counter[str] = Counter()
    expected = Expected()
    for number in range(options.moments):
        if number % MOMENTS_PER_HOME == 0:
            expected = Expected()
        found = moment(root / f"library-{number // MOMENTS_PER_HOME}", expected, chance, killed)
        faults += [f"moment {number}: {fault}" for fault in found]
    result = {
        "moments": options.moments,
        "seed": options.seed,
        "killed_during": dict(killed),
        "faults": faults,
    }
    print(json.dumps({**result, "seconds": round(time.monotonic() - began, 1)}))
    if options.home is None and not faults:
        shutil.rmtree(root)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

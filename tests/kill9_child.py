"""The process that `kill9.py` kills.

It does one random thing after the other to a library and reports each.
"""

from __future__ import annotations

import json
import os
import random
import sys
from hashlib import sha256
from typing import Any

import numpy as np
from PIL import Image

from limner.memory.library import Library
from limner.memory.values import Concept

SPACE, DIM = "test-space", 16


def picture(seed: int) -> Image.Image:
    """A 24 × 24 picture that only this seed gives."""
    noise = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def vectors(seed: int) -> np.ndarray:
    """Two unit vectors, [2, DIM], that only this seed gives."""
    found = np.random.default_rng(seed).standard_normal((2, DIM)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def pixels(image: Image.Image) -> str:
    """A hash of what is to be seen."""
    return sha256(image.convert("RGB").tobytes()).hexdigest()


class Child:
    """Does one random thing after the other and reports each."""

    def __init__(self, home: str, seed: int, finds: bool) -> None:
        self.random = random.Random(seed)
        self.library = Library.open(home)
        self.session = self.library.session()
        self.finds = finds
        self.report(ready=True)

    def run(self) -> None:
        """Until killed."""
        acts = {"teach": 6, "take": 9, "revise": 4, "revert": 2, "rename": 2, "forget": 2, "delete": 2}
        acts |= {"rate": 2, "undo": 2, "turn": 2, "embed": 1, "find": 4 * self.finds}
        while True:
            act = self.random.choices(list(acts), list(acts.values()))[0]
            concepts, takes = self.library.concepts(), self.session.takes()
            if act in ("teach", "take", "turn") or (takes if act in ("delete", "rate", "undo") else concepts):
                getattr(self, act)()

    @staticmethod
    def report(**what: Any) -> None:
        """One line, at once."""
        os.write(1, (json.dumps(what) + "\n").encode())

    def seed(self) -> int:
        """A new seed for a picture or a vector."""
        return self.random.getrandbits(40)

    def some(self) -> Concept:
        """Any concept."""
        return self.random.choice(self.library.concepts())

    def teach(self) -> None:
        """A concept of two pictures, one with a mask."""
        seed, name = self.seed(), f"Subject {self.random.getrandbits(48):x}"
        self.report(begin="teach", name=name, seed=seed)
        masks = [Image.new("L", (24, 24), 255), None]
        pair = [picture(seed), picture(seed + 1)]
        concept = self.library.teach(name, "dog", pair, masks, embeddings={SPACE: vectors(seed)})
        self.report(done="teach", **facts(concept), seed=seed)

    def revise(self) -> None:
        """A new attribute and a rejected picture."""
        concept, seed = self.some(), self.seed()
        self.report(begin="revise", id=concept.id)
        revised = self.library.revise(concept.name, add=[f"trait {seed}"], reject=picture(seed))
        self.report(done="revise", **facts(revised))

    def revert(self) -> None:
        """Back to any older version."""
        concept = self.some()
        if concept.version > 1:
            self.report(begin="revert", id=concept.id)
            version = self.random.randrange(1, concept.version)
            self.report(done="revert", **facts(self.library.revert(concept.name, version)))

    def rename(self) -> None:
        """A new name."""
        concept = self.some()
        self.report(begin="rename", id=concept.id)
        renamed = self.library.rename(concept.name, f"Renamed {self.random.getrandbits(48):x}")
        self.report(done="rename", **facts(renamed))

    def embed(self) -> None:
        """Other vectors for the newest version."""
        concept, seed = self.some(), self.seed()
        self.report(begin="embed", id=concept.id, seed=seed)
        self.library.put_embeddings(concept, SPACE, vectors(seed))
        self.report(done="embed", **facts(concept), seed=seed)

    def forget(self) -> None:
        """One concept less."""
        concept = self.some()
        self.report(begin="forget", id=concept.id)
        self.library.forget(concept.name)
        self.report(done="forget", id=concept.id)

    def take(self) -> None:
        """A take, mostly after the present one."""
        image = picture(self.seed())
        if self.random.random() < 0.2 and self.session.takes():
            self.session.fork(self.random.choice(self.session.takes()).id)
        parent = self.session.head.id if self.session.head else None
        self.report(begin="take", pixels=pixels(image))
        take = self.session.add_take(image, origin="draw", prompt="at night", parent=parent)
        self.report(done="take", id=take.id, number=take.number, pixels=pixels(image))

    def delete(self) -> None:
        """One take less."""
        take = self.random.choice(self.session.takes())
        self.report(begin="delete", id=take.id)
        self.session.delete(take.id)
        self.report(done="delete", id=take.id)

    def rate(self) -> None:
        """A rating; and where the user is."""
        take = self.random.choice(self.session.takes())
        self.report(begin="rate", id=take.id)
        self.session.rate(take.id, True)
        self.report(done="rate", id=take.id)

    def undo(self) -> None:
        """A step back, or forward."""
        if self.session.can_undo:
            self.report(begin="undo")
            self.session.undo()
            self.report(done="undo", head=self.session.head.id if self.session.head else None)

    def turn(self) -> None:
        """A line in the log."""
        text = f"turn {self.seed()}"
        self.report(begin="turn", text=text)
        self.session.add_turn({"text": text, "reply": "Here it is. " * 200})
        self.report(done="turn", text=text)

    def find(self) -> None:
        """A search; writes to Chroma what changed."""
        self.report(begin="find")
        self.library.search(SPACE, vectors(self.seed())[0])
        self.report(done="find")


def facts(concept: Concept) -> dict[str, Any]:
    """What of a concept must be found again."""
    return {
        "id": concept.id,
        "name": concept.name,
        "version": concept.version,
        "stable": list(concept.stable),
        "references": [p.name for p in concept.references],
        "rejected": len(concept.rejected),
    }


if __name__ == "__main__":
    Child(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "finds").run()

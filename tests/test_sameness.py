"""References that are the same, and references of something else, are named when a subject is taught."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
from PIL import Image

from limner.agent.agent import Agent
from limner.starter.world import Subject, render, sample_scene, sample_subject
from limner.tools.sameness import identical, together
from limner.tools.values import Prepared


def shown(folder: Path, name: str, subject: Subject, chance: random.Random) -> Path:
    file = folder / f"{name}.png"
    render(sample_scene(chance, [subject])).image.save(file)
    return file


def test_groups_are_linked_by_likeness() -> None:
    angles = np.radians([0, 30, 60, 180, 200])
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1)
    assert together(vectors, 0.8) == [[1, 2, 3], [4, 5]], "the first and the third by way of the second"
    assert together(vectors[:1], 0.8) == [[1]]


def test_only_pictures_that_are_equal_pixel_for_pixel_are_identical() -> None:
    chance = random.Random(1)
    one, other = (render(sample_scene(chance, [sample_subject(chance)])).image for _ in range(2))
    assert identical([Prepared(p, None) for p in (one, other, one.copy())]) == [[1, 3]]


def test_odd_and_identical_references_are_named_at_teaching(tmp_path: Path) -> None:
    chance = random.Random(4)
    subject, stranger = sample_subject(chance), sample_subject(chance)
    files = [shown(tmp_path, name, subject, chance) for name in "ab"]
    odd = shown(tmp_path, "odd", stranger, chance)
    with Agent.open(preset="starter", home=tmp_path / "home") as agent:
        agent.teach("Momo", files)
        assert not agent.notices
        agent.teach("Juno", [*files, odd])
        assert agent.notices[-1] == "Picture 3 shows something else than the others; Juno is met better without."
        agent.teach("Otto", [files[0], odd, odd])
        assert agent.notices[-2] == "Pictures 2 and 3 are the same; one of them is enough."
        agent.teach("Wanda", [files[0], odd])
        assert agent.notices[-1] == "The pictures of Wanda do not seem to show the same subject (1; 2)."
        said = " and ".join(str(file) for file in (files[0], odd))
        events = list(agent.session("talk").stream(f"This is Zelda: {said}"))
        for name in ("one.png", "two.png"):
            Image.effect_noise((300, 200), 90).convert("RGB").save(tmp_path / name)
        told = len(agent.notices)
        agent.teach("Nora", [files[0], odd, tmp_path / "one.png", tmp_path / "two.png"])
        assert not any("show" in text for text in agent.notices[told:]), "of photographs the encoder cannot tell"
    assert any("do not seem to show the same subject" in getattr(event, "text", "") for event in events)

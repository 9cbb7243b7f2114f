"""A conversation by the command line that goes through all rungs, as a page of the docs: what `docs/ladder.md` holds.

    python -m limner.bench.transcript [--out docs] [--first 0]

Every line under a `$` is what the real command printed, in an empty library. The subject is the first of those that no
model was trained on for which no rung draws a picture that passes, so that the ladder offers a training.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from ..errors import ModelError
from ..starter.world import render
from .storybook.trials import Trial, make_trial

SEED = 77
"""Of the trials among which a subject is looked for."""
MOST = 80
PATIENCE = 900.0
"""Seconds that a training may take."""
OFFER = "Shall I train"


class Shell:
    """Runs `limner` in a library of its own and keeps what was printed, as Markdown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []

    def run(self, *words: str, shown: bool = True) -> str:
        """One command; what it printed."""
        environment = os.environ | {"LIMNER_HOME": str(self.folder / "library"), "COLUMNS": "100", "NO_COLOR": "1"}
        made = subprocess.run(
            (sys.executable, "-m", "limner", *words),
            capture_output=True, text=True, check=True, env=environment, cwd=self.folder,
        )  # fmt: skip
        if shown:
            said = " ".join(f'"{word}"' if re.search(r"[^\w./-]", word) else word for word in words)
            printed = made.stdout.replace(f"{self.folder}/", "").rstrip()
            self.lines += ["```", f"$ limner {said}", printed, "```", ""]
        return made.stdout

    def say(self, *words: str) -> None:
        """A sentence between the commands."""
        self.lines += [" ".join(words), ""]


def offered(folder: Path, trial: Trial) -> Shell | None:
    """Teaches the trial's subject and asks for its picture; `None` where a rung's picture passes."""
    shell = Shell(folder)
    render(trial.references[0]).image.save(folder / "reference.png")
    shell.run("teach", trial.name, "reference.png", "--kind", trial.subject.kind)
    shell.say("The cheapest rung that may do draws first. What does not pass is tried again, then the next rung draws.")
    return shell if OFFER in shell.run("say", trial.prompt) else None


def trained(shell: Shell, trial: Trial) -> None:
    """Says yes, waits for the training, and asks for the picture again."""
    shell.run("say", "yes")
    until = time.monotonic() + PATIENCE
    while _state(shell) in ("waiting", "running"):
        if time.monotonic() > until:
            raise ModelError(f"The training took longer than {PATIENCE:.0f} s.")
        time.sleep(2)
    shell.say("The training goes on in a process of its own. When it is over:")
    shell.run("jobs")
    shell.say("The same words once more; the ladder begins with what was learned.")
    shell.run("say", trial.prompt)
    shell.run("takes")


def _state(shell: Shell) -> str:
    jobs = [json.loads(line) for line in shell.run("jobs", "--json", shown=False).splitlines() if line.strip()]
    return str(jobs[-1]["state"]) if jobs else ""


def pictures(folder: Path, file: Path) -> None:
    """The reference and all takes in a row."""
    takes = sorted(
        (folder / "library" / "sessions").glob("*/takes/*/image.png"), key=lambda p: int(p.parent.name.split("-")[0])
    )
    found = [
        Image.open(path).convert("RGB").resize((192, 192), Image.Resampling.LANCZOS)
        for path in (folder / "reference.png", *takes)
    ]
    strip = Image.new("RGB", (200 * len(found) - 8, 192), "white")
    for i, image in enumerate(found):
        strip.paste(image, (200 * i, 0))
    strip.save(file)


def write(out: Path, first: int) -> Path:
    """Looks for a subject from trial `first` on and writes `ladder.md` and `ladder.png`."""
    for number in range(first, first + MOST):
        trial = make_trial(number, SEED)
        with tempfile.TemporaryDirectory() as name:
            shell = offered(Path(name), trial)
            if shell is None:
                continue
            trained(shell, trial)
            pictures(Path(name), out / "ladder.png")
        head = (
            "# Through all rungs by the command line\n\nMade by `python -m limner.bench.transcript`; nothing here is "
            f"written by hand. Subject {number} of its row is one that no model has seen, known from one picture.\n\n"
            "![The reference, the take before the training, the take after it](ladder.png)\n\n"
        )
        file = out / "ladder.md"
        file.write_text(head + "\n".join(shell.lines), encoding="utf-8")
        return file
    raise ModelError(f"For none of {MOST} subjects was a training offered.")


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m limner.bench.transcript", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--out", type=Path, default=Path("docs"), help="the folder to write to (docs)")
    parser.add_argument("--first", type=int, default=0, help="the subject to begin with (0)")
    chosen = parser.parse_args(argv)
    print(write(chosen.out, chosen.first))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Persona: the benchmark of the survey on personalized content synthesis (arXiv 2405.05538), in its published form.

47 subjects, 25 prompts each, 4 pictures a prompt: picture i is drawn from photograph i with seed 42, and compared by
CLIP with all photographs of the subject (CLIP-I) and with the prompt (CLIP-T); the result is the plain mean. Of the 47
subjects the 30 of the DreamBooth data set can be had freely, so a run on those is called Persona-30.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ..errors import ModelError, NotFound, UserError
from ..tools.images import load_picture
from ..tools.photographs import prepare_together
from ..tools.presets import load_preset
from ..tools.values import Drawn, DrawRequest, SubjectInput
from .results import ResultFolder, table
from .storybook.running import chosen_method

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..tools.studio import Studio

SEED = 42
PICTURES = 4
"""A prompt."""
NAME = "sks"
"""The unique modifier of the published prompts."""
Pair = tuple[float, float]
"""CLIP-I and CLIP-T of one picture."""


@cache
def published() -> dict[str, Any]:
    """Subjects with their classes, prompts, and the published table (CLIP-T, CLIP-I), from the authors' lists."""
    found: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True, slots=True)
class Task:
    """One prompt of one subject."""

    number: int
    subject: str
    kind: str
    prompt: str
    """With {0} for the modifier and {1} for the class."""

    @property
    def words(self) -> str:
        """The prompt as CLIP is asked: the class noun stands for the subject."""
        return self.prompt.format("", self.kind).replace("  ", " ")


def tasks(subjects: Sequence[str]) -> Iterator[Task]:
    """All prompts of the named subjects; the numbers are those of the whole benchmark."""
    about = published()
    for place, (name, kind) in enumerate(about["classes"].items()):
        prompts = about["live_prompts" if kind in about["live"] else "object_prompts"]
        for n, prompt in enumerate(prompts):
            if name in subjects:
                yield Task(place * len(prompts) + n, name, kind, prompt)


def read_log(file: Path) -> list[Pair]:
    """Every picture's (CLIP-I, CLIP-T) in a log: the authors' list of subjects, or a mapping of subjects.

    Raises:
        NotFound: there is no such file. UserError: it is no such log.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        subjects = [entry["prompts"] for entry in data] if isinstance(data, list) else list(data.values())
        pairs = [
            (float(scores[0]), float(scores[1]))
            for prompts in subjects
            for pictures in prompts.values()
            for scores in pictures.values()
        ]
    except FileNotFoundError:
        raise NotFound(f"There is no log {file}.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise UserError(f"{file} is no log of Persona.", "It maps prompts to pictures to [CLIP-I, CLIP-T].") from error
    if not pairs:
        raise UserError(f"{file} holds no pictures.")
    return pairs


def mean(pairs: Sequence[Pair]) -> Pair:
    """The published formula: the plain mean over all pictures."""
    return fmean(pair[0] for pair in pairs), fmean(pair[1] for pair in pairs)


class Runner:
    """Draws and scores what is not there yet."""

    def __init__(self, studio: Studio, method: str, photos: Path, results: ResultFolder) -> None:
        self.studio, self.method, self.photos, self.results = studio, method, photos, results

    def run(self, wanted: Sequence[Task]) -> None:
        """All pictures of the tasks; each is kept as soon as it is scored, so a killed run goes on."""
        done, began, count = self.results.done, time.monotonic(), 0
        subject = ""
        for task in wanted:
            todo = [n for n in range(PICTURES) if (task.number, str(n)) not in done]
            if not todo:
                continue
            if task.subject != subject:
                subject, pictures = task.subject, self._photographs(task.subject)
                embedded = self.studio.embed_images([_middle(picture) for picture in pictures])
                subjects = self._subjects(task, pictures)
            text = self.studio.embed_texts([task.words])[0]
            for n in todo:
                vector = self.studio.embed_images([_middle(self._draw(task, subjects[n % len(subjects)]))])[0]
                alike = float((embedded @ vector).mean()), round(float(text @ vector), 4)
                row = {"trial": task.number, "stage": str(n), "subject": task.subject, "prompt": task.words}
                self.results.add(row | {"clip_i": alike[0], "clip_t": alike[1]})
            count += 1
            if count % 5 == 0:
                each = (time.monotonic() - began) / count
                print(f"{task.subject}: {each:.1f} s a prompt", file=sys.stderr)

    def _photographs(self, subject: str) -> list[Image]:
        files = sorted(file for file in (self.photos / subject).iterdir() if file.suffix.lower() in (".jpg", ".png"))
        return [load_picture(file).image for file in files]

    def _subjects(self, task: Task, pictures: Sequence[Image]) -> list[SubjectInput]:
        """One photograph each, cut out as the product does where it is taught all of them."""
        made = prepare_together(pictures, [self.studio.prepare(picture) for picture in pictures])
        return [
            SubjectInput(NAME, task.kind, (one.image,), (one.mask,), key=f"{task.subject}-{n}@1")
            for n, one in enumerate(made[:PICTURES])
        ]

    def _draw(self, task: Task, subject: SubjectInput) -> Image:
        prompt = task.prompt.format(NAME, "").replace("  ", " ").strip()
        request = DrawRequest(prompt, (subject,), method=self.method, seed=SEED)
        for step in self.studio.draw(request, lambda: False):
            if isinstance(step, Drawn):
                return step.image
        raise ModelError("The model returned no picture.")


def _middle(image: Image) -> Image:
    """The middle square, as CLIP's own preprocessing takes it."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def run(preset: str, method: str, photos: Path, limit: int | None, out: Path | None) -> ResultFolder:
    """Draw and score every subject whose photographs are in `photos`. Raises `NotFound` where there is none."""
    from ..tools.studio import Studio

    known = published()["classes"]
    at_hand = [name for name in known if (photos / name).is_dir()]
    if not at_hand:
        raise NotFound(f"No subject of Persona is in {photos}.", f"It wants folders such as {next(iter(known))}/.")
    studio = Studio(load_preset(preset))
    try:
        used = chosen_method(studio, method)
        model = studio.model_hash(used)
        settings: dict[str, Any] = {
            "benchmark": f"Persona-{len(at_hand)}" if len(at_hand) < len(known) else "Persona",
            "preset": preset, "method": used, "model": model, "encoder": studio.space, "seed": SEED,
        }  # fmt: skip
        folder = out or Path("bench-results") / f"persona-{Path(preset).stem}-{used}-{model[:8]}"
        results = ResultFolder.begin(folder, settings)
        Runner(studio, used, photos, results).run(list(tasks(at_hand[:limit])))
    finally:
        studio.close()
    _write_log(results)
    return results


def _write_log(results: ResultFolder) -> None:
    """The authors' form of the rows, which `--log` reads too."""
    log: dict[str, dict[str, dict[str, list[float]]]] = {}
    for row in sorted(results.rows, key=lambda row: (row["trial"], row["stage"])):
        prompts = log.setdefault(row["subject"], {}).setdefault(row["prompt"], {})
        prompts[f"{int(row['stage']):04d}.jpg"] = [row["clip_i"], row["clip_t"]]
    (results.folder / "log.json").write_text(json.dumps(log, indent=1) + "\n", encoding="utf-8")


def summary(name: str, pairs: Sequence[Pair]) -> dict[str, Any]:
    """One result as a JSON value, to five digits."""
    image, text = mean(pairs)
    return {"name": name, "pictures": len(pairs), "clip_i": round(image, 5), "clip_t": round(text, 5)}


def beside(result: Mapping[str, Any]) -> str:
    """The result among the published ones, best CLIP-I first."""
    rows = [(name, *scores) for name, scores in published()["table"].items()]
    rows.append((f"> {result['name']}", result["clip_t"], result["clip_i"]))
    shown = [[name, f"{text:.5f}".rstrip("0"), f"{image:.5f}".rstrip("0")] for name, text, image in rows]
    return table([["method", "CLIP-T", "CLIP-I"], *sorted(shown, key=lambda row: -float(row[2]))])


def differences(results: ResultFolder) -> list[str]:
    """In what a run differs from the published ones, in sentences."""
    about = results.header["settings"]
    subjects, pictures = len({row["subject"] for row in results.rows}), len(results.rows)
    whole = len(published()["classes"])
    return [
        f"{subjects} of {whole} subjects, {pictures} pictures; the published numbers are of {whole} and 4,700.",
        f"The encoder is the preset's ({about['encoder']}); the published one is OpenAI's CLIP ViT-B/32 in 16 bits.",
        "Each picture is drawn from one photograph, cut out as Limner cuts references; the published runs of trained "
        "methods learn from all of them and their seeds are not known.",
    ]

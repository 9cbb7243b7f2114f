"""The page and the table about presets, made from the registry and the tests.

`python tests/preset_page.py` writes docs/presets.md and README.md's table.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / ".dev"), str(ROOT)]

from limner.tools.admission import WORDS, admitted  # noqa: E402
from limner.tools.backbones import backbones  # noqa: E402
from limner.tools.machine import Machine  # noqa: E402
from limner.tools.presets import BUILT_IN, ModelSpec, Preset, read_preset  # noqa: E402
from limner.tools.trainable import training_bytes  # noqa: E402

PAGE, README = ROOT / "docs" / "presets.md", ROOT / "README.md"
BEGIN, END = "<!-- presets: made by tests/preset_page.py -->", "<!-- /presets -->"
EQUAL = {
    "janus": "drawing greedily from words with guidance, token by token",
    "emu3": "drawing greedily from words and pictures with guidance, token by token",
    "stable_diffusion": "drawing with references, two subjects in regions with one text, a picture to change, masks",
    "stable_diffusion_xl": "drawing, references, two subjects in regions, a picture to change, masks; LoRA",
    "flux": "drawing, a reference or a picture to change, masks; LoRA",
    "flux_dev": "drawing, references through its IP-Adapter, a picture to change, masks; LoRA",
    "flux2": "drawing, two references, masks; LoRA",
    "flux2_dev": "drawing, two references; LoRA",
    "qwen_image_edit": "drawing, two references, masks; LoRA",
    "glm_image": "drawing; with references the painter, after a plan which the libraries cannot make together",
}
"""What the tests compare number by number with the library's own pipeline, called by hand."""
REFERENCE = Machine("cuda", "a GPU", 80 * 10**9, 80 * 10**9, 80)
PIXELS = {"janus": 16, "stable_diffusion": 16}


INTRO = """\
# Presets: what each one needs, and what of it was run

Made by `python tests/preset_page.py` from the registry; a test compares. **No preset on this page was ever run with its
true weights**: where Limner is developed nothing can be fetched. What was run instead is the same code on random small
checkpoints, built by `tests/tiny_pipelines.py` in the exact format of each family (classes, configs, names of files and
tensors, tokenizers), and compared, pixel by pixel, with the library's own pipeline called by hand
(`tests/test_families.py`, `tests/test_diffusion.py`, `tests/test_backbones.py`). So shapes, masks, guidance,
conditioning, adapters and seeds are known to be right; how good the pictures are is not.

Never run: true weights, true size, a GPU, compiled blocks at true size. 8 and 4 bits of all families ran on a
processor, where the library's question for a GPU was put aside; LoRA beside such weights, too: its gradients are those
beside the same weights in 32 bits (`tests/test_quantised.py`). So did offload layer by layer, which the library cannot
do with GLM-Image. What a GPU would be given was tried
on a played one, where tensors from here and from there do not mix, in 16 bits, whole and with idle parts in the
computer's memory, trainings included (`tests/test_elsewhere.py`); kernels, speed and memory of a real one were not.

The revisions were written down where the hub could not be asked. `limner presets get` takes nothing else unasked: one
that the hub has not is said, and with `--newest` the newest state is shown, fetched, and kept to. `main` means the
state of the day on which it is fetched. Sizes are asked of the hub before you agree.

Memory and work are computed from the published sizes of the models; seconds follow from them and are orders of
magnitude. A training beside the model (`lora`, `textual_inversion`, `pivotal`) takes about what drawing does: where the
memory is short it recomputes activations and takes its examples one by one. `dreambooth` keeps 18 bytes a weight of the
U-Net (itself, gradient and moments in 32 bits, and the 16 bits that are multiplied), on a processor also what it was:
at 115 million weights 21.0 were measured there and 20 are forecast (`limner bench training_memory`). What does not fit,
or cannot be trained in so few bits, is refused before anything is loaded.

`limner presets` says what fits this machine and what a picture will take, `limner presets get NAME` shows sizes and
licences, asks, and fetches; `--from PATH` uses a folder that you have, or for Stable Diffusion 1.5 and XL one
safetensors file in the layout of its first makers (configs and tokenizers, a few MB, then still come from the hub's
cache; `tests/test_single_file.py` compares such a file with the folder, weight by weight). A preset of your own is a
file in `presets/` of the library's folder; `limner presets check FILE` names its first mistake by line:

```yaml
name: mine                     # presets/mine.yaml; one named like a built-in one takes its place
summary: My own Stable Diffusion.
methods: [ip_adapter, lora]    # the cheapest first: the ladder climbs in this order
not_for: {ip_adapter: [edit]}  # what a method is not asked for, unless you name it
varied_by: [on the left, far away]   # only for models that draw one picture from one prompt, whatever the seed
models:
  diffusion:
    family: stable_diffusion
    folder: ../models/sd15     # beside this file; or hub: owner/name, with revision and licence
    file: ../models/own.safetensors   # all weights in one file; configs and tokenizers then come from the folder
    adapters: [../models/style.safetensors]   # LoRA and learned words of others, always on
    bits: 16                   # placement is chosen for the machine; what stands here wins
    steps: 25                  # settings of the family and of the methods
    sampler: {kind: DDIMScheduler, timestep_spacing: trailing}   # a class of diffusers, and what it takes
  encoder: {family: clip, folder: ../models/clip}
  segmenter: {family: sam2, hub: facebook/sam2.1-hiera-tiny, licence: Apache-2.0}   # cuts photographs out
```

One file of Stable Diffusion 2 needs a folder with the configs and tokenizers of its own kind: 2-base draws 512
pixels, 2 and 2.1 draw 768 and predict v, and the file does not say which it is. Files that were distilled to few
steps (turbo, lightning, LCM) look like any other, too: they want their makers' `steps`, `guidance: 1` and `sampler`.
Inpainting checkpoints are refused; the ones that they were made from paint in masks.

The presets below name that segmentation model too. `presets get` shows and fetches it with the rest; what was fetched
before, or has no hub to ask, works on without it, as `limner doctor` says ([photographs](photographs.md)).
"""


def drawing(preset: Preset) -> dict[str, ModelSpec]:
    """The models of a preset that draw."""
    return {role: spec for role, spec in preset.models.items() if role in ("ar", "diffusion")}


def large() -> list[Preset]:
    """The presets whose models come from the hub."""
    found = [read_preset(file) for file in sorted(BUILT_IN.glob("*.yaml"))]
    return [preset for preset in found if any(spec.hub for spec in preset.models.values())]


def methods_of(preset: Preset) -> str:
    return ", ".join(f"`{info.name}`" for info in admitted(preset) if info.available)


def table() -> str:
    """README's table."""
    rows = [
        "| preset | draws with | methods | to fetch | memory at 16 bits | commercial use |",
        "|---|---|---|---|---|---|",
    ]
    for preset in large():
        models = drawing(preset).values()
        names = ", ".join(spec.hub.split("/")[1] for spec in models)
        memory = " + ".join(f"{spec.memory:g} GB" for spec in models)
        allowed = "yes" if all(spec.commercial for spec in models) else "**no**"
        rows.append(
            f"| `{preset.name}` | {names} | {methods_of(preset)} | {preset.download:.0f} GB | {memory} | {allowed} |"
        )
    return "\n".join(rows)


def page(weights: Mapping[str, int]) -> str:
    """The page; `weights`: how many weights the random checkpoint of each family has that the tests run."""
    parts = [INTRO]
    for preset in large():
        parts += [f"## {preset.name}", "", preset.summary, ""]
        for role, spec in preset.models.items():
            commit = spec.revision if len(spec.revision) < 40 else spec.revision[:12]
            licence = spec.licence + ("" if spec.commercial else ", **not for commercial use**")
            spare = "; the rest works without it" if preset.spares(role) else ""
            parts.append(f"- {role}: [{spec.hub}](https://huggingface.co/{spec.hub}) at `{commit}`, {licence}{spare}")
            if adapter := spec.settings.get("image_adapter"):
                parts.append(f"- image adapter: [{adapter['hub']}](https://huggingface.co/{adapter['hub']}), "
                             f"`{adapter['weights']}`, {adapter['licence']}")  # fmt: skip
        for info in admitted(preset):
            if info.available:
                can = sorted(info.capabilities & {"draw", "edit", "dress", "borrow", "several", "words"})
                needs = training_bytes(preset, info.name, REFERENCE) if "trained" in info.capabilities else 0
                trained = f"; {needs / 1e9:.1f} GB to train on a GPU" if needs else ""
                parts.append(f"- method `{info.name}`: {', '.join(can)}{trained}")
        for spec in drawing(preset).values():
            parts += _family(spec, weights[spec.family])
        parts.append("")
    return "\n".join(parts)


def _family(spec: ModelSpec, weights: int) -> list[str]:
    made = backbones()[spec.family]
    plain = sorted(name for name in made.takes if not name.startswith("train"))
    takes = ", ".join(WORDS[name].removeprefix("an ") for name in plain)
    trained = " A LoRA can be trained on it" if "train" in made.takes else ""
    trained += ", and words and all its weights." if "train_words" in made.takes else "." if trained else ""
    return [
        f"- {made.label} takes {takes}.{trained} Not: {made.cannot}.",
        f"- run: {weights:,} random weights, {PIXELS.get(spec.family, 64)} px, every method above (drawn, changed, "
        f"stopped, repeated from its seed). Equal to the library: {EQUAL[spec.family]}.",
        f"- never run: its true weights ({spec.memory:g} GB).",
    ]


def count(folder: Path) -> int:
    """Weights in a checkpoint's safetensors, by their headers."""
    from limner.memory.tensors import read_header

    total = 0
    for file in folder.rglob("*.safetensors"):
        for shape in read_header(file).shapes.values():
            size = 1
            for side in shape:
                size *= side
            total += size
    return total


def with_table(readme: str) -> str:
    """README with its table made anew."""
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", f"{BEGIN}\n{table()}\n{END}", readme, flags=re.DOTALL)


def counted(build: Mapping[str, object]) -> dict[str, int]:
    """Weights of the random checkpoint of every family that a preset draws with."""
    wanted = {spec.family for preset in large() for spec in drawing(preset).values()}
    with tempfile.TemporaryDirectory() as folder:
        return {name: count(build[name](Path(folder) / name)) for name in sorted(wanted)}  # type: ignore[operator]


if __name__ == "__main__":
    from tests import tiny

    PAGE.write_text(page(counted(tiny.BUILDERS)), encoding="utf-8")
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")

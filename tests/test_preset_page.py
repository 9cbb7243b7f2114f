"""The page and the table about presets say what the registry says."""

from __future__ import annotations

import re

from limner.tools.presets import check_preset

from . import preset_page, tiny


def test_readme_and_page_are_what_the_registry_says():
    readme = preset_page.README.read_text(encoding="utf-8")
    assert preset_page.with_table(readme) == readme, "python tests/preset_page.py"
    assert preset_page.table() in readme
    assert preset_page.page(preset_page.counted(tiny.BUILDERS)) == preset_page.PAGE.read_text(encoding="utf-8")


def test_the_pages_example_is_sound(tmp_path):
    text = re.search(r"```yaml\n(.*?)```", preset_page.PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for name in ("presets", "models/sd15", "models/clip"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("own", "style"):
        (tmp_path / "models" / f"{name}.safetensors").touch()
    (tmp_path / "presets" / "mine.yaml").write_text(text[1], encoding="utf-8")
    preset = check_preset(tmp_path / "presets" / "mine.yaml")
    assert preset.models["diffusion"].file == tmp_path / "models" / "own.safetensors" and preset.not_for

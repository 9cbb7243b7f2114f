"""The shape of the house: calls go downwards only, heavy libraries have one home, what exists is packaged."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LEVELS = {"memory": 0, "tools": 1, "agent": 2, "tui": 3, "cli": 4}
"""A layer may import the layers below its own level; the command line opens the chat."""
ABOVE = ("starter", "bench")
"""Stand above all layers and may use any; only the command line may import them."""
HOMES = {
    "torch": "tools",
    "transformers": "tools",
    "diffusers": "tools",
    "peft": "tools",
    "accelerate": "tools",
    "bitsandbytes": "tools",
    "cv2": "tools",
    "c2pa": "tools",
    "chromadb": "memory",
    "langchain": "agent",
    "langchain_core": "agent",
    "langgraph": "agent",
    "textual": "tui",
    "textual_image": "tui",
    "typer": "cli",
}
NOT_INSTALLED = ("tests", "build", "dist", "docs")
LONGEST_FILE, LONGEST_FUNCTION = 400, 60


def packages() -> list[str]:
    """The folders of the package, as dotted paths below the root ("tools.methods")."""
    tops = [top for top in ROOT.iterdir() if top.is_dir() and top.name[0] != "." and top.name not in NOT_INSTALLED]
    folders = (file.parent.relative_to(ROOT) for top in tops for file in top.rglob("__init__.py"))
    return sorted(".".join(folder.parts) for folder in folders)


def modules() -> list[Path]:
    """Every Python file that is installed."""
    folders = [ROOT, *(ROOT.joinpath(*package.split(".")) for package in packages())]
    return sorted(file for folder in folders for file in folder.glob("*.py"))


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def layer(file: Path) -> str:
    """The top folder of a file; "" for the root itself."""
    parts = file.relative_to(ROOT).parts
    return parts[0] if len(parts) > 1 else ""


def imports(file: Path) -> Iterator[tuple[str, int]]:
    """What a file imports, wherever in it, as absolute names ("limner.memory.values") with line numbers."""
    package = ("limner", *file.relative_to(ROOT).parent.parts)
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            # `from .. import bench` names a folder only in the imported name.
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def test_calls_go_downwards_only() -> None:
    wrong = []
    for file in modules():
        here = layer(file)
        for name, line in imports(file):
            parts = name.split(".")
            if parts[0] != "limner" or len(parts) < 2 or parts[1] == here:
                continue
            there = parts[1]
            climbs = there in LEVELS and here in LEVELS and LEVELS[there] >= LEVELS[here]
            reaches_up = there in ABOVE and here not in ("cli", *ABOVE)
            if climbs or reaches_up:
                wrong.append(f"{file.relative_to(ROOT)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_inside_the_package_imports_are_relative() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in modules()
        if layer(file) in LEVELS
        for node in ast.walk(tree(file))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "limner")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "limner" for alias in node.names))
    ]
    assert not wrong, wrong


def test_heavy_libraries_have_one_home() -> None:
    wrong = []
    for file in modules():
        here = layer(file)
        for name, line in imports(file):
            home = HOMES.get(name.split(".")[0])
            if home is not None and here != home and here not in ABOVE:
                wrong.append(f"{file.relative_to(ROOT)}:{line} imports {name}, whose home is {home}/")
    assert not wrong, "\n".join(wrong)


def test_everything_imported_is_declared() -> None:
    extras = [line for lines in PROJECT["project"]["optional-dependencies"].values() for line in lines]
    named = [*PROJECT["project"]["dependencies"], *extras]
    declared = {re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0].lower() for line in named}
    names = {
        "cv2": "opencv-python-headless",
        "c2pa": "c2pa-python",
        "PIL": "pillow",
        "yaml": "pyyaml",
        "huggingface_hub": "huggingface_hub",
        "langgraph.checkpoint.sqlite": "langgraph-checkpoint-sqlite",
    }
    wrong = set()
    for file in modules():
        for name, line in imports(file):
            top = name.split(".")[0]
            known = next((wheel for start, wheel in names.items() if name.startswith(start)), top.replace("_", "-"))
            if top not in sys.stdlib_module_names and top != "limner" and known not in declared:
                wrong.add(f"{file.relative_to(ROOT)}:{line} imports {top}, which pyproject.toml does not name")
    assert not wrong, "\n".join(sorted(wrong))


def test_what_exists_is_packaged() -> None:
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert listed == ["limner", *(f"limner.{package}" for package in packages())]


def test_every_pinned_package_is_pinned_once_and_exactly() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^+\s]+", pin) for pin in pins)
    names = [re.sub(r"[-_.]+", "-", pin.split("==")[0]).lower() for pin in pins]
    assert len(names) == len(set(names))
    extras = [line for lines in PROJECT["project"]["optional-dependencies"].values() for line in lines]
    for line in [*PROJECT["project"]["dependencies"], *(line for line in extras if not line.startswith("limner["))]:
        assert re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0].lower().replace("_", "-") in names, line


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(ROOT)))
def test_files_and_functions_stay_small(file: Path) -> None:
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE, f"{lines} lines"
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            words = (ast.get_docstring(node, clean=False) or "").count("\n") + 1
            length = (node.end_lineno or node.lineno) - node.lineno + 1 - words
            assert length <= LONGEST_FUNCTION, f"{node.name}: {length} lines"


HEAVY = (
    "torch",
    "transformers",
    "diffusers",
    "langchain",
    "langchain_core",
    "langgraph",
    "chromadb",
    "textual",
)


@pytest.mark.parametrize("code", ["import limner", "from limner.cli.app import app", "import limner.memory.library"])
def test_importing_costs_no_heavy_library(code: str) -> None:
    assert not loaded(code)


def test_help_imports_no_heavy_library() -> None:
    assert not loaded("from limner.cli.app import app\napp(['--help'], standalone_mode=False)")


def loaded(code: str) -> list[str]:
    """The heavy libraries that a fresh interpreter holds after running `code`."""
    code += f"\nimport sys, json\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    env = os.environ | {"PYTHONPATH": str(ROOT / ".dev")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    return json.loads(done.stdout.splitlines()[-1])

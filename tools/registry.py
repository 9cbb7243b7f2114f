"""Finding what is registered by being there: subclasses in a package's modules and in entry points."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any

from ..errors import ModelError


def discover(package: str, path: Iterable[str], base: type, group: str, key: str) -> dict[str, Any]:
    """`{name: class}` of all concrete subclasses of `base`, the name being the class attribute `key`.

    Modules whose name begins with "_" are skipped. Two classes of one name are an error, said at once.
    """
    return dict(_discover(package, tuple(path), base, group, key))


@lru_cache
def _discover(package: str, path: tuple[str, ...], base: type, group: str, key: str) -> dict[str, Any]:
    modules = [
        importlib.import_module(f"{package}.{found.name}")
        for found in pkgutil.iter_modules(path)
        if not found.name.startswith("_")
    ]
    classes = [
        member
        for module in modules
        for member in vars(module).values()
        if inspect.isclass(member) and member.__module__ == module.__name__
    ]
    classes += [point.load() for point in entry_points(group=group)]
    found: dict[str, Any] = {}
    for made in classes:
        if not issubclass(made, base) or inspect.isabstract(made):
            continue
        name = getattr(made, key)
        if name in found:
            raise ModelError(f"Two classes are registered as {name!r}: {found[name]!r} and {made!r}.")
        found[name] = made
    return dict(sorted(found.items()))

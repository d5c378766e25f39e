"""Places: packages in which each module is one thing of a kind, by its module's name.

To add a thing is to add a module, which has it under the name that its package states,
such as `FORMAT`. Lists and help import every module of a place, so what is heavy is
imported where the thing does its work.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from typing import Any

__all__ = ["either", "everything", "names"]


def everything(package: str, attribute: str) -> dict[str, Any]:
    """Return all that a place has, by name.

    Parameters
    ----------
    package : str
        The place's full name.
    attribute : str
        What its modules call the thing; those without it only help the others.

    Raises
    ------
    ImportError
        If the place's folder cannot be listed.
    """
    modules = {name: importlib.import_module(f"{package}.{name}") for name in names(package)}
    return {
        name: getattr(module, attribute)
        for name, module in modules.items()
        if hasattr(module, attribute)
    }


def names(package: str) -> tuple[str, ...]:
    """Return the names of a place's modules, sorted; raise ImportError as `everything` does."""
    return _names(tuple(importlib.import_module(package).__path__))


@cache  # a process that gave up its rights, or whose folder moved, has what it had
def _names(folders: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(sorted(module.name for module in pkgutil.iter_modules(folders)))
    if not found:  # a place has something: to say that it has nothing would be untrue
        raise ImportError(f"{', '.join(folders)}: cannot be listed; may this user read it?")
    return found


def either(names: Sequence[str]) -> str:
    """Return names as a sentence has them: a, b or c."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last

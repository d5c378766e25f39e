"""Places: packages in which each module is one thing of a kind, by its module's name.

To add a thing is to add a module, which has it under the name that its package states,
such as `FORMAT`. Lists and help import every module of a place, so what is heavy is
imported where the thing does its work.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from typing import Any

__all__ = ["either", "everything"]


def everything(package: str, attribute: str) -> dict[str, Any]:
    """Return all that a place has, by name.

    Parameters
    ----------
    package : str
        The place's full name.
    attribute : str
        What its modules call the thing; those without it only help the others.
    """
    folders = importlib.import_module(package).__path__
    modules = {
        found.name: importlib.import_module(f"{package}.{found.name}")
        for found in sorted(pkgutil.iter_modules(folders), key=lambda found: found.name)
    }
    return {
        name: getattr(module, attribute)
        for name, module in modules.items()
        if hasattr(module, attribute)
    }


def either(names: Sequence[str]) -> str:
    """Return names as a sentence has them: a, b or c."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last

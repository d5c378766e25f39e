"""Optional packages: imported where they are used, with a word on how to get them."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable
from typing import Any

from galedge.errors import GaledgeError

__all__ = ["lacking", "need"]


def lacking(packages: Iterable[str], install: str) -> str | None:
    """Return which of some packages is missing and how it is installed, or None; imports none."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            return f"needs {package}, which is not installed: {install}"
    return None


def need(module: str, extra: str, purpose: str) -> Any:
    """Import a module of an optional package.

    Parameters
    ----------
    module : str
        Its full name; what stands before the first dot is the package.
    extra : str
        The extra of galedge that installs the package.
    purpose : str
        What needs it, as the subject of a sentence.

    Raises
    ------
    GaledgeError
        If it is not installed: one sentence with the pip line.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        if error.name is not None and error.name.partition(".")[0] != package:
            raise  # the package is there, but broken
        raise GaledgeError(
            f"{purpose} needs {package}, which is not installed: pip install 'galedge[{extra}]'"
        ) from None

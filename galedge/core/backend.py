"""The compiled core, or its stand-in where there is none: chosen here and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["SLOW", "_core", "is_compiled"]

SLOW = (
    "this galedge has no compiled core and prepares images by Numba, several times slower; "
    "install a wheel for this platform, or a C++ compiler and galedge from source"
)

is_compiled = True

if TYPE_CHECKING:
    from galedge.core import _core
else:
    import importlib
    import warnings

    try:
        _core = importlib.import_module("galedge.core._core")
    except ModuleNotFoundError as error:
        # A core that is there and does not load is an error to be seen.
        if error.name != "galedge.core._core":
            raise
        from galedge.core import fallback as _core

        is_compiled = False
        warnings.warn(SLOW, RuntimeWarning, stacklevel=2)

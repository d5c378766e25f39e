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
    import os
    import warnings

    from galedge.errors import GaledgeError

    try:
        _core = importlib.import_module("galedge.core._core")
    except ModuleNotFoundError as error:
        # A core that is there and does not load is an error to be seen.
        if error.name != "galedge.core._core":
            raise
        # In a clone, Python finds the sources before the galedge that is installed.
        root = os.path.abspath(__file__).rsplit(os.sep, 3)[0]
        is_source = all(os.path.exists(os.path.join(root, name)) for name in ("csrc", "setup.py"))
        if is_source and not os.environ.get("GALEDGE_PURE"):
            raise GaledgeError(
                f"{root} is galedge's source folder, whose core is not compiled: run "
                "`pip install -e .` in it, or start Python in another folder, where it finds the "
                "galedge that is installed; GALEDGE_PURE=1 does without the core, several times "
                "slower"
            ) from None
        from galedge.core import fallback as _core

        is_compiled = False
        warnings.warn(SLOW, RuntimeWarning, stacklevel=2)

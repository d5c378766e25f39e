"""The one place that imports Numba, and says how to get it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from galedge.errors import GaledgeError

try:
    import numba
except ImportError as error:
    raise GaledgeError(
        "numba is missing, which measuring needs, and everything where galedge has no "
        "compiled core: pip install 'galedge[measure]'"
    ) from error

__all__ = ["kernel"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(function: _Function) -> _Function:
    """Compile a function when it is first called, and keep the code on disk.

    Without fastmath, because NaN is data, and without the interpreter's lock,
    so that threads run side by side.
    """
    return cast("_Function", numba.njit(cache=True, nogil=True)(function))

"""Pixels that are asinh magnitudes, as Pan-STARRS stores its stacks, to linear flux."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.core.backend import _core
from galedge.errors import ReadError

__all__ = ["is_asinh", "to_flux"]

_POGSON = 2.5 / math.log(10)


def is_asinh(text: bytes) -> bool:
    """Tell whether a header says that its pixels are asinh magnitudes, by BSOFTEN."""
    return _core.card_text(text, "BSOFTEN") != ""


def to_flux(values: NDArray[Any], text: bytes) -> NDArray[np.float64]:
    """Return the linear flux of what BSOFTEN and BOFFSET were used to compress.

    Flux is BOFFSET + 2 BSOFTEN sinh(v / a) with a = 2.5 log10 e, of values v to which BSCALE
    and BZERO have been applied (Waters et al. 2020, ApJS 251, 4).

    Raises
    ------
    ReadError
        If one of the two is no finite number, or BSOFTEN not positive.
    """
    soften, offset = (_number(text, keyword) for keyword in ("BSOFTEN", "BOFFSET"))
    if not soften > 0:
        raise ReadError(f"BSOFTEN = {soften:g} is not positive")
    with np.errstate(over="ignore"):  # what no float holds is no measurement
        return offset + 2 * soften * np.sinh(np.asarray(values, np.float64) / _POGSON)


def _number(text: bytes, keyword: str) -> float:
    value = _core.card_text(text, keyword) or "0"
    try:
        number = float(value.upper().replace("D", "E"))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ReadError(f"{keyword} is not a number: {value!r}")
    return number

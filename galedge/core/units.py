"""The power of two that brings pixels to where floats have room; as in csrc/prepare.cpp.

NumPy alone, as sources are found without Numba.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["in_units", "unit_of"]


def unit_of(values: NDArray[np.float32], least: int = -64, most: int = 96) -> float:
    """Return the power of two by which pixels are to be multiplied, nearly always 1.

    Units are the file's, and W/m2/Hz must fare as microjansky does. Multiplying by
    it loses nothing.

    Parameters
    ----------
    values : ndarray of float32
        Pixels; those that are not finite do not count.
    least, most : int
        Powers of two between which the largest pixel may lie. Between the usual ones,
        sums of any number of pixels stay below what floats hold, and the noise of the
        faintest image above what they lose.
    """
    finite = np.abs(values[np.isfinite(values)])
    magnitude = float(finite.max()) if finite.size else 0.0
    if magnitude == 0:
        return 1.0
    exponent = math.frexp(magnitude)[1] - 1
    if exponent < least:
        return math.ldexp(1.0, -exponent)
    return math.ldexp(1.0, most - 1 - exponent) if exponent >= most else 1.0


def in_units(values: NDArray[np.float32], unit: float) -> NDArray[np.float32]:
    """Return pixels multiplied by a unit: the same array where that is 1."""
    return values if unit == 1 else (values * np.float64(unit)).astype(np.float32)

"""Appearance: how sharp, of what colour and how even prepared pictures are.

Answers hardly mind a camera's seeing, the gains of its bands or its flat field; these numbers
do, so a change is seen in them first. They are of what the network sees, in no file's units.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Appearance", "appearances"]

_AT_ONCE = 16  # pictures: what is made of them on the way stays in the cache
_LEAST = 0.01  # of a square of grey levels: a picture without detail has some sharpness, too


class Appearance(NamedTuple):
    """How one picture looks.

    Attributes
    ----------
    sharpness : float
        log2 of the power of details two pixels wide over that of details of four, both by
        the Laplacian of all bands together.
    colour_red, colour_blue : float or None
        log2 of the first and of the last band's light over the middle one's, in the centre;
        None of one band.
    tilt_x, tilt_y : float
        Light in the half of larger x, or y, less that in the other, over all.
    """

    sharpness: float
    colour_red: float | None
    colour_blue: float | None
    tilt_x: float
    tilt_y: float


def appearances(pixels: NDArray[np.uint8]) -> list[Appearance]:
    """Return how each of some prepared pictures looks.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (N, 3, S, S)
        S being 8 or more.

    Returns
    -------
    list of Appearance
        Their numbers are finite, whatever the pixels are.
    """
    found: list[Appearance] = []
    for start in range(0, len(pixels), _AT_ONCE):
        for sharp, red, blue, *tilts in _numbers(pixels[start : start + _AT_ONCE]).tolist():
            if red == blue == 0:  # three times the same plane
                red = blue = None
            found.append(Appearance(sharp, red, blue, *tilts))
    return found


def _numbers(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    side = pixels.shape[-1] // 4 * 4
    two = _binned(np.add.reduce(pixels[:, :, :side, :side], 1, dtype=np.uint16))
    four = _binned(two)
    middle = slice(side * 3 // 8, side * 5 // 8)
    red, green, blue = np.add.reduce(pixels[:, :, middle, middle], (2, 3), dtype=np.uint32).T + 1.0
    half = four.shape[-1] // 2
    columns, rows = (np.add.reduce(four, axis, dtype=np.float64) for axis in (1, 2))
    total = np.maximum(columns.sum(1), 1)
    numbers = (
        # A pixel of two holds 12 values, one of four 48.
        np.log2((_detail(two) / 12**2 + _LEAST) / (_detail(four) / 48**2 + _LEAST)),
        np.log2(red / green),
        np.log2(blue / green),
        *((each[:, -half:].sum(1) - each[:, :half].sum(1)) / total for each in (columns, rows)),
    )
    return np.stack(numbers, 1)


def _binned(light: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return sums of two by two pixels; 48 bytes are within 16 bits."""
    rows = light[:, ::2] + light[:, 1::2]
    return rows[:, :, ::2] + rows[:, :, 1::2]


def _detail(light: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Return the mean square of the Laplacian; 0 where there is no room for one."""
    if light.shape[-1] < 3:
        return np.zeros(len(light))
    f = light.astype(np.float32)
    found = f[:, 1:-1, 1:-1] * np.float32(4)
    for beside in (f[:, :-2, 1:-1], f[:, 2:, 1:-1], f[:, 1:-1, :-2], f[:, 1:-1, 2:]):
        found -= beside
    flat = found.reshape(len(found), -1)
    return np.asarray(np.einsum("ij,ij->i", flat, flat) / np.float64(flat.shape[1]))

"""Appearance: how sharp, of what colour and how even prepared pictures are.

Answers hardly mind a camera's seeing, the gains of its bands or its flat field; these numbers
do, so a change is seen in them first. They are of what the network sees, in no file's units.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galedge.core.backend import _core

__all__ = ["Appearance", "appearances"]


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
    for sharp, red, blue, *tilts in _core.appearances(pixels).tolist():
        if red == blue == 0:  # three times the same plane
            red = blue = None
        found.append(Appearance(sharp, red, blue, *tilts))
    return found

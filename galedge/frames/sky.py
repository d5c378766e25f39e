"""A frame's middle band without its sky, as sources are found and stars compared in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.core.backend import _core
from galedge.core.units import in_units, unit_of
from galedge.errors import Blank
from galedge.frames.frame import Frame
from galedge.images.background import background

__all__ = ["subtracted", "without_sky"]

_MISSING = np.float32(-1e30)  # what is no more stands for a missing value, as for the sky

Floats = NDArray[np.float32]


def subtracted(frame: Frame, threads: int = 1) -> tuple[Floats, Floats]:
    """Return the pixels less the sky, NaN where they are missing, and the sky's noise.

    Both in one unit, though perhaps not the file's: squares of it are floats.

    Raises
    ------
    GaledgeError
        If the frame cannot be read, or has no sky.
    """
    height, width = frame.shape
    try:
        return without_sky(frame.middle_window(0, 0, width, height), threads)
    except Blank as error:
        raise Blank(f"{frame.path}: {error}") from None


def without_sky(pixels: NDArray[Any], threads: int = 1) -> tuple[Floats, Floats]:
    """Return the same of pixels in memory, shape (H, W).

    Raises
    ------
    Blank
        If they have no sky.
    """
    blank = ~(np.isfinite(pixels) & (pixels > _MISSING))
    constant = _core.constant_areas(np.ascontiguousarray(pixels, np.float32)[np.newaxis])
    if constant is not None:  # gaps of a mosaic, corners of a rotated stack
        blank |= constant
    pixels = np.where(blank, np.nan, pixels)
    # sep squares the noise in float32, which holds no square of W/m2/Hz.
    pixels = in_units(pixels, unit_of(pixels, -16, 48))
    sky = background(pixels, threads=threads)
    return pixels - sky.level, sky.noise

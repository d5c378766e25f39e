"""The whole preparation of one galaxy; twin of ``csrc/prepare.*``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galedge.core.kernels.frame import FRAMINGS
from galedge.core.kernels.resample import resample
from galedge.core.kernels.sky import border_sky
from galedge.core.kernels.stretch import (
    STRETCHES,
    Light,
    measure_luminance,
    picture,
    stretching_noise,
)
from galedge.core.units import in_units, unit_of
from galedge.errors import Blank

__all__ = ["FAINT", "MASKED", "Prepared", "prepare_one"]

# Flags by bit; the lower ones stand in `galedge.core.kernels.frame`.
MASKED, FAINT = 16, 32


class Prepared(NamedTuple):
    """What was found on the way; the fields of ``Prepared`` in csrc/prepare.hpp."""

    x: float
    y: float
    side: float
    sky: float
    noise: float
    masked_fraction: float
    flags: int


def prepare_one(
    planes: NDArray[np.float32],
    is_picture: bool = False,
    *,
    size: int = 64,
    framing: str | float = "auto",
    margin: float = 1.25,
    threshold: float = 2.0,
    softening: float = 8.0,
    white: float = 0.995,
    stretch: str = "asinh",
    q: float = 8.0,
) -> tuple[NDArray[np.uint8], Prepared]:
    """Prepare one galaxy; twin of ``prepare`` in csrc/prepare.cpp.

    Parameters
    ----------
    planes : ndarray of float32, shape (1, H, W) or (3, H, W)
        One band or three, C-contiguous.
    is_picture : bool
        Whether they are already stretched: framed and resampled only.
    size, framing, margin, threshold, softening, white, stretch, q
        As in `galedge.Recipe`.

    Raises
    ------
    Blank
        If no pixel is finite or all have the same value.
    """
    _refuse_blank(planes)
    unit = unit_of(planes)
    planes = in_units(planes, unit)
    # The mean of the bands, in which the source is found and the noise measured.
    image = planes[0]
    if len(planes) == 3:
        third = np.float32(1) / np.float32(3)
        image = planes[0] * third + planes[1] * third + planes[2] * third
    sky, noise = border_sky(image)
    name, pixels = (framing, 0.0) if isinstance(framing, str) else ("PIXELS", framing)
    frame, flags = FRAMINGS[name](image, threshold, margin, pixels)

    bands = np.empty((len(planes), size, size), np.float32)
    masked = 0.0
    for band, plane in zip(bands, planes, strict=True):
        level = sky if len(planes) == 1 else border_sky(plane)[0]
        # A border without a valid pixel still leaves the galaxy in the middle.
        level = np.float32(level if np.isfinite(level) else 0)
        band[:], invalid = resample(plane, *frame, size, level)
        masked = max(masked, invalid)
        if not is_picture:
            band -= level
    if masked > 0.1:
        flags |= MASKED
    if is_picture:
        out = picture(bands)
    else:
        # Averaging k x k pixels lowers their noise k times.
        grain = float(noise) * min(1.0, size / frame[2])
        white_level = measure_luminance(bands, white)
        if white_level / stretching_noise(grain, white_level) < 5:
            flags |= FAINT
        out = STRETCHES[stretch](Light(bands, grain, white_level, softening, q))
    half = 0.5 * frame[2] - 0.5
    known_sky = float(sky) if np.isfinite(sky) else 0.0
    x, y, sigma = frame[0] + half, frame[1] + half, float(noise)
    return out, Prepared(x, y, frame[2], known_sky / unit, sigma / unit, masked, flags)


def _refuse_blank(planes: NDArray[np.float32]) -> None:
    finite = planes[np.isfinite(planes)]
    if finite.size == 0:
        raise Blank("no pixel is finite; there is nothing to see")
    if not finite.min() < finite.max():
        raise Blank(f"all pixels have the value {finite[0]:.7g}; there is nothing to see")

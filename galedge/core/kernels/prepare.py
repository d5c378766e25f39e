"""The whole preparation of one galaxy; twin of ``csrc/prepare.*``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galedge.core.kernels.frame import FRAMINGS, Scene
from galedge.core.kernels.mend import filled_share, mend, refuse_blank
from galedge.core.kernels.resample import resample
from galedge.core.kernels.sky import border_sky
from galedge.core.kernels.stretch import (
    STRETCHES,
    Light,
    measure_luminance,
    picture,
    stretching_noise,
)

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
    sky: str = "level",
    bridge: int = 0,
    blanks: str = "nan",
    knee: float = 0.0,
) -> tuple[NDArray[np.uint8], Prepared]:
    """Prepare one galaxy; twin of ``prepare`` in csrc/prepare.cpp.

    Parameters
    ----------
    planes : ndarray of float32, shape (1, H, W) or (3, H, W)
        One band or three, C-contiguous.
    is_picture : bool
        Whether they are already stretched: framed and resampled only.
    size, framing, margin, threshold, softening, white, stretch, q, sky, bridge, blanks, knee
        As in `galedge.Recipe`.

    Raises
    ------
    Blank
        If no pixel is finite or all have the same value.
    """
    filled, unit = np.zeros(planes.shape, np.bool_), 1.0
    if is_picture:
        refuse_blank(planes)
    else:
        planes, filled, unit = mend(planes, sky, bridge, blanks)
    # The mean of the bands, in which the source is found and the noise measured.
    image = planes[0]
    if len(planes) == 3:
        third = np.float32(1) / np.float32(3)
        image = planes[0] * third + planes[1] * third + planes[2] * third
    sparse = blanks == "constant"
    level, noise = border_sky(image, sparse)
    name, pixels = (framing, 0.0) if isinstance(framing, str) else ("PIXELS", framing)
    frame, flags = FRAMINGS[name](Scene(image, sparse, threshold, margin, pixels))

    bands = np.empty((len(planes), size, size), np.float32)
    masked = 0.0
    for band, plane, counted in zip(bands, planes, filled, strict=True):
        own = level if len(planes) == 1 else border_sky(plane, sparse)[0]
        own = np.float32(own if np.isfinite(own) else 0)  # of a band without a valid pixel
        band[:], invalid = resample(plane, *frame, size, own)
        masked = max(masked, min(1.0, invalid + filled_share(counted, frame)))
        if not is_picture:
            band -= own
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
        out = STRETCHES[stretch](Light(bands, grain, white_level, softening, q, knee))
    half = 0.5 * frame[2] - 0.5
    known_sky = float(level) if np.isfinite(level) else 0.0
    x, y, sigma = frame[0] + half, frame[1] + half, float(noise)
    return out, Prepared(x, y, frame[2], known_sky / unit, sigma / unit, masked, flags)

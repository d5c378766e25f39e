"""A square of an image, resampled; twin of ``csrc/resample.*``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.core.jit import kernel
from galedge.core.kernels.sky import Floats

__all__ = ["resample"]

_ZERO, _ONE = np.float32(0), np.float32(1)


@kernel
def _taps(
    start: float, side: float, size: int, length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Input pixels and weights of each output pixel along one axis.

    Returns the first input pixel of each output pixel, how many there are, and
    their weights. Shrinking weighs by overlap, enlarging interpolates between
    pixel centres; the weights sum to the part that lies inside the image.
    """
    step = side / size
    first = np.zeros(size, np.int64)
    count = np.zeros(size, np.int64)
    # No output pixel takes more than all there are, however large the frame is.
    weight = np.zeros((size, math.ceil(min(max(step, 1.0), length)) + 2), np.float32)
    for o in range(size):
        if step >= 1:
            lo = max(start + o * step, 0.0)
            hi = min(start + (o + 1) * step, float(length))
            if lo >= hi:
                continue
            first[o] = math.floor(lo)
            count[o] = min(math.ceil(hi), length) - first[o]
            for t in range(count[o]):
                i = first[o] + t
                weight[o, t] = (min(hi, i + 1.0) - max(lo, float(i))) / step
        else:
            centre = start + (o + 0.5) * step - 0.5
            if centre < -0.5 or centre > length - 0.5:
                continue
            centre = min(max(centre, 0.0), length - 1.0)
            first[o] = int(centre)
            fraction = centre - first[o]
            count[o] = 2 if fraction > 0 else 1
            weight[o, 0], weight[o, 1] = 1 - fraction, fraction
    return first, count, weight


@kernel
def resample(
    image: Floats, x: float, y: float, side: float, size: int, fill: Any
) -> tuple[Floats, float]:
    """Resample a square of an image (H, W) to size x size; twin of csrc/resample.cpp.

    Shrinking is exact area averaging (as OpenCV's INTER_AREA), enlarging linear
    interpolation. Non-finite pixels and what lies outside do not count; an
    output pixel with less than half of its area valid becomes `fill`.

    Returns
    -------
    out : ndarray of float32, shape (size, size)
    invalid : float
        The invalid fraction of the frame's area.
    """
    height, width = image.shape
    first_x, count_x, weight_x = _taps(x, side, size, width)
    first_y, count_y, weight_y = _taps(y, side, size, height)
    out = np.empty((size, size), np.float32)
    sums = np.empty(width, np.float32)
    weights = np.empty(width, np.float32)
    invalid = 0.0
    for oy in range(size):
        sums[:] = _ZERO
        weights[:] = _ZERO
        for t in range(count_y[oy]):
            row = image[first_y[oy] + t]
            for i in range(width):
                if np.isfinite(row[i]):
                    sums[i] += weight_y[oy, t] * row[i]
                    weights[i] += weight_y[oy, t]
        for ox in range(size):
            total, valid = _ZERO, _ZERO
            for t in range(count_x[ox]):
                total += weight_x[ox, t] * sums[first_x[ox] + t]
                valid += weight_x[ox, t] * weights[first_x[ox] + t]
            invalid += float(_ONE - min(_ONE, valid))
            out[oy, ox] = total / valid if valid >= np.float32(0.4999) else np.float32(fill)
    fraction = invalid / (size * size)
    return out, fraction if fraction >= 1e-6 else 0.0  # rounding of the weights

"""Sky and noise of one mesh of a frame, readable; twin of ``csrc/mesh.*``.

As SExtractor (Bertin & Arnouts 1996, A&AS 117, 393) and sep (Barbary 2016, JOSS
1, 58) compute it: the tests hold this and the C++ core to sep and to each other.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.core.jit import kernel
from galedge.core.kernels.sky import Floats

__all__ = ["mesh_mode"]

# The constants of csrc/mesh.cpp.
_REACH = 5.0
_LEVELS = 4096
_LEAST = np.float32(-1e30)
_LARGEST = np.float32(np.finfo(np.float32).max)


@kernel
def _moments(values: Floats, low: Any, high: Any) -> tuple[int, float, float]:
    """Count, mean and standard deviation of the values in [low, high]."""
    count, total, squares = 0, 0.0, 0.0
    for value in values:
        if low <= value <= high:
            count += 1
            v = np.float64(value)
            total += v
            squares += v * v
    if count == 0:
        return 0, 0.0, 0.0
    mean, square = total / count, squares / count
    variance = square - mean * mean
    # What is finer than floats are is rounding.
    return count, mean, math.sqrt(variance) if variance > 1e-14 * square else 0.0


@kernel
def _clip(bins: NDArray[np.int64]) -> tuple[float, float, float]:
    """Clip a histogram at 3 sigma about its median: mean, sigma and median in levels."""
    last = bins.size - 1
    low, high = 0, last
    mean, sigma, median, before = 0.0, 10.0 * last, 0.0, 1.0
    for _ in range(100):
        if sigma < 0.1 or abs(sigma / before - 1) <= 1e-4:
            break
        before = sigma
        count, total, squares = 0, 0.0, 0.0
        for level in range(low, high + 1):
            count += bins[level]
            total += bins[level] * level
            squares += np.float64(bins[level] * level) * level
        mean = total / count
        sigma = math.sqrt(max(0.0, squares / count - mean * mean))
        # The median splits before the first level that has no more above than below,
        # and shares out the two levels there.
        middle, below = low, 0
        while 2 * below + bins[middle] < count:
            below += bins[middle]
            middle += 1
        median = 0.0
        if middle > 0:
            largest = max(bins[middle], bins[middle - 1])
            median = middle - 0.5 + (count - 2 * below) / (2 * largest)
        least, most = median - 3 * sigma, median + 3 * sigma
        low = int(least + 0.5) if least > 0 else 0
        high = int(most + 0.5) if most < last else last
    return mean, sigma, median


@kernel
def mesh_mode(values: Floats) -> tuple[Any, Any]:
    """Sky level and noise of a mesh's flat float32 `values`; twin of csrc/mesh.cpp.

    Values that are finite and above -1e30 count; with less than half of them the
    level is NaN.
    """
    count, mean, sigma = _moments(values, _LEAST, _LARGEST)
    if 2 * count < values.size:
        return np.float32(np.nan), np.float32(0)
    low = np.float32(max(mean - 2 * sigma, float(_LEAST)))
    high = np.float32(min(mean + 2 * sigma, float(_LARGEST)))
    count, mean, sigma = _moments(values, low, high)

    levels = int(min(float(_LEVELS), math.sqrt(2 / math.pi) * _REACH / 4 * count + 1))
    if levels == 1:  # a single pixel: SExtractor adds its value to a histogram that begins there
        return np.float32(2 * mean), np.float32(0)
    step = np.float32(2 * _REACH * sigma / levels) if sigma > 0 else np.float32(1)
    zero = np.float32(mean - _REACH * sigma)
    bins = np.zeros(levels, np.int64)
    if step > 0:
        shift = np.float32(0.499999 - np.float64(zero / step))
        for value in values:
            level = value / step + shift
            if np.float32(-1) < level < np.float32(levels):
                bins[int(level)] += 1
    if bins.sum() == 0:  # floats are coarser than the levels
        return np.float32(mean), np.float32(sigma)
    mean, sigma, median = _clip(bins)
    mode = mean
    if sigma > 0:
        crowded = not abs((mean - median) / sigma) < 0.3
        mode = median if crowded else 2.5 * median - 1.5 * mean
    return np.float32(zero + mode * step), np.float32(sigma * step)

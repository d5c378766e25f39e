"""The sky of a cutout, readable; twin of ``csrc/sky.*``."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from galedge.core.jit import kernel

__all__ = ["Floats", "border_of", "border_sky", "clipped_mode"]

Floats: TypeAlias = NDArray[np.float32]
Counts: TypeAlias = NDArray[np.int64]

# The constants of csrc/sky.cpp, with their reasons there.
_SAMPLE = 127
_BINS = 1024
_REACH = np.float32(10)
_HUGE = np.float32(1e36)
_SPARSE = 16

_ZERO, _TWO = np.float32(0), np.float32(2)


@kernel
def _guess(values: Floats) -> tuple[Any, Any]:
    """First guess of centre and scale: median and scaled median absolute deviation."""
    sample = values[:: max(1, values.size // _SAMPLE)]
    sample = np.sort(sample[np.isfinite(sample)])
    if sample.size == 0:
        return np.float32(np.nan), _ZERO
    median = sample[sample.size // 2]
    deviations = np.sort(np.abs(sample - median))
    scale = np.float32(1.4826) * deviations[sample.size // 2]
    if scale <= 0:  # more than half of the values are equal
        total = 0.0
        for deviation in deviations:
            total += deviation
        scale = np.float32(1.2533 * total / sample.size)
    return median, scale


@kernel
def _moments(
    histogram: Counts,
    counts: Counts,
    sums: Counts,
    squares: Counts,
    outliers: NDArray[np.float64],
    first: int,
    last: int,
    low: float,
    high: float,
) -> tuple[float, float, float]:
    """Mean, standard deviation and median, in bins, of what clipping keeps.

    That is inner bins first..last, by their running totals, and the outliers in
    [low, high].
    """
    before = counts[first]
    inner = counts[last + 1] - before
    n = float(inner)
    total = float(sums[last + 1] - sums[first])
    square = float(squares[last + 1] - squares[first])
    below = 0  # outliers that precede the inner bins
    for value in outliers:
        if low <= value <= high:
            n += 1
            total += value
            square += value * value
            if value < _BINS // 2:
                below += 1
    mean = total / n
    sigma = math.sqrt(max(0.0, square / n - mean * mean))
    # The inner bins hold more than half of all values, so the median is there.
    rank = min(max((int(n) + 1) // 2 - below, 1), inner)
    half = first + np.searchsorted(counts[first + 1 : last + 1], before + rank)
    # Within its bin the median lies where half of the values are passed.
    inside = (0.5 * n - (below + counts[half] - before)) / histogram[half]
    return mean, sigma, half + inside - 0.5


@kernel
def _histogram(values: Floats, centre: Any, spread: Any) -> tuple[Any, Any, Counts, Any]:
    """Count values by bin around a first guess.

    Returns where bins begin, how many a unit holds, the counts, and the values of
    the end bins, in bins: those count by themselves.
    """
    start = centre - _REACH * spread
    scale = np.float32(_BINS) / (_TWO * _REACH * spread)
    histogram = np.zeros(_BINS, np.int64)
    outliers = np.empty(values.size)
    count = 0
    for value in values:
        if np.isfinite(value):
            b = int(min(max((value - start) * scale, _ZERO), np.float32(_BINS - 1)))
            if 0 < b < _BINS - 1:
                histogram[b] += 1
            else:
                # Not float(), which Numba leaves at float32: squares would overflow.
                away = np.float64(value) - np.float64(start)
                outliers[count] = away * np.float64(scale) - 0.5
                count += 1
    return start, scale, histogram, outliers[:count]


@kernel
def clipped_mode(values: Floats) -> tuple[Any, Any]:
    """Sky level and noise of flat float32 `values`; twin of ``clipped_mode`` in csrc/sky.cpp.

    SExtractor's estimate (Bertin & Arnouts 1996, A&AS 117, 393): clip at 3 sigma
    about the median until nothing changes; the sky is 2.5 median - 1.5 mean, or
    the median where the two lie 0.3 sigma apart. It is found in a histogram, so
    that a round of clipping costs next to nothing. NaN without a finite value.
    """
    centre, spread = _guess(values)
    inside = 0
    if spread > 0:
        start, scale, histogram, outliers = _histogram(values, centre, spread)
        inside = histogram.sum()
    if 2 * inside <= values.size:  # the sample met a pattern in them, or nothing
        finite = values[np.isfinite(values)]
        if finite.size == 0:
            return np.float32(np.nan), _ZERO
        sampled = centre
        half = np.float32(0.5) * finite.max() - np.float32(0.5) * finite.min()
        centre, spread = finite.min() + half, half / _REACH
        if not spread > 0:
            return centre, spread
        start, scale, histogram, outliers = _histogram(values, centre, spread)
        # Most values are the least or the largest, as where all but a source was set to 0.
        if 2 * histogram.sum() <= finite.size and half < _HUGE and np.isfinite(sampled):
            whole = centre, spread
            off = 0.0
            for value in finite:
                off += abs(np.float64(value) - np.float64(sampled))
            about = np.float32(1.2533 * (off / finite.size))
            if about > 0:
                centre, spread = sampled, about
                start, scale, histogram, outliers = _histogram(values, centre, spread)
            if 2 * histogram.sum() <= finite.size:
                centre, spread = whole[0], half / (_REACH - np.float32(1))
                start, scale, histogram, outliers = _histogram(values, centre, spread)
            if 2 * histogram.sum() <= finite.size:
                centre, spread = whole
                start, scale, histogram, outliers = _histogram(values, centre, spread)
        if histogram.sum() == 0:
            return centre, spread

    # Running totals: with them a round of clipping needs no pass over the bins.
    counts = np.zeros(_BINS + 1, np.int64)
    sums = np.zeros(_BINS + 1, np.int64)
    squares = np.zeros(_BINS + 1, np.int64)
    for b in range(_BINS):
        counts[b + 1] = counts[b] + histogram[b]
        sums[b + 1] = sums[b] + histogram[b] * b
        squares[b + 1] = squares[b] + histogram[b] * b * b

    lo, hi = 1, _BINS - 2
    low, high = -np.inf, np.inf
    mean, sigma, median = _moments(histogram, counts, sums, squares, outliers, lo, hi, low, high)
    while True:
        clip_low = max(low, median - 3 * sigma)
        clip_high = min(high, median + 3 * sigma)
        # Not math.ceil, whose integers Numba lets overflow.
        clip_lo = max(lo, int(min(max(np.ceil(clip_low), 1.0), _BINS - 2.0)))
        clip_hi = min(hi, int(min(max(np.floor(clip_high), 1.0), _BINS - 2.0)))
        same = clip_lo == lo and clip_hi == hi
        if same and (outliers.size == 0 or (clip_low == low and clip_high == high)):
            break
        if counts[clip_hi + 1] <= counts[clip_lo]:  # all in one bin
            break
        lo, hi, low, high = clip_lo, clip_hi, clip_low, clip_high
        mean, sigma, median = _moments(
            histogram, counts, sums, squares, outliers, lo, hi, low, high
        )
    crowded = abs(mean - median) >= 0.3 * sigma
    mode = median if crowded else 2.5 * median - 1.5 * mean
    wide = np.float64(scale)
    return start + np.float32((mode + 0.5) / wide), np.float32(sigma / wide)


@kernel
def border_of(image: Floats, border: int) -> Floats:
    """Pixels of the border of an image (H, W), flat; all of them where nothing is left inside."""
    height, width = image.shape
    if min(height, width) <= 2 * border:
        return image.copy().ravel()
    sample = np.empty(height * width - (height - 2 * border) * (width - 2 * border), np.float32)
    n = 0
    for y in range(height):  # in reading order: the first guess takes every so manieth
        for x in range(width):
            if y < border or y >= height - border or x < border or x >= width - border:
                sample[n] = image[y, x]
                n += 1
    return sample


@kernel
def _valid_sky(image: Floats) -> tuple[Any, Any]:
    """Sky of the part of an image that is valid: of a border of it with enough valid pixels."""
    rows, columns = np.nonzero(np.isfinite(image))
    if rows.size == 0:
        return np.float32(np.nan), _ZERO
    part = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    border = max(1, min(part.shape) // 8)
    while True:
        sample = border_of(part, border)
        valid = sample[np.isfinite(sample)]
        if _SPARSE * valid.size >= sample.size or 2 * border >= min(part.shape):
            return clipped_mode(valid)
        border *= 2


@kernel
def border_sky(image: Floats, sparse: bool = False) -> tuple[Any, Any]:
    """Sky of a cutout (H, W): the clipped mode of its border; twin of csrc/sky.cpp.

    The border is an eighth of the shorter side wide, because a framed galaxy
    covers most of the middle. Where no pixel of it is valid, that of the part which
    is; so too, if `sparse`, where less than a sixteenth is, and then the mode is one of
    valid pixels alone.
    """
    sample = border_of(image, max(1, min(image.shape) // 8))
    if sparse:
        valid = sample[np.isfinite(sample)]
        if _SPARSE * valid.size < sample.size:
            return _valid_sky(image)
        return clipped_mode(valid)
    level, noise = clipped_mode(sample)
    if np.isfinite(level):
        return level, noise
    return _valid_sky(image)

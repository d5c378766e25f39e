"""Sky and central source, readable: Numba twins of ``csrc/sky.*`` and ``csrc/frame.*``.

What the C++ core does for speed is done here for understanding. The two are
tested against each other, `galedge.kernels` builds the preparation on this
module where the core is missing, and `galedge.structure` measures within the
isophote that is found here.

Arithmetic is in float32 where the core's is and a decision hangs on it; a bare
literal would silently turn it into float64, hence the many ``np.float32``.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from galedge._numba import kernel

__all__ = [
    "CROPPED",
    "NEIGHBOUR",
    "NO_SOURCE",
    "SMALL",
    "border_sky",
    "central_cells",
    "clipped_mode",
    "find_central",
    "label_cells",
]

Floats: TypeAlias = NDArray[np.float32]
Counts: TypeAlias = NDArray[np.int64]

# Flags by bit, as in csrc/frame.hpp and `galedge.facts.FLAGS`.
NO_SOURCE, CROPPED, NEIGHBOUR, SMALL = 1, 2, 4, 8

# The constants of csrc/sky.cpp and csrc/frame.cpp, with their reasons there.
_SAMPLE = 127
_BINS = 1024
_REACH = np.float32(10)
_CELLS = 64
_CENTRAL = 0.12
_SYMMETRIC = 0.6
_SIGNIFICANT = 5.0
_BRIGHT = np.float32(30)
_PASSING = 0.05
_QUANTILE = 0.985
_RADIUS_BINS = np.float32(8)  # per cell

_ZERO, _ONE, _TWO = np.float32(0), np.float32(1), np.float32(2)


# --- Sky -------------------------------------------------------------------------------------


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
def clipped_mode(values: Floats) -> tuple[Any, Any]:
    """Sky level and noise of flat float32 `values`; twin of ``clipped_mode`` in csrc/sky.cpp.

    SExtractor's estimate (Bertin & Arnouts 1996, A&AS 117, 393): clip at 3 sigma
    about the median until nothing changes; the sky is 2.5 median - 1.5 mean, or
    the median where the two lie 0.3 sigma apart. It is found in a histogram, so
    that a round of clipping costs next to nothing. NaN without a finite value.
    """
    centre, spread = _guess(values)
    if not np.isfinite(centre) or spread <= 0:
        return centre, spread
    start = centre - _REACH * spread
    scale = np.float32(_BINS) / (_TWO * _REACH * spread)
    histogram = np.zeros(_BINS, np.int64)
    outliers = np.empty(values.size)  # of the end bins; they count by themselves
    count = 0
    for value in values:
        if np.isfinite(value):
            b = int(min(max((value - start) * scale, _ZERO), np.float32(_BINS - 1)))
            if 0 < b < _BINS - 1:
                histogram[b] += 1
            else:
                outliers[count] = (float(value) - float(start)) * scale - 0.5
                count += 1
    outliers = outliers[:count]

    # Running totals: with them a round of clipping needs no pass over the bins.
    counts = np.zeros(_BINS + 1, np.int64)
    sums = np.zeros(_BINS + 1, np.int64)
    squares = np.zeros(_BINS + 1, np.int64)
    for b in range(_BINS):
        counts[b + 1] = counts[b] + histogram[b]
        sums[b + 1] = sums[b] + histogram[b] * b
        squares[b + 1] = squares[b] + histogram[b] * b * b
    if counts[-1] == 0:  # the guess was so far off that all values lie beyond
        return centre, spread

    lo, hi = 1, _BINS - 2
    low, high = -np.inf, np.inf
    mean, sigma, median = _moments(histogram, counts, sums, squares, outliers, lo, hi, low, high)
    while True:
        clip_low = max(low, median - 3 * sigma)
        clip_high = min(high, median + 3 * sigma)
        clip_lo = max(lo, int(min(max(math.ceil(clip_low), 1), _BINS - 2)))
        clip_hi = min(hi, int(min(max(math.floor(clip_high), 1), _BINS - 2)))
        same = clip_lo == lo and clip_hi == hi
        if same and (count == 0 or (clip_low == low and clip_high == high)):
            break
        if counts[clip_hi + 1] <= counts[clip_lo]:  # all in one bin
            break
        lo, hi, low, high = clip_lo, clip_hi, clip_low, clip_high
        mean, sigma, median = _moments(
            histogram, counts, sums, squares, outliers, lo, hi, low, high
        )
    crowded = abs(mean - median) >= 0.3 * sigma
    mode = median if crowded else 2.5 * median - 1.5 * mean
    return start + np.float32((mode + 0.5) / scale), np.float32(sigma / scale)


@kernel
def border_sky(image: Floats) -> tuple[Any, Any]:
    """Sky of a cutout (H, W): the clipped mode of its border; twin of csrc/sky.cpp.

    The border is an eighth of the shorter side wide, because a framed galaxy
    covers most of the middle.
    """
    height, width = image.shape
    side = min(height, width)
    border = max(1, side // 8)
    if side <= 2 * border:
        return clipped_mode(image.ravel())
    sample = np.empty(height * width - (height - 2 * border) * (width - 2 * border), np.float32)
    n = 0
    for y in range(height):  # in reading order: the first guess takes every so manieth
        for x in range(width):
            if y < border or y >= height - border or x < border or x >= width - border:
                sample[n] = image[y, x]
                n += 1
    return clipped_mode(sample)


# --- Cells -----------------------------------------------------------------------------------


@kernel
def _average_cells(image: Floats, step: int) -> Floats:
    """Means of step x step pixels without the non-finite ones; empty cells become sky."""
    ny, nx = image.shape[0] // step, image.shape[1] // step
    grid = np.empty((ny, nx), np.float32)
    for cy in range(ny):
        sums = np.zeros(nx * step, np.float32)
        weights = np.zeros(nx * step, np.float32)
        for y in range(cy * step, (cy + 1) * step):
            for x in range(nx * step):
                if np.isfinite(image[y, x]):
                    sums[x] += image[y, x]
                    weights[x] += _ONE
        for cx in range(nx):
            total, weight = _ZERO, _ZERO
            for x in range(cx * step, (cx + 1) * step):
                total += sums[x]
                weight += weights[x]
            grid[cy, cx] = total / weight if weight > 0 else np.float32(np.nan)
    flat = grid.ravel()
    if not np.isfinite(flat).all():
        sky = clipped_mode(flat)[0]
        for i in range(flat.size):
            if not np.isfinite(flat[i]):
                flat[i] = sky
    return flat.reshape(grid.shape)


@kernel
def _smooth_cells(grid: Floats) -> Floats:
    """3x3 binomial smoothing with repeated edges."""
    ny, nx = grid.shape
    smooth = np.empty_like(grid)
    column = np.empty(nx + 2, np.float32)
    for y in range(ny):
        column[1:-1] = grid[max(0, y - 1)] + _TWO * grid[y] + grid[min(ny - 1, y + 1)]
        column[0], column[-1] = column[1], column[-2]
        smooth[y] = (column[:-2] + _TWO * column[1:-1] + column[2:]) / np.float32(16)
    return smooth


@kernel
def label_cells(grid: NDArray[Any], level: Any) -> tuple[NDArray[np.int32], int]:
    """Label the connected cells above `level` from 1, in reading order; 0 is below.

    Cells that touch, also at a corner, belong together. Twin of
    csrc/components.cpp, which finds the same by runs and union-find; here the
    water simply spreads.
    """
    ny, nx = grid.shape
    labels = np.zeros((ny, nx), np.int32)
    pending = np.empty(ny * nx, np.int64)
    count = 0
    for start in range(ny * nx):
        if labels[start // nx, start % nx] or not grid[start // nx, start % nx] > level:
            continue
        count += 1
        labels[start // nx, start % nx] = count
        pending[0] = start
        n = 1
        while n:
            n -= 1
            y, x = pending[n] // nx, pending[n] % nx
            for v in range(max(0, y - 1), min(ny, y + 2)):
                for u in range(max(0, x - 1), min(nx, x + 2)):
                    if labels[v, u] == 0 and grid[v, u] > level:
                        labels[v, u] = count
                        pending[n] = v * nx + u
                        n += 1
    return labels, count


@kernel
def _central_label(
    smooth: Floats, labels: NDArray[np.int32], count: int, sky: Any, noise: Any
) -> tuple[int, NDArray[np.bool_]]:
    """Find the source with most flux, weighted towards the centre, and which are no noise."""
    ny, nx = smooth.shape
    spread = _CENTRAL * max(nx, ny)
    flux = np.zeros(count + 1)
    weight = np.zeros(count + 1)
    cells = np.zeros(count + 1)
    per_noise = _ONE / noise
    for y in range(ny):
        wy = math.exp(-0.5 * ((y - 0.5 * (ny - 1)) / spread) ** 2)
        for x in range(nx):
            label = labels[y, x]
            if label:
                wx = math.exp(-0.5 * ((x - 0.5 * (nx - 1)) / spread) ** 2)
                f = (smooth[y, x] - sky) * per_noise
                flux[label] += f
                weight[label] += min(f, _BRIGHT) * wx * wy
                cells[label] += 1
    best = 0
    significant = np.zeros(count + 1, np.bool_)
    for label in range(1, count + 1):
        # Smoothing correlates neighbouring cells: the noise of a sum grows
        # about twice as fast as the square root of their number.
        significant[label] = flux[label] > _SIGNIFICANT * 2 * math.sqrt(cells[label])
        if significant[label] and weight[label] > weight[best]:  # that of the sky is 0
            best = label
    return best, significant


@kernel
def central_cells(
    image: Floats, threshold: float
) -> tuple[Floats, NDArray[np.int32], int, int, Any]:
    """Sort the cells of an image (H, W) of float32 into sources.

    Returns
    -------
    smooth : ndarray of float32
        The cells, smoothed.
    labels : ndarray of int32
        The significant source that each cell belongs to; 0 is sky.
    central : int
        The label of the central source; 0 if there is none.
    step : int
        Pixels a cell's side.
    level : float
        The sky among the cells.
    """
    height, width = image.shape
    # A narrow strip gets more cells along it rather than cells wider than it.
    step = min((max(width, height) + _CELLS - 1) // _CELLS, width, height)
    smooth = _smooth_cells(_average_cells(image, step))
    level, sigma = border_sky(smooth)
    # Noise-free images have an isophote too: a ten-thousandth of their range.
    span = smooth.max() - smooth.min()
    noise = max(sigma, span * np.float32(1e-4) / np.float32(threshold))
    labels, count = label_cells(smooth, level + np.float32(threshold) * noise)
    central, significant = _central_label(smooth, labels, count, level, noise)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            if not significant[labels[y, x]]:
                labels[y, x] = 0
    return smooth, labels, central, step, level


# --- The central source ----------------------------------------------------------------------


@kernel
def _centroid(smooth: Floats, inside: NDArray[np.bool_], sky: Any) -> tuple[float, float]:
    """Flux centroid under a window that follows it, a third as wide as the source."""
    ny, nx = smooth.shape
    cx, cy = 0.5 * (nx - 1), 0.5 * (ny - 1)
    spread = max(1.5, 0.33 * math.sqrt(inside.sum() / 3.1416))
    # The first look is half as wide as the preference for central sources.
    reach = max(spread, 0.5 * _CENTRAL * max(nx, ny))
    for step in range(6):
        total, sum_x, sum_y = 0.0, 0.0, 0.0
        for y in range(ny):
            for x in range(nx):
                if inside[y, x]:
                    window = math.exp(-0.5 * ((x - cx) ** 2 + (y - cy) ** 2) / reach**2)
                    weight = (smooth[y, x] - sky) * window
                    total += weight
                    sum_x += weight * x
                    sum_y += weight * y
        if total <= 0:
            break
        moved = math.hypot(sum_x / total - cx, sum_y / total - cy)
        cx, cy = sum_x / total, sum_y / total
        if step > 0 and moved < 0.02:
            break
        reach = spread
    return cx, cy


@kernel
def _round(value: float) -> int:
    """Round half away from zero as ``std::lround``; for what is not negative."""
    return math.floor(value + 0.5)


@kernel
def _symmetric_part(inside: NDArray[np.bool_], cx: float, cy: float) -> tuple[float, int, float]:
    """Share of the source that is symmetric under a half turn, cells at the edge, radius.

    A cell whose mirror image lies outside the image counts, as nobody can tell.
    The radius, in cells, holds all but a few of the symmetric cells.
    """
    ny, nx = inside.shape
    twice_x, twice_y = _round(2 * cx), _round(2 * cy)
    radii = np.zeros(int(12 * (nx + ny)), np.int64)
    kept, at_edge = 0, 0
    for y in range(ny):
        for x in range(nx):
            if not inside[y, x]:
                continue
            my, mx = twice_y - y, twice_x - x
            if 0 <= my < ny and 0 <= mx < nx and not inside[my, mx]:
                continue
            kept += 1
            if x == 0 or y == 0 or x == nx - 1 or y == ny - 1:
                at_edge += 1
            dx, dy = np.float32(x - cx), np.float32(y - cy)
            radii[int(_RADIUS_BINS * np.sqrt(dx * dx + dy * dy))] += 1
    left = kept - int(_QUANTILE * kept)
    last = radii.size - 1
    while last > 0:
        left -= radii[last]
        if left < 0:
            break
        last -= 1
    # Half a cell from the centre of the outermost cell to its rim.
    return kept / inside.sum(), at_edge, (last + 0.5) / 8 + 0.5


@kernel
def _block(smooth: Floats, x0: int, y0: int, w: int, h: int) -> float:
    """Mean of a block of cells."""
    total = 0.0
    for y in range(y0, y0 + h):
        for x in range(x0, x0 + w):
            total += smooth[y, x]
    return total / (w * h)


@kernel
def _passes_edges(smooth: Floats, centre: Any) -> bool:
    """Whether light passes over the image's edges: their middles outshine the corners."""
    ny, nx = smooth.shape
    w, h = max(1, nx // 8), max(1, ny // 8)
    mx, my = (nx - w) // 2, (ny - h) // 2
    corners, edges = np.empty(4), np.empty(4)
    for i in range(2):
        for j in range(2):
            corners[2 * i + j] = _block(smooth, j * (nx - w), i * (ny - h), w, h)
        edges[i] = _block(smooth, mx, i * (ny - h), w, h)
        edges[2 + i] = _block(smooth, i * (nx - w), my, w, h)
    # Medians of four let one neighbour by.
    corner = (corners.sum() - corners.min() - corners.max()) / 2
    edge = (edges.sum() - edges.min() - edges.max()) / 2
    passing: bool = edge - corner > _PASSING * (centre - corner)
    return passing


@kernel
def find_central(image: Floats, threshold: float) -> tuple[float, float, float, int]:
    """Find the central source of an image (H, W); twin of ``find_central`` in csrc/frame.cpp.

    Returns
    -------
    x, y : float
        Its centre in pixel-edge coordinates: the first pixel covers 0 to 1.
    diameter : float
        Of its isophote, in pixels; 0 without a source.
    flags : int
        Bits of `NO_SOURCE`, `CROPPED`, `NEIGHBOUR`, `SMALL`.
    """
    smooth, labels, central, step, level = central_cells(image, threshold)
    ny, nx = smooth.shape
    if central == 0:
        return 0.5 * image.shape[1], 0.5 * image.shape[0], 0.0, NO_SOURCE
    inside = labels == central
    cx, cy = _centroid(smooth, inside, level)
    share, at_edge, radius = _symmetric_part(inside, cx, cy)
    diameter = 2 * radius * step
    flags = 0
    if share < _SYMMETRIC:
        flags |= NEIGHBOUR
    centre = smooth[_round(cy), _round(cx)]
    if at_edge > max(nx, ny) // 4 or _passes_edges(smooth, centre):
        flags |= CROPPED
    if diameter < 10:
        flags |= SMALL
    return (cx + 0.5) * step, (cy + 0.5) * step, diameter, flags

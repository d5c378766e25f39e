"""The sources of an image, as connected cells; twins of ``csrc/components.*`` and ``frame.*``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.core.jit import kernel
from galedge.core.kernels.cells import average_cells, cell_side
from galedge.core.kernels.sky import Floats, border_of, border_sky, clipped_mode

__all__ = ["CENTRAL", "central_cells", "label_cells"]

CENTRAL = 0.12
"""Spread of the preference for central sources, in sides of the image."""

# The constants of csrc/central.cpp, with their reasons there.
_SIGNIFICANT = 5.0
_BRIGHT = np.float32(30)
_FEW, _MANY = 5, 15

_ONE = np.float32(1)


@kernel
def _filled(grid: Floats, sparse: bool) -> Floats:
    """Cells of which the empty ones have become sky."""
    sky = border_sky(grid, True)[0] if sparse else clipped_mode(grid.ravel())[0]
    return np.where(np.isfinite(grid), grid, sky)


@kernel
def _valid_sky(smooth: Floats, empty: NDArray[np.bool_], sparse: bool) -> tuple[Any, Any]:
    """Sky of the smoothed cells where some of them are none: filled ones have no noise."""
    valid = np.where(empty, np.float32(np.nan), smooth)
    if sparse or not np.isfinite(border_of(valid, max(1, min(valid.shape) // 8))).any():
        return border_sky(valid, sparse)
    return border_sky(smooth)


@kernel
def _smooth_cells(grid: Floats) -> Floats:
    """3x3 binomial smoothing with repeated edges; no cell overflows."""
    half, quarter = np.float32(0.5), np.float32(0.25)
    ny, nx = grid.shape
    smooth = np.empty_like(grid)
    column = np.empty(nx + 2, np.float32)
    for y in range(ny):
        column[1:-1] = quarter * grid[max(0, y - 1)] + half * grid[y]
        column[1:-1] += quarter * grid[min(ny - 1, y + 1)]
        column[0], column[-1] = column[1], column[-2]
        smooth[y] = quarter * column[:-2] + half * column[1:-1] + quarter * column[2:]
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
) -> tuple[int, NDArray[np.bool_], bool]:
    """Find the source with most flux, weighted towards the centre, and which are no noise.

    Last, whether they are many and none fills the image.
    """
    ny, nx = smooth.shape
    spread = CENTRAL * max(nx, ny)
    flux = np.zeros(count + 1)
    weight = np.zeros(count + 1)
    cells = np.zeros(count + 1)
    per_noise = _ONE / noise if noise > 0 else np.float32(np.inf)
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
    best, found, largest = 0, 0, 0.0
    significant = np.zeros(count + 1, np.bool_)
    for label in range(1, count + 1):
        # Smoothing correlates neighbouring cells: the noise of a sum grows
        # about twice as fast as the square root of their number.
        significant[label] = flux[label] > _SIGNIFICANT * 2 * math.sqrt(cells[label])
        if significant[label]:
            found += 1
            largest = max(largest, cells[label])
        if significant[label] and weight[label] > weight[best]:  # that of the sky is 0
            best = label
    is_field = 100 * largest < (min(found, _MANY) - _FEW) * nx * ny
    return best, significant, is_field


@kernel
def central_cells(
    image: Floats, threshold: float, sparse: bool = False
) -> tuple[Floats, NDArray[np.int32], int, int, Any, bool]:
    """Sort the cells of an image (H, W) of float32 into sources.

    Returns
    -------
    smooth : ndarray of float32
        The cells, smoothed.
    labels : ndarray of int32
        The significant source that each cell belongs to; 0 is sky, -1 a cell without
        a valid pixel if the sky is `sparse`.
    central : int
        The label of the central source; 0 if there is none.
    step : int
        Pixels a cell's side.
    level : float
        The sky among the cells.
    is_field : bool
        Whether there are many sources, none of which fills the image.
    """
    step = cell_side(image.shape[1], image.shape[0])
    if step == 0:  # a spectrum: no galaxy is in it
        nothing = np.zeros((1, 1), np.float32)
        return nothing, np.zeros((1, 1), np.int32), 0, 1, np.float32(np.nan), False
    grid = average_cells(image, step)
    empty = ~np.isfinite(grid)
    lacking = empty.any()
    if lacking:
        grid = _filled(grid, sparse)
    smooth = _smooth_cells(grid)
    level, sigma = _valid_sky(smooth, empty, sparse) if lacking else border_sky(smooth)
    # Noise-free images have an isophote too: a ten-thousandth of their range.
    span = smooth.max() - smooth.min()
    noise = max(sigma, span * np.float32(1e-4) / np.float32(threshold))
    labels, count = label_cells(smooth, level + np.float32(threshold) * noise)
    central, significant, is_field = _central_label(smooth, labels, count, level, noise)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            if not significant[labels[y, x]]:
                labels[y, x] = 0
            if sparse and empty[y, x] and labels[y, x] != central:
                labels[y, x] = -1
    return smooth, labels, central, step, level, is_field

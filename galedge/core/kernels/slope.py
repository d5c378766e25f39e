"""How the sky of a cutout slopes, readable; twin of ``csrc/slope.*``."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from galedge.core.jit import kernel
from galedge.core.kernels.cells import average_cells, cell_side
from galedge.core.kernels.sky import Floats

__all__ = ["border_slope", "leveled"]

# The constants of csrc/slope.cpp, with their reasons there.
_LEAST_CELLS, _LEAST_BLOCKS = 16, 10
_ACROSS, _UP = 8, 6
_ROUNDS = 10
_REJECT = 4.685
_SPREAD = 0.2 / 12

_Doubles = NDArray[np.float64]


@kernel
def _median(values: _Doubles) -> float:
    """Return the middle value, of an even number the upper one."""
    middle: float = np.sort(values)[values.size // 2]
    return middle


@kernel
def _fit(x: _Doubles, y: _Doubles, v: _Doubles, w: _Doubles) -> tuple[float, float, float, bool]:
    """Level and slopes of the plane nearest to values, and whether their places tell one."""
    total = w.sum()
    mx, my, mv = (w * x).sum() / total, (w * y).sum() / total, (w * v).sum() / total
    dx, dy, dv = x - mx, y - my, v - mv
    xx, xy, yy = (w * dx * dx).sum(), (w * dx * dy).sum(), (w * dy * dy).sum()
    xv, yv = (w * dx * dv).sum(), (w * dy * dv).sum()
    # The smaller variance along any direction.
    if not 0.5 * (xx + yy - math.hypot(xx - yy, 2 * xy)) > _SPREAD * total:
        return 0.0, 0.0, 0.0, False
    determinant = xx * yy - xy * xy
    gx, gy = (yy * xv - xy * yv) / determinant, (xx * yv - xy * xv) / determinant
    return mv - gx * mx - gy * my, gx, gy, True


@kernel
def border_slope(image: Floats) -> tuple[float, float]:
    """Return what the sky of an image (H, W) rises by from pixel to pixel, along x and y.

    A plane through the medians of blocks of its border, fitted with Tukey's
    biweight; none where the border is too small, or too little of it valid.
    """
    step = cell_side(image.shape[1], image.shape[0])
    if step == 0:
        return 0.0, 0.0
    grid = average_cells(image, step)
    ny, nx = grid.shape
    if min(nx, ny) < _LEAST_CELLS:
        return 0.0, 0.0
    border = min(nx, ny) // 8
    inner = ny - 2 * border
    x, y, v = np.empty(28), np.empty(28), np.empty(28)
    n = 0
    for i in range(2 * (_ACROSS + _UP)):
        k, far = i // 2, i % 2
        if k < _ACROSS:
            x0, x1 = k * nx // _ACROSS, (k + 1) * nx // _ACROSS
            y0 = (ny - border) * far
            y1 = y0 + border
        else:
            k -= _ACROSS
            y0, y1 = border + k * inner // _UP, border + (k + 1) * inner // _UP
            x0 = (nx - border) * far
            x1 = x0 + border
        block = grid[y0:y1, x0:x1].copy().ravel()
        valid = block[np.isfinite(block)]
        if valid.size < 4 or 4 * valid.size < block.size:
            continue
        x[n], y[n] = 0.5 * (x0 + x1 - nx) / nx, 0.5 * (y0 + y1 - ny) / ny
        v[n] = np.sort(valid)[valid.size // 2]
        n += 1
    if n < _LEAST_BLOCKS:
        return 0.0, 0.0
    x, y, v = x[:n], y[:n], v[:n]
    v = v - _median(v)  # so that a pedestal costs no digits
    level, gx, gy, known = _fit(x, y, v, np.ones(n))
    for _ in range(_ROUNDS):
        if not known:
            break
        residual = np.abs(v - level - gx * x - gy * y)
        limit = _REJECT * 1.4826 * _median(residual)
        if not limit > 0:  # most of them lie in a plane
            break
        off = residual / limit
        weights = np.where(off < 1, (1 - off * off) ** 2, 0.0)
        next_level, next_x, next_y, next_known = _fit(x, y, v, weights)
        if not next_known:
            break
        level, gx, gy = next_level, next_x, next_y
    return gx / (step * nx), gy / (step * ny)


def leveled(image: Floats) -> Floats:
    """Take the slope of the sky off an image (H, W), about its middle."""
    slope_x, slope_y = border_slope(image)
    if slope_x == 0 and slope_y == 0:
        return image
    height, width = image.shape
    up = np.arange(height) - 0.5 * (height - 1)
    start = (slope_y * up - slope_x * 0.5 * (width - 1)).astype(np.float32)
    across = np.float32(slope_x) * np.arange(width, dtype=np.float32)
    return np.asarray(image - (start[:, np.newaxis] + across), np.float32)

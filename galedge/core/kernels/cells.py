"""An image averaged into a coarse grid; twin of ``csrc/cells.*``."""

from __future__ import annotations

import numpy as np

from galedge.core.jit import kernel
from galedge.core.kernels.sky import Floats

__all__ = ["average_cells", "cell_side"]

_CELLS, _MOST_CELLS = 64, 4096
_ZERO, _ONE = np.float32(0), np.float32(1)


@kernel
def cell_side(width: int, height: int) -> int:
    """Return how many pixels wide a cell is; 0 of strips in which no galaxy is sought.

    At most 64 cells lie along the longer side, in a strip as many as it is wide.
    """
    side = min((max(width, height) + _CELLS - 1) // _CELLS, width, height)
    return side if max(width, height) // side <= _MOST_CELLS else 0


@kernel
def average_cells(image: Floats, step: int) -> Floats:
    """Average step x step pixels of (H, W) without the non-finite ones; NaN if there is none."""
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
    return grid

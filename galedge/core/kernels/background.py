"""The sky of a frame as a smooth map, readable; twin of ``csrc/background.*``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from galedge.core.kernels.mesh import mesh_mode
from galedge.core.kernels.sky import Floats
from galedge.errors import Blank

__all__ = ["background"]


def _fill_empty(level: Floats, noise: Floats) -> None:
    """Give meshes without a value the mean of the nearest ones with a value."""
    full = np.argwhere(np.isfinite(level))
    for at in np.argwhere(~np.isfinite(level)):
        distances = ((full - at) ** 2).sum(1)
        nearest = tuple(full[distances == distances.min()].T)
        level[tuple(at)], noise[tuple(at)] = level[nearest].mean(), noise[nearest].mean()


def _median_filter(values: Floats, width: int) -> Floats:
    """Take medians of width x width meshes, of fewer on both sides alike at the edges."""
    out = values.copy()
    ny, nx = values.shape
    for y in range(ny):
        for x in range(nx):
            v, u = min(width // 2, y, ny - 1 - y), min(width // 2, x, nx - 1 - x)
            out[y, x] = np.median(values[y - v : y + v + 1, x - u : x + u + 1])
    return out


def _bends(nodes: int) -> NDArray[np.float64]:
    """Return a sixth of the curve's second derivatives at nodes, as a matrix to apply to values.

    A natural cubic spline, but that SExtractor takes the sixth while substituting
    back and not after it.
    """
    bends = np.zeros((nodes, nodes))
    upper = np.zeros(nodes)
    for i in range(1, nodes - 1):
        rise = np.eye(nodes)[i - 1] - 2 * np.eye(nodes)[i] + np.eye(nodes)[i + 1]
        pivot = 4 - upper[i - 1]
        upper[i] = 1 / pivot
        bends[i] = (6 * rise - bends[i - 1]) / pivot
    for i in range(nodes - 2, 0, -1):
        bends[i] = (bends[i] - upper[i] * bends[i + 1]) / 6
    return bends


def _curve(places: NDArray[np.float64], nodes: int, straight: bool = False) -> NDArray[np.float64]:
    """Return the curve through values at 0 .. nodes - 1, at places: a matrix to apply to them."""
    if nodes == 1:
        return np.ones((places.size, 1))
    node = np.clip(np.floor(places).astype(int), 0, nodes - 2)
    b = (places - node)[:, np.newaxis]
    a = 1 - b
    values, bends = np.eye(nodes), _bends(nodes) * (not straight)
    return np.asarray(
        a * values[node]
        + b * values[node + 1]
        + (a**3 - a) * bends[node]
        + (b**3 - b) * bends[node + 1]
    )


def background(
    image: NDArray[np.float32], mesh: int, filter: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return level and noise at every pixel of (H, W), and those of the meshes before filtering.

    Raises
    ------
    Blank
        If no mesh has enough valid pixels.
    """
    height, width = image.shape
    ny, nx = -(-height // mesh), -(-width // mesh)
    level, noise = np.empty((ny, nx), np.float32), np.empty((ny, nx), np.float32)
    for y in range(ny):
        for x in range(nx):
            part = image[y * mesh : (y + 1) * mesh, x * mesh : (x + 1) * mesh]
            level[y, x], noise[y, x] = mesh_mode(part.ravel())
    if not np.isfinite(level).any():
        raise Blank("no part of the frame has pixels to measure the sky in")
    _fill_empty(level, noise)
    # As in SExtractor, rows are counted from where they begin and columns from
    # their middle, and along a single row of meshes lines are straight.
    across = _curve((np.arange(width) + 0.5) / mesh - 0.5, nx, straight=ny == 1)
    along = _curve(np.arange(height) / mesh - 0.5, ny)
    smooth = [
        (along @ _median_filter(nodes, filter) @ across.T).astype(np.float32)
        for nodes in (level, noise)
    ]
    return smooth[0], smooth[1], level, noise

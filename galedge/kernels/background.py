"""The sky of a frame as a smooth map; twin of ``csrc/background.*``.

The mesh of SExtractor (Bertin & Arnouts 1996, A&AS 117, 393): clipped mode of
each mesh, median filter, natural bicubic spline through the meshes' centres.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge._numba import kernel
from galedge.errors import Blank
from galedge.kernels.sky import Floats

__all__ = ["background", "exact_clipped_mode"]

Doubles = NDArray[np.float64]


@kernel
def exact_clipped_mode(values: Floats) -> tuple[float, float]:
    """Sky level and noise of flat values, sorted once; twin of that in csrc/sky.cpp."""
    ordered = np.sort(values[np.isfinite(values)]).astype(np.float64)
    if ordered.size == 0:
        return np.nan, 0.0
    lo, hi = 0, ordered.size
    while True:
        kept = ordered[lo:hi]
        mean = kept.mean()
        sigma = math.sqrt(((kept - mean) ** 2).mean())
        middle = kept.size // 2
        median = kept[middle] if kept.size % 2 else 0.5 * (kept[middle - 1] + kept[middle])
        first = np.searchsorted(ordered, median - 3 * sigma)
        last = np.searchsorted(ordered, median + 3 * sigma, side="right")
        first, last = max(lo, first), min(hi, last)
        if first == lo and last == hi:
            break
        lo, hi = first, last
    crowded = abs(mean - median) >= 0.3 * sigma
    return (median if crowded else 2.5 * median - 1.5 * mean), sigma


@kernel
def _measure(image: Floats, size: int) -> tuple[Floats, Floats]:
    """Level and noise of each mesh; NaN where less than half of its pixels are finite."""
    height, width = image.shape
    shape = ((height + size - 1) // size, (width + size - 1) // size)
    level, noise = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for j in range(shape[0]):
        for i in range(shape[1]):
            part = image[j * size : (j + 1) * size, i * size : (i + 1) * size].copy().ravel()
            if 2 * np.isfinite(part).sum() >= part.size:
                level[j, i], noise[j, i] = exact_clipped_mode(part)
            else:
                level[j, i], noise[j, i] = np.nan, 0
    return level, noise


def _fill_empty(level: Floats, noise: Floats) -> None:
    """Give meshes without a value that of the nearest one with a value."""
    good = np.argwhere(np.isfinite(level))
    values = level[np.isfinite(level)], noise[np.isfinite(level)]
    for j, i in np.argwhere(~np.isfinite(level)):
        nearest = int(np.argmin(((good - (j, i)) ** 2).sum(1)))
        level[j, i], noise[j, i] = values[0][nearest], values[1][nearest]


@kernel
def _median_filter(values: Floats, width: int) -> Floats:
    """Return medians of width x width meshes; at the edges the window shrinks on both sides."""
    ny, nx = values.shape
    out = np.empty_like(values)
    for y in range(ny):
        v = min(width // 2, y, ny - 1 - y)
        for x in range(nx):
            u = min(width // 2, x, nx - 1 - x)
            window = np.sort(values[y - v : y + v + 1, x - u : x + u + 1].copy().ravel())
            out[y, x] = window[window.size // 2]
    return out


def _bend(values: Doubles) -> Doubles:
    """Return second derivatives of the natural spline along the first axis, in steps."""
    n = len(values)
    out, upper = np.zeros_like(values), np.zeros(n)
    for i in range(1, n - 1):  # the tridiagonal system 1 4 1, forwards
        pivot = 4 - upper[i - 1]
        upper[i] = 1 / pivot
        rise = values[i + 1] - 2 * values[i] + values[i - 1]
        out[i] = (6 * rise - out[i - 1]) / pivot
    for i in range(n - 2, 0, -1):  # and backwards
        out[i] -= upper[i] * out[i + 1]
    return out


def _spline(nodes: Doubles, size: int, pixels: int) -> Doubles:
    """Evaluate the spline along the first axis at the pixels; the outer cubics go on."""
    n = len(nodes)
    if n == 1:
        return np.repeat(nodes, pixels, axis=0)
    bend = _bend(nodes)
    at = (np.arange(pixels) + 0.5) / size - 0.5
    node = np.clip(np.floor(at).astype(int), 0, n - 2)
    b = (at - node)[:, np.newaxis]
    a = 1 - b
    values: Doubles = (
        a * nodes[node]
        + b * nodes[node + 1]
        + (a**3 - a) / 6 * bend[node]
        + (b**3 - b) / 6 * bend[node + 1]
    )
    return values


def background(
    image: NDArray[Any], mesh: int, filter: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return level and noise at every pixel of (H, W), and those of the meshes before filtering.

    Raises
    ------
    Blank
        If no mesh has enough finite pixels.
    """
    height, width = image.shape
    level, noise = _measure(np.ascontiguousarray(image, np.float32), mesh)
    if not np.isfinite(level).any():
        raise Blank("no part of the frame has pixels to measure the sky in")
    _fill_empty(level, noise)
    maps = []
    for values in (level, noise):
        nodes = (_median_filter(values, filter) if filter > 1 else values).astype(np.float64)
        rows = _spline(nodes, mesh, height)
        maps.append(_spline(np.ascontiguousarray(rows.T), mesh, width).T.astype(np.float32))
    return np.ascontiguousarray(maps[0]), np.ascontiguousarray(maps[1]), level, noise

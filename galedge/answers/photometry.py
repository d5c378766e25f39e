"""Loops over pixels that `galedge.answers.structure` measures with: Numba, float64."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from galedge.core.jit import kernel

__all__ = ["GRID", "asymmetry_sums", "boxcar", "gaussian", "growth", "moments", "ring_weight"]

Doubles: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

GRID = 0.1
"""Step of the curve of growth, in pixels."""


@kernel
def growth(
    flux: Doubles, valid: Mask, x: float, y: float, elongation: float, angle: float
) -> tuple[Doubles, Doubles]:
    """Sum light and area within ellipses of semi-major axes 0, GRID, 2 GRID, ...

    Pixels are divided, near the centre finely, so that the sums are those of
    exact apertures to a fraction of a percent. Where pixels are masked their
    share of a ring is taken to be as bright as the rest of it. What lies
    outside the image has neither light nor area.
    """
    height, width = flux.shape
    reach = math.hypot(max(x, width - x) + 1, max(y, height - y) + 1) * elongation
    bins = int(reach / GRID) + 2
    light, lit, area = np.zeros(bins), np.zeros(bins), np.zeros(bins)
    cosine, sine = math.cos(angle), math.sin(angle)
    for py in range(height):
        for px in range(width):
            near = abs(px - x) < 8 and abs(py - y) < 8
            parts = 16 if near else 4
            share = 1.0 / (parts * parts)
            for j in range(parts):
                dy = py - y - 0.5 + (j + 0.5) / parts
                for i in range(parts):
                    dx = px - x - 0.5 + (i + 0.5) / parts
                    u = dx * cosine + dy * sine
                    v = (dy * cosine - dx * sine) * elongation
                    ring = int(math.sqrt(u * u + v * v) / GRID) + 1
                    area[ring] += share
                    if valid[py, px]:
                        light[ring] += share * flux[py, px]
                        lit[ring] += share
    for ring in range(bins):
        if lit[ring] > 0:
            light[ring] *= area[ring] / lit[ring]
    return np.cumsum(light), np.cumsum(area)


@kernel
def ring_weight(dx: float, dy: float, radius: float) -> float:
    """Share of a pixel that lies within a circle: exact but for the curvature."""
    return min(1.0, max(0.0, radius - math.hypot(dx, dy) + 0.5))


@kernel
def asymmetry_sums(
    flux: Doubles, valid: Mask, x: float, y: float, radius: float
) -> tuple[float, float, float]:
    """Compare the light within a circle with itself after half a turn about (x, y).

    Returns
    -------
    difference, total, area : float
        Sums of ``|I - I180|``, ``|I|`` and of pixels, where both are valid; I180
        is interpolated linearly.
    """
    height, width = flux.shape
    difference, total, area = 0.0, 0.0, 0.0
    for py in range(max(0, int(y - radius) - 1), min(height, int(y + radius) + 3)):
        for px in range(max(0, int(x - radius) - 1), min(width, int(x + radius) + 3)):
            weight = ring_weight(px - x, py - y, radius)
            mx, my = 2 * x - px, 2 * y - py
            outside = mx < 0 or my < 0 or mx > width - 1 or my > height - 1
            if weight == 0 or outside or not valid[py, px]:
                continue
            u, v = min(int(mx), width - 2), min(int(my), height - 2)
            if not (valid[v, u] and valid[v, u + 1] and valid[v + 1, u] and valid[v + 1, u + 1]):
                continue
            fx, fy = mx - u, my - v
            low = (1 - fx) * flux[v, u] + fx * flux[v, u + 1]
            high = (1 - fx) * flux[v + 1, u] + fx * flux[v + 1, u + 1]
            difference += weight * abs(flux[py, px] - (1 - fy) * low - fy * high)
            total += weight * abs(flux[py, px])
            area += weight
    return difference, total, area


@kernel
def moments(
    flux: Doubles, inside: Mask, x: float, y: float
) -> tuple[float, float, float, float, float, float]:
    """Return the sums of I, I dx, I dy, I dx², I dx dy, I dy² within a region."""
    height, width = flux.shape
    total, mx, my, xx, xy, yy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for py in range(height):
        for px in range(width):
            if inside[py, px]:
                light, dx, dy = flux[py, px], px - x, py - y
                total += light
                mx += light * dx
                my += light * dy
                xx += light * dx * dx
                xy += light * dx * dy
                yy += light * dy * dy
    return total, mx, my, xx, xy, yy


@kernel
def gaussian(image: Doubles, sigma: float) -> Doubles:
    """Smooth by a Gaussian, cut at four sigma, with nothing outside the image."""
    reach = int(4 * sigma + 0.5)
    weights = np.empty(2 * reach + 1)
    for t in range(-reach, reach + 1):
        weights[t + reach] = math.exp(-0.5 * (t / sigma) ** 2)
    scale = 1 / weights.sum()
    height, width = image.shape
    rows, out = np.zeros_like(image), np.zeros_like(image)
    for y in range(height):
        for t in range(max(-reach, -y), min(reach, height - 1 - y) + 1):
            for x in range(width):
                rows[y, x] += scale * weights[t + reach] * image[y + t, x]
    for y in range(height):
        for x in range(width):
            for t in range(max(-reach, -x), min(reach, width - 1 - x) + 1):
                out[y, x] += scale * weights[t + reach] * rows[y, x + t]
    return out


@kernel
def boxcar(image: Doubles, size: int) -> Doubles:
    """Average over size x size pixels, mirrored at the image's edges."""
    height, width = image.shape
    rows, out = np.zeros_like(image), np.zeros_like(image)
    start = -(size // 2)
    for y in range(height):
        for t in range(start, start + size):
            i = (y + t) % (2 * height)
            i = i if i < height else 2 * height - 1 - i
            for x in range(width):
                rows[y, x] += image[i, x] / size
    for y in range(height):
        for x in range(width):
            for t in range(start, start + size):
                i = (x + t) % (2 * width)
                out[y, x] += rows[y, i if i < width else 2 * width - 1 - i] / size
    return out

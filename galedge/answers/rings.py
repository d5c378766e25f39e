"""A galaxy's light in rings about its brightest point."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galedge.answers.photometry import Doubles, Mask

__all__ = ["Rings", "centre", "rings"]

_EDGES = np.concatenate([0.5 * np.arange(13), 6 * 1.08 ** np.arange(1, 120)])
_GROUPS = 4  # of a ring's pixels, of like radius, by which its models are averaged


class Rings(NamedTuple):
    """Light in rings, and what models are averaged over.

    Attributes
    ----------
    light, pixels : ndarray of float64, shape (R,)
        The mean of each ring's valid pixels, and how many there are.
    radius, weight : ndarray of float64, shape (G,)
        Where a model is to be known, ring by ring, and with which weight in its ring.
    first : ndarray of int, shape (R,)
        Which of these is the first of each ring.
    """

    light: Doubles
    pixels: Doubles
    radius: Doubles
    weight: Doubles
    first: NDArray[np.intp]

    def means(self, profile: Doubles) -> Doubles:
        """Return means over the rings of profiles that are known at `radius`, shape (..., R)."""
        return np.asarray(np.add.reduceat(profile * self.weight, self.first, axis=-1))

    def half_light(self) -> float:
        """Return the radius of half the light in the rings; NaN where there is none."""
        radius = self.means(self.radius)
        light = np.cumsum(self.light * self.pixels)
        total = float(light[-1]) if len(light) else 0.0
        if not total > 0:
            return math.nan
        return float(np.interp(total / 2, np.maximum.accumulate(light), radius))


def centre(flux: Doubles, valid: Mask, x: float, y: float, sigma: float) -> tuple[float, float]:
    """Return where light is centred under a Gaussian that moves with it, or (x, y).

    Where half a turn maps a galaxy best onto itself is between its arms; a nucleus lies on
    the peak. What is further off than two standard deviations is none.
    """
    begin = x, y
    half = max(2, math.ceil(3 * sigma))
    for _ in range(12):
        left, low = max(0, round(x) - half), max(0, round(y) - half)
        part = slice(low, round(y) + half + 1), slice(left, round(x) + half + 1)
        light = np.where(valid[part], flux[part], 0.0)
        dx = left + np.arange(light.shape[1]) - x
        dy = (low + np.arange(light.shape[0]) - y)[:, None]
        light = light * np.exp(-0.5 * (dx**2 + dy**2) / sigma**2)
        total = float(light.sum())
        if total <= 0:
            return begin
        # Twice: of a Gaussian under one as wide half the shift is seen.
        x += 2 * float((light * dx).sum()) / total
        y += 2 * float((light * dy).sum()) / total
        if not math.hypot(x - begin[0], y - begin[1]) < 2 * sigma:
            return begin
    return x, y


def rings(flux: Doubles, valid: Mask, x: float, y: float, reach: float) -> Rings:
    """Sort light into rings about (x, y), half a pixel wide, further out in proportion."""
    height, width = flux.shape
    left, right = max(0, math.floor(x - reach)), min(width, math.ceil(x + reach) + 1)
    low, high = max(0, math.floor(y - reach)), min(height, math.ceil(y + reach) + 1)
    away = np.hypot(np.arange(left, right) - x, (np.arange(low, high) - y)[:, None])
    used = valid[low:high, left:right] & (away < reach)
    radius, light = away[used], flux[low:high, left:right][used]
    order = np.argsort(radius, kind="stable")
    radius, light = radius[order], light[order]
    ring = np.searchsorted(_EDGES, radius, side="right")
    _, ring, pixels = np.unique(ring, return_inverse=True, return_counts=True)
    begin = np.concatenate([[0], np.cumsum(pixels)[:-1]]).astype(np.intp)
    group = _GROUPS * ring + (np.arange(len(radius)) - begin[ring]) * _GROUPS // pixels[ring]
    group, member, count = np.unique(group, return_inverse=True, return_counts=True)
    of = group // _GROUPS
    return Rings(
        np.bincount(ring, light) / pixels,
        pixels.astype(np.float64),
        np.bincount(member, radius) / count,
        count / pixels[of],
        np.flatnonzero(np.diff(of, prepend=-1)),
    )

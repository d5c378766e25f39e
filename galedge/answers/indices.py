"""The numbers of `galedge.answers.structure`: radii, asymmetry, smoothness, Gini and M20.

Each takes linear flux less the sky. Definitions stand in `galedge.answers.structure`.
"""

from __future__ import annotations

import math

import numpy as np

from galedge.answers.photometry import (
    GRID,
    Doubles,
    Mask,
    asymmetry_sums,
    boxcar,
    gaussian,
    growth,
    moments,
)
from galedge.core.kernels import label_cells

__all__ = [
    "APERTURE",
    "gini",
    "gini_region",
    "least_asymmetry",
    "m20",
    "petrosian",
    "radius_holding",
    "shape",
    "sky_asymmetry",
    "smoothness",
]

APERTURE = 1.5
"""Radius of the aperture of C, A and S, in Petrosian radii."""

_ETA = 0.2  # brightness over its mean within, at the Petrosian radius
_CORE = 0.25  # smoothing length, and the centre left out of S, in Petrosian radii
_GINI = 0.2  # smoothing of the Gini region, in Petrosian semi-major axes


# --- Radii -----------------------------------------------------------------------------------


def petrosian(light: Doubles, area: Doubles) -> tuple[float, bool]:
    """Find where a ring one pixel wide is a fifth as bright as all within (Petrosian 1976).

    Returns the radius, or that of the image's farthest corner, and whether it
    was reached.
    """
    edges = GRID * np.arange(len(light))
    half = round(0.5 / GRID)
    at = np.arange(2 * half, len(light) - half)
    ring_area = area[at + half] - area[at - half]
    with np.errstate(invalid="ignore", divide="ignore"):
        ring = (light[at + half] - light[at - half]) / ring_area
        ratio = np.abs(ring) / np.abs(light[at] / area[at])
    # A ring that lies outside the image says nothing.
    below = np.flatnonzero((ratio < _ETA) & (ring_area > 0))
    if len(below) == 0:
        return float(edges[np.flatnonzero(np.diff(area))[-1] + 1]), False
    first = int(below[0])
    if first == 0:
        return float(edges[at[0]]), True
    high, low = ratio[first - 1], ratio[first]
    return float(edges[at[first - 1]] + GRID * (high - _ETA) / (high - low)), True


def radius_holding(light: Doubles, fraction: float, radius: float) -> float:
    """Return the radius that holds a fraction of the light within `radius`."""
    edges = GRID * np.arange(len(light))
    wanted = fraction * float(np.interp(radius, edges, light))
    if wanted <= 0:
        return math.nan
    above = int(np.argmax(light >= wanted))
    rise = light[above] - light[above - 1]
    return float(edges[above - 1] + GRID * (wanted - light[above - 1]) / rise)


# --- Asymmetry -------------------------------------------------------------------------------


def sky_asymmetry(flux: Doubles, sky: Mask, noise: float) -> float:
    """Return the mean ``|I - I180|`` of a pixel of sky, from the image turned about its middle."""
    both = sky & sky[::-1, ::-1]
    if both.sum() < 100:  # that of Gaussian noise
        return 2 * noise / math.sqrt(math.pi)
    return float(np.abs(flux - flux[::-1, ::-1])[both].mean())


def least_asymmetry(
    flux: Doubles, valid: Mask, x: float, y: float, radius: float, sky: float
) -> tuple[float, float, float]:
    """Find the centre of least asymmetry: downhill over neighbours, by ever smaller steps."""

    def asymmetry(cx: float, cy: float) -> float:
        if not (0 <= cx <= flux.shape[1] - 1 and 0 <= cy <= flux.shape[0] - 1):
            return math.inf
        difference, total, area = asymmetry_sums(flux, valid, cx, cy, radius)
        return (difference - area * sky) / total if total > 0 else math.inf

    best, step = asymmetry(x, y), 1.0
    # Away from the first guess by a quarter of the radius it is another object.
    start, most = (x, y), max(2.0, 0.25 * radius)
    while step > 0.02:
        moved = False
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)):
            cx, cy = x + step * dx, y + step * dy
            if math.hypot(cx - start[0], cy - start[1]) > most:
                continue
            if (value := asymmetry(cx, cy)) < best:
                best, x, y, moved = value, cx, cy, True
        if not moved:
            step /= 2
    return x, y, best if math.isfinite(best) else math.nan


# --- Smoothness ------------------------------------------------------------------------------


def smoothness(flux: Doubles, valid: Mask, sky: Mask, distance: Doubles, petrosian: float) -> float:
    """Return the share of the light in clumps, outside the core and less the sky's."""
    size = int(_CORE * petrosian)
    if size < 1:
        return math.nan
    clumps = np.maximum(flux - boxcar(flux, size), 0)
    # Sky far from the galaxy, where there is enough of it.
    far = sky & (distance > APERTURE * petrosian)
    of_sky = clumps[far if far.sum() >= 100 else sky]

    def within(radius: float) -> Doubles:
        return np.clip(radius - distance + 0.5, 0, 1)

    weight = (within(APERTURE * petrosian) - within(_CORE * petrosian)) * valid
    light = float((weight * flux).sum())
    if light <= 0:
        return math.nan
    background = float(of_sky.mean()) if of_sky.size else 0.0
    return float((weight * (clumps - background)).sum()) / light


# --- Shape, Gini and M20 ---------------------------------------------------------------------


def shape(flux: Doubles, inside: Mask, x: float, y: float) -> tuple[float, float]:
    """Return elongation and angle (radian) of the second moments about (x, y)."""
    total, _, _, xx, xy, yy = moments(flux, inside, x, y)
    if total <= 0:
        return 1.0, 0.0
    # A pixel is a square, no point: its own variance keeps thin galaxies finite.
    xx, xy, yy = max(xx / total, 1 / 12), xy / total, max(yy / total, 1 / 12)
    middle, swing = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    minor = max(middle - swing, 1 / 12)
    return math.sqrt((middle + swing) / minor), 0.5 * math.atan2(2 * xy, xx - yy)


def gini_region(
    flux: Doubles, x: float, y: float, major: float, elongation: float, angle: float
) -> tuple[Mask, int]:
    """Find the pixels brighter than at the Petrosian ellipse, after smoothing by a fifth of it.

    Lotz et al. (2004), section 3.2. Of several parts the one with the brightest
    pixel counts; also returns their number.
    """
    smooth = gaussian(flux, max(_GINI * major, 1e-3))
    light, area = growth(smooth, np.ones_like(flux, bool), x, y, elongation, angle)
    edges = GRID * np.arange(len(light))
    ring = [np.interp((major - 0.5, major + 0.5), edges, sums) for sums in (light, area)]
    lit, covered = (high - low for low, high in ring)
    if covered <= 0:
        return np.zeros(flux.shape, bool), 0
    parts, count = label_cells(smooth, lit / covered)
    brightest = parts.flat[np.argmax(smooth)]
    return (parts == brightest) & (parts > 0), count


def gini(values: Doubles) -> float:
    """Return the Gini coefficient of absolute values."""
    ordered = np.sort(np.abs(values))
    n = len(ordered)
    if n < 2 or not ordered.sum() > 0:
        return math.nan
    ranks = 2 * np.arange(1, n + 1) - n - 1
    return float((ranks * ordered).sum() / ((n - 1) * ordered.sum()))


def m20(flux: Doubles, region: Mask) -> float:
    """Return log10 of the brightest fifth's second moment over that of all the light."""
    total, mx, my, *_ = moments(flux, region, 0, 0)
    if total <= 0:
        return math.nan
    x, y = mx / total, my / total  # which makes the total moment least
    ordered = np.sort(flux[region])[::-1]
    # The brightest pixels that hold no more than a fifth of the light, and one.
    count = int(np.searchsorted(np.cumsum(ordered), 0.2 * total)) + 1
    bright = region & (flux >= ordered[min(count, len(ordered)) - 1])
    of_all, of_bright = (moments(flux, mask, x, y) for mask in (region, bright))
    ratio = (of_bright[3] + of_bright[5]) / (of_all[3] + of_all[5] or math.nan)
    return math.log10(ratio) if ratio > 0 else math.nan

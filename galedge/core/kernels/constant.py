"""Areas of one exact value that are no measurement, readable; twin of ``csrc/constant.*``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from galedge.core.jit import kernel
from galedge.core.kernels.sky import Floats

__all__ = ["constant_areas"]

# The constants of csrc/constant.cpp, with their reasons there.
_LEAST_AREA, _LEAST_LINE, _LEAST_RING = 64, 16, 8
_FAR, _APART = 6, 3

_Mask = NDArray[np.bool_]


@kernel
def _solid(image: Floats) -> _Mask:
    """Mark what belongs to three by three pixels of one value, or to a row or column of it."""
    height, width = image.shape
    solid = np.zeros(image.shape, np.bool_)
    for y in range(height - 2):
        for x in range(width - 2):
            if (image[y : y + 3, x : x + 3] == image[y, x]).all():
                solid[y : y + 3, x : x + 3] = True
    if width >= _LEAST_LINE:
        for y in range(height):
            if (image[y] == image[y, 0]).all():
                solid[y] = True
    if height >= _LEAST_LINE:
        for x in range(width):
            if (image[:, x] == image[0, x]).all():
                solid[:, x] = True
    return solid


@kernel
def _distance(area: _Mask) -> NDArray[np.uint8]:
    """Distance of each pixel from an area, diagonals counting one, to seven at most."""
    height, width = area.shape
    distance = np.full(area.shape, _FAR + 1, np.uint8)
    for y in range(height):
        for x in range(width):
            if area[y, x]:
                distance[y, x] = 0
    for step in range(_FAR):
        for y in range(height):
            for x in range(width):
                if distance[y, x] <= step + 1:
                    continue
                around = distance[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
                if around.min() == step:
                    distance[y, x] = step + 1
    return distance


def _may_be_constant(image: Floats) -> bool:
    """Look at every sixth row, then at three in four, and for rows and columns of one value."""
    height, width = image.shape
    if 18 * _threes(image[min(2, height - 1) :: 6]).sum() >= min(height, width, _LEAST_AREA):
        for y in range(0, height - 2, 1 if height < 6 else 4):
            rows = image[y : y + 3]
            alike = (rows == rows[0]).all(axis=0)
            if (_threes(rows[:1])[0] & alike[:-2] & alike[1:-1] & alike[2:]).any():
                return True
    across = width >= _LEAST_LINE and (image == image[:, :1]).all(axis=1).any()
    return bool(across or (height >= _LEAST_LINE and (image == image[0]).all(axis=0).any()))


def _threes(rows: Floats) -> _Mask:
    """Tell where three pixels of a row have one value."""
    return np.asarray((rows[:, :-2] == rows[:, 1:-1]) & (rows[:, 1:-1] == rows[:, 2:]))


def _middle(values: NDArray[np.floating]) -> float:
    return float(np.sort(values)[values.size // 2])


def _is_missing(
    image: Floats, solid: _Mask, value: np.float32, area: _Mask, distance: NDArray[np.uint8]
) -> tuple[bool, bool]:
    """Tell whether an area of one value is no measurement, and whether others lie about it."""
    finite = np.isfinite(image) & ~solid
    other = finite & (image != value)
    rest = image[other].astype(float)
    n, level = rest.size, float(value)
    no = False, False
    # Of counts and of what was cut off at a level, much of the value is scattered
    # among the rest, and some of the rest among the value.
    inside = np.zeros_like(area)
    inside[:, 1:-1] |= area[:, :-2] & area[:, 2:]
    inside[1:-1] |= area[:-2] & area[2:]
    alike, enclosed = (finite & (image == value)).sum(), (other & inside).sum()
    if n < _LEAST_AREA or 4 * alike > n or 1000 * enclosed > area.sum():
        return no
    near, apart, far = (image[other & (distance == d)] for d in (1, _APART, _FAR))
    if apart.size < _LEAST_RING:
        return no
    off = np.sort(np.abs(apart.astype(float) - level))
    typical, closest = off[off.size // 2], off[off.size // 20]
    gaps = np.diff(np.unique(apart).astype(float))
    quantum = gaps.min() if gaps.size else typical
    # Steps of a rounded image: neighbours are the next ones.
    if typical <= 1.5 * quantum:
        return no
    if near.size and _middle(np.abs(near.astype(float) - level)) <= 1.5 * quantum:
        return no
    above, below = (rest > level).sum(), (rest < level).sum()
    if 100 * above < n:  # saturated, unless far beyond everything
        return bool(level - rest.max() > rest.max() - rest.min()), False
    if far.size < _LEAST_RING:
        return no
    here, farther = _middle(apart), _middle(far)
    scatter = 1.4826 * _middle(np.abs(apart.astype(float) - here))
    few_below = 100 * below < n
    if few_below:  # a galaxy before nothing: it begins at the value and rises from it
        begins = closest <= max(1.5 * quantum, 0.2 * typical)
        if begins or farther - here > 0.25 * (here - level):
            return no
        if here - level > 6 * scatter:
            return True, False
    # A galaxy that was cut out of its sky: what surrounds the value is the faintest
    # there is, and rises.
    cut = 100 * (rest < here).sum() < 15 * n or farther - here > 0.6 * scatter
    return not cut, not few_below


@kernel
def _grown(area: _Mask, alike: _Mask) -> _Mask:
    """Extend an area by the pixels that are alike and touch it, and on from these."""
    grown = area.copy()
    more = True
    while more:
        more = False
        for y in range(area.shape[0]):
            for x in range(area.shape[1]):
                if not alike[y, x] or grown[y, x]:
                    continue
                if grown[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].any():
                    grown[y, x] = more = True
    return grown


def constant_areas(image: Floats) -> _Mask | None:
    """Mark the areas of one exact value in (H, W) that are no measurement; None if there is none.

    ``docs/preparation.md`` has the rule and why each part of it.
    """
    solid = _solid(image) if _may_be_constant(image) else np.zeros(image.shape, np.bool_)
    if not solid.any():
        return None
    missing, left, found = np.zeros(image.shape, np.bool_), solid.copy(), True
    while found:  # what is missing hides no other value that is, however large it is
        found = False
        values, counts = np.unique(image[left], return_counts=True)
        for value, count in zip(values, counts, strict=True):
            if count < min(*image.shape, _LEAST_AREA) or 5 * count < counts.sum():
                continue
            area = solid & (image == value)
            is_missing, is_among = _is_missing(image, solid, value, area, _distance(area))
            if not is_missing:
                continue
            # Of a value among others, pixels that happen to have it are none of the
            # area's, but for those that hang together with it.
            missing |= _grown(area, image == value) if is_among else image == value
            left &= ~area
            found = True
    return missing if missing.any() else None

"""Pixels on another grid, exactly by area: each takes of those below it what it covers of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Corners", "Read", "resampled"]

Floats: TypeAlias = NDArray[np.float64]

#: Where corners of pixels lie on the other grid, by x and y: those of one axis each.
Corners: TypeAlias = Callable[[Floats, Floats], tuple[Floats, Floats]]
#: Pixels of the other grid, shape (planes, height, width), by x, y, width and height.
Read: TypeAlias = Callable[[int, int, int, int], NDArray[Any]]

_BLOCK = 64  # side of what is resampled at a time
_STEP = 16  # corners whose places are asked for; those between lie between them
_STRAIGHT = 0.01  # pixels that a grid may turn and bend within a block and yet count as straight
_GONE = 0.01  # share of a pixel that may be missing
_MOST = 64.0  # pixels of the other grid along a side of one of this


def resampled(
    read: Read,
    shape: tuple[int, int, int],
    corners: Corners,
    window: tuple[int, int, int, int],
) -> NDArray[Any]:
    """Return a window of one grid with the flux of another.

    Pixels are quadrilaterals on the other grid, whose pixels are squares of even light: the
    flux of the parts that are covered is summed, so that none is made or lost.

    Parameters
    ----------
    read : function
        Reads the other grid's pixels.
    shape : tuple of int
        Planes, height and width of the other grid.
    corners : function
        From this grid to the other, in zero-based pixels; NaN where there is no place.
    window : tuple of int
        x, y, width and height, in this grid.

    Returns
    -------
    ndarray of float32 or float64, shape (planes, height, width)
        NaN where over a hundredth of a pixel is missing, or covers nothing.
    """
    left, bottom, width, height = window
    result = np.full((shape[0], height, width), np.nan)
    kind = np.dtype(np.float32)
    for y in range(0, height, _BLOCK):
        high = min(_BLOCK, height - y)
        blocks = [(x, min(_BLOCK, width - x)) for x in range(0, width, _BLOCK)]
        places = [_places(corners, left + x, bottom + y, wide, high) for x, wide in blocks]
        box = _box(places, shape[1:])
        if box is None:
            continue
        x0, y0 = box[:2]
        light = read(*box)  # once for a row of blocks, whose rows are perhaps compressed
        kind = np.result_type(light.dtype, kind)
        for (x, wide), (column, row) in zip(blocks, places, strict=True):
            target = result[:, y : y + high, x : x + wide]
            target[:] = _block(light, column + (0.5 - x0), row + (0.5 - y0))
    with np.errstate(over="ignore"):
        return result.astype(kind)


def _box(places: list[list[Floats]], shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    """Return what of the other grid lies below places: x, y, width and height."""
    ends = []
    for axis, count in zip((0, 1), shape[::-1], strict=True):
        each = [at[axis][np.isfinite(at[axis])] for at in places]
        known = np.concatenate(each) + 0.5
        if len(known) == 0:
            return None
        low, high = max(0.0, np.floor(known.min())), min(float(count), np.ceil(known.max()))
        if low >= high:
            return None
        ends.append((int(low), int(high)))
    (x0, x1), (y0, y1) = ends
    return x0, y0, x1 - x0, y1 - y0


def _places(corners: Corners, left: int, bottom: int, width: int, height: int) -> list[Floats]:
    """Return where all corners of a block's pixels lie, x and y, shape (height + 1, width + 1)."""
    nodes, parts = [], []
    for first, count in ((left, width), (bottom, height)):
        steps = -(-count // _STEP)
        nodes.append(first - 0.5 + np.linspace(0, count, steps + 1))
        place = np.arange(count + 1) * steps / count
        cell = np.minimum(place.astype(np.intp), steps - 1)
        parts.append((cell, place - cell))
    x, y = np.meshgrid(*nodes)
    (column, right), (row, up) = parts
    found = []
    for each in corners(x.ravel(), y.ravel()):
        known = each.reshape(x.shape)
        along = known[:, column] * (1 - right) + known[:, column + 1] * right
        found.append(along[row] * (1 - up)[:, None] + along[row + 1] * up[:, None])
    return found


def _block(light: NDArray[Any], x: Floats, y: Floats) -> Floats:
    """Resample pixels, each from its number to the next, where corners lie at x and y."""
    light = light.astype(np.float64)
    there = np.isfinite(light)
    light[~there] = 0
    straight = np.ptp(x, axis=0).max() < _STRAIGHT and np.ptp(y, axis=1).max() < _STRAIGHT
    if straight:  # which nothing is whose place is not known
        flux, seen, whole = _straight(light, there, x.mean(0), y.mean(1))
    else:
        flux, seen, whole = _turned(light, there, x, y)
    with np.errstate(all="ignore"):
        return np.asarray(np.where(seen >= (1 - _GONE) * whole, flux * (whole / seen), np.nan))


def _straight(
    light: Floats, there: NDArray[np.bool_], x: Floats, y: Floats
) -> tuple[Floats, Floats, Floats]:
    """Sum where rows and columns are parallel to those below: one axis after the other."""
    across, along = _overlaps(y, light.shape[1]), _overlaps(x, light.shape[2])
    flux = across @ light @ along.T
    seen = across @ there.astype(np.float64) @ along.T
    return flux, seen, np.abs(np.diff(y))[:, None] * np.abs(np.diff(x))


def _overlaps(edges: Floats, count: int) -> Floats:
    """Return how much each interval covers of pixels, shape (N, count)."""
    low, high = np.minimum(edges[:-1], edges[1:]), np.maximum(edges[:-1], edges[1:])
    pixels = np.arange(count)
    inside = np.minimum(high[:, None], pixels + 1) - np.maximum(low[:, None], pixels)
    return np.asarray(np.maximum(inside, 0))


def _turned(
    light: Floats, there: NDArray[np.bool_], x: Floats, y: Floats
) -> tuple[Floats, Floats, Floats]:
    """Sum over all pixels that a quadrilateral may touch."""
    around = [(0, 0), (0, 1), (1, 1), (1, 0)]
    high, wide = x.shape[0] - 1, x.shape[1] - 1
    xs = np.stack([x[j : j + high, i : i + wide] for j, i in around])
    ys = np.stack([y[j : j + high, i : i + wide] for j, i in around])
    nowhere = ~np.isfinite(xs + ys).all(0)
    xs[:, nowhere] = ys[:, nowhere] = -1  # outside, and of no area
    column, row = np.floor(xs.min(0)).astype(np.intp), np.floor(ys.min(0)).astype(np.intp)
    columns = int((np.ceil(xs.max(0)) - column).max())
    rows = int((np.ceil(ys.max(0)) - row).max())
    flux = np.zeros((len(light), high, wide))
    seen, whole = np.zeros_like(flux), np.abs(_area(xs, ys))
    if max(columns, rows) > _MOST:
        return flux, seen, whole
    for j in range(rows):
        for i in range(columns):
            at_row, at_column = row + j, column + i
            inside = (at_row >= 0) & (at_row < light.shape[1])
            inside &= (at_column >= 0) & (at_column < light.shape[2])
            if not inside.any():
                continue
            part = np.abs(_within(xs - at_column, ys - at_row)) * inside
            at_row = at_row.clip(0, light.shape[1] - 1)
            at_column = at_column.clip(0, light.shape[2] - 1)
            flux += part * light[:, at_row, at_column]
            seen += part * there[:, at_row, at_column]
    return flux, seen, whole


def _area(x: Floats, y: Floats) -> Floats:
    """Return the signed areas of polygons, whose corners lie along the first axis."""
    return np.asarray(np.sum(x * np.roll(y, -1, 0) - np.roll(x, -1, 0) * y, axis=0) / 2)


def _within(x: Floats, y: Floats) -> Floats:
    """Return the signed areas of polygons within the square from 0 to 1.

    For each x the part of a polygon that lies within is as high as its edges, cut off at 0
    and 1, are apart: so the integral of each edge, cut off, over x is summed around it.
    """
    area = np.zeros(x.shape[1:])
    for a in range(len(x)):
        b = (a + 1) % len(x)
        run, rise = x[b] - x[a], y[b] - y[a]
        start, end = x[a].clip(0, 1), x[b].clip(0, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(run == 0, 0, rise / run)
        low, high = y[a] + slope * (start - x[a]), y[a] + slope * (end - x[a])
        climb = high - low
        flat = np.abs(climb) < 1e-9
        mean = (_integral(high) - _integral(low)) / np.where(flat, 1, climb)
        area += (end - start) * np.where(flat, low.clip(0, 1), mean)
    return area


def _integral(y: Floats) -> Floats:
    """Return the integral from 0 to y of what is cut off at 0 and 1."""
    inside = y.clip(0, 1)
    return np.asarray(inside * inside / 2 + (y - 1).clip(0, None))

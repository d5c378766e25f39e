"""The central source and the square around it; twins of ``csrc/frame.*``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from galedge.core.jit import kernel
from galedge.core.kernels.sky import Floats
from galedge.core.kernels.sources import CENTRAL, central_cells

__all__ = [
    "CROPPED",
    "FRAMINGS",
    "MANY_SOURCES",
    "NEIGHBOUR",
    "NO_SOURCE",
    "SMALL",
    "Scene",
    "centred_frame",
    "find_central",
    "frame_around",
]

# Flags by bit, as in csrc/central.hpp and `galedge.images.facts.FLAGS`.
NO_SOURCE, CROPPED, NEIGHBOUR, SMALL, MANY_SOURCES = 1, 2, 4, 8, 64

# The constants of csrc/central.cpp, with their reasons there.
_SYMMETRIC = 0.6
_PASSING = 0.05
_QUANTILE = 0.985
_RADIUS_BINS = np.float32(8)  # per cell


@kernel
def _centroid(smooth: Floats, inside: NDArray[np.bool_], sky: Any) -> tuple[float, float]:
    """Flux centroid under a window that follows it, a third as wide as the source."""
    ny, nx = smooth.shape
    cx, cy = 0.5 * (nx - 1), 0.5 * (ny - 1)
    spread = max(1.5, 0.33 * math.sqrt(inside.sum() / 3.1416))
    # The first look is half as wide as the preference for central sources.
    reach = max(spread, 0.5 * CENTRAL * max(nx, ny))
    for step in range(6):
        total, sum_x, sum_y = 0.0, 0.0, 0.0
        for y in range(ny):
            for x in range(nx):
                if inside[y, x]:
                    window = math.exp(-0.5 * ((x - cx) ** 2 + (y - cy) ** 2) / reach**2)
                    weight = (smooth[y, x] - sky) * window
                    total += weight
                    sum_x += weight * x
                    sum_y += weight * y
        # Nothing under the window, or more than numbers hold: the last place stands.
        if not total > 0:
            break
        to_x, to_y = sum_x / total, sum_y / total
        if not (-1 < to_x < nx and -1 < to_y < ny):
            break
        moved = math.hypot(to_x - cx, to_y - cy)
        cx, cy = to_x, to_y
        if step > 0 and moved < 0.02:
            break
        reach = spread
    return cx, cy


@kernel
def _round(value: float) -> int:
    """Round half away from zero as ``std::lround``; for what is not negative."""
    return math.floor(value + 0.5)


@kernel
def _symmetric_part(
    inside: NDArray[np.bool_], mirror: NDArray[np.bool_], cx: float, cy: float
) -> tuple[float, int, float]:
    """Share of the source that is symmetric under a half turn, cells at the edge, radius.

    A cell whose mirror image lies outside the image counts, as nobody can tell.
    The radius, in cells, holds all but a few of the symmetric cells.
    """
    ny, nx = inside.shape
    twice_x, twice_y = _round(2 * cx), _round(2 * cy)
    radii = np.zeros(int(12 * (nx + ny)), np.int64)
    kept, at_edge = 0, 0
    for y in range(ny):
        for x in range(nx):
            if not inside[y, x]:
                continue
            my, mx = twice_y - y, twice_x - x
            if 0 <= my < ny and 0 <= mx < nx and not mirror[my, mx]:
                continue
            kept += 1
            if x == 0 or y == 0 or x == nx - 1 or y == ny - 1:
                at_edge += 1
            dx, dy = np.float32(x - cx), np.float32(y - cy)
            radii[int(_RADIUS_BINS * np.sqrt(dx * dx + dy * dy))] += 1
    left = kept - int(_QUANTILE * kept)
    last = radii.size - 1
    while last > 0:
        left -= radii[last]
        if left < 0:
            break
        last -= 1
    # Half a cell from the centre of the outermost cell to its rim.
    return kept / inside.sum(), at_edge, (last + 0.5) / 8 + 0.5


@kernel
def _block(smooth: Floats, x0: int, y0: int, w: int, h: int) -> float:
    """Mean of a block of cells."""
    total = 0.0
    for y in range(y0, y0 + h):
        for x in range(x0, x0 + w):
            total += smooth[y, x]
    return total / (w * h)


@kernel
def _passes_edges(smooth: Floats, centre: Any) -> bool:
    """Whether light passes over the image's edges: their middles outshine the corners."""
    ny, nx = smooth.shape
    w, h = max(1, nx // 8), max(1, ny // 8)
    mx, my = (nx - w) // 2, (ny - h) // 2
    corners, edges = np.empty(4), np.empty(4)
    for i in range(2):
        for j in range(2):
            corners[2 * i + j] = _block(smooth, j * (nx - w), i * (ny - h), w, h)
        edges[i] = _block(smooth, mx, i * (ny - h), w, h)
        edges[2 + i] = _block(smooth, i * (nx - w), my, w, h)
    # Medians of four let one neighbour by.
    corner = (corners.sum() - corners.min() - corners.max()) / 2
    edge = (edges.sum() - edges.min() - edges.max()) / 2
    passing: bool = edge - corner > _PASSING * (centre - corner)
    return passing


@kernel
def find_central(
    image: Floats, threshold: float, sparse: bool = False
) -> tuple[float, float, float, int]:
    """Find the central source of an image (H, W); twin of ``find_central`` in csrc/central.cpp.

    Returns
    -------
    x, y : float
        Its centre in pixel-edge coordinates: the first pixel covers 0 to 1.
    diameter : float
        Of its isophote, in pixels; 0 without a source.
    flags : int
        Bits of `NO_SOURCE`, `CROPPED`, `NEIGHBOUR`, `SMALL`, `MANY_SOURCES`.
    """
    smooth, labels, central, step, level, is_field = central_cells(image, threshold, sparse)
    ny, nx = smooth.shape
    if central == 0:
        return 0.5 * image.shape[1], 0.5 * image.shape[0], 0.0, NO_SOURCE
    inside = labels == central
    cx, cy = _centroid(smooth, inside, level)
    # What lies where nobody can see is as if outside.
    share, at_edge, radius = _symmetric_part(inside, inside | (labels < 0), cx, cy)
    diameter = 2 * radius * step
    flags = 0
    if share < _SYMMETRIC:
        flags |= NEIGHBOUR
    centre = smooth[_round(cy), _round(cx)]
    # Of a source near an edge that is small beside the image, most of that edge is sky.
    nearest = min(cx + 0.5, nx - cx - 0.5, cy + 0.5, ny - cy - 0.5)
    cut = at_edge > 0 and 2 * nearest < radius
    if cut or at_edge > max(nx, ny) // 4 or _passes_edges(smooth, centre):
        flags |= CROPPED
    if diameter < 10:
        flags |= SMALL
    if is_field:
        flags |= MANY_SOURCES
    return (cx + 0.5) * step, (cy + 0.5) * step, diameter, flags


def frame_around(
    x: float, y: float, diameter: float, shape: tuple[int, int], margin: float
) -> tuple[float, float, float]:
    """Return the lower corner and side of a source's frame; twin of csrc/frame.cpp.

    The square of margin x diameter, kept inside the image where it fits and
    never larger than the image's longer side.
    """
    height, width = shape
    longer = float(max(width, height))
    # Without the least a tiny source would become a frame of a few pixels.
    side = min(max(margin * diameter, min(8.0, longer)), longer)

    def place(centre: float, length: int) -> float:
        if side > length:
            return 0.5 * (length - side)
        return min(max(centre - 0.5 * side, 0.0), length - side)

    return place(x, width), place(y, height), side


def centred_frame(shape: tuple[int, int], pixels: float = 0) -> tuple[float, float, float]:
    """Return the largest square centred in the image, or a centred one of `pixels`."""
    height, width = shape
    side = float(pixels if pixels > 0 else min(width, height))
    return 0.5 * (width - side), 0.5 * (height - side), side


Frame: TypeAlias = tuple[float, float, float]
"""Lower corner and side, in pixel-edge coordinates."""


class Scene(NamedTuple):
    """What a framing is given; the fields of ``Scene`` in csrc/central.hpp."""

    image: Floats
    sparse: bool
    threshold: float
    margin: float
    pixels: float


def _frame_source(scene: Scene) -> tuple[Frame, int]:
    x, y, diameter, flags = find_central(scene.image, scene.threshold, scene.sparse)
    if flags & NO_SOURCE:
        return centred_frame(scene.image.shape), flags
    return frame_around(x, y, diameter, scene.image.shape, scene.margin), flags


FRAMINGS: dict[str, Callable[[Scene], tuple[Frame, int]]] = {
    "auto": _frame_source,
    "full": lambda scene: (centred_frame(scene.image.shape), 0),
    "PIXELS": lambda scene: (centred_frame(scene.image.shape, scene.pixels), 0),
}
"""Framings by name; twins of csrc/frame.cpp's."""

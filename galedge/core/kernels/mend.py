"""What happens to pixels before anything is looked for among them; twin of ``csrc/mend.*``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galedge.core.kernels.bridge import bridged
from galedge.core.kernels.constant import constant_areas
from galedge.core.kernels.sky import Floats
from galedge.core.kernels.slope import leveled
from galedge.core.units import in_units, unit_of
from galedge.errors import Blank

__all__ = ["Mended", "filled_share", "mend"]


class Mended(NamedTuple):
    """Planes as they are measured, which pixels of them only seem valid, and their unit."""

    planes: Floats
    filled: NDArray[np.bool_]
    unit: float


def mend(planes: Floats, sky: str, bridge: int, blanks: str) -> Mended:
    """Tell missing pixels of planes (1 or 3, H, W), bridge gaps, take a slope of the sky off.

    Parameters
    ----------
    planes : ndarray of float32
        Linear flux.
    sky, bridge, blanks
        As in `galedge.Recipe`. Under ``blanks="nan"`` areas of one value are only counted.

    Raises
    ------
    Blank
        If no pixel is finite or all have the same value.
    """
    refuse_blank(planes)
    filled = np.zeros(planes.shape, np.bool_)
    planes = planes.copy()
    for plane, counted in zip(planes, filled, strict=True):
        constant = constant_areas(plane)
        if constant is None:
            continue
        if blanks == "constant":
            plane[constant] = np.nan
        else:
            counted |= constant
    refuse_blank(planes)
    if bridge > 0:
        for plane, counted in zip(planes, filled, strict=True):
            plane[:], gaps = bridged(plane, bridge)
            counted |= gaps
    unit = unit_of(planes)
    planes = in_units(planes, unit)
    if sky == "plane":
        planes = np.stack([leveled(plane) for plane in planes])
    return Mended(planes, filled, unit)


def filled_share(filled: NDArray[np.bool_], frame: tuple[float, float, float]) -> float:
    """Return the share of a frame that is covered by pixels which only seem valid."""
    x, y, side = frame

    def overlap(pixel: NDArray[np.intp], start: float) -> NDArray[np.float64]:
        covered = np.minimum(pixel + 1, start + side) - np.maximum(pixel, start)
        return np.asarray(np.maximum(covered, 0), np.float64)

    rows, columns = np.nonzero(filled)
    return float((overlap(columns, x) * overlap(rows, y)).sum()) / side**2


def refuse_blank(planes: Floats) -> None:
    """Refuse planes without anything to see."""
    finite = planes[np.isfinite(planes)]
    if finite.size == 0:
        raise Blank("no pixel is finite; there is nothing to see")
    if not finite.min() < finite.max():
        raise Blank(f"all pixels have the value {finite[0]:.7g}; there is nothing to see")

"""Stars that are the wider the brighter they are, as on photographic plates.

There is no one point spread function then. But stars alone lie along one line of light and
width, so what lies on it is taken for a star; what is wider may be two that touch.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Locus", "mode"]

Doubles = NDArray[np.float64]

_LEAST, _STEP = 60, 30  # stars of a line, and of each of its points
# Of all bright sources so many lie within `_NEAR` of it, in the logarithm of the width: 0.76 of
# those on a plate of an open cluster, 0.3 of a field of galaxies only.
_NEAR, _SHARE = 0.05, 0.5
_RISE = 0.15  # of the width, in the logarithm, over the middle half of the line
_LEAST_SCATTER = 0.02


class Locus(NamedTuple):
    """The line along which stars lie.

    Attributes
    ----------
    light, width : ndarray of float64, shape (K,)
        Natural logarithms: of the light, in any unit, ascending; of the width in pixels.
    scatter : float
        Of stars around it, in the logarithm of the width.
    """

    light: Doubles
    width: Doubles
    scatter: float

    @classmethod
    def of(cls, light: Doubles, width: Doubles) -> Locus | None:
        """Return the line that rises through bright sources; None where there is none."""
        if len(light) < _LEAST:
            return None
        order = np.argsort(light, kind="stable")
        light, width = light[order], width[order]
        starts = [*range(0, len(light) - _STEP, _STEP // 2), len(light) - _STEP]
        at = np.array([np.median(light[i : i + _STEP]) for i in starts])
        along = np.array([mode(width[i : i + _STEP]) for i in starts])
        low, high = np.quantile(along, (0.25, 0.75))
        away = np.abs(width - np.interp(light, at, along))
        near = away < _NEAR
        if high - low < _RISE or near.mean() < _SHARE:
            return None
        return cls(at, along, max(_LEAST_SCATTER, 1.4826 * float(np.median(away[near]))))

    def wider(self, light: Doubles, width: Doubles) -> Doubles:
        """Return by how much sources are wider than stars as bright; NaN beyond the line."""
        return width - np.interp(light, self.light, self.width, math.nan, math.nan)


def mode(values: Doubles) -> float:
    """Return where values lie closest, by half-samples (Robertson & Cryer 1974, JASA 69, 1012)."""
    values = np.sort(values)
    while len(values) > 3:
        count = (len(values) + 1) // 2
        first = int(np.argmin(values[count - 1 :] - values[: len(values) - count + 1]))
        values = values[first : first + count]
    return float(values.mean())

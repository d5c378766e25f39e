"""Label sets: the classes that a galaxy may well be, so many that a stated share of sets is right.

Of each class the share is kept by itself (class-conditional, or Mondrian, conformal sets:
Vovk, Gammerman & Shafer 2005). That is a threshold for each class: of the galaxies of
calibration that are of the class, the level's share was given at least that probability.
A frequent class cannot make up for a rare one, and sets hold whatever the classes' shares.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.network.heads.base import CardError, field, number

__all__ = ["DEFAULT", "LEVELS", "METHOD", "Sets", "entry_of", "members", "thresholds"]

METHOD = "class-conditional"
DEFAULT = 0.9
"""The level of those who name none."""

LEVELS = (0.8, 0.9, 0.95)
"""Those that are calibrated."""

DIGITS = 4  # of a threshold


@dataclass(frozen=True)
class Sets:
    """From which probability on each class is in a set, at several levels.

    Attributes
    ----------
    levels : tuple of (float, tuple of float)
        A level, and a probability for each class; ascending.
    """

    levels: tuple[tuple[float, tuple[float, ...]], ...]

    @classmethod
    def parse(cls, fields: Mapping[str, Any], classes: int) -> Sets:
        """Understand the entry ``sets`` of a head of so many classes.

        Raises
        ------
        CardError
            If it is not as it must be.
        """
        method = field(fields, "method", str)
        if method != METHOD:
            raise CardError(f"'method' {method!r} is not {METHOD!r}, which this galedge knows")
        found: dict[float, tuple[float, ...]] = {}
        for text, least in field(fields, "levels", dict).items():
            try:
                level = float(text)
            except ValueError:
                level = 0.0
            if not 0 < level < 1 or level in found:
                raise CardError(f"'levels': {text!r} is no level of its own between 0 and 1")
            if not isinstance(least, list) or len(least) != classes:
                raise CardError(f"'levels': {text}: must give each class a probability")
            found[level] = tuple(number({text: each}, text) for each in least)
            if not all(0 <= each <= 1 for each in found[level]):
                raise CardError(f"'levels': {text}: probabilities lie in 0..1")
        if not found:
            raise CardError("'levels' must list at least one")
        return cls(tuple(sorted(found.items())))

    def least(self, level: float) -> tuple[float, ...] | None:
        """Return the thresholds of a level; None if it was not calibrated."""
        return dict(self.levels).get(level)


def members(
    values: NDArray[np.float32], shown: NDArray[np.float32], least: tuple[float, ...]
) -> list[list[int]]:
    """Return the classes of each image's set, the most probable first.

    Parameters
    ----------
    values : ndarray, shape (N, C)
        The probabilities that the thresholds were calibrated for.
    shown : ndarray, shape (N, C)
        Those that the row tells, which order the set and of which the largest is
        in it in any case: no set is empty. A class of probability 0 is in none.
    least : tuple of float
        The thresholds.
    """
    within = (values >= np.asarray(least, np.float32)) & (shown > 0)
    order = np.argsort(-shown, axis=1, kind="stable")
    within[np.arange(len(shown)), order[:, 0]] = True
    inside = np.take_along_axis(within, order, axis=1)
    return [row[chosen].tolist() for row, chosen in zip(order, inside, strict=True)]


def thresholds(label: NDArray[np.intp], p: NDArray[Any], level: float) -> list[float]:
    """Return for each class the probability that `level` of its members are given at least.

    Parameters
    ----------
    label : ndarray of int, shape (N,)
    p : ndarray, shape (N, C)

    Returns
    -------
    list of float
        Rounded down. The share holds for the next member, in the mean over sets of
        calibration: of n members (n + 1) level must be within, and where these are more
        than n, as of a class without any, the class is in every set.
    """
    found = []
    for place in range(p.shape[1]):
        own = np.sort(p[label == place, place])
        within = math.ceil((len(own) + 1) * level - 1e-9)
        least = 0.0 if within > len(own) else float(own[len(own) - within])
        found.append(math.floor(least * 10**DIGITS) / 10**DIGITS)
    return found


def entry_of(label: NDArray[np.intp], p: NDArray[Any], fewest: int) -> dict[str, Any] | None:
    """Return what a card says of the label sets of a head, by answers that calibrate them.

    `fewest` is how many galaxies the rarest class has. A level for which these are too few is
    left out, and without any there is none.
    """
    levels = [level for level in LEVELS if (fewest + 1) * level <= fewest]
    if not levels:
        return None
    return {
        "method": METHOD,
        "levels": {f"{level:g}": thresholds(label, p, level) for level in levels},
    }

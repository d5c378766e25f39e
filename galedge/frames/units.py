"""Units of a source list's columns: honoured or refused, never passed over."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence

__all__ = ["degrees_of"]

_ANGLES = {
    **dict.fromkeys(("deg", "degree", "degrees"), 1.0),
    **dict.fromkeys(("rad", "radian", "radians"), math.degrees(1)),
    **dict.fromkeys(("hourangle", "h", "hr", "hour", "hours"), 15.0),
    **dict.fromkeys(("arcmin", "arcminute", "arcminutes"), 1 / 60),
    **dict.fromkeys(("arcsec", "arcsecond", "arcseconds"), 1 / 3600),
    "mas": 1 / 3.6e6,
    "uas": 1 / 3.6e9,
}
_PIXELS = ("pix", "pixel", "pixels", "px")
_NONE = ("", "none", "-", "--", "dimensionless", "unitless")


def degrees_of(unit: str | None, takes: Sequence[str]) -> float | None:
    """Return how many degrees a unit is; None where the column counts what it does anyway.

    Parameters
    ----------
    unit : str or None
        As the table has it.
    takes : sequence of str
        Of ``"angles"`` and ``"pixels"``, what the column may be in.

    Raises
    ------
    ValueError
        If the unit is another.
    """
    name = (unit or "").strip().lower()
    if name in _NONE or (name in _PIXELS and "pixels" in takes):
        return None
    degrees = _ANGLES.get(name) or _by_astropy(unit or "")
    if degrees is None or "angles" not in takes:
        raise ValueError(f"{unit!r} is none of {' and '.join(takes)}")
    return degrees


def _by_astropy(unit: str) -> float | None:
    """Return how many degrees any other angle is, such as ``0.1 arcsec``."""
    try:
        units = importlib.import_module("astropy.units")  # the table may have come without it
        return float(units.Unit(unit).to("deg"))
    except (ImportError, ValueError, TypeError):  # of which astropy's UnitsErrors are
        return None

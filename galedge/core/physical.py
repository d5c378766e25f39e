"""From stored samples to physical values, in Python; see ``csrc/pixels.*``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.errors import ReadError

__all__ = ["physical", "scaling"]


def scaling(cards: Mapping[str, Any]) -> tuple[float, float]:
    """Return BSCALE and BZERO, 1 and 0 where there are none, or ReadError."""
    found = []
    for keyword, neutral in (("BSCALE", 1), ("BZERO", 0)):
        value = cards.get(keyword)
        value = neutral if value is None else value
        if type(value) not in (int, float):
            raise ReadError(f"{keyword} is not a number: {value!r}")
        found.append(float(value))
    return found[0], found[1]


def physical(
    stored: NDArray[Any],
    bitpix: int,
    cards: Mapping[str, Any],
    blanks: tuple[str, ...],
    wanted: type[np.floating[Any]],
) -> NDArray[np.floating[Any]]:
    """Return values, in the precision that the core and astropy use, rounded to `wanted`.

    Parameters
    ----------
    stored : ndarray
        Samples of BITPIX, or of ZBITPIX.
    bitpix : int
    cards : mapping
        The header.
    blanks : tuple of str
        Keywords that say which integer is no value; the first one that is there counts.
    wanted : type
    """
    scale, zero = scaling(cards)
    integers = [cards.get(keyword) for keyword in blanks if type(cards.get(keyword)) is int]
    blank = integers[0] if integers and bitpix > 0 else None
    if bitpix == 64 and scale == 1 and blank is None and zero in (0, 2.0**63):
        unsigned = stored.astype(np.int64).view(np.uint64) ^ np.uint64(1 << 63)
        return (unsigned if zero else stored).astype(wanted)
    kind: Any = np.float64 if bitpix in (32, 64, -64) else np.float32
    pixels: NDArray[Any] = stored.astype(kind)
    with np.errstate(all="ignore"):
        if scale != 1 or zero != 0:
            pixels = pixels * kind(scale) + kind(zero if zero else -0.0)
        if blank is not None:
            pixels[stored == blank] = np.nan
        return pixels.astype(wanted, copy=False)

"""From quantized integers back to floats; twin of ``csrc/dither.*``."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["dequantize"]

_RANDOMS = 10_000
_ZERO = -2147483646  # SUBTRACTIVE_DITHER_2 stores an exact zero as this integer


@cache
def _randoms() -> NDArray[np.float32]:
    """Run the generator of Park & Miller (1988) that the standard prescribes (appendix I)."""
    values, seed = np.empty(_RANDOMS, np.float32), 1
    for i in range(_RANDOMS):
        seed = 16807 * seed % 2147483647
        values[i] = seed / 2147483647
    return values


def _sequence(seed: int, count: int) -> NDArray[np.float64]:
    """Return the random numbers of a tile: from a place of the list to its end, and again."""
    randoms, start = _randoms(), (seed - 1) % _RANDOMS
    parts: list[NDArray[np.float32]] = []
    while count > 0:
        parts.append(randoms[int(randoms[start] * np.float32(500)) :][:count])
        count -= len(parts[-1])
        start = (start + 1) % _RANDOMS
    return np.concatenate(parts).astype(np.float64)


def dequantize(
    stored: NDArray[np.int32],
    method: str,
    seed: int,
    scale: float,
    zero: float,
    blank: int | None,
    kind: Any,
) -> NDArray[np.floating[Any]]:
    """Return floats of type `kind`; `method` is that of ZQUANTIZ."""
    level = stored.astype(np.float64)
    if method.startswith("SUBTRACTIVE"):
        level = level - _sequence(seed, len(stored)) + 0.5
    values: NDArray[Any] = (level * scale + zero).astype(kind)
    if method == "SUBTRACTIVE_DITHER_2":
        values[stored == _ZERO] = 0
    if blank is not None:
        values[stored == blank] = np.nan
    return values

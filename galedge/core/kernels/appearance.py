"""How prepared pictures look, see `galedge.images.appearance`; twin of csrc/appearance.cpp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["appearances"]

_LEAST = 0.01  # of a square of grey levels: a picture without detail has some sharpness, too


def appearances(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return sharpness, two colours and two tilts of pictures (N, 3, S, S), S being 8 or more."""
    side = pixels.shape[-1] // 4 * 4
    two = _halved(pixels[:, :, :side, :side].sum(1, dtype=np.int64))
    four = _halved(two)
    middle = slice(side * 3 // 8, side * 5 // 8)
    red, green, blue = pixels[:, :, middle, middle].sum((2, 3), dtype=np.int64).T + 1
    half = four.shape[-1] // 2
    columns, rows = four.sum(1), four.sum(2)
    total = np.maximum(columns.sum(1), 1)
    numbers = (
        # A value of two by two pixels is of 12, one of four by four of 48.
        np.log2((_detail(two) / 12**2 + _LEAST) / (_detail(four) / 48**2 + _LEAST)),
        np.log2(red / green),
        np.log2(blue / green),
        *((each[:, -half:].sum(1) - each[:, :half].sum(1)) / total for each in (columns, rows)),
    )
    return np.stack(numbers, 1)


def _halved(light: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return sums of two by two values."""
    rows = light[:, ::2] + light[:, 1::2]
    return rows[:, :, ::2] + rows[:, :, 1::2]


def _detail(light: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean square of the Laplacian; 0 where there is no room for one."""
    inner = light[:, 1:-1, 1:-1]
    if not inner.size:
        return np.zeros(len(light))
    beside = light[:, :-2, 1:-1] + light[:, 2:, 1:-1] + light[:, 1:-1, :-2] + light[:, 1:-1, 2:]
    return np.asarray(((4 * inner - beside) ** 2).mean((1, 2)))

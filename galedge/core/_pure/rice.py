"""RICE_1, readable; twin of ``csrc/rice.*``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from galedge.core.jit import kernel

__all__ = ["rice_decode"]

_MASK = 0xFFFFFFFF


@kernel
def _bits(data: NDArray[np.uint8], at: int, count: int) -> int:
    """Return `count` bits from bit `at` on."""
    value = 0
    for i in range(at, at + count):
        value = value << 1 | (data[i >> 3] >> (7 - (i & 7))) & 1
    return value


@kernel
def rice_decode(
    data: NDArray[np.uint8], pixels: int, block: int, bits: int
) -> tuple[NDArray[np.uint32], bool]:
    """Decode pixels of 8, 16 or 32 bits (FITS 4.0, section 10.4.1).

    Returns their lowest 32 bits, and whether `data` holds them all.
    """
    parameter_bits, raw = (3, 6) if bits == 8 else (4, 14) if bits == 16 else (5, 25)
    out = np.zeros(pixels, np.uint32)
    end = 8 * data.size
    if end < bits:
        return out, False
    last, at = _bits(data, 0, bits), bits
    for start in range(0, pixels, block):
        if at + parameter_bits > end:
            return out, False
        fs = _bits(data, at, parameter_bits) - 1
        at += parameter_bits
        for i in range(start, min(start + block, pixels)):
            difference = 0
            if fs == raw:  # too noisy to code: differences as they are
                if at + bits > end:
                    return out, False
                difference = _bits(data, at, bits)
                at += bits
            elif fs >= 0:  # a run of zeros, a one, and `fs` more bits
                zeros = 0
                while at < end and not data[at >> 3] >> (7 - (at & 7)) & 1:
                    zeros += 1
                    at += 1
                if at + 1 + fs > end:
                    return out, False
                difference = (zeros << fs | _bits(data, at + 1, fs)) & _MASK
                at += 1 + fs
            # 0, -1, 1, -2, 2 ... were coded as 0, 1, 2, 3, 4 ...
            last += difference >> 1 if difference & 1 == 0 else ~(difference >> 1)
            last &= _MASK
            out[i] = last
    return out, True

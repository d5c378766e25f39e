"""Whether a RICE_1 stream holds its pixels (FITS 4.0, section 10.4.1; see ``csrc/rice.*``)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from galedge.core.jit import kernel

__all__ = ["holds"]


@kernel
def holds(data: NDArray[np.uint8], pixels: int, block: int, bits: int) -> bool:
    """Whether pixels of 8, 16 or 32 bits end where `data` does, or before."""
    parameter_bits, raw = (3, 6) if bits == 8 else (4, 14) if bits == 16 else (5, 25)
    end = 8 * data.size
    at = bits  # the first pixel stands plain
    for start in range(0, pixels, block):
        if at + parameter_bits > end:
            return False
        fs = -1
        for i in range(at, at + parameter_bits):
            fs += (data[i >> 3] >> (7 - (i & 7)) & 1) << (at + parameter_bits - 1 - i)
        at += parameter_bits
        count = min(block, pixels - start)
        if fs == raw:  # too noisy to code: differences as they are
            at += count * bits
        elif fs >= 0:
            for _ in range(count):  # a run of zeros, a one, and `fs` more bits
                while at < end and not data[at >> 3] >> (7 - (at & 7)) & 1:
                    at += 1
                at += 1 + fs
        if at > end:
            return False
    return at <= end

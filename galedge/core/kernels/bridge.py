"""Dead rows and columns, filled between what lies on either side; twin of ``csrc/bridge.*``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from galedge.core.jit import kernel
from galedge.core.kernels.sky import Floats

__all__ = ["bridged"]


@kernel
def _lay(image: Floats, out: Floats, length: NDArray[np.uint8], most: int, turned: bool) -> None:
    """Fill runs along rows, or along columns where `turned`, of what is not finite."""
    lines, pixels = image.shape[::-1] if turned else image.shape
    for line in range(lines):
        before = -1
        for i in range(pixels):
            if not np.isfinite(image[i, line] if turned else image[line, i]):
                continue
            n = i - before - 1
            if before >= 0 and 0 < n <= most:
                a = image[before, line] if turned else image[line, before]
                b = image[i, line] if turned else image[line, i]
                for k in range(1, n + 1):
                    y, x = (before + k, line) if turned else (line, before + k)
                    t = np.float32(k) / np.float32(n + 1)
                    value = a * (np.float32(1) - t) + b * t
                    if length[y, x] == n:
                        out[y, x] = np.float32(0.5) * out[y, x] + np.float32(0.5) * value
                    elif length[y, x] == 0 or n < length[y, x]:
                        length[y, x] = n
                        out[y, x] = value
            before = i


def bridged(image: Floats, most: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Fill rows and columns of up to `most` pixels of (H, W) that are not finite.

    Between their neighbours, along the shorter way; also returned is which these are.
    """
    out, length = image.copy(), np.zeros(image.shape, np.uint8)
    _lay(image, out, length, most, False)
    _lay(image, out, length, most, True)
    return out, length > 0

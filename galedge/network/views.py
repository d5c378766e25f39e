"""The eight views of a picture: turned by quarters, and mirrored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["DOUBT", "VIEWS", "others"]

VIEWS = (1, 8, "auto")
"""How many views are averaged; ``auto`` is eight where one leaves doubt."""

DOUBT = 0.5
"""The probability of the best class below which ``auto`` looks again.

Chosen on the validation split (docs/cli.md): over colour, grey and linear images
half of what eight views bring to the T-type, for a quarter of the time.
"""


def others(pixels: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], bool]]:
    """Yield the seven other views of a batch (N, 3, S, S), each with whether it is mirrored."""
    for mirrored in (False, True):
        seen = pixels[..., ::-1] if mirrored else pixels
        for quarters in range(0 if mirrored else 1, 4):
            yield np.ascontiguousarray(np.rot90(seen, quarters, (2, 3))), mirrored

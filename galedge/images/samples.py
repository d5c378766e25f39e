"""What formats beside FITS have in common: a frame's size, its planes, a window of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.errors import ReadError
from galedge.images.header import HduName

__all__ = ["LAST", "Samples", "planes_first", "select"]

#: How long a last axis is that holds bands: grey, colours, colours with opacity.
LAST = (1, 3, 4)


def planes_first(samples: NDArray[Any]) -> NDArray[Any]:
    """Bring bands from the last axis to the first, and leave opacity behind them out."""
    if samples.ndim == 3 and samples.shape[2] in LAST and samples.shape[0] not in (1, 3):
        return np.moveaxis(samples, -1, 0)[:3]
    return samples


class Samples:
    """A picture or a NumPy array: decoded as a whole."""

    def __init__(
        self, kind: str, dtype: str, frame: tuple[int, int], plane_count: int, is_picture: bool
    ) -> None:
        self.kind = kind
        self.dtype = dtype
        self.is_picture = is_picture
        self.plane_count = plane_count
        self._frame = frame

    def frame(self, hdu: HduName | None) -> tuple[int, int]:
        """Height and width."""
        return self._frame

    def planes(self) -> NDArray[Any]:
        """All samples, ``(H, W)`` or ``(P, H, W)``."""
        raise NotImplementedError


def select(
    samples: NDArray[Any],
    plane: int | None,
    window: tuple[int, int, int, int] | None,
    dtype: type[np.floating[Any]],
) -> NDArray[np.floating[Any]]:
    """One plane and a window of decoded samples, as native floats."""
    if plane is not None:
        count = 1 if samples.ndim == 2 else samples.shape[0]
        if not 0 <= plane < count:
            raise ReadError(f"no plane {plane}: the image has {count}")
        samples = samples if samples.ndim == 2 else samples[plane]
    if window is not None:
        x, y, width, height = window
        full_height, full_width = samples.shape[-2:]
        inside = 0 <= x <= full_width - width and 0 <= y <= full_height - height
        if width < 1 or height < 1 or not inside:
            raise ReadError(
                f"the window does not lie inside the image of {full_width} x {full_height} pixels"
            )
        samples = samples[..., y : y + height, x : x + width]
    return np.ascontiguousarray(samples, dtype=dtype)

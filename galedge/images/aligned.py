"""Bands of one field that lie otherwise on the sky, brought to the pixels of one by area."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from galedge.errors import Unsupported
from galedge.images.area import Floats, resampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from galedge.images.astrometry import Sky

__all__ = ["Grid", "apart", "refuse_other_field"]

_SHARED = 0.1  # of one band, that another must cover to be of one field
_ACROSS = 33  # places along a side at which two frames are compared


class Grid:
    """A band on the pixels of another, by what both headers say of the sky.

    Parameters
    ----------
    read : function
        The band's pixels, (planes, height, width), by x, y, width and height.
    shape : tuple of int
        Planes, height and width of the band.
    main, own : Sky
        Celestial coordinates of the other and of the band.
    """

    def __init__(
        self,
        read: Callable[[int, int, int, int], NDArray[Any]],
        shape: tuple[int, int, int],
        main: Sky,
        own: Sky,
    ) -> None:
        self._read, self._shape = read, shape
        self._main, self._own = main, own

    def _corners(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        return self._own.sky_to_pixels(*self._main.pixels_to_sky(x, y))

    def window(self, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """Return pixels of the other's grid; NaN where the band does not reach."""
        return resampled(self._read, self._shape, self._corners, (x, y, width, height))


def apart(main: Sky, own: Sky, shape: tuple[int, int]) -> float:
    """Return by how many pixels two frames differ at most; infinity where nobody knows."""
    x, y = _places(shape)
    away = np.hypot(*np.subtract(own.sky_to_pixels(*main.pixels_to_sky(x, y)), (x, y))).max()
    return float(away) if np.isfinite(away) else float("inf")


def refuse_other_field(
    main: Sky, own: Sky, shape: tuple[int, int], own_shape: tuple[int, int], names: tuple[str, str]
) -> None:
    """Refuse a band that covers next to nothing of another; `names` is it and the other.

    Raises
    ------
    Unsupported
        With the share.
    """
    x, y = own.sky_to_pixels(*main.pixels_to_sky(*_places(shape)))
    height, width = own_shape
    on = (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
    if on.mean() < _SHARED:
        raise Unsupported(
            f"{names[0]} covers {100 * on.mean():.0f} % of {names[1]} on the sky; the three bands "
            "must be of one field"
        )


def _places(shape: tuple[int, int]) -> tuple[Floats, Floats]:
    height, width = shape
    x, y = np.meshgrid(np.linspace(0, width - 1, _ACROSS), np.linspace(0, height - 1, _ACROSS))
    return x.ravel(), y.ravel()

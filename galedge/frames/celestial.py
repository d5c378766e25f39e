"""Celestial coordinates of frames: the core's where it knows them, else astropy's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galedge.images.astrometry import by_astropy

if TYPE_CHECKING:
    from galedge.images.astrometry import Sky
    from galedge.images.image import Image, Wcs

__all__ = ["Tan", "celestial_of"]

Floats = NDArray[np.float64]


class Tan:
    """The gnomonic projection, with SIP or without, by the core; see `Sky`."""

    def __init__(self, wcs: Wcs, shape: tuple[int, int]) -> None:
        self._wcs, self._shape = wcs, shape
        self.pixel_scale = wcs.pixel_scale

    def pixels_to_sky(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return right ascension and declination."""
        return self._wcs.pixels_to_sky(x, y)

    def sky_to_pixels(self, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        """Return x and y; NaN for the hemisphere behind the projection.

        Where SIP, whose polynomials hold on the frame alone, leads to no pixel, the
        place without it counts, if that lies outside.
        """
        x, y = self._wcs.sky_to_pixels(ra, dec)
        if (lost := ~np.isfinite(x + y)).any():
            plain = self._wcs.sky_to_pixels(ra[lost], dec[lost], with_sip=False)
            height, width = self._shape
            off = [np.abs(2 * at + 1 - n) > n for at, n in zip(plain, (width, height), strict=True)]
            x[lost], y[lost] = (np.where(off[0] | off[1], at, np.nan) for at in plain)
        return x, y


def celestial_of(image: Image, shape: tuple[int, int]) -> Sky | None:
    """Return the celestial coordinates of a frame.

    Parameters
    ----------
    image : Image
        Any part of the frame, for its header and the core's WCS.
    shape : tuple of int
        Height and width of the whole frame.

    Returns
    -------
    Sky or None
        None if the header has none.

    Raises
    ------
    ReadError
        If it needs astropy, and that is not installed or does not understand it.
    """
    if image.wcs_unread:
        return by_astropy(image, shape)
    return None if image.wcs is None else Tan(image.wcs, shape)

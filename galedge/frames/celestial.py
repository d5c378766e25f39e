"""Celestial coordinates of frames: the core's where it knows them, else astropy's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from galedge.images.astrometry import by_astropy

if TYPE_CHECKING:
    from galedge.core.astropy_sky import AstropySky
    from galedge.images.image import Image, Wcs

__all__ = ["Celestial", "Tan", "celestial_of"]

Floats = NDArray[np.float64]


class Celestial(Protocol):
    """Between zero-based pixels and degrees (ICRS), arrays of one shape."""

    def to_sky(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return right ascension and declination; NaN for NaN."""
        ...

    def to_pixel(self, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        """Return x and y; NaN for what the frame's projection does not show."""
        ...

    @property
    def pixel_scale(self) -> float:
        """Side of a pixel in degrees."""
        ...


class Tan:
    """The gnomonic projection, with SIP or without, by the core."""

    def __init__(self, wcs: Wcs, shape: tuple[int, int]) -> None:
        self._wcs, self._shape = wcs, shape

    @property
    def pixel_scale(self) -> float:
        """Side of a pixel in degrees."""
        return self._wcs.pixel_scale / 3600

    def to_sky(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return right ascension and declination."""
        return self._wcs.pixels_to_sky(x, y)

    def to_pixel(self, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
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


class _Astropy:
    """Whatever astropy knows: other projections and frames, lookup tables."""

    def __init__(self, sky: AstropySky) -> None:
        self._sky = sky

    @property
    def pixel_scale(self) -> float:
        """Side of a pixel in degrees."""
        return self._sky.pixel_scale / 3600

    def to_sky(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return right ascension and declination."""
        return self._sky.pixels_to_sky(x, y)

    def to_pixel(self, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        """Return x and y."""
        return self._sky.sky_to_pixels(ra, dec)


def celestial_of(image: Image, shape: tuple[int, int]) -> Celestial | None:
    """Return the celestial coordinates of a frame.

    Parameters
    ----------
    image : Image
        Any part of the frame, for its header and the core's WCS.
    shape : tuple of int
        Height and width of the whole frame.

    Returns
    -------
    Celestial or None
        None if the header has none.

    Raises
    ------
    ReadError
        If it needs astropy, and that is not installed or does not understand it.
    """
    if image.wcs_unread:
        return _Astropy(by_astropy(image, shape))
    return None if image.wcs is None else Tan(image.wcs, shape)

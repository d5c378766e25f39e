"""Celestial coordinates of frames: the core's TAN where it suffices, else astropy's."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from galedge.errors import GaledgeError, ReadError
from galedge.support.extras import need

if TYPE_CHECKING:
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
    """The gnomonic projection (Calabretta & Greisen 2002, A&A 395, 1077), undistorted."""

    def __init__(self, wcs: Wcs) -> None:
        self._wcs = wcs
        self._matrix = np.array(wcs.matrix)
        self._ra0, dec0 = np.radians(wcs.crval)
        self._sin, self._cos = np.sin(dec0), np.cos(dec0)
        self._lonpole = np.radians(wcs.lonpole)

    @property
    def pixel_scale(self) -> float:
        """Side of a pixel in degrees."""
        return self._wcs.pixel_scale / 3600

    def to_sky(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return right ascension and declination."""
        place = self._wcs.pixel_to_sky
        pairs = [place(*pair) for pair in zip(x.tolist(), y.tolist(), strict=True)]
        ra, dec = np.array(pairs, np.float64).reshape(-1, 2).T
        return ra, dec

    def to_pixel(self, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        """Return x and y; NaN for the hemisphere behind the projection."""
        ra, dec = np.radians(ra) - self._ra0, np.radians(dec)
        east = np.cos(dec) * np.sin(ra)
        north = np.sin(dec) * self._cos - np.cos(dec) * self._sin * np.cos(ra)
        up = np.sin(dec) * self._sin + np.cos(dec) * self._cos * np.cos(ra)
        phi = self._lonpole + np.arctan2(-east, north)  # native longitude (eq. 5)
        with np.errstate(divide="ignore", invalid="ignore"):
            radius = np.degrees(np.hypot(east, north) / up)  # eq. 54
        radius[~(up > 0)] = np.nan
        plane = np.stack([radius * np.sin(phi), -radius * np.cos(phi)])  # eqs. 12, 13
        x, y = np.linalg.solve(self._matrix, plane) + np.array(self._wcs.crpix)[:, np.newaxis] - 1
        return x, y


class _Astropy:
    """Whatever astropy knows: other projections and frames, SIP, distortion tables."""

    def __init__(self, wcs: Any) -> None:
        self._wcs = wcs
        utilities = need("astropy.wcs.utils", "tables", "this frame's WCS")
        self._utilities = utilities
        self._coordinates = need("astropy.coordinates", "tables", "this frame's WCS")
        self._pixel_scale = float(np.sqrt(utilities.proj_plane_pixel_area(wcs)))

    @property
    def pixel_scale(self) -> float:
        """Side of a pixel in degrees."""
        return self._pixel_scale

    def to_sky(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return right ascension and declination."""
        place = self._utilities.pixel_to_skycoord(x, y, self._wcs, origin=0).icrs
        return place.ra.deg % 360, place.dec.deg

    def to_pixel(self, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        """Return x and y."""
        place = self._coordinates.SkyCoord(ra, np.clip(dec, -90, 90), unit="deg", frame="icrs")
        to_pixel = self._utilities.skycoord_to_pixel
        with np.errstate(invalid="ignore"):
            x, y = to_pixel(place, self._wcs, origin=0, mode="wcs")
            # Distortions are polynomials that hold near the frame: far from it,
            # where it does not matter, their inversion would not converge.
            width, height = self._wcs.pixel_shape or (0, 0)
            near = (np.abs(x - width / 2) < width) & (np.abs(y - height / 2) < height)
        if near.any():
            x[near], y[near] = to_pixel(place[near], self._wcs, origin=0, mode="all")
        return x, y


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
    GaledgeError
        If it needs astropy, which is not installed.
    ReadError
        If astropy does not understand it.
    """
    if image.wcs is not None and not image.wcs.distorted:
        return Tan(image.wcs)
    if image.hdu is None or not any(key.startswith("CTYPE") for key in image.header):
        return None
    purpose = f"{image.path}: the frame's WCS, which is more than an undistorted TAN,"
    fits = need("astropy.io.fits", "tables", purpose)
    wcs_module = need("astropy.wcs", "tables", purpose)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(image.path) as hdus:  # for the distortion tables in other HDUs
                wcs = wcs_module.WCS(hdus[image.hdu].header, hdus, naxis=2)
            if not wcs.has_celestial:
                return None
            wcs.pixel_shape = (shape[1], shape[0])
            return _Astropy(wcs)
    except GaledgeError:
        raise
    except Exception as error:  # wcslib's and astropy's errors have no common base
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1].strip()
        raise ReadError(f"{image.path}: astropy does not understand its WCS: {reason}") from None

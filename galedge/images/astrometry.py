"""Where pixels lie on the sky, and which way round they are.

By the core where it knows the header's coordinates, else by astropy, where it is
installed: whichever way an image comes in, it lies in the same place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from galedge.core.astropy_sky import AstropySky, needs_file
from galedge.errors import GaledgeError, ReadError
from galedge.images.image import Image, read
from galedge.images.lookups import lookups_of

if TYPE_CHECKING:
    from galedge.images.facts import Facts

__all__ = [
    "ALIGNED",
    "Sky",
    "by_astropy",
    "on_one_grid",
    "orient",
    "place",
    "resolve",
    "sky_flags",
    "sky_of",
]

Floats = NDArray[np.float64]

#: Pixels that bands may lie apart and still be on the same.
ALIGNED = 0.1


class Sky(Protocol):
    """Between zero-based pixels and degrees (ICRS), arrays of one axis."""

    def pixels_to_sky(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return right ascension and declination; NaN for what has none."""
        ...

    def sky_to_pixels(self, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        """Return x and y; NaN for what has none."""
        ...

    @property
    def pixel_scale(self) -> float:
        """Side of a square of the same area as a pixel, in arcsec."""
        ...


def sky_of(image: Image) -> Sky | None:
    """Return the coordinates of an image, or None if its header has none.

    Raises
    ------
    ReadError
        If they need astropy, and it is not installed or does not understand them.
    """
    if image.wcs_unread:
        return by_astropy(image)
    return image.wcs


def by_astropy(image: Image, shape: tuple[int, int] | None = None) -> AstropySky:
    """Read an image's coordinates with astropy.

    Parameters
    ----------
    image : Image
        Any part of it.
    shape : tuple of int, optional
        Height and width of the whole.

    Raises
    ------
    ReadError
        As `sky_of`.
    """
    try:
        lookups = lookups_of(image) if needs_file(image.header) else None
        return AstropySky(image.header, lookups, shape, image.origin)
    except GaledgeError as error:  # also where astropy is missing: other images may do without
        reason = str(error).removeprefix(f"{image.path}: ")
        raise ReadError(f"{image.path}: {reason}") from None


def place(image: Image, x: float, y: float) -> tuple[float, float] | None:
    """Return right ascension and declination of a pixel, or None where nobody knows them."""
    try:
        sky = sky_of(image)
    except GaledgeError:
        return None
    if sky is None:
        return None
    ra, dec = (float(axis[0]) for axis in sky.pixels_to_sky(np.array([x]), np.array([y])))
    return (ra, dec) if math.isfinite(ra + dec) else None


def orient(facts: Facts, image: Image) -> None:
    """Put into the facts of an image what its header says of the sky."""
    facts.parity = image.parity
    facts.upwards = not image.is_picture if image.upwards is None else image.upwards
    stated = image.parity or image.upwards is not None
    facts.handedness = ("sky" if image.parity else "file") if stated else "assumed"
    if facts.x is None or facts.y is None:
        return
    found = place(image, facts.x, facts.y)
    facts.ra, facts.dec = found or (None, None)
    facts.flags += sky_flags(image, found)


def sky_flags(image: Image, found: object) -> tuple[str, ...]:
    """Return the flags of what a header says of the sky; `found` is what `place` says."""
    unread = found is None and (image.wcs is not None or image.wcs_unread)
    return ("sip_ignored",) * image.sip_ignored + ("wcs_unread",) * unread


def resolve(facts: Facts) -> None:
    """Ask astropy where a FITS file lies that the core did not understand."""
    if "wcs_unread" not in facts.flags or facts.x is None or facts.y is None:
        return
    try:
        found = place(read(facts.path, facts.hdu, window=(0, 0, 1, 1)), facts.x, facts.y)
    except GaledgeError:  # the file changed
        return
    if found is not None:
        facts.ra, facts.dec = found
        facts.flags = tuple(flag for flag in facts.flags if flag != "wcs_unread")


def on_one_grid(bands: Sequence[Image]) -> bool:
    """Tell whether bands lie on the same pixels of the sky, as far as their headers say.

    A tenth of a pixel is allowed for.
    """
    height, width = bands[0].data.shape[-2:]
    x = np.array([0, width - 1, 0, width - 1], float)
    y = np.array([0, 0, height - 1, height - 1], float)
    places = []
    for band in bands:
        try:
            sky = sky_of(band)
        except GaledgeError:  # coordinates that nobody understands cannot differ
            continue
        if sky is not None:
            ra, dec = np.radians(sky.pixels_to_sky(x, y))
            place = [np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)]
            places.append((np.array(place), sky.pixel_scale))
    return all(
        not np.degrees(np.linalg.norm(found - places[0][0], axis=0)).max() * 3600
        > ALIGNED * places[0][1]
        for found, _ in places[1:]
    )

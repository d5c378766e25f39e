"""What an image is in memory: pixels, and what is known about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from galedge.core.backend import _core
from galedge.images.header import Header
from galedge.images.wavelengths import Order

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Image", "Wcs"]

Wcs = _core.Wcs


@dataclass(frozen=True, slots=True)
class Image:
    """Pixels and what is known about them.

    Attributes
    ----------
    data : ndarray
        Native floats, contiguous: ``(H, W)``, or ``(P, H, W)`` planes first; of
        pictures uint8. Axes of length 1 are dropped as long as two remain. Blank
        pixels are NaN.
    header : Header
        The FITS header of the image; empty for other formats.
    wcs : Wcs or None
        Celestial coordinates of ``data`` (ICRS), where the header has them in the
        gnomonic (TAN) projection, with SIP or without.
    path : str
        Where the image came from, for messages and tables.
    hdu : int or None
        The HDU that was read.
    is_picture : bool
        Eight bits a sample, unscaled: already stretched for display.
    parity : {1, -1, 0}
        What the header's coordinates say of the pixels with the first row on
        top: 1 as on the sky (north up, east to the left, however rotated), -1
        its mirror image, 0 nothing.
    upwards : bool or None
        Whether the first row is the lowest: of FITS, unless its ROWORDER says
        TOP-DOWN, and not of JPEG, PNG and TIFF. None where nothing says it: it
        is then taken to be so unless this is a picture.
    sip_ignored : bool
        Whether the header has SIP terms that its CTYPE does not name: they are
        left out everywhere.
    wcs_unread : bool
        Whether the header has celestial coordinates that are not, or not all, in
        `wcs`: astropy may know them.
    origin : tuple of int
        x and y of the first pixel in the image that the header describes.
    order : tuple of int or None
        Of three planes, which are red, green and blue, where the file says so;
        `data` has them as the file does.
    binning : int
        How many pixels of the image that the header describes make the side of one here;
        `wcs` and `origin` are of those.
    other_hdus : bool
        Whether the file holds further images, and this is the one that was read as
        nobody chose.
    plane : int or None
        Which plane of what was opened this is, where one was chosen: a raw frame of a colour
        camera was taken for grey then, and stays so.
    """

    data: NDArray[Any]
    header: Header
    wcs: Wcs | None
    path: str
    hdu: int | None
    is_picture: bool
    parity: int = 0
    upwards: bool | None = None
    sip_ignored: bool = False
    wcs_unread: bool = False
    origin: tuple[int, int] = (0, 0)
    order: Order | None = None
    binning: int = 1
    other_hdus: bool = False
    plane: int | None = None

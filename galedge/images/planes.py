"""From a source to the planes of one galaxy: one band, or red, green and blue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from galedge.errors import GaledgeError, Unsupported
from galedge.images.aligned import Grid, refuse_other_field
from galedge.images.arrays import image_in
from galedge.images.astrometry import on_one_grid, sky_of
from galedge.images.colours import RED_FIRST, order_in, refuse_misordered, stated_order
from galedge.images.header import Header
from galedge.images.image import Image, read
from galedge.images.kinds import refuse
from galedge.images.mosaic import apart
from galedge.images.parts import Part
from galedge.images.samples import planes_first
from galedge.images.wavelengths import Order

__all__ = ["Wanted", "are_bands", "colours_first", "image_of"]


class Wanted(NamedTuple):
    """What of a source is taken, and how; all but `order` as for `galedge.prepare`.

    Attributes
    ----------
    hdu : int, str, tuple or None
    plane : int or None
    order : tuple of int or None
        Which of the planes of a cube are red, green and blue; None as its file says.
    verify, any_kind : bool
    """

    hdu: Any = None
    plane: int | None = None
    order: Order | None = None
    verify: bool = False
    any_kind: bool = False


def are_bands(hdu: Any) -> bool:
    """Tell whether three HDUs are meant, and not one by its name and version."""
    return isinstance(hdu, tuple) and len(hdu) == 3


def image_of(source: Any, wanted: Wanted) -> Image:
    """Return a source as an image of shape (1 or 3, H, W), float32, red first.

    Parameters
    ----------
    source
        As for `galedge.prepare`.
    wanted : Wanted

    Raises
    ------
    ReadError
        If it cannot be read as one.
    """
    hdu = wanted.hdu
    if isinstance(source, Part):
        source, hdu = source.source, source.hdu
    if isinstance(source, tuple):
        if len(source) != 3:
            raise Unsupported(
                f"a tuple of {len(source)} is no image: three are taken together as red, green "
                "and blue; give several images as a list"
            )
        each = hdu if are_bands(hdu) else (hdu,) * 3
        pairs = zip(source, each, strict=True)
        return _together([_band(*pair, wanted) for pair in pairs])
    if are_bands(hdu):
        return _together([_band(source, number, wanted) for number in hdu])
    image = _band(source, hdu, wanted)
    if len(image.data) == 1:
        return image
    order = order_in(image, wanted.order)
    if order is None or order == RED_FIRST:
        return replace(image, order=order)
    return replace(image, data=image.data[list(order)], order=order)


def _band(source: Any, hdu: Any, wanted: Wanted) -> Image:
    if type(source) is np.ndarray:  # what control loops hand over, thousands a second
        image: Image | None = Image(source, Header(b""), None, "", None, source.dtype == np.uint8)
    else:
        image = source if isinstance(source, Image) else image_in(source, hdu)
    if image is None:
        image = read(source, hdu, "float32", verify=wanted.verify)
    if not wanted.any_kind:
        refuse(image.header.text)
    if wanted.plane is None:
        image = colours_first(_apart(image))
    return replace(image, data=_planes(image, wanted.plane))


def _apart(image: Image) -> Image:
    try:
        return apart(image)
    except Unsupported as error:
        raise Unsupported(f"{image.path}: {error}" if image.path else str(error)) from None


def colours_first(image: Image) -> Image:
    """Take a FITS cube whose first axis is of three or four for colours pixel by pixel.

    What coordinates it has are not of its rows and columns.
    """
    data = planes_first(image.data)
    if image.hdu is None or data is image.data:
        return image
    order = stated_order(image.header.text)
    image = replace(image, data=data, order=order)
    return replace(image, wcs=None, wcs_unread=False, sip_ignored=False, parity=0)


def _together(bands: Sequence[Image]) -> Image:
    """Stack three single bands on one grid of pixels: where they differ, on the middle one's."""
    shapes = [band.data.shape if len(band.data) > 1 else band.data.shape[1:] for band in bands]
    refuse_misordered([band.header.text for band in bands])
    if any(len(band.data) != 1 for band in bands):
        raise _unlike(shapes)
    if len(set(shapes)) > 1 or not on_one_grid(bands):
        bands = [band if band is bands[1] else _brought(band, bands[1], shapes) for band in bands]
    has_sky = (band for band in bands if band.wcs is not None or band.wcs_unread)
    picture = all(band.is_picture for band in bands)
    stack = np.concatenate([band.data for band in bands])
    return replace(next(has_sky, bands[0]), data=stack, is_picture=picture, order=RED_FIRST)


def _unlike(shapes: Sequence[tuple[int, ...]]) -> Unsupported:
    return Unsupported(
        f"the three bands have the shapes {', '.join(map(str, shapes))}; "
        "give three single planes on the same grid, or with celestial coordinates"
    )


def _brought(band: Image, main: Image, shapes: Sequence[tuple[int, ...]]) -> Image:
    """Return a band on another's pixels, by what both headers say of the sky."""
    try:
        ours, own = sky_of(main), sky_of(band)
    except GaledgeError:  # coordinates that nobody understands
        ours = own = None
    height, width = main.data.shape[-2:]
    own_shape = band.data.shape[-2:]
    if ours is None or own is None:
        if (height, width) != own_shape:
            raise _unlike(shapes)
        return band
    names = band.path or "a band", main.path or "the middle one"
    refuse_other_field(ours, own, (height, width), own_shape, names)

    def read(x: int, y: int, width: int, height: int) -> npt.NDArray[Any]:
        return band.data[:, y : y + height, x : x + width]

    data = Grid(read, band.data.shape, ours, own).window(0, 0, width, height)
    data = np.ascontiguousarray(data, np.float32)
    return replace(main, data=data, path=band.path, is_picture=band.is_picture)


def _planes(image: Image, plane: int | None) -> npt.NDArray[np.float32]:
    """Bring pixels into the form (1 or 3, H, W), float32 and contiguous."""
    data: npt.NDArray[Any] = image.data
    if data.dtype.kind not in "buif":
        raise Unsupported(f"an array of {data.dtype} is not an image; give real numbers")
    if image.hdu is None:
        data = planes_first(data)
    if data.ndim == 2:
        data = data[np.newaxis]
    if data.ndim != 3 or data.size == 0:
        raise Unsupported(f"shape {data.shape} is not an image; give (H, W) or (3, H, W)")
    if plane is not None:
        if not 0 <= plane < data.shape[0]:
            raise Unsupported(f"there is no plane {plane}; the image has {data.shape[0]}")
        data = data[plane : plane + 1]
    if data.shape[0] not in (1, 3):
        raise Unsupported(
            f"a cube of {data.shape[0]} planes is not a galaxy in one or three bands; "
            "choose one with --plane"
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold is missing
        return np.ascontiguousarray(data, np.float32)

"""From a path, bytes or a file object to pixels.

What a source is, its content decides and not its name: FITS (plain, gzipped,
bzip2ed, tile-compressed) goes to the compiled core, NumPy files to NumPy, and
JPEG, PNG and TIFF to Pillow, which is imported only then. Rows stay as they
are stored: nothing is flipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias, cast

import numpy as np

from galedge.core.backend import _core
from galedge.errors import ReadError, TooLarge, Unsupported
from galedge.images.arrays import image_in
from galedge.images.checksum import Sums, refuse_changed, sums_of
from galedge.images.colours import RED_FIRST, stated_order
from galedge.images.formats import Fits, open_source
from galedge.images.header import HduName, Header
from galedge.images.pixels import Image, Wcs
from galedge.images.samples import Samples, planes_first, select

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray
    from typing_extensions import Buffer

__all__ = [
    "MAX_PIXELS",
    "HduFacts",
    "Header",
    "Image",
    "Source",
    "Sums",
    "Wcs",
    "checksums",
    "cutout",
    "describe",
    "read",
]

Source: TypeAlias = "str | os.PathLike[str] | Buffer | IO[bytes]"
Window: TypeAlias = tuple[int, int, int, int]

#: Reading more pixels than this at once needs the caller's word (``max_pixels``).
MAX_PIXELS = 1 << 28


@dataclass(frozen=True, slots=True)
class HduFacts:
    """What a file says about one of its HDUs (or about its only picture)."""

    index: int
    kind: str
    name: str
    shape: tuple[int, ...]
    dtype: str
    compression: str | None
    wcs: Wcs | None
    header: Header
    wcs_unread: bool = False


def read(
    source: Source,
    hdu: HduName | None = None,
    dtype: DTypeLike | None = None,
    *,
    plane: int | None = None,
    window: Window | None = None,
    max_pixels: int | None = None,
    verify: bool = False,
) -> Image:
    """Read an image.

    Parameters
    ----------
    source
        A path, a bytes-like object or a binary file object. Or what other libraries
        hold an image in: an HDU, a list of HDUs, ``NDData``, ``CCDData`` or
        ``Cutout2D`` of astropy's, a masked or any other array or what becomes one
        (Dask), a picture of Pillow's. Masked pixels are NaN.
    hdu
        HDU number, EXTNAME, or EXTNAME and EXTVER, ``("SCI", 2)`` or ``"SCI,2"``; by
        default the first image in the file that is not the weights, mask or noise of
        another. Of what is in memory only a list of HDUs has more than one.
    dtype
        ``"float32"`` or ``"float64"``. By default pictures of 8 bits stay what they
        are, uint8, so that their pixels alone are known for stretched ones too; all
        else, and pictures with blank pixels, is float32.
    plane
        One plane of a cube, from 0; all of them by default.
    window
        ``(x, y, width, height)`` in zero-based pixels: only these are read.
    max_pixels
        More pixels than this are refused; `MAX_PIXELS` by default.
    verify
        Compare the HDU's CHECKSUM and DATASUM, where it has them; all of it is
        read for that.

    Raises
    ------
    ReadError
        Or one of its kinds: `Truncated`, `Unsupported`, `TooLarge`. Also where
        `verify` finds a wrong sum.
    """
    double = _is_double(dtype)
    limit = MAX_PIXELS if max_pixels is None else max_pixels
    held = image_in(source, hdu)
    if held is not None:
        return _as_stored(_as_floats(held, double, plane, window), dtype)
    name, content = _content(source, limit)
    with _naming(name):
        opened = open_source(content, limit, hdu)
        if isinstance(opened, Fits) and verify:
            refuse_changed(opened.file, opened.image(hdu))
        if isinstance(opened, Samples) and hdu is not None:
            raise Unsupported(f"has no HDU {hdu}: it is not a FITS file")
        return _as_stored(_read(opened, name, double, hdu, plane, window), dtype)


def cutout(
    source: Source,
    x: float,
    y: float,
    size: int | tuple[int, int],
    hdu: HduName | None = None,
    dtype: DTypeLike | None = None,
    *,
    plane: int | None = None,
    max_pixels: int | None = None,
) -> Image:
    """Read a rectangle around a position; only its rows or tiles are touched.

    Parameters
    ----------
    source, hdu, dtype, plane, max_pixels
        As in `read`.
    x, y
        Zero-based pixel coordinates of the centre.
    size
        Side, or ``(width, height)``. Pixels outside the image are NaN, a picture's
        too, which is then float32.
    """
    double = _is_double(dtype)
    width, height = (size, size) if isinstance(size, int) else size
    if width < 1 or height < 1:
        raise ValueError(f"size must be positive, not {size}")
    # The convention of astropy's Cutout2D for even sizes.
    left, bottom = int(np.ceil(x - width / 2)), int(np.ceil(y - height / 2))
    limit = MAX_PIXELS if max_pixels is None else max_pixels
    held = image_in(source, hdu)
    name, content = _content(source, limit) if held is None else (held.path, "")
    with _naming("" if held is not None else name):
        if width * height > limit:
            raise TooLarge(f"{width * height} pixels are more than {limit}; raise max_pixels")
        opened = open_source(content, limit, hdu) if held is None else held
        full_height, full_width = (
            _colours_first(opened).shape[-2:] if isinstance(opened, Image) else opened.frame(hdu)
        )
        x0, x1 = max(left, 0), min(left + width, full_width)
        y0, y1 = max(bottom, 0), min(bottom + height, full_height)
        if x0 >= x1 or y0 >= y1:
            raise ReadError(f"the cutout at ({x:g}, {y:g}) lies outside the image")
        window = (x0, y0, x1 - x0, y1 - y0)
        image = _read(opened, name, double, hdu, plane, window)
    if window == (left, bottom, width, height):
        return _as_stored(image, dtype)
    padded = np.full((*image.data.shape[:-2], height, width), np.nan, image.data.dtype)
    padded[..., y0 - bottom : y1 - bottom, x0 - left : x1 - left] = image.data
    wcs = image.wcs.shifted(left - x0, bottom - y0) if image.wcs is not None else None
    origin = image.origin[0] + left - x0, image.origin[1] + bottom - y0
    return replace(image, data=padded, wcs=wcs, origin=origin)


def describe(source: Source, *, max_pixels: int | None = None) -> list[HduFacts]:
    """List what is in a file without reading its pixels."""
    limit = MAX_PIXELS if max_pixels is None else max_pixels
    name, content = _file(source, limit)
    with _naming(name):
        opened = open_source(content, limit, None, whole=True)
        if not isinstance(opened, Fits):
            height, width = opened.frame(None)
            planes = opened.plane_count
            shape = (height, width) if planes == 1 else (planes, height, width)
            facts = (0, opened.kind, "", shape, opened.dtype, None, None, Header(b""))
            return [HduFacts(*facts)]
        return [_facts(hdu) for hdu in opened.file.hdus()]


def checksums(source: Source, *, max_pixels: int | None = None) -> list[Sums]:
    """Compare CHECKSUM and DATASUM of every HDU; other formats have none."""
    limit = MAX_PIXELS if max_pixels is None else max_pixels
    name, content = _file(source, limit)
    with _naming(name):
        opened = open_source(content, limit, None, whole=True)
        if not isinstance(opened, Fits):
            return []
        return [sums_of(opened.file, hdu) for hdu in opened.file.hdus()]


def _is_double(dtype: DTypeLike | None) -> bool:
    kind = np.dtype(np.float32 if dtype is None else dtype)
    if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"dtype must be float32 or float64, not {kind}")
    return kind == np.dtype(np.float64)


def _file(source: Source, limit: int) -> tuple[str, str | memoryview]:
    if image_in(source) is not None:
        raise Unsupported("is in memory; this is told of files")
    return _content(source, limit)


def _as_stored(image: Image, dtype: DTypeLike | None) -> Image:
    """Give a picture's samples back as the bytes that they were, unless floats are wanted."""
    if dtype is not None or not image.is_picture or not np.isfinite(image.data).all():
        return image
    return replace(image, data=image.data.astype(np.uint8))


def _content(source: Source, limit: int) -> tuple[str, str | memoryview]:
    """Return a name for messages and either a path or the bytes themselves."""
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        return path, path
    if hasattr(source, "read"):
        stream = cast("IO[bytes]", source)
        name = str(getattr(source, "name", "<file object>"))
        most = limit * 8 + (1 << 26)
        data = stream.read(most + 1)
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise Unsupported(f"{name}: a file object must be opened in binary mode")
        if len(data) > most:
            raise TooLarge(f"{name}: has more than {most} bytes; raise max_pixels to read it")
        return name, memoryview(data)
    return "<bytes>", memoryview(source).cast("B")


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Put the name of a source, where it has one, before what is wrong with it."""
    begin = f"{name}: " if name else ""
    try:
        yield
    except ReadError as error:
        raise type(error)(f"{begin}{error}") from None
    except OSError as error:  # of a disk, or one behind a network
        raise ReadError(f"{begin}cannot be read: {error.strerror or error}") from None


def _read(
    opened: Fits | Samples | Image,
    name: str,
    double: bool,
    hdu: HduName | None,
    plane: int | None,
    window: Window | None,
) -> Image:
    """Read a window of what has been opened."""
    if isinstance(opened, Image):
        return _as_floats(opened, double, plane, window)
    if isinstance(opened, Fits):
        return _read_fits(opened, name, double, hdu, plane, window)
    data = select(opened.planes(), plane, window, np.float64 if double else np.float32)
    upwards, order = (None, None) if opened.kind == ".npy" else (False, RED_FIRST)
    facts = (Header(b""), None, name, None, opened.is_picture)
    return Image(data, *facts, upwards=upwards, order=order)


def _colours_first(held: Image) -> NDArray[Any]:
    return held.data if held.hdu is not None else planes_first(held.data)


def _as_floats(held: Image, double: bool, plane: int | None, window: Window | None) -> Image:
    """Return what is in memory as if it had been read."""
    data = _colours_first(held)
    if data.dtype.kind not in "buif" or data.ndim not in (2, 3) or data.size == 0:
        raise Unsupported(f"an array {data.shape} of {data.dtype} is no image of real numbers")
    x, y = (0, 0) if window is None else window[:2]
    data = select(data, plane, window, np.float64 if double else np.float32)
    wcs = None if held.wcs is None else held.wcs.shifted(x, y)
    origin = (held.origin[0] + x, held.origin[1] + y)
    plane = held.plane if plane is None else plane
    return replace(held, data=data, wcs=wcs, origin=origin, plane=plane)


def _read_fits(
    fits: Fits,
    name: str,
    double: bool,
    hdu: HduName | None,
    plane: int | None,
    window: Window | None,
) -> Image:
    found = fits.image(hdu)
    data = fits.read(found, plane, window, double)
    wcs = found.wcs()
    if wcs is not None and window is not None:
        wcs = wcs.shifted(window[0], window[1])
    header = Header(found.text, compressed=found.kind == "compressed image")
    return Image(
        data,
        header,
        wcs,
        name,
        found.index,
        found.is_picture,
        *found.signs,
        origin=window[:2] if window is not None else (0, 0),
        order=stated_order(found.text) if len(data) == 3 and data.ndim == 3 else None,
        other_hdus=hdu is None and fits.others(found),
        plane=plane,
    )


_DTYPES = {8: "uint8", 16: "int16", 32: "int32", 64: "int64", -32: "float32", -64: "float64"}
_Kind = Literal["image", "compressed image", "table", "other"]


def _facts(hdu: _core.Hdu) -> HduFacts:
    kind: _Kind = hdu.kind
    return HduFacts(
        index=hdu.index,
        kind=kind,
        name=hdu.name,
        shape=tuple(reversed(hdu.axes)),
        dtype=_DTYPES[hdu.bitpix],
        compression=str(hdu.compression) if hdu.compression is not None else None,
        wcs=hdu.wcs() if hdu.is_image else None,
        header=Header(hdu.text, compressed=kind == "compressed image"),
        wcs_unread=hdu.is_image and hdu.signs[3],
    )

"""Images that other libraries hold, told by the names of their types.

astropy's HDUs, ``NDData`` and cutouts, Pillow's pictures, masked arrays, and whatever
turns into an array, such as Dask's: nothing is imported to know them, as who has one has
imported its library.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from galedge.core.backend import _core
from galedge.errors import GaledgeError, ReadError, Unsupported
from galedge.images.asinh import is_asinh, to_flux
from galedge.images.colours import RED_FIRST, stated_order
from galedge.images.header import HduName, Header, plain_hdu
from galedge.images.kinds import FOLLOWING, is_plane
from galedge.images.pixels import Image
from galedge.images.samples import LAST

__all__ = ["array_like", "image_in", "image_with", "images_in", "is_several", "split"]

_Answer = TypeVar("_Answer")

# What says how pixels are stored, and what places them, which an object's WCS says anew.
_STORED = re.compile(
    rb"(SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|GROUPS|BSCALE|BZERO|BLANK"
    rb"|CHECKSUM|DATASUM|END) *"
)
_PLACED = re.compile(
    rb"(WCSAXES|WCSNAME|CTYPE\d|CRVAL\d|CRPIX\d|CDELT\d|CUNIT\d|CROTA\d|(CD|PC)\d_\d"
    rb"|(CD|PC)\d{6}|PV\d_\d+|(A|B|AP|BP)_(ORDER|\d_\d)|LONPOLE|LATPOLE|RADE(SYS|CSYS)|EQUINOX) *"
)
_LOGARITHMS = ("mag", "dex", "dB")


def split(array: Any) -> list[Any] | None:
    """Return an array's galaxies, or None if it is a single one.

    Raises
    ------
    ValueError
        If its shape is that of neither.
    """
    shape = tuple(array.shape)
    if len(shape) == 2 or (len(shape) == 3 and (shape[0] == 3 or shape[2] in LAST)):
        return None
    if len(shape) == 3:
        return list(array)
    if len(shape) == 4 and shape[1] == 3:
        return list(array)
    if len(shape) == 4 and shape[1] == 1:
        return list(array[:, 0])
    if len(shape) == 4 and shape[3] in LAST:
        return list(array)
    raise ValueError(
        f"an array of shape {shape} is none of (H, W), (3, H, W), (N, H, W), (N, 3, H, W); "
        "bands come before rows and columns"
    )


def is_several(source: object) -> bool:
    """Tell whether a source is a list of images, or a table's column of paths to some.

    astropy's list of HDUs is a file.
    """
    if getattr(source, "ndim", 0) == 1:
        return getattr(getattr(source, "dtype", None), "kind", None) in ("O", "U")
    return isinstance(source, list | tuple) and not _is(source, "astropy.io.fits", "HDUList")


def array_like(source: Any) -> Any | None:
    """Return what is an array and nothing more, with a shape; else None."""
    if isinstance(source, np.ndarray):
        return source
    if _is(source, "PIL.Image", "Image") or _is(source, "astropy.nddata"):
        return None
    if _is(source, "astropy.io.fits") or not hasattr(source, "__array__"):
        return None
    return source if hasattr(source, "shape") else _asked(source, np.asarray, source)


def image_in(source: Any, hdu: HduName | None = None) -> Image | None:
    """Return what an object holds, in its own type of numbers, with masked pixels as NaN.

    Parameters
    ----------
    source : object
    hdu : int, str or tuple, optional
        Of a list of HDUs, which one; by default the first image.

    Returns
    -------
    Image or None
        None for what is to be read: paths, files and their bytes.

    Raises
    ------
    ReadError
        If it is no image, in one sentence.
    """
    if isinstance(source, str | os.PathLike | bytes | bytearray | memoryview | io.IOBase):
        return None
    if isinstance(source, np.ndarray) and source.ndim == 1 and source.dtype == np.uint8:
        return None  # a file's bytes
    if _is(source, "astropy.io.fits", "HDUList"):
        return _asked(source, _of_list, source, hdu)
    if _is(source, "astropy.io.fits"):
        return _asked(source, _of_hdu, source)
    if _is(source, "astropy.nddata"):
        return _asked(source, _of_nddata, source)
    if _is(source, "PIL.Image", "Image"):
        return _asked(source, _of_pillow, source)
    if array_like(source) is not None:
        data = _asked(source, _pixels, source)
        return Image(data, Header(b""), None, "", None, _is_bytes(source, data))
    if hasattr(source, "read") or _has_bytes(source):
        return None
    raise Unsupported(
        f"{_kind(source)} is no image; give a path, a file's bytes, an array, or what astropy, "
        "Pillow or Dask hold one in"
    )


def _is(source: object, module: str, name: str | None = None) -> bool:
    """Tell whether a type, or one that it is made of, comes from a module."""
    return any(
        (kind.__module__ == module or kind.__module__.startswith(f"{module}."))
        and name in (None, kind.__name__)
        for kind in type(source).__mro__
    )


def _has_bytes(source: Any) -> bool:
    try:
        memoryview(source)
    except TypeError:
        return False
    return True


def _kind(source: object) -> str:
    name = type(source).__name__
    return "None" if source is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _asked(source: object, ask: Callable[..., _Answer], *arguments: Any) -> _Answer:
    """Return what a library answers; its failure is this image's."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ask(*arguments)
    except (GaledgeError, MemoryError):
        raise
    except Exception as error:
        raise ReadError(f"{_kind(source)} gives no pixels: {error}") from None


# --- pixels ---------------------------------------------------------------------------


def _pixels(source: Any, mask: Any = None) -> NDArray[Any]:
    """Return numbers in linear flux; NaN where a mask says that there are none."""
    unit = getattr(source, "unit", None)
    if unit is not None and (hasattr(unit, "physical_unit") or str(unit) in _LOGARITHMS):
        raise Unsupported(f"pixels in {unit} are logarithms; give linear flux")
    if hasattr(source, "uncertainty"):  # astropy's, which hold pixels and what they are
        source, mask = source.data, source.mask
    if _is(source, "dask"):
        return _pixels(source.compute(), mask)
    data: NDArray[Any] = np.asarray(source)
    own = getattr(source, "mask", None)
    for hidden in (own, mask):
        if hidden is None or callable(hidden) or not np.any(hidden):
            continue
        if data.dtype.kind not in "buif":
            break  # which is refused, whatever is masked
        wide = np.float32 if data.dtype.itemsize <= 2 else np.float64
        data = data.astype(data.dtype if data.dtype.kind == "f" else wide)
        data[np.broadcast_to(np.asarray(hidden, bool), data.shape)] = np.nan
    return data


def _is_bytes(source: Any, data: NDArray[Any]) -> bool:
    """Tell whether samples are bytes: a picture, also where some are masked."""
    return str(getattr(source, "dtype", data.dtype)) in ("uint8", "torch.uint8")


def _of_pillow(picture: Any) -> Image:
    from galedge.images.pictures import samples_of

    samples = samples_of(picture)
    data = samples.planes()
    facts = (Header(b""), None, "", None, samples.is_picture)
    return Image(data, *facts, upwards=False, order=RED_FIRST)


# --- astropy --------------------------------------------------------------------------


def _of_list(hdus: Any, hdu: HduName | None) -> Image:
    number = _number_of(hdus, hdu)
    primary = hdus[0].header if number else None
    image = _of_hdu(hdus[number], number, primary, str(hdus.filename() or ""))
    following = list(hdus)[number + 1 : number + 1 + FOLLOWING] if hdu is None else []
    return replace(image, other_hdus=any(_is_image(h) and not _is_plane(h) for h in following))


def images_in(source: Any, any_kind: bool) -> list[int] | None:
    """Return which HDUs of a list are images, without weights and masks; None for all else."""
    if not _is(source, "astropy.io.fits", "HDUList"):
        return None
    return [
        number
        for number, found in enumerate(source)
        if _is_image(found) and (any_kind or not _is_plane(found))
    ]


def _number_of(hdus: Any, hdu: HduName | None) -> int:
    """Return which of a list's HDUs is meant, as the core does for a file's."""
    hdu = plain_hdu(hdu)
    if hdu is None:
        images = [number for number, found in enumerate(hdus) if _is_image(found)]
        if not images:
            raise ReadError("no image in the list of HDUs")
        return next((number for number in images if not _is_plane(hdus[number])), images[0])
    for number, found in enumerate(hdus):
        own = str(found.name).upper()
        if number == hdu if isinstance(hdu, int) else hdu.upper() in (own, f"{own},{found.ver}"):
            return number
    names = ", ".join(found.name for found in hdus)
    raise ReadError(f"no HDU {'is named ' * isinstance(hdu, str)}{hdu}; the list has {names}")


def _is_image(hdu: Any) -> bool:
    return bool(hdu.is_image) and len(hdu.shape or ()) > 1


def _is_plane(hdu: Any) -> bool:
    return is_plane(_cards(hdu.header, _STORED))


def _of_hdu(hdu: Any, number: int = 0, primary: Any = None, path: str = "") -> Image:
    if not hdu.is_image:
        raise Unsupported(f"{_kind(hdu)} is no image")
    if hdu.data is None:
        raise ReadError(f"HDU {number} has no pixels")
    data = _pixels(hdu.data)
    others = b"" if primary is None else _cards(primary, _STORED)
    found = _facts(data.shape, data.dtype == np.uint8, _cards(hdu.header, _STORED), others)
    if found.shape is None:
        raise Unsupported(f"HDU {number} is not a two-dimensional image: it has {data.shape}")
    planes = _linear(data, found).reshape(found.shape)
    return Image(
        planes[0] if len(planes) == 1 else planes,
        Header(found.text),
        found.wcs(),
        path,
        number,
        data.dtype == np.uint8,
        *found.signs,
        order=stated_order(found.text) if len(planes) == 3 else None,
    )


def image_with(data: Any, header: Any, mask: Any = None) -> Image:
    """Return an array with its header, astropy's or any mapping, as what it says of the sky.

    Pixels become NaN where a mask says that there are none.
    """
    is_bytes = np.asarray(data).dtype == np.uint8
    return _described(_pixels(data, mask), _cards(header, _STORED), is_bytes)


def _of_nddata(source: Any) -> Image:
    """Return what ``NDData``, ``CCDData`` or ``Cutout2D`` holds."""
    data = _pixels(source if hasattr(source, "uncertainty") else source.data)
    wcs = getattr(source, "wcs", None)
    placed = "" if wcs is None else wcs.to_header_string(relax=True)
    cards = _cards(getattr(source, "meta", None), _STORED, *([_PLACED] if placed else []))
    cards = _without(placed.encode("latin-1", "replace"), _STORED) + cards
    return _described(data, cards, _is_bytes(source.data, data))


def _described(data: NDArray[Any], cards: bytes, is_bytes: bool) -> Image:
    if not cards:
        return Image(data, Header(b""), None, "", None, is_bytes)
    found = _facts(data.shape[-2:], is_bytes, cards)
    return Image(
        _linear(data, found),
        Header(found.text),
        found.wcs(),
        "",
        None,
        is_bytes,
        *found.signs,
        order=stated_order(found.text) if data.ndim == 3 else None,
    )


def _linear(data: NDArray[Any], found: _core.Hdu) -> NDArray[Any]:
    """Return flux, where the header says that the pixels are asinh magnitudes."""
    if data.dtype.kind not in "buif" or not is_asinh(found.text):
        return data
    return to_flux(data, found.text)


def _cards(header: Any, *left_out: re.Pattern[bytes]) -> bytes:
    """Return a header's cards: astropy's, or those that a dict's values fit in."""
    if hasattr(header, "tostring"):
        text = header.tostring(sep="", endcard=False, padding=False)
        return _without(text.encode("latin-1", "replace"), *left_out)
    plain = [
        _card(key.upper(), value)
        for key, value in dict(header or {}).items()
        if isinstance(key, str) and len(key) <= 8 and isinstance(value, str | bool | int | float)
    ]
    return _without(b"".join(plain), *left_out)


def _without(cards: bytes, *left_out: re.Pattern[bytes]) -> bytes:
    each = (cards[at : at + 80] for at in range(0, len(cards), 80))
    return b"".join(c for c in each if not any(out.fullmatch(c[:8]) for out in left_out))


def _card(keyword: str, value: str | int | float) -> bytes:
    if isinstance(value, str):
        written = "'" + value.replace("'", "''")[:68] + "'"
    else:
        written = "FT"[value] if isinstance(value, bool) else repr(value)
        written = written.rjust(20)
    text = f"{keyword:<8}= {written}".encode("utf-8", "replace")
    return text[:80].ljust(80)


def _facts(shape: tuple[int, ...], is_bytes: bool, cards: bytes, primary: bytes = b"") -> _core.Hdu:
    """Have the core say what cards mean, as it does of a file's."""
    axes = {f"NAXIS{i}": length for i, length in enumerate(reversed(shape), 1)}
    stored = {"BITPIX": 8 if is_bytes else -32, "NAXIS": len(shape), **axes}
    if not primary:
        content = _head({"SIMPLE": True, **stored}, cards)
    else:
        content = _head({"SIMPLE": True, "BITPIX": 8, "NAXIS": 0}, primary)
        content += _head({"XTENSION": "IMAGE", **stored, "PCOUNT": 0, "GCOUNT": 1}, cards)
    return _core.open_fits_buffer(content).hdus()[-1]


def _head(facts: dict[str, Any], cards: bytes) -> bytes:
    text = b"".join(_card(*pair) for pair in facts.items()) + cards + b"END".ljust(80)
    return text.ljust(-(-len(text) // 2880) * 2880)

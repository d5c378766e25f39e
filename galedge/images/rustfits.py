"""HCOMPRESS_1 and PLIO_1 through the optional package ``rustfits``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from galedge.errors import ReadError, TooLarge, Unsupported
from galedge.images.header import Header
from galedge.images.samples import select

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from galedge.core._core import Hdu

__all__ = ["read"]


def read(
    content: str | memoryview,
    hdu: Hdu,
    plane: int | None,
    window: tuple[int, int, int, int] | None,
    double: bool,
    limit: int,
) -> NDArray[np.floating[Any]]:
    """Physical values of an image that the compiled core does not decode."""
    try:
        rustfits = importlib.import_module("rustfits")  # an extra, and untyped
    except ImportError:
        raise Unsupported(
            f"is compressed by {hdu.compression}, which needs rustfits: pip install rustfits"
        ) from None
    planes, height, width = hdu.shape or (0, 0, 0)
    if planes * height * width > limit:
        raise TooLarge(
            f"{planes * height * width} pixels are more than {limit}; raise max_pixels to read them"
        )
    try:
        if isinstance(content, str):
            file = rustfits.FITS(content, lenient=True)
        else:
            file = rustfits.FITS.from_bytes(bytes(content))
        with file:
            stored = np.asarray(file[hdu.index].read(scale=False))
    except BaseException as error:
        # A panic in Rust is no Exception; what is not one of these goes on.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ReadError(f"the {hdu.compression} tiles are damaged: {error}") from None
    samples = _physical(stored, Header(hdu.text, compressed=True))
    samples = samples.reshape((planes, height, width))
    kind = np.float64 if double else np.float32
    return select(samples[0] if planes == 1 else samples, plane, window, kind)


def _physical(stored: NDArray[Any], header: Header) -> NDArray[Any]:
    """BSCALE, BZERO and BLANK as the compiled core applies them."""
    if stored.dtype.kind == "f":
        return stored
    scale, zero = header.get("BSCALE", 1), header.get("BZERO", 0)
    if not isinstance(scale, (int, float)) or not isinstance(zero, (int, float)):
        raise ReadError("BSCALE or BZERO is not a number")
    blank = header.get("BLANK", header.get("ZBLANK"))
    # Python floats take the precision of the array they meet.
    values: NDArray[Any] = stored.astype(np.float32 if stored.dtype.itemsize <= 2 else np.float64)
    values = values * float(scale) + float(zero)
    if isinstance(blank, int):
        values[stored == blank] = np.nan
    return values

"""HCOMPRESS_1 and PLIO_1 through the optional package ``rustfits``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from galedge.errors import ReadError, TooLarge, Unsupported
from galedge.images.header import Header
from galedge.images.samples import select

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from galedge.core._core import Hdu

__all__ = ["read"]

_BLOCK = 2880
_PRIMARY = b"".join(
    card.ljust(80)
    for card in (
        b"SIMPLE  =                    T",
        b"BITPIX  =                    8",
        b"NAXIS   =                    0",
        b"EXTEND  =                    T",
    )
)


def read(
    hdu: Hdu,
    data: Callable[[], bytes],
    plane: int | None,
    window: tuple[int, int, int, int] | None,
    double: bool,
    limit: int,
) -> NDArray[np.floating[Any]]:
    """Physical values of an image that the compiled core does not decode.

    `data` returns the bytes of the table that holds its tiles.
    """
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
    cards = Header(hdu.text)
    columns = {cards.get(f"TTYPE{i + 1}") for i in range(_integer(cards, "TFIELDS"))}
    if "ZBLANK" in columns or (hdu.bitpix < 0 and "ZSCALE" not in columns):
        raise Unsupported(
            f"is compressed by {hdu.compression} with a ZBLANK for each tile or one ZSCALE for "
            "all, which rustfits does not read: funpack it first"
        )
    content = data()
    try:
        stored = _decode(rustfits, hdu.text, content)
        samples = _physical(stored, hdu.bitpix, cards)
        blank = _blank(cards, hdu.bitpix)
        if blank is not None and hdu.bitpix < 0:
            # rustfits takes ZBLANK for a value: the integers that it made floats of tell.
            integers = _decode(rustfits, _with_integers(hdu), content)
            # Tiles that were not quantized have floats there, of which -0 looks like ZBLANK.
            samples[(integers == blank) & ~((stored == 0) & np.signbit(stored))] = np.nan
        elif blank is not None:
            samples[stored == blank] = np.nan
    except BaseException as error:
        # A panic in Rust is no Exception; what is not one of these goes on.
        if isinstance(error, ReadError):
            raise
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ReadError(f"the {hdu.compression} tiles are damaged: {error}") from None
    samples = samples.reshape((planes, height, width))
    kind = np.float64 if double else np.float32
    return select(samples[0] if planes == 1 else samples, plane, window, kind)


def _decode(rustfits: Any, text: bytes, content: bytes) -> NDArray[Any]:
    """Return the samples of a table of tiles as they were before BSCALE and BZERO."""
    parts = (_PRIMARY + b"END", b" ", text + b"END", b" ", content, b"\0")
    file = b"".join(
        part + fill * (-len(part) % _BLOCK)
        for part, fill in zip(parts[::2], parts[1::2], strict=True)
    )
    with rustfits.FITS.from_bytes(file) as opened:
        return np.asarray(opened[1].read(scale=False))


def _with_integers(hdu: Hdu) -> bytes:
    """Return the header of quantized floats as one of the integers that are stored for them."""
    own = b"ZBITPIX ="
    cards = [hdu.text[at : at + 80] for at in range(0, len(hdu.text), 80)]
    return b"".join(
        (own + b"                   32").ljust(80) if card.startswith(own) else card
        for card in cards
    )


def _blank(cards: Header, bitpix: int) -> int | None:
    """Return the stored integer that stands for no value; of floats BLANK says nothing."""
    for keyword in ("ZBLANK", "BLANK")[: 1 if bitpix < 0 else 2]:
        if type(value := cards.get(keyword)) is int:
            return value
    return None


def _integer(cards: Header, keyword: str) -> int:
    value = cards.get(keyword)
    return value if type(value) is int and 0 <= value <= 999 else 0


def _physical(stored: NDArray[Any], bitpix: int, cards: Header) -> NDArray[Any]:
    """BSCALE and BZERO as the compiled core applies them."""
    scale, zero = cards.get("BSCALE", 1), cards.get("BZERO", 0)
    if type(scale) not in (int, float) or type(zero) not in (int, float):
        raise ReadError("BSCALE or BZERO is not a number")
    kind: Any = np.float64 if bitpix in (32, 64, -64) else np.float32
    values: NDArray[Any] = stored.astype(kind)
    if scale != 1 or zero != 0:
        values = values * kind(scale) + kind(zero)
    return values

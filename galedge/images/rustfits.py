"""Compressed tiles that the core does not decode, through the optional package ``rustfits``.

HCOMPRESS_1 and PLIO_1; and the others where the core is not compiled. Damage ends in an
error there, not in the process; what it takes for something else is refused here first.
"""

from __future__ import annotations

import importlib
import math
import re
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from galedge.core.physical import physical
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
_PLACES = ("COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA")
_FORM = re.compile(r"(\d*)([A-Z])([A-Z]?)")
_BYTES = {"X": 1, "L": 1, "B": 1, "A": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8, "C": 8, "M": 16}
_NUMBERS = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8"}
_MOST_INFLATION = 1032  # of DEFLATE; RICE_1 holds less in a byte


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
    pixels = math.prod(hdu.shape or (0,))
    if pixels > limit:
        raise TooLarge(f"{pixels} pixels are more than {limit}; raise max_pixels to read them")
    cards = Header(hdu.text)
    kind = np.float64 if double else np.float32
    content = data()
    try:
        tiles = _Tiles(hdu, cards, content)
        text = _completed(hdu, cards)
        if tiles.is_pile:  # rustfits decodes planes alone: the cube's, one on the other
            text = _with(text, "ZNAXIS", 2)
            text = _with(text, "ZNAXIS2", math.prod(hdu.axes[1:]))
        stored = _decode(rustfits, _with(text, "ZBITPIX", tiles.bitpix), content, hdu)
        samples = physical(stored, hdu.bitpix, cards, ("ZBLANK", "BLANK"), kind)
        blank = tiles.blank
        if blank is not None:
            # rustfits takes ZBLANK for a value: the integers that it made floats of tell.
            integers = _decode(rustfits, _with(text, "ZBITPIX", 32), content, hdu)
            # Tiles that were not quantized have floats there, of which -0 looks like ZBLANK.
            samples[(integers == blank) & ~((stored == 0) & np.signbit(stored))] = np.nan
    except BaseException as error:
        # A panic in Rust is no Exception; what is not one of these goes on.
        if isinstance(error, ReadError | MemoryError):
            raise
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ReadError(f"the {hdu.compression} tiles are damaged: {error}") from None
    samples = samples.reshape(hdu.shape or ())
    return select(samples[0] if len(samples) == 1 else samples, plane, window, kind)


class _Tiles:
    """The table of tiles, looked through: what they hold, and which integer is no value."""

    def __init__(self, hdu: Hdu, cards: Header, content: bytes) -> None:
        rows, letters = _rows(cards, content)
        names = rows.dtype.names or ()
        if hdu.bitpix > 0:
            refused = "ZBLANK" in names
        else:
            refused = "ZSCALE" not in names and cards.get("ZSCALE") is not None
        if refused:
            raise Unsupported(
                f"is compressed by {hdu.compression} with a ZBLANK for each tile of integers or "
                "one ZSCALE for all, which rustfits does not read: funpack it first"
            )
        if "ZSCALE" in names and not 1 <= _integer(cards, "ZDITHER0", 1) <= 10_000:
            raise ReadError("ZDITHER0 is not 1 to 10000")
        axes = list(hdu.axes)
        sides = [_integer(cards, f"ZTILE{i + 1}", 1 if i else axes[0]) for i in range(len(axes))]
        if min(sides) < 1:
            raise ReadError("ZTILE1 or another side of the tiles is not positive")
        sides = [min(side, length) for side, length in zip(sides, axes, strict=True)]
        self.is_pile = str(hdu.compression) == "HCOMPRESS_1" and len(axes) > 2
        whole = math.prod(axes[2:]) == 1 or axes[1] % sides[1] == 0
        if self.is_pile and (max(sides[2:]) > 1 or not whole):
            raise Unsupported("is a cube of HCOMPRESS_1, which rustfits does not read: funpack it")
        heap = memoryview(content)[_integer(cards, "THEAP", rows.nbytes) :]
        is_dense = str(hdu.compression).startswith(("RICE", "GZIP"))
        if is_dense and math.prod(axes) > _MOST_INFLATION * len(content):
            raise ReadError(f"{len(content)} bytes cannot hold {math.prod(axes)} pixels")
        pixels, self.bitpix = math.prod(sides), hdu.bitpix
        for name in (name for name in _PLACES if name in letters):
            is_gzip = str(hdu.compression).startswith("GZIP") and name == _PLACES[0]
            most = 8 * pixels if is_gzip or name == "GZIP_COMPRESSED_DATA" else 0
            places = rows[name].astype(np.int64)
            first = _refuse_outside(places, _BYTES[letters[name]], heap, most)
            if is_gzip and hdu.bitpix > 0 and first in (pixels, 2 * pixels, 4 * pixels):
                self.bitpix = 8 * first // pixels  # wider, too: CFITSIO wrote four bytes for two
        self.blank = _blank(rows, cards, axes, sides) if "ZSCALE" in names else None


def _rows(cards: Header, content: bytes) -> tuple[NDArray[np.void], dict[str, str]]:
    """Return the table without its heap, and what the descriptors in it count."""
    fields: dict[str, tuple[str, int]] = {}
    letters = {}
    for i in range(1, min(_integer(cards, "TFIELDS", 0), 999) + 1):
        form = _FORM.match(str(cards.get(f"TFORM{i}")))
        if form is None:
            raise ReadError(f"TFORM{i} is none of a table's")
        name, count, kind = str(cards.get(f"TTYPE{i}", i)), int(form[1] or 1), form[2]
        if kind in "PQ":
            fields[name] = (">i4" if kind == "P" else ">i8", 2 * count)
            letters[name] = form[3]
        elif kind in _NUMBERS:
            fields[name] = (_NUMBERS[kind], count)
        else:
            fields[name] = ("u1", (count + 7) // 8 if kind == "X" else count * _BYTES[kind])
    dtype = np.dtype([(name, kind, (size,)) for name, (kind, size) in fields.items()])
    width, count = _integer(cards, "NAXIS1", 0), _integer(cards, "NAXIS2", 0)
    if dtype.itemsize != width:
        raise ReadError(f"the table's columns take {dtype.itemsize} bytes, its rows {width}")
    return np.frombuffer(content, dtype, count), letters


def _refuse_outside(places: NDArray[np.int64], size: int, heap: memoryview, most: int) -> int:
    """Refuse tiles that lie outside the heap, and gzipped ones of more than `most` bytes.

    Returns how many bytes the first gzipped one holds.
    """
    first = 0
    lengths, offsets = places.T
    bad = (places < 0).any(axis=1) | (lengths > (len(heap) - offsets) // size)
    if bad.any():
        raise ReadError(f"tile {bad.argmax() + 1} points outside the heap of {len(heap)} bytes")
    for number, (length, offset) in enumerate(places.tolist() if most else ()):
        stream = zlib.decompressobj(31)
        with suppress(zlib.error):  # rustfits would inflate a bomb whole
            inflated = stream.decompress(heap[offset : offset + length * size], most + 1)
            first = first or len(inflated)
        if length and not stream.eof:
            raise ReadError(f"tile {number + 1} is a damaged gzip stream")
    return first


def _blank(
    rows: NDArray[np.void], cards: Header, axes: list[int], sides: list[int]
) -> NDArray[np.int64] | int | None:
    """Return the integer that stands for no value, for each pixel where tiles have their own."""
    if "ZBLANK" not in (rows.dtype.names or ()):
        value = cards.get("ZBLANK")
        return value if type(value) is int else None
    counts = [-(-length // side) for length, side in zip(axes, sides, strict=True)]
    blank = rows["ZBLANK"][: math.prod(counts), 0].astype(np.int64).reshape(counts[::-1])
    for axis, (length, side) in enumerate(zip(axes[::-1], sides[::-1], strict=True)):
        blank = np.repeat(blank, side, axis).take(range(length), axis)
    return blank


def _decode(rustfits: Any, text: bytes, content: bytes, hdu: Hdu) -> NDArray[Any]:
    """Return the samples of a table of tiles as they were before BSCALE and BZERO."""
    parts = (_PRIMARY + b"END", b" ", text + b"END", b" ", content, b"\0")
    file = b"".join(
        part + fill * (-len(part) % _BLOCK)
        for part, fill in zip(parts[::2], parts[1::2], strict=True)
    )
    with rustfits.FITS.from_bytes(file) as opened:
        return np.asarray(opened[1].read(scale=False)).reshape(list(hdu.axes)[::-1])


def _completed(hdu: Hdu, cards: Header) -> bytes:
    """Return the header with the BYTEPIX that it means; rustfits would take ZBITPIX's."""
    names = [cards.get(f"ZNAME{i}") for i in range(1, 1000)]
    names = names[: names.index(None)]
    if "BYTEPIX" in names or not str(hdu.compression).startswith("RICE"):
        return hdu.text
    number = len(names) + 1
    return hdu.text + b"".join(
        card.encode().ljust(80) for card in (f"ZNAME{number:<3}= 'BYTEPIX '", f"ZVAL{number:<4}= 4")
    )


def _with(text: bytes, keyword: str, value: int) -> bytes:
    """Return the header with another integer."""
    lines = [text[at : at + 80] for at in range(0, len(text), 80)]
    own = f"{keyword:<8}=".encode()
    return b"".join(
        own + f"{value:>21}".encode().ljust(71) if line.startswith(own) else line for line in lines
    )


def _integer(cards: Header, keyword: str, default: int) -> int:
    value = cards.get(keyword)
    value = default if value is None else value
    if type(value) is not int:
        raise ReadError(f"{keyword} is not an integer: {value!r}")
    return value

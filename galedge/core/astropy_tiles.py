"""Tile-compressed images by astropy, where the compiled core is missing.

Astropy is handed what has been looked through: its RICE_1 is CFITSIO's, which runs
on past the end of a damaged stream and may end the process, its gzip inflates
whatever is there, and its dithering takes a seed for an index.
"""

from __future__ import annotations

import contextlib
import functools
import io
import re
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.core.hdu import Hdu
from galedge.errors import ReadError, Unsupported
from galedge.support.extras import need
from galedge.support.quiet import quiet

__all__ = ["CODECS", "decode"]

#: The codecs of compressed tiles, each with the package that it needs, or None.
CODECS: dict[str, str | None] = {
    **dict.fromkeys(("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "NOCOMPRESS")),
    **dict.fromkeys(("HCOMPRESS_1", "PLIO_1"), "rustfits"),
}

_PLACES = ("COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA")
_BYTES = {"B": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8}
_DITHERS = ("NO_DITHER", "SUBTRACTIVE_DITHER_1", "SUBTRACTIVE_DITHER_2")
# What the tiles need; of other cards astropy may not know what to make.
_CARD = re.compile(r"BITPIX|NAXIS\d?|[PG]COUNT|TFIELDS|THEAP|T(TYPE|FORM)\d+|BLANK|Z\w+")


def decode(hdu: Hdu, data: bytes) -> NDArray[Any]:
    """Return an image's stored samples, or floats as dequantized, of all its tiles.

    Parameters
    ----------
    hdu : Hdu
        A compressed image, of no more pixels than there may be.
    data : bytes
        Its table and heap.
    """
    codec = hdu.compression
    if CODECS.get(codec, "none") is not None:
        package = CODECS.get(codec)
        how = (
            f"needs {package}: pip install {package}, galedge.read()" if package else "is not read"
        )
        raise Unsupported(f"is compressed by {codec}, which {how}")
    fits = need("astropy.io.fits", "tables", "reading compressed tiles without the compiled core")
    try:
        with quiet():
            content = _alone(fits, hdu, data)
            with fits.open(io.BytesIO(content), disable_image_compression=True) as hdus:
                columns = hdus[1].columns
                rows = np.frombuffer(data, columns.dtype.newbyteorder(">"), hdu.integer("NAXIS2"))
                letters = {c.name: str(c.format).partition("(")[0][-1:] for c in columns}
            _refuse_bad_tiles(hdu, data, rows, letters)
            with fits.open(io.BytesIO(content)) as hdus:
                return np.asarray(hdus[1].data).reshape(hdu.shape)
    except (ReadError, MemoryError):
        raise
    except Exception as error:  # there is none that a bad table could not bring about
        raise ReadError(f"the {codec} tiles are damaged: {error}") from None


def _alone(fits: Any, hdu: Hdu, data: bytes) -> bytes:
    """Return a file of nothing but the image, and of a header with nothing else in it."""
    if not 0 <= hdu.integer("TFIELDS") <= 999:  # astropy makes room for as many columns
        raise ReadError("TFIELDS is not 0 to 999")
    tiles = {f"ZTILE{i + 1}": 1 if i else length for i, length in enumerate(hdu.axes)}
    cards = {"ZDITHER0": 1, **tiles, **hdu.cards}
    header = fits.Header({"XTENSION": "BINTABLE"})
    header.update({k: v for k, v in cards.items() if _CARD.fullmatch(k) and v is not None})
    if hdu.bitpix < 0:  # where it means nothing, but astropy takes it for ZBLANK
        header.remove("BLANK", ignore_missing=True)
    heads: bytes = (fits.PrimaryHDU().header.tostring() + header.tostring()).encode()
    # Astropy looks for as many bytes as PCOUNT counts, but from THEAP on.
    return heads + data + bytes(_heap(hdu, data))


def _heap(hdu: Hdu, data: bytes) -> int:
    """Return where the heap begins."""
    table = hdu.integer("NAXIS1") * hdu.integer("NAXIS2")
    heap = hdu.integer("THEAP", table)
    if not table <= heap <= len(data):
        raise ReadError("the heap (THEAP) does not lie inside the table's data")
    return heap


def _refuse_bad_tiles(
    hdu: Hdu, data: bytes, rows: NDArray[np.void], letters: Mapping[str, str]
) -> None:
    """Compare each tile with its heap and its pixels."""
    quantized = hdu.bitpix < 0 and "ZSCALE" in letters
    dither = hdu.cards.get("ZQUANTIZ", "NO_DITHER")
    if hdu.bitpix < 0 and not quantized and hdu.cards.get("ZSCALE") is not None:
        raise Unsupported("one ZSCALE for all tiles is not read without the compiled core")
    if quantized and dither not in _DITHERS:
        raise Unsupported(f"ZQUANTIZ = {dither} is not read")
    if dither != "NO_DITHER" and not 1 <= hdu.integer("ZDITHER0", 1) <= 10_000:
        raise ReadError("ZDITHER0 is not 1 to 10000")
    heap = memoryview(data)[_heap(hdu, data) :]
    pixels = _pixels(hdu, len(rows))
    places = {name: rows[name].astype(np.int64) for name in _PLACES if name in letters}
    for name, found in places.items():
        size = found[:, 0] * _BYTES[letters[name]]
        bad = (found < 0).any(1) | (size > len(heap) - found[:, 1])
        if bad[: len(pixels)].any():
            raise ReadError(f"tile {bad.argmax() + 1} points outside the heap of {len(heap)} bytes")
    for number, count in enumerate(pixels.tolist()):
        name = next((name for name in places if places[name][number, 0]), "")
        if not name:
            raise ReadError(f"tile {number + 1} has no data")
        size, offset = places[name][number].tolist()
        tile = heap[offset : offset + size * _BYTES[letters[name]]]
        if name == "COMPRESSED_DATA" and str(hdu.compression).startswith("RICE"):
            _refuse_bad_rice(hdu, tile, count, number, quantized)
            continue
        gzipped = name == "GZIP_COMPRESSED_DATA" or str(hdu.compression).startswith("GZIP")
        length = len(tile)
        if gzipped and name != "UNCOMPRESSED_DATA":
            length = _inflated(tile, 8 * count, number)
        whole = name != "COMPRESSED_DATA" or not quantized
        if length % count or length // count not in ((1, 2, 4, 8) if whole else (1, 2, 4)):
            raise ReadError(f"tile {number + 1} holds {length} bytes, not its {count} pixels")


def _pixels(hdu: Hdu, rows: int) -> NDArray[np.int64]:
    """Return how many pixels each tile has, edge tiles fewer than others."""
    sides, tiles = [], 1
    for i, length in enumerate(hdu.axes):
        side = hdu.integer(f"ZTILE{i + 1}", 1 if i else length)
        if side < 1:
            raise ReadError(f"ZTILE{i + 1} = {side} is not positive")
        tiles *= -(-length // side)
        if tiles > rows:
            raise ReadError(f"the image has {tiles} tiles or more, the table {rows} rows")
        sides.append(np.diff(np.append(np.arange(0, length, side), length)))
    return functools.reduce(np.multiply.outer, reversed(sides)).ravel()


def _refuse_bad_rice(hdu: Hdu, tile: memoryview, pixels: int, number: int, quantized: bool) -> None:
    from galedge.core.kernels.rice import holds  # which is where Numba comes in

    if hdu.bitpix < 0 and not quantized:
        raise ReadError(f"RICE_1 holds integers, but ZBITPIX = {hdu.bitpix} and there is no ZSCALE")
    block, bytepix = _parameter(hdu, "BLOCKSIZE", 32), _parameter(hdu, "BYTEPIX", 4)
    if not 1 <= block <= 256 or bytepix not in (1, 2, 4):
        raise ReadError(f"RICE_1 with BLOCKSIZE = {block}, BYTEPIX = {bytepix} is not read")
    if not holds(np.frombuffer(tile, np.uint8), pixels, block, 8 * bytepix):
        raise ReadError(f"tile {number + 1} ends before its {pixels} pixels do")


def _parameter(hdu: Hdu, name: str, default: int) -> int:
    for i in range(1, 1000):
        found = hdu.cards.get(f"ZNAME{i}")
        if found is None:
            break
        if str(found).upper() == name:
            return hdu.integer(f"ZVAL{i}")
    return default


def _inflated(tile: memoryview, most: int, number: int) -> int:
    """Return how long a gzip stream is, which is to be one and of at most so many bytes."""
    inflater, length = zlib.decompressobj(31), most + 1
    with contextlib.suppress(zlib.error):
        length = len(inflater.decompress(tile, most + 1))
    # Astropy inflates what stands behind it, too.
    if not inflater.eof or length > most or inflater.unused_data.strip(b"\0"):
        raise ReadError(f"tile {number + 1} is a damaged gzip stream")
    return length

"""Tile-compressed images, only the tiles that a window touches; twin of ``csrc/tiles.*``."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from galedge.core._pure.dither import dequantize
from galedge.core._pure.hdu import TYPES, Hdu
from galedge.core._pure.inflate import inflate_member
from galedge.core._pure.tile_table import Tile, TileTable
from galedge.errors import ReadError, TooLarge

__all__ = ["TiledImage"]

_BITPIX = {"B": 8, "I": 16, "J": 32, "K": 64, "E": -32, "D": -64}

Span = tuple[int, int]  # first and last + 1 along an axis, the first axis being x


class _Bytes(Protocol):
    def read(self, start: int, size: int) -> bytes: ...


class TiledImage:
    """A compressed image of a file whose data are known to be there."""

    def __init__(self, source: _Bytes, hdu: Hdu, max_pixels: int) -> None:
        self._source, self._hdu, self._max_pixels = source, hdu, max_pixels
        self._table = TileTable(hdu)

    def read(
        self,
        plane: int | None,
        window: tuple[int, int, int, int],
        wanted: type[np.floating[Any]],
    ) -> NDArray[np.floating[Any]]:
        """Return the pixels of a window, of one plane or of all, in one long row."""
        box = self._box(plane, window)
        tiles = []
        for number, spans in self._touched(box):
            pixels = math.prod(last - first for first, last in spans)
            if pixels > self._max_pixels:
                raise TooLarge(
                    f"tiles of {pixels} pixels are more than {self._max_pixels}; "
                    "raise max_pixels to read them"
                )
            row = self._source.read(
                self._hdu.data_offset + number * self._table.row_bytes, self._table.row_bytes
            )
            tiles.append((number, spans, self._table.tile(number, row, pixels)))
        # Every tile has been found to be there: now there may be memory for them.
        out = np.empty([last - first for first, last in reversed(box)], wanted)
        for number, spans, tile in tiles:
            shape = [last - first for first, last in reversed(spans)]
            values = self._values(tile, number, math.prod(shape), wanted).reshape(shape)
            shared = [(max(a, c), min(b, d)) for (a, b), (c, d) in zip(spans, box, strict=True)]
            out[_within(shared, box)] = values[_within(shared, spans)]
        return out.ravel()

    def _box(self, plane: int | None, window: tuple[int, int, int, int]) -> list[Span]:
        x, y, width, height = window
        box = [(0, length) for length in self._hdu.axes]
        if plane is not None:
            for axis, length in enumerate(self._hdu.axes):
                if axis not in self._hdu.plane_axes:
                    box[axis] = (plane % length, plane % length + 1)
                    plane //= length
        at_x, at_y = self._hdu.plane_axes
        box[at_x], box[at_y] = (x, x + width), (y, y + height)
        return box

    def _touched(self, box: list[Span]) -> Iterator[tuple[int, list[Span]]]:
        """Yield number and spans of each tile that touches the box."""
        axes, sides = self._hdu.axes, self._table.tile_shape
        ranges = [
            range(first // side, (last - 1) // side + 1)
            for (first, last), side in zip(box, sides, strict=True)
        ]
        for at in itertools.product(*reversed(ranges)):
            number, spans = 0, []
            for i, length, side in zip(at, reversed(axes), reversed(sides), strict=True):
                number = number * -(-length // side) + i
                spans.append((i * side, min((i + 1) * side, length)))
            yield number, spans[::-1]

    def _values(
        self, tile: Tile, number: int, pixels: int, wanted: type[np.floating[Any]]
    ) -> NDArray[np.floating[Any]]:
        """Decode a tile to physical values."""
        hdu, table = self._hdu, self._table
        samples = self._decode(tile, number, pixels)
        kind = np.dtype(TYPES[hdu.bitpix]).newbyteorder("=")
        if table.quantized and tile.place == "COMPRESSED_DATA":
            blank = tile.blank if tile.blank == np.int64(tile.blank or 0).astype(np.int32) else None
            with np.errstate(all="ignore"):
                floats = dequantize(
                    samples.astype(np.int32),
                    table.dither,
                    table.seed + number,
                    tile.scale,
                    tile.zero,
                    blank,
                    kind,
                )
            return hdu.scaled(floats, wanted, None)
        if samples.dtype.kind == "f" and hdu.bitpix > 0:
            raise ReadError(f"a tile holds floats, but ZBITPIX = {hdu.bitpix}")
        with np.errstate(all="ignore"):
            return hdu.scaled(samples.astype(kind), wanted, tile.blank)

    def _decode(self, tile: Tile, number: int, pixels: int) -> NDArray[Any]:
        """Decode a tile to stored samples, in the machine's byte order."""
        table, bitpix = self._table, self._hdu.bitpix
        packed = self._source.read(tile.offset, tile.size)
        raw = tile.place == "UNCOMPRESSED_DATA"
        if tile.place == "GZIP_COMPRESSED_DATA":
            return self._inflate(packed, tile, number, pixels, False)
        if raw or table.codec == "NOCOMPRESS":
            stored = _BITPIX.get(tile.letter, 0) if raw else 32 if table.quantized else bitpix
            if stored == 0 or tile.size != pixels * abs(stored) // 8:
                raise ReadError(f"tile {number + 1} does not hold {pixels} pixels")
            return _native(packed, TYPES[stored])
        if table.codec != "RICE_1":
            return self._inflate(packed, tile, number, pixels, table.codec == "GZIP_2")
        from galedge.core._pure.rice import rice_decode  # which is where Numba comes in

        samples, whole = rice_decode(
            np.frombuffer(packed, np.uint8), pixels, table.block, 8 * table.bytepix
        )
        if not whole:
            raise ReadError(f"tile {number + 1} ends before its {pixels} pixels do")
        return samples.astype({1: np.uint8, 2: np.int16, 4: np.int32}[table.bytepix])

    def _inflate(
        self, packed: bytes, tile: Tile, number: int, pixels: int, shuffled: bool
    ) -> NDArray[Any]:
        data = inflate_member(packed, 8 * pixels)
        if data is None:
            raise ReadError(f"tile {number + 1} is a damaged gzip stream")
        # The length tells the type: integers may be stored shorter than ZBITPIX.
        size, rest = divmod(len(data), pixels)
        if rest or size not in (1, 2, 4, 8):
            raise ReadError(
                f"tile {number + 1} inflates to {len(data)} bytes, not to {pixels} pixels"
            )
        if shuffled:
            data = np.frombuffer(data, np.uint8).reshape(size, pixels).T.tobytes()
        lossless = not self._table.quantized or tile.place == "GZIP_COMPRESSED_DATA"
        real = self._hdu.bitpix < 0 and lossless and size >= 4
        return _native(data, TYPES[-8 * size if real else 8 * size])


def _native(data: bytes, stored: str) -> NDArray[Any]:
    samples = np.frombuffer(data, stored)
    return samples.astype(samples.dtype.newbyteorder("="))


def _within(spans: list[Span], outer: list[Span]) -> tuple[slice, ...]:
    """Return slices that cut `spans` out of an array over `outer`, last axis first."""
    pairs = zip(reversed(spans), reversed(outer), strict=True)
    return tuple(slice(a - start, b - start) for (a, b), (start, _) in pairs)

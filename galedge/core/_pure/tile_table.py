"""The table that holds a tile-compressed image; twin of ``csrc/tile_table.*``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from galedge.core._pure.hdu import Hdu
from galedge.core._pure.inflate import MOST_INFLATION
from galedge.errors import ReadError, Unsupported

__all__ = ["Tile", "TileTable"]

_BYTES = {"L": 1, "B": 1, "A": 1, "I": 2, "J": 4, "E": 4, "K": 8, "D": 8, "C": 8, "P": 8}
_BYTES |= {"M": 16, "Q": 16}
_NUMBERS = {"B": ">u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_PLACES = ("COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA")
_DITHERS = ("NO_DITHER", "NONE", "", "SUBTRACTIVE_DITHER_1", "SUBTRACTIVE_DITHER_2")


@dataclass(frozen=True, slots=True)
class Tile:
    """Where a tile's bytes lie, and how they are packed."""

    place: str
    letter: str
    offset: int
    size: int
    scale: float
    zero: float
    blank: int | None


class _Column(NamedTuple):
    letter: str  # of the elements in the heap, or of the value itself
    in_heap: bool
    wide: bool
    offset: int


class TileTable:
    """Which codec, how the image is cut into tiles, and where each of them is."""

    def __init__(self, hdu: Hdu) -> None:
        self._hdu = hdu
        self.codec = self._read_codec()
        self.block, self.bytepix = 32, 4
        if self.codec == "RICE_1":
            self.block = self._parameter("BLOCKSIZE", 32)
            self.bytepix = self._parameter("BYTEPIX", 4)
            if not 1 <= self.block <= 256:
                raise ReadError(f"RICE_1 with BLOCKSIZE = {self.block} is not 1 to 256")
            if self.bytepix not in (1, 2, 4):
                raise ReadError(f"RICE_1 with BYTEPIX = {self.bytepix} is not 1, 2 or 4")
        self.row_bytes, self._rows = hdu.count("NAXIS1"), hdu.count("NAXIS2")
        table = self.row_bytes * self._rows
        heap = hdu.integer("THEAP", 0)
        heap = heap if heap > 0 else table
        if max(table, heap) > hdu.data_bytes:
            raise ReadError("the heap (THEAP) does not lie inside the table's data")
        self._heap, self._heap_bytes = hdu.data_offset + heap, hdu.data_bytes - heap
        self.tile_shape = self._read_tile_shape()
        self._columns = self._read_columns()
        has_scale = "ZSCALE" in self._columns or hdu.cards.get("ZSCALE") is not None
        self.quantized = hdu.bitpix < 0 and has_scale
        self._scale, self._zero = hdu.real("ZSCALE", 1), hdu.real("ZZERO", 0)
        self.dither = str(hdu.cards.get("ZQUANTIZ") or "")
        if self.quantized and self.dither not in _DITHERS:
            raise Unsupported(f"ZQUANTIZ = {self.dither} is not read")
        self.seed = hdu.integer("ZDITHER0", 1)
        self._blank = None
        for keyword in ("BLANK", "ZBLANK"):  # the latter where both stand
            if type(value := hdu.cards.get(keyword)) is int:
                self._blank = value
        if hdu.bitpix < 0 and not self.quantized and self.codec == "RICE_1":
            raise ReadError(
                f"RICE_1 holds integers, but ZBITPIX = {hdu.bitpix} and there is no ZSCALE"
            )

    def _read_codec(self) -> str:
        name = self._hdu.cards.get("ZCMPTYPE") or ""
        if name == "RICE_ONE":
            name = "RICE_1"
        if name in ("RICE_1", "GZIP_1", "GZIP_2", "NOCOMPRESS"):
            return str(name)
        if name == "":
            raise ReadError("the header has no ZCMPTYPE")
        remedy = "which is not read"
        if name in ("HCOMPRESS_1", "PLIO_1"):
            remedy = "which needs rustfits: pip install rustfits, galedge.read()"
        raise Unsupported(f"is compressed by {name}, {remedy}")

    def _parameter(self, name: str, default: int) -> int:
        for i in range(1, 1000):
            found = self._hdu.cards.get(f"ZNAME{i}")
            if found is None:
                break
            if found == name:
                return self._hdu.integer(f"ZVAL{i}", default)
        return default

    def _read_tile_shape(self) -> tuple[int, ...]:
        shape, tiles = [], 1
        for i, length in enumerate(self._hdu.axes):
            tile = self._hdu.integer(f"ZTILE{i + 1}", 1 if i else length)
            if tile < 1:
                raise ReadError(f"ZTILE{i + 1} = {tile} is not positive")
            shape.append(min(tile, length))
            tiles *= -(-length // shape[-1])
        if tiles > self._rows:
            raise ReadError(f"the image has {tiles} tiles, the table {self._rows} rows")
        return tuple(shape)

    def _read_columns(self) -> dict[str, _Column]:
        columns, offset = {}, 0
        fields = self._hdu.count("TFIELDS")
        if fields > 999:
            raise ReadError("TFIELDS is not 0 to 999")
        for i in range(1, fields + 1):
            form = str(self._hdu.cards.get(f"TFORM{i}") or "")
            name = str(self._hdu.cards.get(f"TTYPE{i}") or "")
            match = re.match(r"([0-9]{0,12})(.?)(.?)", form, re.DOTALL)
            assert match is not None  # everything in it may be empty
            repeat, letter, inner = int(match[1] or 1), match[2], match[3]
            if letter != "X" and letter not in _BYTES:
                raise ReadError(f"TFORM{i} = '{form}' is no binary table format")
            heap = letter in ("P", "Q")
            column = _Column(inner if heap else letter, heap, letter == "Q", offset)
            offset += -(-repeat // 8) if letter == "X" else repeat * _BYTES[letter]
            if offset > self.row_bytes:
                raise ReadError("the table's columns are wider than its rows")
            wanted = {"ZSCALE": "ED", "ZZERO": "ED", "ZBLANK": "BIJK"}.get(name, "")
            array = name in _PLACES and heap and inner in _BYTES
            if repeat and (array or (not heap and letter in wanted)):
                columns[name] = column
        if not any(place in columns for place in _PLACES):
            raise ReadError("the table has no column COMPRESSED_DATA")
        return columns

    def tile(self, number: int, row: bytes, pixels: int) -> Tile:
        """Read a tile's row of the table, for so many pixels."""
        for place in _PLACES:
            if (column := self._columns.get(place)) is None:
                continue
            each = 8 if column.wide else 4
            count, offset = (
                int.from_bytes(row[at : at + each], "big")
                for at in (column.offset, column.offset + each)
            )
            size = count * _BYTES[column.letter]
            if size > self._heap_bytes or (count and offset > self._heap_bytes - size):
                raise ReadError(
                    f"tile {number + 1} points outside the heap of {self._heap_bytes} bytes"
                )
            if size:
                break
        else:
            raise ReadError(f"tile {number + 1} has no data")
        if self._most_pixels(place, column.letter, size) < pixels:
            raise ReadError(f"tile {number + 1} has {size} bytes, too few for its {pixels} pixels")
        scale, zero = self._value("ZSCALE", row), self._value("ZZERO", row)
        blank = self._value("ZBLANK", row)
        return Tile(
            place,
            column.letter,
            self._heap + offset,
            size,
            self._scale if scale is None else float(scale),
            self._zero if zero is None else float(zero),
            self._blank if blank is None else int(blank),
        )

    def _value(self, name: str, row: bytes) -> float | int | None:
        column = self._columns.get(name)
        if column is None:
            return None
        value: float | int = np.frombuffer(row, _NUMBERS[column.letter], 1, column.offset)[0].item()
        return value

    def _most_pixels(self, place: str, letter: str, size: int) -> int:
        """Return how many pixels so many bytes can hold at most."""
        if place == "UNCOMPRESSED_DATA":
            return size // _BYTES[letter]
        if place == "GZIP_COMPRESSED_DATA" or self.codec.startswith("GZIP"):
            return size * MOST_INFLATION
        if self.codec == "NOCOMPRESS":
            return size
        return size * 8 // {1: 3, 2: 4, 4: 5}[self.bytepix] * self.block

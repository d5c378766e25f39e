"""The walk over HDUs, and pixels; twin of ``csrc/fits.*`` and ``checksum.*``."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.core._pure.hdu import TYPES, Hdu
from galedge.core._pure.inflate import GzipSource, is_gzip
from galedge.core._pure.source import Source
from galedge.core._pure.tiles import TiledImage
from galedge.errors import ReadError, TooLarge, Truncated, Unsupported

__all__ = ["FitsFile"]

_BLOCK = 2880
_MOST_HDUS = 10_000
_CHUNK = 1 << 20
_ALL_ONES = 0xFFFFFFFF


class FitsFile:
    """A FITS file, or a buffer that holds one."""

    def __init__(self, source: str | memoryview, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        plain = Source(source)
        gzipped = is_gzip(plain.read(0, 3))
        self._bytes = GzipSource(plain, max_pixels * 8 + (1 << 26)) if gzipped else plain
        self._lock = threading.Lock()
        self._hdus: list[Hdu] = []
        self._next: int | None = 0
        if plain.size == 0:
            raise Truncated("is empty")
        head = self._bytes.read(0, 9)
        if head != b"SIMPLE  =":
            if head and b"SIMPLE  =".startswith(head):
                raise Truncated("truncated: the file ends inside a header")
            if head.startswith(b"BZh"):
                raise Unsupported("is bzip2-compressed; bunzip2 it first")
            if head.startswith(b"\x1f\x9d"):
                raise Unsupported("is compressed by compress (.Z); uncompress it first")
            raise ReadError('not a FITS file: it does not begin with "SIMPLE  ="')

    def _walk(self) -> Iterator[Hdu]:
        """Yield the HDUs in order, parsing no further than asked."""
        for index in itertools.count():
            if not self._has_parsed(index):
                return
            yield self._hdus[index]

    def _has_parsed(self, index: int) -> bool:
        """Parse the next HDU if this is it; whether there is one of this number."""
        with self._lock:
            if index < len(self._hdus):
                return True
            if self._next is None:
                return False
            offset = self._next
            if index and self._bytes.read(offset, 9) != b"XTENSION=":
                self._next = None  # what follows and is no extension is ignored
                return False
            if index >= _MOST_HDUS:
                raise TooLarge(f"has more than {_MOST_HDUS} HDUs")
            text, data = self._header(offset)
            hdu = Hdu(index, text, offset, data)
            if index == 0 and hdu.cards.get("SIMPLE") is not True:
                raise Unsupported("says SIMPLE = F: it does not conform to the FITS standard")
            self._next = data + -(-hdu.data_bytes // _BLOCK) * _BLOCK
            self._hdus.append(hdu)
            return True

    def _header(self, offset: int) -> tuple[bytes, int]:
        text = b""
        while len(text) < 1 << 20:
            block = self._bytes.read(offset + len(text), _BLOCK)
            if len(block) < _BLOCK:
                raise Truncated("truncated: the file ends inside a header (no END card)")
            for at in range(0, _BLOCK, 80):
                if block[at : at + 8] == b"END     ":
                    return text + block[:at], offset + len(text) + _BLOCK
            text += block
        raise ReadError("no END card in the first MiB of a header")

    def hdus(self) -> list[Hdu]:
        """Return all of them."""
        return list(self._walk())

    def image(self, hdu: int | None = None) -> Hdu:
        """Return an image by its number; by default the first."""
        for found in self._walk():
            if (hdu is None and found.is_image) or found.index == hdu:
                if found.is_image:
                    return found
                if found.kind == "table":
                    raise Unsupported(f"HDU {hdu} is a table, not an image")
                axes = " x ".join(map(str, found.axes)) or "no axes"
                raise Unsupported(f"HDU {hdu} is not a two-dimensional image: it has {axes}")
        if hdu is None:
            raise ReadError("no image in the file")
        raise ReadError(f"no HDU {hdu}: the file has {len(self._hdus)}")

    def read(
        self,
        hdu: Hdu,
        plane: int | None = None,
        window: tuple[int, int, int, int] | None = None,
        double_precision: bool = False,
    ) -> NDArray[np.floating[Any]]:
        """Return physical values, (H, W) or (P, H, W), of all planes or of one."""
        self._must_own(hdu)
        if hdu.shape is None:
            raise Unsupported(f"HDU {hdu.index} is not an image")
        planes, height, width = hdu.shape
        x, y, w, h = window or (0, 0, width, height)
        if plane is not None and not 0 <= plane < planes:
            raise ReadError(f"no plane {plane}: the image has {planes}")
        if not (w > 0 and h > 0 and 0 <= x <= width - w and 0 <= y <= height - h):
            raise ReadError(
                f"the window does not lie inside the image of {width} x {height} pixels"
            )
        first, count = (0, planes) if plane is None else (plane, 1)
        if count * h * w > self._max_pixels:
            raise TooLarge(
                f"{count * h * w} pixels are more than {self._max_pixels}; "
                "raise max_pixels to read them"
            )
        kind = np.float64 if double_precision else np.float32
        if hdu.kind == "compressed image":
            self._require(hdu, hdu.data_bytes)
            tiled = TiledImage(self._bytes, hdu, self._max_pixels)
            samples = tiled.read(plane, (x, y, w, h), kind).reshape(count, h, w)
        else:
            samples = self._rows(hdu, first, count, (x, y, w, h), kind)
        return np.ascontiguousarray(samples[0] if count == 1 else samples)

    def _rows(
        self,
        hdu: Hdu,
        plane: int,
        count: int,
        window: tuple[int, int, int, int],
        wanted: type[np.floating[Any]],
    ) -> NDArray[np.floating[Any]]:
        """Read the rows of an image that is not compressed by tiles, cut to a window."""
        assert hdu.shape is not None  # image() gives images only
        _, height, width = hdu.shape
        x, y, w, h = window
        kind = np.dtype(TYPES[hdu.bitpix])
        row = width * kind.itemsize
        # A gzip stream is inflated no further than to the last pixel wanted, any
        # other file is refused where it is cut.
        whole = (plane + count) * height * row
        self._require(hdu, whole if isinstance(self._bytes, GzipSource) else hdu.data_bytes)
        out = np.empty((count, h, w), wanted)
        step = max(1, _CHUNK // row)
        for band in range(count):
            for top in range(y, y + h, step):
                rows = min(step, y + h - top)
                start = hdu.data_offset + ((plane + band) * height + top) * row
                stored = np.frombuffer(self._bytes.read(start, rows * row), kind)
                cut = stored.reshape(rows, width)[:, x : x + w]
                out[band, top - y : top - y + rows] = hdu.scaled(cut, wanted, hdu.blank)
        return out

    def _require(self, hdu: Hdu, size: int) -> None:
        if not self._bytes.has(hdu.data_offset + size):
            raise Truncated(
                f"truncated: the header promises {size} bytes of pixels, "
                f"the file ends after {max(0, self._bytes.count() - hdu.data_offset)}"
            )

    def _must_own(self, hdu: Hdu) -> None:
        if not (hdu.index < len(self._hdus) and self._hdus[hdu.index] is hdu):
            raise ReadError("the HDU belongs to another file")

    def verify(self, hdu: Hdu) -> tuple[bool | None, bool | None]:
        """Return whether DATASUM and CHECKSUM are right; None where there is none."""
        self._must_own(hdu)
        promised, has_checksum = (
            str(value).strip(" ") if isinstance(value := hdu.cards.get(keyword), str | int) else ""
            for keyword in ("DATASUM", "CHECKSUM")
        )
        if not promised and not has_checksum:
            return None, None
        end = hdu.data_offset + -(-hdu.data_bytes // _BLOCK) * _BLOCK
        data = self._sum(hdu.data_offset, end, 0)
        whole = self._sum(hdu.header_offset, hdu.data_offset, data)
        # CHECKSUM is chosen so that the sum over the whole HDU is all ones.
        return (
            promised == str(data) if promised else None,
            whole in (0, _ALL_ONES) if has_checksum else None,
        )

    def _sum(self, start: int, end: int, total: int) -> int:
        """Add up 32-bit words in ones' complement."""
        for at in range(start, end, _CHUNK):
            size = min(_CHUNK, end - at)
            words = self._bytes.read(at, size)
            if len(words) < size:
                raise Truncated("truncated: the file ends before the last block of an HDU does")
            total += int(np.frombuffer(words, ">u4").sum(dtype=np.uint64))
            while total > _ALL_ONES:
                total = (total & _ALL_ONES) + (total >> 32)
        return total

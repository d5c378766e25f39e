"""The walk over HDUs, and pixels; twin of ``csrc/fits.*``, with tiles left to astropy."""

from __future__ import annotations

import io
import math
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge._pure.hdu import TYPES, Hdu
from galedge._pure.source import Source
from galedge.errors import ReadError, TooLarge, Truncated, Unsupported

__all__ = ["FitsFile"]

_BLOCK = 2880
_MOST_HDUS = 10_000
_astropy = threading.Lock()  # silencing its warnings is not safe between threads


class FitsFile:
    """A FITS file, or a buffer that holds one."""

    def __init__(self, source: str | memoryview, max_pixels: int) -> None:
        self._source, self._max_pixels = source, max_pixels
        self._bytes = Source(source, max_pixels * 8 + (1 << 26))
        self._hdus: list[Hdu] = []
        self._next: int | None = 0
        if self._bytes.size == 0:
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
        yield from self._hdus
        while self._next is not None:
            index, offset = len(self._hdus), self._next
            if index and self._bytes.read(offset, 9) != b"XTENSION=":
                self._next = None  # what follows and is no extension is ignored
                return
            if index >= _MOST_HDUS:
                raise TooLarge(f"has more than {_MOST_HDUS} HDUs")
            text, data = self._header(offset)
            hdu = Hdu(index, text, data)
            if index == 0 and hdu.cards.get("SIMPLE") is not True:
                raise Unsupported("says SIMPLE = F: it does not conform to the FITS standard")
            self._next = data + -(-hdu.data_bytes // _BLOCK) * _BLOCK
            self._hdus.append(hdu)
            yield hdu

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
        shape = hdu.shape
        assert shape is not None  # image() gives images only
        planes, height, width = shape
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
        if hdu.kind == "image":
            bands = [self._rows(hdu, i * height + y, h, width) for i in range(first, first + count)]
            samples = np.stack(bands)[..., x : x + w]
        else:
            samples = self._tiles(hdu).reshape(planes, height, width)
            samples = samples[first : first + count, y : y + h, x : x + w]
        kind = np.float64 if double_precision else np.float32
        return np.ascontiguousarray(samples[0] if count == 1 else samples, kind)

    def _rows(self, hdu: Hdu, first: int, rows: int, width: int) -> NDArray[np.floating[Any]]:
        """Read whole rows of an image that is not compressed by tiles."""
        kind = np.dtype(TYPES[hdu.bitpix])
        start = hdu.data_offset + first * width * kind.itemsize
        need = rows * width * kind.itemsize
        # The core refuses a file that is cut anywhere; a gzip stream is inflated
        # no further than to the last pixel wanted.
        end = start + need if self._bytes.is_gzip else hdu.data_offset + hdu.data_bytes
        if not self._bytes.has(end):
            present = max(0, self._bytes.count() - hdu.data_offset)
            raise Truncated(
                f"truncated: the header promises {hdu.data_bytes} bytes of pixels, "
                f"the file ends after {present}"
            )
        stored = np.frombuffer(self._bytes.read(start, need), kind)
        return hdu.scaled(stored).reshape(rows, width)

    def _tiles(self, hdu: Hdu) -> NDArray[Any]:
        """Decompress tiles by astropy."""
        if not self._bytes.has(hdu.data_offset + hdu.data_bytes):
            raise Truncated("truncated: the file ends inside the tiles")
        if not 0 <= hdu.field_count <= 999:  # astropy would count up to it
            raise ReadError("TFIELDS is not 0 to 999")
        try:
            from astropy.io import fits
        except ImportError:
            raise Unsupported(
                "is tile-compressed, which needs astropy where galedge has no compiled core: "
                "pip install 'galedge[tables]'"
            ) from None
        if math.prod(hdu.axes) > self._max_pixels:  # all of it is decompressed
            raise TooLarge(
                f"{math.prod(hdu.axes)} pixels are more than {self._max_pixels}; "
                "raise max_pixels to read them"
            )
        end = hdu.data_offset + -(-hdu.data_bytes // _BLOCK) * _BLOCK
        data = io.BytesIO(self._bytes.read(0, end))
        try:
            with _astropy, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with fits.open(data, memmap=False) as file:
                    samples = np.array(file[hdu.index].data, np.float64)
        except Exception as error:  # whatever damaged tiles make it stumble over
            raise ReadError(f"the {hdu.compression} tiles are damaged: {error}") from None
        if samples.size != math.prod(hdu.axes):
            raise ReadError(f"the {hdu.compression} tiles do not hold the image they promise")
        return samples

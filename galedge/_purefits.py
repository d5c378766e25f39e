"""FITS without the core: plain and gzipped images by NumPy, tiles by astropy.

What csrc/fits.* and hdu.* do, with the same rules: nothing in a header is
trusted, and the bytes that are needed are compared with those present before
anything is allocated.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import stat
import threading
import warnings
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge._purecards import Wcs, parse_cards
from galedge.errors import ReadError, TooLarge, Truncated, Unsupported

__all__ = ["FitsFile", "Hdu"]

_BLOCK = 2880
_MOST_HDUS = 10_000
_TYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_TABLES = ("BINTABLE", "A3DTABLE", "TABLE")
_astropy = threading.Lock()  # silencing its warnings is not safe between threads


class _Bytes:
    """The bytes of a file or a buffer, inflated where they are gzipped."""

    def __init__(self, source: str | memoryview, most: int) -> None:
        self._source = source
        self._most = most
        self._inflated = bytearray()
        self._gzip: gzip.GzipFile | None = None
        with self._open() as stream:
            self.size = stream.seek(0, os.SEEK_END)
            stream.seek(0)
            if stream.read(2) == b"\x1f\x8b":
                stream.seek(0)
                self._gzip = gzip.GzipFile(fileobj=io.BytesIO(stream.read()))

    def _open(self) -> io.BufferedReader | io.BytesIO:
        if not isinstance(self._source, str):
            return io.BytesIO(self._source)
        try:
            # O_NONBLOCK: opening a pipe without a writer would wait for ever.
            file = os.open(self._source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ReadError(f"cannot be opened: {reason}") from None
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise ReadError("is not a regular file")
        return open(file, "rb")

    def has(self, end: int) -> bool:
        """Whether there are so many bytes; a gzip stream is inflated up to there."""
        if self._gzip is None:
            return end <= self.size
        if end > self._most:
            raise TooLarge(f"inflates to more than {self._most} bytes; raise max_pixels to read it")
        try:
            while len(self._inflated) < end:
                more = self._gzip.read(min(end - len(self._inflated), 1 << 20))
                if not more:
                    return False
                self._inflated += more
        except EOFError:
            return False
        except (OSError, zlib.error) as error:
            raise ReadError(f"the gzip stream is damaged: {error}") from None
        return True

    @property
    def is_gzip(self) -> bool:
        """Whether they are inflated."""
        return self._gzip is not None

    def count(self) -> int:
        """Return how many bytes are known to be there."""
        return self.size if self._gzip is None else len(self._inflated)

    def read(self, start: int, size: int) -> bytes:
        """Return at most `size` bytes."""
        if self._gzip is not None:
            self.has(start + size)
            return bytes(self._inflated[start : start + size])
        with self._open() as stream:
            stream.seek(start)
            return stream.read(size)


class Hdu:
    """What a header says about its HDU; see ``parse_hdu`` in csrc/hdu.cpp."""

    def __init__(self, index: int, text: bytes, offset: int) -> None:
        self.index, self.text, self.data_offset = index, text, offset
        self.cards: dict[str, Any] = {}
        for keyword, value in parse_cards(text):
            self.cards.setdefault(keyword, value)
        extension = self.cards.get("XTENSION", "") if index else "IMAGE"
        table = extension in _TABLES
        self.bitpix, axes = self._geometry("")
        groups = not table and axes[:1] == [0] and self.cards.get("GROUPS") is True
        plain = index == 0 and not groups
        parameters = 0 if plain else self._count("PCOUNT", 0)
        repeats = 1 if plain else self._count("GCOUNT", 1)
        elements = parameters + math.prod(axes[1:] if groups else axes)
        self.data_bytes = abs(self.bitpix) // 8 * repeats * elements if axes else 0
        self.kind = "table" if table else "other"
        if table and extension != "TABLE" and self.cards.get("ZIMAGE") is True:
            self.kind = "compressed image"
            self.bitpix, axes = self._geometry("Z")
        elif not groups and extension in ("IMAGE", "IUEIMAGE"):
            self.kind = "image"
        self.axes = tuple(axes)
        self.name = str(self.cards.get("EXTNAME") or "")
        if max(self.data_bytes, math.prod(axes) * 8) >= 1 << 63:
            raise ReadError("the axes multiply to more than 2^63 bytes")

    def _geometry(self, prefix: str) -> tuple[int, list[int]]:
        bitpix = self._integer(prefix + "BITPIX")
        if bitpix not in _TYPES:
            raise ReadError(f"{prefix}BITPIX = {bitpix} is none of 8, 16, 32, 64, -32, -64")
        count = self._integer(prefix + "NAXIS")
        if not 0 <= count <= 999:
            raise ReadError(f"{prefix}NAXIS = {count} is not 0 to 999")
        if count > 9:
            raise Unsupported(f"{prefix}NAXIS = {count}: more than 9 axes are not read")
        return bitpix, [self._count(f"{prefix}NAXIS{i + 1}") for i in range(count)]

    def _integer(self, keyword: str, default: int | None = None) -> int:
        value = self.cards.get(keyword)
        value = default if value is None else value
        if value is None:
            raise ReadError(f"the header has no {keyword}")
        if isinstance(value, bool) or not isinstance(value, int):
            raise ReadError(f"{keyword} is not an integer: {value!r}")
        return value

    def _count(self, keyword: str, default: int | None = None) -> int:
        value = self._integer(keyword, default)
        if value < 0:
            raise ReadError(f"{keyword} = {value} is negative")
        return value

    def _real(self, keyword: str, default: float) -> float:
        value = self.cards.get(keyword)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ReadError(f"{keyword} is not a number: {value!r}")
        return float(value)

    @property
    def is_image(self) -> bool:
        """Whether it has at least two axes and one pixel."""
        return self.kind.endswith("image") and len(self.axes) >= 2 and 0 not in self.axes

    @property
    def is_picture(self) -> bool:
        """Whether its samples are unscaled bytes, taken to be stretched already."""
        return self.bitpix == 8 and (self._real("BSCALE", 1), self._real("BZERO", 0)) == (1, 0)

    @property
    def shape(self) -> tuple[int, int, int] | None:
        """Planes, height, width; axes of length 1 beyond two are passed over."""
        if not self.is_image:
            return None
        axes = self.axes
        long = [i for i, length in enumerate(axes) if length > 1]
        x, y = 0, 1
        if len(axes) > 2 and len(long) >= 2:
            x, y = long[0], long[1]
        elif len(axes) > 2 and long and long[0] > 0:
            x, y = long[0] - 1, long[0]
        return math.prod(axes) // (axes[x] * axes[y]), axes[y], axes[x]

    @property
    def field_count(self) -> int:
        """Columns of a table."""
        return self._integer("TFIELDS", 0)

    @property
    def compression(self) -> Any:
        """The kind of tile compression."""
        return self.cards.get("ZCMPTYPE") if self.kind == "compressed image" else None

    def wcs(self) -> Wcs | None:
        """Return its celestial coordinates, where galedge knows their kind."""
        return Wcs.parse(self.cards)

    def scaled(self, stored: NDArray[Any]) -> NDArray[np.floating[Any]]:
        """Return physical values, in the precision that the core uses."""
        kind: Any = np.float64 if self.bitpix in (32, 64, -64) else np.float32
        values: NDArray[Any] = stored.astype(kind)
        scale, zero = self._real("BSCALE", 1), self._real("BZERO", 0)
        if scale == 1 and zero == 2.0**63 and self.bitpix == 64:
            values = (stored.astype(np.int64).view(np.uint64) ^ np.uint64(1 << 63)).astype(kind)
        elif scale != 1 or zero != 0:
            values = values * kind(scale) + kind(zero if zero else -0.0)
        blank = self.cards.get("BLANK")
        if self.bitpix > 0 and type(blank) is int:
            values[stored == blank] = np.nan
        return values


class FitsFile:
    """A FITS file, or a buffer that holds one."""

    def __init__(self, source: str | memoryview, max_pixels: int) -> None:
        self._source, self._max_pixels = source, max_pixels
        self._bytes = _Bytes(source, max_pixels * 8 + (1 << 26))
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
        kind = np.dtype(_TYPES[hdu.bitpix])
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

"""FITS where the compiled core is missing: which HDUs there are, and plain pixels.

Compressed tiles are left to rustfits, as HCOMPRESS_1 is where there is a core.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.core.cards import inherited
from galedge.core.hdu import Hdu
from galedge.core.physical import physical
from galedge.errors import ReadError, TooLarge, Truncated, Unsupported
from galedge.support.packed import Packed
from galedge.support.regular import open_regular
from galedge.support.system import read_at

__all__ = ["CODECS", "FitsFile"]

#: The codecs of compressed tiles, each with the package that it needs.
CODECS: dict[str, str | None] = dict.fromkeys(
    ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"), "rustfits"
)

_BLOCK = 2880
_MOST_HEADER = 1 << 24
_MOST_HDUS = 10_000
_CHUNK = 1 << 20
_END = re.compile(rb"END[\0- ]{5}")
_ALL_ONES = 0xFFFFFFFF
# What a file begins with that is none, and what is said of it.
_OTHERS = {
    b"BZh": "is bzip2-compressed; bunzip2 it first",
    b"\x1f\x9d": "is compressed by compress (.Z); uncompress it first",
}


class FitsFile:
    """A FITS file, or a buffer that holds one."""

    def __init__(self, place: str | memoryview, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._lock = threading.RLock()
        self._hdus: list[Hdu] = []
        self._next: int | None = 0
        self._file = open_regular(place) if isinstance(place, str) else None
        self._memory: Any = place.cast("B") if isinstance(place, memoryview) else b""
        self._packed: Packed | None = None
        self._size = os.fstat(self._file.fileno()).st_size if self._file else len(self._memory)
        if self._read(0, 3) == b"\x1f\x8b\x08":
            self._packed = Packed(
                self._file or io.BytesIO(self._memory), max_pixels * 8 + (1 << 26)
            )
        head = self._read(0, 9)
        if head == b"SIMPLE  =":
            return
        if b"SIMPLE  =".startswith(head):
            raise Truncated("truncated: the file ends inside a header" if head else "is empty")
        for begin, what in _OTHERS.items():
            if head.startswith(begin):
                raise Unsupported(what)
        raise Unsupported('not a FITS file: it does not begin with "SIMPLE  ="')

    def _until(self, end: int) -> int:
        """Return where the file ends, if that is before `end`."""
        if self._packed is None:
            return min(end, self._size)
        with self._lock:
            self._packed.fill(end)
            return min(end, len(self._packed.data))

    def _read(self, start: int, size: int) -> bytes:
        """Return `size` bytes, or fewer at the end."""
        end = self._until(start + size)
        if self._file is None or self._packed is not None:
            memory = self._memory if self._packed is None else self._packed.data
            return bytes(memory[start:end])
        found = b""
        while start + len(found) < end:  # a read may stop short of 2 GiB
            more = read_at(self._file.fileno(), end - start - len(found), start + len(found))
            if not more:
                raise Truncated("truncated: the file shrank while being read")
            found += more
        return found

    def hdus(self) -> list[Hdu]:
        """Return all of them."""
        return list(self._walk())

    def image(self, hdu: int | str | None = None) -> Hdu:
        """Return an image by its number or name; by default the first."""
        number = self._number_of(hdu) if isinstance(hdu, str) else hdu
        for found in self._walk():
            if found.is_image and number in (None, found.index):
                return found
            if found.index == number and found.kind == "table":
                raise Unsupported(f"HDU {number} is a table, not an image")
            if found.index == number:
                axes = " x ".join(map(str, found.axes)) or "no axes"
                raise Unsupported(f"HDU {number} is not a two-dimensional image: it has {axes}")
        if number is None:
            raise ReadError("no image in the file")
        raise ReadError(f"no HDU {number}: the file has {len(self._hdus)}")

    def _number_of(self, name: str) -> int:
        stem, _, number = name.rpartition(",")
        wanted, stem_wanted, names = _folded(name), _folded(stem), ""
        for found in self._walk():
            own = found.name if found.name or found.index else "PRIMARY"
            same = number.isdecimal() and int(number) == found.version
            if wanted == _folded(own) or (same and stem_wanted == _folded(found.name)):
                return found.index
            if found.name and len(names.encode()) < 100:
                names += (", " if names else "; the file has ") + found.name
        raise ReadError(f"no HDU is named {name}{names}")

    def following(self, hdu: Hdu, most: int) -> list[Hdu]:
        """Return the images among the `most` HDUs behind one."""
        self._must_own(hdu)
        images = []
        with contextlib.suppress(ReadError):  # what nobody asked for may be damaged
            for found in itertools.islice(self._walk(), hdu.index + 1 + most):
                if found.index > hdu.index and found.is_image:
                    images.append(found)
                if self._packed is not None and found.end + _BLOCK > len(self._packed.data):
                    break  # nothing is inflated for it
        return images

    def _walk(self) -> Iterator[Hdu]:
        """Yield the HDUs in order, parsing no further than asked."""
        for index in itertools.count():
            with self._lock:
                if index == len(self._hdus) and not self._parse_next(index):
                    return
            yield self._hdus[index]

    def _parse_next(self, index: int) -> bool:
        offset = self._next
        if offset is None or (index and self._read(offset, 9) != b"XTENSION="):
            self._next = None  # what follows and is no extension is ignored
            return False
        if index >= _MOST_HDUS:
            raise TooLarge(f"has more than {_MOST_HDUS} HDUs")
        text, data = self._header(offset)
        if index:
            text = inherited(text, self._hdus[0].text)
        hdu = Hdu(index, text, offset, data)
        if index == 0 and hdu.cards.get("SIMPLE") is not True:
            raise Unsupported("says SIMPLE = F: it does not conform to the FITS standard")
        self._next = hdu.end
        self._hdus.append(hdu)
        return True

    def _header(self, offset: int) -> tuple[bytes, int]:
        """Return the cards before END, and where the data begin."""
        text = bytearray()
        while len(text) < _MOST_HEADER:
            block = self._read(offset + len(text), _BLOCK)
            if len(block) < _BLOCK:
                raise Truncated("truncated: the file ends inside a header (no END card)")
            for at in range(0, _BLOCK, 80):
                # Some fill the card up with NUL, or end it as a line of text.
                if _END.match(block, at):
                    cards = bytes(text + block[:at]).replace(b"\0", b" ")
                    return cards, offset + len(text) + _BLOCK
            text += block
        raise ReadError("no END card in the first 16 MiB of a header")

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
        there = self._until(hdu.data_offset + hdu.data_bytes) - hdu.data_offset
        if there < hdu.data_bytes:
            raise Truncated(
                f"truncated: the header promises {hdu.data_bytes} bytes of pixels, "
                f"the file ends after {max(0, there)}"
            )
        if hdu.kind == "compressed image":
            needed = "needs rustfits: pip install rustfits, galedge.read()"
            is_known = hdu.compression in CODECS
            how = needed if is_known else "is not read"
            raise Unsupported(f"is compressed by {hdu.compression}, which {how}")
        kind = np.float64 if double_precision else np.float32
        out = np.empty((count, h, w), kind)
        size = width * hdu.dtype.itemsize  # of a row
        step = max(1, _CHUNK // size)
        for band, top in itertools.product(range(count), range(0, h, step)):
            rows = min(step, h - top)
            start = hdu.data_offset + ((first + band) * height + y + top) * size
            stored = np.frombuffer(self._read(start, rows * size), hdu.dtype).reshape(rows, width)
            cut = stored[:, x : x + w]
            out[band, top : top + rows] = physical(cut, hdu.bitpix, hdu.cards, ("BLANK",), kind)
        return out[0] if count == 1 else out

    def _must_own(self, hdu: Hdu) -> None:
        if not (hdu.index < len(self._hdus) and self._hdus[hdu.index] is hdu):
            raise ReadError("the HDU belongs to another file")

    def verify(self, hdu: Hdu) -> tuple[bool | None, bool | None]:
        """Return whether DATASUM and CHECKSUM are right; None where there is none."""
        self._must_own(hdu)
        values = (hdu.cards.get(keyword) for keyword in ("DATASUM", "CHECKSUM"))
        promised, has_checksum = (
            str(value).strip(" ") if type(value) in (str, int) else "" for value in values
        )
        if not promised and not has_checksum:
            return None, None
        if self._until(hdu.end) < hdu.end:
            raise Truncated("truncated: the file ends before the last block of an HDU does")
        data = self._sum(hdu.data_offset, hdu.end)
        whole = data + self._sum(hdu.header_offset, hdu.data_offset)
        # In ones' complement. CHECKSUM is chosen so that the whole HDU adds up to all ones.
        right = promised == str(data and (data - 1) % _ALL_ONES + 1)
        return right if promised else None, whole % _ALL_ONES == 0 if has_checksum else None

    def _sum(self, start: int, end: int) -> int:
        """Add up 32-bit words."""
        chunks = (self._read(at, min(_CHUNK, end - at)) for at in range(start, end, _CHUNK))
        return sum(int(np.frombuffer(words, ">u4").sum(dtype=np.uint64)) for words in chunks)


def _folded(name: str) -> bytes:
    return name.encode(errors="surrogateescape").upper()  # which is of ASCII only

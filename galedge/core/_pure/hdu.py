"""What a header says about its HDU; twin of ``csrc/hdu.*`` and ``pixels.*``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.core._pure.cards import Header, card_text
from galedge.core._pure.wcs import Wcs, parity
from galedge.errors import ReadError, Unsupported

__all__ = ["TYPES", "Hdu"]

TYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
"""NumPy's name of each BITPIX, as stored."""

_TABLES = ("BINTABLE", "A3DTABLE", "TABLE")


class Hdu:
    """What a header says about its HDU; see ``parse_hdu`` in csrc/hdu.cpp."""

    def __init__(self, index: int, text: bytes, header_offset: int, data_offset: int) -> None:
        self.index, self.text = index, text
        self.header_offset, self.data_offset = header_offset, data_offset
        self.cards = Header(text)
        extension = self.cards.get("XTENSION", "") if index else "IMAGE"
        table = extension in _TABLES
        self.bitpix, axes = self._geometry("")
        groups = not table and axes[:1] == [0] and self.cards.get("GROUPS") is True
        plain = index == 0 and not groups
        parameters = 0 if plain else self.count("PCOUNT", 0)
        repeats = 1 if plain else self.count("GCOUNT", 1)
        elements = parameters + math.prod(axes[1:] if groups else axes)
        self.data_bytes = abs(self.bitpix) // 8 * repeats * elements if axes else 0
        self.kind = "table" if table else "other"
        if table and extension != "TABLE" and self.cards.get("ZIMAGE") is True:
            self.kind = "compressed image"
            self.bitpix, axes = self._geometry("Z")
        elif not groups and extension in ("IMAGE", "IUEIMAGE"):
            self.kind = "image"
        self.axes = tuple(axes)
        self.name = card_text(text, "EXTNAME")
        if max(self.data_bytes, math.prod(axes) * 8) >= 1 << 63:
            raise ReadError("the axes multiply to more than 2^63 bytes")

    def _geometry(self, prefix: str) -> tuple[int, list[int]]:
        bitpix = self.integer(prefix + "BITPIX")
        if bitpix not in TYPES:
            raise ReadError(f"{prefix}BITPIX = {bitpix} is none of 8, 16, 32, 64, -32, -64")
        count = self.integer(prefix + "NAXIS")
        if not 0 <= count <= 999:
            raise ReadError(f"{prefix}NAXIS = {count} is not 0 to 999")
        if count > 9:
            raise Unsupported(f"{prefix}NAXIS = {count}: more than 9 axes are not read")
        return bitpix, [self.count(f"{prefix}NAXIS{i + 1}") for i in range(count)]

    def integer(self, keyword: str, default: int | None = None) -> int:
        """Return an integer of the header, or ReadError."""
        value = self.cards.get(keyword)
        value = default if value is None else value
        if value is None:
            raise ReadError(f"the header has no {keyword}")
        if isinstance(value, bool) or not isinstance(value, int):
            raise ReadError(f"{keyword} is not an integer: {value!r}")
        return value

    def count(self, keyword: str, default: int | None = None) -> int:
        """Return an integer of the header that is not negative, or ReadError."""
        value = self.integer(keyword, default)
        if value < 0:
            raise ReadError(f"{keyword} = {value} is negative")
        return value

    def real(self, keyword: str, default: float) -> float:
        """Return a number of the header, or ReadError."""
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
        return self.bitpix == 8 and (self.real("BSCALE", 1), self.real("BZERO", 0)) == (1, 0)

    @property
    def plane_axes(self) -> tuple[int, int]:
        """Which axes are a plane's x and y: the first two that are longer than 1."""
        long = [i for i, length in enumerate(self.axes) if length > 1]
        if len(self.axes) > 2 and len(long) >= 2:
            return long[0], long[1]
        if len(self.axes) > 2 and long and long[0] > 0:
            return long[0] - 1, long[0]
        return 0, 1

    @property
    def shape(self) -> tuple[int, int, int] | None:
        """Planes, height, width."""
        if not self.is_image:
            return None
        x, y = (self.axes[axis] for axis in self.plane_axes)
        return math.prod(self.axes) // (x * y), y, x

    @property
    def parity(self) -> int:
        """The sense of its rows and columns on the sky; see ``csrc/wcs.hpp``."""
        return parity(self.cards)

    @property
    def upwards(self) -> bool:
        """Whether its first row is the lowest."""
        return str(self.cards.get("ROWORDER", "")).upper() != "TOP-DOWN"

    @property
    def compression(self) -> Any:
        """The kind of tile compression."""
        return self.cards.get("ZCMPTYPE") if self.kind == "compressed image" else None

    def wcs(self) -> Wcs | None:
        """Return its celestial coordinates, where galedge knows their kind."""
        return Wcs.parse(self.cards)

    def scaled(
        self, stored: NDArray[Any], wanted: type[np.floating[Any]], blank: int | None
    ) -> NDArray[np.floating[Any]]:
        """Return physical values, in the precision that the core uses, rounded to `wanted`."""
        scale, zero = self.real("BSCALE", 1), self.real("BZERO", 0)
        blank = blank if self.bitpix > 0 else None
        if self.bitpix == 64 and scale == 1 and blank is None and zero in (0, 2.0**63):
            if zero:
                stored = stored.astype(np.int64).view(np.uint64) ^ np.uint64(1 << 63)
            return stored.astype(wanted)
        kind: Any = np.float64 if self.bitpix in (32, 64, -64) else np.float32
        values: NDArray[Any] = stored.astype(kind)
        with np.errstate(all="ignore"):
            if scale != 1 or zero != 0:
                values = values * kind(scale) + kind(zero if zero else -0.0)
            if blank is not None:
                values[stored == blank] = np.nan
            return values.astype(wanted, copy=False)

    @property
    def blank(self) -> int | None:
        """BLANK, where it is an integer."""
        blank = self.cards.get("BLANK")
        return blank if type(blank) is int else None

"""What a header says about its HDU, where the compiled core is missing; see ``csrc/hdu.*``.

Nothing in a header is trusted: what is wrong here is refused before anything is
allocated, and before astropy sees it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.core.cards import card_text, values
from galedge.core.standin_wcs import Wcs, signs
from galedge.errors import ReadError, Unsupported

__all__ = ["TYPES", "Hdu"]

TYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
"""NumPy's name of each BITPIX, as stored."""

_TABLES = ("BINTABLE", "A3DTABLE", "TABLE")


class Hdu:
    """An HDU's kind, axes and place in the file."""

    def __init__(self, index: int, text: bytes, header_offset: int, data_offset: int) -> None:
        self.index, self.text, self.cards = index, text, values(text)
        self.header_offset, self.data_offset = header_offset, data_offset
        self.name = card_text(text, "EXTNAME")
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
        if max(self.data_bytes, math.prod(axes) * 8) >= 1 << 63:
            raise ReadError("the axes multiply to more than 2^63 bytes")

    def _geometry(self, prefix: str) -> tuple[int, list[int]]:
        bitpix = self.integer(prefix + "BITPIX")
        if bitpix not in TYPES:
            raise ReadError(f"{prefix}BITPIX = {bitpix} is none of 8, 16, 32, 64, -32, -64")
        count = self._count(prefix + "NAXIS")
        if count > 9:
            raise Unsupported(f"{prefix}NAXIS = {count}: more than 9 axes are not read")
        return bitpix, [self._count(f"{prefix}NAXIS{i + 1}") for i in range(count)]

    def integer(self, keyword: str, default: int | None = None) -> int:
        """Return an integer of the header, or ReadError."""
        value = self.cards.get(keyword)
        value = default if value is None else value
        if value is None:
            raise ReadError(f"the header has no {keyword}")
        if type(value) is not int:
            raise ReadError(f"{keyword} is not an integer: {value!r}")
        return value

    def _count(self, keyword: str, default: int | None = None) -> int:
        value = self.integer(keyword, default)
        if value < 0:
            raise ReadError(f"{keyword} = {value} is negative")
        return value

    def _real(self, keyword: str, default: float) -> float:
        value = self.cards.get(keyword)
        value = default if value is None else value
        if type(value) not in (int, float):
            raise ReadError(f"{keyword} is not a number: {value!r}")
        return float(value)

    @property
    def version(self) -> int:
        """EXTVER; 1 where there is none."""
        version = self.cards.get("EXTVER")
        return version if type(version) is int else 1

    @property
    def is_image(self) -> bool:
        """Whether it has at least two axes and one pixel."""
        return self.kind.endswith("image") and len(self.axes) >= 2 and 0 not in self.axes

    @property
    def is_picture(self) -> bool:
        """Whether its samples are unscaled bytes, taken to be stretched already."""
        return self.bitpix == 8 and (self._real("BSCALE", 1), self._real("BZERO", 0)) == (1, 0)

    @cached_property
    def plane_axes(self) -> tuple[int, int]:
        """Which axes are x and y: the first two that are longer than 1."""
        long = [i for i, length in enumerate(self.axes) if length > 1]
        if len(self.axes) > 2 and len(long) >= 2:
            return long[0], long[1]
        if len(self.axes) > 2 and long and long[0] > 0:
            return long[0] - 1, long[0]
        return 0, 1

    @cached_property
    def shape(self) -> tuple[int, int, int] | None:
        """Planes, height, width."""
        if not self.is_image:
            return None
        x, y = (self.axes[axis] for axis in self.plane_axes)
        return math.prod(self.axes) // (x * y), y, x

    @property
    def _sky_cards(self) -> Mapping[str, Any]:
        """Its cards, if rows and columns are its first two axes."""
        return self.cards if self.plane_axes == (0, 1) else {}

    @cached_property
    def _wcs(self) -> Wcs | None:
        return Wcs.parse(self._sky_cards)

    @property
    def signs(self) -> tuple[int, bool, bool, bool]:
        """What it says of the sky; see `galedge.core.standin_wcs.signs`."""
        return signs(self._sky_cards, self._wcs)

    @property
    def compression(self) -> Any:
        """The kind of tile compression."""
        return self.cards.get("ZCMPTYPE") if self.kind == "compressed image" else None

    def wcs(self) -> Wcs | None:
        """Return its celestial coordinates, where galedge knows their kind."""
        return self._wcs

    def scaled(
        self, stored: NDArray[Any], wanted: type[np.floating[Any]]
    ) -> NDArray[np.floating[Any]]:
        """Return physical values, in the precision that the core uses, rounded to `wanted`."""
        scale, zero = self._real("BSCALE", 1), self._real("BZERO", 0)
        blank = self.cards.get("BLANK")
        if self.kind == "compressed image" and type(self.cards.get("ZBLANK")) is int:
            blank = self.cards["ZBLANK"]
        blank = blank if self.bitpix > 0 and type(blank) is int else None
        if self.bitpix == 64 and scale == 1 and blank is None and zero in (0, 2.0**63):
            if zero:
                stored = stored.astype(np.int64).view(np.uint64) ^ np.uint64(1 << 63)
            return stored.astype(wanted)
        kind: Any = np.float64 if self.bitpix in (32, 64, -64) else np.float32
        pixels: NDArray[Any] = stored.astype(kind)
        with np.errstate(all="ignore"):
            if scale != 1 or zero != 0:
                pixels = pixels * kind(scale) + kind(zero if zero else -0.0)
            if blank is not None:
                pixels[stored == blank] = np.nan
            return pixels.astype(wanted, copy=False)

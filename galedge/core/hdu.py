"""What a header says about its HDU, where the compiled core is missing; see ``csrc/hdu.*``.

Nothing in a header is trusted: what is wrong here is refused before anything is
allocated.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np

from galedge.core.cards import card_text, named
from galedge.core.physical import scaling
from galedge.core.standin_wcs import Wcs, signs
from galedge.errors import ReadError, Unsupported

__all__ = ["Hdu"]

_BLOCK = 2880
_TABLES = ("BINTABLE", "A3DTABLE", "TABLE")


class Hdu:
    """An HDU's kind, axes and place in the file."""

    def __init__(self, index: int, text: bytes, header_offset: int, data_offset: int) -> None:
        self.index, self.text = index, text
        self.header_offset, self.data_offset = header_offset, data_offset
        self.cards = {key: card.value for key, card in named(text).items() if len(key) <= 8}
        self.name = card_text(text, "EXTNAME")
        version = self.cards.get("EXTVER")
        self.version = version if type(version) is int else 1
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
            # So the table is called by default; PyFITS left the image's own name behind that.
            if self.name == "COMPRESSED_IMAGE":
                before, card, behind = text.partition(b"EXTNAME =")
                rest = before + behind[80 - len(card) :]
                if name := card_text(rest, "EXTNAME"):
                    self.name, self.text = name, rest
        elif not groups and extension in ("IMAGE", "IUEIMAGE"):
            self.kind = "image"
        self.axes = tuple(axes)
        kind = "u" if self.bitpix == 8 else "i" if self.bitpix > 0 else "f"
        self.dtype = np.dtype(f">{kind}{abs(self.bitpix) // 8}")
        if max(self.data_bytes, math.prod(axes) * 8) >= 1 << 63:
            raise ReadError("the axes multiply to more than 2^63 bytes")
        self.end = data_offset + -(-self.data_bytes // _BLOCK) * _BLOCK
        self.is_image = self.kind.endswith("image") and len(axes) >= 2 and 0 not in axes
        self.compression = self.cards.get("ZCMPTYPE") if self.kind == "compressed image" else None

    def _geometry(self, prefix: str) -> tuple[int, list[int]]:
        bitpix = self._integer(prefix + "BITPIX")
        if bitpix not in (8, 16, 32, 64, -32, -64):
            raise ReadError(f"{prefix}BITPIX = {bitpix} is none of 8, 16, 32, 64, -32, -64")
        count = self._count(prefix + "NAXIS")
        if count > 9:
            raise Unsupported(f"{prefix}NAXIS = {count}: more than 9 axes are not read")
        return bitpix, [self._count(f"{prefix}NAXIS{i + 1}") for i in range(count)]

    def _integer(self, keyword: str, default: int | None = None) -> int:
        value = self.cards.get(keyword)
        value = default if value is None else value
        if value is None:
            raise ReadError(f"the header has no {keyword}")
        if type(value) is not int:
            raise ReadError(f"{keyword} is not an integer: {value!r}")
        return value

    def _count(self, keyword: str, default: int | None = None) -> int:
        value = self._integer(keyword, default)
        if value < 0:
            raise ReadError(f"{keyword} = {value} is negative")
        return value

    @property
    def is_picture(self) -> bool:
        """Whether its samples are unscaled bytes, taken to be stretched already."""
        return self.bitpix == 8 and scaling(self.cards) == (1, 0)

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
    def _sky_cards(self) -> dict[str, Any]:
        """Its cards, if rows and columns are its first two axes."""
        return self.cards if self.plane_axes == (0, 1) else {}

    @cached_property
    def _wcs(self) -> Wcs | None:
        return Wcs.parse(self._sky_cards)

    @property
    def signs(self) -> tuple[int, bool, bool, bool]:
        """What it says of the sky; see `galedge.core.standin_wcs.signs`."""
        return signs(self._sky_cards, self._wcs)

    def wcs(self) -> Wcs | None:
        """Return its celestial coordinates, where galedge knows their kind."""
        return self._wcs

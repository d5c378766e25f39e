"""A FITS header as a read-only mapping, parsed when first looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from galedge.core.backend import _core

if TYPE_CHECKING:
    from galedge.core._core import HeaderValue

__all__ = ["HduName", "Header", "plain_hdu"]

HduName = int | str | tuple[str, int]
"""An HDU: its number, its EXTNAME, or EXTNAME and EXTVER, also as ``"SCI,2"``."""

_COMMENTARY = ("COMMENT", "HISTORY", "")

# What describes the table that holds a compressed image, not the image.
_TABLE_ONLY = re.compile(
    r"(XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TFIELDS|THEAP|ZIMAGE|ZCMPTYPE|ZQUANTIZ|ZDITHER0"
    r"|CHECKSUM|DATASUM|ZMASKCMP|(TTYPE|TFORM|TUNIT|TDIM|TNULL|TSCAL|TZERO|TDISP"
    r"|ZTILE|ZNAME|ZVAL)\d+)"
)
_IMAGE_NAME = {"ZTENSION": "XTENSION", "ZHECKSUM": "CHECKSUM"}
_RENAMED = re.compile(r"Z(SIMPLE|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|EXTEND|BLOCKED|DATASUM)")


class Header(Mapping[str, "HeaderValue"]):
    """Keyword to value; the first card counts where a keyword stands twice.

    COMMENT and HISTORY are their lines joined by newlines. HIERARCH keywords
    go by their own name (``"ESO DET ID"``), CONTINUE cards are joined, and a
    card without a value is ``None``. FITS knows ASCII only; other bytes are taken
    as UTF-8 where they are that, else as Latin-1, and never fail. For a
    tile-compressed image the mapping is that of the image, not of the table that
    holds its tiles.

    Parameters
    ----------
    text
        Whole 80-byte cards, without END.
    compressed
        Whether they head a table of compressed tiles.
    """

    __slots__ = ("_compressed", "_text", "_values")

    def __init__(self, text: bytes, *, compressed: bool = False) -> None:
        self._text = text
        self._compressed = compressed
        self._values: dict[str, HeaderValue] | None = None

    @property
    def text(self) -> bytes:
        """The cards as they stand in the file."""
        return self._text

    def shown(self, keyword: str) -> str:
        """Return a value as text, the same as in every table: a number as it is written."""
        return _core.card_text(self._text, keyword)

    def _parsed(self) -> dict[str, HeaderValue]:
        if self._values is None:
            values: dict[str, HeaderValue] = {}
            commentary: dict[str, list[str]] = {}
            for keyword, value in _core.parse_cards(self._text):
                if keyword in _COMMENTARY:
                    commentary.setdefault(keyword, []).append(str(value))
                    continue
                name = _image_keyword(keyword) if self._compressed else keyword
                if name is not None:
                    values.setdefault(name, value)
            for keyword, lines in commentary.items():
                if keyword:
                    values[keyword] = "\n".join(lines)
            self._values = values
        return self._values

    def __getitem__(self, keyword: str) -> HeaderValue:
        values = self._parsed()  # as it stands first: some programs write small letters
        return values[keyword if keyword in values else keyword.upper()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed())

    def __len__(self) -> int:
        return len(self._parsed())

    def __repr__(self) -> str:
        return f"<Header: {len(self._text) // 80} cards>"


def plain_hdu(hdu: HduName | None) -> int | str | None:
    """Return an HDU as the core is asked for it."""
    return f"{hdu[0]},{hdu[1]}" if isinstance(hdu, tuple) else hdu


def _image_keyword(keyword: str) -> str | None:
    if _TABLE_ONLY.fullmatch(keyword):
        return None
    if renamed := _RENAMED.fullmatch(keyword):
        return renamed[1]
    return _IMAGE_NAME.get(keyword, keyword)

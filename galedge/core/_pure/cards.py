"""Header cards; twin of ``csrc/header.*``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Header", "card_text", "parse_cards"]

_INTEGER = re.compile(r"[+-]?\d+")
_REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([EeDd][+-]?\d+)?")
_STRING = re.compile(r"'((?:[^']|'')*)")


def parse_cards(text: bytes) -> list[tuple[str, Any]]:
    """Return the (keyword, value) pairs of 80-byte header cards; twin of ``Header::cards``."""
    lines = [text[i : i + 80].decode("latin-1") for i in range(0, len(text), 80)]
    cards: list[tuple[str, Any]] = []
    i = 0
    while i < len(lines):
        line = lines[i]
        i += 1
        keyword = line[:8].rstrip(" ")
        if line[8:9] == "=" and keyword not in ("COMMENT", "HISTORY", ""):
            field = line[9:]
        elif line.startswith("HIERARCH ") and "=" in line:
            keyword, _, field = line[9:].partition("=")
            keyword = keyword.strip(" ")
        else:
            cards.append((decoded(keyword), decoded(line[8:].rstrip(" "))))
            continue
        value = _value(field)
        while isinstance(value, str) and value.endswith("&") and i < len(lines):
            more = lines[i][8:].strip(" ")
            if not lines[i].startswith("CONTINUE") or not more.startswith("'"):
                break
            value = value[:-1] + str(_value(more))
            i += 1
        # A character may go over two cards.
        cards.append((decoded(keyword), decoded(value) if isinstance(value, str) else value))
    return cards


def decoded(text: str) -> str:
    """Return text whose characters are bytes as UTF-8 if it is that, else as Latin-1."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return text


def card_text(text: bytes, keyword: str) -> str:
    """Return a card's value as a reader is shown it; twin of ``Header::shown``."""
    header = Header(text)
    value = header.get(keyword)
    if value is None or isinstance(value, str):
        return value or ""
    field = header.card(keyword)[9:].decode("latin-1").strip(" ")
    end = field.find(")") + 1 if isinstance(value, complex) else field.find("/")
    return (field if end < 0 else field[:end]).strip(" ")


class Header(Mapping[str, Any]):
    """Values by keyword, the first card's; parsed when they are asked for."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._at: dict[bytes, int] = {}
        for at in range(0, len(text), 80):
            # A keyword without the value indicator is commentary, not a value.
            if text[at + 8 : at + 9] == b"=":
                self._at.setdefault(text[at : at + 8], at)

    def __getitem__(self, keyword: str) -> Any:
        at = self._at[keyword.ljust(8).encode()]
        end = at + 80
        while self.text[end : end + 8] == b"CONTINUE":
            end += 80
        return parse_cards(self.text[at:end])[0][1]

    def card(self, keyword: str) -> bytes:
        """Return the card itself."""
        at = self._at[keyword.ljust(8).encode()]
        return self.text[at : at + 80]

    def __iter__(self) -> Iterator[str]:
        return (keyword.decode("latin-1").rstrip(" ") for keyword in self._at)

    def __len__(self) -> int:
        return len(self._at)


def _value(field: str) -> Any:
    """Return what stands behind the value indicator: value, then perhaps "/ comment"."""
    field = field.strip(" ")
    if not field or field.startswith("/"):
        return None
    if string := _STRING.match(field):
        return string[1].replace("''", "'").rstrip(" ")
    if field.startswith("(") and ")" in field:
        parts = [_number(part) for part in field[1 : field.index(")")].split(",")]
        if len(parts) == 2 and None not in parts:
            return complex(parts[0] or 0, parts[1] or 0)
    token = field.partition("/")[0].strip(" ")
    if token in ("T", "F"):
        return token == "T"
    number = _number(token)
    return token if number is None else number  # not FITS, but worth showing


def _number(token: str) -> int | float | None:
    token = token.strip(" ")
    if _INTEGER.fullmatch(token) and -(1 << 63) <= int(token) < 1 << 63:
        return int(token)
    if _REAL.fullmatch(token):
        return float(token.upper().replace("D", "E"))
    return None

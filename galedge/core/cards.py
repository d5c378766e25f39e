"""Header cards where the compiled core is missing; twin of ``csrc/header.*``.

Not by astropy: of a card that is out of order it makes another value than the core,
or an exception, and one header must not mean two things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["Card", "card_text", "inherited", "named", "parse_cards", "told"]

_INTEGER = re.compile(r"[+-]?\d+")
_REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([EeDd][+-]?\d+)?")
_STRING = re.compile(r"'((?:[^']|'')*)")
# What is one statement is taken from the primary header together, or not at all.
_STATEMENTS = [
    statement.split(",")
    for statement in (
        *("OBJECT", "DATE-OBS", "RADESYS,EQUINOX,RADECSYS,EPOCH", "FILTER"),
        "IMAGETYP,IMGTYPE,OBSTYPE,DATA-TYP,EXPTYPE,EXP_TYPE,FRAMETYP,FRAME,FLAVOR,ESO DPR TYPE",
        *("PRODTYPE,IMTYPE,PRODCATG", "ROWORDER", "BANDS,BAND0,BAND1,BAND2"),
        "BAYERPAT,COLORTYP,CFAPAT,XBAYROFF,YBAYROFF,BAYOFFX,BAYOFFY",
    )
]
# A name that goes on for longer is made to fill the memory, in thousands of HDUs.
_MOST_INHERITED = 16 * 80


class Card(NamedTuple):
    """One entry of a header, of one line or of several."""

    keyword: str
    value: Any
    written: str = ""
    lines: bytes = b""
    is_named: bool = False
    """Whether it is found by its keyword: no commentary, no HIERARCH of a short name."""

    @property
    def shown(self) -> str:
        """The value as a reader is shown it, a number as it is written."""
        if self.value is None or isinstance(self.value, str):
            return self.value or ""
        if isinstance(self.value, complex):
            return self.written[: self.written.index(")") + 1]
        return self.written.partition("/")[0].strip(" ")


def parse_cards(text: bytes) -> list[tuple[str, Any]]:
    """Return the (keyword, value) pairs of 80-byte cards; a commentary card's value is its text."""
    return [(card.keyword, card.value) for card in _cards(text)]


def named(text: bytes) -> dict[str, Card]:
    """Return cards by keyword, the first of each."""
    found: dict[str, Card] = {}
    for card in _cards(text):
        if card.is_named:
            found.setdefault(card.keyword, card)
    return found


def card_text(text: bytes, keyword: str) -> str:
    """Return a card's value as `Card.shown` has it; nothing where there is none."""
    return dict(told(text, [keyword])).get(keyword, "")


def told(text: bytes, keywords: list[str]) -> list[tuple[str, str]]:
    """Return those of some keywords that have a value, with it as `Card.shown` has it."""
    found = named(text)
    return [(key, found[key].shown) for key in keywords if key in found and found[key].shown]


def inherited(text: bytes, primary: bytes) -> bytes:
    """Return an extension's cards, and those of the primary header that it leaves to that."""
    own, others = named(text), named(primary)
    if "INHERIT" in own and own["INHERIT"].value is False:
        return text
    for keywords in _STATEMENTS:
        if own.keys().isdisjoint(keywords):
            lines = [others[key].lines for key in keywords if key in others]
            text += b"".join(each for each in lines if len(each) <= _MOST_INHERITED)
    return text


def _cards(text: bytes) -> Iterator[Card]:
    lines = [text[i : i + 80].decode("latin-1") for i in range(0, len(text), 80)]
    i = 0
    while i < len(lines):
        line, first = lines[i], i
        i += 1
        keyword, field, is_named = line[:8].rstrip(" "), line[9:], True
        if line.startswith("HIERARCH ") and "=" in line:
            keyword, _, field = line[9:].partition("=")
            keyword = keyword.strip(" ")
            is_named = len(keyword) > 8
        elif line[8:9] != "=" or keyword in ("COMMENT", "HISTORY", ""):
            yield Card(_decoded(keyword), _decoded(line[8:].rstrip(" ")))
            continue
        value = _value(field := field.strip(" "))
        while isinstance(value, str) and value.endswith("&") and i < len(lines):
            more = lines[i][8:].strip(" ")
            if not lines[i].startswith("CONTINUE") or not more.startswith("'"):
                break
            value = value[:-1] + str(_value(more))
            i += 1
        # A character may go over two cards.
        value = _decoded(value) if isinstance(value, str) else value
        yield Card(_decoded(keyword), value, field, text[first * 80 : i * 80], is_named)


def _decoded(text: str) -> str:
    """Return text whose characters are bytes as UTF-8 if it is that, else as Latin-1."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return text


def _value(field: str) -> Any:
    """Return what stands behind the value indicator: value, then perhaps "/ comment"."""
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

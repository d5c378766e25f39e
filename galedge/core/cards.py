"""Header cards where the compiled core is missing; twin of ``csrc/header.*``.

Not by astropy: what it makes of a card that is out of order is another value than
the core's, or an exception, and one header must not mean two things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["card_text", "inherited", "parse_cards", "told", "values"]

_INTEGER = re.compile(r"[+-]?\d+")
_REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([EeDd][+-]?\d+)?")
_STRING = re.compile(r"'((?:[^']|'')*)")


def parse_cards(text: bytes) -> list[tuple[str, Any]]:
    """Return the (keyword, value) pairs of 80-byte cards; a commentary card's value is its text."""
    return [(keyword, value) for keyword, value, *_ in _cards(text)]


def values(text: bytes) -> dict[str, Any]:
    """Return values by keyword, the first card's; neither commentary nor HIERARCH."""
    found: dict[str, Any] = {}
    for keyword, value, is_standard, _ in _cards(text):
        if is_standard:
            found.setdefault(keyword, value)
    return found


# What is one statement is taken together, or not at all.
_STATEMENTS = (
    ("OBJECT",),
    ("DATE-OBS",),
    ("RADESYS", "EQUINOX", "RADECSYS", "EPOCH"),
    ("FILTER",),
    (
        *("IMAGETYP", "IMGTYPE", "OBSTYPE", "DATA-TYP", "EXPTYPE", "EXP_TYPE", "FRAMETYP"),
        *("FRAME", "FLAVOR", "ESO DPR TYPE"),
    ),
    ("PRODTYPE", "IMTYPE", "PRODCATG"),
    ("ROWORDER",),
    ("BANDS", "BAND0", "BAND1", "BAND2"),
    ("BAYERPAT", "COLORTYP", "CFAPAT", "XBAYROFF", "YBAYROFF", "BAYOFFX", "BAYOFFY"),
)
# A name that goes on for longer is made to fill the memory, in thousands of HDUs.
_MOST_INHERITED = 16 * 80


def inherited(text: bytes, primary: bytes) -> bytes:
    """Return an extension's cards, and those of the primary header that it leaves to that."""
    if values(text).get("INHERIT") is False:
        return text
    own, others = ({key: place for key, (_, place) in _named(t).items()} for t in (text, primary))
    others = {
        key: place for key, place in others.items() if place.stop - place.start <= _MOST_INHERITED
    }
    for keywords in _STATEMENTS:
        if own.keys().isdisjoint(keywords):
            text += b"".join(primary[others[key]] for key in keywords if key in others)
    return text


def card_text(text: bytes, keyword: str) -> str:
    """Return a card's value as a reader is shown it, a number as it is written."""
    return dict(told(text, [keyword])).get(keyword, "")


def told(text: bytes, keywords: list[str]) -> list[tuple[str, str]]:
    """Return those of some keywords that have a value, with it as `card_text` has it."""
    found = _named(text)
    each = ((keyword, _shown(text, *found[keyword])) for keyword in keywords if keyword in found)
    return [(keyword, value) for keyword, value in each if value]


def _shown(text: bytes, value: Any, place: slice) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    card = text[place.start : place.start + 80]
    field = card[card.index(b"=") + 1 :].decode("latin-1").strip(" ")
    end = field.find(")") + 1 if isinstance(value, complex) else field.find("/")
    return (field if end < 0 else field[:end]).strip(" ")


def _named(text: bytes) -> dict[str, tuple[Any, slice]]:
    """Return values and places by keyword, the first card's; of HIERARCH by longer ones."""
    found: dict[str, tuple[Any, slice]] = {}
    for keyword, value, is_standard, place in _cards(text):
        if is_standard or (len(keyword) > 8 and text.startswith(b"HIERARCH ", place.start)):
            found.setdefault(keyword, (value, place))
    return found


def _cards(text: bytes) -> Iterator[tuple[str, Any, bool, slice]]:
    """Yield keyword, value, whether this is one of eight characters with a value, and where."""
    lines = [text[i : i + 80].decode("latin-1") for i in range(0, len(text), 80)]
    i = 0
    while i < len(lines):
        line, first = lines[i], i * 80
        i += 1
        keyword = line[:8].rstrip(" ")
        is_standard = line[8:9] == "=" and keyword not in ("COMMENT", "HISTORY", "")
        if is_standard:
            field = line[9:]
        elif line.startswith("HIERARCH ") and "=" in line:
            keyword, _, field = line[9:].partition("=")
            keyword = keyword.strip(" ")
        else:
            comment = _decoded(line[8:].rstrip(" "))
            yield _decoded(keyword), comment, False, slice(first, i * 80)
            continue
        value = _value(field)
        while isinstance(value, str) and value.endswith("&") and i < len(lines):
            more = lines[i][8:].strip(" ")
            if not lines[i].startswith("CONTINUE") or not more.startswith("'"):
                break
            value = value[:-1] + str(_value(more))
            i += 1
        # A character may go over two cards.
        value = _decoded(value) if isinstance(value, str) else value
        yield _decoded(keyword), value, is_standard, slice(first, i * 80)


def _decoded(text: str) -> str:
    """Return text whose characters are bytes as UTF-8 if it is that, else as Latin-1."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return text


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

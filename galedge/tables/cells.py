"""What a cell holds: plain Python, whatever a catalogue's column was made of."""

from __future__ import annotations

import math
import re
from typing import Any

from galedge.tables.rows import Cell

__all__ = ["float_or_none", "plain", "printed", "rounded", "visible"]

# Neither XML nor FITS can hold these; lone surrogates are not even UTF-8. Compiled, which
# takes a millisecond, when first looked for.
_INVISIBLE = "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"


def float_or_none(value: float | None) -> float | None:
    """Return a float, or None for what is unknown."""
    return float(value) if value is not None and math.isfinite(value) else None


def plain(value: Any) -> Cell:
    """Return a str, int, float or bool; masked, NaN and infinite are None."""
    kind = value.__class__
    if kind is str or kind is int or kind is bool or value is None:
        return value  # type: ignore[no-any-return]
    if kind is float:
        return value if math.isfinite(value) else None
    import numpy as np  # here, because it is rarely needed and never by help

    if value is np.ma.masked:
        return None
    if isinstance(value, np.floating):
        return plain(float(str(value)))  # 0.1, not 0.10000000149011612
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return plain(value.item())
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)


def printed(value: Cell, digits: str | None) -> Cell:
    """Return a plain float as its digits, anything else as it is."""
    if value.__class__ is not float:
        return value
    return digits % value if digits else repr(value)


def rounded(value: Cell, digits: str | None) -> Cell:
    """Return a plain float with no more than its digits, anything else as it is."""
    if digits is None or value.__class__ is not float:
        return value
    return float(digits % value)


def visible(text: str) -> str:
    r"""Escape control characters and lone surrogates, as ``\x1b`` and ``\udcff``."""
    return re.sub(_INVISIBLE, lambda found: found[0].encode("unicode_escape").decode(), text)

"""Lookup tables that a header's coordinates depend on (FITS WCS paper IV, as HST has them)."""

from __future__ import annotations

from typing import Any

import numpy as np

from galedge.core.astropy_sky import number_of
from galedge.core.backend import _core
from galedge.errors import ReadError
from galedge.images.image import Image, read

__all__ = ["lookups_of"]

# What says that there is one, where its records stand, what the tables are called, and
# astropy's name of it.
_KINDS = (("CPDIS", "DP", "WCSDVARR", "cpdis"), ("D2IMDIS", "D2IM", "D2IMARR", "det2im"))
_UNKNOWN = ("CQDIS1", "CQDIS2", "D2IMEXT", "AXISCORR")
_LARGEST = 1 << 26  # pixels of a table


def lookups_of(image: Image) -> dict[str, tuple[Any, ...]]:
    """Read the tables that an image's header names.

    Not by astropy, which hands the cards to wcslib, and that ends the process over
    some that make no sense.

    Returns
    -------
    dict
        By astropy's names: values, reference pixel, its place and the steps.

    Raises
    ------
    ReadError
        If one is not there, or the distortion is none by tables.
    """
    header = image.header
    for key in _UNKNOWN:
        if key in header:
            raise _misunderstood(f"{key} is no distortion that is known here")
    found = {}
    for kind, records, name, attribute in _KINDS:
        for axis in (1, 2):
            said = header.get(f"{kind}{axis}")
            if said in (None, ""):
                continue
            if str(said).strip().upper() != "LOOKUP":
                raise _misunderstood(f"{kind}{axis} is no lookup table: {said!r}")
            record = _record(header.text, f"{records}{axis}")
            version = record.get("EXTVER", 1.0)
            if not 0 < version < 10000:
                raise _misunderstood(f"{records}{axis} names no table: EXTVER {version:g}")
            table = read(image.path, (name, int(version)), "float32", max_pixels=_LARGEST)
            if table.data.ndim != 2:
                raise _misunderstood(f"{name} {version:g} is no table of two axes")
            is_turned = record.get(f"AXIS.{axis}", axis) != axis
            found[f"{attribute}{axis}"] = (
                np.ascontiguousarray(table.data.T if is_turned else table.data),
                *(_pair(table, stem, default) for stem, default in _PLACES),
            )
    return found


_PLACES = (("CRPIX", 0.0), ("CRVAL", 0.0), ("CDELT", 1.0))


def _pair(table: Image, stem: str, default: float) -> tuple[float, float]:
    numbers = []
    for axis in (1, 2):
        value = table.header.get(f"{stem}{axis}")
        numbers.append(default if value is None else number_of(f"{stem}{axis}", value))
    if stem == "CDELT" and 0 in numbers:
        raise _misunderstood("the steps of a lookup table are zero")
    return numbers[0], numbers[1]


def _record(text: bytes, keyword: str) -> dict[str, float]:
    """Return the fields of a record, which has many cards: ``DP1 = 'EXTVER: 1'``."""
    fields: dict[str, float] = {}
    for key, value in _core.parse_cards(text):
        if key == keyword and isinstance(value, str) and ":" in value:
            field, _, number = value.partition(":")
            fields[field.strip()] = number_of(f"{keyword}.{field.strip()}", number)
    return fields


def _misunderstood(reason: str) -> ReadError:
    return ReadError(f"its WCS is not understood: {reason}")

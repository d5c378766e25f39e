r"""FITS binary tables, as TOPCAT and astropy read them.

Text is of fixed width. Unknown is NaN, TNULLn or the empty text. TUCDn and
TCOMMn, which hold a column's UCD and description, are conventions of STIL's.
FITS knows ASCII only: other characters are written as ``\xe9``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from galedge.tables.cells import visible
from galedge.tables.formats import Format
from galedge.tables.rows import Cell
from galedge.tables.spool import Chunk, Spooled, Stored, stacked

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FORMAT", "FitsTable"]

_BLOCK = 2880
_MOST = 68  # characters of a card's text; readers do not look for a name's rest in CONTINUE
_TYPES = {"int32": ("J", ">i4"), "int64": ("K", ">i8"), "bool": ("L", "u1")}
_TYPES |= {"float32": ("E", ">f4"), "float64": ("D", ">f8")}
_NULLS: dict[str, float] = {"int32": -(2**31), "int64": -(2**63), "bool": 0}

_KEYWORDS = {
    "creator": "CREATOR",
    "command": "GECMD",
    "model": "GEMODEL",
    "model_sha256": "GEMODSHA",
    "recipe_sha256": "GERECSHA",
    "prior": "GEPRIOR",
    "prior_by": "GEPRIBY",
    "started": "GESTART",
    "finished": "GEFINISH",
    "rows": "GEROWS",
    "rejected": "GEREJECT",
}


class FitsTable(Spooled):
    """A binary table in the first extension."""

    extensions: ClassVar[tuple[str, ...]] = (".fits",)
    needs: ClassVar[tuple[str, ...]] = ("astropy",)
    vectors: ClassVar[bool] = True

    def store(
        self,
        file: BinaryIO,
        columns: Sequence[Stored],
        about: Mapping[str, str | int],
        chunks: Iterator[Chunk],
    ) -> None:
        """Write everything."""
        import numpy as np
        from astropy.io import fits

        row = np.dtype([(f"{n}", _dtype(column)) for n, column in enumerate(columns)])
        header = _header(columns, about, row.itemsize)
        file.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
        file.write(header.tostring().encode("ascii"))
        size = 0
        for chunk in chunks:
            table = np.empty(len(chunk[0]), row)
            for n, (column, cells) in enumerate(zip(columns, chunk, strict=True)):
                table[f"{n}"] = _array(column, cells)
            file.write(table.tobytes())
            size += table.nbytes
        file.write(bytes(-size % _BLOCK))


def _dtype(column: Stored) -> str:
    if column.type == "text":
        return f"S{column.width}"
    stored = _TYPES[column.type][1]
    return f"{column.column.length}{stored}" if column.column.length else stored


def _array(column: Stored, cells: Sequence[Cell]) -> NDArray[Any]:
    import numpy as np

    if column.column.length:
        return stacked(cells, column.column.length)
    values: list[Any]
    if column.type == "text":
        values = [str(cell or "").encode("ascii", "backslashreplace") for cell in cells]
    elif column.type == "bool":
        values = [0 if cell is None else ord("T" if cell else "F") for cell in cells]
    else:
        null = _NULLS.get(column.type, np.nan)
        values = [null if cell is None else cell for cell in cells]
    return np.array(values, _dtype(column))


def _header(columns: Sequence[Stored], about: Mapping[str, str | int], width: int) -> Any:
    from astropy.io import fits

    header = fits.Header()
    header["XTENSION"] = ("BINTABLE", "binary table extension")
    header["BITPIX"] = 8
    header["NAXIS"] = 2
    header["NAXIS1"] = (width, "bytes a row")
    header["NAXIS2"] = (about["rows"], "rows")
    header["PCOUNT"] = 0
    header["GCOUNT"] = 1
    header["TFIELDS"] = (len(columns), "columns")
    for n, (column, name) in enumerate(zip(columns, _names(columns), strict=True), 1):
        known = column.column
        letter = f"{column.width}A" if column.type == "text" else _TYPES[column.type][0]
        letter = f"{known.length}{letter}" if known.length else letter
        header[f"TTYPE{n}"] = name
        header[f"TFORM{n}"] = letter
        if column.type.startswith("int"):
            header[f"TNULL{n}"] = int(_NULLS[column.type])
        for keyword, value in (
            ("TDISP", _display(known.digits)),
            ("TUNIT", known.unit),
            ("TUCD", known.ucd),
            ("TCOMM", known.description),
        ):
            if value:
                header[f"{keyword}{n}"] = _ascii(value)
    header["EXTNAME"] = "GALAXIES"
    header["DATE"] = (str(about["finished"]).removesuffix("Z"), "when this was written, UTC")
    for name, said in about.items():
        keyword = _KEYWORDS.get(name, f"HIERARCH {_ascii(name)}")
        header[keyword] = _ascii(said) if isinstance(said, str) else said
    return header


def _names(columns: Sequence[Stored]) -> list[str]:
    """Return names that a card can hold, no two of which differ by case only."""
    names: list[str] = []
    taken: set[str] = set()
    for column in columns:
        whole = _ascii(column.name)
        name, number = _cut(whole), 1
        while name.lower() in taken:
            number += 1
            name = _cut(whole, f"_{number}")
        taken.add(name.lower())
        names.append(name)
    return names


def _cut(text: str, end: str = "") -> str:
    """Return as much of a text as one card can hold, in which a quote counts twice."""
    while len(text + end) + text.count("'") > _MOST:
        text = text[:-1]
    return text.rstrip() + end


def _display(digits: str | None) -> str:
    """Return TDISPn of ``%.4f`` or ``%.6g``."""
    found = re.fullmatch(r"%\.(\d+)([fg])", digits or "")
    if not found:
        return ""
    after = int(found[1])
    return f"F{after + 8}.{after}" if found[2] == "f" else f"G{after + 8}.{after}"


def _ascii(text: str) -> str:
    return visible(text).encode("ascii", "backslashreplace").decode("ascii")


FORMAT: type[Format] = FitsTable

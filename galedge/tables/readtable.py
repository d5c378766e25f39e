"""Tables that others wrote: columns by name, from CSV to Parquet.

CSV needs nothing but Python; the other formats need the extra ``tables``.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from galedge.errors import ReadError
from galedge.support.extras import need
from galedge.tables.rows import Cell

__all__ = ["Column", "Table", "read_table"]


class Column(NamedTuple):
    """One column: a cell for each row, None where it is empty, and the unit if known."""

    cells: list[Cell]
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name, all of the same length, in the file's order."""

    path: str
    columns: dict[str, Column]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())).cells) if self.columns else 0


def read_table(path: str | os.PathLike[str], wanted: Sequence[str] = ()) -> Table:
    """Read a table; the file's extension tells its format.

    Parameters
    ----------
    path : str or path
        ``.csv`` (with a line of names; a file of numbers only has the columns
        col1, col2 ...), ``.ecsv``, ``.fits`` ``.fit`` ``.fits.gz``, ``.vot``
        ``.votable`` ``.xml``, ``.parquet``.
    wanted : sequence of str
        Of several tables in a FITS file, the first that has these columns is
        read; without them, or where none has, the first.

    Raises
    ------
    ReadError
        If it cannot be read.
    GaledgeError
        If the format needs a package that is missing.
    """
    path = os.fspath(path)
    name = path.lower()
    reader = next((read for ends, read in _READERS.items() if name.endswith(ends)), None)
    if reader is None:
        known = " ".join(extension for group in _READERS for extension in group)
        raise ReadError(f"{path}: is no table that galedge reads; it reads {known}")
    try:
        columns = reader(path, wanted)
    except OSError as error:
        raise ReadError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not columns:
        raise ReadError(f"{path}: has no columns")
    return Table(path, columns)


def _read_csv(path: str, wanted: Sequence[str]) -> dict[str, Column]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = [line for line in csv.reader(file) if line and not line[0].startswith("#")]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReadError(f"{path}: is no CSV in UTF-8: {error}") from None
    if not lines:
        return {}
    names = [name.strip() for name in lines[0]]
    if all(_is_number(name) for name in names):  # no line of names: as astropy calls them
        names = [f"col{i}" for i in range(1, len(names) + 1)]
    else:
        lines = lines[1:]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ReadError(f"{path}: two columns are named {twice!r}")
    for number, line in enumerate(lines, 1):
        if len(line) != len(names):
            raise ReadError(f"{path}: row {number} has {len(line)} fields, not {len(names)}")
    cells = [list(column) for column in zip(*lines, strict=True)] or [[] for _ in names]
    return {name: Column(_typed(column)) for name, column in zip(names, cells, strict=True)}


def _typed(texts: Sequence[str]) -> list[Cell]:
    """Return a column as integers or floats if all of it are such, else as text."""
    present = [text.strip() for text in texts]
    if all(_is_number(text) for text in present if text):
        for kind in (int, float):
            with suppress(ValueError):
                return [kind(text) if text else None for text in present]
    return [text or None for text in present]


def _is_number(text: str) -> bool:
    """Tell a number from a name: 007 and 12_34, which Python takes for numbers, are names."""
    if "_" in text or _NAME_IN_DIGITS.match(text):
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


_NAME_IN_DIGITS = re.compile(r"0\d")


def _read_ecsv(path: str, wanted: Sequence[str]) -> dict[str, Column]:
    return _by_astropy(path, "ascii.ecsv")


def _read_votable(path: str, wanted: Sequence[str]) -> dict[str, Column]:
    return _by_astropy(path, "votable")


def _read_fits(path: str, wanted: Sequence[str]) -> dict[str, Column]:
    fits = need("astropy.io.fits", "tables", "reading a FITS table")
    try:
        with fits.open(path) as hdus:
            tables = {
                i: {name.lower() for name in hdu.columns.names}
                for i, hdu in enumerate(hdus)
                if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)
                and not isinstance(hdu, fits.CompImageHDU)
            }
    except (OSError, ValueError, TypeError) as error:
        raise ReadError(f"{path}: is no FITS table: {_first_line(error)}") from None
    if not tables:
        raise ReadError(f"{path}: has no table")
    names = {name.lower() for name in wanted}
    # SExtractor's FITS_LDAC has a table of headers before that of the sources.
    best = next((i for i, found in tables.items() if names <= found), next(iter(tables)))
    return _by_astropy(path, "fits", hdu=best)


def _by_astropy(path: str, form: str, **options: Any) -> dict[str, Column]:
    table_module = need("astropy.table", "tables", f"reading {os.path.basename(path)}")
    if not os.path.exists(path):
        raise ReadError(f"{path}: no such file")
    try:
        table = table_module.Table.read(path, format=form, **options)
    except MemoryError:
        raise
    except Exception as error:  # astropy's readers raise whatever their parsers do
        raise ReadError(f"{path}: cannot be read as a table: {_first_line(error)}") from None
    return {
        name: Column(
            [_cell(value) for value in _listed(column)],
            str(column.unit) if getattr(column, "unit", None) is not None else None,
        )
        for name, column in table.columns.items()
    }


def _listed(column: Any) -> list[Any]:
    """Return a column's values as Python objects, None where masked."""
    if hasattr(column, "tolist"):
        return list(column.tolist())
    return [str(value) for value in column]  # times, positions: as they print


def _read_parquet(path: str, wanted: Sequence[str]) -> dict[str, Column]:
    parquet = need("pyarrow.parquet", "tables", "reading Parquet")
    pyarrow = need("pyarrow", "tables", "reading Parquet")
    try:
        table = parquet.read_table(path)
    except pyarrow.ArrowException as error:
        raise ReadError(f"{path}: is no Parquet table: {_first_line(error)}") from None
    units = {
        field.name: (field.metadata or {}).get(b"unit", b"").decode() or None
        for field in table.schema
    }
    return {
        name: Column([_cell(value) for value in column.to_pylist()], units[name])
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


def _cell(value: Any) -> Cell:
    """Return a table's cell: numbers and text as they are, all else as JSON or as it prints."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace").strip() or None
    if isinstance(value, str):
        return value.strip() or None
    if value is None or isinstance(value, int | float):
        return value
    return json.dumps(value, default=str) if isinstance(value, list | tuple) else str(value)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


_Reader = Callable[[str, Sequence[str]], dict[str, Column]]
_READERS: dict[tuple[str, ...], _Reader] = {
    (".csv",): _read_csv,
    (".ecsv",): _read_ecsv,
    (".fits", ".fit", ".fits.gz", ".cat"): _read_fits,
    (".vot", ".votable", ".xml"): _read_votable,
    (".parquet", ".pq"): _read_parquet,
}

"""Tables that others wrote: columns by name, from CSV to Parquet.

CSV needs nothing but Python; the other formats need the extra ``tables``.
"""

from __future__ import annotations

import csv
import json
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple
from xml.etree import ElementTree

from galedge.errors import GaledgeError, ReadError
from galedge.support.extras import need
from galedge.tables.rows import Cell

__all__ = ["Column", "Table", "is_missing", "read_table"]


class Column(NamedTuple):
    """One column of a table.

    Attributes
    ----------
    cells : list of cells
        One for each row, None where it is empty.
    unit : str or None
        As the table has it.
    texts : list of str or None
        The cells as they are written, where the format has no types: what is a
        number to one reader is a name to another, ``1E10`` or ``007``.
    """

    cells: list[Cell]
    unit: str | None = None
    texts: list[str | None] | None = None


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
        ``.csv`` (with a line of names, behind comments if any, which begin with #;
        a file of numbers only has the columns col1, col2 ...), ``.jsonl``, ``.ecsv``, ``.fits``
        ``.fit`` ``.fits.gz``, ``.cat`` (SExtractor's, in ASCII or FITS), ``.vot``
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
            lines = [line for line in csv.reader(file, skipinitialspace=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReadError(f"{path}: is no CSV in UTF-8: {error}") from None
    comments = []
    while lines and lines[0][0].startswith("#"):
        comments.append(lines.pop(0))
    if not lines:
        return {}
    if other := [sign for sign in ";\t|" if len(lines[0]) == 1 and sign in lines[0][0]]:
        raise ReadError(f"{path}: {other[0]!r} stands between its columns; write commas")
    names = [name.strip() for name in lines[0]]
    numbers = [_is_number(name) for name in names]
    if any(numbers) and comments and len(comments[-1]) == len(names) > 1:
        # The names stand in a comment, as NumPy writes them.
        names = [name.strip("# ") for name in comments[-1]]
    elif all(numbers):  # no line of names: as astropy calls them
        names = [f"col{i}" for i in range(1, len(names) + 1)]
    else:
        lines = lines[1:]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ReadError(f"{path}: two columns are named {twice!r}")
    rows = list(_rows(path, lines, len(names)))
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names]
    return {
        name: Column(_typed(texts), None, [text or None for text in texts])
        for name, texts in zip(names, columns, strict=True)
    }


def _rows(path: str, lines: Sequence[list[str]], width: int) -> Iterator[list[str]]:
    """Yield lines as rows of so many cells."""
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line]
        if len(cells) != width and cells[0].startswith("#"):
            continue  # a comment; of the right width it is a source whose name begins so
        while len(cells) > width and not cells[-1]:  # commas at the end of the line
            cells.pop()
        if len(cells) != width:
            raise ReadError(f"{path}: row {number} has {len(cells)} fields, not {width}")
        yield cells


_MISSING = {"", "-", "--", "...", "null", "none", "nan", "n/a", "na"}


def is_missing(text: str) -> bool:
    """Tell whether a text stands for no value, as programs write it."""
    return text.strip().lower() in _MISSING


def _typed(texts: Sequence[str]) -> list[Cell]:
    """Return a column as integers or floats if all that it holds are such, else as text."""
    present = [text for text in texts if not is_missing(text)]
    if present and all(map(_is_number, present)):
        kinds: list[Callable[[str], Cell]] = [int, float]
        if any(_WHOLE.match(text) for text in present):
            kinds.remove(float)  # which would lose the last digits of an identifier
        for kind in kinds:
            with suppress(ValueError):
                return [None if is_missing(text) else kind(text) for text in texts]
    return [text or None for text in texts]


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
_WHOLE = re.compile(r"[+-]?\d{16,}$")


def _read_jsonl(path: str, wanted: Sequence[str]) -> dict[str, Column]:
    columns: dict[str, list[Cell]] = {}
    number = 0
    with open(path, encoding="utf-8") as file:
        try:
            for line in file:
                if not line.endswith("\n"):
                    break  # torn: a night that is being written
                row = json.loads(line)
                for name, value in row.items():
                    columns.setdefault(name, [None] * number).append(_cell(value))
                number += 1
                for cells in columns.values():
                    if len(cells) < number:
                        cells.append(None)
        except (ValueError, AttributeError, RecursionError) as error:
            raise ReadError(f"{path}: line {number + 1} is no JSON object: {error}") from None
    return {name: Column(cells) for name, cells in columns.items()}


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


def _read_cat(path: str, wanted: Sequence[str]) -> dict[str, Column]:
    with open(path, "rb") as file:
        is_fits = file.read(6) == b"SIMPLE"
    return _read_fits(path, wanted) if is_fits else _by_astropy(path, "ascii.sextractor")


def _by_astropy(path: str, form: str, **options: Any) -> dict[str, Column]:
    table_module = need("astropy.table", "tables", f"reading {os.path.basename(path)}")
    if not os.path.exists(path):
        raise ReadError(f"{path}: no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of units: what is not understood is refused
            table = table_module.Table.read(path, format=form, **options)
    except MemoryError:
        raise
    except Exception as error:  # astropy's readers raise whatever their parsers do
        raise ReadError(f"{path}: cannot be read as a table: {_first_line(error)}") from None
    columns = {}
    for name, column in table.columns.items():
        if hasattr(column, "icrs"):  # places on the sky, as photutils gives them
            place = column.icrs
            for axis, angle in (("ra", place.ra), ("dec", place.dec)):
                columns[f"{name}.{axis}"] = Column(list(map(_cell, _listed(angle.deg))), "deg")
            continue
        unit = getattr(column, "unit", None)
        cells = list(map(_cell, _listed(column)))
        columns[name] = Column(cells, None if unit is None else str(unit))
    return columns


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
    units = _parquet_units(path, table.schema)
    columns = {
        name: [_cell(value) for value in column.to_pylist()]
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    for name in [name for name in columns if f"{name}.mask" in columns]:  # as astropy writes it
        masked = columns.pop(f"{name}.mask")
        pairs = zip(columns[name], masked, strict=True)
        columns[name] = [None if hidden else cell for cell, hidden in pairs]
    return {name: Column(cells, units.get(name)) for name, cells in columns.items()}


def _parquet_units(path: str, schema: Any) -> dict[str, str]:
    """Return units by column: Parquet knows none, those who write it each have a place."""
    about = schema.metadata or {}
    units: dict[str, str] = {}
    try:
        if votable := about.get(b"IVOA.VOTable-Parquet.content"):
            for element in ElementTree.fromstring(votable).iter():
                if element.tag.endswith("FIELD") and element.get("unit"):
                    units[element.get("name", "")] = element.get("unit", "")
        if header := about.get(b"table_meta_yaml"):
            meta = need("astropy.table.meta", "tables", f"{path}: reading its units")
            for column in meta.get_header_from_yaml(header.decode().split("\n"))["datatype"]:
                if column.get("unit"):
                    units[column["name"]] = str(column["unit"])
    except GaledgeError:
        raise
    except Exception as error:  # of two parsers
        raise ReadError(f"{path}: has units that cannot be read: {_first_line(error)}") from None
    for field in schema:
        if unit := (field.metadata or {}).get(b"unit", b"").decode():
            units[field.name] = unit
    return units


def _cell(value: Any) -> Cell:
    """Return a table's cell: numbers and text as they are, all else as JSON or as it prints."""
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8").strip() or None
        except UnicodeDecodeError:  # as in headers
            return value.decode("latin-1").strip() or None
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
    (".jsonl",): _read_jsonl,
    (".ecsv",): _read_ecsv,
    (".fits", ".fit", ".fits.gz"): _read_fits,
    (".cat",): _read_cat,
    (".vot", ".votable", ".xml"): _read_votable,
    (".parquet", ".pq"): _read_parquet,
}

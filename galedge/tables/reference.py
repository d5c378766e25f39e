"""Reference: the rows that others are compared with, as one sample a column.

Of a table that galedge wrote, or of a model's card, which holds quantiles and shares.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from galedge.errors import GaledgeError
from galedge.support.say import counted
from galedge.tables.columns import RESERVED
from galedge.tables.readtable import Table
from galedge.tables.rows import Cell
from galedge.tables.twosample import Names, Numbers

__all__ = [
    "APPEARANCE",
    "FACTS",
    "FEWEST",
    "FEWEST_SEEN",
    "Collected",
    "Reference",
    "numbers_of",
    "rows_of",
]

FACTS = ("sky", "noise", "masked_fraction")
"""What is measured of a file: however many rows it has, it counts once.

In units of the file: they tell something beside rows of the same camera only.
"""

FEWEST = 50
"""Rows of a reference."""

FEWEST_SEEN = 25
"""Values of a column that are compared at all."""

APPEARANCE = ("sharpness", "colour_red", "colour_blue", "tilt_x", "tilt_y")
"""What is measured of the picture that a network sees: of every row, in no file's units."""

_AT_ONCE = 25  # rows that are sorted into columns
_NUMBER = (int, float)  # which `isinstance` takes faster than `int | float`
_KNOWN_NAMES = 40  # of a column of names; what has more is no class
_SCALED = ("sky", "noise", "fwhm", "snr")  # in units of the file, of any size
_OF_SOURCES = ("fwhm", "snr", "extendedness")  # of no head, but told of each source of a frame


class Reference:
    """What rows are compared with, by column.

    Parameters
    ----------
    name : str
        Of the table or the model, for sentences.
    columns : mapping
        Samples, `Numbers` or `Names`.
    """

    def __init__(self, name: str, columns: Mapping[str, Numbers | Names]) -> None:
        self.name = name
        self.columns = dict(columns)

    @classmethod
    def of_rows(cls, name: str, rows: Iterable[Mapping[str, Cell]]) -> Reference:
        """Take the columns of rows that can be compared.

        Raises
        ------
        GaledgeError
            If too few rows have answers.
        """
        collected = Collected()
        for row in rows:
            collected.add(row)
        if collected.rows < FEWEST:
            raise GaledgeError(
                f"{name}: has {counted(collected.rows, 'row')} with answers, too few to compare "
                f"with; name a table of {FEWEST} or more"
            )
        return cls(name, collected.samples())

    @classmethod
    def of_table(cls, table: Table) -> Reference:
        """Take those of a table that galedge wrote."""
        return cls.of_rows(table.path, rows_of(table))

    @classmethod
    def from_json(cls, name: str, fields: Any) -> Reference:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            If it is something else.
        """
        try:
            columns = {column: _summary(its) for column, its in fields["columns"].items()}
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"'reference': is no summary of columns ({error})") from None
        return cls(name, columns)

    def to_json(self) -> dict[str, Any]:
        """Return a summary that a card can hold: of numbers quantiles, of names shares."""
        columns = {name: sample.to_json() for name, sample in self.columns.items()}
        return {"columns": columns}


def rows_of(table: Table) -> Iterable[dict[str, Cell]]:
    """Yield the rows of a table."""
    cells = [column.cells for column in table.columns.values()]
    return (dict(zip(table.columns, row, strict=True)) for row in zip(*cells, strict=True))


class Collected:
    """The values of columns, as rows bring them.

    Parameters
    ----------
    columns : mapping, optional
        Samples that say which columns count, and as what. Default: the first row tells.
    """

    def __init__(self, columns: Mapping[str, Numbers | Names] | None = None) -> None:
        self.rows = 0
        self._values: dict[str, list[Any]] = {name: [] for name in columns or ()}
        self._names = {name for name, its in (columns or {}).items() if isinstance(its, Names)}
        self._free = columns is None
        self._file: tuple[Cell, Cell] = (None, None)
        self._waiting: list[Mapping[str, Cell]] = []

    def add(self, row: Mapping[str, Cell]) -> bool:
        """Take the cells of a row; False if it has no answer."""
        if row.get("status") == "error":
            return False
        if self._free and not self.rows:
            self._values = {name: [] for name in _comparable(row)}
        self.rows += 1
        self._waiting.append(row)
        if len(self._waiting) == _AT_ONCE:
            self._sort_out()
        return True

    def _sort_out(self) -> None:
        """Put the cells of waiting rows into their columns: column by column is faster."""
        rows, self._waiting = self._waiting, []
        first = rows
        if not self._values.keys().isdisjoint(FACTS):
            first = [row for row in rows if self._is_first(row)]
        for name, values in self._values.items():
            cells = [row.get(name) for row in (first if name in FACTS else rows)]
            if self._free:
                values += cells
            elif name in self._names:
                values += map(_name, cells)
            else:
                values += (
                    float(it) for it in cells if isinstance(it, _NUMBER) and math.isfinite(it)
                )

    def _is_first(self, row: Mapping[str, Cell]) -> bool:
        """Tell whether a row is the first of its file."""
        before, self._file = self._file, (row.get("path"), row.get("hdu"))
        return self._file != before or not self._file[0]

    def taken(self) -> dict[str, list[Any]]:
        """Return the values, and begin anew."""
        self._sort_out()
        values, self._values = self._values, {name: [] for name in self._values}
        self.rows = 0
        return values

    def forget(self, column: str) -> None:
        """Take no more values of a column."""
        del self._values[column]

    def samples(self) -> dict[str, Numbers | Names]:
        """Return the numbers, and the names of which there are few; begin anew."""
        found: dict[str, Numbers | Names] = {}
        for column, cells in self.taken().items():
            there = [cell for cell in cells if cell is not None]
            if all(isinstance(cell, int | float) for cell in there) and column != "flags":
                numbers = numbers_of(column, [float(cell) for cell in there])
                if numbers.number >= FEWEST_SEEN:
                    found[column] = numbers
            else:
                names = Names.of([_name(cell) for cell in cells])
                if len(names.shares) <= _KNOWN_NAMES or column == "flags":
                    found[column] = names
        return found


def numbers_of(column: str, values: Sequence[float]) -> Numbers:
    """Return a sample that does not tell printed numbers from others."""
    sample = Numbers.of(values)
    if not sample.number:
        return sample
    low, middle, high = np.quantile(sample.values, [0.01, 0.5, 0.99])
    least = max((high - low) / 200, abs(middle) * 1e-4)
    # Shares, probabilities and types are printed to a few decimals, however small they are.
    return replace(sample, least=float(least if column in _SCALED else max(least, 1e-3)))


def _name(cell: object) -> str:
    return "" if cell is None else str(cell)


def _comparable(row: Mapping[str, Cell]) -> list[str]:
    """Return the columns that tell of a camera or a sky: those of heads, flags and facts."""
    names = list(row)
    heads: list[str] = []
    if "flags" in names:  # heads' columns stand before it, behind the others'
        before = names[: names.index("flags")]
        heads = [name for name in before if name not in RESERVED]
    # Sets follow from labels and errors from numbers.
    heads = [name for name in heads if not name.endswith(("_set", "_error"))]
    heads = [name for name in heads if not name.startswith("embedding")]  # hundreds
    others = [name for name in ("flags", *FACTS, *APPEARANCE, *_OF_SOURCES) if name in names]
    return [*heads, *(name for name in others if name not in heads)]


def _summary(fields: Mapping[str, Any]) -> Numbers | Names:
    number = fields["number"]
    if isinstance(number, bool) or not isinstance(number, int) or number < FEWEST:
        raise ValueError(f"'reference': 'number' must be {FEWEST} or more, not {number!r}")
    if "quantiles" in fields:
        values = fields["quantiles"]
        if not values or not all(isinstance(x, int | float) and math.isfinite(x) for x in values):
            raise ValueError("'reference': 'quantiles' must be numbers")
        more = {name: fields.get(name, 0.0) for name in ("least", "within")}
        for name, value in more.items():
            if not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ValueError(f"'reference': {name!r} must be a number, not {value!r}")
        return Numbers(np.sort(np.asarray(values, float)), number, **more)
    shares = fields["shares"]
    if not shares or not all(isinstance(x, int | float) and x >= 0 for x in shares.values()):
        raise ValueError("'reference': 'shares' must be numbers by name")
    return Names({str(name): float(share) for name, share in shares.items()}, number)

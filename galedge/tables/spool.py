"""Rows that wait, in bounded memory, until every column's type and width is known.

Formats with typed columns state in their first bytes what is known only after
the last row: how wide a text can be, what a carried column holds, how many
rows there are and when the run ended. So rows are put aside, a chunk at a time,
in a nameless temporary file, and written when all have come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, NamedTuple

from galedge.tables.cells import plain, rounded, visible
from galedge.tables.columns import Column
from galedge.tables.rows import Cell

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Chunk", "Spool", "Spooled", "Stored", "stacked"]

CHUNK_ROWS = 16384
_IN_MEMORY = 32 << 20  # bytes; a night's table never touches the disk twice

Chunk = list[list[Any]]
"""Columns of plain values of their column's type; None is unknown. A cell of a column of
vectors is an array, or None."""


class Stored(NamedTuple):
    """A column after its last row.

    Attributes
    ----------
    column : Column
    type : str
        As `Column.type`, but always known.
    width : int
        Length of the longest text when written in ASCII; at least 2.
    ascii : bool
        Whether every text is ASCII.
    """

    column: Column
    type: str
    width: int
    ascii: bool

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name


class Spool:
    """Takes rows, and gives them back as columns.

    Parameters
    ----------
    columns : sequence of Column
    folder : str
        Where there is room for what memory should not hold.
    """

    def __init__(self, columns: Sequence[Column], folder: str) -> None:
        import tempfile

        self._seen = [_Seen(column) for column in columns]
        self._rows: list[list[Any]] = []
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=folder)  # noqa: SIM115
        self._chunks = 0

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self._rows.append([row[seen.column.name] for seen in self._seen])
        if len(self._rows) == CHUNK_ROWS:
            self._put_aside()

    def _put_aside(self) -> None:
        import pickle

        columns = zip(*self._rows, strict=True)
        chunk = [seen.take(cells) for seen, cells in zip(self._seen, columns, strict=True)]
        pickle.dump(chunk, self._file, pickle.HIGHEST_PROTOCOL)
        self._chunks += 1
        self._rows.clear()

    def columns(self) -> list[Stored]:
        """Return the columns, with what all rows so far have shown."""
        if self._rows:
            self._put_aside()
        return [seen.stored() for seen in self._seen]

    def chunks(self) -> Iterator[Chunk]:
        """Yield the rows, some thousands at a time."""
        import pickle

        stored = self.columns()
        self._file.seek(0)
        for _ in range(self._chunks):
            chunk = pickle.load(self._file)  # nobody else can have written it
            yield [
                cells if column.column.length else _as_type(cells, column.type)
                for cells, column in zip(chunk, stored, strict=True)
            ]

    def close(self) -> None:
        """Give the temporary file back."""
        self._file.close()


class _Seen:
    """What a column's values have shown so far."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self._kinds: set[type] = set()
        self._width = 2  # of one letter, STIL would make a Character, not a String
        self._ascii = True

    def take(self, cells: Sequence[Any]) -> list[Any]:
        """Return values in plain Python, and remember what they are like."""
        if self.column.length:
            return list(cells)
        taken = []
        for cell in cells:
            value = plain(cell)
            if isinstance(value, str):
                value = visible(value)
            taken.append(rounded(value, self.column.digits))
        for value in set(taken):  # most columns of text repeat themselves
            if value is None:
                continue
            self._kinds.add(_kind(value))
            if self.column.type in (None, "text"):
                text = str(value)
                self._width = max(self._width, len(text.encode("ascii", "backslashreplace")))
                self._ascii = self._ascii and text.isascii()
        return taken

    def stored(self) -> Stored:
        return Stored(self.column, self.column.type or self._type(), self._width, self._ascii)

    def _type(self) -> str:
        if self._kinds == {bool}:
            return "bool"
        if self._kinds == {int}:
            return "int64"
        if self._kinds in ({float}, {int, float}):
            return "float64"
        return "text"


def _kind(value: Cell) -> type:
    # An integer that no column of integers holds, such as a large uint64, stays exact as text.
    too_large = isinstance(value, int) and not -(2**63) < value < 2**63
    return str if too_large else value.__class__


def _as_type(cells: list[Cell], type_: str) -> list[Cell]:
    if type_ == "text":
        return [None if cell is None else str(cell) for cell in cells]
    if type_.startswith("float"):
        return [None if cell is None else float(cell) for cell in cells]
    return cells


def stacked(cells: Sequence[Any], length: int) -> NDArray[np.float32]:
    """Return the cells of a column of vectors, shape (N, length); NaN where there is none."""
    import numpy as np

    table = np.full((len(cells), length), np.nan, np.float32)
    for row, cell in zip(table, cells, strict=True):
        if cell is not None:
            row[:] = cell
    return table


class Spooled:
    """A format that is written when its last row has come; see `galedge.tables.formats.Format`."""

    extensions: ClassVar[tuple[str, ...]]
    needs: ClassVar[tuple[str, ...]] = ()
    vectors: ClassVar[bool] = False

    def __init__(self, file: BinaryIO, columns: Sequence[Column], folder: str = "") -> None:
        self._file = file
        self._spool = Spool(columns, folder)

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self._spool.append(row)

    def finish(self, about: Mapping[str, str | int]) -> None:
        """Write the table; `about` is what made it, and how it went."""
        try:
            self.store(self._file, self._spool.columns(), about, self._spool.chunks())
        finally:
            self._spool.close()

    def store(
        self,
        file: BinaryIO,
        columns: Sequence[Stored],
        about: Mapping[str, str | int],
        chunks: Iterator[Chunk],
    ) -> None:
        """Write everything."""
        raise NotImplementedError

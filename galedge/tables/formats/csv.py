"""CSV: written row by row, without run metadata."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, BinaryIO, ClassVar

from galedge.tables.cells import plain, printed
from galedge.tables.columns import Column
from galedge.tables.formats import Format

__all__ = ["FORMAT", "Csv"]

_PLAIN = {float, int, str, type(None)}


class Csv:
    """Comma-separated values in UTF-8 with a header line; unknown is empty."""

    extensions: ClassVar[tuple[str, ...]] = (".csv",)
    needs: ClassVar[tuple[str, ...]] = ()
    vectors: ClassVar[bool] = False

    def __init__(self, file: BinaryIO, columns: Sequence[Column], folder: str = "") -> None:
        self._columns = [(column.name, column.digits) for column in columns]
        self._file = _Encoder(file)
        self._writer = csv.writer(self._file, lineterminator="\n")
        names = [name for name, _ in self._columns]
        self._writer.writerow(names)
        self._cells = itemgetter(*names) if len(names) > 1 else None
        self._lines: dict[tuple[type, ...], str | None] = {}

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        # One format for all rows whose cells are of the same kinds: half of the time that it
        # takes cell by cell.
        if self._cells is not None:
            cells = self._cells(row)
            kinds = tuple(map(type, cells))
            line = self._lines.get(kinds, "")
            if line == "":
                line = self._lines[kinds] = self._line(kinds)
            if line is not None and self._is_plain(text := line % cells):
                self._file.write(text)
                return
        cells = [printed(plain(row[name]), how) for name, how in self._columns]
        self._writer.writerow(cells)

    def _line(self, kinds: tuple[type, ...]) -> str | None:
        """Return how rows with cells of such kinds are printed; None: cell by cell."""
        if not _PLAIN.issuperset(kinds):
            return None
        of = {str: "%s", int: "%d", type(None): "%.0s"}
        how = [
            of.get(kind, digits or "%r")
            for kind, (_, digits) in zip(kinds, self._columns, strict=True)
        ]
        return ",".join(how) + "\n"

    def _is_plain(self, text: str) -> bool:
        """Tell whether no cell needs quotes, and no number is none."""
        return (
            text.count(",") == len(self._columns) - 1
            and text.find("\n") == len(text) - 1
            and not ('"' in text or "\r" in text or "nan" in text or "inf" in text)
        )

    def finish(self, about: Mapping[str, str | int]) -> None:
        """Nothing comes after the last row."""


class _Encoder:
    r"""A text file over a binary one, without its own buffer.

    File names that are not UTF-8 hold lone surrogates. They are written as
    ``\udcXX``, and the file stays valid UTF-8.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        self._file.write(text.encode("utf-8", "backslashreplace"))


FORMAT: type[Format] = Csv

"""CSV: written row by row, without run metadata."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, ClassVar

from galedge.tables.cells import plain, printed
from galedge.tables.columns import Column
from galedge.tables.formats import Format

__all__ = ["FORMAT", "Csv"]


class Csv:
    """Comma-separated values in UTF-8 with a header line; unknown is empty."""

    extensions: ClassVar[tuple[str, ...]] = (".csv",)
    needs: ClassVar[tuple[str, ...]] = ()
    vectors: ClassVar[bool] = False

    def __init__(self, file: BinaryIO, columns: Sequence[Column], folder: str = "") -> None:
        self._columns = [(column.name, column.digits) for column in columns]
        self._writer = csv.writer(_Encoder(file), lineterminator="\n")
        self._writer.writerow([name for name, _ in self._columns])

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        cells = []
        for name, how in self._columns:  # most cells are plain, and calls would cost more than they
            value = row[name]
            kind = value.__class__
            if kind is float:  # 0 unless NaN or infinite
                cells.append((how % value if how else repr(value)) if value - value == 0 else None)
            elif value is None or kind is str or kind is int:
                cells.append(value)
            else:
                cells.append(printed(plain(value), how))
        self._writer.writerow(cells)

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

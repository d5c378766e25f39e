"""CSV and JSON Lines: written row by row, without run metadata."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, ClassVar

from galedge.tables.columns import Column
from galedge.tables.formats.cells import plain, printed, rounded

__all__ = ["Csv", "JsonLines"]


class Csv:
    """Comma-separated values in UTF-8 with a header line; unknown is empty."""

    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, file: BinaryIO, columns: Sequence[Column], folder: str = "") -> None:
        self._columns = [(column.name, column.digits) for column in columns]
        self._writer = csv.writer(_Encoder(file), lineterminator="\n")
        self._writer.writerow([name for name, _ in self._columns])

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self._writer.writerow([printed(plain(row[name]), how) for name, how in self._columns])

    def finish(self, about: Mapping[str, str | int]) -> None:
        """Nothing comes after the last row."""


class JsonLines:
    """One JSON object a line in UTF-8; unknown is null."""

    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, file: BinaryIO, columns: Sequence[Column], folder: str = "") -> None:
        self._columns = [(column.name, column.digits) for column in columns]
        self._out = _Encoder(file)

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        cells = {name: rounded(plain(row[name]), how) for name, how in self._columns}
        self._out.write(json.dumps(cells, ensure_ascii=False, allow_nan=False) + "\n")

    def finish(self, about: Mapping[str, str | int]) -> None:
        """Nothing comes after the last row."""


class _Encoder:
    r"""A text file over a binary one, without its own buffer.

    File names that are not UTF-8 hold lone surrogates. They are written as
    ``\udcXX``: the file stays valid UTF-8, and in JSON that is their spelling.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        self._file.write(text.encode("utf-8", "backslashreplace"))

"""JSON Lines: written row by row, without run metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, ClassVar

from galedge.tables.cells import plain, rounded
from galedge.tables.columns import Column
from galedge.tables.formats import Format

__all__ = ["FORMAT", "JsonLines", "json_line"]


def json_line(columns: Sequence[Column], row: Mapping[str, Any]) -> str:
    """Return a row as a JSON object, without the end of the line."""
    import json

    cells = {column.name: rounded(plain(row[column.name]), column.digits) for column in columns}
    return json.dumps(cells, ensure_ascii=False, allow_nan=False)


class JsonLines:
    """One JSON object a line in UTF-8; unknown is null."""

    extensions: ClassVar[tuple[str, ...]] = (".jsonl",)
    needs: ClassVar[tuple[str, ...]] = ()
    vectors: ClassVar[bool] = False

    def __init__(self, file: BinaryIO, columns: Sequence[Column], folder: str = "") -> None:
        self._columns = columns
        self._file = file

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        line = json_line(self._columns, row) + "\n"
        # A file name that is not UTF-8 holds lone surrogates: \udcXX, as JSON spells them.
        self._file.write(line.encode("utf-8", "backslashreplace"))

    def finish(self, about: Mapping[str, str | int]) -> None:
        """Nothing comes after the last row."""


FORMAT: type[Format] = JsonLines

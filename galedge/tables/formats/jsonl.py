"""JSON Lines: written row by row, without run metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, ClassVar

from galedge.tables.cells import plain, rounded
from galedge.tables.columns import Column
from galedge.tables.formats import Format

__all__ = ["FORMAT", "JsonLines"]


class JsonLines:
    """One JSON object a line in UTF-8; unknown is null."""

    extensions: ClassVar[tuple[str, ...]] = (".jsonl",)
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, file: BinaryIO, columns: Sequence[Column], folder: str = "") -> None:
        self._columns = [(column.name, column.digits) for column in columns]
        self._file = file

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        cells = {name: rounded(plain(row[name]), how) for name, how in self._columns}
        line = json.dumps(cells, ensure_ascii=False, allow_nan=False) + "\n"
        # A file name that is not UTF-8 holds lone surrogates: \udcXX, as JSON spells them.
        self._file.write(line.encode("utf-8", "backslashreplace"))

    def finish(self, about: Mapping[str, str | int]) -> None:
        """Nothing comes after the last row."""


FORMAT: type[Format] = JsonLines

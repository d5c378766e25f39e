"""Enhanced CSV, astropy's: types, units and the run in a header of comments."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, ClassVar

from galedge.tables.cells import printed, visible
from galedge.tables.formats import Format
from galedge.tables.spool import Chunk, Spooled, Stored

__all__ = ["FORMAT", "Ecsv", "astropy_table"]

# A name that starts with # would be read as a comment.
_UNQUOTED_HASH = re.compile("^#[^,\n]*", re.MULTILINE)


class Ecsv(Spooled):
    """ECSV 1.0 with commas."""

    extensions: ClassVar[tuple[str, ...]] = (".ecsv",)
    needs: ClassVar[tuple[str, ...]] = ("astropy",)

    def store(
        self,
        file: BinaryIO,
        columns: Sequence[Stored],
        about: Mapping[str, str | int],
        chunks: Iterator[Chunk],
    ) -> None:
        """Write everything."""
        buffer = io.StringIO()
        astropy_table(columns, about).write(buffer, format="ascii.ecsv", delimiter=",")
        file.write(buffer.getvalue().encode())
        digits = [column.column.digits for column in columns]
        for chunk in chunks:
            buffer = io.StringIO()
            writer = csv.writer(buffer, lineterminator="\n")
            writer.writerows(map(printed, row, digits) for row in zip(*chunk, strict=True))
            file.write(_UNQUOTED_HASH.sub(r'"\g<0>"', buffer.getvalue()).encode())


def astropy_table(columns: Sequence[Stored], about: Mapping[str, str | int]) -> Any:
    """Return an ``astropy.table.Table`` without rows, with all its metadata."""
    from astropy.table import Column, Table

    table = Table(meta={name: _visible(value) for name, value in about.items()})
    for column in columns:
        known = column.column
        table[known.name] = Column(
            dtype=str if column.type == "text" else column.type,
            shape=(known.length,) if known.length else (),
            unit=known.unit or None,
            description=known.description or None,
            format=known.digits,
            meta={"ucd": known.ucd} if known.ucd else None,
        )
    return table


def _visible(value: str | int) -> str | int:
    return visible(value) if isinstance(value, str) else value


FORMAT: type[Format] = Ecsv

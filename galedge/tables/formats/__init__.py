"""What tables are written as: one format a module, which has its class as `FORMAT`.

`csv` and `jsonl` write row by row. The others keep types, widths and the run's numbers
before the first row, so rows wait in a `galedge.tables.spool.Spool` until all are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, ClassVar, Protocol

from galedge.support.places import everything
from galedge.tables.columns import Column

__all__ = ["Format", "formats"]


class Format(Protocol):
    """Turns rows into one kind of file."""

    extensions: ClassVar[tuple[str, ...]]
    """How the names of its files end, in lower case."""
    needs: ClassVar[tuple[str, ...]]
    """Packages of the extra ``tables`` without which it cannot."""
    vectors: ClassVar[bool]
    """Whether a cell can hold several numbers; else each has a column of its own."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], folder: str) -> None: ...

    def write(self, row: Mapping[str, Any]) -> None:
        """Add one row."""
        ...

    def finish(self, about: Mapping[str, str | int]) -> None:
        """Write what comes after the last row, and what is known only then."""
        ...


def formats() -> dict[str, type[Format]]:
    """Return the formats by file extension."""
    found: dict[str, type[Format]] = everything(__name__, "FORMAT")
    return {end: kind for kind in found.values() for end in kind.extensions}

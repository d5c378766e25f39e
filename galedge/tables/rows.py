"""What a table's row is, whoever makes it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Cell", "Outcome", "Row"]

Cell = str | int | float | None
"""What a table's cell may hold."""


class Outcome(Protocol):
    """How it went with one image."""

    @property
    def path(self) -> str:
        """The file as it was named."""
        ...

    @property
    def error(self) -> str | None:
        """Why there is no answer."""
        ...


class Row(Outcome, Protocol):
    """What a run says about one image."""

    def as_row(self) -> dict[str, Cell]:
        """Return the columns with their values."""
        ...

"""The page of a night: a gallery that is seen while it grows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from galedge.errors import OutputError
from galedge.tables.gallery import Gallery
from galedge.tables.rows import Row

__all__ = ["NightPage"]

_SHOWN_SECONDS = 10.0  # between two states that can be seen: each is the whole page


class NightPage:
    """Adds rows to a gallery, and shows it now and then.

    The night does not hang on it: what cannot be written is told and tried again.

    Parameters
    ----------
    gallery : Gallery
        Completed on leaving the ``with`` block.
    note : function of a sentence
        Says what an operator should know.
    clock : function
        Seconds that never go back.
    """

    def __init__(
        self,
        gallery: Gallery,
        note: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gallery = gallery
        self._note = note
        self._clock = clock
        self._shown: float | None = None
        self._has_more = self._is_failing = False

    def add(self, row: Row) -> None:
        """Add the row of a galaxy, with what the network saw."""
        pixels, upwards = getattr(row, "pixels", None), getattr(row, "upwards", False)
        self._has_more = True
        self._try(lambda: self._gallery.add(row.as_row(), pixels, upwards=upwards))

    def show(self) -> None:
        """Show what is new, if it is time to."""
        now = self._clock()
        if self._has_more and (self._shown is None or now - self._shown >= _SHOWN_SECONDS):
            self._shown = now
            self._has_more = not self._try(self._gallery.show)

    def _try(self, write: Callable[[], object]) -> bool:
        """Write something; tell once that it fails, and return whether it did not."""
        try:
            write()
        except OutputError as error:
            if not self._is_failing:
                self._note(f"{error}; the page is behind the table")
            self._is_failing = True
            return False
        self._is_failing = False
        return True

    def __enter__(self) -> NightPage:
        self._gallery.__enter__()
        return self

    def __exit__(self, *of_error: Any) -> None:
        self._gallery.__exit__(*of_error)

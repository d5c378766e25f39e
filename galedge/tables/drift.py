"""Drift: whether a night's rows are like those of another table, seen while they come.

Each column is compared by itself, as a whole and of the latest rows, at looks that are fixed
beforehand. The chance of a false alarm is shared out among columns and looks, so that one
night in a hundred has one, however long it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from galedge.errors import GaledgeError
from galedge.support.say import counted
from galedge.tables.reference import FEWEST_SEEN, Collected, Reference
from galedge.tables.rows import Cell
from galedge.tables.twosample import Difference

__all__ = ["ALPHA", "Change", "Monitor", "changes", "is_change"]

ALPHA = 0.01
"""Nights without a change of which something is told."""

LEAST = 0.1  # share of galaxies that lie elsewhere; what is less does not matter
_WINDOW, _STRIDE = 100, 50  # of looks at the latest rows
_LOOKS = 11  # at all rows; beyond 25,600 of them only the latest are kept


class Change(NamedTuple):
    """A column that is not as it was.

    Attributes
    ----------
    column : str
    rows : int
        After how many rows it was seen.
    difference : Difference
    """

    column: str
    rows: int
    difference: Difference

    def words(self) -> str:
        """Return it as a part of a sentence."""
        return f"{self.column} ({self.difference.after}, was {self.difference.before})"


class Monitor:
    """Watches rows as they come for what is not as in the reference.

    Parameters
    ----------
    reference : Reference
    alpha : float
        Chance of anything being told of a night like the reference.
    """

    def __init__(self, reference: Reference, alpha: float = ALPHA) -> None:
        self.reference = reference
        self.changes: list[Change] = []
        self._alpha = alpha
        self._seen = Collected(reference.columns)
        self._left = dict(reference.columns)
        self._next, self._whole, self._recent = FEWEST_SEEN, 0, 0

    @property
    def rows(self) -> int:
        """How many rows with answers there were."""
        return self._seen.rows

    @property
    def columns(self) -> str:
        """The columns that have changed so far, joined by ';'."""
        return ";".join(change.column for change in self.changes)

    def sentence(self) -> str:
        """Say what has changed so far."""
        what = ", ".join(change.words() for change in self.changes)
        seen = counted(self.changes[-1].rows, "row")
        return f"drift: after {seen} not as in {self.reference.name}: {what}"

    def add(self, row: Mapping[str, Cell]) -> list[Change]:
        """Take note of a row; return what is seen to have changed by now, each column once."""
        if not self._seen.add(row):
            return []
        number, found = self._seen.rows, []
        if number == self._next and self._whole < _LOOKS:
            self._next *= 2
            self._whole += 1
            found += self._look(self._share(self._whole), None)
        elif self._whole == _LOOKS and number % _STRIDE == 0:
            self._seen.forget(_WINDOW)
        if number > _WINDOW and number % _STRIDE == 0:
            self._recent += 1
            found += self._look(self._share(self._recent), _WINDOW)
        self.changes += found
        return found

    def _share(self, look: int) -> float:
        """Return what a look of either kind may spend of alpha: all looks together, half."""
        return self._alpha / 2 / (look * (look + 1)) / len(self.reference.columns)

    def _look(self, alpha: float, latest: int | None) -> list[Change]:
        found = []
        for column, sample in list(self._left.items()):
            values = self._seen.values[column]
            values = values[-latest:] if latest else values
            if len(values) < FEWEST_SEEN:
                continue
            difference = sample.difference(values)
            if difference.p < alpha and difference.size >= LEAST:
                found.append(Change(column, self._seen.rows, difference))
                del self._left[column]
        return found


def changes(reference: Reference, rows: Iterable[Mapping[str, Cell]]) -> list[Change]:
    """Compare all of some rows at once, column by column; the surest change first.

    Returns
    -------
    list of Change
        Of every column that both have, whether it has changed or not.

    Raises
    ------
    GaledgeError
        If too few rows have answers.
    """
    collected = Collected(reference.columns)
    for row in rows:
        collected.add(row)
    if collected.rows < FEWEST_SEEN:
        raise GaledgeError(
            f"{counted(collected.rows, 'row')} with answers: too few to compare; "
            f"{FEWEST_SEEN} at least are needed"
        )
    found = [
        Change(column, collected.rows, sample.difference(collected.values[column]))
        for column, sample in reference.columns.items()
        if len(collected.values[column]) >= FEWEST_SEEN
    ]
    return sorted(found, key=lambda change: change.difference.p)


def is_change(change: Change, columns: int) -> bool:
    """Tell whether one of so many columns has changed, at one look."""
    return change.difference.p < ALPHA / columns and change.difference.size >= LEAST

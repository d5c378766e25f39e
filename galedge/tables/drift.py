"""Drift: whether a night's rows are like those of another table, seen while they come.

Each column is compared by itself, as a whole and of the latest rows, at looks that are fixed
beforehand. The chance of a false alarm is shared out among columns and looks, so that one
night in a hundred has one, however long it is.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any, NamedTuple

from galedge.errors import GaledgeError
from galedge.support.say import counted
from galedge.tables.reference import FEWEST_SEEN, Collected, Reference
from galedge.tables.rows import Cell
from galedge.tables.twosample import LEAST, Difference, Names, Numbers

__all__ = ["ALPHA", "Change", "Monitor", "changes", "is_change"]

ALPHA = 0.01
"""Nights without a change of which something is told."""

_SHOWN = 3  # columns of which a sentence says how they differ
_BLOCK = 25  # values that are counted at once
_WINDOW, _STRIDE = 4, 2  # blocks that a look at the latest ones is of, and between two of them
# What looks at all values so far, after 25, 50, 100 ... of them, may spend of their alpha: most
# of it early, since a change that is seen late has spoilt the night.
_SPENT = (0.1, 0.2, 0.3, 0.1, *(0.3 / 7,) * 7)


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
        share = alpha / max(1, len(reference.columns))
        self._watched = {name: _Watched(its, share) for name, its in reference.columns.items()}
        self._fresh = Collected(reference.columns)
        self._rows = 0

    @property
    def rows(self) -> int:
        """How many rows with answers there were."""
        return self._rows + self._fresh.rows

    @property
    def columns(self) -> str:
        """The columns that have changed so far, joined by ';'."""
        return ";".join(change.column for change in self.changes)

    def sentence(self) -> str:
        """Say what has changed so far."""
        what = ", ".join(change.words() for change in self.changes[:_SHOWN])
        if more := [change.column for change in self.changes[_SHOWN:]]:
            what += f"; and in {', '.join(more)}"
        seen = counted(self.changes[-1].rows, "row")
        return f"drift: after {seen} not as in {self.reference.name}: {what}"

    def add(self, row: Mapping[str, Cell]) -> list[Change]:
        """Take note of a row; return what is seen to have changed by now, each column once."""
        self._fresh.add(row)
        if self._fresh.rows < _BLOCK:
            return []
        self._rows += self._fresh.rows
        fresh = self._fresh.taken()
        found = []
        for name, watched in list(self._watched.items()):
            difference = watched.heed(fresh[name])
            if difference is not None:
                found.append(Change(name, self._rows, difference))
                del self._watched[name]
                self._fresh.forget(name)
        self.changes += found
        return found


class _Watched:
    """One column: what was counted of it, as a whole and of late."""

    def __init__(self, sample: Numbers | Names, alpha: float) -> None:
        self._sample, self._alpha = sample, alpha / 2  # the looks of either kind
        self._waiting: list[Any] = []
        self._all: Any = None
        self._latest: deque[Any] = deque(maxlen=_WINDOW)
        self._shown: deque[Any] = deque(maxlen=_WINDOW * _BLOCK)
        self._blocks = self._whole = 0

    def heed(self, values: list[Any]) -> Difference | None:
        """Take values; return how they differ if that is seen now."""
        self._waiting += values
        while len(self._waiting) >= _BLOCK:
            block, self._waiting = self._waiting[:_BLOCK], self._waiting[_BLOCK:]
            self._shown += block
            counts = self._sample.counted(block)
            self._all = counts if self._all is None else self._all + counts
            self._latest.append(counts)
            self._blocks += 1
            if found := self._look():
                return found
        return None

    def _look(self) -> Difference | None:
        found = None
        if self._blocks == 1 << self._whole and self._whole < len(_SPENT):
            found = self._judged(self._all, _SPENT[self._whole])
            self._whole += 1
        recent = (self._blocks - _WINDOW) // _STRIDE
        if found is None and recent > 0 and self._blocks % _STRIDE == 0:
            share = 1 / (recent * (recent + 1))
            found = self._judged(reduce(operator.add, self._latest), share)
        return found

    def _judged(self, counts: Any, share: float) -> Difference | None:
        size, p = self._sample.apart(counts)
        if p >= self._alpha * share or size < LEAST:
            return None
        return Difference(size, p, *self._sample.words(list(self._shown)))


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
    number, values = collected.rows, collected.taken()
    found = [
        Change(column, number, sample.difference(values[column]))
        for column, sample in reference.columns.items()
        if len(values[column]) >= FEWEST_SEEN
    ]
    return sorted(found, key=lambda change: change.difference.p)


def is_change(change: Change, columns: int) -> bool:
    """Tell whether one of so many columns has changed, at one look."""
    return change.difference.p < ALPHA / columns and change.difference.size >= LEAST

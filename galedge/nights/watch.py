"""A folder that images come into: which of them are ready, and their rows.

Only polling is relied upon, since network file systems tell nobody about
changes, and only the monotonic clock, since the other one jumps. A file's times
are compared with each other, never with the clock of this machine.
"""

from __future__ import annotations

import errno
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from galedge.answers.bands import Group
from galedge.errors import GaledgeError, OutputError
from galedge.images.inputs import Rejected, stamp_of
from galedge.nights.nightlog import NightLog, State
from galedge.support.log import unforeseen
from galedge.support.waiter import Waiter
from galedge.tables.rows import Row

__all__ = ["Found", "Rows", "Scanner", "Watch", "state_of"]

_MOST = 1024  # files taken at a time, so that new ones are seen in between
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_ROOM_SECONDS = 1.0  # between looks whether there is room again


Rows = Callable[[list["Group | Rejected"]], Iterable[Sequence[Row]]]
"""From images to their rows, some for each, in order."""


class Found(NamedTuple):
    """An image, of one file or several, in one of its states."""

    group: Group
    state: State

    @property
    def path(self) -> str:
        """The file that stands for it."""
        return self.group.path


def state_of(group: Group) -> State | None:
    """Return the state of an image's files; None if one of them is not there."""
    stamps = [stamp_of(path) for path in group.paths]
    there = [stamp for stamp in stamps if stamp is not None]
    if len(there) < len(stamps):
        return None
    size, changed = sum(each.size for each in there), max(each.mtime_ns for each in there)
    several = there if len(there) > 1 else []
    return State(size, changed, tuple(number for each in several for number in each))


@dataclass(slots=True)
class _Pending:
    """A file that is not ready yet."""

    state: State
    since: float
    doubted: bool = False


class Scanner:
    """Finds the files that are ready, one look after the other.

    A file is ready when two looks at least `settle` apart saw the same size and
    time of change, and it is complete. What seems incomplete is given `patience`
    seconds without a change and is then ready as it is: its row will say what
    is wrong.

    Parameters
    ----------
    look : function
        Returns the files that are there now.
    complete : function of a group
        Whether an image is all there; see `galedge.images.complete.is_complete`.
    done : function of a path and a state
        Whether an image has its row already.
    settle, patience : float
        Seconds.
    clock : function
        Seconds that never go back.
    """

    def __init__(
        self,
        look: Callable[[], Iterable[Found]],
        complete: Callable[[Group], bool],
        done: Callable[[str, State], bool],
        settle: float,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._complete = complete
        self._done = done
        self._settle = settle
        self._patience = patience
        self._clock = clock
        self._pending: dict[str, _Pending] = {}
        self._finished: dict[str, State] = {}  # what `done` said, for speed
        self.cost = 0.0  # seconds that the last look took

    @property
    def pending(self) -> int:
        """How many files are there and not done."""
        return len(self._pending)

    def ready(self) -> list[Found]:
        """Look once; return files that are ready, the same ones until they are `finish`ed."""
        start = self._clock()
        before, self._pending = self._pending, {}
        finished, self._finished = self._finished, {}
        ready: list[Found] = []
        for found in self._look():
            path, state = found.path, found.state
            if finished.get(path) == state or self._done(path, state):
                self._finished[path] = state
                continue
            now = self._clock()
            entry = before.get(path)
            if entry is None or entry.state != state:
                entry = _Pending(state, now)
            self._pending[path] = entry
            if len(ready) < _MOST and self._is_ready(found.group, entry, now - entry.since):
                ready.append(found)
        self.cost = self._clock() - start
        return ready

    def _is_ready(self, group: Group, entry: _Pending, age: float) -> bool:
        if age < self._settle:
            return False
        if not entry.doubted:
            entry.doubted = not self._complete(group)
        return not entry.doubted or age >= self._patience

    def finish(self, found: Found) -> None:
        """Take a file as done in this state."""
        self._finished[found.path] = found.state
        self._pending.pop(found.path, None)

    def forget(self, path: str) -> None:
        """Take a file as never seen."""
        self._pending.pop(path, None)


class Watch:
    """Writes the rows of each image that becomes ready.

    Parameters
    ----------
    scanner : Scanner
    rows : function
        From images to their rows, in order.
    log : NightLog
    waiter : Waiter
        Ends the watch, and all waiting in it, when it is told to stop.
    written : function of a row and a `Found`
        Called after a row was written.
    note : function of a sentence
        Says what an operator should know.
    """

    def __init__(
        self,
        scanner: Scanner,
        rows: Rows,
        log: NightLog,
        waiter: Waiter,
        written: Callable[[Row, Found], None],
        note: Callable[[str], None],
    ) -> None:
        self._scanner = scanner
        self._rows = rows
        self._log = log
        self._waiter = waiter
        self._written = written
        self._note = note

    def run(self, interval: float, idle: float) -> None:
        """Watch until told to stop.

        Parameters
        ----------
        interval : float
            Seconds between two looks.
        idle : float
            The same while no file is awaited: longer where events are told.
        """
        while not self._waiter.stopped:
            self.step()
            pause = interval if self._scanner.pending else idle
            # A large folder is not looked at more than a fifth of the time.
            self._waiter.wait(max(pause, 4 * self._scanner.cost))

    def once(self, settle: float) -> None:
        """Write rows for what is there and complete now."""
        self._scanner.ready()
        self._waiter.wait(settle)
        while not self._waiter.stopped and self.step():
            pass

    def step(self) -> bool:
        """Look, and write rows for what is ready; return whether anything was."""
        ready = self._scanner.ready()
        for found, rows in self._answered(ready):
            if self._is_as_it_was(found, rows) and not self._write(found, rows):
                break
            if self._waiter.stopped:
                break
        self._log.sync()
        return bool(ready)

    def _answered(self, ready: list[Found]) -> Iterator[tuple[Found, Sequence[Row]]]:
        """Yield each image with its rows; what nobody foresaw is the row of its image."""
        left = deque(ready)
        while left:
            groups: list[Group | Rejected] = [found.group for found in left]
            try:
                for found, rows in zip(ready, self._rows(groups), strict=False):
                    left.popleft()
                    yield found, rows
            except GaledgeError:  # of the model, or of where things are written
                raise
            except Exception as error:
                found = left.popleft()
                rejected = Rejected(found.path, unforeseen(error, found.path))
                yield from ((found, rows) for rows in self._rows([rejected]))
            else:
                return
            ready = list(left)

    def _is_as_it_was(self, found: Found, rows: Sequence[Row]) -> bool:
        """Tell whether rows are of the state that was found; else it must wait, or is gone."""
        now = state_of(found.group)
        if now == found.state or (now is None and all(row.error is None for row in rows)):
            return True
        self._scanner.forget(found.path)
        return False

    def _write(self, found: Found, rows: Sequence[Row]) -> bool:
        """Write an image's rows, waiting for room if need be; False if told to stop before."""
        told = False
        while True:
            try:
                self._log.append([row.as_row() for row in rows], found.path, found.state)
                rejected = any(row.error is not None for row in rows)
                self._log.sync(now=rejected)  # before its file is moved
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise OutputError(f"the table cannot be written: {error.strerror}") from error
                if not told:
                    self._note(f"the table cannot be written: {error.strerror}; waiting for room")
                told = True
                self._waiter.wait(_ROOM_SECONDS)
                if self._waiter.stopped:
                    return False
            else:
                break
        if told:
            self._note("there is room again")
        self._scanner.finish(found)
        try:
            for row in rows:
                self._written(row, found)
        except GaledgeError:
            raise
        except Exception as error:  # the row is there: the night goes on
            self._note(f"{found.path}: {unforeseen(error, found.path)}")
        return True

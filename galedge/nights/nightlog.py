"""The table of a night: rows that are added as images come, each image once.

A row carries an identity, made of the file's path, size and time of change, the
model, the recipe, and what else was asked for. The rows that are there say what
is done, so that nothing beside the table has to be kept in step with it.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple

from galedge.errors import OutputError
from galedge.support.appendlog import AppendLog
from galedge.tables.columns import Column, known
from galedge.tables.drift import Monitor
from galedge.tables.formats.jsonl import JsonLines
from galedge.tables.rows import Cell

__all__ = ["EXTRA_COLUMNS", "NightLog", "State"]

EXTRA_COLUMNS = ("file_size", "file_mtime_ns", "classified_at", "identity")
"""What a row of the night has besides those of `galedge classify`."""

_REMEMBERED = 1000  # rows of a log that is gone on with, which drift is told of


class State(NamedTuple):
    """What tells one state of an image's files from another.

    Attributes
    ----------
    size : int
        Of all its files, in bytes.
    mtime_ns : int
        When the last of them was changed.
    each : tuple of int
        The same of each file, where they are several.
    """

    size: int
    mtime_ns: int
    each: tuple[int, ...] = ()


class NightLog:
    """JSON lines with the rows of each image and its state.

    The rows of a frame are written together; the last has the image's identity, which
    says that all are there. What a kill left of them is cut off.

    Parameters
    ----------
    path : str
        Its name must end in ``.jsonl``; rows that are there are kept.
    columns : sequence of str or Column
    binding : mapping
        All that a row depends on besides its file.
    drift : Monitor, optional
        Sees the latest rows that are there; then rows have a column ``drift``, of what has
        changed by then. Who writes rows shows them to it.

    Raises
    ------
    OutputError
        If the file cannot be written, or holds something else.
    """

    def __init__(
        self,
        path: str,
        columns: Sequence[str | Column],
        binding: Mapping[str, Any],
        drift: Monitor | None = None,
    ) -> None:
        if not path.lower().endswith(".jsonl"):
            raise OutputError(f"{path}: a night is written as JSON lines; end the name in .jsonl")
        self._drift = drift
        more = EXTRA_COLUMNS if drift is None else (*EXTRA_COLUMNS[:-1], "drift", EXTRA_COLUMNS[-1])
        self._columns = known([*columns, *more])
        self._binding = json.dumps(binding, sort_keys=True)
        self._log = AppendLog(path, b'{"path": ')
        self._done: set[str] = set()
        try:
            self._load()
        except BaseException:
            self._log.close()
            raise

    def _load(self) -> None:
        begun: int | None = None  # where rows begin of which the last is still to come
        latest: deque[Mapping[str, Any]] = deque(maxlen=0 if self._drift is None else _REMEMBERED)
        for line in self._log:
            latest.append(line.record)
            identity = line.record.get("identity")
            if not isinstance(identity, str):
                raise OutputError(
                    f"{self._log.path}: holds rows that are not of a night; choose another name"
                )
            if "-" not in identity:
                self._done.add(identity)
                begun = None
            elif begun is None or identity.endswith("-1"):
                begun = line.offset
        if begun is not None:
            self._log.cut(begun)
        for record in latest:
            assert self._drift is not None
            self._drift.add(record)

    def __len__(self) -> int:
        return len(self._done)

    def is_done(self, path: str, state: State) -> bool:
        """Tell whether an image has its rows in this state."""
        return self._identity(path, state) in self._done

    def append(self, rows: Sequence[Mapping[str, Cell]], path: str, state: State) -> None:
        """Add the rows of an image, all of them or none.

        Raises
        ------
        OutputError
            If the file is no longer there.
        OSError
            If there is no room.
        """
        if not self._log.is_in_place():
            raise OutputError(
                f"{self._log.path}: was removed or replaced while being written; start again"
            )
        identity = self._identity(path, state)
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        content = io.BytesIO()
        lines = JsonLines(content, self._columns)
        for number, row in enumerate(rows, 1):
            key = identity if number == len(rows) else f"{identity}-{number}"
            extra = (state.size, state.mtime_ns, now, key)
            told = {} if self._drift is None else {"drift": self._drift.columns}
            lines.write({**row, **told, **dict(zip(EXTRA_COLUMNS, extra, strict=True))})
        self._log.append(content.getvalue())
        self._done.add(identity)

    def sync(self, *, now: bool = False) -> None:
        """Put rows on the disk, once a second at most unless `now`."""
        self._log.sync(now=now)

    def __enter__(self) -> NightLog:
        return self

    def __exit__(self, *of_error: Any) -> None:
        self._log.__exit__(*of_error)

    def _identity(self, path: str, state: State) -> str:
        text = json.dumps([path, state.size, state.mtime_ns, *state.each, self._binding])
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]

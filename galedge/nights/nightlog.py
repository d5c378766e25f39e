"""The table of a night: rows that are added as files come, each file once.

A row carries an identity, made of the file's path, size and time of change, the
model, the recipe, and what else was asked for. The rows that are there say what
is done, so that nothing beside the table has to be kept in step with it.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from galedge.errors import OutputError
from galedge.images.inputs import Stamp
from galedge.support.appendlog import AppendLog
from galedge.tables.columns import Column, known
from galedge.tables.formats.jsonl import JsonLines
from galedge.tables.rows import Cell

__all__ = ["EXTRA_COLUMNS", "NightLog"]

EXTRA_COLUMNS = ("file_size", "file_mtime_ns", "classified_at", "identity")
"""What a row of the night has besides those of `galedge classify`."""


class NightLog:
    """JSON lines with one row for each file and its state.

    Parameters
    ----------
    path : str
        Its name must end in ``.jsonl``; rows that are there are kept.
    columns : sequence of str or Column
    binding : mapping
        All that a row depends on besides its file.

    Raises
    ------
    OutputError
        If the file cannot be written, or holds something else.
    """

    def __init__(
        self, path: str, columns: Sequence[str | Column], binding: Mapping[str, Any]
    ) -> None:
        if not path.lower().endswith(".jsonl"):
            raise OutputError(f"{path}: a night is written as JSON lines; end the name in .jsonl")
        self._columns = known([*columns, *EXTRA_COLUMNS])
        self._binding = json.dumps(binding, sort_keys=True)
        self._log = AppendLog(path, b'{"path": ')
        self._done: set[str] = set()
        try:
            self._load()
        except BaseException:
            self._log.close()
            raise

    def _load(self) -> None:
        for line in self._log:
            identity = line.record.get("identity")
            if not isinstance(identity, str):
                raise OutputError(
                    f"{self._log.path}: holds rows that are not of a night; choose another name"
                )
            self._done.add(identity)

    def __len__(self) -> int:
        return len(self._done)

    def is_done(self, path: str, stamp: Stamp) -> bool:
        """Tell whether a file has its row in this state."""
        return self._identity(path, stamp) in self._done

    def append(self, row: Mapping[str, Cell], path: str, stamp: Stamp) -> None:
        """Add a row, whole or not at all.

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
        identity = self._identity(path, stamp)
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        extra = (stamp.size, stamp.mtime_ns, now.replace("+00:00", "Z"), identity)
        line = io.BytesIO()
        JsonLines(line, self._columns).write(
            {**row, **dict(zip(EXTRA_COLUMNS, extra, strict=True))}
        )
        self._log.append(line.getvalue())
        self._done.add(identity)

    def sync(self, *, now: bool = False) -> None:
        """Put rows on the disk, once a second at most unless `now`."""
        self._log.sync(now=now)

    def __enter__(self) -> NightLog:
        return self

    def __exit__(self, *of_error: Any) -> None:
        self._log.__exit__(*of_error)

    def _identity(self, path: str, stamp: Stamp) -> str:
        text = json.dumps([path, *stamp, self._binding])
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]

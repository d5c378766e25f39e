"""What ``--resume`` goes on from: the rows of a run that was killed.

A journal lies beside the table it is for. Its first line says what the rows
depend on, every other is one file with its row. It is removed when the table
is complete.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from galedge.errors import OutputError
from galedge.images.inputs import Rejected, Stamp, stamp_of
from galedge.images.parts import Part
from galedge.support.appendlog import AppendLog
from galedge.tables.rows import Cell, Row

__all__ = ["Journal", "Stream"]

Stream = Callable[[list[Any]], Iterable[Row]]
"""From files, or `Part` of them, or `Rejected`, to rows, one each, in order."""

_BEGINS = b'{"galedge_journal": 1, '


@dataclass(frozen=True, slots=True)
class _Kept:
    """A row from before."""

    path: str
    error: str | None
    row: dict[str, Cell]

    def as_row(self) -> dict[str, Cell]:
        return self.row


class Journal:
    """Rows that are done, so that a run begun again does only the rest.

    Parameters
    ----------
    table : str
        The table to come. The journal is ``<table>.journal``.
    binding : mapping
        All that the rows depend on besides the files: model, recipe, options.

    Raises
    ------
    OutputError
        If the journal cannot be written, or belongs to a run of another kind.
    """

    def __init__(self, table: str, binding: Mapping[str, Any]) -> None:
        self._log = AppendLog(f"{table}.journal", _BEGINS)
        self._done: dict[tuple[str, int | None], tuple[Stamp, int, int]] = {}
        try:
            self._load(json.loads(json.dumps(binding)))
        except BaseException:
            self._log.close()
            raise

    @property
    def path(self) -> str:
        """The journal's file."""
        return self._log.path

    def __len__(self) -> int:
        return len(self._done)

    def _load(self, binding: dict[str, Any]) -> None:
        found: dict[str, Any] | None = None
        for offset, length, record in self._log:
            if found is None:
                found = record.get("binding", {})
            elif record.keys() >= {"path", "size", "mtime_ns", "row"}:
                stamp = Stamp(record["size"], record["mtime_ns"])
                self._done[record["path"], record.get("of_hdu")] = (stamp, offset, length)
        if found is None:
            self._log.add({"galedge_journal": 1, "binding": binding})
            return
        for key in sorted(found.keys() | binding.keys()):
            was, now = found.get(key), binding.get(key)
            if was != now:
                raise OutputError(
                    f"{self.path}: begun with another {key} ({_short(was)}, now {_short(now)}); "
                    "repeat the first command, or remove the journal to start again"
                )

    def stream(self, rest: Stream) -> Stream:
        """Return a stream that has `rest` do only what is not done yet.

        A file is done if size and time of change are what they were *before*
        it was read: one that has changed since then is done again.
        """

        def resuming(inputs: list[str | Part | Rejected]) -> Iterator[Row]:
            keys = [_key(item) for item in inputs]
            stamps = [None if key is None else stamp_of(key[0]) for key in keys]
            done = [
                key in self._done and self._done[key][0] == stamp
                for key, stamp in zip(keys, stamps, strict=True)
            ]
            todo = [item for item, known in zip(inputs, done, strict=True) if not known]
            rows = iter(rest(todo))
            for key, stamp, known in zip(keys, stamps, done, strict=True):
                if known and key is not None:
                    yield self._restore(*key)
                    continue
                row = next(rows)
                if key is not None and stamp is not None:
                    path, hdu = key
                    record: dict[str, Any] = {"path": path, **stamp._asdict()}
                    record |= {} if hdu is None else {"of_hdu": hdu}
                    self._log.add(record | {"row": row.as_row()})
                yield row

        return resuming

    def _restore(self, path: str, hdu: int | None) -> _Kept:
        _, offset, length = self._done[path, hdu]
        row = self._log.read(offset, length)["row"]
        return _Kept(path, row["error"], row)

    def remove(self) -> None:
        """Forget the run: its table is complete."""
        self._log.remove()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *raised: object) -> None:
        self._log.__exit__(*raised)


def _key(item: str | Part | Rejected) -> tuple[str, int | None] | None:
    """Return what stands for a row: a file, or one image of it; None where there is nothing."""
    if isinstance(item, Rejected):
        return None
    return (item.path, item.hdu) if isinstance(item, Part) else (item, None)


def _short(value: Any) -> str:
    """Return a value as a sentence can hold it."""
    text = os.fspath(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 16 else f"{text[:12]}..."

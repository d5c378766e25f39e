"""A file of JSON lines that only grows, and that any kill leaves usable.

One line is one record, written by one call: after a kill all but the last line
are whole, and that one is dropped when the file is opened again. A line that
does not fit on the disk is taken back.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from galedge.errors import OutputError
from galedge.support import system

__all__ = ["AppendLog", "Line"]

_SYNC_SECONDS = 1.0  # of work that a power failure may cost
_CHUNK = 1 << 20


class Line(NamedTuple):
    """Where a record lies in the file, and what it holds."""

    offset: int
    length: int
    record: dict[str, Any]


class AppendLog:
    """JSON objects, one a line, appended by one process at a time.

    Parameters
    ----------
    path : str
        Made if it does not exist.
    begins : bytes
        What every such file begins with: another's file is never touched.

    Raises
    ------
    OutputError
        If it cannot be opened, is another kind of file, or is being written.
    """

    def __init__(self, path: str, begins: bytes) -> None:
        self.path = path
        self._synced = time.monotonic()
        self._dirty = False
        try:
            self._file = system.append_to(path)
        except OSError as error:
            raise self._failure(error) from error
        try:
            self._lock()
            self._check(begins)
            self._end = self._drop_torn_line()
            system.sync_folder(os.path.dirname(os.path.abspath(path)))
        except OSError as error:
            self.close()
            raise self._failure(error) from error
        except BaseException:
            self.close()
            raise

    def _lock(self) -> None:
        if not system.lock(self._file):
            raise OutputError(f"{self.path}: another galedge is writing it; stop that one")

    def _check(self, begins: bytes) -> None:
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise OutputError(f"{self.path}: not a regular file; choose another name")
        head = system.read_at(self._file, len(begins), 0)
        if not begins.startswith(head):
            raise OutputError(f"{self.path}: holds something else; choose another name")

    def _drop_torn_line(self) -> int:
        """Cut off what follows the last newline; return the file's length."""
        end = size = os.fstat(self._file).st_size
        while end:
            start = max(0, end - _CHUNK)
            newline = system.read_at(self._file, end - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            os.ftruncate(self._file, end)
        return end

    def __iter__(self) -> Iterator[Line]:
        """Yield the records from the first; what is damaged is passed over."""
        offset, rest = 0, b""
        position = 0
        while position < self._end:
            chunk = system.read_at(self._file, min(_CHUNK, self._end - position), position)
            if not chunk:
                return
            position += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                with suppress(ValueError, RecursionError):
                    record = json.loads(line)
                    if isinstance(record, dict):
                        yield Line(offset, len(line), record)
                offset += len(line) + 1

    def read(self, offset: int, length: int) -> dict[str, Any]:
        """Return the record that `__iter__` found there."""
        record: dict[str, Any] = json.loads(system.read_at(self._file, length, offset))
        return record

    def cut(self, offset: int) -> None:
        """Take back all lines from one that begins at `offset`."""
        os.ftruncate(self._file, offset)
        self._end = offset
        self._dirty = True

    def append(self, line: bytes) -> None:
        """Add a line, or several at once, whole or not at all; `line` ends with a newline.

        Raises
        ------
        OSError
            If there is no room. The file is as it was.
        """
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except BaseException:
            with suppress(OSError):  # the next opening cuts it off
                os.ftruncate(self._file, self._end)
            raise
        self._end += len(line)
        self._dirty = True

    def add(self, record: Mapping[str, Any]) -> None:
        """Add a record, and put it on the disk as `sync` does.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        try:
            self.append(json.dumps(record).encode("ascii") + b"\n")
            self.sync()
        except OSError as error:
            raise self._failure(error) from error

    def sync(self, *, now: bool = False) -> None:
        """Put lines on the disk, once a second at most unless `now`."""
        if self._dirty and (now or time.monotonic() - self._synced > _SYNC_SECONDS):
            os.fsync(self._file)
            self._dirty = False
            self._synced = time.monotonic()

    def is_in_place(self) -> bool:
        """Tell whether the name still stands for this file."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._file))
        except OSError:
            return False

    def remove(self) -> None:
        """Delete the file; nothing can be added to it any more."""
        if system.remove_open(self.path, self._file):
            self._file, self._dirty = -1, False

    def close(self) -> None:
        """Close the file and release its lock."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> AppendLog:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.sync(now=True)
        self.close()

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(f"{self.path}: cannot be written: {error.strerror}")

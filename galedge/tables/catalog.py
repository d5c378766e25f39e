"""Tables of results: streamed to standard output, or whole in a file or not at all.

A format is a class that turns rows into bytes, one a module of `galedge.tables.formats`;
where the bytes go, and that they appear all at once, is `Table`'s business.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from functools import partial
from typing import Any, BinaryIO, Protocol

from galedge._version import __version__
from galedge.errors import OutputError
from galedge.support.atomic import AtomicFile
from galedge.support.extras import need
from galedge.support.places import either
from galedge.support.system import is_deaf
from galedge.tables.columns import Column, known
from galedge.tables.formats import Format, formats
from galedge.tables.formats.csv import Csv
from galedge.tables.formats.jsonl import JsonLines

__all__ = ["Table", "finished", "open_table", "utc_now"]


class Table(Protocol):
    """An open table; leaving its ``with`` block completes it, an error discards it."""

    def write(self, row: Mapping[str, Any]) -> None:
        """Add one row; unknown is None, NaN, infinite or masked.

        Raises
        ------
        OutputError
            If it cannot be written.
        BrokenPipeError
            If nobody reads standard output any more.
        """
        ...

    def __enter__(self) -> Table: ...

    def __exit__(self, kind: type[BaseException] | None, /, *_: object) -> None: ...


def open_table(
    path: str | os.PathLike[str] | None,
    columns: Sequence[str | Column],
    about: Mapping[str, str] | None = None,
    *,
    json: bool = False,
    alone: bool = False,
) -> Table:
    """Open a table for writing.

    Parameters
    ----------
    path : str or path, optional
        The extension chooses the format. Default: CSV on standard output, each
        row as it comes. A file appears, or is replaced, when the table is
        complete; until then and after any failure it is as it was.
    columns : sequence of str or Column
        In order; a name that galedge does not know takes its type from its
        values, which may be any scalars.
    about : mapping of str to str, optional
        What makes the table, such as ``command`` and ``model``, for formats
        that can hold it, as it is when the table is complete. The times, the number of
        rows and of those rejected, and galedge's version are added.
    json : bool
        JSON lines rather than CSV on standard output.
    alone : bool
        Whether no other process writes this table; see `AtomicFile`.

    Raises
    ------
    OutputError
        If the extension is unknown or the file cannot be made.
    GaledgeError
        If the format needs a package that is missing.
    """
    columns = known(columns)
    if path is None:
        return _StandardOutput(columns, _fitted(JsonLines if json else Csv, columns))
    path = os.fspath(path)
    extension = os.path.splitext(path)[1].lower()
    kinds = formats()
    if extension not in kinds:
        raise OutputError(
            f"{path}: {extension!r} is no table format; end the name in {either(list(kinds))}"
        )
    kind = kinds[extension]
    for package in kind.needs:
        need(package, "tables", f"{path}: writing {extension}")
    return _File(path, _fitted(kind, columns), columns, about or {}, alone)


_Maker = Callable[..., Any]


def _fitted(kind: type[Format], columns: Sequence[Column]) -> _Maker:
    """Return what makes a format that can hold these columns."""
    if kind.vectors or not any(column.length for column in columns):
        return kind
    return partial(_Spread, kind)


class _Spread:
    """A format without vectors, in which each of their numbers has a column: name_0, name_1 ..."""

    def __init__(
        self, kind: type[Format], file: BinaryIO, columns: Sequence[Column], folder: str = ""
    ) -> None:
        self._names = {
            column.name: [f"{column.name}_{i}" for i in range(column.length)]
            for column in columns
            if column.length
        }
        single = [
            column._replace(name=name, length=0)
            for column in columns
            for name in self._names.get(column.name, [column.name])
        ]
        self._format = kind(file, single, folder)

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        cells = dict(row)
        for name, single in self._names.items():
            vector = cells.pop(name)
            numbers = [None] * len(single) if vector is None else vector.tolist()
            cells.update(zip(single, numbers, strict=True))
        self._format.write(cells)

    def finish(self, about: Mapping[str, str | int]) -> None:
        """Write what comes after the last row."""
        self._format.finish(about)


class _StandardOutput:
    """A table on standard output, row by row: an interrupted run keeps its rows."""

    def __init__(self, columns: Sequence[Column], kind: _Maker) -> None:
        if sys.stdout is None:
            raise OutputError("standard output: closed; name a file with -o")
        self._file = sys.stdout.buffer
        try:
            self._format: Format = kind(self._file, columns, "")
            self._file.flush()
        except OSError as error:
            raise self._failure(error) from error

    def write(self, row: Mapping[str, Any]) -> None:
        try:
            self._format.write(row)
            self._file.flush()
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> Exception:
        # What is still buffered would fail again when the interpreter exits.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._file.fileno())
        os.close(nowhere)
        if is_deaf(error):
            return BrokenPipeError(*error.args)  # had enough: for the caller to judge
        return OutputError(f"standard output: {error.strerror}")

    def __enter__(self) -> _StandardOutput:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class _File:
    """A table in a file."""

    def __init__(
        self,
        path: str,
        kind: _Maker,
        columns: Sequence[Column],
        about: Mapping[str, str],
        alone: bool,
    ) -> None:
        self._about, self._started = about, utc_now()
        self._rows = self._rejected = 0
        self._target = AtomicFile(path, alone=alone)
        try:
            self._format = kind(self._target.file, columns, self._target.folder)
        except BaseException as error:
            self._target.discard()
            if isinstance(error, OSError):
                raise self._target.failure(error) from error
            raise

    def write(self, row: Mapping[str, Any]) -> None:
        try:
            self._format.write(row)
        except OSError as error:
            raise self._target.failure(error) from error
        self._rows += 1
        self._rejected += row.get("status") == "error"

    def __enter__(self) -> _File:
        return self

    def __exit__(self, kind: type[BaseException] | None, /, *_: object) -> None:
        try:
            if kind is None:
                self._format.finish(
                    finished(self._about, self._started, self._rows, self._rejected)
                )
                self._target.complete()
        except OSError as failure:
            raise self._target.failure(failure) from failure
        finally:
            self._target.discard()


def finished(
    about: Mapping[str, str], started: str, rows: int, rejected: int
) -> dict[str, str | int]:
    """Return what a table, or a page, is told of itself when it is complete."""
    return {
        "creator": f"galedge {__version__}",
        **about,
        "started": started,
        "finished": utc_now(),
        "rows": rows,
        "rejected": rejected,
    }


def utc_now() -> str:
    """Return the time in UTC, as ISO 8601."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

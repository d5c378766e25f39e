"""Tables of results: streamed to standard output, or whole in a file or not at all.

A format is a class that turns rows into bytes; where the bytes go, and that
they appear all at once, is `Table`'s business.
"""

from __future__ import annotations

import csv
import json
import math
import os
import secrets
import stat
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO, Protocol

from galedge.errors import OutputError
from galedge.result import Cell

__all__ = ["FORMATS", "Format", "Table", "open_table"]

# Printed digits: what the quantity deserves, the same in every format.
_DIGITS = {
    "x": "%.2f",
    "y": "%.2f",
    "ra": "%.7f",  # 0.4 mas
    "dec": "%.7f",
    "probability": "%.4f",
    "t_type": "%.2f",
    "t_type_error": "%.2f",
    "sky": "%.6g",
    "noise": "%.6g",
    "masked_fraction": "%.4f",
    "concentration": "%.3f",
    "asymmetry": "%.4f",
    "smoothness": "%.4f",
    "gini": "%.4f",
    "m20": "%.3f",
    "ellipticity": "%.4f",
    "position_angle": "%.2f",
    "r_petrosian": "%.3f",
    "r_half": "%.3f",
    "sn_per_pixel": "%.2f",
}
_DIGITS_OF_CLASSES = "%.4f"  # the columns p_<class>


class Format(Protocol):
    """Turns rows into one kind of file."""

    def __init__(self, file: BinaryIO, columns: Sequence[str]) -> None: ...

    def write(self, row: Mapping[str, Cell]) -> None:
        """Add one row."""
        ...

    def finish(self) -> None:
        """Write what comes after the last row."""
        ...


class Csv:
    """Comma-separated values in UTF-8 with a header line; unknown is empty."""

    def __init__(self, file: BinaryIO, columns: Sequence[str]) -> None:
        self._specs = _specs(columns)
        self._writer = csv.writer(_Encoder(file), lineterminator="\n")
        self._writer.writerow(columns)

    def write(self, row: Mapping[str, Cell]) -> None:
        self._writer.writerow([_printed(row[name], spec) for name, spec in self._specs])

    def finish(self) -> None:
        pass


class JsonLines:
    """One JSON object a line in UTF-8; unknown is null."""

    def __init__(self, file: BinaryIO, columns: Sequence[str]) -> None:
        self._specs = _specs(columns)
        self._out = _Encoder(file)

    def write(self, row: Mapping[str, Cell]) -> None:
        rounded = {name: _rounded(row[name], spec) for name, spec in self._specs}
        self._out.write(json.dumps(rounded, ensure_ascii=False, allow_nan=False) + "\n")

    def finish(self) -> None:
        pass


FORMATS: dict[str, type[Format]] = {".csv": Csv, ".jsonl": JsonLines}
"""Formats by file extension."""


class Table(Protocol):
    """An open table; leaving its ``with`` block completes it, an error discards it."""

    def write(self, row: Mapping[str, Cell]) -> None:
        """Add one row.

        Raises
        ------
        OutputError
            If it cannot be written.
        BrokenPipeError
            If nobody reads standard output any more.
        """
        ...

    def __enter__(self) -> Table: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


def open_table(path: str | os.PathLike[str] | None, columns: Sequence[str]) -> Table:
    """Open a table for writing.

    Parameters
    ----------
    path : str or path, optional
        The extension chooses the format. Default: CSV on standard output, each
        row as it comes. A file appears, or is replaced, when the table is
        complete; until then and after any failure it is as it was.
    columns : sequence of str
        Names of the columns, in order.

    Raises
    ------
    OutputError
        If the extension is unknown or the file cannot be made.
    """
    if path is None:
        return _StandardOutput(columns)
    path = os.fspath(path)
    extension = os.path.splitext(path)[1].lower()
    if extension not in FORMATS:
        raise OutputError(
            f"{path}: {extension!r} is no table format; end the name in {' or '.join(FORMATS)}"
        )
    return _AtomicFile(path, FORMATS[extension], columns)


class _StandardOutput:
    """CSV on standard output, row by row: an interrupted run keeps its rows."""

    def __init__(self, columns: Sequence[str]) -> None:
        if sys.stdout is None:
            raise OutputError("standard output: closed; name a file with -o")
        self._file = sys.stdout.buffer
        try:
            self._format = Csv(self._file, columns)
            self._file.flush()
        except OSError as error:
            raise self._failure(error) from error

    def write(self, row: Mapping[str, Cell]) -> None:
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
        if isinstance(error, BrokenPipeError):
            return error  # the reader has had enough: for the caller to judge
        return OutputError(f"standard output: {error.strerror}")

    def __enter__(self) -> _StandardOutput:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class _AtomicFile:
    """A file that takes its name only when it is complete and on disk."""

    def __init__(self, path: str, make: type[Format], columns: Sequence[str]) -> None:
        self._path = path
        self._target = os.path.realpath(path)  # through a link, as plain writing would go
        self._folder = os.path.dirname(self._target)
        # In the same folder, because a rename is atomic only within a file system.
        self._part = os.path.join(self._folder, f".galedge-{secrets.token_hex(8)}.part")
        try:
            if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
                raise OutputError(f"{path}: not a regular file; choose another name")
            # Not tempfile: that would leave a table which only its owner can read.
            self._file = open(self._part, "xb")  # noqa: SIM115 - closed by __exit__
        except OSError as error:
            raise self._failure(error) from error
        try:
            self._format = make(self._file, columns)
        except BaseException as error:
            self._discard()
            if isinstance(error, OSError):
                raise self._failure(error) from error
            raise

    def write(self, row: Mapping[str, Cell]) -> None:
        try:
            self._format.write(row)
        except OSError as error:
            raise self._failure(error) from error

    def __enter__(self) -> _AtomicFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._complete()
        except OSError as failure:
            raise self._failure(failure) from failure
        finally:
            self._discard()

    def _complete(self) -> None:
        self._format.finish()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._part, self._target)
        # The rename itself is on disk only when its folder is.
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _discard(self) -> None:
        """Remove what was not completed."""
        with suppress(OSError):  # a full disk refuses the last flush as well
            self._file.close()
        with suppress(FileNotFoundError):
            os.unlink(self._part)

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(f"{self._path}: cannot be written: {error.strerror}")


class _Encoder:
    r"""A text file over a binary one, without its own buffer.

    File names that are not UTF-8 hold lone surrogates. They are written as
    ``\udcXX``: the file stays valid UTF-8, and in JSON that is their spelling.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        self._file.write(text.encode("utf-8", "backslashreplace"))


def _specs(columns: Sequence[str]) -> list[tuple[str, str]]:
    """Return each column with its number format."""
    return [
        (name, _DIGITS_OF_CLASSES if name.startswith("p_") else _DIGITS.get(name, "%r"))
        for name in columns
    ]


def _printed(value: Cell, spec: str) -> Cell:
    """Return a float's digits; the csv module prints the rest, None as nothing."""
    if value.__class__ is not float:
        return value
    return spec % value if math.isfinite(value) else None


def _rounded(value: Cell, spec: str) -> Cell:
    if value.__class__ is not float:
        return value
    # JSON knows neither NaN nor infinity.
    return float(spec % value) if math.isfinite(value) else None

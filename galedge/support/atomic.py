"""A file that appears whole or not at all."""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from hashlib import sha256
from secrets import token_hex
from typing import BinaryIO

from galedge.errors import OutputError
from galedge.support import system

__all__ = ["AtomicFile", "make_folder"]


_PART = re.compile(r"\.galedge-[0-9a-f]{16}\.part")


class AtomicFile:
    """A file that takes its name only when it is complete and on disk.

    Write to `file`; `complete` flushes, syncs and renames, `discard` removes.
    As a context manager it completes on leaving, and discards after an error.

    Parameters
    ----------
    path : str or path
        Appears, or is replaced, on completion; until then and after any
        failure it is as it was.
    alone : bool
        Whether no other process writes this file, which the caller has made
        sure of: what a killed one left of it is then removed.
    durable : bool
        Wait until the disk has it. Without, a power cut may lose what is easily
        made again; a killed process still leaves nothing half-written.

    Attributes
    ----------
    file : binary file
    folder : str
        Where the file lies, as an absolute path.

    Raises
    ------
    OutputError
        If the file cannot be made.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, alone: bool = False, durable: bool = True
    ) -> None:
        self._durable = durable
        self.path = os.fspath(path)
        self._target = os.path.realpath(self.path)  # through a link, as plain writing would go
        self.folder = os.path.dirname(self._target)
        # In the same folder, because a rename is atomic only within a file system.
        name = sha256(os.fsencode(self._target)).hexdigest()[:16] if alone else token_hex(8)
        _sweep(self.folder)
        self._part = os.path.join(self.folder, f".galedge-{name}.part")
        try:
            if alone:
                with suppress(FileNotFoundError):
                    system.remove(self._part)
            if os.path.exists(self.path) and not stat.S_ISREG(os.stat(self.path).st_mode):
                raise OutputError(f"{self.path}: not a regular file; choose another name")
            # Not tempfile: that would leave a file which only its owner can read.
            self.file: BinaryIO = open(self._part, "xb")  # noqa: SIM115 - closed by discard
            with suppress(OSError):  # then others judge it by its age alone
                system.lock(self.file.fileno())
        except OSError as error:
            raise self.failure(error) from error

    def complete(self) -> None:
        """Put the file in its place.

        Raises
        ------
        OutputError
            If that fails; nothing is left behind.
        """
        try:
            self.file.flush()
            if self._durable:
                os.fsync(self.file.fileno())
            self.file.close()
            system.replace(self._part, self._target)
            if not self._durable:
                return
            system.sync_folder(self.folder)  # only then is the rename itself on disk
        except OSError as error:
            raise self.failure(error) from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove what was not completed."""
        with suppress(OSError):  # a full disk refuses the last flush as well
            self.file.close()
        with suppress(FileNotFoundError):
            system.remove(self._part)

    def failure(self, error: OSError) -> OutputError:
        """Return what to say about a failed write."""
        return OutputError(f"{self.path}: cannot be written: {error.strerror or error}")

    def __enter__(self) -> AtomicFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.complete()
        else:
            self.discard()


# Folders in which this process has looked for what killed ones left.
_swept: set[str] = set()
_YOUNG = 60.0  # seconds; a file is locked right after it is made, not in the same moment


def _sweep(folder: str) -> None:
    """Remove unfinished files that no process holds, once a folder."""
    if folder in _swept:
        return
    _swept.add(folder)
    with suppress(OSError), os.scandir(folder) as listing:
        parts = [each.path for each in listing if _PART.fullmatch(each.name)]
        for part in parts:
            with suppress(OSError):
                if time.time() - os.stat(part).st_mtime > _YOUNG:
                    system.remove_left(part)


def make_folder(path: str) -> None:
    """Make a folder for results, if it is not there.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be made: {error.strerror}") from error

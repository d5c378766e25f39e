"""What was rejected: listed, and moved out of the way if somebody asks for that.

Raw data are not ours. A move never overwrites, keeps the file's times, and
removes the original only when its copy has been read back and found the same.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from galedge.errors import OutputError
from galedge.images.inputs import Stamp, stamp_of
from galedge.support import system
from galedge.support.appendlog import AppendLog
from galedge.support.atomic import AtomicFile, make_folder
from galedge.tables.rows import Row

__all__ = ["MANIFEST", "Quarantine", "below", "holds", "move"]

MANIFEST = "rejected.jsonl"


class Quarantine:
    """A folder with a list of rejected files, and perhaps the files.

    Parameters
    ----------
    folder : str
        Made if it does not exist.
    roots : sequence of str
        The files and folders that were named. A file that is moved keeps its
        path below the folder that it was found in.
    moves : bool
        Whether files are moved. Links and what is no file are only listed.

    Raises
    ------
    OutputError
        If the folder or the list in it cannot be written.
    """

    def __init__(self, folder: str, roots: Sequence[str], *, moves: bool) -> None:
        make_folder(folder)
        self._folder = folder
        self._roots = roots
        self._moves = moves
        self._log = AppendLog(os.path.join(folder, MANIFEST), b'{"path": ')
        self._listed = {_key(line.record) for line in self._log}

    def add(self, row: Row) -> str | None:
        """List a rejected file, and move it; return why it could not be moved."""
        stamp = stamp_of(row.path)
        record: dict[str, Any] = {
            "path": row.path,
            "error": row.error,
            "size": stamp.size if stamp else None,
            "mtime_ns": stamp.mtime_ns if stamp else None,
        }
        failure = None
        if self._moves and stamp is not None and not os.path.islink(row.path):
            wish = os.path.join(self._folder, below(row.path, self._roots))
            try:
                record["moved_to"] = move(row.path, wish, stamp)
            except (OSError, OutputError) as error:
                failure = (
                    f"{row.path}: cannot be moved: {getattr(error, 'strerror', None) or error}"
                )
        if "moved_to" in record or _key(record) not in self._listed:
            self._listed.add(_key(record))
            record["listed_at"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
            self._log.add(record)
        return failure

    def __enter__(self) -> Quarantine:
        return self

    def __exit__(self, *of_error: Any) -> None:
        self._log.__exit__(*of_error)


def _key(record: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(record.get(name) for name in ("path", "error", "size", "mtime_ns"))


def below(path: str, roots: Sequence[str]) -> str:
    """Return a path relative to the folder among `roots` that it was found in."""
    for root in sorted(roots, key=len, reverse=True):
        if path.startswith(os.path.join(root, "")):
            return os.path.relpath(path, root)
    return os.path.basename(path)


def holds(folder: str, path: str) -> bool:
    """Tell whether a path lies in a folder, or is it."""
    folder, path = (os.path.normcase(os.path.realpath(each)) for each in (folder, path))
    try:
        return os.path.commonpath([folder, path]) == folder
    except ValueError:  # of different drives
        return False


def move(source: str, wish: str, stamp: Stamp) -> str:
    """Move a file to a name that nobody has, also to another file system.

    Parameters
    ----------
    source : str
    wish : str
        The name to take; ``.1``, ``.2`` ... is added where it is taken.
    stamp : Stamp
        The state that is meant: a file which has changed is left.

    Returns
    -------
    str
        The name it has now.

    Raises
    ------
    OSError, OutputError
        If it cannot be moved; the file is where it was.
    """
    os.makedirs(os.path.dirname(wish), exist_ok=True)
    target = _claim(wish)
    try:
        if stamp_of(source) != stamp:
            raise OutputError("it has changed since")
        try:
            system.replace(source, target)  # over nothing but the empty claim
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy(source, target)
            if stamp_of(source) != stamp:
                raise OutputError("it changed while being copied") from None
            system.remove(source)
    except BaseException:
        if stamp_of(source) is not None:  # never the only one
            with suppress(FileNotFoundError):
                system.remove(target)
        raise
    return target


def _claim(wish: str) -> str:
    """Make an empty file of a name that was free, and return the name."""
    for number in itertools.count():
        name = f"{wish}.{number}" if number else wish
        try:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            continue
        return name
    raise AssertionError  # itertools.count has no end


def _copy(source: str, target: str) -> None:
    """Copy content, times and mode, and read the copy back."""
    with AtomicFile(target) as copy, open(source, "rb") as file:
        shutil.copyfileobj(file, copy.file)
    shutil.copystat(source, target)
    if _digest(source) != _digest(target):
        raise OutputError("the copy differs from the original")


def _digest(path: str) -> bytes:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.digest()

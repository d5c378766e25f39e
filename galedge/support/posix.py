"""Files, locks and signals on Linux and macOS; `galedge.support.system` chooses."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

assert sys.platform != "win32"  # for type checkers: what follows is not there

__all__ = [
    "STOPS",
    "Bell",
    "append_to",
    "as_typed",
    "cache_root",
    "decoded",
    "events",
    "follow",
    "is_deaf",
    "lock",
    "open_read",
    "read_at",
    "remove",
    "remove_left",
    "remove_open",
    "replace",
    "slashed",
    "sync_folder",
]

#: Signals that ask a process to end.
STOPS: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM)

# What file systems say that cannot sync a folder, or do not let it be opened.
_CANNOT_SYNC = (errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EACCES, errno.EPERM)
_HAVE_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP)
# From <sys/inotify.h>.
_CREATE, _CLOSE_WRITE, _MOVED_TO, _ONLYDIR = 0x100, 0x8, 0x80, 0x01000000


def open_read(path: str, flags: int = os.O_RDONLY) -> int:
    """Open a file for reading; raise OSError or ValueError as `os.open` does.

    O_NONBLOCK: opening a FIFO without a writer would wait for ever.
    """
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def append_to(path: str) -> int:
    """Open a file to read it and to add to its end; raise OSError where that fails."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)


def read_at(file: int, size: int, offset: int) -> bytes:
    """Read up to `size` bytes from a place, from any number of threads; raise OSError."""
    return os.pread(file, size, offset)


def lock(file: int) -> bool:
    """Hold a file until it is closed; tell whether nobody else does, as far as can be known.

    Raises
    ------
    OSError
        If locking fails otherwise than for want of it in the file system.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _HAVE_NO_LOCKS:
            raise
    return True


def replace(source: str, target: str) -> None:
    """Give a file another's name, in one step; raise OSError where that fails."""
    os.replace(source, target)


def remove(path: str) -> None:
    """Delete a file; raise OSError where that fails."""
    os.unlink(path)


def remove_open(path: str, file: int) -> bool:
    """Delete a file that is held open; tell whether it had to be closed for it."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    return False


def remove_left(path: str) -> None:
    """Delete a file unless a process holds it by `lock`; raise OSError."""
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # held, or nobody can know
            return
        os.unlink(path)


def sync_folder(path: str) -> None:
    """Put the names in a folder on the disk, where its file system can do that."""
    try:
        folder = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def is_deaf(error: OSError) -> bool:
    """Tell whether a write failed because nobody reads the pipe any more."""
    return isinstance(error, BrokenPipeError)


def cache_root() -> Path:
    """Return the folder of this user's cache; raise RuntimeError where there is no home."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    return Path(root) if os.path.isabs(root) else Path.home() / ".cache"


def as_typed(arguments: Sequence[str]) -> str:
    """Return a command line as the shell would take it."""
    return shlex.join(arguments)


def slashed(path: str) -> str:
    """Return a path with its parts divided by ``/``."""
    return path


def decoded(line: bytes) -> str:
    """Return a path that another program wrote; what is not UTF-8 comes as lone surrogates."""
    return os.fsdecode(line)


def events() -> int:
    """Return a file that can be read when something happens in a folder; -1: there is none."""
    if not hasattr(_libc(), "inotify_init1"):
        return -1
    return int(_libc().inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))


def follow(file: int, folder: str) -> None:
    """Let a file that `events` returned tell of what comes into a folder."""
    mask = _CREATE | _CLOSE_WRITE | _MOVED_TO | _ONLYDIR
    # Twice is once; a folder that is gone, or one too many, is left to the polling.
    _libc().inotify_add_watch(file, os.fsencode(folder), mask)


def _libc() -> Any:
    import ctypes  # here, because only who is asked for it follows folders

    return ctypes.CDLL(None)


class Bell:
    """Rung by a signal's handler, heard by who waits."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)

    def ring(self) -> None:
        """End all waiting, now and later."""
        with suppress(OSError):
            os.write(self._writer, b"x")

    def wait(self, seconds: float, *files: int) -> Sequence[int]:
        """Wait so long, less once it was rung; return those of `files` that can be read."""
        happened, _, _ = select.select([self._reader, *files], [], [], seconds)
        return [file for file in files if file in happened]

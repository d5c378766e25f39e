"""Files, locks and signals on Windows; `galedge.support.system` chooses.

A file that somebody holds open can be neither deleted nor replaced there. Virus scanners
and indexers hold new files for a moment, so both are tried for a while. Files are opened
as bytes, or Windows would write every newline as two characters.

Everything that only Windows has is looked up when it is needed: the module can be
imported, and most of it tried, elsewhere.
"""

from __future__ import annotations

import errno
import locale
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

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

#: Signals that ask a process to end: Ctrl-C, Ctrl-Break and a console that is closed.
STOPS: tuple[int, ...] = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)

_OWN = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
_NOBODY_READS = (errno.EPIPE, errno.EINVAL)  # Windows says EINVAL of a pipe without a reader
_PATIENCE = 2.0  # seconds in which a file that another program holds may become free
_SLICE = 0.05  # seconds between two looks of who waits

# LockFileEx locks bytes, and nobody else can read them: one far behind any file's end.
_EXCLUSIVE, _AT_ONCE = 2, 1
_FAR = 0x7FFFFFFF_FFFFFFFE
_LOCK_VIOLATION, _NOT_SUPPORTED, _INVALID_FUNCTION = 33, 50, 1

_position = threading.Lock()  # a file has one position, whoever moves it


def open_read(path: str, flags: int = os.O_RDONLY) -> int:
    """Open a file for reading; raise OSError or ValueError as `os.open` does."""
    return os.open(path, flags | _OWN)


def append_to(path: str) -> int:
    """Open a file to read it and to add to its end; raise OSError where that fails."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _OWN, 0o666)


def read_at(file: int, size: int, offset: int) -> bytes:
    """Read up to `size` bytes from a place, from any number of threads; raise OSError."""
    with _position:
        os.lseek(file, offset, os.SEEK_SET)
        return os.read(file, size)


def lock(file: int) -> bool:
    """Hold a file until it is closed; tell whether nobody else does, as far as can be known.

    Raises
    ------
    OSError
        If locking fails otherwise than for want of it in the file system.
    """
    code = _lock_far(file)
    if code in (0, _NOT_SUPPORTED, _INVALID_FUNCTION):
        return True
    if code == _LOCK_VIOLATION:
        return False
    raise OSError(errno.EIO, f"cannot be locked (Windows error {code})")


def _lock_far(file: int) -> int:
    """Lock one byte far behind a file's end; return what Windows says of it, or 0."""
    ctypes: Any = import_module("ctypes")

    class Overlapped(ctypes.Structure):  # type: ignore[misc]
        _fields_ = [  # noqa: RUF012 - as ctypes wants it
            ("internal", ctypes.c_size_t),
            ("internal_high", ctypes.c_size_t),
            ("offset", ctypes.c_uint32),
            ("offset_high", ctypes.c_uint32),
            ("event", ctypes.c_void_p),
        ]

    handle = ctypes.c_void_p(import_module("msvcrt").get_osfhandle(file))
    place = Overlapped(offset=_FAR & 0xFFFFFFFF, offset_high=_FAR >> 32)
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    if kernel.LockFileEx(handle, _EXCLUSIVE | _AT_ONCE, 0, 1, 0, ctypes.byref(place)):
        return 0
    return int(ctypes.get_last_error())


def replace(source: str, target: str) -> None:
    """Give a file another's name, in one step.

    Raises
    ------
    OSError
        If that fails, and goes on failing where another program holds one of them.
    """
    _patiently(lambda: os.replace(source, target))


def remove(path: str) -> None:
    """Delete a file; raise OSError as `replace` does."""
    _patiently(lambda: os.unlink(path))


def _patiently(action: Callable[[], None]) -> None:
    """Do what fails while another program holds a file."""
    stop, pause = time.monotonic() + _PATIENCE, 0.005
    while True:
        try:
            return action()
        except PermissionError as error:
            if time.monotonic() >= stop:
                told = "another program holds the file, or it may not be changed"
                raise PermissionError(error.errno, told, error.filename) from error
        time.sleep(pause)
        pause = min(2 * pause, 0.25)


def remove_open(path: str, file: int) -> bool:
    """Delete a file that is held open; tell whether it had to be closed for it."""
    os.close(file)
    with suppress(FileNotFoundError):
        remove(path)
    return True


def remove_left(path: str) -> None:
    """Delete a file unless a process holds it, which Windows itself forbids; raise OSError."""
    os.unlink(path)


def sync_folder(path: str) -> None:
    """Do nothing: Windows keeps the names of a folder itself, and cannot be asked to."""


def is_deaf(error: OSError) -> bool:
    """Tell whether a write failed because nobody reads the pipe any more."""
    return isinstance(error, BrokenPipeError) or error.errno in _NOBODY_READS


def cache_root() -> Path:
    """Return the folder of this user's cache; raise RuntimeError where there is no home."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        if os.path.isabs(root := os.environ.get(name, "")):
            return Path(root)
    return Path.home() / ".cache"


def as_typed(arguments: Sequence[str]) -> str:
    """Return a command line as the shell would take it."""
    return subprocess.list2cmdline(arguments)


def slashed(path: str) -> str:
    """Return a path with its parts divided by ``/``."""
    return path.replace("\\", "/")


def decoded(line: bytes) -> str:
    """Return a path that another program wrote: in UTF-8, or else in the system's code page."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode(locale.getpreferredencoding(False), "replace")


def events() -> int:
    """Return -1: no file here tells of what happens in folders."""
    return -1


def follow(file: int, folder: str) -> None:
    """Do nothing, as `events` has said."""


class Bell:
    """Rung by a signal's handler, heard by who waits.

    Windows selects among sockets only, and no signal but Ctrl-C ends a sleep, so who
    waits looks now and then.
    """

    def __init__(self) -> None:
        self._rung = False

    def ring(self) -> None:
        """End all waiting, now and later."""
        self._rung = True

    def wait(self, seconds: float, *files: int) -> Sequence[int]:
        """Wait so long, less once it was rung; `files` are none."""
        stop = time.monotonic() + seconds
        while not self._rung and (left := stop - time.monotonic()) > 0:
            time.sleep(min(_SLICE, left))
        return ()

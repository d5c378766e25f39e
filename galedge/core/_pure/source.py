"""The bytes of a file or of memory; twin of ``csrc/source.*``."""

from __future__ import annotations

import errno
import io
import os
import stat
from typing import NoReturn

from galedge.errors import ReadError, Truncated

__all__ = ["Source"]


class Source:
    """A regular file, read by pread, or the caller's memory."""

    def __init__(self, place: str | memoryview) -> None:
        self._memory = None if isinstance(place, str) else place.cast("B")
        if isinstance(place, str):
            self._file = _open(place)
            self.size = os.fstat(self._file.fileno()).st_size
        else:
            self.size = place.nbytes

    def has(self, end: int) -> bool:
        """Whether there are so many bytes."""
        return end <= self.size

    def count(self) -> int:
        """Return how many bytes are known to be there."""
        return self.size

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes, or fewer at the end."""
        size = min(size, self.size - start)
        if size <= 0:
            return b""
        if self._memory is not None:
            return bytes(self._memory[start : start + size])
        found = os.pread(self._file.fileno(), size, start)
        while len(found) < size:  # a read may stop short of 2 GiB
            more = os.pread(self._file.fileno(), size - len(found), start + len(found))
            if not more:
                raise Truncated("truncated: the file shrank while being read")
            found += more
        return found


def _open(path: str) -> io.FileIO:
    try:
        # O_NONBLOCK: opening a FIFO without a writer would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:
        raise ReadError("the path has a null byte in it") from None
    except OSError as error:
        if error.errno == errno.ENOENT and os.path.islink(path):
            raise ReadError("is a symbolic link to a file that does not exist") from None
        # A socket cannot be opened at all: say what it is, not "no such device".
        if error.errno == errno.ENXIO:
            _refuse_kind(os.stat(path).st_mode)
        raise ReadError(f"cannot be opened: {error.strerror}") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        _refuse_kind(mode)
    return open(descriptor, "rb", buffering=0)


def _refuse_kind(mode: int) -> NoReturn:
    kinds = {stat.S_IFDIR: "directory", stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "socket"}
    raise ReadError(f"is a {kinds.get(stat.S_IFMT(mode), 'device')}, not a regular file")

"""Files that can be read without waiting for anybody: regular ones."""

from __future__ import annotations

import errno
import io
import os
import stat

from galedge.errors import ReadError
from galedge.support import system

__all__ = ["open_regular"]

_KINDS = {stat.S_IFDIR: "directory", stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "socket"}


def open_regular(path: str) -> io.FileIO:
    """Open a file for reading.

    Raises
    ------
    ReadError
        If it cannot be opened, or is no regular file: nothing else, so that nothing can hang.
    """
    try:
        descriptor = system.open_read(path)
    except ValueError:
        raise ReadError("the path has a null byte in it") from None
    except OSError as error:
        if error.errno == errno.ENOENT and os.path.islink(path):
            raise ReadError("is a symbolic link to a file that does not exist") from None
        if error.errno == errno.ENXIO and stat.S_ISSOCK(os.stat(path).st_mode):
            raise ReadError("is a socket, not a regular file") from None
        raise ReadError(f"cannot be opened: {error.strerror}") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = _KINDS.get(stat.S_IFMT(mode), "device")
        raise ReadError(f"is a {kind}, not a regular file")
    return open(descriptor, "rb", buffering=0)

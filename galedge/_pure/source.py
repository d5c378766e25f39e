"""The bytes of a file or of memory; twin of ``csrc/source.*`` and ``inflate.*``."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib

from galedge.errors import ReadError, TooLarge

__all__ = ["Source"]


class Source:
    """The bytes of a file or a buffer, inflated where they are gzipped."""

    def __init__(self, source: str | memoryview, most: int) -> None:
        self._source = source
        self._most = most
        self._inflated = bytearray()
        self._gzip: gzip.GzipFile | None = None
        with self._open() as stream:
            self.size = stream.seek(0, os.SEEK_END)
            stream.seek(0)
            if stream.read(2) == b"\x1f\x8b":
                stream.seek(0)
                self._gzip = gzip.GzipFile(fileobj=io.BytesIO(stream.read()))

    def _open(self) -> io.BufferedReader | io.BytesIO:
        if not isinstance(self._source, str):
            return io.BytesIO(self._source)
        try:
            # O_NONBLOCK: opening a pipe without a writer would wait for ever.
            file = os.open(self._source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ReadError(f"cannot be opened: {reason}") from None
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise ReadError("is not a regular file")
        return open(file, "rb")

    def has(self, end: int) -> bool:
        """Whether there are so many bytes; a gzip stream is inflated up to there."""
        if self._gzip is None:
            return end <= self.size
        if end > self._most:
            raise TooLarge(f"inflates to more than {self._most} bytes; raise max_pixels to read it")
        try:
            while len(self._inflated) < end:
                more = self._gzip.read(min(end - len(self._inflated), 1 << 20))
                if not more:
                    return False
                self._inflated += more
        except EOFError:
            return False
        except (OSError, zlib.error) as error:
            raise ReadError(f"the gzip stream is damaged: {error}") from None
        return True

    @property
    def is_gzip(self) -> bool:
        """Whether they are inflated."""
        return self._gzip is not None

    def count(self) -> int:
        """Return how many bytes are known to be there."""
        return self.size if self._gzip is None else len(self._inflated)

    def read(self, start: int, size: int) -> bytes:
        """Return at most `size` bytes."""
        if self._gzip is not None:
            self.has(start + size)
            return bytes(self._inflated[start : start + size])
        with self._open() as stream:
            stream.seek(start)
            return stream.read(size)

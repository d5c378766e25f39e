"""Gzip by zlib, no further than asked; twin of ``csrc/inflate.*``."""

from __future__ import annotations

import threading
import zlib

from galedge.core._pure.source import Source
from galedge.errors import ReadError, TooLarge, Truncated

__all__ = ["MOST_INFLATION", "GzipSource", "inflate_member", "is_gzip"]

MOST_INFLATION = 1032
"""DEFLATE emits at most 258 bytes for 2 bits."""

_CHUNK = 1 << 16
_GZIP = 31  # zlib's word for gzip's header and checks


def is_gzip(head: bytes) -> bool:
    """Whether the first bytes are a gzip member's."""
    return head.startswith(b"\x1f\x8b\x08")


def inflate_member(packed: bytes, most: int) -> bytes | None:
    """Inflate one member of at most `most` bytes; None if it is damaged or larger."""
    inflater = zlib.decompressobj(_GZIP)
    try:
        data = inflater.decompress(packed, most + 1)
    except zlib.error:
        return None
    return data if inflater.eof and len(data) <= most else None


class GzipSource:
    """The inflated bytes of a gzipped source, of one member or several."""

    def __init__(self, packed: Source, most: int) -> None:
        self._packed, self._most = packed, most
        self._taken = 0
        self._data = bytearray()
        self._inflater = zlib.decompressobj(_GZIP)
        self._complete = False
        self._lock = threading.Lock()

    def has(self, end: int) -> bool:
        """Whether there are so many bytes; the stream is inflated up to there."""
        if end <= len(self._data):
            return True
        if end > self._most:
            raise TooLarge(f"inflates to more than {self._most} bytes; raise max_pixels to read it")
        if end // MOST_INFLATION > self._packed.size:
            raise Truncated(
                f"truncated: the header promises {end} bytes, "
                f"more than {self._packed.size} gzipped bytes can hold"
            )
        with self._lock:
            # A little further, so that the checks behind a small file are compared.
            self._fill(end + _CHUNK)
        return end <= len(self._data)

    def _fill(self, end: int) -> None:
        while len(self._data) < end and not self._complete:
            rest = self._inflater.unconsumed_tail
            if self._inflater.eof:
                rest = self._inflater.unused_data
                rest += self._next() if len(rest) < 3 else b""
                if not is_gzip(rest):  # what follows the last member is padding
                    self._complete = True
                    return
                self._inflater = zlib.decompressobj(_GZIP)
            rest = rest or self._next()
            if not rest:
                raise Truncated("truncated: the gzip stream ends before its end")
            try:
                self._data += self._inflater.decompress(rest, min(end - len(self._data), 1 << 20))
            except zlib.error:
                raise ReadError("the gzip stream is damaged") from None

    def _next(self) -> bytes:
        more = self._packed.read(self._taken, _CHUNK)
        self._taken += len(more)
        return more

    def count(self) -> int:
        """Return how many bytes are known to be there."""
        return len(self._data)

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes, or fewer at the end."""
        self.has(start + size)
        return bytes(self._data[start : start + size])

"""Packed files: gzip and bzip2, inflated from the front and no further than is needed."""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Iterator
from typing import IO, Any

from galedge.errors import ReadError, TooLarge, Truncated

__all__ = ["Packed", "inflated", "is_packed"]

_CHUNK = 1 << 16
_MOST = 1 << 20  # that is inflated at a time


def is_packed(head: bytes) -> bool:
    """Tell by its first bytes whether a file is packed."""
    return head.startswith((b"\x1f\x8b", b"BZh"))


def inflated(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield what a packed file holds, of one member or of several.

    Raises
    ------
    ReadError
        `Truncated` where the last one does not end, else where one is damaged. What
        follows the last one and is none is padding.
    """
    rest = stream.read(_CHUNK)
    is_gzip = rest.startswith(b"\x1f\x8b")
    name, magic = ("gzip", b"\x1f\x8b") if is_gzip else ("bzip2", b"BZh")
    while rest.startswith(magic):
        member: Any = zlib.decompressobj(zlib.MAX_WBITS | 16) if is_gzip else bz2.BZ2Decompressor()
        while not member.eof:
            if not rest and getattr(member, "needs_input", True):
                rest = stream.read(_CHUNK)
                if not rest:
                    raise Truncated(f"truncated: the {name} stream ends before its end")
            try:
                yield member.decompress(rest, _MOST)
            except (OSError, zlib.error):
                raise ReadError(f"the {name} stream is damaged") from None
            rest = getattr(member, "unconsumed_tail", b"")
        rest = member.unused_data
        if len(rest) < len(magic):
            rest += stream.read(_CHUNK)


class Packed:
    """What a packed file holds, as far as it was inflated.

    Parameters
    ----------
    stream : file object
    most : int
        More bytes than these are refused.
    """

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._pieces, self._most = inflated(stream), most
        self.data, self.complete = bytearray(), False

    def fill(self, size: int) -> None:
        """Inflate until there are `size` bytes, or no more."""
        if size > self._most and not self.complete:
            raise TooLarge(f"inflates to more than {self._most} bytes; raise max_pixels to read it")
        while len(self.data) < size and not self.complete:
            piece = next(self._pieces, None)
            self.complete = piece is None
            self.data += piece or b""

"""Answers in the headers of copies; the originals are only read.

A copy differs from its original in the cards below and in nothing else: headers
are copied card by card, data byte by byte, and both are compared afterwards.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any, cast

import numpy as np

from galedge.answers.result import Result
from galedge.core.backend import _core
from galedge.errors import GaledgeError, OutputError
from galedge.images.header import Header
from galedge.images.inputs import Rejected, stamp_of
from galedge.nights.cards import cards_of
from galedge.nights.journal import Stream
from galedge.nights.quarantine import below
from galedge.support.atomic import AtomicFile, make_folder
from galedge.support.log import unforeseen
from galedge.tables.rows import Row

__all__ = ["WriteBack", "copy_with_cards"]

_BLOCK, _CARD = 2880, 80
_CHUNK = 1 << 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


class WriteBack:
    """Copies of classified FITS files with the answer in their headers.

    Parameters
    ----------
    folder : str
        Made if it does not exist. A copy keeps the path that its original has
        below the folder it was found in, and replaces an earlier copy, but no
        other file.
    roots : sequence of str
        The files and folders that were named.
    note : function of a sentence
        Told why a file has no copy.
    """

    def __init__(self, folder: str, roots: Sequence[str], note: Callable[[str], None]) -> None:
        self._folder = folder
        self._roots = roots
        self._note = note
        self._written: set[str] = set()
        make_folder(folder)

    def stream(self, rows: Stream) -> Stream:
        """Return a stream that writes a copy before it passes each row on."""

        def copying(inputs: list[str | Rejected]) -> Iterator[Row]:
            for row in rows(inputs):
                if isinstance(row, Result) and row.ok:
                    self.copy(row)
                yield row

        return copying

    def copy(self, result: Result) -> None:
        """Write the copy for a result.

        Raises
        ------
        OutputError
            If there is no room; what is wrong with one file is only noted.
        """
        target = os.path.join(self._folder, below(result.path, self._roots))
        try:
            if target in self._written or not _is_ours(target):
                raise GaledgeError(f"{target} is there already")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            cards = {card.keyword: card.encoded() for card in cards_of(result)}
            copy_with_cards(result.path, target, result.hdu, cards)
            self._written.add(target)
        except OutputError:
            raise
        except (GaledgeError, OSError) as error:
            if isinstance(error, OSError) and error.errno in _NO_ROOM:
                raise OutputError(f"{target}: cannot be written: {error.strerror}") from error
            reason = getattr(error, "strerror", None) or error
            self._note(f"{result.path}: no copy with cards: {reason}")
        except Exception as error:
            self._note(f"{result.path}: no copy with cards: {unforeseen(error, result.path)}")


def copy_with_cards(path: str, target: str, hdu: int | None, cards: Mapping[str, bytes]) -> None:
    """Copy a FITS file, plain or gzipped, with cards added to one header.

    Parameters
    ----------
    path, target : str
    hdu : int or None
        Index of the HDU; None: the file is not FITS.
    cards : mapping of str to bytes
        By keyword, of 80 characters each. They replace those of the same keyword;
        a CHECKSUM is brought up to date.

    Raises
    ------
    GaledgeError
        If the file is of another kind, or has changed meanwhile.
    OutputError
        If the copy cannot be written.
    """
    before = stamp_of(path)
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        source = cast("IO[bytes]", gzip.GzipFile(fileobj=file) if packed else file)
        if hdu is None or source.read(6) != b"SIMPLE":
            raise GaledgeError("only FITS files, plain or gzipped, can be given cards")
        source.seek(0)
        start, end = _header_of(path, hdu)
        with AtomicFile(target) as copy:
            out: Any = copy.file
            if packed:
                out = gzip.GzipFile(os.path.basename(target)[:-3], "wb", fileobj=out, mtime=0)
            head = _digest_of(source, start, out)
            header = _edited(source.read(end - start), cards)
            out.write(header)
            data = _digest_of(source, None, out)
            if packed:
                out.close()
            copy.file.flush()
            _compare(copy.file.name, packed, (start, head), header, data)
            if stamp_of(path) != before:
                raise GaledgeError("it changed while being copied")


def _header_of(path: str, hdu: int) -> tuple[int, int]:
    """Return where an HDU's header begins, and where its data do."""
    hdus = _core.open_fits(path).hdus()
    start = 0
    if hdu:
        before = hdus[hdu - 1]
        start = before.data_offset + -(-before.data_bytes // _BLOCK) * _BLOCK
    return start, hdus[hdu].data_offset


def _edited(header: bytes, cards: Mapping[str, bytes]) -> bytes:
    """Return a header with cards before its END, padded to whole blocks."""
    old = [header[at : at + _CARD] for at in range(0, len(header), _CARD)]
    # What follows END in its block is padding, whatever bytes it is made of.
    old = old[: next(i for i, card in enumerate(old) if card.startswith(b"END     "))]
    kept = [
        # Zeros of text, which the sum of the header is to be reckoned with.
        b"CHECKSUM= '" + b"0" * 16 + b"'" + card[28:] if card.startswith(b"CHECKSUM=") else card
        for card in old
        if card[:8].rstrip().decode("latin-1") not in cards
    ]
    text = b"".join([*kept, *cards.values(), b"END".ljust(_CARD)])
    text = text.ljust(-(-len(text) // _BLOCK) * _BLOCK)
    # The sum over the HDU is to stay what it was: right if it was right.
    difference = (_sum(header) + (_sum(text) ^ 0xFFFFFFFF)) % 0xFFFFFFFF
    return text.replace(b"CHECKSUM= '" + b"0" * 16, b"CHECKSUM= '" + _encoded(difference), 1)


def _sum(content: bytes) -> int:
    """Return the sum of 32-bit words in ones' complement (FITS standard, appendix J)."""
    total = int(np.frombuffer(content, ">u4").sum(dtype=np.uint64))
    return total % 0xFFFFFFFF or 0xFFFFFFFF


def _encoded(value: int) -> bytes:
    """Return the 16 characters that add `value` to the sum of a header (ibid.)."""
    columns = []
    for byte in value.to_bytes(4, "big"):
        quarter, rest = divmod(byte, 4)
        text = [0x30 + quarter + rest, 0x30 + quarter, 0x30 + quarter, 0x30 + quarter]
        for i in (0, 2):  # punctuation is avoided, at the same sum
            while any(not chr(code).isalnum() for code in text[i : i + 2]):
                text[i] += 1
                text[i + 1] -= 1
        columns.append(text)
    plain = bytes(columns[i][j] for j in range(4) for i in range(4))
    return plain[-1:] + plain[:-1]  # a card's value begins one byte before a word


def _digest_of(source: IO[bytes], size: int | None, out: IO[bytes] | None = None) -> bytes:
    """Read `size` bytes, or all, into `out`; return their SHA-256."""
    digest = hashlib.sha256()
    left = size
    while left is None or left:
        chunk = source.read(_CHUNK if left is None else min(_CHUNK, left))
        if not chunk:
            break
        digest.update(chunk)
        if out is not None:
            out.write(chunk)
        if left is not None:
            left -= len(chunk)
    return digest.digest()


def _compare(name: str, packed: bool, head: tuple[int, bytes], header: bytes, data: bytes) -> None:
    """Read a copy back."""
    with gzip.open(name) if packed else open(name, "rb") as file:
        source = cast("IO[bytes]", file)
        same = _digest_of(source, head[0]) == head[1]
        same = same and source.read(len(header)) == header
        if not (same and _digest_of(source, None) == data):
            raise OutputError(f"{name}: reads back differently from what was written")


def _is_ours(target: str) -> bool:
    """Tell whether a name is free, or that of an earlier copy."""
    if not os.path.lexists(target):
        return True
    try:
        hdus = _core.open_fits(target).hdus()
    except (GaledgeError, OSError):
        return False
    return any("GEMODEL" in Header(hdu.text) for hdu in hdus)

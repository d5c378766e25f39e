"""Whether a file is all there, or somebody may still be writing it.

FITS says in its headers how long it is. Packed and other files have an end
that can be recognised, or else are decoded. Any doubt, damage included, is an
answer of no: to wait is cheap, and half an image is worse than none.
"""

from __future__ import annotations

import os
import warnings
from typing import IO

from galedge.images.formats import Fits, open_source
from galedge.images.header import HduName, Header
from galedge.images.image import MAX_PIXELS, read
from galedge.support.packed import inflated, is_packed
from galedge.support.system import open_read

__all__ = ["is_complete"]

_BLOCK = 2880  # bytes; FITS files are made of such
_MORE = 1 << 20  # bytes that a packed file may hold beyond its last HDU
_TAIL = 64  # bytes in which a picture's end is looked for


def is_complete(path: str, hdu: HduName | None = None) -> bool:
    """Tell whether a file holds all that it says it does.

    Parameters
    ----------
    path : str
    hdu : int or str, optional
        The HDU that will be read. Default: the first image.

    Returns
    -------
    bool
        False also for what cannot be opened, is damaged, or is no image.
    """
    try:
        with open(path, "rb", opener=open_read) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, about what is cut: False says it
            head = file.read(16)
            if head.startswith(b"SIMPLE") or is_packed(head):
                declared = _declared(path, hdu)
                if head.startswith(b"SIMPLE"):
                    return 0 < declared <= os.fstat(file.fileno()).st_size
                return declared > 0 and _is_whole_stream(file, declared + _MORE)
            return _has_end(file, head) and read(path) is not None
    except Exception:  # decoders of half a file raise whatever they stumble over
        return False


def _declared(path: str, hdu: HduName | None) -> int:
    """Return the length that the headers promise; 0 if HDUs are still to come.

    Raises
    ------
    ReadError
        If a header is cut, or the wanted image is not there.
    """
    opened = open_source(path, MAX_PIXELS, None, whole=True)
    assert isinstance(opened, Fits)
    opened.image(hdu)
    hdus = opened.file.hdus()
    following = Header(hdus[0].text).get("NEXTEND")
    if isinstance(following, int) and len(hdus) <= following:
        return 0
    return hdus[-1].data_offset + -(-hdus[-1].data_bytes // _BLOCK) * _BLOCK


def _is_whole_stream(file: IO[bytes], most: int) -> bool:
    """Tell whether a packed file ends with its trailer, having held `most` bytes or less."""
    file.seek(0)
    for piece in inflated(file):  # which raises where it does not
        most -= len(piece)
        if most < 0:
            return False
    return True


def _has_end(file: IO[bytes], head: bytes) -> bool:
    """Tell whether a picture ends as its kind does."""
    end = {b"\xff\xd8\xff": b"\xff\xd9", b"\x89PN": b"IEND\xaeB`\x82"}.get(head[:3])
    if end is None:
        return True  # TIFF and NumPy files: decoding tells
    file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
    return end in file.read()

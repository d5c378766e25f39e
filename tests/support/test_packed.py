"""Packed files: whole, in several members, cut, damaged, and bombs."""

from __future__ import annotations

import bz2
import gzip
import io

import numpy as np
import pytest

from galedge.errors import ReadError, TooLarge, Truncated
from galedge.support import packed
from galedge.support.packed import Packed, inflated

CONTENT = np.random.default_rng(0).integers(0, 9, 3000, np.uint8).tobytes()
PACKS = pytest.mark.parametrize("pack", [gzip.compress, bz2.compress], ids=["gzip", "bzip2"])


@PACKS
@pytest.mark.parametrize("chunk", [3, 64, 1 << 16])
@pytest.mark.parametrize("tail", [b"", b"\0\0\0", b"BZ", b"\x1f", b"junk"])
def test_members_are_joined_wherever_a_read_ends(monkeypatch, pack, chunk, tail):
    monkeypatch.setattr(packed, "_CHUNK", chunk)
    monkeypatch.setattr(packed, "_MOST", 100)
    stream = io.BytesIO(b"".join(pack(CONTENT[i : i + 777]) for i in range(0, 3000, 777)) + tail)
    assert b"".join(inflated(stream)) == CONTENT


@PACKS
def test_every_cut_is_noticed(pack):
    content = pack(CONTENT)
    for end in range(3, len(content), 7):
        with pytest.raises(Truncated, match="stream ends before its end"):
            list(inflated(io.BytesIO(content[:end])))
    damaged = bytearray(content)
    damaged[-6 if pack is gzip.compress else 60] ^= 0xFF  # of the check, or within
    with pytest.raises(ReadError, match="stream is damaged"):
        list(inflated(io.BytesIO(damaged)))


@PACKS
def test_no_more_is_inflated_than_is_wanted(pack):
    stream = io.BytesIO(pack(bytes(50 << 20)))
    found = Packed(stream, 3 << 20)
    found.fill(1000)
    assert 1000 <= len(found.data) <= 2 << 20
    with pytest.raises(TooLarge, match="inflates to more than 3145728 bytes"):
        found.fill((3 << 20) + 1)
    assert len(found.data) <= 2 << 20
    small = Packed(io.BytesIO(pack(CONTENT)), 5000)
    small.fill(4000)
    assert (bytes(small.data), small.complete) == (CONTENT, True)
    small.fill(6000)  # there are no more, whatever is asked for

"""The Rice decoder, against a coder written from the standard."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.exact import assert_same
from helpers.fits_files import image_cards, rice_encode, tile_table

from galedge.images.image import read


@pytest.mark.parametrize("block", [1, 16, 32, 100])
@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("kind", ["full range", "steps", "constant", "mixed"])
def test_rice_blocks_of_every_sort(bits, block, kind):
    rng = np.random.default_rng(bits * block)
    low, high = (0, 255) if bits == 8 else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    values = {
        "full range": rng.integers(low, high, 501, endpoint=True),
        "steps": np.cumsum(rng.integers(-2, 3, 501)) % 200,
        "constant": np.full(501, high),
        "mixed": np.where(np.arange(501) % 90 < 50, 7, rng.integers(low, high, 501)),
    }[kind].reshape(3, 167)
    tiles = [rice_encode(values, bits, block)]
    extra = [("ZNAME1", "BLOCKSIZE"), ("ZVAL1", block), ("ZNAME2", "BYTEPIX"), ("ZVAL2", bits // 8)]
    content = tile_table(
        image_cards("RICE_1", bits, (3, 167), (3, 167), *extra), [("COMPRESSED_DATA", "B", tiles)]
    )
    assert_same(read(content, dtype="float32").data, values.astype(np.float32))


@pytest.mark.parametrize(("bits", "raw"), [(8, 6), (16, 14), (32, 25)])
def test_rice_parameters_of_every_size(bits, raw):
    # A small parameter makes long runs of zeros: up to thousands of bits here.
    rng = np.random.default_rng(bits)
    for fs in range(raw + 1):
        top = min(1 << (fs + 9), 1 << (bits - 1)) if fs < raw else 1 << (bits - 1)
        values = rng.integers(0, top, 77)
        extra = [("ZNAME1", "BYTEPIX"), ("ZVAL1", bits // 8)]
        content = tile_table(
            image_cards("RICE_1", bits, (7, 11), (7, 11), *extra),
            [("COMPRESSED_DATA", "B", [rice_encode(values, bits, force=fs)])],
        )
        assert_same(read(content, dtype="float32").data.ravel(), values.astype(np.float32))


def test_rice_of_four_bytes_may_hold_shorts():
    values = np.arange(-20, 15).reshape(5, 7)
    tiles = [rice_encode(row, 32) for row in values]
    cards = image_cards("RICE_1", 16, (5, 7), (1, 7), ("BSCALE", 0.1), ("BZERO", 3.0))
    content = tile_table(cards, [("COMPRESSED_DATA", "B", tiles)])
    assert_same(read(content).data, values.astype(np.float32) * np.float32(0.1) + np.float32(3))

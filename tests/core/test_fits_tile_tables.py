"""Tables of tiles, built by hand: what astropy reads but does not write, and damage."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from helpers.exact import assert_same
from helpers.fits_files import image_cards, rice_encode, stored, tile_table

from galedge.core import _core, fallback
from galedge.errors import ReadError, TooLarge, Truncated, Unsupported
from galedge.images.image import read


@pytest.mark.parametrize("gap", [0, 13])
@pytest.mark.parametrize("wide", [False, True], ids=["P", "Q"])
def test_descriptors_and_heap_gap(wide, gap):
    values = np.arange(35, dtype=np.int32).reshape(5, 7)
    tiles = [gzip.compress(row.astype(">i4").tobytes()) for row in values]
    content = tile_table(
        image_cards("GZIP_1", 32, (5, 7), (1, 7)),
        [("COMPRESSED_DATA", "B", tiles)], wide=wide, gap=gap,
    )  # fmt: skip
    assert_same(read(content).data, values.astype(np.float32))


def test_tiles_that_were_not_compressed():
    values = stored(-32, (4, 7))
    rows = [row.astype(">f4").tobytes() for row in values]
    quantized = gzip.compress(np.arange(7, dtype=">i4").tobytes())
    content = tile_table(
        image_cards("GZIP_1", -32, (4, 7), (1, 7)),
        [
            ("COMPRESSED_DATA", "B", [b"", b"", quantized, b""]),
            (
                "GZIP_COMPRESSED_DATA",
                "B",
                [gzip.compress(rows[0]), b"", b"", gzip.compress(rows[3])],
            ),
            ("UNCOMPRESSED_DATA", "E", [b"", rows[1], b"", b""]),
            ("ZSCALE", "D", [1.0, 1.0, 0.25, 1.0]),
            ("ZZERO", "D", [0.0, 0.0, -3.0, 0.0]),
        ],
    )
    values[2] = np.arange(7) * 0.25 - 3
    assert_same(read(content).data, values)


def test_uncompressed_doubles_of_a_quantized_float_image():
    values = np.linspace(0, 1, 14).reshape(2, 7)
    content = tile_table(
        image_cards("RICE_1", -32, (2, 7), (1, 7)),
        [
            ("COMPRESSED_DATA", "B", [b"", b""]),
            ("UNCOMPRESSED_DATA", "D", [row.astype(">f8").tobytes() for row in values]),
            ("ZSCALE", "D", [1.0, 1.0]),
            ("ZZERO", "D", [0.0, 0.0]),
        ],
    )
    assert_same(read(content).data, values.astype(np.float32))


def test_scale_zero_and_blank_as_keywords():
    stored_values = np.array([[1, 2, 3], [4, -9, 6]])
    tiles = [rice_encode(row, 32) for row in stored_values]
    cards = image_cards(
        "RICE_1", -32, (2, 3), (1, 3), ("ZSCALE", 0.5), ("ZZERO", 10.0), ("ZBLANK", -9)
    )
    data = read(tile_table(cards, [("COMPRESSED_DATA", "B", tiles)])).data
    np.testing.assert_array_equal(data, np.float32([[10.5, 11, 11.5], [12, np.nan, 13]]))


@pytest.mark.parametrize("letter", ["B", "I", "J", "K"])
def test_blank_as_a_column(letter):
    stored_values = np.array([[1, 2, 3], [4, 5, 6]])
    tiles = [rice_encode(row, 32) for row in stored_values]
    blanks = ("ZBLANK", letter, [2, 6])
    expected = np.float32([[1, np.nan, 3], [4, 5, np.nan]])
    integer = image_cards("RICE_1", 32, (2, 3), (1, 3))
    table = tile_table(integer, [("COMPRESSED_DATA", "B", tiles), blanks])
    np.testing.assert_array_equal(read(table).data, expected)
    real = image_cards("RICE_1", -64, (2, 3), (1, 3))
    scales = [("ZSCALE", "E", [0.5, 2.0]), ("ZZERO", "E", [0.0, 1.0])]
    table = tile_table(real, [("COMPRESSED_DATA", "B", tiles), *scales, blanks])
    np.testing.assert_array_equal(read(table).data, expected * [[0.5], [2]] + [[0], [1]])


def test_blank_means_nothing_among_quantized_floats():
    # CFITSIO agrees; astropy takes it for ZBLANK.
    tiles = [rice_encode(row, 32) for row in np.array([[1, 2, 3], [4, -9, 6]])]
    cards = image_cards(
        "RICE_1", -32, (2, 3), (1, 3), ("ZSCALE", 0.5), ("ZZERO", 10.0), ("BLANK", -9)
    )
    data = read(tile_table(cards, [("COMPRESSED_DATA", "B", tiles)])).data
    np.testing.assert_array_equal(data, np.float32([[10.5, 11, 11.5], [12, 5.5, 13]]))


def test_blank_integers_of_a_compressed_image_are_nan():
    values = np.array([[1, 2, -99], [4, -99, 6]])
    tiles = [rice_encode(row, 16) for row in values]
    extra = [("ZNAME1", "BYTEPIX"), ("ZVAL1", 2), ("BZERO", 32768)]
    for keyword in ("BLANK", "ZBLANK"):
        cards = image_cards("RICE_1", 16, (2, 3), (1, 3), *extra, (keyword, -99))
        data = read(tile_table(cards, [("COMPRESSED_DATA", "B", tiles)])).data
        assert_same(data, np.where(values == -99, np.nan, values + 32768.0).astype(np.float32))


def test_tiles_in_any_order_in_the_heap(tmp_path):
    values = np.arange(60, dtype=np.int32).reshape(6, 10)
    content = tile_table(
        image_cards("GZIP_1", 32, (6, 10), (1, 10)),
        [
            (
                "COMPRESSED_DATA",
                "B",
                [gzip.compress(r.astype(">i4").tobytes()) for r in values[::-1]],
            )
        ],
    )
    # Swap the rows of the table: tile 1 is now last in the heap.
    table = content.index(b"\0\0\0", 2 * 2880)
    rows = np.frombuffer(content[table : table + 48], ">i4").reshape(6, 2)[::-1]
    path = tmp_path / "a.fits"
    path.write_bytes(content[:table] + rows.tobytes() + content[table + 48 :])
    assert_same(read(path).data, values.astype(np.float32))


# --- what is wrong or not read ----------------------------------------------------


def rice_image(*extra: tuple[str, object], tile: bytes | None = None) -> bytes:
    values = np.arange(100).reshape(10, 10)
    tiles = [rice_encode(row, 32) if tile is None else tile for row in values]
    return tile_table(
        image_cards("RICE_1", 32, (10, 10), (1, 10), *extra), [("COMPRESSED_DATA", "B", tiles)]
    )


def test_damaged_tiles_are_named():
    with pytest.raises(ReadError, match="tile 1 ends before its 10 pixels do"):
        read(rice_image(tile=b"\0\0\0\1\x10\0\0\0"))
    with pytest.raises(ReadError, match="tile 1 ends before its 10 pixels do"):
        read(rice_image(tile=b"\0"))
    with pytest.raises(ReadError, match="tile 1 has no data"):
        read(rice_image(tile=b""))
    gzipped = tile_table(
        image_cards("GZIP_1", 32, (1, 3), (1, 3)), [("COMPRESSED_DATA", "B", [b"no gzip" * 9])]
    )
    with pytest.raises(ReadError, match="tile 1 is a damaged gzip stream"):
        read(gzipped)
    short = gzip.compress(b"\0" * 11)
    with pytest.raises(ReadError, match="tile 1 inflates to 11 bytes, not to 3 pixels"):
        read(
            tile_table(
                image_cards("GZIP_1", 32, (1, 3), (1, 3)), [("COMPRESSED_DATA", "B", [short])]
            )
        )


def test_tile_that_is_a_bomb():
    bomb = gzip.compress(b"\0" * 50_000_000)
    content = tile_table(
        image_cards("GZIP_1", 32, (3, 3), (3, 3)), [("COMPRESSED_DATA", "B", [bomb])]
    )
    with pytest.raises(ReadError, match="tile 1"):
        read(content)


def test_a_huge_image_of_few_bytes_is_refused_before_allocating():
    cards = image_cards("GZIP_1", 32, (16000, 16000), (16000, 16000))
    content = tile_table(cards, [("COMPRESSED_DATA", "B", [gzip.compress(b"\0" * 4000)])])
    with pytest.raises(ReadError, match="too few for its 256000000 pixels"):
        read(content)
    cards = image_cards("GZIP_1", 32, (40000, 40000), (1, 40000))
    with pytest.raises(TooLarge, match="raise max_pixels"):
        read(tile_table(cards, [("COMPRESSED_DATA", "B", [b"x"])]))


def test_unknown_codec_and_truncation():
    with pytest.raises(Unsupported, match="compressed by BZIP9"):
        read(rice_image().replace(b"'RICE_1  '", b"'BZIP9   '"))
    content = rice_image()
    with pytest.raises(Truncated, match="the file ends after"):
        read(content[:-2870])


@pytest.mark.parametrize("module", [_core, fallback], ids=["core", "stand-in"])
def test_an_image_is_called_by_its_own_name(module):
    """PyFITS put COMPRESSED_IMAGE before it; such files are in the archive of CFHT."""
    for names, name in ((["ccd00"], "ccd00"), ([], "COMPRESSED_IMAGE")):
        extra = [("EXTNAME", each) for each in ("COMPRESSED_IMAGE", *names)]
        cards = image_cards("RICE_1", 16, (2, 3), (2, 3), *extra)
        content = tile_table(cards, [("COMPRESSED_DATA", "B", [b"\0\1\0\0\0"])])
        found = module.open_fits_buffer(content, 1 << 20).image(name.upper())
        assert found.name == name
        assert module.told(found.text, ["EXTNAME"]) == [("EXTNAME", name)]

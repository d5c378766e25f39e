"""Tile-compressed images: as astropy gives them, and by hand what it cannot write."""

from __future__ import annotations

import gzip
import io
import itertools
from pathlib import Path

import astropy.io.fits.hdu.compressed as compressed_package
import numpy as np
import pytest
from astropy.io import fits as astropy_fits
from fits_files import image_cards, rice_encode, stored, tile_table
from test_fits_plain import assert_same, by_astropy

from galedge.errors import ReadError, TooLarge, Truncated, Unsupported
from galedge.image import read

CODECS = ["RICE_1", "GZIP_1", "GZIP_2"]
INTEGERS = ["uint8", "int16", "int32", "uint16", "uint32"]
TILES = [(1, 41), (7, 11), (31, 41), (31, 1), (16, 16), (30, 40)]
DITHERS = {"NO_DITHER": -1, "SUBTRACTIVE_DITHER_1": 1, "SUBTRACTIVE_DITHER_2": 2}


def compress(data: np.ndarray, codec: str, tile: tuple[int, ...], **options: object) -> bytes:
    stream = io.BytesIO()
    hdu = astropy_fits.CompImageHDU(data, compression_type=codec, tile_shape=tile, **options)
    hdu.writeto(stream)
    return stream.getvalue()


def noisy(shape: tuple[int, ...], dtype: str, seed: int = 5) -> np.ndarray:
    """A sky with sources: what the codecs were made for, and some they were not."""
    rng = np.random.default_rng(seed)
    data = rng.normal(100, 5, size=shape)
    data.flat[:: max(data.size // 13, 1)] = 30_000 if dtype != "uint8" else 255
    data[..., : shape[-1] // 3] = 42  # a constant patch
    return data.astype(dtype)


@pytest.mark.parametrize("tile", TILES, ids=str)
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("codec", CODECS)
def test_integers(codec, dtype, tile):
    content = compress(noisy((31, 41), dtype), codec, tile)
    image = read(content)
    assert image.hdu == 1
    assert_same(image.data, by_astropy(content, "float32", 1))
    assert_same(read(content, dtype="float64").data, by_astropy(content, "float64", 1))


@pytest.mark.parametrize("nan", [False, True], ids=["finite", "nan"])
@pytest.mark.parametrize("dither", DITHERS)
@pytest.mark.parametrize("tile", TILES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("codec", CODECS)
def test_quantized_floats(codec, dtype, tile, dither, nan):
    data = noisy((31, 41), dtype)
    data[3:9, 20:30] = 0  # exact zeros survive SUBTRACTIVE_DITHER_2
    if nan:
        data[5:25, 30:] = np.nan
    content = compress(
        data, codec, tile, quantize_level=16, quantize_method=DITHERS[dither], dither_seed=9998
    )
    ours = read(content)
    assert_same(ours.data, by_astropy(content, "float32", 1))
    assert_same(read(content, dtype="float64").data, by_astropy(content, "float64", 1))
    assert np.array_equal(np.isnan(ours.data), np.isnan(data))
    if dither == "SUBTRACTIVE_DITHER_2" and not nan:
        quantized = ours.data[3:9, 20:30] == 0
        assert quantized.mean() > 0.5  # tiles that did not quantize are exact anyway


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("codec", ["GZIP_1", "GZIP_2"])
def test_lossless_floats(codec, dtype):
    data = stored(-32 if dtype == "float32" else -64, (31, 41))
    content = compress(data, codec, (7, 11), quantize_level=0)
    ours = read(content, dtype=dtype).data
    np.testing.assert_array_equal(ours, data)
    assert_same(ours, by_astropy(content, dtype, 1))


def test_random_numbers_of_the_dither_go_around():
    # More pixels in a tile than the list of random numbers has, every seed range.
    data = noisy((130, 190), "float32")
    for seed in (1, 5000, 10000):
        content = compress(data, "RICE_1", (130, 190), quantize_method=1, dither_seed=seed)
        assert_same(read(content).data, by_astropy(content, "float32", 1))


@pytest.mark.parametrize("tile", [(1, 1, 41), (3, 7, 11), (5, 31, 41), (2, 16, 1)], ids=str)
def test_cubes_planes_and_windows(tmp_path, tile):
    cube = noisy((5, 31, 41), "int16")
    path = tmp_path / "cube.fits.fz"
    path.write_bytes(compress(cube, "RICE_1", tile))
    everything = cube.astype(np.float32)
    for source in (path, path.read_bytes(), gzip.compress(path.read_bytes())):
        assert_same(read(source).data, everything)
        windows = [(0, 0, 41, 31), (9, 8, 25, 13), (40, 30, 1, 1)]
        for plane, window in itertools.product((0, 3, 4), windows):
            x, y, width, height = window
            expected = np.ascontiguousarray(everything[plane, y : y + height, x : x + width])
            assert_same(read(source, plane=plane, window=window).data, expected)
        part = read(source, window=(9, 8, 25, 13)).data
        assert_same(part, np.ascontiguousarray(everything[:, 8:21, 9:34]))


@pytest.mark.parametrize(
    ("shape", "tile"),
    [
        ((1, 1), (1, 1)),
        ((1, 9), (1, 4)),
        ((9, 1), (4, 1)),
        ((1, 9, 1), (1, 4, 1)),
        ((9, 1, 1), (2, 1, 1)),
        ((1, 1, 9), (1, 1, 2)),
        ((3, 1, 9), (2, 1, 4)),
        ((1, 5, 9), (1, 2, 4)),
    ],
)
def test_axes_of_length_one(shape, tile):
    data = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    content = compress(data, "GZIP_1", tile)
    ours = read(content).data
    assert ours.shape == read(plain(data)).data.shape
    np.testing.assert_array_equal(ours.ravel(), data.ravel())


def plain(data: np.ndarray) -> bytes:
    stream = io.BytesIO()
    astropy_fits.PrimaryHDU(data).writeto(stream)
    return stream.getvalue()


def test_header_is_that_of_the_image():
    content = compress(noisy((31, 41), "uint16"), "RICE_1", (7, 11))
    header = read(content).header
    assert [header[k] for k in ("BITPIX", "NAXIS", "NAXIS1", "NAXIS2")] == [16, 2, 41, 31]
    assert header["BZERO"] == 32768
    assert not {"ZBITPIX", "TFIELDS", "TTYPE1", "ZTILE1", "ZCMPTYPE", "PCOUNT1"} & set(header)


# --- the Rice coder, against one written from the standard ------------------------


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
    assert_same(read(content).data, values.astype(np.float32))


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
        assert_same(read(content).data.ravel(), values.astype(np.float32))


def test_rice_of_four_bytes_may_hold_shorts():
    values = np.arange(-20, 15).reshape(5, 7)
    tiles = [rice_encode(row, 32) for row in values]
    cards = image_cards("RICE_1", 16, (5, 7), (1, 7), ("BSCALE", 0.1), ("BZERO", 3.0))
    content = tile_table(cards, [("COMPRESSED_DATA", "B", tiles)])
    assert_same(read(content).data, values.astype(np.float32) * np.float32(0.1) + np.float32(3))


# --- tables that astropy reads but does not write ---------------------------------


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


def test_long_heaps_are_read_in_pieces(tmp_path):
    rng = np.random.default_rng(3)
    values = rng.integers(-30000, 30000, (300, 700), dtype=np.int16)
    path = tmp_path / "a.fits"
    path.write_bytes(compress(values, "RICE_1", (1, 700)))
    assert path.stat().st_size > 300_000
    assert_same(read(path).data, values.astype(np.float32))
    part = read(path, window=(100, 120, 50, 60)).data
    assert_same(part, np.ascontiguousarray(values[120:180, 100:150], dtype=np.float32))


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


def test_astropys_own_files():
    folder = Path(compressed_package.__file__).parent / "tests" / "data"
    seen = 0
    for path in sorted(folder.glob("*.fits")):
        with astropy_fits.open(path) as hdus:
            kinds = [
                (h.compression_type if isinstance(h, astropy_fits.CompImageHDU) else "")
                for h in hdus
            ]
            theirs = {i: hdus[i].data.astype("float32") for i, k in enumerate(kinds) if k in CODECS}
        for hdu, data in theirs.items():
            assert_same(read(path, hdu).data, data)
            seen += 1
    assert seen >= 3

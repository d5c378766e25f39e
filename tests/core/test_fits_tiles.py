"""Tile-compressed images as astropy gives them."""

from __future__ import annotations

import gzip
import io
import itertools
from pathlib import Path

import astropy.io.fits.hdu.compressed as compressed_package
import numpy as np
import pytest
from astropy.io import fits as astropy_fits
from helpers.exact import assert_same, by_astropy
from helpers.fits_files import stored

from galedge.images.image import read

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
    image = read(content, dtype="float32")
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


def test_long_heaps_are_read_in_pieces(tmp_path):
    rng = np.random.default_rng(3)
    values = rng.integers(-30000, 30000, (300, 700), dtype=np.int16)
    path = tmp_path / "a.fits"
    path.write_bytes(compress(values, "RICE_1", (1, 700)))
    assert path.stat().st_size > 300_000
    assert_same(read(path).data, values.astype(np.float32))
    part = read(path, window=(100, 120, 50, 60)).data
    assert_same(part, np.ascontiguousarray(values[120:180, 100:150], dtype=np.float32))


def test_astropys_own_files():
    folder = Path(compressed_package.__file__).parent / "tests" / "data"
    seen = 0
    for path in sorted(folder.glob("*.fits")):
        with astropy_fits.open(path) as hdus:
            tiled = [i for i, h in enumerate(hdus) if getattr(h, "compression_type", "") in CODECS]
        for hdu in tiled:
            assert_same(read(path, hdu).data, by_astropy(path.read_bytes(), "float32", hdu))
            seen += 1
    assert seen >= 3

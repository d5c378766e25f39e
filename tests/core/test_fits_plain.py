"""Plain images: every BITPIX and scaling, bit for bit as astropy gives them."""

from __future__ import annotations

import bz2
import gzip
import io

import numpy as np
import pytest
from helpers.exact import assert_same, by_astropy
from helpers.fits_files import EMPTY_PRIMARY, extension, primary, stored

from galedge.core import _core
from galedge.errors import ReadError, TooLarge, Truncated, Unsupported
from galedge.images.image import read

SHAPES = [(1, 1), (1, 7), (7, 1), (3, 5), (33, 65), (4, 31, 17)]
BITPIX = [8, 16, 32, 64, -32, -64]
SCALINGS = {
    "none": [],
    "linear": [("BSCALE", 0.045777764213996), ("BZERO", 1500.0)],
    "scale only": [("BSCALE", -2.0)],
    "zero only": [("BZERO", 12.25)],
    "integers": [("BSCALE", 3), ("BZERO", -7)],
    "trivial": [("BSCALE", 1.0), ("BZERO", 0.0)],
}
UNSIGNED = {8: -128, 16: 1 << 15, 32: 1 << 31, 64: 1 << 63}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("bitpix", BITPIX)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_agrees_with_astropy(shape, bitpix, scaling, dtype):
    content = primary(stored(bitpix, shape), bitpix, *SCALINGS[scaling])
    image = read(content, dtype=dtype)
    assert image.data.shape == shape
    assert_same(image.data, by_astropy(content, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bitpix", UNSIGNED)
def test_unsigned_conventions_are_exact(bitpix, dtype):
    content = primary(stored(bitpix, (40, 30)), bitpix, ("BSCALE", 1), ("BZERO", UNSIGNED[bitpix]))
    assert_same(read(content, dtype=dtype).data, by_astropy(content, dtype))


@pytest.mark.parametrize("scaling", ["none", "linear", "integers"])
@pytest.mark.parametrize("bitpix", [8, 16, 32, 64])
def test_blank_is_nan(bitpix, scaling):
    values = stored(bitpix, (20, 30))
    values[3:5, 7:20] = 99
    content = primary(values, bitpix, ("BLANK", 99), *SCALINGS[scaling])
    data = read(content).data
    assert_same(data, by_astropy(content, "float32"))
    assert np.array_equal(np.isnan(data), values == 99)


def test_blank_of_zero_and_of_unsigned_integers_is_nan_too():
    # astropy leaves these two as numbers; the standard makes no exception.
    values = np.array([[0, 1], [2, -32768]])
    zero = read(primary(values, 16, ("BLANK", 0))).data
    np.testing.assert_array_equal(zero, np.float32([[np.nan, 1], [2, -32768]]))
    unsigned = read(primary(values, 16, ("BZERO", 32768), ("BLANK", -32768))).data
    np.testing.assert_array_equal(unsigned, np.float32([[32768, 32769], [32770, np.nan]]))


@pytest.mark.parametrize("blank", [300, -1, 1 << 40])
def test_blank_outside_the_type_marks_nothing(blank):
    values = np.arange(256).reshape(16, 16)
    np.testing.assert_array_equal(read(primary(values, 8, ("BLANK", blank))).data, values)


def test_blank_means_nothing_for_floats():
    values = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(read(primary(values, -32, ("BLANK", 3))).data, values)


def test_first_image_is_found_behind_other_hdus():
    content = (
        EMPTY_PRIMARY
        + extension(np.arange(5), 16)  # a spectrum
        + extension(np.arange(6).reshape(2, 3), 16, ("EXTNAME", "SCI"))
        + extension(np.ones((4, 4)), -32, ("EXTNAME", "ERR"))
    )
    image = read(content)
    assert image.hdu == 2
    np.testing.assert_array_equal(image.data, [[0, 1, 2], [3, 4, 5]])
    assert read(content, hdu="err").hdu == 3
    assert read(content, hdu=3).data.shape == (4, 4)
    with pytest.raises(Unsupported, match="HDU 1 is not a two-dimensional image: it has 5"):
        read(content, hdu=1)
    with pytest.raises(ReadError, match="no HDU 4: the file has 4"):
        read(content, hdu=4)
    with pytest.raises(ReadError, match="no HDU is named DQ"):
        read(content, hdu="DQ")
    with pytest.raises(ReadError, match="no image in the file"):
        read(EMPTY_PRIMARY)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress], ids=["plain", "gz", "bz2"])
@pytest.mark.parametrize("place", ["path", "bytes", "file object"])
def test_places_and_packings_agree(tmp_path, pack, place):
    # Larger than what is read ahead, and with an HDU to skip.
    first, second = stored(-32, (200, 301), 1), stored(16, (300, 401), 2)
    content = pack(primary(first, -32) + extension(second, 16))
    path = tmp_path / "a.image"  # the name says nothing
    path.write_bytes(content)
    for hdu, values in enumerate((first, second)):
        source = {"path": path, "bytes": content, "file object": io.BytesIO(content)}[place]
        assert_same(read(source, hdu).data, values.astype(np.float32))


@pytest.mark.parametrize("window", [(0, 0, 1, 1), (3, 5, 20, 7), (0, 4, 31, 13), (30, 16, 1, 1)])
@pytest.mark.parametrize("bitpix", BITPIX)
def test_windows_and_planes(tmp_path, bitpix, window):
    cube = stored(bitpix, (3, 17, 31))
    path = tmp_path / "cube.fits"
    path.write_bytes(primary(cube, bitpix))
    x, y, width, height = window
    for source in (path, path.read_bytes(), gzip.compress(path.read_bytes())):
        everything = read(source, dtype="float32").data
        part = read(source, dtype="float32", window=window)
        assert_same(part.data, np.ascontiguousarray(everything[:, y : y + height, x : x + width]))
        one = read(source, dtype="float32", plane=1, window=window).data
        assert_same(one, np.ascontiguousarray(part.data[1]))


def test_large_windows_cross_chunks(tmp_path):
    values = stored(16, (700, 900))
    path = tmp_path / "large.fits"
    path.write_bytes(primary(values, 16))
    assert_same(read(path).data, values.astype(np.float32))
    part = read(path, window=(1, 2, 898, 690)).data
    assert_same(part, np.ascontiguousarray(values[2:692, 1:899], dtype=np.float32))


@pytest.mark.parametrize(
    ("stored_shape", "shape"),
    [
        ((1, 4, 5), (4, 5)),
        ((4, 5, 1), (4, 5)),
        ((4, 1, 5), (4, 5)),
        ((1, 1, 5), (1, 5)),
        ((5, 1, 1), (5, 1)),
        ((1, 1, 1), (1, 1)),
        ((2, 1, 4, 5), (2, 4, 5)),
        ((2, 3, 4, 5), (6, 4, 5)),
    ],
)
def test_axes_of_length_one_are_dropped(stored_shape, shape):
    values = np.arange(np.prod(stored_shape)).reshape(stored_shape)
    data = read(primary(values, 32)).data
    assert data.shape == shape
    np.testing.assert_array_equal(data, values.reshape(shape))


def test_window_and_plane_must_lie_inside():
    content = primary(np.zeros((3, 4, 5)), -32)
    outside = [(0, 0, 6, 1), (0, 0, 0, 1), (-1, 0, 2, 2), (4, 0, 2, 1), (0, 3, 1, 2), (2**62,) * 4]
    for window in outside:
        with pytest.raises(ReadError, match="window does not lie inside the image of 5 x 4"):
            read(content, window=window)
    for plane in (-1, 3):
        with pytest.raises(ReadError, match=f"no plane {plane}: the image has 3"):
            read(content, plane=plane)


def test_pixel_cap_can_be_raised():
    content = primary(np.zeros((3, 10, 10)), 16)
    with pytest.raises(TooLarge, match="300 pixels are more than 250; raise max_pixels"):
        read(content, max_pixels=250)
    assert read(content, max_pixels=300).data.shape == (3, 10, 10)
    assert read(content, plane=0, max_pixels=100).data.shape == (10, 10)


@pytest.mark.parametrize("missing", [1, 2880, 50_000])
def test_truncated_pixels(tmp_path, missing):
    content = primary(np.zeros((128, 128)), -32)[: 2880 + 65536 - missing]
    path = tmp_path / "cut.fits"
    path.write_bytes(content)
    expected = f"the header promises 65536 bytes of pixels, the file ends after {65536 - missing}"
    for source in (path, content):
        with pytest.raises(Truncated, match=expected):
            read(source)


def test_missing_padding_and_trailing_junk_are_tolerated():
    values = np.arange(12).reshape(3, 4)
    content = primary(values, 16)
    np.testing.assert_array_equal(read(content[: 2880 + 24]).data, values)
    for junk in (b"junk", b"\0" * 2880, b"\x1a" * 5000):
        assert len(_core.open_fits_buffer(content + junk).hdus()) == 1
        np.testing.assert_array_equal(read(content + junk).data, values)


def test_random_groups_are_no_image():
    cards = [("GROUPS", True), ("PCOUNT", 2), ("GCOUNT", 3)]
    groups = primary(np.zeros((4, 0)), -32, *cards)
    content = groups + b"\0" * 2880 + extension(np.ones((2, 2)), 16)
    file = _core.open_fits_buffer(content)
    first = file.hdus()[0]
    assert (first.kind, first.data_bytes) == ("other", 4 * 3 * (2 + 4))
    assert read(content).hdu == 1


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512"])
def test_instruction_sets_give_the_same_bits(tmp_path, isa):
    import hashlib
    import os
    import subprocess
    import sys

    script = (
        "import sys, hashlib; from galedge.core import _core\n"
        "digest = hashlib.sha256()\n"
        "for path in sys.argv[1:]:\n"
        "    file = _core.open_fits(path)\n"
        "    for double in (False, True):\n"
        "        digest.update(file.read(file.image(), double_precision=double).tobytes())\n"
        "print(digest.hexdigest())"
    )
    digest, paths = hashlib.sha256(), []
    for bitpix in BITPIX:
        for name, cards in SCALINGS.items():
            content = primary(stored(bitpix, (31, 33)), bitpix, ("BLANK", 3), *cards)
            path = tmp_path / f"{bitpix}-{name}.fits"
            path.write_bytes(content)
            paths.append(str(path))
            for dtype in ("float32", "float64"):
                digest.update(read(content, dtype=dtype).data.tobytes())
    environment = {**os.environ, "GALEDGE_ISA": isa}
    done = subprocess.run(
        [sys.executable, "-c", script, *paths],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == digest.hexdigest()

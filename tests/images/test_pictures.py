"""JPEG, PNG, TIFF and .npy."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from helpers.encoded import COLOUR, GREY, RNG, encoded, npy
from PIL import Image as Pillow

from galedge.errors import ReadError, TooLarge, Truncated, Unsupported
from galedge.images.image import read


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_colour_is_planes_first(form):
    image = read(encoded(COLOUR, form))
    assert image.is_picture
    assert image.data.dtype == np.uint8
    assert image.data.flags.c_contiguous
    np.testing.assert_array_equal(image.data, np.moveaxis(COLOUR, -1, 0))
    assert (image.hdu, image.wcs, dict(image.header)) == (None, None, {})


def test_jpeg_as_pillow_decodes_it():
    content = encoded(COLOUR, "JPEG", quality=95)
    expected = np.moveaxis(np.asarray(Pillow.open(io.BytesIO(content))), -1, 0)
    np.testing.assert_array_equal(read(content).data, expected)


def test_exif_orientation_is_ignored():
    picture = Pillow.fromarray(COLOUR)
    exif = picture.getexif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    picture.save(stream, "PNG", exif=exif)
    np.testing.assert_array_equal(read(stream.getvalue()).data, np.moveaxis(COLOUR, -1, 0))


@pytest.mark.parametrize("form", ["PNG", "TIFF", "JPEG"])
def test_grey_pictures(form):
    image = read(encoded(GREY, form, **({"quality": 100} if form == "JPEG" else {})))
    assert image.is_picture
    assert image.data.shape == GREY.shape
    np.testing.assert_allclose(image.data, GREY, atol=3 if form == "JPEG" else 0)


@pytest.mark.parametrize("mode", ["P", "RGBA", "LA", "1"])
def test_other_modes_become_colour_or_grey(mode):
    content = encoded(COLOUR, "PNG", mode)
    expected = np.asarray(
        Pillow.open(io.BytesIO(content)).convert("RGB" if mode in ("P", "RGBA") else "L")
    )
    image = read(content)
    assert image.is_picture
    np.testing.assert_array_equal(
        image.data, np.moveaxis(expected, -1, 0) if expected.ndim == 3 else expected
    )


@pytest.mark.parametrize(
    ("dtype", "form"),
    [("uint16", "PNG"), ("uint16", "TIFF"), ("int32", "TIFF"), ("float32", "TIFF")],
)
def test_deep_grey_images_are_measurements(dtype, form):
    samples = (GREY.astype(np.float64) * 200).astype(dtype)
    image = read(encoded(samples, form))
    assert not image.is_picture
    np.testing.assert_array_equal(image.data, samples)


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", ">u2", "u1", "?", "<i8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy(tmp_path, dtype, order):
    array = np.asarray((COLOUR % 2 if dtype == "?" else COLOUR).astype(dtype), order=order)
    path = tmp_path / "a.npy"
    np.save(path, array)
    for source in (path, path.read_bytes(), path.open("rb")):
        image = read(source)
        assert image.is_picture == (dtype == "u1")
        assert image.data.flags.c_contiguous
        # Colours stand last in what programs save, and first in what is read.
        np.testing.assert_array_equal(image.data, np.moveaxis(array, -1, 0).astype(np.float32))


def test_windows_and_planes_of_pictures():
    content = encoded(COLOUR, "PNG")
    part = read(content, plane=1, window=(2, 3, 5, 4)).data
    np.testing.assert_array_equal(part, COLOUR[3:7, 2:7, 1])
    with pytest.raises(ReadError, match="no plane 3: the image has 3"):
        read(content, plane=3)
    with pytest.raises(ReadError, match="window does not lie inside the image of 13 x 9 pixels"):
        read(content, window=(0, 0, 14, 1))
    with pytest.raises(Unsupported, match="has no HDU 0: it is not a FITS file"):
        read(content, hdu=0)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
def test_damaged_pictures(form):
    content = encoded(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8), form)
    for cut in (12, 40, len(content) // 2):
        with pytest.raises(ReadError):
            read(content[:cut])


def test_picture_bombs():
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    def png(width: int, height: int) -> bytes:
        head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
        data = zlib.compress(b"\0" * 1000)
        return (
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
        )

    for width, height, error in (
        (2**31 - 1, 2**31 - 1, TooLarge),
        (20_000, 20_000, TooLarge),
        (9_000, 9_000, Truncated),  # more than so few bytes can hold
        (100, 100, ReadError),
    ):
        with pytest.raises(error):
            read(png(width, height))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_the_limit_is_max_pixels_and_not_pillows(form, monkeypatch):
    content = encoded(GREY, form)
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 10)
    assert read(content).data.shape == GREY.shape
    with pytest.raises(TooLarge, match="raise max_pixels"):
        read(content, max_pixels=GREY.size - 1)
    with pytest.raises(TooLarge, match=r"limit of 20 pixels.*Save it as FITS"):
        read(encoded(GREY, "TIFF"))


def test_damaged_npy():
    content = npy(COLOUR.astype("<f4"))
    with pytest.raises(Truncated, match="the header promises 1404 bytes, 1403 follow"):
        read(content[:-1])
    with pytest.raises(ReadError, match=r"the \.npy header is damaged"):
        read(content[:20])
    with pytest.raises(Unsupported, match="not of real numbers"):
        read(npy(np.array([[1j]])))
    with pytest.raises(Unsupported, match="not of real numbers"):
        read(npy(np.array([[object()]], dtype=object)))
    with pytest.raises(Unsupported, match="of shape"):
        read(npy(np.zeros(5)))
    with pytest.raises(Unsupported, match="of shape"):
        read(npy(np.zeros((0, 5))))
    huge = content.replace(b"(9, 13, 3)", b"(9, 13, 3" + b"0" * 30 + b")")
    with pytest.raises(ReadError):
        read(huge)

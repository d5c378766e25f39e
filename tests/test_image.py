"""read(), cutout() and describe() over all formats and places."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from fits_files import EMPTY_PRIMARY, extension, primary
from PIL import Image as Pillow
from seeds import WCS, seeds

from galedge.errors import ReadError, TooLarge, Truncated, Unsupported
from galedge.image import cutout, describe, read

RNG = np.random.default_rng(7)
COLOUR = RNG.integers(0, 256, (9, 13, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]


def encoded(samples: np.ndarray, form: str, mode: str | None = None, **options: object) -> bytes:
    picture = Pillow.fromarray(samples)
    if mode is not None:
        picture = picture.convert(mode)
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


# --- pictures ---------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_colour_is_planes_first(form):
    image = read(encoded(COLOUR, form))
    assert image.is_picture
    assert image.data.dtype == np.float32
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
        np.testing.assert_array_equal(image.data, array.astype(np.float32))


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


# --- places -----------------------------------------------------------------------


def test_content_decides_and_not_the_name(tmp_path):
    for name, content in {
        "a.jpg": primary(COLOUR[..., 0], 8),
        "b.fits": encoded(GREY, "PNG"),
        "c.fits.gz": bz2.compress(primary(COLOUR[..., 0], 8)),
        "d.png": gzip.compress(primary(COLOUR[..., 0], 8)),
        "e": npy(GREY),
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        image = read(path)
        assert image.path == str(path)
        np.testing.assert_array_equal(image.data, GREY)


def test_every_sort_of_source(tmp_path):
    content = primary(GREY, 8)
    path = tmp_path / "a.fits"
    path.write_bytes(content)
    with path.open("rb") as stream:
        sources = [path, str(path), content, bytearray(content), memoryview(content), stream,
                   io.BytesIO(content), np.frombuffer(content, np.uint8)]  # fmt: skip
        for source in sources:
            np.testing.assert_array_equal(read(source).data, GREY)
    assert read(content).path == "<bytes>"
    with path.open("rb") as stream:
        assert read(stream).path == str(path)
    with pytest.raises(TypeError, match="binary mode"):
        read(io.StringIO("SIMPLE"))
    with pytest.raises(TypeError):
        read(12)


def test_dtype_is_float():
    content = primary(GREY, 8)
    assert read(content, dtype=np.float64).data.dtype == np.float64
    assert read(encoded(GREY, "PNG"), dtype="float64").data.dtype == np.float64
    with pytest.raises(ValueError, match="dtype must be float32 or float64, not int16"):
        read(content, dtype="int16")


def test_paths_with_odd_names(tmp_path):
    name = os.fsdecode(b"g\xe4laxy \n.fits")
    path = tmp_path / name
    path.write_bytes(primary(GREY, 8))
    np.testing.assert_array_equal(read(path).data, GREY)
    with pytest.raises(ReadError, match="null byte"):
        read("a\0b.fits")


def test_pillow_is_not_imported_for_fits(tmp_path):
    path = tmp_path / "a.fits"
    path.write_bytes(primary(GREY, 8))
    script = (
        "import sys; from galedge.image import read; read(sys.argv[1]);"
        "print(sorted({'PIL', 'astropy', 'rustfits'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# --- cutouts ----------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 4, 5, (6, 3)])
@pytest.mark.parametrize("centre", [(6, 4), (6.49, 4.51), (0, 0), (12.4, 8.4), (-1, 4)])
def test_cutouts_agree_with_astropys(centre, size):
    from astropy.nddata import Cutout2D

    content = primary(GREY, 8, *WCS)
    width, height = size if isinstance(size, tuple) else (size, size)
    full = read(content)
    try:
        theirs = Cutout2D(full.data, centre, (height, width), mode="partial", fill_value=np.nan)
    except ValueError:
        with pytest.raises(ReadError, match="lies outside the image"):
            cutout(content, *centre, size)
        return
    ours = cutout(content, *centre, size)
    np.testing.assert_array_equal(ours.data, theirs.data)
    x0, y0 = theirs.origin_original[0], theirs.origin_original[1]
    x0 -= theirs.xmin_cutout
    y0 -= theirs.ymin_cutout
    sky = full.wcs.pixel_to_sky(x0 + 2, y0 + 1)
    assert ours.wcs.pixel_to_sky(2, 1) == pytest.approx(sky, abs=1e-12)


def test_cutouts_of_cubes_pictures_and_packed_files():
    expected = GREY[2:6, 3:9].astype(np.float32)
    for content in (
        gzip.compress(primary(GREY, 8)),
        bz2.compress(primary(GREY, 8)),
        encoded(GREY, "PNG"),
        npy(GREY),
    ):
        np.testing.assert_array_equal(cutout(content, 6, 4, (6, 4)).data, expected)
    cube = primary(np.stack([GREY, GREY + 1.0]), -32)
    assert cutout(cube, 6, 4, 20).data.shape == (2, 20, 20)
    np.testing.assert_array_equal(cutout(cube, 6, 4, (6, 4), plane=1).data, expected + 1)
    with pytest.raises(ValueError, match="size must be positive"):
        cutout(cube, 0, 0, 0)
    with pytest.raises(TooLarge):
        cutout(cube, 6, 4, 1 << 20)


def test_cutouts_read_only_what_they_need(tmp_path):
    # A frame of 4 GiB with holes: reading it whole would take seconds.
    path = tmp_path / "large.fits"
    head = primary(np.zeros((1, 1)), -32).replace(
        b"NAXIS1  =                    1", b"NAXIS1  =                32768"
    ).replace(b"NAXIS2  =                    1", b"NAXIS2  =                32768")  # fmt: skip
    with path.open("wb") as stream:
        stream.write(head[:2880])
        stream.truncate(2880 + 4 * 32768 * 32768)
        stream.seek(2880 + 4 * (20000 * 32768 + 30000))
        stream.write(np.array([7], ">f4").tobytes())
    data = cutout(path, 30000, 20000, 3).data
    np.testing.assert_array_equal(data, [[0, 0, 0], [0, 7, 0], [0, 0, 0]])
    with pytest.raises(TooLarge, match="raise max_pixels"):
        read(path)


# --- what is in a file ------------------------------------------------------------


def test_describe():
    content = (
        EMPTY_PRIMARY
        + extension(np.zeros((2, 5, 7)), -32, ("EXTNAME", "SCI"), *WCS)
        + seeds()["rice16"][2880:]
    )
    for packed in (content, gzip.compress(content), bz2.compress(content)):
        facts = describe(packed)
        assert [f.kind for f in facts] == ["image", "image", "compressed image"]
        assert [f.shape for f in facts] == [(), (2, 5, 7), (5, 7)]
        assert [f.dtype for f in facts] == ["uint8", "float32", "int16"]
        assert [f.name for f in facts] == ["", "SCI", ""]
        assert [f.compression for f in facts] == [None, None, "RICE_1"]
        assert facts[0].wcs is None
        assert facts[1].wcs.pixel_scale == pytest.approx(0.36)
        assert facts[2].header["NAXIS1"] == 7
    [picture] = describe(encoded(COLOUR, "PNG"))
    assert (picture.kind, picture.shape, picture.dtype) == ("PNG", (3, 9, 13), "uint8")
    [array] = describe(npy(GREY.astype(">i2")))
    assert (array.kind, array.shape, array.dtype) == (".npy", (9, 13), ">i2")


# --- what is refused --------------------------------------------------------------


def test_messages_name_the_file(tmp_path):
    path = tmp_path / "empty.fits"
    path.touch()
    with pytest.raises(Truncated, match=f"{path}: is empty"):
        read(path)
    with pytest.raises(ReadError, match=r"missing\.fits: cannot be opened: No such file"):
        read(tmp_path / "missing.fits")
    with pytest.raises(ReadError, match=r"is none of FITS, JPEG, PNG, TIFF and \.npy"):
        read(b"hello world, this is text")
    with pytest.raises(Unsupported, match="uncompress it first"):
        read(b"\x1f\x9d\x90 compress")
    with pytest.raises(ReadError, match="is none of FITS"):
        read(b"GIF89a" + b"\0" * 90)


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


def test_hcompress_and_plio():
    folder = Path(__import__("astropy.io.fits.hdu.compressed", fromlist=["x"]).__file__).parent
    path = folder / "tests" / "data" / "m13_hcomp.fits"
    try:
        import rustfits  # noqa: F401
    except ImportError:
        with pytest.raises(Unsupported, match="HCOMPRESS_1, which needs rustfits: pip install"):
            read(path)
        return
    from astropy.io import fits as astropy_fits

    for name in ("m13_hcomp.fits", "m13_plio.fits"):
        path = folder / "tests" / "data" / name
        expected = astropy_fits.getdata(path, 1).astype(np.float32)
        np.testing.assert_array_equal(read(path).data, expected)
        np.testing.assert_array_equal(read(path.read_bytes()).data, expected)
        part = read(path, window=(10, 20, 30, 40)).data
        np.testing.assert_array_equal(part, expected[20:60, 10:40])


def test_without_rustfits_the_remedy_is_named(monkeypatch):
    folder = Path(__import__("astropy.io.fits.hdu.compressed", fromlist=["x"]).__file__).parent
    monkeypatch.setitem(sys.modules, "rustfits", None)
    with pytest.raises(
        Unsupported, match="HCOMPRESS_1, which needs rustfits: pip install rustfits"
    ):
        read(folder / "tests" / "data" / "m13_hcomp.fits")

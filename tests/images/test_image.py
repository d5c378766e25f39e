"""read(), cutout() and describe() over all formats and places."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from helpers.encoded import COLOUR, GREY, encoded, npy
from helpers.fits_files import EMPTY_PRIMARY, extension, primary
from helpers.seeds import WCS, seeds
from PIL import Image as Pillow

from galedge import prepare
from galedge.errors import ReadError, TooLarge, Truncated, Unsupported
from galedge.images.image import cutout, describe, read

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
    batch = prepare(sorted(tmp_path.iterdir()))
    assert [fact.error for fact in batch.facts] == [None] * 5
    assert all(np.array_equal(pixels, batch.pixels[0]) for pixels in batch.pixels)


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
    with pytest.raises(Unsupported, match="binary mode"):
        read(io.StringIO("SIMPLE"))
    with pytest.raises(Unsupported, match="an int is no image; give a path, a file's bytes"):
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
    full = read(content, dtype="float32")
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


def test_pictures_stay_bytes_and_all_else_is_floats(tmp_path):
    blank = primary(GREY, 8, ("BLANK", int(GREY[0, 0])))
    masked = np.ma.masked_array(GREY, GREY[0, 0] == GREY)
    sources = {
        np.uint8: [primary(GREY, 8), encoded(GREY, "PNG"), encoded(GREY, "JPEG"), npy(GREY), GREY,
                   Pillow.fromarray(GREY)],
        np.float32: [primary(GREY, 16), primary(GREY, 8, ("BSCALE", 2.0)), blank, masked,
                     npy(GREY.astype(np.int16)), GREY.astype(np.float64)],
    }  # fmt: skip
    for kind, each in sources.items():
        for source in each:
            found = read(source)
            assert found.data.dtype == kind
            assert found.data.flags.c_contiguous
            floats = read(source, dtype="float32")
            assert floats.data.dtype == np.float32
            np.testing.assert_array_equal(found.data, floats.data)
            assert read(source, dtype="float64").data.dtype == np.float64
            assert found.is_picture == floats.is_picture
    inside, across = (cutout(primary(GREY, 8), x, 4, 4).data for x in (6, 0))
    assert (inside.dtype, across.dtype) == (np.uint8, np.float32)
    np.testing.assert_array_equal(inside, GREY[2:6, 4:8])
    assert np.isnan(across[:, :2]).all()


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


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs a file that fails")
def test_a_disk_that_fails_is_no_fault_of_galedges(tmp_path):
    for name in ("a.fits", "a.png", "a.npy"):
        (tmp_path / name).symlink_to("/proc/self/mem")
        with pytest.raises(ReadError, match=f"{name}: cannot be read: Input/output error"):
            read(tmp_path / name)
    facts = prepare(sorted(tmp_path.iterdir())).facts
    assert not any("internal" in fact.error for fact in facts)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"XISF0100" + b"\0" * 90, "but XISF: convert it to one of them"),
        (b"\0\0\0\x18ftypheic", "but HEIC, AVIF or a video: convert"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "but WebP: convert"),
        (b"PK\3\4" + b"\0" * 90, "but a zip archive.*: unpack it first"),
        (gzip.compress(b"tar" * 999), "but gzipped, and holds no FITS file: unpack it first"),
        (b"\n<!DOCTYPE html>\n<title>404", "but text, '<!DOCTYPE html> <title>404': was it"),
        (b"\0" * 5760, "but begins with zeros: was it copied to its end"),
        (b"\xff" * 90, "but something that galedge does not know: convert"),
    ],
    ids=["XISF", "HEIC", "WebP", "zip", "gzip", "text", "zeros", "unknown"],
)
def test_what_is_not_read_is_named_with_a_remedy_whatever_its_name(tmp_path, content, said):
    for name in ("a.fits", "a.jpg"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(Unsupported, match=f"{name}: is none of FITS.*{said}"):
            read(tmp_path / name)
    facts = prepare([tmp_path / "a.fits", tmp_path / "a.jpg"]).facts
    assert all(re.match(f"is none of FITS.*{said}", fact.error) for fact in facts)

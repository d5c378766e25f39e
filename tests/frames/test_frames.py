"""Frames: cutouts are those of `galedge.image.cutout`, however they are read."""

import gzip

import numpy as np
import pytest
from helpers.frames_made import TAN, light, made, write_frame

from galedge.errors import ReadError, Truncated, Unsupported
from galedge.frames import frame as frames
from galedge.frames.frame import Frame
from galedge.images.image import cutout

PLACES = [(120.0, 100.0), (119.4, 20.7), (3.2, 4.0), (239.0, 199.4), (-0.4, 100.0), (60.0, 196.0)]


@pytest.fixture(params=["plain", "gz", "fz", "npy"])
def path(request, tmp_path):
    name = write_frame(tmp_path / "f.fits")
    if request.param == "gz":
        name = tmp_path / "f.fits.gz"
        name.write_bytes(gzip.compress((tmp_path / "f.fits").read_bytes()))
    elif request.param == "fz":
        fits = pytest.importorskip("astropy.io.fits")
        name = tmp_path / "f.fits.fz"
        hdu = fits.CompImageHDU(made().astype(np.int16), compression_type="RICE_1")
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(name)
    elif request.param == "npy":
        name = tmp_path / "f.npy"
        np.save(name, made())
    return str(name)


@pytest.mark.parametrize("many", [1, 100000])
@pytest.mark.parametrize("strip_pixels", [1 << 26, 240 * 70])
def test_cutouts_are_those_of_cutout(path, monkeypatch, many, strip_pixels):
    monkeypatch.setattr(frames, "STRIP_PIXELS", strip_pixels)
    frame = Frame(path)
    assert frame.plan(many, 32) == (many > 1 and strip_pixels < 240 * 200)
    for x, y in PLACES:
        for side in (32, 33, 90):
            image, (left, bottom) = frame.cut(x, y, side)
            expected = cutout(path, x, y, side)
            np.testing.assert_array_equal(image.data, expected.data)
            assert image.data.flags.c_contiguous
            assert (image.path, image.hdu) == (path, expected.hdu)
            assert abs(left + (side - 1) / 2 - x) <= 0.5
            assert abs(bottom + (side - 1) / 2 - y) <= 0.5


def test_many_sources_read_the_frame_once(tmp_path, monkeypatch):
    frame = Frame(str(write_frame(tmp_path / "f.fits")))
    monkeypatch.setattr(frames, "STRIP_PIXELS", 240 * 60)
    assert frame.plan(1000, 32)
    reads = []
    window = Frame.window
    monkeypatch.setattr(Frame, "window", lambda self, *at: reads.append(at) or window(self, *at))
    rng = np.random.default_rng(0)
    for y in np.sort(rng.uniform(0, 199, 300)):
        frame.cut(rng.uniform(0, 239), y, 32)
    assert all(at[2] == 240 and at[3] <= 60 for at in reads)
    assert len(reads) < 10  # strips overlap by a cutout


def test_few_sources_read_windows_only(tmp_path, monkeypatch):
    frame = Frame(str(write_frame(tmp_path / "f.fits")))
    assert not frame.plan(3, 16)
    reads = []
    window = Frame.window
    monkeypatch.setattr(Frame, "window", lambda self, *at: reads.append(at) or window(self, *at))
    frame.cut(100, 100, 16)
    assert reads == [(92, 92, 16, 16)]


def test_three_bands_are_one_frame(tmp_path):
    bands = [made(seed=i) for i in range(3)]
    paths = [str(write_frame(tmp_path / f"{i}.fits", band)) for i, band in enumerate(bands)]
    frame = Frame(paths)
    assert (frame.path, frame.planes, frame.shape) == (paths[1], 3, (200, 240))
    for many in (1, 10000):
        frame.plan(many, 20)
        image, _ = frame.cut(50, 40, 20)
        np.testing.assert_array_equal(image.data, np.stack([b[30:50, 40:60] for b in bands]))


def test_a_cube_of_three_is_one_frame(tmp_path):
    cube = np.stack([made(seed=i) for i in range(3)])
    path = str(write_frame(tmp_path / "c.fits", cube))
    np.testing.assert_array_equal(Frame(path).cut(50, 40, 20)[0].data, cube[:, 30:50, 40:60])
    one = Frame(path, plane=2)
    np.testing.assert_array_equal(one.cut(50, 40, 20)[0].data, cube[2, 30:50, 40:60])
    write_frame(tmp_path / "five.fits", np.stack([made()] * 5))
    with pytest.raises(Unsupported, match=r"five\.fits: a cube of 5 planes"):
        Frame(str(tmp_path / "five.fits"))


def test_bands_that_do_not_fit_are_refused(tmp_path):
    good = str(write_frame(tmp_path / "good.fits"))
    bare = {"CTYPE1": None, "CTYPE2": None}
    small = str(write_frame(tmp_path / "small.fits", made(shape=(190, 240)), **bare))
    with pytest.raises(Unsupported, match=r"small\.fits has 240 x 190 pixels.*reproject"):
        Frame([good, good, small])
    other = str(write_frame(tmp_path / "other.fits", CRVAL1=330.0, CRVAL2=-2.2))
    with pytest.raises(Unsupported, match=r"other\.fits covers 0 % of .*good\.fits on the sky"):
        Frame([other, good, good])
    aside = str(write_frame(tmp_path / "aside.fits", CRPIX1=345.0))
    with pytest.raises(Unsupported, match=r"aside\.fits covers \d % of"):
        Frame([aside, good, good])
    Frame([str(write_frame(tmp_path / "close.fits", CRPIX1=120.55)), good, good])
    Frame([str(write_frame(tmp_path / "bare.fits", **bare)), good, good])


def sky_card(angle, scale, x, y):
    """Return cards by which the frame's sky is turned, magnified and moved."""
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    own = np.array([[TAN["CD1_1"], TAN["CD1_2"]], [TAN["CD2_1"], TAN["CD2_2"]]]) @ turn
    cards = {f"CD{i + 1}_{j + 1}": float(own[i, j]) for i in (0, 1) for j in (0, 1)}
    return cards | {"CRPIX1": x, "CRPIX2": y}


@pytest.mark.parametrize(("x", "y"), [(4, 0), (-3, 5)])
def test_bands_whole_pixels_apart_are_brought_together(tmp_path, x, y):
    bands = [made(seed=i) for i in range(3)]
    paths = [str(write_frame(tmp_path / f"{i}.fits", band)) for i, band in enumerate(bands)]
    moved = np.roll(bands[0], (y, x), (0, 1))
    cards = {"CRPIX1": TAN["CRPIX1"] + x, "CRPIX2": TAN["CRPIX2"] + y}
    paths[0] = str(write_frame(tmp_path / "0.fits", moved, **cards))
    frame = Frame(paths)
    for many in (1, 10000):
        frame.plan(many, 20)
        image, corner = frame.cut(50, 40, 20)
        assert corner == (40, 30)
        expected = np.stack([band[30:50, 40:60] for band in bands])
        np.testing.assert_allclose(image.data, expected, atol=0.02)
    np.testing.assert_array_equal(frame.middle_window(3, 4, 30, 20), bands[1][4:24, 3:33])


@pytest.mark.parametrize(
    ("angle", "scale", "x", "y"),
    [(0, 1, 120.9, 99.0), (0.5, 1, 150.0, 110.0), (np.pi, 1.4, 90.0, 80.0), (-1.2, 0.7, 160, 150)],
)
def test_bands_turned_and_magnified_are_brought_together(tmp_path, angle, scale, x, y):
    """A galaxy lies in the same place in each band, and has the same light."""
    good = str(write_frame(tmp_path / "good.fits", light((200, 240), 130, 90)))
    cards = sky_card(angle, scale, x, y)
    bare = np.zeros((260, 300), np.float32)
    other = Frame(str(write_frame(tmp_path / "other.fits", bare, **cards)))
    at = other.celestial().sky_to_pixels(
        *Frame(good).celestial().pixels_to_sky(np.array([130.0]), np.array([90.0]))
    )
    band = light(bare.shape, at[0][0], at[1][0], 4 / scale)
    write_frame(tmp_path / "other.fits", band, **cards)
    frame = Frame([str(tmp_path / "other.fits"), good, good])
    image, _ = frame.cut(130, 90, 40)
    rows, columns = np.indices((40, 40))
    red, green = image.data[:2]
    for axis in (rows, columns):
        assert (axis * red).sum() / red.sum() == pytest.approx(
            (axis * green).sum() / green.sum(), abs=0.02
        )
    # Of the light over scale squared pixels.
    assert red.sum() == pytest.approx(green.sum() / scale**2, rel=0.01)


def test_what_a_band_does_not_reach_is_missing(tmp_path):
    good = str(write_frame(tmp_path / "good.fits"))
    half = str(write_frame(tmp_path / "half.fits", made()[:, 120:], CRPIX1=0.5))
    frame = Frame([good, good, half])
    image, _ = frame.cut(120, 100, 40)
    assert np.isnan(image.data[2, :, :19]).all()
    assert np.isfinite(image.data[:2]).all()
    assert np.isfinite(image.data[2, :, 21:]).all()


def test_frames_that_cannot_be_read_are_named(tmp_path):
    write_frame(tmp_path / "f.fits")
    cut = tmp_path / "cut.fits"
    cut.write_bytes((tmp_path / "f.fits").read_bytes()[:50000])
    with pytest.raises(Truncated, match=r"cut\.fits: "):
        Frame(str(cut))
    with pytest.raises(ReadError, match=r"none\.fits: "):
        Frame(str(tmp_path / "none.fits"))
    with pytest.raises(ReadError, match=r"f\.fits: .*plane 3"):
        Frame(str(tmp_path / "f.fits"), plane=3)

"""Celestial coordinates of frames, against astropy."""

import numpy as np
import pytest
from helpers.frames_made import TAN, write_frame
from helpers.wcs_cards import B1950, GALACTIC, POLE, ROTATED, SIP, SOUTH, TPV

from galedge.frames.celestial import Tan
from galedge.frames.frame import Frame

wcs_module = pytest.importorskip("astropy.wcs")


def corners():
    rng = np.random.default_rng(1)
    return rng.uniform(-50, 300, 500), rng.uniform(-50, 300, 500)


@pytest.mark.parametrize("cards", [{}, ROTATED, POLE, SOUTH])
def test_tan_is_astropys(tmp_path, cards):
    frame = Frame(str(write_frame(tmp_path / "f.fits", **cards)))
    sky = frame.celestial()
    assert isinstance(sky, Tan)
    x, y = corners()
    theirs = wcs_module.WCS({**TAN, **cards})
    ra, dec = theirs.all_pix2world(x, y, 0)
    ours = sky.to_sky(x, y)
    assert np.abs((ours[0] - ra + 180) % 360 - 180).max() * np.cos(np.radians(dec)).max() < 1e-10
    assert np.abs(ours[1] - dec).max() < 1e-10
    back = sky.to_pixel(*ours)
    assert np.abs(np.subtract(back, (x, y))).max() < 1e-6
    assert sky.pixel_scale == pytest.approx(
        wcs_module.utils.proj_plane_pixel_scales(theirs).mean(), rel=0.1
    )


def test_what_tan_does_not_show_has_no_place(tmp_path):
    sky = Frame(str(write_frame(tmp_path / "f.fits"))).celestial()
    x, y = sky.to_pixel(np.array([150.0, 330.0, np.nan, 60.0]), np.array([2.2, -2.2, 0.0, 0.0]))
    assert np.isfinite(x).tolist() == [True, False, False, False] == np.isfinite(y).tolist()


@pytest.mark.parametrize("cards", [SIP, TPV, GALACTIC, B1950])
def test_all_else_is_astropys(tmp_path, cards):
    frame = Frame(str(write_frame(tmp_path / "f.fits", **cards)))
    sky = frame.celestial()
    x, y = corners()
    theirs = wcs_module.WCS({**TAN, **cards})
    expected = wcs_module.utils.pixel_to_skycoord(x, y, theirs, origin=0).icrs
    ra, dec = sky.to_sky(x, y)
    assert np.abs(ra - expected.ra.deg).max() < 1e-10
    assert np.abs(dec - expected.dec.deg).max() < 1e-10
    inside = (np.abs(x - 120) < 120) & (np.abs(y - 100) < 100)
    back = sky.to_pixel(ra, dec)
    assert np.abs(np.subtract(back, (x, y)))[:, inside].max() < 1e-3


def test_a_list_of_the_whole_sky_does_not_trouble_sip(tmp_path):
    sky = Frame(str(write_frame(tmp_path / "f.fits", **SIP))).celestial()
    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(0, 360, 2000), rng.uniform(-90, 90, 2000)
    ra[0], dec[0] = 150.0, 2.2
    ra[1] = np.nan
    x, y = sky.to_pixel(ra, dec)
    assert (x[0], y[0]) == pytest.approx((119.5, 98.25), abs=1e-3)
    near = (np.abs(x - 120) < 200) & (np.abs(y - 100) < 200)
    assert near.sum() == 1


def test_no_coordinates_are_none(tmp_path):
    assert (
        Frame(str(write_frame(tmp_path / "f.fits", CTYPE1=None, CTYPE2=None))).celestial() is None
    )
    assert (
        Frame(str(write_frame(tmp_path / "g.fits", CTYPE1="LINEAR", CTYPE2="LINEAR"))).celestial()
        is None
    )
    np.save(tmp_path / "h.npy", np.zeros((20, 20), np.float32))
    assert Frame(str(tmp_path / "h.npy")).celestial() is None

"""Celestial coordinates against astropy.wcs."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.fits_files import primary
from helpers.wcs_forms import FORMS, NONE, UNREAD, apart, by_astropy
from hypothesis import assume, given
from hypothesis import strategies as st

from galedge.core.astropy_sky import AstropySky
from galedge.errors import ReadError
from galedge.images.image import Image, Wcs, read

BASE = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRPIX1": 20.25,
    "CRPIX2": -3.5,
    "CRVAL1": 187.7,
    "CRVAL2": 12.39,
    "CDELT1": -1e-4,
    "CDELT2": 1.1e-4,
}
X, Y = np.array([0.0, 4, 1000, -700, 33.3]), np.array([0.0, 3, -800, 900, 12.7])
CLOSE = 1e-5  # arcsec


def image_of(cards: dict[str, object]) -> Image:
    return read(primary(np.zeros((180, 260)), 16, *cards.items()))


def wcs_of(cards: dict[str, object]) -> Wcs | None:
    return image_of(cards).wcs


def assert_agrees(cards: dict[str, object]) -> None:
    ours = wcs_of(cards)
    assert ours is not None
    theirs = by_astropy(cards, X, Y)
    found = ours.pixels_to_sky(X, Y)
    assert (found[0] >= 0).all()
    assert (found[0] < 360).all()
    assert apart(found, theirs).max() < CLOSE
    for i in range(len(X)):
        assert ours.pixel_to_sky(X[i], Y[i]) == (found[0][i], found[1][i])
    back = ours.sky_to_pixels(*found)
    assert np.abs(np.subtract(back, (X, Y))).max() < 1e-5


@pytest.mark.parametrize("name", FORMS)
def test_every_form_agrees_with_astropy(name):
    cards, truth, in_core, flags = FORMS[name]
    image = image_of(cards)
    assert image.wcs_unread is not in_core
    assert image.sip_ignored is ("sip_ignored" in flags)
    x, y = np.array([0.0, 259, 130.5, 17.3]), np.array([0.0, 179, 91.25, 140.0])
    theirs = by_astropy(truth, x, y)
    other = AstropySky(image.header, shape=(180, 260))  # which must read the header alike
    for sky in (image.wcs, other) if in_core else (other,):
        found = sky.pixels_to_sky(x, y)
        assert apart(found, theirs).max() < CLOSE
        assert np.abs(np.subtract(sky.sky_to_pixels(*found), (x, y))).max() < 1e-4
        assert sky.pixel_scale == pytest.approx(other.pixel_scale, rel=1e-9)


angle = st.floats(-180, 180)
scale = st.floats(1e-6, 1e-2)


@given(ra=st.floats(0, 360), dec=st.floats(-90, 90), rotation=angle, x=scale, y=scale,
       shear=st.floats(-0.5, 0.5), flip=st.booleans(),
       axes=st.sampled_from([("RA--", "DEC-"), ("GLON", "GLAT"), ("ELON", "ELAT")]))  # fmt: skip
def test_agrees_with_astropy_on_random_headers(ra, dec, rotation, x, y, shear, flip, axes):
    c, s = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    sign = -1 if flip else 1
    matrix = np.array([[c, -s], [s, c]]) @ np.array([[sign * x, shear * x], [0, y]])
    assume(abs(np.linalg.det(matrix)) > 1e-13)
    names = (("CD1_1", "CD1_2"), ("CD2_1", "CD2_2"))
    cd = {names[i][j]: float(matrix[i, j]) for i in range(2) for j in range(2)}
    types = {f"CTYPE{i}": f"{axis}-TAN" for i, axis in enumerate(axes, 1)}
    assert_agrees(BASE | {"CRVAL1": ra, "CRVAL2": dec} | cd | types)


@given(terms=st.lists(st.floats(-1, 1), min_size=20, max_size=20), order=st.integers(2, 4))
def test_agrees_with_astropy_on_random_distortions(terms, order):
    cards = BASE | {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "CRPIX1": 480.0}
    cards |= {"A_ORDER": order, "B_ORDER": order}
    places = [(p, q) for p in range(order + 1) for q in range(order + 1 - p)]
    for i, (p, q) in enumerate(places):  # up to three pixels a term in the corners
        for name, term in zip("AB", (terms[i % 20], terms[-i - 1 % 20]), strict=True):
            cards[f"{name}_{p}_{q}"] = term * 3 / 500 ** (p + q)
    ours = wcs_of(cards)
    x, y = np.array([0.0, 999, 500, 3, 640.4]), np.array([0.0, 499, 250, 400.2, 1])
    found = ours.pixels_to_sky(x, y)
    assert apart(found, by_astropy(cards, x, y)).max() < CLOSE
    assert np.abs(np.subtract(ours.sky_to_pixels(*found), (x, y))).max() < 1e-5


@pytest.mark.parametrize("name", UNREAD)
def test_what_nobody_can_know_is_said(name):
    image = image_of(UNREAD[name])
    assert image.wcs is None
    assert image.wcs_unread
    with pytest.raises(ReadError, match="its WCS is not understood"):
        AstropySky(image.header)


@pytest.mark.parametrize("name", NONE)
def test_other_axes_are_no_wcs(name):
    image = image_of(NONE[name])
    assert image.wcs is None
    assert not image.wcs_unread
    assert image.parity == 0


def test_rows_and_columns_must_be_the_axes():
    # A plane of declination and frequency, whose right ascension is one pixel wide.
    content = primary(np.zeros((9, 8, 1)), 16, *BASE.items(), ("CTYPE3", "FREQ"))
    image = read(content)
    assert image.data.shape == (9, 8)
    assert image.wcs is None
    assert (image.parity, image.wcs_unread) == (0, False)
    assert read(primary(np.zeros((1, 9, 8)), 16, *BASE.items())).wcs is not None


@pytest.mark.parametrize("keyword", ["CPDIS1", "D2IMDIS1", "AMDX1"])
def test_distortions_are_noted(keyword):
    assert not wcs_of(BASE).distorted
    assert not image_of(BASE).wcs_unread
    assert wcs_of(BASE | {keyword: 1}).distorted
    assert image_of(BASE | {keyword: 1}).wcs_unread


def test_what_tan_does_not_show_has_no_pixel():
    wcs = wcs_of(BASE)
    ra, dec = np.array([187.7, 7.7, np.nan, 187.7]), np.array([12.39, -12.39, 0.0, np.inf])
    x, y = wcs.sky_to_pixels(ra, dec)
    assert np.isfinite(x).tolist() == [True, False, False, False] == np.isfinite(y).tolist()


def test_sip_that_folds_the_plane_leads_to_no_pixel():
    """A barrel of a wide field: beyond its turning point no pixel shows the sky."""
    cards = BASE | {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 3, "B_ORDER": 3}
    cards |= {"A_3_0": -1e-6, "A_1_2": -1e-6, "B_0_3": -1e-6, "B_2_1": -1e-6}
    wcs = wcs_of(cards)
    plain = wcs_of(BASE)
    # u - 1e-6 u^3 is 385 at most, at u = 577.
    places = plain.pixels_to_sky(19.25 + np.array([300.0, 380, 390, 1e5]), np.full(4, -4.5))
    x, y = wcs.sky_to_pixels(*places)
    assert np.isfinite(x).tolist() == [True, True, False, False] or x[2] < -1000 or x[3] < -1000
    assert apart(wcs.pixels_to_sky(x[:2], y[:2]), np.array(places)[:, :2]).max() < CLOSE
    undistorted = wcs.sky_to_pixels(*places, with_sip=False)
    assert np.abs(np.subtract(undistorted, plain.sky_to_pixels(*places))).max() == 0


def test_facts_and_shifts():
    cards = BASE | {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "CDELT2": 1e-4}
    cards |= {"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 1e-4, "B_1_1": 1e-4}
    content = primary(np.zeros((40, 50)), 16, *cards.items())
    image = read(content)
    wcs = image.wcs
    assert not wcs.distorted
    assert not wcs.sip_ignored
    assert wcs.sip_order == 2
    assert wcs.crpix == (20.25, -3.5)
    assert wcs.crval == (187.7, 12.39)
    assert wcs.matrix == ((-1e-4, 0.0), (0.0, 1e-4))
    assert wcs.lonpole == 180
    assert wcs.pixel_scale == pytest.approx(0.36, rel=1e-12)
    part = read(content, window=(7, 5, 20, 20))
    assert part.origin == (7, 5)
    assert part.wcs.pixel_to_sky(1, 2) == pytest.approx(wcs.pixel_to_sky(8, 7), abs=1e-12)
    other = AstropySky(part.header, origin=part.origin)
    assert apart(other.pixels_to_sky(X, Y), part.wcs.pixels_to_sky(X, Y)).max() < CLOSE


def test_arrays_must_be_two_of_one_axis():
    wcs = wcs_of(BASE)
    for x, y in ((np.zeros(2), np.zeros(3)), (np.zeros((2, 2)), np.zeros((2, 2)))):
        with pytest.raises(ValueError, match="two arrays of one axis"):
            wcs.pixels_to_sky(x, y)

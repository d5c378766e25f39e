"""Celestial coordinates against astropy.wcs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy.io import fits as astropy_fits
from astropy.wcs import WCS
from helpers.fits_files import primary
from hypothesis import assume, given
from hypothesis import strategies as st

from galedge.images.image import Wcs, read

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


def wcs_of(cards: dict[str, object]) -> Wcs | None:
    return read(primary(np.zeros((4, 5)), 16, *cards.items())).wcs


def assert_agrees(cards: dict[str, object]) -> None:
    ours = wcs_of(cards)
    assert ours is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = WCS(astropy_fits.Header(cards), fix=False)
    x, y = np.array([0.0, 4, 1000, -700, 33.3]), np.array([0.0, 3, -800, 900, 12.7])
    ra, dec = theirs.wcs_pix2world(x, y, 0)
    if cards["CTYPE1"].startswith("DEC"):
        ra, dec = dec, ra
    for i in range(len(x)):
        our_ra, our_dec = ours.pixel_to_sky(x[i], y[i])
        assert 0 <= our_ra < 360
        turn = (our_ra - ra[i] + 180) % 360 - 180
        # Near a pole right ascension means little: compare the angle on the sky.
        assert abs(turn * np.cos(np.radians(dec[i]))) < 1e-9
        assert abs(our_dec - dec[i]) < 1e-9


@pytest.mark.parametrize(
    "cards",
    [
        {},
        {"CD1_1": -1e-4, "CD1_2": 2e-5, "CD2_1": 1e-5, "CD2_2": 1.2e-4},
        {"CD1_2": 1e-4, "CD2_1": 1e-4},
        {"PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6, "PC2_2": 0.8},
        {"PC1_2": 0.1},
        {"CROTA2": 33.0},
        {"LONPOLE": 155.0},
        {"CRVAL2": 90.0},
        {"CRVAL2": -90.0},
        {"CRVAL1": 0.001},
        {"CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN", "CRVAL1": 12.4, "CRVAL2": 187.7},
        {"RADESYS": "ICRS"},
        {"RADESYS": "FK5", "EQUINOX": 2000.0},
        {"EQUINOX": 2000},
        {"CUNIT1": "deg", "CUNIT2": "deg"},
    ],
    ids=str,
)
def test_agrees_with_astropy(cards):
    assert_agrees(BASE | cards)


angle = st.floats(-180, 180)
scale = st.floats(1e-6, 1e-2)


@given(ra=st.floats(0, 360), dec=st.floats(-90, 90), rotation=angle, x=scale, y=scale,
       shear=st.floats(-0.5, 0.5), flip=st.booleans())  # fmt: skip
def test_agrees_with_astropy_on_random_headers(ra, dec, rotation, x, y, shear, flip):
    c, s = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    sign = -1 if flip else 1
    matrix = np.array([[c, -s], [s, c]]) @ np.array([[sign * x, shear * x], [0, y]])
    assume(abs(np.linalg.det(matrix)) > 1e-13)
    names = (("CD1_1", "CD1_2"), ("CD2_1", "CD2_2"))
    cd = {names[i][j]: float(matrix[i, j]) for i in range(2) for j in range(2)}
    assert_agrees(BASE | {"CRVAL1": ra, "CRVAL2": dec} | cd)


@pytest.mark.parametrize(
    "cards",
    [
        {"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"},
        {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN"},
        {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV"},
        {"CTYPE1": "RA---TAN", "CTYPE2": "RA---TAN"},
        {"CTYPE1": 5},
        {"PV1_5": 0.1},
        {"RADESYS": "FK4", "EQUINOX": 1950.0},
        {"RADESYS": "FK5", "EQUINOX": 1975.0},
        {"EQUINOX": 1950.0},
        {"EPOCH": 1950.0},
        {"CUNIT1": "arcsec", "CUNIT2": "arcsec"},
        {"CDELT1": 0.0},
        {"CD1_1": 1e-4, "CD2_2": 0.0},
        {"CRVAL1": "here"},
        {"CRVAL2": 91.0},
        {"CRPIX1": 1e999},
    ],
    ids=str,
)
def test_anything_else_is_no_wcs_and_no_error(cards):
    merged = {k: v for k, v in (BASE | cards).items() if v != float("inf")}
    if len(merged) < len(BASE | cards):
        merged["CRPIX1"] = "1E999"
    assert wcs_of(merged) is None


def test_no_wcs_at_all():
    assert wcs_of({}) is None


@pytest.mark.parametrize("keyword", ["A_ORDER", "CPDIS1", "D2IMDIS1", "AMDX1"])
def test_distortions_are_noted(keyword):
    assert not wcs_of(BASE).distorted
    assert wcs_of(BASE | {keyword: 1}).distorted


def test_facts_and_shifts():
    cards = BASE | {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "CDELT2": 1e-4}
    content = primary(np.zeros((40, 50)), 16, *cards.items())
    image = read(content)
    wcs = image.wcs
    assert wcs.distorted
    assert wcs.crpix == (20.25, -3.5)
    assert wcs.crval == (187.7, 12.39)
    assert wcs.matrix == ((-1e-4, 0.0), (0.0, 1e-4))
    assert wcs.lonpole == 180
    assert wcs.pixel_scale == pytest.approx(0.36, rel=1e-12)
    part = read(content, window=(7, 5, 20, 20))
    assert part.wcs.pixel_to_sky(1, 2) == pytest.approx(wcs.pixel_to_sky(8, 7), abs=1e-12)

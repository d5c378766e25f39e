"""Plates: stars are the wider the brighter they are, and lie along one line."""

import numpy as np
import pytest
from helpers.frames_made import write_frame

from galedge.frames.frame import Frame
from galedge.frames.given import own
from galedge.frames.locus import Locus
from galedge.frames.points import Points
from galedge.frames.psf import Psf, measured
from galedge.frames.sources import Sources

SHAPE, NOISE = (900, 900), 20.0
STARS, GALAXIES = 220, 12


def moffat(r, fwhm=2.6):
    core = fwhm / 2 / np.sqrt(2 ** (1 / 3) - 1)
    return 2 / (np.pi * core**2) * (1 + (r / core) ** 2) ** -3


def places(count):
    """Return places 50 pixels apart, off the pixels' middles."""
    random = np.random.default_rng(4)
    y, x = np.mgrid[30 : SHAPE[0] - 20 : 50, 30 : SHAPE[1] - 20 : 50]
    chosen = random.permutation(x.size)[:count]
    off = random.uniform(-0.5, 0.5, (2, count))
    return x.ravel()[chosen] + off[0], y.ravel()[chosen] + off[1]


def exposed(is_star, is_plate=True):
    """Return stars and exponential discs, as an emulsion blackens or linear, and where they are."""
    random = np.random.default_rng(5)
    x, y = places(len(is_star))
    light = np.zeros(SHAPE)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for i, star in enumerate(is_star):
        near = np.s_[
            max(0, int(y[i]) - 28) : int(y[i]) + 28, max(0, int(x[i]) - 28) : int(x[i]) + 28
        ]
        r = np.hypot(columns[near] - x[i], rows[near] - y[i])
        flux = 10 ** random.uniform(3.7, 6.2)
        scale = random.uniform(2, 5)
        light[near] += flux * (moffat(r) if star else np.exp(-r / scale) / (2 * np.pi * scale**2))
    pixels = 800 * np.log1p(light / 400) if is_plate else light
    return (pixels + random.normal(0, NOISE, SHAPE)).astype(np.float32), x, y


def noise_of(pixels):
    return np.full(pixels.shape, NOISE, np.float32)


@pytest.fixture(scope="module")
def plate():
    is_star = np.arange(STARS + GALAXIES) < STARS
    return *exposed(is_star), is_star


def test_stars_of_a_plate_have_no_one_width_and_lie_along_a_line(plate):
    pixels, *_ = plate
    found = measured(pixels, noise_of(pixels))
    assert isinstance(found, Locus)
    assert found.width[-1] > found.width[0] + 0.5
    assert (np.diff(found.light) >= 0).all()
    assert found.scatter < 0.04


def test_what_lies_on_the_line_is_a_star_and_of_the_rest_nobody_can_tell(plate, tmp_path):
    pixels, x, y, is_star = plate
    write_frame(tmp_path / "plate.fits", pixels + 1000)
    nothing = np.full(len(x), np.nan)
    sources = Sources(x, y, nothing, np.zeros(len(x), bool), [None] * len(x))
    points = Points(Frame(str(tmp_path / "plate.fits")), sources)
    assert points.psf is None
    told = np.array([points.cells(i)["extendedness"] is not None for i in range(len(x))])
    assert told[is_star].mean() > 0.85
    assert not told[~is_star].any()
    values = [points.cells(i)["extendedness"] for i in np.flatnonzero(told)]
    assert max(values) < 0.5


def test_there_is_no_line_of_galaxies_nor_of_a_few_stars_nor_where_all_are_equally_wide():
    for is_star, is_plate in ((np.zeros(STARS), True), (np.ones(40), True), (np.ones(99), False)):
        pixels, *_ = exposed(is_star.astype(bool), is_plate)
        assert not isinstance(measured(pixels, noise_of(pixels)), Locus)
    assert isinstance(measured(pixels, noise_of(pixels)), Psf)


def test_an_image_of_a_plate_has_no_point_spread_function(plate):
    assert own(plate[0]) is None

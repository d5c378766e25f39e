"""What is missing: areas of one value, never a value alone; gaps that are bridged."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.blanks import FILLS, SHAPES, SIDE, WHOLE, disc, turned
from helpers.rendered import galaxy, prepared

import galedge
from galedge.core import _core, kernels

NEW = galedge.Recipe.latest()
#: Sky, noise and whether the values are integers: of a subtracted frame to counts.
SKIES = [(0, 0.01, False), (0, 5, False), (100, 5, True), (900, 20, True), (3, 1, False)]


def observed(sky, noise, rounded, seed=0):
    image = disc(60 * noise) + np.random.default_rng(seed).normal(sky, noise, (SIDE, SIDE))
    return np.round(image) if rounded else image


def areas(image):
    found = _core.constant_areas(np.asarray(image, np.float32)[np.newaxis])
    return np.zeros(image.shape, bool) if found is None else found


# --- areas of one value ------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("sky", "noise", "rounded"), SKIES)
def test_areas_of_one_value_are_missing(shape, sky, noise, rounded):
    missing = SHAPES[shape]
    for fill in FILLS:
        image = np.where(missing, fill, observed(sky, noise, rounded))
        np.testing.assert_array_equal(areas(image), missing, err_msg=str(fill))


@pytest.mark.parametrize("name", WHOLE)
def test_images_that_lack_nothing_lack_nothing(name):
    assert not areas(WHOLE[name]).any()


def test_a_galaxy_cut_out_of_its_sky_is_whole():
    for scale, limit in ((4, 10), (10, 15), (25, 10)):
        light = disc(300, scale)
        image = np.where(light > limit, observed(0, 5, False) - disc() + light, 0)
        assert not areas(image).any()


def test_two_numbers_may_stand_for_none():
    image = np.where(SHAPES["corners"], 0, observed(900, 20, False))
    image = np.where(SHAPES["masked star"], 1e30, image)
    missing = SHAPES["corners"] | SHAPES["masked star"]
    np.testing.assert_array_equal(areas(image), missing)


def test_a_stack_whose_edge_was_interpolated():
    outside = turned(15, 76)
    ramp = sum(np.roll(~outside, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
    image = observed(900, 20, False) * np.where(outside, 0, ramp)
    np.testing.assert_array_equal(areas(image), image == 0)


def test_the_twin_finds_the_same():
    images = [np.where(missing, 0, observed(100, 5, True)) for missing in SHAPES.values()]
    images += [np.where(missing, -999, observed(0, 5, False)) for missing in SHAPES.values()]
    for image in [*images, *WHOLE.values()]:
        image = np.asarray(image, np.float32)
        found = kernels.constant_areas(image)
        np.testing.assert_array_equal(False if found is None else found, areas(image))


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_what_stands_for_nothing_is_nothing(shape, fill):
    image = observed(100, 5, False).astype(np.float32)
    filled, lacking = (np.where(SHAPES[shape], v, image) for v in (np.float32(fill), np.nan))
    batch = prepared(filled, lacking.astype(np.float32), recipe=NEW)
    np.testing.assert_array_equal(batch.pixels[0], batch.pixels[1])
    assert batch.facts[0] == batch.facts[1]
    assert batch.facts[0].noise == pytest.approx(5, rel=0.1)
    assert batch.facts[0].sky == pytest.approx(100, abs=2)


def test_a_recipe_of_before_takes_them_as_they_are_but_says_so():
    image = np.where(SHAPES["edge"], 0, observed(100, 5, False)).astype(np.float32)
    recipes = galedge.Recipe(framing="full"), NEW.replace(framing="full")
    old, new = (prepared(image, recipe=recipe).facts[0] for recipe in recipes)
    assert "masked" in old.flags
    assert old.masked_fraction == pytest.approx(SHAPES["edge"].mean())
    assert old.sky == _core.border_sky(image[np.newaxis])[0]
    assert "masked" in new.flags
    assert new.sky == pytest.approx(100, abs=2) != old.sky


def test_pictures_are_left_alone():
    picture = np.where(SHAPES["padding"], 0, np.clip(observed(100, 5, True), 0, 255))
    old, new = (prepared(picture.astype(np.uint8), recipe=recipe) for recipe in (None, NEW))
    np.testing.assert_array_equal(old.pixels, new.pixels)
    assert old.facts == new.facts


def test_areas_in_one_band_are_missing_in_it():
    bands = np.stack([observed(100, 5, False, seed) for seed in range(3)]).astype(np.float32)
    bands[1][SHAPES["gap"]] = 0
    lacking = bands.copy()
    lacking[1][SHAPES["gap"]] = np.nan
    batch = prepared(bands, lacking, recipe=NEW)
    np.testing.assert_array_equal(batch.pixels[0], batch.pixels[1])
    assert batch.facts[0].masked_fraction > 0


# --- the sky of what is valid --------------------------------------------------------------------


@pytest.mark.parametrize("recipe", [galedge.Recipe(), NEW])
@pytest.mark.parametrize("sky", [0, 100, 1500])
@pytest.mark.parametrize("shape", ["padding", "outside a circle"])
def test_no_valid_pixel_in_the_border(shape, sky, recipe):
    image = observed(sky, 5, False)
    beyond = SHAPES[shape] | (np.hypot(*np.mgrid[-79.5:80, -79.5:80]) > 59)
    lacking = np.where(beyond, np.nan, image)
    whole, fact = prepared(*(i.astype(np.float32) for i in (image, lacking)), recipe=recipe).facts
    assert fact.sky == pytest.approx(whole.sky, abs=3)  # some light of the galaxy's
    assert fact.noise == pytest.approx(5, rel=0.15)
    assert "masked" in fact.flags
    assert "no_source" not in fact.flags
    assert (fact.x, fact.y) == (pytest.approx(79.5, abs=1), pytest.approx(79.5, abs=1))


def test_a_border_with_few_valid_pixels():
    image = galaxy((128, 128), noise=2.0)
    image[:16] = image[-16:] = np.nan
    image[:, :16] = image[:, -16:] = np.nan
    image[3, 5:9] = 5000  # all that the border has
    assert _core.border_sky(image[np.newaxis])[0] == pytest.approx(5000)
    level, noise = _core.border_sky(image[np.newaxis], sparse=True)
    assert level == pytest.approx(50, abs=1)
    assert noise == pytest.approx(2, rel=0.2)
    np.testing.assert_allclose(kernels.border_sky(image, True), (level, noise), rtol=1e-4)


def test_the_border_of_nothing_has_no_sky():
    nothing = np.full((40, 30), np.nan, np.float32)
    for level, noise in (kernels.border_sky(nothing), _core.border_sky(nothing[np.newaxis])):
        assert np.isnan(level)
        assert noise == 0


# --- bridges -------------------------------------------------------------------------------------


def test_bridges_are_straight_and_no_longer_than_told():
    ramp = np.add.outer(2.0 * np.arange(30), np.arange(40)).astype(np.float32)
    lacking = ramp.copy()
    lacking[:, 5:8] = lacking[11:15] = lacking[20, 30] = np.inf
    lacking[:, 20:25] = lacking[0, 35] = np.nan
    out, filled = kernels.bridged(lacking, 4)
    # Where a row crosses a column the shorter way is taken; wider ones stay, and edges.
    stay = np.zeros(ramp.shape, bool)
    stay[:, 20:25] = True
    stay[11:15, 20:25] = False  # by the rows above and below
    stay[:11, 20:25] = stay[15:, 20:25] = True
    valid = np.isfinite(out)
    np.testing.assert_allclose(out[valid], ramp[valid], rtol=1e-5)
    assert not valid[20, 22]
    assert valid[20, 30]
    assert valid[12, 10]
    assert valid[3, 6]
    np.testing.assert_array_equal(filled, valid & ~np.isfinite(lacking))


@pytest.mark.parametrize("width", [1, 2, 4])
def test_dead_columns_change_little(width):
    image = observed(100, 5, False).astype(np.float32)
    whole = prepared(image, recipe=NEW)
    for fill in (np.nan, 0):
        lacking = image.copy()
        lacking[:, 84 : 84 + width] = fill
        batch = prepared(lacking, recipe=NEW)
        assert np.abs(batch.pixels.astype(int) - whole.pixels).mean() < 0.5
        assert batch.facts[0].side == pytest.approx(whole.facts[0].side, rel=0.03)
        assert batch.facts[0].masked_fraction == pytest.approx(width / whole.facts[0].side, rel=0.1)


def test_what_is_bridged_counts_as_missing():
    image = galaxy((120, 120)).astype(np.float32)
    image[:, 10:110:6] = np.nan
    fact = prepared(image, recipe=NEW.replace(framing="full")).facts[0]
    assert fact.masked_fraction == pytest.approx(17 / 120, abs=1e-6)
    assert "masked" in fact.flags
    unbridged = prepared(image, recipe=NEW.replace(framing="full", bridge=0)).facts[0]
    assert unbridged.masked_fraction == pytest.approx(fact.masked_fraction, abs=1e-6)

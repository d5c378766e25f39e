"""The slope of a cutout's sky: found beside galaxies and neighbours, and taken off."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.rendered import galaxy, prepared

import galedge
from galedge.core import _core, kernels

NEW = galedge.Recipe.latest()


def sloped(image, across, up):
    """Add a plane that rises by so much from side to side."""
    height, width = image.shape[-2:]
    plane = np.add.outer(up * np.arange(height) / height, across * np.arange(width) / width)
    return (image + plane).astype(np.float32)


@pytest.mark.parametrize("shape", [(64, 64), (128, 128), (150, 90), (424, 424)])
@pytest.mark.parametrize("scale", [0.04, 0.1])
def test_slopes_are_found(shape, scale):
    image = galaxy(shape, scale=scale * min(shape), noise=1.0)
    for across, up in ((0, 0), (3, 0), (-2, 5), (40, 40)):
        x, y = _core.border_slope(sloped(image, across, up)[np.newaxis])
        assert x * shape[1] == pytest.approx(across, abs=0.5)
        assert y * shape[0] == pytest.approx(up, abs=0.5)


def test_neighbours_and_holes_are_no_slope():
    image = sloped(galaxy((128, 128), noise=1.0), 3, -2)
    y, x = np.mgrid[:128, :128]
    image += (500 * np.exp(-np.hypot(x - 120, y - 30) / 5)).astype(np.float32)
    image[:50, :9] = np.nan
    across, up = _core.border_slope(image[np.newaxis])
    assert across * 128 == pytest.approx(3, abs=0.7)
    assert up * 128 == pytest.approx(-2, abs=0.7)


@pytest.mark.parametrize("shape", [(1, 500), (15, 15), (40, 12)])
def test_too_small_a_border_tells_no_slope(shape):
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    assert _core.border_slope(image[np.newaxis]) == (0, 0) == kernels.border_slope(image)


def test_half_a_border_tells_no_slope():
    image = sloped(galaxy((128, 128)), 9, 9)
    image[:, 12:] = np.nan  # all that is left lies in one column
    assert _core.border_slope(image[np.newaxis]) == (0, 0)
    flat = np.full((64, 64), 7, np.float32)
    assert _core.border_slope(flat[np.newaxis]) == (0, 0)


def test_the_twin_finds_the_same():
    rng = np.random.default_rng(4)
    for i in range(30):
        shape = tuple(rng.integers(20, 260, 2))
        image = sloped(galaxy(shape, scale=rng.uniform(2, 20), seed=i), *rng.normal(0, 9, 2))
        if i % 3 == 0:
            image[: shape[0] // 3, : shape[1] // 2] = np.nan
        if i % 5 == 0:
            image = np.round(image)
        expected = _core.border_slope(image[np.newaxis])
        np.testing.assert_allclose(kernels.border_slope(image), expected, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("bands", [1, 3])
def test_a_slope_of_three_sigma_changes_nothing(bands):
    image = np.stack([galaxy(scale=5 + seed, seed=seed) for seed in range(bands)])
    level, moonlit = image, sloped(image, 3, 0)
    old, new = (prepared(level, moonlit, recipe=recipe) for recipe in (galedge.Recipe(), NEW))

    def change(batch):
        return np.abs(batch.pixels[0].astype(int) - batch.pixels[1]).mean()

    assert change(new) < 0.1 < 1 < change(old)
    flat, tilted = new.facts
    assert tilted.noise == pytest.approx(flat.noise, rel=0.01)
    assert tilted.side == pytest.approx(flat.side, rel=0.01)
    assert tilted.sky == pytest.approx(flat.sky + 1.5, abs=0.1)  # in the middle
    assert tilted.flags == flat.flags


def test_pictures_keep_their_slope():
    picture = np.clip(sloped(galaxy(), 30, 0), 0, 255).astype(np.uint8)
    old, new = (prepared(picture, recipe=recipe) for recipe in (galedge.Recipe(), NEW))
    np.testing.assert_array_equal(old.pixels, new.pixels)

"""Cameras give what files hold, alike for one seed, and do what they are asked for."""

from dataclasses import replace

import numpy as np
import pytest

from galedge import prepare
from galedge.images.recipe import Recipe
from training.data.cameras import FIXED, Camera, draw
from training.data.exposure import observe, psf
from training.data.simulate import luma

SIDE = 96
AS_IS = Camera(digits="", stretch="asis")


@pytest.fixture(scope="module")
def picture():
    """Return an 8-bit picture of an inclined, reddish galaxy (3, H, W)."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    light = np.exp(-np.hypot(x + 0.5 * y, 2 * y) / 9)
    bands = np.stack([light, 0.8 * light, 0.5 * light])
    return np.rint(255 * bands).astype(np.uint8)


def seen(picture, camera, seed=0):
    return observe(picture, camera, np.random.default_rng(seed))


@pytest.mark.parametrize("name", FIXED)
def test_what_fixed_cameras_write_is_a_source_to_galedge(picture, name):
    camera = FIXED[name]
    image = seen(picture, camera)
    assert image.dtype == {"f4": np.float32, "u2": np.uint16, "": np.uint8}[camera.digits]
    assert image.ndim == (3 if len(camera.mix) == 3 else 2)
    assert np.isfinite(image).all()
    np.testing.assert_array_equal(image, seen(picture, camera))
    (fact,) = prepare([image], Recipe.latest()).facts
    assert fact.error is None
    assert "no_source" not in fact.flags


def test_drawn_cameras_are_all_readable(picture):
    random = np.random.default_rng(1)
    images = [observe(picture, draw(random), random) for _ in range(60)]
    assert all(np.isfinite(image).all() for image in images)
    assert {image.dtype.name for image in images} == {"float32", "uint16", "uint8"}
    assert {image.ndim for image in images} == {2, 3}
    assert len({image.shape[-1] for image in images}) > 20
    facts = prepare(images, Recipe.latest()).facts
    assert all(fact.error is None for fact in facts)


def test_the_picture_as_it_is(picture):
    np.testing.assert_array_equal(seen(picture, AS_IS), picture)
    grey = seen(picture, replace(AS_IS, mix=((0.2, 0.5, 0.3),)))
    np.testing.assert_array_equal(grey, luma(picture))
    turned = seen(picture, Camera(digits="", stretch="asis", turn=np.pi / 2))
    np.testing.assert_array_equal(turned, np.rot90(picture, 3, (1, 2)))
    mirrored = seen(picture, Camera(digits="", stretch="asis", mirror=True))
    np.testing.assert_array_equal(mirrored, picture[:, :, ::-1])


def test_depth_seeing_slope_and_bands_are_what_they_say(picture):
    quiet = Camera(peak=1e6, sky=1, read=1, bias=0)
    sharp = seen(picture, quiet)
    middle = sharp[:, SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4].max(0)
    assert abs(np.quantile(middle, 0.99) / 1e6 - 1) < 0.01
    assert seen(picture, Camera(peak=1e6, seeing=0.1)).max() < 0.8 * sharp.max()
    noise = Camera(peak=1, sky=300, read=10, bias=0)
    assert abs(seen(picture, noise).std() - 20) < 0.5
    sloping = seen(picture, Camera(peak=1, sky=300, read=10, slope=5, toward=0.0))
    steps = sloping[:, :, -8:].mean() - sloping[:, :, :8].mean()
    assert abs(steps / 20 - 5 * (SIDE - 8) / SIDE) < 0.4
    gains = seen(picture, Camera(peak=1e6, sky=1, read=1, bias=0, mix=((0, 0, 2), (1, 0, 0))))
    np.testing.assert_allclose(gains[0] / 2, sharp[2], atol=5e3)
    np.testing.assert_allclose(gains[1], sharp[0], atol=5e3)


def test_clipped_cores_and_stars(picture):
    clipped = seen(picture, Camera(peak=1e5, full=0.4, bias=0, sky=0, read=1))
    assert clipped.max() < 0.4e5 * 1.05
    plain, starry = (seen(picture, Camera(peak=1e5, stars=n, bias=0)) for n in (0, 12))
    away = np.hypot(*(np.mgrid[:SIDE, :SIDE] - SIDE / 2)) > SIDE / 3
    assert starry[:, away].max() > 3 * plain[:, away].max()


def test_linear_data_are_observed_too(picture):
    flux = picture.astype(np.float32)
    assert seen(flux, FIXED["clean"]).shape == picture.shape
    assert seen(flux[0], FIXED["mono_r"]).shape == picture.shape[1:]


@pytest.mark.parametrize("width", [0.5, 2.0, 9.0])
def test_profiles_have_the_width_that_was_asked_for(width):
    profile = psf(width, np.random.default_rng(0))
    assert abs(profile.sum() - 1) < 1e-5
    if width > 1:
        above = (profile > profile.max() / 2).sum()
        assert abs(above / (np.pi * width**2 / 4) - 1) < 0.45
    assert psf(0.1, np.random.default_rng(0)) is None

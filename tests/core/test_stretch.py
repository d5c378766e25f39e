"""Stretches against their definitions and astropy."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.rendered import galaxy, prepared

import galedge
from galedge.core import _core


def test_asinh_is_accurate_everywhere():
    x = np.concatenate([np.logspace(-30, 30, 20001), [0, 1e-45, 3e38]]).astype(np.float32)
    x = np.concatenate([x, -x])[None, None]
    galactic = np.abs(x) < 1e18  # beyond, values stay finite and stop growing
    expected = np.arcsinh(x[galactic].astype(float))
    np.testing.assert_allclose(_core.asinh(x)[galactic], expected, rtol=2e-7, atol=1e-45)
    assert np.isfinite(_core.asinh(x)).all()


@pytest.mark.parametrize("least", [0.0, 0.2])
def test_stretch_follows_its_definition(least):
    recipe = galedge.Recipe(framing="full", size=64, knee=least)
    image = galaxy((128, 128), noise=2.0)
    batch = prepared(image, recipe=recipe)
    level, noise = _core.border_sky(image[None])
    small = image.astype(float).reshape(64, 2, 64, 2).mean((1, 3)) - level
    peak = np.sort(small.ravel())[int(recipe.white * (small.size - 1))]
    knee = recipe.softening * noise / 2
    assert knee < 0.2 * peak  # or both cases would be one
    knee = max(knee, least * peak)
    expected = np.arcsinh(small / knee) / np.arcsinh(max(peak, 2 * knee) / knee)
    expected = np.clip(255 * np.where(small > 0, expected, 0), 0, 255)
    for band in batch.pixels[0]:
        assert np.abs(band - expected).max() <= 1


def test_bands_keep_their_ratio():
    red = galaxy(noise=0.5, sky=0)
    colour = np.stack([red, 0.5 * red, 0.25 * red])
    pixels = prepared(colour, recipe=galedge.Recipe(framing="full")).pixels[0].astype(float)
    bright = pixels[0] > 100
    np.testing.assert_allclose(pixels[1][bright] / pixels[0][bright], 0.5, atol=0.03)
    np.testing.assert_allclose(pixels[2][bright] / pixels[0][bright], 0.25, atol=0.03)


def test_pictures_are_not_stretched():
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[20:44, 20:44] = (200, 100, 50)
    pixels = prepared(picture, recipe=galedge.Recipe(framing="full")).pixels[0]
    np.testing.assert_array_equal(pixels, picture.transpose(2, 0, 1))


def test_scale_and_pedestal_do_not_matter():
    image = galaxy()
    a = prepared(image).pixels.astype(int)
    b = prepared(image * np.float32(1e-9)).pixels.astype(int)
    c = prepared((image + np.float32(2000)) * 4).pixels.astype(int)
    assert np.abs(a - b).max() <= 1
    assert np.abs(a - c).max() <= 2


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("shape", [(64, 64), (100, 331), (7, 9), (2, 2), (500, 500)])
def test_zscale_agrees_with_astropy(shape, seed):
    from astropy.visualization import ZScaleInterval

    image = galaxy(shape, seed=seed, noise=2.0, scale=min(shape) / 10)
    if seed % 2:
        image[image > np.quantile(image, 0.9)] += 500
    if seed % 3 == 2:
        image[::5, ::3] = np.nan
    low, high = _core.zscale(image)
    expected = ZScaleInterval().get_limits(image)
    # To the precision of the image's own range: limits may come near zero.
    scale = float(np.nanmax(np.abs(image)))
    assert low == pytest.approx(expected[0], abs=1e-6 * scale)
    assert high == pytest.approx(expected[1], abs=1e-6 * scale)


@pytest.mark.parametrize(("stretch", "q"), [(5, 8), (0.5, 8), (20, 3), (1, 20)])
def test_lupton_agrees_with_astropy(stretch, q):
    pytest.importorskip("astropy", "7")  # rounded elsewhere before: one in fifty pixels by one
    from astropy.visualization import make_lupton_rgb

    rng = np.random.default_rng(0)
    bands = np.stack([galaxy(seed=s, sky=0, peak=p) for s, p in enumerate((90, 60, 30))])
    bands[:, :4] = rng.normal(0, 1e4, (3, 4, 128))
    expected = np.moveaxis(make_lupton_rgb(*bands, stretch=stretch, Q=q), -1, 0)
    difference = np.abs(_core.lupton(bands, stretch, q).astype(int) - expected)
    assert difference.max() <= 1
    assert (difference == 0).mean() >= 0.999


def test_recipes_with_other_stretches():
    image = galaxy(noise=2.0)
    colour = np.stack([image, 0.6 * image, 0.3 * image])
    for source in (image, colour):
        pixels = {
            stretch: prepared(source, recipe=galedge.Recipe(stretch=stretch)).pixels
            for stretch in ("asinh", "lupton", "zscale")
        }
        assert len({value.tobytes() for value in pixels.values()}) == 3
        assert all(value.max() > 100 for value in pixels.values())
    with pytest.raises(ValueError, match="stretch must be"):
        galedge.Recipe(stretch="log")

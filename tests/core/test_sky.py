"""The sky of a cutout against its published definition."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.oracles import clipped_mode
from helpers.rendered import galaxy

from galedge.core import _core, kernels


def border(image):
    width = max(1, min(image.shape) // 8)
    keep = np.ones(image.shape, bool)
    keep[width:-width, width:-width] = False
    return image[keep]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shape", [(64, 64), (128, 128), (97, 200), (424, 424)])
def test_sky_follows_the_definition(shape, seed):
    image = galaxy(shape, seed=seed, noise=3.0)
    level, noise = _core.border_sky(image[None])
    expected, sigma = clipped_mode(border(image))
    assert level == pytest.approx(expected, abs=0.02 * sigma)
    assert noise == pytest.approx(sigma, rel=0.01)


def test_sky_ignores_stars_and_nan_on_the_border():
    image = galaxy(noise=2.0)
    image[5:9, 20:24] += 5000
    image[100:110, :6] = np.nan
    level, noise = _core.border_sky(image[None])
    assert level == pytest.approx(50, abs=0.3)
    assert noise == pytest.approx(2, rel=0.05)


def test_sky_of_a_constant_border_is_its_value():
    image = np.zeros((40, 40), np.float32)
    image[15:25, 15:25] = 7
    assert _core.border_sky(image[None]) == (0, 0)


@pytest.mark.parametrize("value", [0, 255, -5, 1e-30, 3e30])
@pytest.mark.parametrize("others", ["above", "below", "both"])
@pytest.mark.parametrize("count", [1, 3, 40, 400])
@pytest.mark.parametrize("spread", ["one", "many"])
def test_sky_is_what_nearly_all_of_the_border_is(value, others, count, spread):
    """Of what was set to one value below its noise, or above: maps of radio and X-ray sources."""
    random = np.random.default_rng(count)
    image = np.full((300, 300), value, np.float64)
    size = max(abs(value), 1e-30)
    away = size * (random.uniform(0.1, 75, count) if spread == "many" else np.full(count, 75))
    away *= {"above": 1, "below": -1, "both": random.choice([-1, 1], count)}[others]
    image[random.integers(0, 30, count), random.integers(0, 300, count)] += away
    level, noise = _core.border_sky(image.astype(np.float32)[None])
    assert abs(level - value) < 0.2 * size
    assert noise < 10 * size
    want = kernels.border_sky(image.astype(np.float32))
    np.testing.assert_allclose((level, noise), want, rtol=1e-5, atol=1e-6 * size)

"""The sky of a cutout against its published definition."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.oracles import clipped_mode
from helpers.rendered import galaxy

from galedge.core import _core


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

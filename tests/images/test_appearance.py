"""Appearance: numbers that tell of seeing, of bands' gains and of flat fields."""

import numpy as np
import pytest

from galedge.images.appearance import appearances


def pictures(width, number=20, gains=(1, 1, 1), side=64, right=1.0):
    """Return spots of some width and noise, as a network sees them."""
    random = np.random.default_rng(3)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    spot = 180 * np.exp(-(x**2 + y**2) / (2 * width**2))
    flat = np.where(x > 0, right, 1.0)
    made = [
        spot * flat * np.reshape(gains, (3, 1, 1)) + random.normal(20, 2, (3, side, side))
        for _ in range(number)
    ]
    return np.clip(np.rint(made), 0, 255).astype(np.uint8)


def mean(pixels):
    return np.mean([list(each) for each in appearances(pixels)], 0)


def test_each_number_tells_of_one_change():
    usual = mean(pictures(2.0))
    softer, redder = mean(pictures(3.0)), mean(pictures(2.0, gains=(1, 0.8, 0.8)))
    uneven = mean(pictures(2.0, right=0.8))
    assert softer[0] < usual[0] - 0.5
    assert abs(softer[1:] - usual[1:]).max() < 0.02
    assert redder[1] > usual[1] + 0.1
    assert abs(redder[2:] - usual[2:]).max() < 0.03
    assert uneven[3] < usual[3] - 0.004
    assert abs(uneven[4] - usual[4]) < 0.001
    assert abs(np.delete(uneven - usual, [0, 3])).max() < 0.03


def test_a_picture_is_the_same_alone_and_among_others():
    pixels = pictures(2.0, 37)
    assert appearances(pixels) == [one for each in pixels for one in appearances(each[np.newaxis])]
    assert appearances(pixels[:0]) == []


def test_turned_pictures_have_turned_tilts():
    pixels = pictures(2.0, 3, right=0.7)
    for one, other in zip(
        appearances(pixels), appearances(pixels.transpose(0, 1, 3, 2)), strict=True
    ):
        assert (one.tilt_x, one.tilt_y) == pytest.approx((other.tilt_y, other.tilt_x))
        assert one[:3] == pytest.approx(other[:3])


def test_by_hand():
    pixels = np.zeros((1, 3, 8, 8), np.uint8)
    pixels[0, :, 2:4, 2:4] = 100  # one pixel of those two wide
    pixels[0, 0, 3, 3] = 104
    (found,) = appearances(pixels)
    fine = (16 * 1204**2 + 2 * 1204**2) / 4 / 12**2  # four places have a Laplacian: 4, -1, -1, 0
    assert found.sharpness == pytest.approx(np.log2((fine + 0.01) / 0.01))
    assert found.colour_red == pytest.approx(np.log2((104 + 1) / (100 + 1)))
    assert found.colour_blue == 0
    assert (found.tilt_x, found.tilt_y) == (-1, -1)


@pytest.mark.parametrize("side", [8, 9, 11, 12, 15, 72])
@pytest.mark.parametrize("value", [0, 7, 255])
def test_numbers_are_finite_and_one_band_has_no_colour(side, value):
    (found,) = appearances(np.full((1, 3, side, side), value, np.uint8))
    assert (found.sharpness, found.tilt_x, found.tilt_y) == (0, 0, 0)
    assert found.colour_red is None
    assert found.colour_blue is None

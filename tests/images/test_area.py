"""Pixels on another grid: what they cover is what a polygon's corners say, and no light is lost."""

import numpy as np
import pytest

from galedge.images.area import resampled

SHAPE = (1, 40, 50)


def read_of(pixels):
    return lambda x, y, width, height: pixels[:, y : y + height, x : x + width]


def image(seed=0, shape=SHAPE):
    return np.random.default_rng(seed).normal(100, 5, shape).astype(np.float32)


def moved(angle=0.0, scale=1.0, at=(0.0, 0.0), flip=1):
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return lambda x, y: (at[0] + c * x - s * y, at[1] + flip * (s * x + c * y))


def clipped(corners, axis, bound, sign):
    """Return a polygon's part on one side of a line, by Sutherland & Hodgman."""
    kept = []
    for a, b in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        da, db = sign * (a[axis] - bound), sign * (b[axis] - bound)
        if da >= 0:
            kept.append(a)
        if (da >= 0) != (db >= 0):
            kept.append(tuple(np.array(a) + da / (da - db) * (np.array(b) - a)))
    return kept


def overlap(corners, column, row):
    """Return the area of a polygon within a pixel."""
    for axis, middle in enumerate((column, row)):
        for sign in (1, -1):
            corners = clipped(corners, axis, middle - sign * 0.5, sign)
            if not corners:
                return 0.0
    x, y = np.array(corners).T
    return abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.6])
@pytest.mark.parametrize("angle", [0.0, 1e-3, 0.4, np.pi / 4, np.pi / 2, 2.0])
@pytest.mark.parametrize("flip", [1, -1])
def test_each_pixel_covers_what_its_polygon_does(scale, angle, flip):
    there = moved(angle, scale, (20.3, 18.7), flip)
    pixels = image()
    found = resampled(read_of(pixels), SHAPE, there, (-2, -3, 5, 7))
    for j in range(7):
        for i in range(5):
            sides = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]
            corners = [there(i - 2 + a, j - 3 + b) for a, b in sides]
            expected = sum(
                overlap(corners, column, row) * pixels[0, row, column]
                for row in range(40)
                for column in range(50)
                if abs(column - corners[0][0]) < 6 and abs(row - corners[0][1]) < 6
            )
            # Up to an angle of 0.01 pixels in a block a grid counts as straight.
            near = 1e-5 if angle != 1e-3 else 1e-3
            assert found[0, j, i] == pytest.approx(expected, rel=near)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (4, -3), (-7, 2)])
def test_whole_pixels_are_copied(x, y):
    pixels = image()
    found = resampled(read_of(pixels), SHAPE, moved(at=(x, y)), (0, 0, 50, 40))
    expected = np.full(SHAPE, np.nan, np.float32)
    rows, columns = np.arange(40) + y, np.arange(50) + x
    rows_on, columns_on = (rows >= 0) & (rows < 40), (columns >= 0) & (columns < 50)
    part = pixels[0][np.ix_(rows[rows_on], columns[columns_on])]
    expected[0][np.ix_(rows_on, columns_on)] = part
    np.testing.assert_array_equal(found, expected)


def test_a_quarter_turn_is_exact():
    pixels = image()
    found = resampled(read_of(pixels), SHAPE, lambda x, y: (y, 39 - x), (0, 0, 40, 50))
    np.testing.assert_allclose(found[0], pixels[0, ::-1].T, rtol=1e-6)


@pytest.mark.parametrize("angle", [0.0, 0.7, 3.0])
@pytest.mark.parametrize("scale", [0.5, 1.3])
def test_no_light_is_lost(angle, scale):
    pixels = np.zeros((3, 300, 200), np.float32)
    pixels[:, 140:160, 90:110] = image(1, (3, 20, 20))
    about = moved(angle, scale)
    at = np.array([100.0, 150.0]) - about(90.0, 110.0)
    found = resampled(read_of(pixels), pixels.shape, moved(angle, scale, at), (20, 40, 140, 140))
    np.testing.assert_allclose(np.nansum(found, (1, 2)), pixels.sum((1, 2)), rtol=1e-5)


def test_blocks_fit_together():
    pixels = image(2, (1, 300, 260))
    there = moved(0.2, 1.02, (30.0, 10.0))
    whole = resampled(read_of(pixels), pixels.shape, there, (0, 0, 150, 140))
    part = resampled(read_of(pixels), pixels.shape, there, (37, 71, 70, 20))
    np.testing.assert_allclose(part[0], whole[0, 71:91, 37:107], rtol=1e-6)


@pytest.mark.parametrize("angle", [0.0, 0.3])
def test_missing_pixels_stay_missing(angle):
    pixels = image()
    pixels[0, 20, 25] = np.nan
    pixels[0, 5, 5] = 1e38  # harms what it lies in, and nothing else
    about = moved(angle, 1.0)
    at = np.array([25.3, 20.4]) - about(25.0, 20.0)
    found = resampled(read_of(pixels), SHAPE, moved(angle, 1.0, at), (12, 10, 25, 20))
    gone = np.isnan(found[0])
    assert 4 <= gone.sum() <= 9
    assert gone[9:12, 12:15].any()
    others = found[0][~gone]
    assert ((others > 80) & (others < 120)).all()


def test_kinds_of_numbers_are_kept():
    tiny = image().astype(np.float64) * 1e-60
    found = resampled(read_of(tiny), SHAPE, moved(at=(0.5, 0)), (0, 0, 40, 40))
    np.testing.assert_allclose(found[0], (tiny[0, :, :40] + tiny[0, :, 1:41]) / 2, rtol=1e-9)
    counts = np.arange(2000, dtype=np.int16).reshape(SHAPE)
    found = resampled(read_of(counts), SHAPE, moved(), (0, 0, 50, 40))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, counts)


def test_what_has_no_place_is_missing():
    def there(x, y):
        return np.where(x > 20, np.nan, x), y

    found = resampled(read_of(image()), SHAPE, there, (0, 0, 50, 40))
    assert np.isfinite(found[0, :, :12]).all()
    assert np.isnan(found[0, :, 21:]).all()
    nowhere = resampled(read_of(image()), SHAPE, lambda x, y: (x + np.nan, y), (0, 0, 9, 9))
    assert np.isnan(nowhere).all()
    assert np.isnan(resampled(read_of(image()), SHAPE, moved(at=(900, 0)), (0, 0, 9, 9))).all()

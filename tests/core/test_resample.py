"""Resampling against exact overlaps and OpenCV."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.rendered import galaxy

from galedge.core import _core


def overlap(start, side, size, length):
    """Return the (size, length) matrix of exact overlaps of output and input pixels."""
    edges = start + side / size * np.arange(size + 1)
    i = np.arange(length)
    lower = np.maximum(edges[:-1, None], i)
    upper = np.minimum(edges[1:, None], i + 1)
    return np.clip(upper - lower, 0, None) / (side / size)


@pytest.mark.parametrize(
    ("x", "y", "side", "size"),
    [(0, 0, 100, 64), (3.3, 7.9, 81.7, 64), (10, 2, 64, 64), (-20.5, 5, 130, 32), (0, 0, 128, 8)],
)
def test_shrinking_is_exact_area_overlap(x, y, side, size):
    image = galaxy((90, 110)).astype(np.float32)
    result, invalid = _core.resample(image[None], x, y, side, size, -1.0)
    wy, wx = overlap(y, side, size, 90), overlap(x, side, size, 110)
    valid = wy.sum(1)[:, None] * wx.sum(1)[None]
    expected = np.where(
        valid >= 0.5 - 1e-4, wy @ image.astype(float) @ wx.T / np.maximum(valid, 1e-9), -1.0
    )
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    assert invalid == pytest.approx(1 - valid.mean(), abs=1e-5)


@pytest.mark.parametrize(("shape", "size"), [((128, 128), 64), ((424, 424), 64), ((333, 333), 50)])
def test_shrinking_agrees_with_opencv(shape, size):
    import cv2

    image = galaxy(shape)
    ours, _ = _core.resample(image[None], 0, 0, shape[0], size, 0.0)
    theirs = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(ours, theirs, rtol=2e-6)


def test_shrinking_averages_over_valid_pixels_only():
    image = np.arange(64, dtype=np.float32).reshape(8, 8)
    image[0, 0] = np.nan  # one of four: the mean of the others
    image[2:4, 2:4] = np.nan  # all four: the fill value
    result, invalid = _core.resample(image[None], 0, 0, 8, 4, 99.0)
    assert result[0, 0] == pytest.approx((1 + 8 + 9) / 3)
    assert result[1, 1] == 99
    assert invalid == pytest.approx(5 / 64)
    assert result[3, 3] == pytest.approx(image[6:, 6:].mean())


def test_enlarging_is_linear():
    ramp = np.add.outer(np.arange(10), 2 * np.arange(10)).astype(np.float32)
    result, _ = _core.resample(ramp[None], 2, 2, 5, 20, 0.0)
    at = 2 + 5 / 20 * (np.arange(20) + 0.5) - 0.5
    np.testing.assert_allclose(result, np.add.outer(at, 2 * at), rtol=1e-5)

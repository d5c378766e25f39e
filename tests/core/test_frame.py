"""Framing of galaxies whose size is known."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.rendered import galaxy, prepared

import galedge
from galedge.core.kernels.frame import CROPPED
from galedge.core.kernels.prepare import prepare_one
from galedge.images.facts import FLAGS


@pytest.mark.parametrize("q", [1.0, 0.4])
@pytest.mark.parametrize(("scale", "size"), [(4, 128), (8, 160), (12, 424)])
def test_frame_follows_the_isophote(scale, size, q):
    image = galaxy((size, size), scale=scale, q=q, noise=1.0)
    fact = prepared(image).facts[0]
    # Where the disc falls to the noise of a pixel; averaging into cells sees farther.
    isophote = 2 * scale * np.log(100 / 1.0)
    assert 0.75 * 1.25 * isophote < fact.side < 1.75 * 1.25 * isophote
    assert fact.x == pytest.approx((size - 1) / 2, abs=1.5)
    assert fact.y == pytest.approx((size - 1) / 2, abs=1.5)
    assert fact.flags == ()


def test_frame_follows_an_off_centre_galaxy():
    fact = prepared(galaxy((200, 200), centre=(90, 115), scale=5)).facts[0]
    assert (fact.x, fact.y) == (pytest.approx(115, abs=1.5), pytest.approx(90, abs=1.5))


def test_frame_ignores_other_sources():
    image = galaxy((200, 200), scale=5)
    alone = prepared(image).facts[0]
    y, x = np.mgrid[:200, :200]
    image += 4000 * np.exp(-((x - 180) ** 2 + (y - 20) ** 2) / 8)  # a bright star apart
    beside = prepared(image).facts[0]
    assert beside.side == pytest.approx(alone.side, rel=0.1)
    assert beside.x == pytest.approx(alone.x, abs=1)


def test_a_touching_neighbour_widens_the_frame_little():
    image = galaxy((200, 200), scale=5)
    alone = prepared(image).facts[0]
    y, x = np.mgrid[:200, :200]
    image += 100 * np.exp(-np.hypot(x - 128, y - 100) / 4)
    beside = prepared(image).facts[0]
    assert beside.side < 1.25 * alone.side
    assert np.hypot(beside.x - alone.x, beside.y - alone.y) < 6


def test_a_small_galaxy_at_an_edge_is_cropped():
    for x in (12, 24, 128):
        image = galaxy((256, 256), centre=(128, x), scale=12, noise=1.0)
        flags = prepared(image).facts[0].flags
        assert ("cropped" in flags) == (x < 25)
        assert bool(prepare_one(image[np.newaxis])[1].flags & CROPPED) == (x < 25)


def test_flags():
    noise = galaxy(peak=0)
    assert "no_source" in prepared(noise).facts[0].flags
    huge = galaxy((64, 64), scale=60, peak=1000)
    assert "cropped" in prepared(huge).facts[0].flags
    tiny = galaxy((64, 64), scale=0.7, peak=200)
    assert "small" in prepared(tiny).facts[0].flags
    holed = galaxy()
    holed[40:90, 55:70] = np.nan
    fact = prepared(holed).facts[0]
    assert "masked" in fact.flags
    assert fact.masked_fraction > 0.1
    faint = galaxy(peak=3, scale=10, noise=2)
    assert "faint" in prepared(faint).facts[0].flags
    assert set(FLAGS) >= {"no_source", "cropped", "neighbour", "small", "masked", "faint"}


@pytest.mark.parametrize("framing", ["full", 50])
def test_fixed_frames_are_centred(framing):
    fact = prepared(galaxy((100, 140)), recipe=galedge.Recipe(framing=framing)).facts[0]
    assert (fact.x, fact.y) == (69.5, 49.5)
    assert fact.side == (100 if framing == "full" else 50)

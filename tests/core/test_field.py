"""Whole frames that are given as cutouts are told by their many sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from galedge.core.kernels.frame import MANY_SOURCES
from galedge.core.kernels.prepare import prepare_one
from galedge.images.facts import FLAGS
from galedge.images.prepare import prepare

EXAMPLES = Path(__file__).parents[2] / "examples"


def field(side, count, width=2.0, seed=0):
    """Return a sky with round sources of all brightnesses."""
    rng = np.random.default_rng(seed)
    image = rng.normal(100, 5, (side, side))
    rows, columns = np.indices(image.shape)
    for _ in range(count):
        x, y = rng.uniform(0, side, 2)
        flux = 10 ** rng.uniform(3, 4.5)
        around = np.hypot(columns - x, rows - y)
        image += flux / 25 * np.exp(-((around / width) ** 2) / 2)
    return image.astype(np.float32)


def disc(side, share, stars=0, seed=0):
    """Return a galaxy over a share of the image's side, perhaps among stars."""
    rows, columns = np.indices((side, side)) - (side - 1) / 2
    light = 2000 * np.exp(-np.hypot(columns, rows) / (share * side / 12))
    return (light + field(side, stars, seed=seed)).astype(np.float32)


def has_flag(image):
    """Tell whether the core flags it; the twin agrees."""
    (fact,) = prepare([image]).facts
    flags = prepare_one(image[np.newaxis])[1].flags
    assert bool(flags & MANY_SOURCES) == ("many_sources" in fact.flags)
    return "many_sources" in fact.flags


def test_its_bit():
    assert list(FLAGS).index("many_sources") == MANY_SOURCES.bit_length() - 1


@pytest.mark.parametrize(("side", "count"), [(300, 20), (512, 60), (1024, 40), (700, 80)])
def test_fields_are_told(side, count):
    assert has_flag(field(side, count))


@pytest.mark.parametrize(("side", "count"), [(64, 0), (128, 1), (128, 3), (300, 5), (600, 0)])
def test_a_sky_with_little_in_it_is_no_field(side, count):
    assert not has_flag(field(side, count))


@pytest.mark.parametrize("stars", [0, 3, 10, 40])
@pytest.mark.parametrize("share", [0.4, 0.7])
def test_galaxies_are_no_fields_whatever_is_around(share, stars):
    assert not has_flag(disc(200, share, stars))


def test_examples_are_no_fields():
    paths = sorted(EXAMPLES.glob("*.fits*"))
    assert len(paths) >= 10
    for path, fact in zip(paths, prepare(paths).facts, strict=True):
        assert "many_sources" not in fact.flags, path


def test_a_deep_field_is_one():
    data = pytest.importorskip("skimage.data")
    picture = np.moveaxis(data.hubble_deep_field(), -1, 0)
    for image in (picture, picture.astype(np.float32), picture[1, :400, :400]):
        (fact,) = prepare([image]).facts
        assert "many_sources" in fact.flags


def test_other_framings_say_nothing():
    from galedge.images.recipe import Recipe

    for framing in ("full", 64):
        (fact,) = prepare([field(512, 60)], Recipe(framing=framing)).facts
        assert "many_sources" not in fact.flags

"""The Numba twins against the C++ core: each is the other's oracle.

Tolerances: sky and noise 1e-4 sigma; resampling 1e-5 of the image's range and
the invalid fraction 1e-6; the frame's box 0.5 % of its side and equal flags for
95 % of random galaxies at least; tensors within one level where frames agree.
"""

from __future__ import annotations

import numpy as np
import pytest

import galedge
from galedge.core import _core, kernels
from galedge.errors import Blank
from galedge.images.facts import FLAGS

SHAPES = [(1, 1), (1, 7), (9, 2), (5, 5), (16, 17), (63, 64), (64, 200), (131, 97), (300, 300)]
SHAPES += [(2, 500), (3, 192), (700, 4)]  # strips have more than 64 cells along them


def galaxy(rng, shape=None, bands=1):
    """Render a random galaxy, often with a neighbour, a star, or a hole of NaN."""
    height, width = shape or rng.integers(24, 260, 2)
    y, x = np.mgrid[:height, :width]
    scale = rng.uniform(1, 0.12 * max(height, width) + 1)
    image = np.zeros((height, width))
    for brightness, reach in ((1, 0.05), (0.5 * (rng.random() < 0.4), 0.4)):
        cx = width / 2 + reach * width * rng.normal()
        cy = height / 2 + reach * height * rng.normal()
        turn, q = rng.uniform(0, np.pi), rng.uniform(0.2, 1)
        u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        v = ((y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)) / q
        image += brightness * np.exp(-((np.hypot(u, v) / scale) ** rng.uniform(0.4, 1.2)))
    image *= 10 ** rng.uniform(0.5, 3.5)
    planes = np.stack([image * rng.uniform(0.3, 1) for _ in range(bands)])
    planes += rng.normal(rng.uniform(-100, 1000), 1, planes.shape)
    if rng.random() < 0.3:
        top, left = rng.integers(height), rng.integers(width)
        planes[:, top : top + height // 4, left : left + width // 5] = np.nan
    if rng.random() < 0.3:
        planes[rng.random(planes.shape) < 0.01] = np.inf
    return np.ascontiguousarray(planes * 10 ** rng.uniform(-12, 2), np.float32)


def core_prepare(planes, **fields):
    batch = galedge.prepare([planes], galedge.Recipe(**fields))
    return batch.pixels[0], batch.facts[0]


def names(flags):
    return tuple(name for bit, name in enumerate(FLAGS) if flags >> bit & 1)


# --- sky -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_sky_is_that_of_the_core(shape):
    rng = np.random.default_rng(shape[0])
    for _ in range(5):
        image = galaxy(rng, shape)[0]
        level, noise = kernels.border_sky(image)
        expected, sigma = _core.border_sky(image[None])
        np.testing.assert_allclose(level, expected, rtol=1e-6, atol=1e-4 * sigma)
        np.testing.assert_allclose(noise, sigma, rtol=1e-4)


@pytest.mark.parametrize("value", [0, -3.5, 1e30, np.nan])
def test_sky_of_constants(value):
    image = np.full((40, 30), value, np.float32)
    np.testing.assert_array_equal(kernels.border_sky(image), _core.border_sky(image[None]))
    image[3, 3] = 7  # more than half are equal
    np.testing.assert_allclose(kernels.border_sky(image), _core.border_sky(image[None]), rtol=1e-5)


def test_sky_follows_the_definition():
    values = np.random.default_rng(0).normal(50, 3, 20000).astype(np.float32)
    values[:500] += 1000
    kept = values.astype(float)
    while True:
        inside = np.abs(kept - np.median(kept)) <= 3 * kept.std()
        if inside.all():
            break
        kept = kept[inside]
    level, noise = kernels.clipped_mode(values)
    assert level == pytest.approx(2.5 * np.median(kept) - 1.5 * kept.mean(), abs=0.02 * kept.std())
    assert noise == pytest.approx(kept.std(), rel=0.01)


# --- resampling ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [8, 64])
def test_resampling_is_that_of_the_core(shape, size):
    rng = np.random.default_rng(size + shape[1])
    for _ in range(5):
        image = galaxy(rng, shape)[0]
        side = rng.uniform(0.2, 1.5) * max(shape)
        x, y = rng.uniform(-0.3, 0.5) * shape[1], rng.uniform(-0.3, 0.5) * shape[0]
        out, invalid = kernels.resample(image, x, y, side, size, -1.0)
        expected, fraction = _core.resample(image[None], x, y, side, size, -1.0)
        np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
        assert invalid == pytest.approx(fraction, abs=1e-6)


# --- sources ---------------------------------------------------------------------------------


def test_cells_are_labelled_in_reading_order():
    grid = np.array([[0, 1, 0, 0, 1], [1, 0, 0, 0, 1], [0, 0, 0, 1, 0], [1, 0, 0, 0, 0]], float)
    labels, count = kernels.label_cells(grid, 0.5)
    assert count == 3
    np.testing.assert_array_equal(
        labels, [[0, 1, 0, 0, 2], [1, 0, 0, 0, 2], [0, 0, 0, 2, 0], [3, 0, 0, 0, 0]]
    )


@pytest.mark.parametrize("recipe", [galedge.Recipe(), galedge.Recipe.latest()])
def test_frames_and_tensors_are_those_of_the_core(recipe):
    fields = recipe.to_json()
    rng = np.random.default_rng(7)
    agree = 0
    tries = 200
    for i in range(tries):
        planes = galaxy(rng, bands=1 if i % 3 else 3)
        pixels, found = kernels.prepare_one(planes, **fields)
        expected, facts = core_prepare(planes, **fields)
        assert facts.error is None
        box = np.array([found.x - facts.x, found.y - facts.y, found.side - facts.side])
        if np.abs(box).max() > 0.005 * facts.side or names(found.flags) != facts.flags:
            continue
        agree += 1
        assert np.abs(pixels.astype(int) - expected).max() <= 1
        assert found.sky == pytest.approx(facts.sky, rel=1e-6, abs=1e-4 * facts.noise)
        assert found.noise == pytest.approx(facts.noise, rel=1e-4)
        assert found.masked_fraction == pytest.approx(facts.masked_fraction, abs=1e-6)
    assert agree >= 0.95 * tries


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_odd_shapes_are_prepared_as_by_the_core(shape):
    planes = np.random.default_rng(1).normal(5, 2, (1, *shape)).astype(np.float32)
    pixels, found = kernels.prepare_one(planes, size=16)
    expected, facts = core_prepare(planes, size=16)
    assert np.abs(pixels.astype(int) - expected).max() <= 1
    assert (found.x, found.y, found.side) == pytest.approx((facts.x, facts.y, facts.side))
    assert names(found.flags) == facts.flags


@pytest.mark.parametrize("framing", ["full", 50, 500])
def test_fixed_frames_are_those_of_the_core(framing):
    planes = galaxy(np.random.default_rng(3), (100, 140))
    recipe = {"framing": framing, "softening": 3, "white": 0.9, "knee": 0.3}
    pixels, found = kernels.prepare_one(planes, **recipe)
    expected, facts = core_prepare(planes, **recipe)
    assert np.abs(pixels.astype(int) - expected).max() <= 1
    assert (found.x, found.y, found.side) == (facts.x, facts.y, facts.side)
    assert names(found.flags) == facts.flags


# --- stretch ---------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_those_of_the_core(channels):
    rng = np.random.default_rng(channels)
    picture = rng.integers(0, 256, (channels, 70, 90), np.uint8)
    pixels, _ = kernels.prepare_one(picture.astype(np.float32), True)
    expected, facts = core_prepare(picture)
    assert facts.error is None
    assert np.abs(pixels.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("stretch", ["lupton", "zscale"])
def test_other_stretches_are_those_of_the_core(stretch):
    rng = np.random.default_rng(11)
    for i in range(12):
        planes = galaxy(rng, (120, 150), bands=1 if i % 2 else 3)
        pixels, _ = kernels.prepare_one(planes, stretch=stretch, q=5.0)
        expected, _ = core_prepare(planes, stretch=stretch, q=5.0)
        assert np.abs(pixels.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("side", [8, 11, 13, 64, 72, 256])
def test_looks_are_those_of_the_core(side):
    pixels = np.random.default_rng(side).integers(0, 256, (5, 3, side, side), np.uint8)
    pixels[0], pixels[1], pixels[2, :, ::4] = 0, 255, 255
    found = _core.appearances(pixels)
    np.testing.assert_allclose(found, kernels.appearances(pixels), rtol=1e-14)
    turned = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(found, _core.appearances(turned))


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8), (1, 3, 7, 7), (1, 3, 8, 9)])
def test_looks_of_what_is_no_picture_are_refused(shape):
    with pytest.raises(ValueError, match="8 or more"):
        _core.appearances(np.zeros(shape, np.uint8))


def test_zscale_is_that_of_the_core():
    rng = np.random.default_rng(2)
    for size in (1, 4, 30, 900, 40000):
        values = (rng.normal(size=size) ** 3).astype(np.float32)
        values[rng.random(size) < 0.1] = np.nan
        expected = _core.zscale(values[None, None])
        np.testing.assert_allclose(kernels.zscale(values), expected, rtol=1e-5)


def test_extreme_values_do_no_harm():
    planes = galaxy(np.random.default_rng(5), (90, 90))
    planes[0, 45, 45], planes[0, 46, 46], planes[0, 3, 3] = 3e38, -3e38, np.inf
    pixels, _ = kernels.prepare_one(planes)
    expected, _ = core_prepare(planes)
    assert np.abs(pixels.astype(int) - expected).max() <= 1


def test_blank_images_are_refused_in_the_same_words():
    for value in (np.nan, 3.25, -1e30):
        planes = np.full((1, 32, 32), value, np.float32)
        with pytest.raises(Blank) as refused:
            kernels.prepare_one(planes)
        assert str(refused.value) == core_prepare(planes)[1].error


# --- the tables ------------------------------------------------------------------------------


def test_the_stand_in_knows_by_name_what_has_a_twin():
    from galedge.core import fallback
    from galedge.core.kernels.frame import FRAMINGS
    from galedge.core.kernels.stretch import STRETCHES

    assert fallback.framings() == list(FRAMINGS)
    assert fallback.stretches() == list(STRETCHES)
    assert set(FRAMINGS) <= set(_core.framings())
    assert set(STRETCHES) <= set(_core.stretches())


def test_a_stretch_without_a_twin_is_refused_with_a_word_on_the_core(monkeypatch):
    from galedge.core import fallback
    from galedge.images import recipe

    monkeypatch.setattr(recipe, "_core", fallback)
    monkeypatch.setattr(recipe, "is_compiled", False)
    with pytest.raises(ValueError, match="not 'sqrt'; a galedge with a compiled core may know it"):
        recipe.Recipe(stretch="sqrt")

"""The sky of frames against sep, which computes what SExtractor does.

Tolerances in units of the noise: meshes 1e-3 and maps 1e-2 are promised, a
hundredth of that is held, beside the rounding of floats. On ARM sep multiplies and adds
in one step, which on a high sky changes what it clips: there, what is promised.
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers.exact import X86

import galedge
from galedge.core import _core
from galedge.core import fallback as _fallback
from galedge.images.background import background

sep = pytest.importorskip("sep")
HELD = 1e-5 if X86 else 1e-3


def sources(rng, shape):
    """Render a sky with a gradient and structure, and stars of many fluxes on it."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = 100 + x / 50 + 3 * np.sin(y / 150) + rng.normal(0, 5, shape)
    v, u = np.mgrid[-8:8, -8:8]
    for _ in range(image.size // 2400):
        j, i = rng.integers(8, shape[0] - 8), rng.integers(8, shape[1] - 8)
        image[j - 8 : j + 8, i - 8 : i + 8] += rng.pareto(1.2) * 50 * np.exp(-np.hypot(u, v) / 2)
    return image


KINDS = {
    "sources": sources,
    "noise": lambda rng, shape: rng.normal(0, 1e-12, shape),
    "pedestal": lambda rng, shape: rng.normal(3e4, 3, shape),
    "gradient": lambda rng, shape: np.add.outer(np.arange(shape[0]), 3.0 * np.arange(shape[1])),
    "counts": lambda rng, shape: rng.poisson(0.3, shape),
    "integers": lambda rng, shape: rng.normal(1000, 4, shape).round(),
    "saturated": lambda rng, shape: np.minimum(sources(rng, shape), 130),
    "tails": lambda rng, shape: rng.standard_cauchy(shape),
    "half": lambda rng, shape: np.where(np.arange(shape[1]) % 50 < 20, 1e6, rng.normal(size=shape)),
    "few": lambda rng, shape: (rng.random(shape) < 0.1) * 5.0,
}


def frame(kind, shape=(300, 421), seed=1):
    return np.asarray(KINDS[kind](np.random.default_rng(seed), shape), np.float32)


def assert_close(ours, theirs, noise, within):
    assert (np.abs(ours - theirs) <= within * noise + 4e-7 * np.abs(theirs)).all()


def of_sep(image, mesh, filter):
    holes = ~np.isfinite(image)
    mask = holes if holes.any() else None
    return sep.Background(image, mask=mask, bw=mesh, bh=mesh, fw=filter, fh=filter)


def mesh_of_sep(part):
    """Return sep's level and noise of one mesh: of an image that is no larger."""
    whole = of_sep(np.ascontiguousarray(part), max(part.shape), 1)
    return whole.globalback, whole.rms()[0, 0]


@pytest.mark.parametrize("module", [_core, _fallback])
@pytest.mark.parametrize("mesh", [17, 50, 64])
@pytest.mark.parametrize("kind", KINDS)
def test_meshes_are_those_of_sep(kind, mesh, module):
    image = frame(kind)
    image[100:130, 200:260] = np.nan
    *_, level, noise = module.background(image[None], mesh, 1, 1)
    for j in range(level.shape[0]):
        for i in range(level.shape[1]):
            part = image[j * mesh : (j + 1) * mesh, i * mesh : (i + 1) * mesh]
            if np.isfinite(part).mean() < 0.5:
                continue
            theirs, sigma = mesh_of_sep(part)
            assert_close(level[j, i], theirs, sigma, 1e-5)
            assert_close(noise[j, i], sigma, sigma, HELD)


@pytest.mark.parametrize("module", [_core, _fallback])
@pytest.mark.parametrize("filter", [1, 3, 5])
@pytest.mark.parametrize("mesh", [31, 64])
@pytest.mark.parametrize("shape", [(300, 421), (128, 192), (40, 700), (257, 30), (30, 30)])
def test_maps_are_those_of_sep(shape, mesh, filter, module):
    for kind in ("sources", "integers", "gradient"):
        image = frame(kind, shape)
        level, noise, *_ = module.background(image[None], mesh, filter, 1)
        theirs = of_sep(image, mesh, filter)
        assert_close(level, theirs.back(), theirs.rms(), 1e-4)
        assert_close(noise, theirs.rms(), theirs.rms(), 1e-4)


@pytest.mark.parametrize("module", [_core, _fallback])
def test_holes_are_filled_as_by_sep(module):
    image = frame("sources", (320, 384))
    image[:70, :200] = np.nan
    image[128:256, 192:320] = np.inf
    image[np.random.default_rng(0).random(image.shape) < 0.1] = np.nan
    for filter in (1, 3):
        level, noise, *_ = module.background(image[None], 64, filter, 1)
        theirs = of_sep(image, 64, filter)
        assert_close(level, theirs.back(), theirs.rms(), 1e-4)
        assert_close(noise, theirs.rms(), theirs.rms(), 1e-4)


def test_the_stand_in_is_the_core():
    image = frame("sources")
    image[:70, :200] = np.nan
    for ours, expected in zip(
        _fallback.background(image[None], 50, 3, 1),
        _core.background(image[None], 50, 3, 1),
        strict=True,
    ):
        np.testing.assert_allclose(ours, expected, rtol=2e-7, atol=1e-5)


def test_large_meshes_count_beyond_32_bits():
    image = frame("sources", (900, 1100))
    theirs = of_sep(image, 2048, 1)
    sky = background(image, 2048, 1)
    assert_close(sky.mesh_level, theirs.globalback, theirs.globalrms, 1e-5)
    assert_close(sky.mesh_noise, theirs.globalrms, theirs.globalrms, 1e-5)


@pytest.mark.parametrize("value", [7.5, 0.1, -3e8, 0])
@pytest.mark.parametrize("module", [_core, _fallback])
def test_a_constant_frame_has_its_value_everywhere(module, value):
    image = np.full((1, 193, 130), value, np.float32)  # one mesh is a strip of one pixel
    level, noise, *_ = module.background(image, 64, 3, 1)
    np.testing.assert_allclose(level, image[0], rtol=1e-7)
    assert (noise == 0).all()


@pytest.mark.parametrize("module", [_core, _fallback])
@pytest.mark.parametrize("filter", [1, 3])
def test_a_single_pixel_counts_twice_as_in_sep(filter, module):
    image = frame("sources", (65, 129))
    level, noise, mesh_level, mesh_noise = module.background(image[None], 64, filter, 1)
    assert mesh_level[1, 2] == 2 * image[64, 128]
    assert mesh_noise[1, 2] == 0
    theirs = of_sep(image, 64, filter)
    assert_close(level, theirs.back(), 5, 1e-4)
    assert_close(noise, theirs.rms(), 5, 1e-4)


def test_values_coarser_than_the_histogram_do_no_harm():
    image = np.full((64, 64), 1e9, np.float32)
    image[::2] = np.nextafter(image[::2], np.float32(2e9))
    for module in (_core, _fallback):
        level, noise, *_ = module.background(image[None], 64, 1, 1)
        assert np.abs(level - 1e9).max() < 1000
        assert np.isfinite(noise).all()


def test_missing_values_take_no_part_and_an_empty_frame_is_refused():
    image = frame("noise", (256, 256)) + 1
    blank = np.where(np.arange(256) % 3, image, np.float32(-1.7e38))
    for module in (_core, _fallback):
        level, *_ = module.background(blank[None], 64, 3, 1)
        np.testing.assert_allclose(level, 1, rtol=1e-6)
        with pytest.raises(galedge.Blank, match="no part of the frame"):
            module.background(np.full((1, 80, 80), np.nan, np.float32), 64, 3, 1)


def test_threads_and_types_do_not_change_the_answer():
    image = frame("sources")
    one, many = background(image), background(image.astype(">f8"), threads=3)
    for name in ("level", "noise", "mesh_level", "mesh_noise"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name))


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (65, 64)])
def test_odd_shapes(shape):
    sky = background(np.random.default_rng(0).normal(size=shape))
    assert sky.level.shape == shape
    assert np.isfinite(sky.level).all()


def test_bad_options_are_refused():
    for module in (_core, _fallback):
        with pytest.raises(ValueError, match="odd"):
            module.background(np.zeros((1, 8, 8), np.float32), 64, 2, 1)
    with pytest.raises(ValueError, match="shape"):
        background(np.zeros(8))


@pytest.mark.parametrize("module", [_core, _fallback])
def test_maps_can_be_written_into_the_memory_of_the_last(module, monkeypatch):
    monkeypatch.setattr("galedge.images.background._core", module)
    image, expected = frame("sources"), background(frame("sources"))
    out = np.full(image.shape, 7, np.float32), np.full(image.shape, 7, np.float32)
    sky = background(image, out=out)
    assert sky.level is out[0]
    assert sky.noise is out[1]
    for name in ("level", "noise", "mesh_level", "mesh_noise"):
        np.testing.assert_array_equal(getattr(sky, name), getattr(expected, name))


def test_maps_that_do_not_fit_are_refused():
    image = frame("sources")
    good = np.empty_like(image)
    fixed = np.empty_like(image)
    fixed.flags.writeable = False
    for bad in (good[1:], good.astype(float), np.empty(image.shape[::-1], np.float32).T, fixed):
        with pytest.raises(ValueError, match="float32"):
            background(image, out=(good, bad))
    for shared in ((good, good), (image, good), (good, image)):
        with pytest.raises(ValueError, match="share memory"):
            background(image, out=shared)

"""The sky of frames against its published definition and against sep."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import sep
from oracles import clipped_mode

import galedge
from galedge import _core, _fallback
from galedge.background import background


@pytest.fixture(autouse=True, params=["core", "pure"])
def backend(request, monkeypatch):
    """Measure by the compiled core, or by what stands in for it."""
    module = importlib.import_module("galedge.background")
    monkeypatch.setattr(module, "_core", _core if request.param == "core" else _fallback)


def crowded(shape=(512, 700), noise=5.0, stars=150, seed=1):
    """Render a sky with a gradient and structure, and stars of many fluxes on it."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = 100 + x / 50 + 3 * np.sin(y / 150) + rng.normal(0, noise, shape)
    v, u = np.mgrid[-8:8, -8:8]
    for _ in range(stars):
        j, i = rng.integers(8, shape[0] - 8), rng.integers(8, shape[1] - 8)
        image[j - 8 : j + 8, i - 8 : i + 8] += rng.pareto(1.2) * 50 * np.exp(-np.hypot(u, v) / 2)
    return image.astype(np.float32)


@pytest.mark.parametrize("mesh", [16, 50, 64])
def test_meshes_follow_the_definition(mesh):
    image = crowded()
    image[100:130, 200:260] = np.nan
    sky = background(image, mesh)
    for j in range(sky.mesh_level.shape[0]):
        for i in range(sky.mesh_level.shape[1]):
            part = image[j * mesh : (j + 1) * mesh, i * mesh : (i + 1) * mesh]
            if np.isfinite(part).mean() < 0.5:
                continue
            level, noise = clipped_mode(part)
            assert sky.mesh_level[j, i] == pytest.approx(level, abs=1e-3 * noise)
            assert sky.mesh_noise[j, i] == pytest.approx(noise, abs=1e-3 * noise)


@pytest.mark.parametrize("shape", [(512, 700), (640, 640), (570, 400)])
def test_map_agrees_with_sep(shape):
    image = crowded(shape)
    ours = background(image, 64, 3)
    theirs = sep.Background(image, bw=64, bh=64, fw=3, fh=3)
    difference = np.abs(ours.level - theirs.back()) / 5
    # sep takes the median of a mesh from a histogram; that is where they differ.
    assert np.quantile(difference, 0.99) < 1e-2
    assert difference.max() < 0.05
    assert np.quantile(np.abs(ours.noise - theirs.rms()) / 5, 0.99) < 1e-2


def test_a_constant_frame_has_its_value_everywhere():
    sky = background(np.full((200, 130), 7.5, np.float32))
    assert (sky.level == 7.5).all()
    assert (sky.noise == 0).all()


def test_empty_meshes_take_the_nearest_and_an_empty_frame_is_refused():
    image = crowded((256, 256))
    image[64:128, 64:128] = np.nan
    sky = background(image)
    assert np.isfinite(sky.level).all()
    assert sky.mesh_level[1, 1] in sky.mesh_level[[0, 1, 1, 2], [1, 0, 2, 1]]
    with pytest.raises(galedge.Blank, match="no part of the frame"):
        background(np.full((80, 80), np.nan))


def test_threads_and_types_do_not_change_the_answer():
    image = crowded()
    one, many = background(image), background(image.astype(">f8"), threads=3)
    np.testing.assert_array_equal(one.level, many.level)


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (65, 64)])
def test_odd_shapes(shape):
    sky = background(np.random.default_rng(0).normal(size=shape))
    assert sky.level.shape == shape
    assert np.isfinite(sky.level).all()


@pytest.mark.parametrize(("mesh", "filter"), [(64, 3), (20, 5), (100, 1), (600, 3)])
def test_core_and_twin_agree(mesh, filter):
    image = crowded()
    image[100:230, 200:330] = np.nan
    ours, theirs = (m.background(image[None], mesh, filter, 1) for m in (_core, _fallback))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_bad_options_are_refused():
    with pytest.raises(ValueError, match="odd"):
        background(np.zeros((8, 8)), filter=2)
    with pytest.raises(ValueError, match="shape"):
        background(np.zeros(8))

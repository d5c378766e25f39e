"""Colours that stand pixel by pixel, NAXIS1 = 3, are those of planes."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from helpers.made import galaxy, write_fits

from galedge.core import _core
from galedge.images.image import read
from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe

fits = pytest.importorskip("astropy.io.fits")


def colours(kind):
    """Return a galaxy of three colours, planes first."""
    planes = np.stack([galaxy(100, seed) * gain for seed, gain in enumerate((1.0, 0.8, 0.5))])
    return planes.clip(0, 250).astype(kind)


@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize("kind", ["f4", "u1", "i2"])
def test_they_are_read_as_planes_are(tmp_path, kind, opaque):
    planes = colours(kind)
    mixed = np.moveaxis(planes, 0, -1)
    if opaque:
        mixed = np.concatenate([mixed, np.full((100, 100, 1), 255, kind)], axis=2)
    fits.writeto(tmp_path / "planes.fits", planes)
    fits.writeto(tmp_path / "mixed.fits", mixed)
    packed = fits.CompImageHDU(mixed, compression_type="GZIP_1", quantize_level=0)
    packed.writeto(tmp_path / "mixed.fits.fz")
    content = (tmp_path / "mixed.fits").read_bytes()
    (tmp_path / "gz.fits.gz").write_bytes(gzip.compress(content))
    expected = prepare([tmp_path / "planes.fits"])
    (twin,) = expected.facts
    names = ("mixed.fits", "mixed.fits.fz", "gz.fits.gz")
    for source in [*(tmp_path / name for name in names), content, read(content)]:
        batch = prepare([source])
        (fact,) = batch.facts
        assert fact.error is None
        np.testing.assert_array_equal(batch.pixels, expected.pixels)
        assert (fact.x, fact.y, fact.flags) == (twin.x, twin.y, twin.flags)
        assert fact.upwards == twin.upwards
    assert read(content).data.shape == mixed.shape  # what is read is what is stored


@pytest.mark.parametrize(("shape", "is_colour"), [((5, 50, 50), False), ((50, 50, 3), True)])
def test_the_core_leaves_them_and_no_other_cubes_to_python(tmp_path, shape, is_colour):
    fits.writeto(tmp_path / "a.fits", np.zeros(shape, "f4"))
    out = np.empty((1, 3, 64, 64), np.uint8)
    core = _core.Recipe(**Recipe().to_json())
    result = _core.prepare_files([bytes(tmp_path / "a.fits")], -1, -1, core, out)
    assert result[7] == [is_colour]
    assert ("is not a galaxy in one or three bands" in result[6][0]) != is_colour


@pytest.mark.parametrize(("cards", "order"), [({"BANDS": "grz"}, (2, 1, 0)), ({}, None)])
def test_the_header_says_which_colour_is_red(tmp_path, cards, order):
    cube = np.random.default_rng(2).normal(0, 5, (40, 50, 3)).astype(np.float32)
    cube[15:25, 20:30] += (20, 60, 100)
    write_fits(tmp_path / "g.fits", cube, **cards)
    batch = prepare([str(tmp_path / "g.fits"), read(tmp_path / "g.fits")])
    expected = prepare([cube[..., list(order or (0, 1, 2))]]).pixels[0]
    for pixels, facts in zip(batch.pixels, batch.facts, strict=True):
        assert np.array_equal(pixels, expected)
        assert ("band_order_unknown" in facts.flags) is (order is None)

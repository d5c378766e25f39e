"""A pack's cameras: held-out pictures alone, the same images whatever the recipe."""

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.made import write_bundle
from helpers.shapes import write_shapes

from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from training.__main__ import main
from training.data.cameras import FIXED
from training.data.exposure import observe
from training.data.pack import KINDS, pack
from training.data.readers import read

SEED = 4


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_shapes(tmp_path_factory.mktemp("shapes"), 24)


@pytest.fixture(scope="module")
def packed(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    options = {"column": "shape", "simulations": 1, "seed": SEED, "cameras": True}
    return pack(source, folder, Recipe(size=24), prepare, **options)


def test_each_camera_is_a_kind_of_input(packed):
    assert packed.cameras == tuple(FIXED)
    assert list(packed.kinds()) == [*KINDS, *FIXED]
    assert list(packed.kinds(cameras=False)) == list(KINDS)
    assert not set(FIXED) & set(packed.views)  # nothing to train on
    assert set(FIXED) <= set(packed.info["failed"])


def test_only_what_is_held_out_is_observed_by_its_own_key(packed, source):
    held = np.isin(packed.split, ["val", "test"])
    assert 0 < held.sum() < len(packed)
    data = read(source)
    for number, (name, camera) in enumerate(FIXED.items()):
        pixels = packed.exact[name]
        assert pixels.any((1, 2, 3)).tolist() == held.tolist()
        row = int(np.flatnonzero(held)[-1])
        random = np.random.default_rng((SEED, number, row))
        image = observe(data.picture(row), camera, random)
        again = prepare([image], Recipe(size=24)).pixels[0]
        np.testing.assert_array_equal(pixels[row], again)


def test_a_pack_by_a_bundle_s_recipe(source, tmp_path, network):
    bundle = write_bundle(tmp_path / "old", {"fp32": network})

    def packs(*words):
        command = ["data", str(source), str(tmp_path / "out"), "--classes", "shape", "--every", "4"]
        return CliRunner().invoke(main, [*command, "--simulations", "1", *words])

    done = packs("--recipe", str(bundle))
    assert done.exit_code == 0, done.output
    from galedge.network.card import Card
    from training.data.pack import Pack

    held = Pack.open(tmp_path / "out")
    assert held.info["recipe"] == Card.read(bundle).recipe.to_json()
    assert held.cameras == ()
    both = packs("--recipe", str(bundle), "--size", "32")
    assert both.exit_code == 2
    assert "leave out --size" in both.output
    unknown = packs("--recipe", "no-such-model")
    assert unknown.exit_code == 1
    assert "no-such-model: no such model" in unknown.output

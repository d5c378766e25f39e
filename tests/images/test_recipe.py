"""Recipes: what a card of before says stays what it said."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from helpers.made import galaxy

import galedge
from galedge.network.model import find_card


def test_the_shipped_recipe_keeps_clean_pixels_and_fills_what_is_missing():
    recipe = find_card("hubble-1").recipe
    assert (recipe.sky, recipe.bridge, recipe.blanks) == ("level", 8, "constant")
    before = recipe.replace(bridge=0, blanks="nan")  # that of 1.4
    assert before.sha256 == "339810349e187e466e45e94b2a8c383e5f4b65a1c6107a993133853a7852b9c9"
    random = np.random.default_rng(0)
    clean = [galaxy(seed=seed) for seed in range(6)]
    clean += [random.normal(100, 5, (3, 40, 50)).astype(np.float32)]
    clean += [np.clip(image, 0, 255).astype(np.uint8) for image in clean[:2]]
    old, new = (galedge.prepare(clean, r) for r in (before, recipe))
    np.testing.assert_array_equal(old.pixels, new.pixels)
    holed = clean[0].copy()
    holed[..., 20:40, 3:9] = -32768
    blank = clean[0].astype(np.float32)
    blank[..., 20:40, 3:9] = np.nan
    told, wanted = galedge.prepare([holed, blank], recipe).pixels
    np.testing.assert_array_equal(told, wanted)


def test_fields_that_came_later_are_said_only_where_they_do_something():
    assert not {"sky", "bridge", "blanks", "knee"} & set(galedge.Recipe().to_json())
    for name, value in (("sky", "plane"), ("bridge", 2), ("blanks", "constant"), ("knee", 0.1)):
        recipe = galedge.Recipe(**{name: value})
        assert recipe.to_json() == {**galedge.Recipe().to_json(), name: value}
        assert galedge.Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
        assert recipe.sha256 != galedge.Recipe().sha256


def test_the_latest_recipe_is_another_one():
    latest = galedge.Recipe.latest(size=72, sky="level")
    assert (latest.size, latest.sky, latest.bridge, latest.blanks) == (72, "level", 8, "constant")
    assert galedge.Recipe.latest().sky == "plane"
    before, now = (dataclasses.asdict(r) for r in (galedge.Recipe(), galedge.Recipe.latest()))
    changed = {name for name in now if now[name] != before[name]}
    assert changed == {"sky", "bridge", "blanks", "knee"}


@pytest.mark.parametrize(
    "fields",
    [{"sky": "dome"}, {"blanks": "zero"}, {"bridge": -1}, {"bridge": 17}, {"knee": 0.6}],
)
def test_what_cannot_be_is_refused(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        galedge.Recipe(**fields)
    with pytest.raises(ValueError, match="newer galedge"):
        galedge.Recipe.from_json({"colour": "blue"})

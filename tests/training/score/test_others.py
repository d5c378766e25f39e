"""Rendered stars and artefacts are the same for every bundle of a recipe, and each another."""

import numpy as np
import pytest

from galedge.images.recipe import Recipe
from training.data.others import ARTEFACTS
from training.score.others import images

RECIPE = Recipe(size=24)


@pytest.mark.parametrize("name", ["star", *ARTEFACTS])
def test_images_are_always_the_same_and_each_another(name):
    one = images(name, RECIPE, 4)
    assert one.shape == (4, 3, 24, 24)
    images.cache_clear()
    np.testing.assert_array_equal(one, images(name, RECIPE, 4))
    assert len({picture.tobytes() for picture in one}) > 1
    more = images(name, RECIPE, 6)
    np.testing.assert_array_equal(one, more[:4])

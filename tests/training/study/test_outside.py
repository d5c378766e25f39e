"""What is no galaxy and was never shown: pictures that stay the same, and can be prepared."""

import numpy as np
import pytest

from galedge.images.prepare import prepare
from training.study.outside import OUTSIDE, pictures


@pytest.mark.parametrize("name", OUTSIDE)
def test_pictures_are_different_and_always_the_same(name):
    made, again = list(pictures(name, 4)), list(pictures(name, 4))
    assert all(np.array_equal(one, other) for one, other in zip(made, again, strict=True))
    batch = prepare(made)
    assert [facts.error for facts in batch.facts] == [None] * 4
    assert len({picture.tobytes() for picture in batch.pixels}) == 4
    assert all(np.ptp(picture) > 20 for picture in made)

"""Typicality's distance: Mahalanobis', and of each image by itself."""

import numpy as np
import pytest

from galedge.network.heads.typicality import distances


@pytest.mark.parametrize("size", [3, 16, 464, 700])
def test_a_distance_does_not_depend_on_the_batch(size):
    random = np.random.default_rng(size)
    features = random.normal(size=(37, size)).astype(np.float32)
    mean, whitening = features.mean(0), random.normal(size=(size, size)).astype(np.float32)
    found = distances(features, mean, whitening)
    exact = np.linalg.norm((features - mean).astype(float) @ whitening.T.astype(float), axis=1)
    np.testing.assert_allclose(found, exact, rtol=1e-5)
    for count in (1, 2, 5, 16, 36):
        np.testing.assert_array_equal(distances(features[:count], mean, whitening), found[:count])
    assert distances(features[:0], mean, whitening).shape == (0,)

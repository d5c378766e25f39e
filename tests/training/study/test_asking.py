"""The simulated labeller: suggestions find what is rare, and the same seed says the same."""

import numpy as np

from training.study.asking import BUDGETS, simulate


def test_suggestions_are_worth_more_than_chance_where_yes_is_rare():
    rng = np.random.default_rng(0)
    vectors = rng.normal(0, 1, (3000, 12)).astype(np.float32)
    truth = vectors[:, 0] + 0.5 * vectors[:, 1] + rng.normal(0, 0.2, 3000) > 2.2
    found = [simulate(vectors, truth, seed) for seed in range(3)]
    assert all(len(areas) == len(BUDGETS) for one in found for areas in one.values())
    at_200 = {way: np.mean([one[way][2] for one in found]) for way in found[0]}
    assert at_200["suggest"] > at_200["chance"]
    # Both begin with the same labels.
    assert all(one["suggest"][0] == one["chance"][0] for one in found)
    assert simulate(vectors, truth, 1) == found[1]

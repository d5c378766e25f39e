"""Prior: fitted shares are nearer to the true ones than labels are, of calibrated answers."""

import numpy as np
from helpers.shapes import KINDS

from training.score.answers import Answers
from training.score.prior import lines_of, shifted
from training.words.derive import of_classes

OWN = np.array([0.5, 0.3, 0.2])


def answers(number=3000, blurred=1.0):
    """Return answers by exact probabilities; `blurred` makes a network that is too sure."""
    random = np.random.default_rng(0)
    label = random.choice(3, number, p=OWN)
    seen = random.normal(size=(number, 3)) + 1.2 * np.eye(3)[label]
    task = of_classes("shapes", KINDS, "shape")
    logits = blurred * 1.2 * seen + np.log(OWN)
    galaxy = np.arange(number).astype(str)
    return Answers(task, galaxy, {"shape": np.eye(3)[label]}, {"shape": logits})


def test_shares_are_found_and_probabilities_calibrated():
    found = shifted({"sky": answers()}, {}, OWN, number=600)["sky"]
    assert found["fitted"] < found["counted"] / 2
    assert found["fitted"] < 0.04
    assert found["ece_fitted"] < found["ece"]
    assert abs(found["ece_fitted"] - found["ece_true"]) < 0.01
    assert lines_of({"sky": found})[2].startswith("| sky | 0.")


def test_what_is_not_calibrated_does_not_become_so():
    good, bad = (shifted({"sky": answers(blurred=b)}, {}, OWN)["sky"] for b in (1.0, 3.0))
    assert bad["ece_fitted"] > 2 * good["ece_fitted"]

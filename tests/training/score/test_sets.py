"""Label sets: what calibration promises is kept, of each class, by galaxies of the same kind."""

import numpy as np
import pytest
from helpers.shapes import KINDS

from galedge.network.heads.sets import LEVELS, Sets, thresholds
from training.score.answers import Answers
from training.score.sets import coverage, fit_sets, measured, rows_of, sets_of
from training.words.derive import of_classes


def drawn(seed, number, shares=(0.6, 0.3, 0.1)):
    """Return labels and the logits of a network that confuses classes, the rare one most."""
    random = np.random.default_rng(seed)
    label = random.choice(3, number, p=shares)
    logits = random.normal(0, [1.0, 1.0, 1.5], (number, 3))
    logits[np.arange(number), label] += np.array([2.0, 1.0, 0.5])[label]
    return label, logits


def answers(seed, number, **more):
    label, logits = drawn(seed, number, **more)
    task = of_classes("shapes", KINDS, "shape")
    galaxy = np.array([f"{seed}-{i}" for i in range(number)])
    return Answers(task, galaxy, {"shape": np.eye(3)[label]}, {"shape": logits})


@pytest.mark.parametrize("level", LEVELS)
def test_exchangeable_galaxies_are_covered_class_by_class(level):
    calibration = {"shape": {"temperature": 1.3}}
    found = fit_sets(answers(0, 6000), calibration)
    sets = Sets.parse(found, 3)
    # Of other shares of classes too: each class is covered by itself.
    for seed, shares in ((1, (0.6, 0.3, 0.1)), (2, (0.1, 0.2, 0.7))):
        told = coverage({"one": answers(seed, 6000, shares=shares)}, calibration, sets, level)
        assert set(told) == {"one", "all"}
        # The most probable class is in any set, so that coverage may be larger.
        assert told["all"]["coverage"] > level - 0.015
        for share in told["all"]["classes"]:
            assert level - 0.04 < share < level + 0.05
        assert 1 <= told["all"]["size"] < 3


def test_few_of_a_class_are_covered_in_the_mean_over_calibrations():
    """With n members the (n + 1) level-th counts, not the n level-th: that would cover less."""
    random = np.random.default_rng(3)
    shares = []
    for _ in range(4000):
        own = random.random(13)
        p = np.stack([own, 1 - own], 1)
        least = thresholds(np.zeros(13, int), p, 0.8)[0]
        shares.append(1 - least)  # of a next one that is as uniform
    assert np.mean(shares) == pytest.approx(12 / 14, abs=0.004)


def test_a_class_with_too_few_members_is_in_every_set():
    p = np.array([[0.9, 0.1]] * 30)
    assert thresholds(np.zeros(30, int), p, 0.9) == [0.9, 0.0]
    few = answers(0, 6000).take(np.arange(30))
    assert set(fit_sets(few, {})["levels"]) == {"0.8"}
    assert fit_sets(few.take(np.arange(10)), {}) is None


def test_what_a_card_is_told():
    told = sets_of(answers(0, 3000), {})
    assert set(told) == {"shape"}
    assert sum(told["shape"]["prior"]) == pytest.approx(1, abs=1e-3)
    assert set(told["shape"]["sets"]["levels"]) == {"0.8", "0.9", "0.95"}
    worth = measured({"one": answers(1, 3000), "two": answers(2, 3000)}, {}, told)["shape"]
    assert set(worth) == {"0.8", "0.9", "0.95"}
    for level, each in worth.items():
        assert float(level) - 0.04 < each["least"] <= each["coverage"] < float(level) + 0.06
        assert 1 <= each["size"] < 3
    lacking = answers(0, 3000, shares=(0.6, 0.4, 0.0))
    assert measured({"one": lacking}, {}, sets_of(lacking, {})) == {}
    assert sets_of(lacking, {}) == {}
    found = coverage({"one": lacking}, {}, Sets.parse(told["shape"]["sets"], 3))
    assert "| one | 0." in rows_of(found, KINDS)[2]
    assert "nan |" in rows_of(found, KINDS)[2]


def test_thresholds_are_those_of_crepes():
    """An independent library gives the same sets."""
    import crepes

    one, other = answers(0, 900), answers(1, 300)

    def p_of(found):
        scaled = np.exp(found.logits)
        return scaled / scaled.sum(1, keepdims=True)

    oracle = crepes.ConformalClassifier()
    p, known = p_of(one), np.arange(len(one.label))
    oracle.fit(1 - p[known, one.label], bins=one.label)
    asked = np.repeat(1 - p_of(other), 1, axis=0)
    bins = np.tile(np.arange(3), (len(asked), 1))
    least = np.array(thresholds(one.label, p, 0.9))
    theirs = np.stack(
        [oracle.predict_set(asked[:, [c]], bins=bins[:, c], confidence=0.9, smoothing=False)[:, 0]
         for c in range(3)], 1)  # fmt: skip
    away = abs(p_of(other) - least) > 1e-4  # ours are rounded down
    assert ((p_of(other) >= least) == theirs.astype(bool))[away].all()

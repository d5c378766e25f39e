"""Two samples of a column: against SciPy, and how often chance alone looks like a change."""

import numpy as np
import pytest

from galedge.tables.twosample import Names, Numbers, chi_square_tail, kolmogorov_tail

stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("degrees", range(1, 12))
def test_chi_square_is_scipys(degrees):
    for x in (0.0, 0.3, 2.0, 11.0, 47.0, 120.0):
        expected = stats.chi2.sf(x, degrees)
        assert chi_square_tail(x, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_kolmogorov_is_scipys():
    for x in (0.0, 0.1, 0.4, 0.9, 1.1799, 1.1801, 1.7, 3.0, 5.0):
        assert kolmogorov_tail(x) == pytest.approx(stats.kstwobign.sf(x), rel=1e-9, abs=1e-300)


def away(ranks, pairs):
    """Return how much more often than not one of either sample is the larger."""
    return abs(ranks.statistic / pairs - 0.5)


@pytest.mark.parametrize("shift", [0.0, 0.2, 0.7])
def test_the_distance_of_numbers_is_scipys(shift):
    random = np.random.default_rng(3)
    for rounded in (False, True):  # ties are one step
        first, second = random.normal(0, 1, 400), random.normal(shift, 1, 90)
        if rounded:
            first, second = first.round(1), second.round(1)
        found = Numbers.of(first.tolist()).difference(second.tolist())
        expected = stats.ks_2samp(first, second, method="asymp")
        assert found.size == pytest.approx(expected.statistic, abs=1e-12)
        ranks = stats.mannwhitneyu(first, second, use_continuity=False, method="asymptotic")
        less = min(expected.pvalue, ranks.pvalue if away(ranks, 400 * 90) >= 0.0707 else 1.0)
        assert found.p == pytest.approx(min(1.0, 2 * less), rel=0.4, abs=0.02)


def test_what_is_not_finite_is_no_number():
    assert Numbers.of([1.0, float("nan"), 2.0, float("inf")]).number == 2


def test_the_chance_of_names_is_scipys():
    first, second = ["a"] * 120 + ["b"] * 60 + ["c"] * 20, ["a"] * 40 + ["b"] * 45 + ["c"] * 15
    found = Names.of(first).difference(second)
    expected = stats.chi2_contingency([[120, 60, 20], [40, 45, 15]], correction=False)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.size == pytest.approx(0.2)
    assert (found.before, found.after) == ("60% a", "40% a")


def test_rare_names_count_together():
    many = [f"n{i}" for i in range(40)]
    first, second = ["a"] * 300 + many, ["a"] * 90 + [f"m{i}" for i in range(10)]
    expected = stats.chi2_contingency([[300, 40], [90, 10]], correction=False)
    assert Names.of(first).difference(second).p == pytest.approx(expected.pvalue, rel=1e-9)
    assert Names.of(["a"] * 100).difference(["a"] * 50).p == 1.0
    assert Names.of(["a"] * 900).difference(["b"] * 25).p < 1e-20
    found = Names.of(["a"] * 900 + ["b"] * 2).difference(["a"] * 22 + ["b"] * 3)
    assert found.p == pytest.approx(2 * stats.hypergeom.sf(2, 927, 5, 25), rel=1e-6)


def test_chance_alone_is_as_rare_as_it_says():
    random = np.random.default_rng(4)
    usual = ["E", "S0", "Sa", "Irr"], [0.3, 0.3, 0.38, 0.02]
    found = []
    for _ in range(3000):
        names, others = (random.choice(usual[0], n, p=usual[1]).tolist() for n in (300, 50))
        numbers, more = random.normal(size=300).tolist(), random.normal(size=50).tolist()
        found.append([Names.of(names).difference(others).p, Numbers.of(numbers).difference(more).p])
    for level in (0.05, 0.01):
        share = (np.array(found) < level).mean(0)
        assert (share < 1.35 * level).all()
        assert (share > 0.4 * level).all()


def test_a_summary_hardly_moves_the_distance():
    random = np.random.default_rng(5)
    sample = Numbers.of(random.normal(size=5000).tolist())
    kept = sample.to_json()
    summary = Numbers(np.array(kept["quantiles"]), kept["number"])
    for shift in (0.0, 0.5):
        others = random.normal(shift, 1, 100).tolist()
        whole, short = sample.difference(others), summary.difference(others)
        assert short.size == pytest.approx(whole.size, abs=0.011)

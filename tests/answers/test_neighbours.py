"""Embeddings compared, against the plain way of doing it."""

import numpy as np
import pytest

from galedge.answers import neighbours
from galedge.answers.neighbours import diverse, nearest, oddness


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(neighbours, "_BLOCK", 37)


def vectors(count=300, size=12, seed=0, offset=0.0):
    return np.random.default_rng(seed).normal(offset, 1, (count, size)).astype(np.float32)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_nearest_is_what_sorting_all_distances_gives(offset):
    among, queries = vectors(offset=offset), vectors(5, seed=1, offset=offset)
    among[[3, 200]] = np.nan
    rows, distances = nearest(queries, among, 7)
    exact = np.linalg.norm(among.astype(float) - queries[:, np.newaxis], axis=2)
    exact[:, [3, 200]] = np.inf
    np.testing.assert_array_equal(rows, np.argsort(exact, axis=1, kind="stable")[:, :7])
    np.testing.assert_allclose(distances, np.sort(exact, axis=1)[:, :7], rtol=1e-6)


def test_equals_come_in_order_and_no_more_than_there_are():
    among = np.ones((90, 4), np.float32)
    among[5] = np.nan
    rows, distances = nearest(np.ones((1, 4), np.float32), among, 200)
    assert rows[0].tolist() == [i for i in range(90) if i != 5]
    assert not distances.any()


def test_what_is_odd():
    usual = abs(vectors(400, 6)) * [1, 5, 1, 1, 0, 1]
    usual = usual.astype(np.float32)
    usual[17] = np.nan
    usual[30, 0] = 9  # as much as nothing of the second column, but nine times what its own has
    away = oddness(usual)
    assert np.isnan(away[17])
    assert np.nanargmax(away) == 30
    assert np.nanmedian(away) == pytest.approx(1, abs=0.25)
    # Few rows in many directions have none that is told apart by chance alone.
    few = oddness(np.vstack([np.full((6, 40), 4.0), np.full((1, 40), 5.0)]).astype(np.float32))
    assert np.argmax(few) == 6


def test_what_shows_all_that_there_is():
    rng = np.random.default_rng(3)
    heaps = np.repeat(rng.normal(0, 10, (5, 8)), [60, 20, 10, 5, 5], axis=0)
    rows = (heaps + rng.normal(0, 0.1, heaps.shape)).astype(np.float32)
    rows[99] = np.nan
    order = diverse(rows)
    assert sorted(order) == list(range(100))
    assert order[-1] == 99
    assert {int(np.searchsorted([60, 80, 90, 95], i, "right")) for i in order[:5]} == set(range(5))
    np.testing.assert_array_equal(diverse(rows, 3), order[:3])
    assert diverse(np.zeros((0, 3), np.float32)).tolist() == []

"""Whether two samples of one column may be draws of one distribution: numbers, or names.

Kolmogorov and Smirnov's distance and Wilcoxon's rank sum for numbers, Pearson's chi-square
for names, with the probability that chance alone brings as much. A sample is counted once,
piece by piece: counts add up, and are what is compared.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST", "Difference", "Names", "Numbers", "chi_square_tail", "kolmogorov_tail"]

QUANTILES = 100
"""Of a summary: each stands for a hundredth of the sample."""

LEAST = 0.1
"""Share of a sample that lies elsewhere; what is less does not matter, however sure."""

_PLACES = 500  # at which shares below are compared: more take time and tell nothing
_EXPECTED = 5.0  # of a name in the smaller sample; rarer ones are counted together


class Difference(NamedTuple):
    """How far two samples are apart.

    Attributes
    ----------
    size : float
        The largest difference of the two cumulative shares, or the share that would have to
        change its name: 0 to 1.
    p : float
        How often chance alone brings as much.
    before, after : str
        What of the two samples shows it, in words.
    """

    size: float
    p: float
    before: str
    after: str


@dataclass(frozen=True)
class _Places:
    """Where numbers are compared.

    Attributes
    ----------
    edges : ndarray, shape (E,)
    below : ndarray, shape (E,)
        Share of the sample up to each.
    ranks : ndarray, shape (E + 1,)
        Mean rank of what lies between, from -0.5 to 0.5.
    spread : float
        Of ranks; 0 if one place holds so much that their sums are far from normal.
    """

    edges: NDArray[np.float64]
    below: NDArray[np.float64]
    ranks: NDArray[np.float64]
    spread: float

    @classmethod
    def of(cls, values: NDArray[np.float64], step: float) -> _Places:
        """Take some of ascending values, and what is just below each: ties are one place."""
        at = np.unique(np.linspace(0, len(values) - 1, _PLACES).astype(int))
        edges = np.unique(values[at])
        under = edges - step if step else np.nextafter(edges, -np.inf)
        edges = np.unique(np.concatenate([edges, under]))
        below = np.searchsorted(values, edges, "right") / len(values)
        shares = np.diff(below, prepend=0.0, append=1.0)
        ranks = np.append(below, 1.0) - shares / 2 - 0.5
        spread = math.sqrt(float(shares @ ranks**2)) if shares.max() <= 0.5 else 0.0
        return cls(edges, below, ranks, spread)


@dataclass(frozen=True)
class Numbers:
    """A sample of numbers, or its quantiles.

    Attributes
    ----------
    values : ndarray, shape (N,)
        Ascending.
    number : int
        Of the sample, of which `values` may be `QUANTILES` only.
    least : float
        What differs by less is alike: tables print few digits.
    within : float
        Distance up to which another sample is not unlike: how far those are from the whole
        of which it was put together.
    """

    values: NDArray[np.float64]
    number: int
    least: float = 0.0
    within: float = 0.0

    @classmethod
    def of(cls, values: Sequence[float], least: float = 0.0) -> Numbers:
        """Take all that are finite."""
        found = np.asarray(values, float)
        found = np.sort(found[np.isfinite(found)])
        return cls(found, len(found), least)

    @cached_property
    def _places(self) -> _Places:
        return _Places.of(self._levels(self.values), 1.0 if self.least else 0.0)

    def _levels(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.rint(values / self.least) if self.least else values

    def counted(self, values: Sequence[float]) -> NDArray[np.int64]:
        """Return how many of some values lie between each two places of this sample."""
        at = np.searchsorted(self._places.edges, self._levels(np.asarray(values, float)))
        return np.bincount(at, minlength=len(self._places.edges) + 1)

    def apart(self, counts: NDArray[np.int64]) -> tuple[float, float]:
        """Compare with what was counted: size and p of a `Difference`.

        A shift is seen soonest in the sum of ranks, whatever else in the distance: the
        smaller chance counts, twice.
        """
        places, number = self._places, int(counts.sum())
        size = float(abs(places.below - np.cumsum(counts)[:-1] / number).max())
        if len(self.values) < self.number:  # what a summary does not tell
            size -= 0.5 / len(self.values)
        size = max(0.0, size - self.within)
        both = self.number * number / (self.number + number)
        root = math.sqrt(both)
        p = kolmogorov_tail((root + 0.12 + 0.11 / root) * size)
        if places.spread and not self.within:
            away = abs(float(counts @ places.ranks) / number)
            # Of a normal shift by which a tenth lies elsewhere, ranks are away by 0.07.
            by_ranks = math.erfc(away / places.spread * math.sqrt(both / 2))
            p = 2 * min(p, by_ranks if away >= LEAST / math.sqrt(2) else 1.0)
        return size, min(1.0, p)

    def words(self, values: Sequence[float]) -> tuple[str, str]:
        """Say what this sample is and what some values are."""
        before, after = (f"median {float(np.median(each)):.4g}" for each in (self.values, values))
        return before, after

    def difference(self, values: Sequence[float]) -> Difference:
        """Compare a newer sample with this one."""
        return Difference(*self.apart(self.counted(values)), *self.words(values))

    def to_json(self) -> dict[str, Any]:
        """Return a summary: what `from_json` reads."""
        at = (np.arange(QUANTILES) + 0.5) / QUANTILES
        within = {"within": round(self.within, 3)} if self.within else {}
        return {
            "number": self.number,
            "least": float(f"{self.least:.5g}"),
            **within,
            "quantiles": [float(f"{value:.5g}") for value in np.quantile(self.values, at)],
        }


@dataclass(frozen=True)
class Names:
    """A sample of names, as the share of each.

    Attributes
    ----------
    shares : mapping
        They sum to 1.
    number : int
        Of the sample.
    """

    shares: Mapping[str, float]
    number: int

    @classmethod
    def of(cls, names: Sequence[str]) -> Names:
        """Count them."""
        return cls(_shares(names), len(names))

    def counted(self, names: Sequence[str]) -> Counter[str]:
        """Return how often each name is there."""
        return Counter(names)

    def apart(self, counts: Counter[str]) -> tuple[float, float]:
        """Compare with what was counted: size and p of a `Difference`."""
        number = counts.total()
        _, mine, new = self._beside(counts)
        return float(abs(mine - new).sum() / 2), _p_of_counts(mine * self.number, new * number)

    def _beside(
        self, counts: Counter[str]
    ) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
        every = sorted({*self.shares, *counts})
        mine = np.array([self.shares.get(name, 0.0) for name in every])
        return every, mine, np.array([counts[name] for name in every]) / counts.total()

    def words(self, names: Sequence[str]) -> tuple[str, str]:
        """Say how often that name is in this sample and in another which differs most."""
        every, mine, new = self._beside(Counter(names))
        most = int(abs(mine - new).argmax())
        before, after = (f"{of[most]:.0%} {every[most] or 'none'}" for of in (mine, new))
        return before, after

    def difference(self, names: Sequence[str]) -> Difference:
        """Compare a newer sample with this one."""
        return Difference(*self.apart(self.counted(names)), *self.words(names))

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        shares = {name: round(share, 5) for name, share in self.shares.items()}
        return {"number": self.number, "shares": shares}


def _shares(names: Sequence[str]) -> dict[str, float]:
    return {name: count / len(names) for name, count in sorted(Counter(names).items())}


def _p_of_counts(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the chance of two rows of counts that are as unlike, by chi-square.

    Where few are expected its tail is longer than chi-square's: those names are one, and
    if that is still rare, how many there are of it is judged by itself, exactly.
    """
    counts = np.array([first, second])
    rows = counts.sum(1)
    smaller = rows.min() / rows.sum()
    rare = counts.sum(0) * smaller < _EXPECTED
    together = counts[:, rare].sum(1)
    counts = counts[:, ~rare]
    if together.sum() * smaller >= _EXPECTED:
        counts = np.hstack([counts, together[:, None]])
    p = 1.0
    if counts.shape[1] > 1 and counts.sum(1).min() > 0:
        expected = counts.sum(1)[:, None] * counts.sum(0) / counts.sum()
        p = chi_square_tail(float(((counts - expected) ** 2 / expected).sum()), counts.shape[1] - 1)
    if 0 < together.sum() * smaller < _EXPECTED:
        drawn, marked = round(float(rows[1])), round(float(together.sum()))
        p = 2 * min(
            p, _drawn_tail(round(float(together[1])), drawn, marked, round(float(rows.sum())))
        )
    return min(1.0, p)


def _drawn_tail(least: int, drawn: int, marked: int, of: int) -> float:
    """Return the chance of `least` or more marked ones among those drawn of all."""

    def choose(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    low, high = max(least, drawn + marked - of), min(drawn, marked)
    return sum(
        math.exp(choose(marked, k) + choose(of - marked, drawn - k) - choose(of, drawn))
        for k in range(low, high + 1)
    )


def kolmogorov_tail(x: float) -> float:
    """Return the chance that Kolmogorov's distribution exceeds x."""
    if x < 0.2:
        return 1.0
    if x < 1.18:  # the series that converges here is the other one
        terms = (math.exp(-((2 * k - 1) ** 2) * math.pi**2 / (8 * x * x)) for k in range(1, 6))
        return 1.0 - math.sqrt(2 * math.pi) / x * sum(terms)
    tail = 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 8))
    return float(min(1.0, max(0.0, tail)))


def chi_square_tail(x: float, degrees: int) -> float:
    """Return the chance that chi-square of so many degrees of freedom exceeds x."""
    half = x / 2
    if degrees % 2:
        tail, term, start = math.erfc(math.sqrt(half)), 2 * math.sqrt(half / math.pi), 3
    else:
        tail, term, start = math.exp(-half), half, 4
    # Each two degrees more add one term of the gamma function's recurrence.
    for degree in range(start, degrees + 1, 2):
        tail += term * math.exp(-half)
        term *= half / (degree / 2)
    return min(1.0, tail)

"""Whether two samples of one column may be draws of one distribution: numbers, or names.

Kolmogorov and Smirnov's distance for numbers, Pearson's chi-square for names, with the
probability that chance alone brings as much.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Difference", "Names", "Numbers", "chi_square_tail", "kolmogorov_tail"]

QUANTILES = 100
"""Of a summary: each stands for a hundredth of the sample."""

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
    """

    values: NDArray[np.float64]
    number: int
    least: float = 0.0

    @classmethod
    def of(cls, values: Sequence[float], least: float = 0.0) -> Numbers:
        """Take all that are finite."""
        found = np.asarray(values, float)
        found = np.sort(found[np.isfinite(found)])
        return cls(found, len(found), least)

    def difference(self, values: Sequence[float]) -> Difference:
        """Compare a newer sample with this one."""
        mine, its = self.values, np.sort(np.asarray(values, float))
        told = [f"median {float(np.median(each)):.4g}" for each in (mine, its)]
        if self.least:
            mine, its = (np.rint(each / self.least) for each in (mine, its))
        every = np.concatenate([mine, its])
        away = np.searchsorted(mine, every, "right") / len(mine)
        away -= np.searchsorted(its, every, "right") / len(its)
        size = float(abs(away).max())
        if len(mine) < self.number:  # what a summary does not tell
            size = max(0.0, size - 0.5 / len(mine))
        both = self.number * len(its) / (self.number + len(its))
        root = math.sqrt(both)
        p = kolmogorov_tail((root + 0.12 + 0.11 / root) * size)
        return Difference(size, p, told[0], told[1])

    def to_json(self) -> dict[str, Any]:
        """Return a summary: what `from_json` reads."""
        at = (np.arange(QUANTILES) + 0.5) / QUANTILES
        return {
            "number": self.number,
            "least": self.least,
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

    def difference(self, names: Sequence[str]) -> Difference:
        """Compare a newer sample with this one."""
        its = _shares(names)
        every = sorted({*self.shares, *its})
        mine = np.array([self.shares.get(name, 0.0) for name in every])
        new = np.array([its.get(name, 0.0) for name in every])
        size = float(abs(mine - new).sum() / 2)
        most = every[int(abs(mine - new).argmax())]
        p = _p_of_counts(mine * self.number, new * len(names))
        shown = most or "none"
        before, after = (f"{of.get(most, 0.0):.0%} {shown}" for of in (self.shares, its))
        return Difference(size, p, before, after)

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

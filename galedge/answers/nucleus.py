"""The share of a galaxy's light in an unresolved nucleus.

The light in rings is that of a smooth bulge, a disk and a point, all seen through the point
spread function. Which bulge and which disk nobody knows, and a compact bulge looks like a
point: so the share is averaged over all of them, each weighed by how well it fits, and the
error is the spread of that average. Where resolution does not allow an answer many fit, and
the error says so.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galedge.answers.mixtures import RATIO, Point, ring_means, sersic
from galedge.answers.photometry import Doubles, Mask
from galedge.answers.rings import Rings, centre, rings

__all__ = ["POINT", "RESOLVED", "Nucleus", "nucleus"]

POINT = "nuclear_point"
"""Flag of what has a nucleus that is more than chance, by `Nucleus.is_point`."""

RESOLVED = 1.6
"""Half-light radius, in sigma of the point, that a galaxy must have."""

# What makes a point: so many errors, and such a share. By `training.study.nuclei`.
_SURE, _BRIGHT = 2.5, 0.1

# Before anything is seen. `training.study.nuclei` says how the answer hangs on it.
_INDICES = (1.0, 2.0, 4.0)  # of Sersic, of bulges
_NONE = 0.2  # of galaxies have no point
_FADING = 1.0  # exponent of 1 - share, by which the others are the rarer
_BULGE, _WIDTH = 0.3, 1.2  # bulges over half-light radii: middle, and spread of the logarithm
_BULGES = (0.2, 2.0)  # sizes that are tried: of the point's sigma, of half-light radii
_DISKS = (0.5, 3.0)  # the same, of half-light radii both
_WIDE = 0.5  # and up to this share of the galaxy's radius

# Galaxies are not smooth, nor is a point spread function known exactly: rings differ from
# any model by a share of their light that the best model's rest tells, within these.
_UNEVEN = (0.01, 0.3)
_ROUNDS = 3

_LIKELY, _MOST = 25.0, 500  # of chi square, and models: what is beyond counts for nothing
_SHARES = 1 - np.linspace(0, 1, 81)[:0:-1] ** 0.75  # of the point, closer where small
_BULGE_SHARES = np.linspace(0, 1, 15)  # of the rest
_LEAST_RINGS = 8
_LEAST_ERROR = 0.01  # sizes and shares that are tried are no closer

_SUBSETS = ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2))


class Nucleus(NamedTuple):
    """The point's share of a galaxy's light, and its error; NaN where nobody can tell."""

    fraction: float
    error: float

    @property
    def is_point(self) -> bool:
        """Whether there is one, beyond what chance and compact bulges make."""
        return self.fraction > max(_BRIGHT, _SURE * self.error)


NOTHING = Nucleus(math.nan, math.nan)


def nucleus(
    flux: Doubles,
    valid: Mask,
    x: float,
    y: float,
    *,
    noise: float,
    reach: float,
    ratio: float,
    psf: Point,
) -> Nucleus:
    """Measure the share of a galaxy's light in a point at its centre.

    Parameters
    ----------
    flux, valid : ndarray, shape (H, W)
        The sky subtracted, and which pixels are the galaxy's or sky.
    x, y : float
        About where the centre is.
    noise : float
        Standard deviation of the sky, in the flux's unit.
    reach : float
        Radius of what is looked at, in pixels: that of the whole galaxy.
    ratio : float
        Of the minor to the major axis.
    psf : Point
        The point spread function.
    """
    x, y = centre(flux, valid, x, y, psf.sigma)
    seen = rings(flux, valid, x, y, reach)
    r_half = seen.half_light()
    if len(seen.light) < _LEAST_RINGS or not noise > 0 or not r_half > RESOLVED * psf.sigma:
        return NOTHING
    models = _models(seen, psf, r_half, reach, ratio)
    uneven = 2 * _UNEVEN[0]
    for _ in range(_ROUNDS):
        fit = _Fit(seen.light, noise**2 / seen.pixels + (uneven * seen.light) ** 2, models)
        rest = (seen.light - fit.best()) ** 2
        told = _unevenness(rest, noise**2 / seen.pixels, seen.light**2)
        if abs(math.log(told / uneven)) < 0.1:
            break
        uneven = told
    return fit.averaged()


class _Models(NamedTuple):
    """Means of each ring of every bulge, every disk and the point, with the light of one."""

    bulges: Doubles
    disks: Doubles
    point: Doubles
    prior: Doubles
    """Logarithm, of each bulge."""


def _models(seen: Rings, psf: Point, r_half: float, reach: float, ratio: float) -> _Models:
    # A bright point makes half the light's radius smaller than its galaxy's.
    disks = _powers(_DISKS[0] * r_half, max(_DISKS[1] * r_half, _WIDE * reach))[::2]
    bulges = _powers(_BULGES[0] * psf.sigma, _BULGES[1] * r_half)[::3]
    # Everything is made of these, of widths that are powers of one number.
    widths = np.arange(
        _power(0.1 * psf.sigma), _power(8 * max(_DISKS[1] * r_half, _WIDE * reach)) + 1
    )

    def gaussians(ratio: float) -> Doubles:
        wide = RATIO ** widths.astype(np.float64)
        return seen.means(ring_means(seen.radius, wide, ratio, psf))

    def profiles(n: float, sizes: NDArray[np.intp], table: Doubles) -> Doubles:
        first, light = sersic(n)
        # What is much narrower than the point looks like it, however narrow.
        at = sizes[:, None] + first + np.arange(len(light)) - widths[0]
        of = np.zeros((len(sizes), len(widths)))
        np.add.at(of, (np.arange(len(sizes))[:, None], at.clip(0, len(widths) - 1)), light)
        return of @ table

    rounder = gaussians((1 + ratio) / 2)
    log_size = np.log(RATIO) * bulges - math.log(_BULGE * r_half)
    nothing = np.zeros(1)
    return _Models(
        np.concatenate([profiles(n, bulges, rounder) for n in _INDICES]),
        profiles(1.0, disks, gaussians(ratio)),
        seen.means(ring_means(seen.radius, nothing, 1.0, psf))[0],
        np.tile(-0.5 * (log_size / _WIDTH) ** 2, len(_INDICES)),
    )


def _power(size: float) -> int:
    return math.floor(math.log(size, RATIO))


def _powers(least: float, most: float) -> NDArray[np.intp]:
    return np.arange(_power(least), max(_power(least), _power(most) + 1) + 1)


def _unevenness(rest: Doubles, noise: Doubles, square: Doubles) -> float:
    """Return the share of the light that makes chi square what it should be."""
    low, high = _UNEVEN
    freedom = max(len(rest) - 5, 1)
    for _ in range(20):
        middle = math.sqrt(low * high)
        if float((rest / (noise + middle**2 * square)).sum()) > freedom:
            low = middle
        else:
            high = middle
    return middle


class _Fit:
    """Every bulge with every disk and the point, by least squares."""

    def __init__(self, light: Doubles, variance: Doubles, models: _Models) -> None:
        self._models = models
        root = 1 / np.sqrt(variance)
        bulges, disks, point = models.bulges * root, models.disks * root, models.point * root
        light = light * root
        shape = len(bulges), len(disks)
        # The normal equations of each pair, of which no matrix is solved but three by three.
        entries = {
            (0, 0): (bulges**2).sum(1)[:, None],
            (1, 1): (disks**2).sum(1),
            (2, 2): np.asarray(point @ point),
            (0, 1): bulges @ disks.T,
            (0, 2): (bulges @ point)[:, None],
            (1, 2): disks @ point,
        }
        self._gram = {key: np.broadcast_to(entry, shape) for key, entry in entries.items()}
        right = (bulges @ light)[:, None], disks @ light, np.asarray(point @ light)
        self._right = np.stack([np.broadcast_to(entry, shape) for entry in right], axis=-1)
        self._gain, self._amplitudes = self._solved()

    def _solved(self) -> tuple[Doubles, Doubles]:
        """Return by how much chi square falls, and by which amplitudes: none is negative."""
        gain = np.zeros(self._right.shape[:-1])
        amplitudes = np.zeros(self._right.shape)
        for used in _SUBSETS:
            found = self._solve(used)
            won = (found * self._right[..., used]).sum(-1)
            better = (found >= 0).all(-1) & (won > gain)
            gain[better] = won[better]
            amplitudes[better] = 0
            for place, which in enumerate(used):
                amplitudes[..., which][better] = found[..., place][better]
        return gain, amplitudes

    def _solve(self, used: tuple[int, ...]) -> Doubles:
        """Return amplitudes of some components, by Cholesky's method, of all pairs at once."""
        lower: dict[tuple[int, int], Doubles] = {}
        half: list[Doubles] = []
        for i, a in enumerate(used):
            for j, b in enumerate(used[: i + 1]):
                entry = self._gram[min(a, b), max(a, b)]
                for k in range(j):
                    entry = entry - lower[i, k] * lower[j, k]
                if i > j:
                    lower[i, j] = entry / lower[j, j]
                else:
                    # Two alike are told apart no better than this.
                    least = 1e-9 * self._gram[a, a]
                    lower[i, i] = np.sqrt(np.maximum(entry, least))
            side = self._right[..., a]
            for k in range(i):
                side = side - lower[i, k] * half[k]
            half.append(side / lower[i, i])
        found = list(half)
        for i in reversed(range(len(used))):
            for k in range(i + 1, len(used)):
                found[i] = found[i] - lower[k, i] * found[k]
            found[i] = found[i] / lower[i, i]
        return np.stack(found, axis=-1)

    def best(self) -> Doubles:
        """Return the light in rings of the model that fits best."""
        i, j = np.unravel_index(int(self._gain.argmax()), self._gain.shape)
        bulge, disk, point = self._amplitudes[i, j]
        models = self._models
        return np.asarray(bulge * models.bulges[i] + disk * models.disks[j] + point * models.point)

    def averaged(self) -> Nucleus:
        """Average the point's share over all models and their bulges' shares."""
        score = (self._gain + 2 * self._models.prior[:, None]).ravel()
        order = np.argsort(-score, kind="stable")[:_MOST]
        order = order[score[order] > score[order[0]] - _LIKELY]
        gram = {key: entry.ravel()[order] for key, entry in self._gram.items()}
        right = self._right.reshape(-1, 3)[order]
        rest, bulge = 1 - _SHARES[:, None], _BULGE_SHARES
        mix = np.broadcast_arrays(rest * bulge, rest * (1 - bulge), _SHARES[:, None])
        shares = np.stack([each.ravel() for each in mix])
        # Of each mix the total light is that which fits best.
        products = np.stack([(1 + (i != j)) * shares[i] * shares[j] for i, j in gram])
        norm = np.stack(list(gram.values()), axis=1) @ products
        chi = np.maximum(right @ shares, 0) ** 2 / norm
        chi += 2 * np.repeat(self._models.prior, self._gain.shape[1])[order, None]
        likely = np.exp(0.5 * (chi - chi.max()))
        likely = likely.sum(0).reshape(len(_SHARES), -1).sum(1) * _PRIOR
        likely /= likely.sum()
        mean = float(likely @ _SHARES)
        spread = math.sqrt(float(likely @ (_SHARES - mean) ** 2))
        return Nucleus(mean, math.hypot(spread, _LEAST_ERROR))


def _prior() -> Doubles:
    """Return how probable each share of the point is, before anything is seen."""
    some = (1 - _SHARES) ** _FADING * np.gradient(_SHARES)
    some *= (1 - _NONE) / some.sum()
    some[0] += _NONE
    return np.asarray(some)


_PRIOR = _prior()

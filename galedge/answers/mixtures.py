"""Profiles of galaxies and of points as sums of Gaussians (Hogg & Lang 2013, PASP 125, 719).

A Gaussian convolved with a Gaussian is one, so whatever is a sum of them is convolved with
a point spread function by adding variances.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from galedge.answers.photometry import Doubles

__all__ = ["RATIO", "Point", "of_point", "ring_means", "sersic"]


RATIO = 1.12
"""Of neighbouring widths, of all sums here."""

_ROUNDS = 400

# Coefficients of the Bessel function I0 (Abramowitz & Stegun 1964, 9.8.1 and 9.8.2).
_NEAR = (1, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813)
_FAR = (
    *(0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281),
    *(-0.02057706, 0.02635537, -0.01647633, 0.00392377),
)


class Point(NamedTuple):
    """A point spread function as a sum of round Gaussians.

    Attributes
    ----------
    variances, shares : ndarray of float64, shape (K,)
        Of each, in pixels squared, and of the light: their sum is one.
    """

    variances: Doubles
    shares: Doubles

    @property
    def sigma(self) -> float:
        """Standard deviation of the Gaussian of the same height, in pixels."""
        return math.sqrt(1 / float((self.shares / self.variances).sum()))


def _shares(density: Doubles, columns: Doubles) -> Doubles:
    """Return the shares of columns in a density by expectation and maximisation.

    None is negative, and their sum is one.

    Parameters
    ----------
    density : ndarray, shape (R,)
        Not negative.
    columns : ndarray, shape (R, K)
        Each with the sum one.
    """
    density = density / density.sum()
    shares = np.full(columns.shape[1], 1 / columns.shape[1])
    for _ in range(_ROUNDS):
        shares *= columns.T @ (density / np.maximum(columns @ shares, 1e-300))
    return np.asarray(shares / shares.sum())


@lru_cache
def sersic(n: float) -> tuple[int, Doubles]:
    """Return Sersic's profile as a sum of round Gaussians.

    Returns
    -------
    first : int
        The narrowest has `RATIO` to this power of the effective radius for its standard
        deviation, each further one `RATIO` times more.
    shares : ndarray
        Of the light, which is that within eight effective radii.
    """
    first, last = math.floor(math.log(0.01, RATIO)), math.ceil(math.log(5, RATIO))
    sigma = RATIO ** np.arange(first, last + 1)
    radius = np.geomspace(0.005, 8, 400)
    # Ciotti & Bertin (1999), eq. 18.
    b = 2 * n - 1 / 3 + 4 / (405 * n) + 46 / (25515 * n**2)
    density = radius**2 * np.exp(-b * radius ** (1 / n))
    columns = radius[:, None] ** 2 * np.exp(-0.5 * (radius[:, None] / sigma) ** 2)
    return first, _shares(density, columns / columns.sum(0))


def of_point(pixels: Doubles) -> Point:
    """Return the sum of round Gaussians that is most like a point spread function.

    Parameters
    ----------
    pixels : ndarray, shape (S, S)
        Of a point in the middle, S being odd and 5 or more. What a pixel gathers is part of it.
    """
    half = (len(pixels) - 1) / 2
    at = np.arange(len(pixels)) - half
    square = (at[:, None] ** 2 + at**2).ravel()
    sigma = np.geomspace(0.35, half, 14)
    columns = np.exp(-0.5 * square[:, None] / sigma**2)
    columns /= columns.sum(0)
    shares = _shares(np.maximum(pixels, 0).ravel(), columns)
    kept = shares > 1e-4
    return Point(sigma[kept] ** 2, shares[kept] / shares[kept].sum())


def ring_means(radius: Doubles, sigma: Doubles, ratio: float, point: Point) -> Doubles:
    """Return elliptical Gaussians seen through a point spread function, averaged over angles.

    Parameters
    ----------
    radius : ndarray, shape (R,)
        In pixels.
    sigma : ndarray, shape (K,)
        Standard deviations along the major axis.
    ratio : float
        Of the minor to the major axis.
    point : Point
        The point spread function.

    Returns
    -------
    ndarray, shape (K, R)
        Each of a total light of one.
    """
    square = radius**2
    result = np.zeros((len(sigma), len(radius)))
    for variance, share in zip(*point, strict=True):
        major = (sigma**2 + variance)[:, None]
        minor = ((ratio * sigma) ** 2 + variance)[:, None]
        height = share / (2 * math.pi * np.sqrt(major * minor))
        less = square * ((1 / minor - 1 / major) / 4)
        result += height * np.exp(-0.5 * square / major) * _scaled_i0(less)
    return result


def _scaled_i0(z: Doubles) -> Doubles:
    """Return exp(-z) I0(z) for z >= 0."""
    small = np.minimum(z, 3.75)
    near = np.exp(-small) * np.polynomial.polynomial.polyval((small / 3.75) ** 2, _NEAR)
    large = np.maximum(z, 3.75)
    far = np.polynomial.polynomial.polyval(3.75 / large, _FAR) / np.sqrt(large)
    return np.asarray(np.where(z <= 3.75, near, far))

"""Descriptors: what classical methods know of a picture, as one row of numbers each."""

from __future__ import annotations

import numpy as np

from galedge.answers.structure import structure
from galedge.errors import GaledgeError

__all__ = ["NAMES", "describe", "gradients"]

NAMES = (
    *("concentration", "asymmetry", "smoothness", "gini", "m20", "ellipticity"),
    *("r_half / r_petrosian", "r20 / r80", "r_petrosian / side", "sn_per_pixel"),
    *("red - green", "green - blue", "red - green gradient", "green - blue gradient"),
    *("surface brightness", "surface brightness gradient"),
)


def describe(picture: np.ndarray) -> np.ndarray:
    """Return the structure and the colours of a galaxy's picture.

    Concentration, asymmetry, smoothness, Gini, M20 and shape are
    `galedge.answers.structure`'s, of the 8-bit picture as it is: its stretch is unknown,
    so they are not those of linear flux, but alike for pictures alike. Colours
    are magnitudes between the bands within the half-light radius, their
    gradients the difference to the ring from there to the Petrosian radius.

    Parameters
    ----------
    picture : ndarray of uint8, shape (3, H, W)
        The whole picture, red first.

    Returns
    -------
    ndarray of float64, shape (16,)
        In the order of `NAMES`, NaN where there is no number.
    """
    values = np.full(len(NAMES), np.nan)
    try:
        found = structure(np.ascontiguousarray(picture))
    except GaledgeError:
        return values
    if not found.r_petrosian > 0:
        return values
    side = min(picture.shape[1:])
    values[:10] = (
        found.concentration,
        found.asymmetry,
        found.smoothness,
        found.gini,
        found.m20,
        found.ellipticity,
        found.r_half / found.r_petrosian,
        found.r20 / found.r80,
        found.r_petrosian / side,
        found.sn_per_pixel,
    )
    y, x = np.indices(picture.shape[1:])
    distance = np.hypot(x - found.x, y - found.y)
    outside = distance > found.r_petrosian
    if not outside.any():
        return values
    sky = np.median(picture[:, outside], 1)
    flux = picture - np.reshape(sky, (-1, 1, 1))
    inner = distance <= found.r_half
    outer = ~inner & (distance <= found.r_petrosian)
    if inner.any() and outer.any():
        near, far = (np.maximum(flux[:, part].mean(1), 0.5) for part in (inner, outer))
        colour, beyond = (-2.5 * np.diff(np.log10(light[::-1]))[::-1] for light in (near, far))
        bright, faint = np.log10(near.mean()), np.log10(far.mean())
        values[10:] = (*colour, *(colour - beyond), bright, bright - faint)
    values[~np.isfinite(values)] = np.nan
    return values


def gradients(pixels: np.ndarray, cell: int = 8) -> np.ndarray:
    """Return the histograms of oriented gradients (Dalal & Triggs 2005) of a prepared picture.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (3, S, S)
        Framed on the galaxy; of the three bands' gradients the largest counts.
    """
    from skimage.feature import hog

    return hog(
        pixels.transpose(1, 2, 0),
        orientations=9,
        pixels_per_cell=(cell, cell),
        cells_per_block=(2, 2),
        channel_axis=-1,
    ).astype(np.float32)

"""Where sources are and how wide: the Gaussian that fits each best, many at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["FWHM", "Gaussians", "fit_gaussians", "stamps"]

Floats = NDArray[np.float32]

#: Of a Gaussian's standard deviation.
FWHM = 2.3548200450309493

_ROUNDS = 16
_NARROWEST = 0.25  # variance in pixels squared, of what is narrower than a pixel
_STRAY = 2.0  # pixels that a centre may move: further away is another source


class Gaussians(NamedTuple):
    """Round Gaussians, one a stamp.

    Attributes
    ----------
    x, y : ndarray of float32, shape (N,)
        Centre, in pixels from that of the stamp.
    sigma : ndarray of float32, shape (N,)
        Standard deviation, in pixels.
    flux : ndarray of float32, shape (N,)
        Sum of the pixels, each weighed by the Gaussian of height one.
    weight : ndarray of float32, shape (N,)
        Root of the sum of the squares of that Gaussian: by how much the noise of a pixel
        is multiplied in `flux`.
    found : ndarray of bool, shape (N,)
        Whether there is light to fit; what is not found has no meaning.
    """

    x: Floats
    y: Floats
    sigma: Floats
    flux: Floats
    weight: Floats
    found: NDArray[np.bool_]


def stamps(pixels: Floats, x: NDArray[np.intp], y: NDArray[np.intp], half: int) -> Floats:
    """Return squares of a frame, shape (N, 2 half + 1, 2 half + 1); NaN outside the frame."""
    height, width = pixels.shape
    reach = np.arange(-half, half + 1)
    rows, columns = y[:, None] + reach, x[:, None] + reach
    cut: Floats = pixels[
        rows.clip(0, height - 1)[:, :, None], columns.clip(0, width - 1)[:, None, :]
    ].astype(np.float32)
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[
        :, None, :
    ]
    cut[~inside] = np.nan
    return cut


def fit_gaussians(cut: Floats, x: Floats, y: Floats, sigma: float) -> Gaussians:
    """Fit round Gaussians by adaptive moments (Bernstein & Jarvis 2002, AJ 123, 583).

    A Gaussian weighs the second moments, and becomes as wide as these say, until both
    agree: neighbours and noise of the outskirts weigh nothing, unlike in plain moments.

    Parameters
    ----------
    cut : ndarray, shape (N, S, S)
        The sky subtracted; pixels that are not finite count as sky.
    x, y : ndarray, shape (N,)
        Where to begin, in pixels from the middle of the stamp.
    sigma : float
        The width to begin with.
    """
    cut = np.nan_to_num(cut, posinf=0, neginf=0)
    half = cut.shape[1] // 2
    reach = np.arange(-half, half + 1, dtype=np.float32)
    start_x, start_y = x.astype(np.float32), y.astype(np.float32)
    at_x, at_y = start_x, start_y
    variance = np.full(len(cut), sigma * sigma, np.float32)
    with np.errstate(all="ignore"):  # where there is no light, which `found` tells
        for _ in range(_ROUNDS):
            dx, dy, wx, wy = _weights(reach, at_x, at_y, variance)
            rows = np.matmul(cut, np.stack([wx, wx * dx, wx * dx * dx], axis=2))
            sums = np.matmul(np.stack([wy, wy * dy, wy * dy * dy], axis=1), rows)
            flux = sums[:, 0, 0]
            mean_x, mean_y = sums[:, 0, 1] / flux, sums[:, 1, 0] / flux
            second = (sums[:, 0, 2] + sums[:, 2, 0]) / flux / 2
            second -= (mean_x * mean_x + mean_y * mean_y) / 2
            found = (flux > 0) & (second > 0)
            # Of a Gaussian under a weight of its own width half the moments are left.
            moved_x = at_x + np.clip(2 * mean_x, -0.5, 0.5)
            moved_y = at_y + np.clip(2 * mean_y, -0.5, 0.5)
            at_x = np.where(found, moved_x.clip(start_x - _STRAY, start_x + _STRAY), at_x)
            at_y = np.where(found, moved_y.clip(start_y - _STRAY, start_y + _STRAY), at_y)
            grown = np.clip(2 * second, variance / 2, variance * 2)
            variance = np.where(found, grown, variance * 0.8).clip(_NARROWEST, half * half)
    _, _, wx, wy = _weights(reach, at_x, at_y, variance)
    flux = np.matmul(wy[:, None, :], np.matmul(cut, wx[:, :, None]))[:, 0, 0]
    weight = np.sqrt((wx * wx).sum(1) * (wy * wy).sum(1))
    found = found & (flux > 0) & np.isfinite(flux)
    return Gaussians(at_x, at_y, np.sqrt(variance), flux, weight, found)


def _weights(
    reach: Floats, x: Floats, y: Floats, variance: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    dx, dy = reach - x[:, None], reach - y[:, None]
    scale = -0.5 / variance[:, None]
    return dx, dy, np.exp(dx * dx * scale), np.exp(dy * dy * scale)

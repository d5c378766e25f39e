"""The point spread function of a frame, from its own stars."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from galedge.frames.locus import Locus, mode
from galedge.frames.moments import FWHM, Floats, fit_gaussians, stamps

__all__ = ["LEAST_STARS", "Psf", "analytic", "measured", "moved"]

#: Stars without which a frame has no point spread function of its own.
LEAST_STARS = 6

_PEAK, _TOTAL = 15.0, 40.0  # signal to noise of a star's brightest pixel, and of all of it
_MOST = 2000  # of the brightest peaks, which are stars enough
_WINDOW = 3  # a peak is the brightest pixel so many pixels around
_FIRST, _SIDE = 16, (8, 40)  # half of a stamp's side, at first and when the width is known
_REACH = 4.0  # half of a stamp, in FWHM
_LIKE = 0.10  # stars differ in width by no more, in the logarithm
_BLEND = 0.02  # a neighbour with such a share of the light is too bright
_SHARP = 1.2  # pixels: what is narrower than this was not seen through a telescope
_ODD = 0.08  # share of a star's light that may lie elsewhere than the others' does
_TILTED = 30  # stars with which the function may change over the frame, linearly
_MOFFAT = 3.0  # exponent, of what the air does


@dataclass(frozen=True)
class Psf:
    """What a frame makes of a point.

    Attributes
    ----------
    fwhm : float
        Of the Gaussian that fits it best, in pixels.
    terms : ndarray of float64, shape (K, S, S)
        Its pixels, with the sum one, in the middle of the frame, and how they change to the
        right and upwards, if that is known.
    shape : tuple of int
        Of the frame.
    stars : int
        How many it is made of; 0 if somebody told its width.
    x, y : ndarray of float64, shape (stars,)
        Where these are.
    brightest : float
        The brightest pixel of one of them; infinity if there are none.
    """

    fwhm: float
    terms: NDArray[np.float64]
    shape: tuple[int, int]
    stars: int
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    brightest: float

    @property
    def half(self) -> int:
        """Half of a stamp's side, less the middle."""
        return int(self.terms.shape[1]) // 2

    def at(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return its pixels at places of the frame, shape (N, S, S)."""
        here = np.tensordot(_polynomial(x, y, self.shape, len(self.terms)), self.terms, 1)
        return np.asarray(here / here.sum((1, 2), keepdims=True))


def analytic(fwhm: float, shape: tuple[int, int]) -> Psf:
    """Return a function of a given width, Moffat's with exponent 3."""
    half = _half(fwhm)
    fine = 5  # points of a pixel, which gathers the light that falls on it
    reach = (np.arange((2 * half + 1) * fine) + 0.5) / fine - half - 0.5
    core = fwhm / 2 / math.sqrt(2 ** (1 / _MOFFAT) - 1)
    light = (1 + (reach**2 + reach[:, None] ** 2) / core**2) ** -_MOFFAT
    light = light.reshape(2 * half + 1, fine, 2 * half + 1, fine).sum((1, 3))
    nowhere = np.zeros(0)
    made = Psf(fwhm, light[None] / light.sum(), shape, 0, nowhere, nowhere, math.inf)
    # The width by which sources are compared with it is that of a Gaussian.
    zero = np.zeros(1, np.float32)
    gaussian = fit_gaussians(made.terms.astype(np.float32), zero, zero, fwhm / FWHM)
    return replace(made, fwhm=float(FWHM * gaussian.sigma[0]))


def measured(pixels: Floats, noise: Floats) -> Psf | Locus | None:
    """Return the function of a frame's isolated, unsaturated stars.

    Stars are the sources that are equally wide however bright they are: bright peaks
    without a neighbour are fitted by Gaussians, the commonest width is looked for, and what
    has it is moved to the middle of a pixel (by the shift theorem) and averaged, weighed by
    the noise, without those that look different. With thirty of them the average may
    slope over the frame.

    Parameters
    ----------
    pixels : ndarray of float32, shape (H, W)
        The sky subtracted; NaN where they are missing.
    noise : ndarray of float32, shape (H, W)
        Standard deviation of the sky.

    Returns
    -------
    Psf, Locus or None
        A line where stars are the wider the brighter they are, and there is no one function;
        None where fewer than `LEAST_STARS` agree.
    """
    x, y = _peaks(pixels, noise)
    light, width = _first_look(pixels, noise, x, y)
    if (locus := Locus.of(light, width)) is not None or len(width) < LEAST_STARS:
        return locus
    middle = math.exp(mode(width)) / FWHM
    half = _half(FWHM * middle)
    cut = stamps(pixels, x, y, half)
    whole = np.isfinite(cut).all((1, 2))
    x, y, cut = x[whole], y[whole], cut[whole]
    zero = np.zeros(len(x), np.float32)
    fitted = fit_gaussians(cut, zero, zero, middle)
    snr = fitted.flux / (fitted.weight * noise[y, x])
    at_x, at_y = np.asarray(x + fitted.x, np.float64), np.asarray(y + fitted.y, np.float64)
    good = fitted.found & (snr > _TOTAL)
    good &= _isolated(at_x, at_y, fitted.flux, _REACH * FWHM * middle)
    good &= np.abs(np.log(fitted.sigma / middle)) < _LIKE
    if good.sum() < LEAST_STARS:
        return None
    flux = fitted.flux[good].astype(np.float64)
    light = moved(cut[good], -fitted.x[good], -fitted.y[good]) / flux[:, None, None]
    grain = noise[y, x][good] / flux
    at_x, at_y = at_x[good], at_y[good]
    found = _averaged(light, grain, at_x, at_y, pixels.shape)
    if found is None:
        return None
    terms, kept = found
    zero = np.zeros(1, np.float32)
    gaussian = fit_gaussians(terms[:1].astype(np.float32), zero, zero, middle)
    brightest = float(cut[good][kept].max())
    fwhm = float(FWHM * gaussian.sigma[0])
    return Psf(fwhm, terms, pixels.shape, int(kept.sum()), at_x[kept], at_y[kept], brightest)


def _half(fwhm: float) -> int:
    return int(np.clip(math.ceil(_REACH * fwhm), *_SIDE))


def _peaks(pixels: Floats, noise: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return x and y of the brightest pixels of their surroundings."""
    edge = _WINDOW
    with np.errstate(invalid="ignore", divide="ignore"):
        height = np.where(noise > 0, pixels / noise, np.nan)
        inner = height[edge:-edge, edge:-edge]
        y, x = np.nonzero(inner > _PEAK)
    y, x = y + edge, x + edge
    for dy in range(-edge, edge + 1):
        for dx in range(-edge, edge + 1):
            if dx or dy:
                here, there = height[y, x], height[y + dy, x + dx]
                # Of equal ones, as in a saturated core, the last.
                least = here > there if (dy, dx) > (0, 0) else here >= there
                kept = least | np.isnan(there)
                x, y = x[kept], y[kept]
    order = np.argsort(-height[y, x], kind="stable")[:_MOST]
    return x[order], y[order]


def _first_look(
    pixels: Floats, noise: Floats, x: NDArray[np.intp], y: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the logarithms of peaks' light, in units of a pixel's noise, and of their FWHM."""
    zero = np.zeros(len(x), np.float32)
    fitted = fit_gaussians(stamps(pixels, x, y, _FIRST), zero, zero, 1.5)
    snr = fitted.flux / (fitted.weight * noise[y, x])
    good = fitted.found & (snr > _TOTAL) & (FWHM * fitted.sigma > _SHARP)
    width = np.log(FWHM * fitted.sigma[good].astype(np.float64))
    return np.log(snr[good].astype(np.float64)) + width, width


def _isolated(
    x: NDArray[np.float64], y: NDArray[np.float64], flux: Floats, reach: float
) -> NDArray[np.bool_]:
    """Tell which peaks have no neighbour that is bright beside them."""
    near = np.hypot(x[:, None] - x, y[:, None] - y) < reach
    np.fill_diagonal(near, False)
    return np.asarray(~(near & (flux > _BLEND * flux[:, None])).any(1))


def moved(cut: Floats, x: Floats, y: Floats) -> NDArray[np.float64]:
    """Return stamps shifted by fractions of a pixel."""
    side = cut.shape[1]
    moved: NDArray[np.float64] = np.fft.irfft2(
        np.fft.rfft2(cut) * shifts(side, x, y), s=(side, side)
    )
    return moved


def shifts(side: int, x: Floats, y: Floats) -> NDArray[np.complex128]:
    """Return what the transform of a stamp is multiplied by to shift it, shape (N, S, S // 2 + 1).

    Each axis apart, so that an exponential is taken of S numbers and not of their squares.
    """
    along_x = np.exp(-2j * np.pi * x[:, None] * np.fft.rfftfreq(side))
    along_y = np.exp(-2j * np.pi * y[:, None] * np.fft.fftfreq(side))
    return np.asarray(along_y[:, :, None] * along_x[:, None, :])


def _polynomial(
    x: NDArray[np.float64], y: NDArray[np.float64], shape: tuple[int, int], terms: int
) -> NDArray[np.float64]:
    """Return 1, x and y, both -1 to 1 over the frame, or 1 alone; shape (N, terms)."""
    height, width = shape
    right, up = 2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1
    return np.stack([np.ones(len(x)), right.clip(-1, 1), up.clip(-1, 1)][:terms], axis=1)


def _averaged(
    light: NDArray[np.float64],
    grain: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    shape: tuple[int, int],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """Return the terms of the average, and which stars are in it; None if too few agree."""
    half = light.shape[1] // 2
    core = slice(half // 2, half + half // 2 + 1)
    expected = 0.8 * grain * (half + 1) ** 2  # of the sum of the absolute values of noise
    kept = np.ones(len(light), bool)
    typical = np.median(light, axis=0)[None]
    fit = typical  # of nobody in particular, to begin with
    # A bright star's own flaws count for more than its noise.
    weight = 1 / (grain**2 + (0.003 * typical.max()) ** 2)
    for _ in range(4):
        away = np.abs(light - fit)[:, core, core].sum((1, 2))
        share = np.sqrt(np.maximum(away**2 - expected**2, 0))
        share /= np.abs(typical[:, core, core]).sum((1, 2))
        kept = share < max(_ODD, 2.5 * float(np.median(share[kept])) if kept.any() else _ODD)
        if kept.sum() < max(LEAST_STARS, len(light) / 2):
            return None
        terms = 3 if kept.sum() >= _TILTED else 1
        basis = _polynomial(x, y, shape, terms)
        root = np.sqrt(weight * kept)[:, None]
        solved, _, rank, _ = np.linalg.lstsq(
            root * basis, root * light.reshape(len(light), -1), rcond=None
        )
        if rank < terms:
            return None
        fit = (basis @ solved).reshape(light.shape)
    if float(np.median(share[kept])) > 1.5 * _ODD:
        return None  # what is equally wide, and yet nothing like the others, is no star
    pixels = solved.reshape(terms, *light.shape[1:])
    return pixels / pixels[0].sum(), kept

"""Which sources of a frame are wider than a point: what is not has no Hubble class."""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galedge.frames.locus import Locus
from galedge.frames.moments import FWHM, Floats, fit_gaussians, stamps
from galedge.frames.psf import Psf, shifts

__all__ = ["Seen", "look", "probability"]

Doubles = NDArray[np.float64]

_WIDER = 1 / 16  # scale length of the wider model's exponential, in FWHM (Desai et al. 2012)
_APERTURE = 1.5  # FWHM: light further out is as likely a neighbour's
_PIXELS = 1 << 21  # of stamps in memory at a time

# Spread of galaxies that are resolved: log-normal, the same at every brightness, chosen on
# one SDSS field with its list. That of stars has the scatter of bright ones.
_TYPICAL, _DEX = 0.010, 0.65
_POINTS = np.exp(np.linspace(-3.5, 3.5, 71) * _DEX) * _TYPICAL
_SHARES = np.exp(-0.5 * np.linspace(-3.5, 3.5, 71) ** 2)
_SHARES /= _SHARES.sum()
# Spread by the logarithm of the width, of points up to 1.3 times as wide, 2 to 5 pixels.
_BY_WIDTH = 0.028
_LEAST_SCATTER, _TOLD_SCATTER = 0.0007, 0.002

# A star too bright to trust its core, saturated or not: beyond that its profile is that of the
# point spread function, ring by ring, and of a star about as bright as the brightest one in that.
_RINGS = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0)  # FWHM
_BRIGHT, _SATURATED, _ALIKE = 0.2, 0.5, 0.2
# And the core, if it was cut off, is flat: within `_FLAT` of its middle at `_EDGE`, in FWHM.
_MIDDLE, _EDGE, _FLAT = 0.6, (0.75, 1.0), 0.7


class Seen(NamedTuple):
    """What sources look like beside a point.

    Attributes
    ----------
    fwhm : ndarray of float64, shape (N,)
        Of the Gaussian that fits best, in pixels; NaN where there is no light.
    snr : ndarray of float64, shape (N,)
        Signal to noise, of the sky alone, of the light under that Gaussian.
    extendedness : ndarray of float64, shape (N,)
        Probability that the source is resolved; NaN where nobody can tell.
    spread, error : ndarray of float64, shape (N,)
        What it is made of.
    """

    fwhm: Doubles
    snr: Doubles
    extendedness: Doubles
    spread: Doubles
    error: Doubles


def look(pixels: Floats, noise: Floats, x: Doubles, y: Doubles, stars: Psf | Locus | None) -> Seen:
    """Compare sources with points.

    Parameters
    ----------
    pixels, noise : ndarray of float32, shape (H, W)
        The sky subtracted, and its standard deviation.
    x, y : ndarray of float64, shape (N,)
        Places; NaN, or outside the frame, for none.
    stars : Psf, Locus or None
        What a point looks like, or how wide stars are by their light. Without either there is
        no `Seen.extendedness`.
    """
    if isinstance(stars, Locus):
        return _beside(_seen(pixels, noise, x, y, None), stars)
    psf = stars
    offset, scatter = (0.0, _TOLD_SCATTER)
    if psf is not None and psf.stars:
        own = _seen(pixels, noise, psf.x, psf.y, psf)
        offset = float(np.nanmedian(own.spread))
        around = 1.4826 * float(np.nanmedian(np.abs(own.spread - offset)))
        scatter = max(_LEAST_SCATTER, around)
    seen = _seen(pixels, noise, x, y, psf)
    spread = seen.spread - offset
    error = np.hypot(seen.error, scatter)
    return seen._replace(extendedness=probability(spread, error), spread=spread, error=error)


def _beside(seen: Seen, locus: Locus) -> Seen:
    """Tell which sources are no wider than stars as bright; of others nobody can tell.

    What is wider may be two stars that touch: these lie close where plates show many.
    """
    with np.errstate(all="ignore"):
        width = np.log(seen.fwhm)
        spread = _BY_WIDTH * locus.wider(np.log(seen.snr) + width, width)
        error = _BY_WIDTH * np.hypot(locus.scatter, 1 / seen.snr)
    found = probability(spread, error)
    found[found >= 0.5] = math.nan
    return seen._replace(extendedness=found, spread=spread, error=error)


def probability(spread: Doubles, error: Doubles) -> Doubles:
    """Return how probable it is that sources are resolved, before anything else is known."""
    with np.errstate(all="ignore"):
        z = spread / error
        # Both likelihoods over that of the star's, whose square is taken inside the exponent.
        exponent = 0.5 * (z[:, None] ** 2 - ((spread[:, None] - _POINTS) / error[:, None]) ** 2)
        odds = (np.exp(exponent.clip(-700, 700)) * _SHARES).sum(1)
        # What is narrower than a point was not seen through the telescope, and is no galaxy.
        return np.where(np.isfinite(z), odds / (1 + odds), np.nan)


def _seen(pixels: Floats, noise: Floats, x: Doubles, y: Doubles, psf: Psf | None) -> Seen:
    """Measure sources, some at a time."""
    half = 16 if psf is None else psf.half
    step = max(1, _PIXELS // (2 * half + 1) ** 2)
    parts = [
        _part(pixels, noise, x[i : i + step], y[i : i + step], psf, half)
        for i in range(0, len(x), step)
    ]
    if not parts:
        return Seen(*np.zeros((5, 0)))
    return Seen(*np.concatenate(parts, axis=1))


def _part(
    pixels: Floats, noise: Floats, x: Doubles, y: Doubles, psf: Psf | None, half: int
) -> Doubles:
    height, width = pixels.shape
    on_frame = np.isfinite(x + y) & (x >= -0.5) & (x < width - 0.5) & (y >= -0.5)
    on_frame &= y < height - 0.5
    result = np.full((5, len(x)), np.nan)
    if not on_frame.any():
        return result
    x, y = x[on_frame], y[on_frame]
    column = np.rint(x).astype(np.intp).clip(0, width - 1)
    row = np.rint(y).astype(np.intp).clip(0, height - 1)
    cut = stamps(pixels, column, row, half)
    sigma = 1.5 if psf is None else psf.fwhm / FWHM
    begin_x, begin_y = (x - column).astype(np.float32), (y - row).astype(np.float32)
    fitted = fit_gaussians(cut, begin_x, begin_y, sigma)
    grain = noise[row, column].astype(np.float64)
    with np.errstate(all="ignore"):
        snr = fitted.flux / (fitted.weight * grain)
    known = fitted.found & np.isfinite(snr)
    values = [FWHM * fitted.sigma, snr]
    if psf is not None:
        here = psf.at(x, y)
        spread, error = _spread(cut, here, fitted.x, fitted.y, grain, psf.fwhm)
        spread = np.where(_saturated(cut, here, fitted.x, fitted.y, psf), 0, spread)
        values += [np.zeros(len(x)), spread, error]
    for place, value in enumerate(values):
        result[place, on_frame] = np.where(known, value, np.nan)
    return result


def _spread(
    cut: Floats, psf: Doubles, x: Floats, y: Floats, noise: Doubles, fwhm: float
) -> tuple[Doubles, Doubles]:
    """Return SPREAD_MODEL and its error (Desai et al. 2012, ApJ 757, 83).

    How much better than the point a slightly wider model fits: the point convolved with an
    exponential disc. The weights are the noise's, which over a stamp is that of the sky.
    """
    side = cut.shape[1]
    along, across = np.fft.rfftfreq(side), np.fft.fftfreq(side)[:, None]
    disc = (1 + (2 * np.pi * _WIDER * fwhm) ** 2 * (along**2 + across**2)) ** -1.5
    transform = np.fft.rfft2(psf) * shifts(side, x, y)
    point = np.fft.irfft2(transform, s=(side, side))
    wider = np.fft.irfft2(transform * disc, s=(side, side))
    used = (_radii(side, x, y) <= _APERTURE * fwhm) & np.isfinite(cut)
    light = np.where(used, cut, 0).astype(np.float64)
    point, wider = point * used, wider * used
    a, b = (wider * light).sum((1, 2)), (point * light).sum((1, 2))
    aa, bb, ab = ((p * q).sum((1, 2)) for p, q in ((wider, wider), (point, point), (wider, point)))
    with np.errstate(all="ignore"):
        spread = a / b - ab / bb
        variance = np.maximum(aa * b * b + bb * a * a - 2 * ab * a * b, 0)
        error = np.sqrt(variance) / (b * b) * noise
    known = b > 0
    return np.where(known, spread, np.nan), np.where(known, error, np.nan)


def _radii(side: int, x: Floats, y: Floats) -> Doubles:
    """Return each pixel's distance from the sources' centres."""
    reach = np.arange(side) - side // 2
    dx, dy = reach - x[:, None], reach - y[:, None]
    return np.asarray(np.hypot(dx[:, None, :], dy[:, :, None]))


def _saturated(cut: Floats, psf: Doubles, x: Floats, y: Floats, psf_of: Psf) -> NDArray[np.bool_]:
    """Tell which sources are stars whose cores a detector could not count."""
    answer = np.zeros(len(cut), bool)
    if not math.isfinite(psf_of.brightest):
        return answer
    tallest = np.fmax.reduce(cut.reshape(len(cut), -1), axis=1)
    some = np.nonzero(tallest > _BRIGHT * psf_of.brightest)[0]
    if len(some) == 0:
        return answer
    radii = _radii(cut.shape[1], x[some], y[some]) / psf_of.fwhm
    nowhere = np.zeros(len(some), np.float32)
    middle = _radii(cut.shape[1], nowhere, nowhere) / psf_of.fwhm
    with np.errstate(all="ignore"):
        light = np.stack(
            [
                np.log(_ring(cut[some], radii, *ring) / _ring(psf[some], middle, *ring))
                for ring in itertools.pairwise(_RINGS)
            ]
        )
        # What the brightest pixel would be if the detector could count it.
        told = np.exp(np.mean(light, axis=0)) * psf[some].max((1, 2))
        alike = np.std(light, axis=0) < _ALIKE
        edge = told / psf[some].max((1, 2)) * _ring(psf[some], middle, *_EDGE)
        edge = np.minimum(edge, _ring(cut[some], radii, 0, _MIDDLE))
        flat = _ring(cut[some], radii, *_EDGE) > _FLAT * edge
    answer[some] = alike & flat & (told > _SATURATED * psf_of.brightest)
    return answer


def _ring(cut: NDArray[np.floating[Any]], radii: Doubles, within: float, without: float) -> Doubles:
    """Return the median of a ring of each stamp."""
    inside = (radii >= within) & (radii < without) & np.isfinite(cut)
    count = inside.sum((1, 2))
    ordered = np.sort(np.where(inside, cut, np.inf).reshape(len(cut), -1), axis=1)
    middle = ordered[np.arange(len(cut)), count // 2]
    return np.where(count > 0, middle, np.nan).astype(np.float64)

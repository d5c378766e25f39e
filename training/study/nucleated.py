"""Nucleated: galaxies with and without a point in the middle, whose share is known.

A bulge and a disk of Sersic's profiles, made uneven by the arms and knots of a real galaxy,
and a point are seen through a seeing that is not quite round, on noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from galedge.answers.structure import structure

__all__ = [
    *("SEEINGS", "Galaxy", "Texture", "blurred", "draw", "linear", "moffat", "render"),
    *("texture", "textures"),
]

Doubles: TypeAlias = NDArray[np.float64]
Texture: TypeAlias = Callable[[Doubles, Doubles], Doubles]
"""Brightness over that of what is smooth, at coordinates in half-light radii."""

SEEINGS = (1.8, 2.5, 3.5, 5.0, 7.0)
"""Full width at half maximum, in pixels."""

_FINE = 3  # points of a pixel's side, and of each of those in the middle
_CORE = 0.2  # half-light radii: within no structure, as nobody knows the picture's own nucleus


@dataclass(frozen=True)
class Galaxy:
    """What is rendered; lengths in pixels.

    Attributes
    ----------
    share : float
        Of the light in the point, the rest being 1 - share.
    bulge : float
        Of the rest in the bulge.
    radius : float
        That holds half the light of the disk, or of a galaxy that is all bulge.
    bulge_radius, index : float
        Effective radius and Sersic's index of the bulge.
    ratio, bulge_ratio, angle : float
        Of the axes, and of the major one in radians.
    seeing, beta, elongation : float
        Moffat's width and exponent, and 1 - b/a.
    snr : float
        Of all light over the noise of the sky within 1.5 radii.
    x, y : float
    side : int
    """

    share: float
    bulge: float
    radius: float
    bulge_radius: float
    index: float
    ratio: float
    bulge_ratio: float
    angle: float
    seeing: float
    beta: float
    elongation: float
    snr: float
    x: float
    y: float
    side: int = 96


def draw(random: np.random.Generator, share: float | None = None) -> Galaxy:
    """Draw a galaxy; of those whose share is not told two fifths have no point."""
    radius = math.exp(random.uniform(math.log(5), math.log(14)))
    bulge = float(random.choice([0, 0.1, 0.3, 0.6, 1]))
    ratio = float(random.uniform(0.3, 1))
    if bulge == 1:
        bulge_radius, index = radius, float(random.choice([2, 3, 4, 5]))
        ratio = max(ratio, 0.5)
    else:
        # Over the disk's scale length, about as Gadotti (2009, MNRAS 393, 1531) finds it.
        bulge_radius = radius / 1.678 * math.exp(random.normal(math.log(0.3), 0.4))
        index = float(random.choice([1, 2, 4]))
    side = Galaxy.side
    x, y = (float(at) for at in (side - 1) / 2 + random.uniform(-0.5, 0.5, 2))
    drawn = 0.0 if random.random() < 0.4 else float(random.uniform(0, 0.5))
    return Galaxy(
        share=drawn if share is None else share,
        bulge=bulge,
        radius=radius,
        bulge_radius=bulge_radius,
        index=index,
        ratio=ratio,
        bulge_ratio=float(random.uniform(max(ratio, 0.6), 1)) if bulge < 1 else ratio,
        angle=float(random.uniform(0, np.pi)),
        seeing=float(random.choice(SEEINGS)),
        beta=float(random.choice([2.5, 3, 3.5, 4.765])),
        elongation=float(random.uniform(0, 0.08)),
        snr=math.exp(random.uniform(math.log(30), math.log(500))),
        x=x,
        y=y,
    )


def render(
    galaxy: Galaxy, random: np.random.Generator, uneven: Texture | None = None
) -> tuple[NDArray[np.float32], Doubles]:
    """Return the picture of a galaxy, with noise of one on a sky of 100, and of a point."""
    side, fine = galaxy.side, _FINE
    light = _light(galaxy, uneven)
    light[int((galaxy.y + 0.5) * fine), int((galaxy.x + 0.5) * fine)] += galaxy.share
    half = min(28, math.ceil(4 * galaxy.seeing))
    turn = float(random.uniform(0, np.pi))
    point = moffat(galaxy.seeing, galaxy.beta, half, galaxy.elongation, turn)
    image = _binned(_convolved(light, point))
    image *= galaxy.snr * math.sqrt(math.pi) * 1.5 * galaxy.radius
    image += 100 + random.normal(size=(side, side))
    return image.astype(np.float32), _binned(point)


def blurred(
    light: Doubles, galaxy: Galaxy, side: int, random: np.random.Generator
) -> tuple[Doubles, Doubles, Doubles]:
    """Return a real galaxy's light through a seeing, of the sum one, and two of a point.

    The galaxy's brightest point comes to the middle of a pixel; the first picture of a point is
    as of `render`, the second lies where the galaxy does.

    Parameters
    ----------
    light : ndarray, shape (H, W)
        Linear.
    galaxy : Galaxy
        Whose seeing it is.
    side : int
        Of what is returned.
    """
    height, width = light.shape
    sky = float(np.median(np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])))
    fine = side * _FINE
    found = structure((light + 1e-3 * light.max() * random.normal(size=light.shape)).astype("f4"))
    # A quarter of a pixel more than the picture's half is the half-light radius's eightfold.
    scale = 8 * max(found.r_half, 1.0) / fine
    middle = (found.x, found.y) if math.isfinite(found.x) else (width / 2, height / 2)
    at = (np.arange(fine) - fine // 2) * scale
    column = np.rint(at + middle[0]).astype(int)
    row = np.rint(at + middle[1]).astype(int)
    inside = ((row >= 0) & (row < height))[:, None] & ((column >= 0) & (column < width))
    cut = light[row.clip(0, height - 1)[:, None], column.clip(0, width - 1)] - sky
    cut = np.where(inside, np.maximum(cut, 0), 0)
    half = min(28, math.ceil(4 * galaxy.seeing))
    turn = float(random.uniform(0, np.pi))
    point = moffat(galaxy.seeing, galaxy.beta, half, galaxy.elongation, turn)
    near = slice(fine // 2 - _FINE, fine // 2 + _FINE + 1)
    peak = np.unravel_index(int(cut[near, near].argmax()), (2 * _FINE + 1,) * 2)
    alone = np.zeros_like(cut)
    alone[fine // 2 - _FINE + peak[0], fine // 2 - _FINE + peak[1]] = 1
    image = _binned(_convolved(cut / cut.sum(), point))
    return image, _binned(point), _binned(_convolved(alone, point))


def moffat(
    fwhm: float, beta: float, half: int, elongation: float = 0.0, angle: float = 0.0
) -> Doubles:
    """Return Moffat's profile in thirds of a pixel, with the sum one."""
    x, y = _places(2 * half + 1, half, half)
    u, v = _turned(x, y, angle)
    ratio = 1 - elongation
    square = u**2 * ratio + v**2 / ratio
    core = fwhm / 2 / math.sqrt(2 ** (1 / beta) - 1)
    light: Doubles = (1 + square / core**2) ** -beta
    return light / light.sum()


def _light(galaxy: Galaxy, uneven: Texture | None) -> Doubles:
    """Return the light of what is no point, in thirds of a pixel."""
    light = np.zeros((galaxy.side * _FINE,) * 2)
    for share, n, radius, ratio in (
        (1 - galaxy.bulge, 1.0, galaxy.radius, galaxy.ratio),
        (galaxy.bulge, galaxy.index, galaxy.bulge_radius, galaxy.bulge_ratio),
    ):
        if share > 0:
            one = _sersic(galaxy, n, radius, ratio)
            light += share * one / one.sum()
    if uneven is not None:
        u, v = _turned(*_places(galaxy.side, galaxy.x, galaxy.y), galaxy.angle)
        u, v = u / galaxy.radius, v / galaxy.ratio / galaxy.radius
        faded = np.clip(np.hypot(u, v) / _CORE - 1, 0, 1)
        light *= 1 + faded * (uneven(u, v) - 1)
    return (1 - galaxy.share) * light / light.sum()


def _sersic(galaxy: Galaxy, n: float, radius: float, ratio: float) -> Doubles:
    def at(x: Doubles, y: Doubles) -> Doubles:
        u, v = _turned(x, y, galaxy.angle)
        away = np.hypot(u, v / ratio) / radius
        return np.where(away < 8, np.exp(-b * away ** (1 / n)), 0)

    b = 2 * n - 1 / 3 + 4 / (405 * n) + 46 / (25515 * n**2)
    x, y = _places(galaxy.side, galaxy.x, galaxy.y)
    light = at(x, y)
    # A cusp is steeper than a third of a pixel: the middle is made of finer points.
    near = 3 * _FINE
    column, row = (int((p + 0.5) * _FINE) - near // 2 for p in (galaxy.x, galaxy.y))
    step = (np.arange(_FINE) + 0.5) / _FINE - 0.5
    fx = (x[0, column : column + near, None] + step / _FINE).reshape(1, -1)
    fy = (y[row : row + near, 0, None] + step / _FINE).reshape(-1, 1)
    finer = at(fx, fy).reshape(near, _FINE, near, _FINE).mean((1, 3))
    light[row : row + near, column : column + near] = finer
    return light


def _places(side: int, x: float, y: float) -> tuple[Doubles, Doubles]:
    at = (np.arange(side * _FINE) + 0.5) / _FINE - 0.5
    return at[None] - x, at[:, None] - y


def _turned(x: Doubles, y: Doubles, angle: float) -> tuple[Doubles, Doubles]:
    cosine, sine = math.cos(angle), math.sin(angle)
    return x * cosine + y * sine, y * cosine - x * sine


def _convolved(light: Doubles, kernel: Doubles) -> Doubles:
    """Return the middle of a convolution, what is outside being dark."""
    begin = len(kernel) // 2
    size = 64 * math.ceil((len(light) + begin) / 64)
    both = np.fft.rfft2(light, (size, size)) * np.fft.rfft2(kernel, (size, size))
    whole: Doubles = np.fft.irfft2(both, (size, size))
    return whole[begin : begin + len(light), begin : begin + len(light)]


def _binned(light: Doubles) -> Doubles:
    side = len(light) // _FINE
    return np.asarray(light.reshape(side, _FINE, side, _FINE).sum((1, 3)))


def linear(picture: NDArray[np.uint8]) -> Doubles:
    """Return light of a stretched picture (H, W, 3), about: an arcsine taken back."""
    return np.sinh(3 * picture.mean(2) / 255) / math.sinh(3)


def texture(light: Doubles) -> Texture | None:
    """Return what is uneven in a real galaxy's light; None where none is measured."""
    random = np.random.default_rng(0)
    grain = 1e-3 * light.max() * random.normal(size=light.shape)  # else the sky has no noise
    found = structure((light + grain).astype(np.float32))
    if not (found.r_half > 8 and found.ellipticity < 0.5):
        return None
    angle, ratio = math.radians(found.position_angle), 1 - found.ellipticity
    height, width = light.shape
    u, v = _turned(np.arange(width)[None] - found.x, np.arange(height)[:, None] - found.y, angle)
    ring = np.rint(4 * np.hypot(u, v / ratio) / found.r_half).astype(int).clip(0, 14)
    flux = light - found.sky
    mean = np.bincount(ring.ravel(), flux.ravel()) / np.bincount(ring.ravel())
    smooth = np.interp(4 * np.hypot(u, v / ratio) / found.r_half, np.arange(len(mean)), mean)
    uneven = np.clip(flux / np.maximum(smooth, 1e-6), 0.2, 5)
    uneven[(ring >= 12) | (smooth < 0.01 * mean.max())] = 1  # nothing but sky is seen there

    def of(u: Doubles, v: Doubles) -> Doubles:
        x, y = _turned(u * found.r_half, v * found.r_half * ratio, -angle)
        column, row = (found.x + x).clip(0, width - 1.001), (found.y + y).clip(0, height - 1.001)
        i, j = column.astype(int), row.astype(int)
        right, up = column - i, row - j
        low = uneven[j, i] * (1 - right) + uneven[j, i + 1] * right
        high = uneven[j + 1, i] * (1 - right) + uneven[j + 1, i + 1] * right
        return np.asarray(low * (1 - up) + high * up)

    return of


def textures(pictures: Sequence[NDArray[np.uint8]]) -> list[Texture]:
    """Return those of pictures that have one."""
    found = (texture(linear(picture)) for picture in pictures)
    return [one for one in found if one is not None]

"""Others: what cameras see that is no galaxy, rendered: stars, and what no sky holds.

A star is its camera's profile, alone or in a pair, with spikes, saturated or barely there.
An artefact is what a night's folder has beside sources: trails, cosmic rays, ghosts, edges, hot
columns, flats, and noise of every level. Everything is linear, in the bands and digits of
a camera that is drawn as for galaxies (`training.data.cameras`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from training.data.cameras import Camera, draw
from training.data.exposure import develop, psf

__all__ = ["ARTEFACTS", "artefact", "star"]

Random = np.random.Generator


def star(random: Random) -> np.ndarray:
    """Return an image of a point source, as a camera writes it (3, H, W) or (H, W)."""
    side = int(random.integers(24, 120))
    flux = np.zeros((side, side, 3), np.float32)
    width = _log(random, 1.2, max(1.5, side / 6))
    profile = psf(width, random)
    assert profile is not None
    if random.random() < 0.4:
        profile = _spiked(profile, side, width, random)
    colour = _colour(random)
    middle = (side / 2 + random.normal(0, 0.6, 2)).tolist()
    _put(flux, profile, middle, colour)
    if random.random() < 0.12:  # a pair, which may not be resolved
        away = random.uniform(0.5, 3) * width
        angle = random.uniform(0, 2 * np.pi)
        other = [middle[0] + away * np.cos(angle), middle[1] + away * np.sin(angle)]
        _put(flux, profile, other, _colour(random) * random.uniform(0.1, 1))
    if random.random() < 0.5:
        for _ in range(int(random.poisson(2))):  # its field
            place = random.uniform(0, side, 2).tolist()
            _put(flux, profile, place, _colour(random) * np.exp(random.normal(-2.5, 1)))
    flux /= max(float(flux.max()), 1e-12)
    camera = _camera(random)
    if random.random() < 0.25:
        camera = replace(camera, full=_log(random, 0.02, 0.8), peak=_log(random, 1e4, 1e6))
    return develop(flux, camera, random)


def artefact(random: Random, name: str = "") -> np.ndarray:
    """Return an image of something that is no source, as a camera writes it.

    Of `ARTEFACTS` one is drawn, unless it is named.
    """
    names = list(ARTEFACTS)
    side = int(random.integers(24, 160))
    drawn = names[int(random.integers(len(names)))]
    flux = ARTEFACTS[name or drawn](side, random)
    flux = flux / max(float(np.abs(flux).max()), 1e-12)
    return develop(flux.astype(np.float32), _camera(random), random)


# --- what there is ------------------------------------------------------------------


def _blank(side: int, random: Random) -> np.ndarray:
    """Return nothing, but for a little of what a flat leaves behind."""
    flux = np.zeros((side, side, 3))
    if random.random() < 0.5:
        flux += _waves(side, random, scale=side / 2)[..., None] * 1e-3
    return flux


def _trail(side: int, random: Random) -> np.ndarray:
    """Return one or two satellites or planes that crossed."""
    flux = np.zeros((side, side, 3))
    for _ in range(1 + (random.random() < 0.2)):
        away = _from_line(side, random)
        width = _log(random, 0.5, 3)
        line = np.exp(-0.5 * (away / width) ** 2)
        if random.random() < 0.3:  # it blinks
            line *= 0.6 + 0.4 * np.sin(np.arange(side) / random.uniform(1, 6))
        flux += line[..., None] * _colour(random)
    return flux


def _cosmic_rays(side: int, random: Random) -> np.ndarray:
    """Return hits: pixels and short straight tracks, in one band each, with no profile."""
    flux = np.zeros((side, side, 3))
    for _ in range(1 + int(random.poisson(2))):
        length = _log(random, 1, side / 3)
        angle, step = random.uniform(0, np.pi), np.arange(0, length, 0.7)
        start = random.normal(side / 2, side / 8, 2)
        x = np.clip(start[0] + step * np.cos(angle), 0, side - 1).astype(int)
        y = np.clip(start[1] + step * np.sin(angle), 0, side - 1).astype(int)
        flux[y, x, int(random.integers(3))] += random.uniform(0.2, 1, len(step))
    if random.random() < 0.5:
        flux[...] = flux.sum(2, keepdims=True)  # a mono camera's
    return flux


def _ghost(side: int, random: Random) -> np.ndarray:
    """Return reflections: rings and discs out of focus, off centre."""
    flux = np.zeros((side, side, 3))
    y, x = np.mgrid[:side, :side]
    for _ in range(1 + (random.random() < 0.3)):
        centre = random.normal(side / 2, side / 10, 2)
        radius = np.hypot(x - centre[0], (y - centre[1]) * random.uniform(0.9, 1.1))
        outer = random.uniform(0.15, 0.6) * side
        inner = outer * random.uniform(0, 0.8) * (random.random() < 0.7)
        soft = max(0.3, outer * random.uniform(0.01, 0.06))
        disc = 1 / (1 + np.exp((radius - outer) / soft)) - 1 / (1 + np.exp((radius - inner) / soft))
        flux += np.clip(disc, 0, 1)[..., None] * _colour(random)
    return flux


def _edge(side: int, random: Random) -> np.ndarray:
    """Return the border of a detector or of a mosaic: a step across the frame."""
    away = _from_line(side, random)
    step = (away > 0) * 1.0
    if random.random() < 0.3:
        step = np.clip(away / random.uniform(2, side / 2), 0, 1)
    return np.repeat(step[..., None], 3, 2)


def _columns(side: int, random: Random) -> np.ndarray:
    """Return hot or bleeding columns, bad rows, banding of the readout."""
    flux = np.zeros((side, side, 3))
    kind = random.random()
    if kind < 0.5:
        for _ in range(1 + int(random.poisson(1))):
            place, width = int(random.integers(side)), int(random.integers(1, 4))
            first = 0 if random.random() < 0.6 else int(random.integers(side))
            flux[first:, place : place + width] += random.uniform(0.2, 1)
    else:
        flux += np.repeat(random.normal(0, 1, side), side).reshape(side, side)[..., None] * 0.3
    return flux.swapaxes(0, 1) if random.random() < 0.5 else flux


def _flat(side: int, random: Random) -> np.ndarray:
    """Return a flat field: dust rings, vignetting, a gradient of the moon."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    angle = random.uniform(0, 2 * np.pi)
    flux = 1 + random.uniform(0, 0.5) * (np.cos(angle) * x + np.sin(angle) * y)
    flux -= random.uniform(0, 0.3) * (x**2 + y**2)
    for _ in range(int(random.poisson(1.5))):
        centre, radius = random.uniform(-1, 1, 2), random.uniform(0.05, 0.3)
        away = np.hypot(x - centre[0], y - centre[1])
        flux *= 1 - random.uniform(0.02, 0.2) * np.exp(-(((away - radius) / (radius / 3)) ** 2))
    return np.repeat(flux[..., None], 3, 2)


def _lumps(side: int, random: Random) -> np.ndarray:
    """Return light without shape: nebulosity, cirrus, scattered light, fringes."""
    if random.random() < 0.3:
        away = _from_line(side, random)
        waves = np.sin(away * 2 * np.pi / random.uniform(4, side / 2))
        flux = waves + 0.5 * _waves(side, random, side / 3)
    else:
        flux = _waves(side, random, _log(random, 2, side / 2))
    return np.repeat(flux[..., None], 3, 2) * _colour(random)


ARTEFACTS: dict[str, Callable[[int, Random], np.ndarray]] = {
    "blank": _blank,
    "blank_again": _blank,  # noise is what a frame has most of
    "trail": _trail,
    "cosmic_rays": _cosmic_rays,
    "ghost": _ghost,
    "edge": _edge,
    "columns": _columns,
    "flat": _flat,
    "lumps": _lumps,
}
"""What is no source, by name: functions of a side and of luck that return flux (S, S, 3)."""


# --- of what they are made -----------------------------------------------------------


def _camera(random: Random) -> Camera:
    """Draw what a camera does after its optics: bands, depth, sky, digits."""
    camera = draw(random, as_it_is=0.0)
    return replace(camera, seeing=0.0, scale=1.0, stars=0, companions=0)


def _log(random: Random, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def _colour(random: Random) -> np.ndarray:
    """Draw the light of a source in red, green and blue, as stars have it."""
    slope = random.normal(0, 0.35)
    return np.exp(np.array([slope, 0, -slope]) + random.normal(0, 0.05, 3))


def _put(flux: np.ndarray, profile: np.ndarray, at: list[float], colour: np.ndarray) -> None:
    """Add a profile at a place (x, y) between pixels."""
    import cv2

    side, reach = flux.shape[0], profile.shape[0] // 2
    matrix = np.array([[1, 0, at[0] - reach], [0, 1, at[1] - reach]])
    placed = cv2.warpAffine(profile, matrix, (side, side), flags=cv2.INTER_LINEAR)
    flux += placed[..., None] * colour.astype(np.float32)


def _spiked(profile: np.ndarray, side: int, width: float, random: Random) -> np.ndarray:
    """Return a profile with the spikes of a secondary mirror's vanes, or of a mask."""
    reach = max(profile.shape[0] // 2, side // 2)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    wide = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    inset = reach - profile.shape[0] // 2
    wide[inset : inset + profile.shape[0], inset : inset + profile.shape[0]] = profile
    arms, turn = int(random.choice([2, 2, 3])), random.uniform(0, np.pi)
    length = random.uniform(1, 6) * width
    for arm in range(arms):
        angle = turn + np.pi * arm / arms
        along = np.abs(x * np.cos(angle) + y * np.sin(angle))
        across = x * np.sin(angle) - y * np.cos(angle)
        spike = np.exp(-along / length) * np.exp(-0.5 * (across / max(0.5, width / 4)) ** 2)
        wide += (spike * profile.max() * random.uniform(0.02, 0.3)).astype(np.float32)
    return wide


def _from_line(side: int, random: Random) -> np.ndarray:
    """Return the signed distance (S, S) of pixels from a line near the middle."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    angle = random.uniform(0, np.pi)
    return np.asarray(x * np.cos(angle) + y * np.sin(angle) - random.normal(0, side / 6))


def _waves(side: int, random: Random, scale: float) -> np.ndarray:
    """Return noise that is smooth over so many pixels (S, S), of deviation one."""
    import cv2

    noise = random.standard_normal((side, side), dtype=np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), max(scale / 2, 0.5), borderType=cv2.BORDER_REFLECT)
    return np.asarray(smooth / max(float(smooth.std()), 1e-9))

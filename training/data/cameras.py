"""Cameras: what another telescope would have written of a galaxy that SDSS took.

A camera is a list of numbers; `training.data.exposure` does what they say. `draw` draws one for
each picture that is trained on; `FIXED` are those that every bundle is measured through.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

__all__ = ["FIXED", "Camera", "draw"]

Random = np.random.Generator


@dataclass(frozen=True)
class Camera:
    """Everything that happens to a galaxy between the sky and the file; 0 or None: nothing.

    Attributes
    ----------
    strength, by_luminance
        Of the stretch that the picture is taken to have: `simulate.linear_flux`.
    turn, mirror, zoom, shift
        Angle in radians, whether mirrored, side of the frame over the picture's, and the
        offset of its centre over its side (2,).
    seeing : float
        FWHM of a Moffat profile over the frame's side.
    scale : float
        Pixels of the file per pixel of the picture.
    mix : tuple
        Rows of (r, g, b) shares: the bands of the file, in its order, gains included; one row
        is one band.
    peak : float
        Electrons of the galaxy's brightest pixels, before the seeing.
    sky, read, slope : float
        Electrons of sky and of read noise a pixel, and by how many times the noise the sky
        changes across the frame, in the direction `toward` (radians).
    full : float
        Share of `peak` at which cores are clipped; 0: nowhere.
    grain : float
        Pixels over which noise is correlated, as in stacks that were resampled.
    stars, companions : int
        Point sources and shrunken copies of the galaxy that are added.
    gain, bias : float
        Units of the file an electron, and its pedestal.
    digits : {"f4", "u2", ""}
        Of linear data; "" is an 8-bit picture, as follows.
    stretch : {"asinh", "linear", "sqrt", "lupton", "asis"}
        Of the 8-bit picture; "asis" is the one that there was, in grey where `mix` is one band.
    black, white : float
        Quantiles of it that become black and white.
    jpeg : int
        Quality; 0: not compressed.
    """

    strength: float = 2.0
    by_luminance: bool = True
    turn: float = 0.0
    mirror: bool = False
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    seeing: float = 0.0
    scale: float = 1.0
    mix: tuple[tuple[float, float, float], ...] = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    peak: float = 20000.0
    sky: float = 200.0
    read: float = 5.0
    slope: float = 0.0
    toward: float = 0.0
    full: float = 0.0
    grain: float = 0.0
    stars: int = 0
    companions: int = 0
    gain: float = 1.0
    bias: float = 100.0
    digits: str = "f4"
    stretch: str = "asinh"
    black: float = 0.1
    white: float = 0.997
    jpeg: int = 0


_GREY = ((1 / 3, 1 / 3, 1 / 3),)
_CLEAN = Camera(peak=60000, sky=100, read=3)
_PICTURE = replace(_CLEAN, digits="", stretch="asinh")

FIXED = {
    "clean": _CLEAN,
    "seeing": replace(_CLEAN, seeing=0.05),
    "poor": replace(_CLEAN, seeing=0.09, peak=8000, sky=400),
    "shallow": replace(_CLEAN, peak=400, sky=900, read=10),
    "coarse": replace(_CLEAN, scale=0.35, peak=20000),
    "fine": replace(_CLEAN, scale=2.2, peak=4000, grain=1.5),
    "red": replace(_CLEAN, mix=((1.7, 0, 0), (0, 1, 0), (0, 0, 0.6))),
    "blue": replace(_CLEAN, mix=((0.65, 0, 0), (0, 1, 0), (0, 0, 1.6))),
    "mono_r": replace(_CLEAN, mix=((1, 0, 0),), peak=8000, sky=400),
    "mono_b": replace(_CLEAN, mix=((0, 0.3, 0.7),), peak=4000, sky=300, seeing=0.03),
    "slope": replace(_CLEAN, peak=8000, sky=400, slope=4.0, toward=0.7),
    "crowded": replace(_CLEAN, stars=6, companions=1, seeing=0.03, zoom=1.15, shift=(0.06, -0.05)),
    "clipped": replace(_CLEAN, full=0.45, digits="u2", stars=1),
    "jpeg": replace(_PICTURE, stretch="lupton", seeing=0.03, jpeg=60),
    "gamma": replace(_PICTURE, stretch="sqrt", mix=_GREY, peak=8000),
}
"""The cameras that every bundle is measured through, by name."""


def draw(random: Random, as_it_is: float = 0.2) -> Camera:
    """Draw a camera, as widely as telescopes differ; some leave the picture as it is."""

    def log(low: float, high: float) -> float:
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    pose = {
        "turn": float(random.uniform(0, 2 * np.pi)),
        "mirror": bool(random.random() < 0.5),
        "zoom": log(0.8, 1.25),
        "shift": tuple(float(x) for x in random.normal(0, 0.03, 2)),
    }
    if random.random() < 0.15:
        pose |= {"zoom": log(0.7, 1.3), "shift": tuple(random.uniform(-0.12, 0.12, 2).tolist())}
    if random.random() < as_it_is:
        quarter = random.random() < 0.5
        turn = float(random.integers(4)) * np.pi / 2 if quarter else pose["turn"]
        bands = _GREY if random.random() < 0.4 else Camera.mix
        return Camera(**{**pose, "turn": turn}, mix=bands, digits="", stretch="asis")
    chance = random.random
    depth = log(60, 60000)
    # The sky may drown a galaxy, but not wholly: its core stands out of the noise.
    noise = min(float(np.hypot(log(3, 50), random.uniform(1, 12))), depth / log(5, 15))
    seeing = float(random.uniform(0, 0.1)) if chance() < 0.6 else 0.0
    kind = chance()
    return Camera(
        **pose,
        strength=float(random.uniform(0.3, 4.0)),
        by_luminance=bool(chance() < 0.6),
        seeing=seeing,
        scale=log(0.3, 3.0) if chance() < 0.7 else 1.0,
        mix=_bands(random),
        peak=depth,
        sky=0.8 * noise**2,
        read=0.2**0.5 * noise,
        slope=float(random.normal(0, 2.5)) if chance() < 0.35 else 0.0,
        toward=float(random.uniform(0, 2 * np.pi)),
        full=float(random.uniform(0.2, 0.9)) if chance() < 0.15 else 0.0,
        grain=float(random.uniform(0.5, 2.0)) if chance() < 0.25 else 0.0,
        stars=int(random.poisson(1.5)) if chance() < 0.4 else 0,
        companions=int(chance() < 0.1),
        gain=log(0.01, 10),
        bias=float(random.uniform(-20, 1200)) if chance() < 0.8 else 0.0,
        digits="f4" if kind < 0.55 else "u2" if kind < 0.7 else "",
        stretch=str(random.choice(["asinh", "linear", "sqrt", "lupton"], p=[0.4, 0.15, 0.2, 0.25])),
        black=float(random.uniform(0.02, 0.5)),
        white=float(random.uniform(0.98, 0.9999)),
        jpeg=int(random.integers(40, 96)) if chance() < 0.5 else 0,
    )


def _bands(random: Random) -> tuple[tuple[float, float, float], ...]:
    """Draw the bands of a file: three with gains of their own and some of each other's light."""
    kind = random.random()
    if kind < 0.5:  # one band
        shares = random.dirichlet([1.0, 1.2, 1.0]) if random.random() < 0.7 else np.full(3, 1 / 3)
        return (tuple(shares.tolist()),)
    mix = np.eye(3)
    if kind < 0.75:  # filters that lie elsewhere: between those of the picture, or beyond
        mix += np.clip(random.normal(0, 0.12, (3, 3)), -0.25, 0.25)
        mix /= mix.sum(1, keepdims=True)
    if kind < 0.92:
        magnitudes = random.normal(0, 0.35, 3)
        mix *= 10 ** (-0.4 * (magnitudes - magnitudes.mean()))[:, None]
    return tuple(tuple(row) for row in mix.tolist())

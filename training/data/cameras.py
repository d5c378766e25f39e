"""Cameras: what another telescope would have written of a galaxy that SDSS took.

A picture's stretch is inverted, what comes out is turned, blurred, brought to another
pixel scale and other bands, given neighbours, a sky, photons, noise and digits, and is written
as linear data or as somebody's 8-bit picture. `draw` draws a camera for each picture that is
trained on; `FIXED` are those that every bundle is measured through.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from training.data.simulate import linear_flux

__all__ = ["FIXED", "Camera", "develop", "draw", "observe", "psf"]

Random = np.random.Generator
LARGEST = 144  # pixels of a picture's side beyond which it is first made smaller


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
        Of the 8-bit picture; "asis" is the one that there was, inverted again.
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


def draw(random: Random, as_it_is: float = 0.125) -> Camera:
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
        return Camera(**{**pose, "turn": turn}, digits="", stretch="asis")
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
    if kind < 0.3:  # one band
        shares = random.dirichlet([1.0, 1.2, 1.0]) if random.random() < 0.7 else np.full(3, 1 / 3)
        return (tuple(shares.tolist()),)
    mix = np.eye(3)
    if kind < 0.65:  # filters that lie elsewhere: between those of the picture, or beyond
        mix += np.clip(random.normal(0, 0.12, (3, 3)), -0.25, 0.25)
        mix /= mix.sum(1, keepdims=True)
    if kind < 0.9:
        magnitudes = random.normal(0, 0.35, 3)
        mix *= 10 ** (-0.4 * (magnitudes - magnitudes.mean()))[:, None]
    return tuple(tuple(row) for row in mix.tolist())


def observe(picture: np.ndarray, camera: Camera, random: Random) -> np.ndarray:
    """Return what a camera writes of a picture.

    Parameters
    ----------
    picture : ndarray
        uint8 (3, H, W), stretched; or linear flux, float32 (3, H, W) or (H, W).
    random : Generator
        Of noise, stars and companions.

    Returns
    -------
    ndarray
        (3, H, W), or (H, W) of one band: float32 or uint16 counts, or an 8-bit picture.
    """
    if picture.dtype != np.uint8:
        flux = np.atleast_3d(picture.T).swapaxes(0, 1) / max(float(np.nanmax(picture)), 1e-30)
        flux = np.ascontiguousarray(np.broadcast_to(flux, (*flux.shape[:2], 3)), np.float32)
    elif camera.stretch == "asis" and not camera.digits:
        turned = _turned(_smaller(picture.transpose(1, 2, 0)), camera)
        return np.ascontiguousarray(turned.transpose(2, 0, 1))
    else:
        flux = linear_flux(picture, camera.strength, camera.by_luminance).transpose(1, 2, 0)
    flux = _turned(_smaller(np.ascontiguousarray(flux)), camera)
    flux /= max(float(np.quantile(_middle(flux).max(2), 0.99)), 1e-6)
    return develop(flux, camera, random)


def develop(flux: np.ndarray, camera: Camera, random: Random) -> np.ndarray:
    """Return what a camera writes of light (S, S, 3) that is about 1 where it is brightest.

    Its pose and the picture's stretch are not looked at; all else is as of `observe`.
    """
    import cv2

    flux = flux @ np.array(camera.mix, np.float32).T
    side = flux.shape[0]
    profile = psf(max(camera.seeing * side, 1.2 if camera.stars else 0), random)
    if camera.companions:
        _add_companions(flux, camera.companions, random)
    if camera.seeing and profile is not None:
        flux = cv2.filter2D(flux, -1, profile, borderType=cv2.BORDER_REFLECT)
    flux = flux.reshape(side, -1, len(camera.mix))
    if camera.stars and profile is not None:
        _add_stars(flux, camera.stars, profile, random)
    if camera.scale != 1:
        size = max(24, round(side * camera.scale))
        how = cv2.INTER_AREA if camera.scale < 1 else cv2.INTER_CUBIC
        flux = cv2.resize(flux, (size, size), interpolation=how).reshape(size, size, -1)
    counts = _exposed(flux, camera, random)
    if not camera.digits:
        return _shown(counts, camera)
    counts = counts * np.float32(camera.gain) + np.float32(camera.bias)
    if camera.digits == "u2":
        counts = np.clip(np.rint(counts - min(0.0, float(counts.min()))), 0, 65535)
        counts = counts.astype(np.uint16)
    counts = np.ascontiguousarray(counts.transpose(2, 0, 1))
    return counts[0] if len(counts) == 1 else counts


def _middle(image: np.ndarray) -> np.ndarray:
    """Return the middle half of an image, where the galaxy is."""
    height, width = image.shape[:2]
    return image[height // 4 : height - height // 4, width // 4 : width - width // 4]


def _smaller(image: np.ndarray) -> np.ndarray:
    """Return an image of at most `LARGEST` pixels a side."""
    import cv2

    side = max(image.shape[:2])
    if side <= LARGEST:
        return image
    size = [max(8, round(n * LARGEST / side)) for n in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _turned(image: np.ndarray, camera: Camera) -> np.ndarray:
    """Return an image mirrored, turned, moved, and cut looser or tighter; square."""
    import cv2

    height, width = image.shape[:2]
    size = max(16, round(min(height, width) * camera.zoom))
    cos, sin = np.cos(camera.turn), np.sin(camera.turn)
    forward = np.array([[cos, -sin], [sin, cos]]) @ np.diag([-1.0 if camera.mirror else 1.0, 1.0])
    centre = np.array([width - 1, height - 1]) / 2
    to = np.full(2, (size - 1) / 2) + np.array(camera.shift) * size
    matrix = np.hstack([forward, (to - forward @ centre)[:, None]])
    quarters = np.allclose(matrix[:, :2], np.round(matrix[:, :2]), atol=1e-9)
    if quarters:  # whole pixels stay as they are
        matrix[:, 2] = np.round(matrix[:, 2])
    how = cv2.INTER_NEAREST if quarters else cv2.INTER_CUBIC
    turned = cv2.warpAffine(image, matrix, (size, size), flags=how, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned)


def psf(width: float, random: Random) -> np.ndarray | None:
    """Return a Moffat profile (K, K) that sums to one, slightly elongated; None without width.

    Parameters
    ----------
    width : float
        FWHM in pixels.
    """
    if width < 0.3:
        return None
    beta = random.uniform(2.5, 5)
    core = width / 2 / np.sqrt(2 ** (1 / beta) - 1)
    reach = min(int(np.ceil(2.5 * width)) + 1, 40)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    long, angle = random.uniform(1, 1.15), random.uniform(0, np.pi)
    u = (np.cos(angle) * x + np.sin(angle) * y) / long
    v = (np.cos(angle) * y - np.sin(angle) * x) * long
    profile = (1 + (u**2 + v**2) / core**2) ** -beta
    return (profile / profile.sum()).astype(np.float32)


def _add_stars(flux: np.ndarray, number: int, profile: np.ndarray, random: Random) -> None:
    """Add point sources, mostly faint ones, away from the middle."""
    side, reach = flux.shape[0], profile.shape[0] // 2
    light = max(float(flux.max()), 1e-6) / float(profile.max())
    for _ in range(number):
        angle, away = random.uniform(0, 2 * np.pi), random.uniform(0.2, 0.65) * side
        x, y = (round(side / 2 + away * f(angle)) for f in (np.cos, np.sin))
        bright = light * np.exp(random.normal(-1.5, 1.2))
        colour = bright * np.exp(random.normal(0, 0.3, flux.shape[2]))
        low, high = max(0, y - reach), min(flux.shape[0], y + reach + 1)
        left, right = max(0, x - reach), min(flux.shape[1], x + reach + 1)
        if low < high and left < right:
            part = profile[low - y + reach : high - y + reach, left - x + reach : right - x + reach]
            flux[low:high, left:right] += part[..., None] * colour.astype(np.float32)


def _add_companions(flux: np.ndarray, number: int, random: Random) -> None:
    """Add copies of the galaxy itself, smaller, turned, near the edge."""
    import cv2

    side = flux.shape[0]
    for _ in range(number):
        size = max(6, round(side * random.uniform(0.15, 0.35)))
        small = cv2.resize(flux, (size, size), interpolation=cv2.INTER_AREA)
        small = np.rot90(small.reshape(size, size, -1), int(random.integers(4)))
        angle, away = random.uniform(0, 2 * np.pi), random.uniform(0.35, 0.5) * side
        x = int(np.clip(side / 2 + away * np.cos(angle) - size / 2, 0, side - size))
        y = int(np.clip(side / 2 + away * np.sin(angle) - size / 2, 0, side - size))
        here = flux[y : y + size, x : x + size]
        np.maximum(here, small * np.float32(random.uniform(0.3, 1)), out=here)


def _exposed(flux: np.ndarray, camera: Camera, random: Random) -> np.ndarray:
    """Return electrons, of the sky and of the source, with all their noise."""
    import cv2

    mean = np.maximum(flux, 0) * np.float32(camera.peak)
    if camera.full:
        np.minimum(mean, np.float32(camera.full * camera.peak), out=mean)
    deviation = np.sqrt(mean + np.float32(camera.sky + camera.read**2))
    noise = random.standard_normal(mean.shape, dtype=np.float32)
    if camera.grain:
        noise = cv2.GaussianBlur(noise, (0, 0), camera.grain).reshape(mean.shape)
        noise /= max(float(noise.std()), 1e-6)
    counts = mean + deviation * noise
    if camera.slope:
        noise_of_sky = np.sqrt(camera.sky + camera.read**2)
        y, x = (np.linspace(-0.5, 0.5, n, dtype=np.float32) for n in flux.shape[:2])
        plane = np.cos(camera.toward) * x + np.sin(camera.toward) * y[:, None]
        counts += np.float32(camera.slope * noise_of_sky) * plane[..., None].astype(np.float32)
    return np.asarray(counts + np.float32(camera.sky))


def _shown(counts: np.ndarray, camera: Camera) -> np.ndarray:
    """Return counts as somebody shows them in 8 bits."""
    low = np.quantile(counts, camera.black, axis=(0, 1)).astype(np.float32)
    above = counts - low
    if camera.stretch == "lupton":
        light = np.maximum(above.mean(2, keepdims=True), 1e-6)
        soft = max(float(above[light[..., 0] <= np.median(light)].std()), 1e-6) * 4
        top = np.arcsinh(np.quantile(light, camera.white) / soft)
        shown = above * (np.arcsinh(light / soft) / light / top)
        shown /= np.maximum(shown.max(2, keepdims=True), 1)  # keeps the colour of what is bright
    else:
        white = np.maximum(np.quantile(above, camera.white, axis=(0, 1)), 1e-6)
        shown = np.clip(above / white.astype(np.float32), 0, 1)
        if camera.stretch == "sqrt":
            shown = np.sqrt(shown)
        elif camera.stretch == "asinh":
            shown = np.arcsinh(10 * shown) / np.float32(np.arcsinh(10))
    picture = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
    if camera.jpeg:
        file = io.BytesIO()
        grey = picture.shape[2] == 1
        Image.fromarray(picture[..., 0] if grey else picture).save(
            file, "JPEG", quality=camera.jpeg
        )
        picture = np.asarray(Image.open(file)).reshape(picture.shape)
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1))
    return planes[0] if len(planes) == 1 else planes

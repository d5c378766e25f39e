"""Exposure: what a camera writes of a picture, step by step.

The picture's stretch is inverted; what comes out is turned, given neighbours, blurred, brought
to other pixels and bands, exposed, and written as counts or as somebody's 8-bit picture.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from training.data.cameras import Camera
from training.data.simulate import linear_flux, luma

__all__ = ["develop", "observe", "psf"]

Random = np.random.Generator
LARGEST = 144  # pixels of a picture's side beyond which it is first made smaller


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
        turned = np.ascontiguousarray(turned.transpose(2, 0, 1))
        return luma(turned) if len(camera.mix) == 1 else turned
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

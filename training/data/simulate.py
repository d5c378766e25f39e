"""Linear images made from pictures: what a camera would have written of the same galaxy.

The display stretch is inverted approximately, the pixel scale changed, and
sky, photon noise and read noise added. The result is float32 with a pedestal,
as a FITS file would hold it. How a picture was stretched is not known, so the
inversion is drawn too: by luminance, as Lupton's stretch asks for, or band by
band, steep or mild.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

__all__ = ["STRETCHED", "UNSTRETCHED", "linear", "linear_flux", "luma", "restored", "simulate"]

# How strongly pictures may have been stretched: a survey's for people, and bytes that are flux.
STRETCHED = (0.3, 4.0)
UNSTRETCHED = (0.01, 0.3)
NOISE = 2.55  # of bytes that are flux: a hundredth of the brightest, which is white


def linear_flux(picture: np.ndarray, strength: float, by_luminance: bool) -> np.ndarray:
    """Return flux in 0..1 whose asinh is the picture.

    Parameters
    ----------
    picture : ndarray
        uint8 (3, H, W).
    strength : float
        sinh(strength x) / sinh(strength) is applied; near 0 nothing changes.
    by_luminance : bool
        All bands are scaled alike, which keeps colours, or each by itself.
    """
    values = picture.astype(np.float32) / 255
    if not by_luminance:
        return np.sinh(values * np.float32(strength)) / np.float32(np.sinh(strength))
    light = values.mean(0)
    flux = np.sinh(light * np.float32(strength)) / np.float32(np.sinh(strength))
    return values * (flux / np.maximum(light, 1e-4))


def simulate(
    picture: np.ndarray,
    key: tuple[int, ...],
    mono: bool,
    stretch: tuple[float, float] = STRETCHED,
) -> np.ndarray:
    """Return a linear image of a picture.

    Parameters
    ----------
    picture : ndarray
        uint8 (3, H, W).
    key : tuple of int
        Seed of everything random.
    mono : bool
        One band (H, W) rather than three (3, H, W).
    stretch : tuple of float
        The strength of `linear_flux` is drawn from here.

    Returns
    -------
    ndarray
        float32 counts.
    """
    random = np.random.default_rng(key)
    flux = linear_flux(picture, random.uniform(*stretch), random.random() < 0.5)
    if mono:
        even = random.random() < 0.5
        weights = np.full(3, 1 / 3) if even else random.dirichlet([2.0, 3.0, 2.0])
        flux = np.tensordot(weights.astype(np.float32), flux, 1)[None]
    scale = np.exp(random.uniform(np.log(0.6), np.log(1.6)))
    height, width = np.clip(np.round(np.array(flux.shape[1:]) * scale), 40, 320).astype(int)
    flux = np.stack(
        [
            np.asarray(
                Image.fromarray(band.astype(np.float32)).resize(
                    (int(width), int(height)), Image.Resampling.BICUBIC
                )
            )
            for band in flux
        ]
    )
    full = np.exp(random.uniform(np.log(1500), np.log(60000)))  # electrons at full scale
    sky = np.exp(random.uniform(np.log(20), np.log(1500)))
    read = random.uniform(2, 10)
    mean = np.clip(flux, 0, None) * full + sky
    noise = random.standard_normal(mean.shape, dtype=np.float32)
    image = mean + np.sqrt(mean + read**2) * noise
    image = image * random.uniform(0.3, 2) + random.uniform(-20, 1200)  # gain and pedestal
    image = image.astype(np.float32)
    return image[0] if mono else image


def linear(
    picture: np.ndarray,
    key: tuple[int, ...],
    mono: bool,
    stretch: tuple[float, float] = STRETCHED,
) -> np.ndarray:
    """Return a simulated linear image of a picture; a linear image is its own."""
    if picture.dtype == np.uint8:
        return simulate(picture, key, mono, stretch)
    return luma(picture) if mono else picture


def restored(picture: np.ndarray, key: tuple[int, ...]) -> np.ndarray:
    """Return bytes that are flux as an image, with noise such as they were cut off at.

    A recipe's stretch goes by the noise; without any, all above the lowest byte turns white.
    """
    noise = np.random.default_rng(key).standard_normal(picture.shape[-2:], dtype=np.float32)
    return picture + np.float32(NOISE) * noise


def luma(picture: np.ndarray) -> np.ndarray:
    """Return a colour picture in grey (H, W), as an image editor would, or the mean flux."""
    if picture.dtype != np.uint8 or picture.ndim == 2:
        return picture if picture.ndim == 2 else picture.mean(0)
    image = Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0)))
    return np.asarray(image.convert("L"))

"""The point spread function that images are measured with: told, of a file, or their own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.answers.mixtures import Point, of_point
from galedge.errors import Blank, ReadError, Unsupported
from galedge.frames.moments import FWHM, fit_gaussians
from galedge.frames.psf import LEAST_STARS, Psf, analytic, measured, moved
from galedge.frames.sky import without_sky
from galedge.images.image import read

__all__ = ["of_file", "own", "told"]

_LEAST, _LARGEST = 7, 128  # side of a picture of a point; what is larger is a frame with stars


def told(fwhm: float) -> Point:
    """Return the function of a width in pixels, Moffat's with exponent 3."""
    return of_point(analytic(fwhm, (1, 1)).terms[0])


def own(pixels: NDArray[Any]) -> Point | None:
    """Return that of an image's own stars, in its middle; None if it has too few of them.

    Parameters
    ----------
    pixels : ndarray of float32, shape (H, W)
        Linear flux.
    """
    height, width = pixels.shape
    try:
        psf = measured(*without_sky(pixels))
    except Blank:
        return None
    if not isinstance(psf, Psf):
        return None
    middle = np.array([(width - 1) / 2]), np.array([(height - 1) / 2])
    return of_point(psf.at(*middle)[0])


def of_file(path: str) -> Point:
    """Return that of a file: a small image of a point, or a frame of which the stars are taken.

    Raises
    ------
    GaledgeError
        With the file, if it cannot be read or is neither.
    """
    image = read(path, None, "float32")
    if image.data.ndim != 2:
        raise Unsupported(
            f"{path}: has {len(image.data)} planes; a point spread function is an image of one"
        )
    if image.is_picture:
        raise Unsupported(f"{path}: is an 8-bit picture; a point spread function is linear flux")
    if max(image.data.shape) > _LARGEST:
        found = own(image.data)
        if found is None:
            raise ReadError(
                f"{path}: as a frame it has fewer than {LEAST_STARS} stars that are alike, and for "
                f"an image of one point it is too large: cut it to {_LARGEST} pixels, or give "
                "--fwhm"
            )
        return found
    return _of_image(path, image.data)


def _of_image(path: str, pixels: NDArray[Any]) -> Point:
    """Return that of a small image, its point brought to the middle of a pixel."""
    pixels = np.where(np.isfinite(pixels), pixels, 0).astype(np.float32)
    height, width = pixels.shape
    y, x = (int(at) for at in np.unravel_index(int(pixels.argmax()), pixels.shape))
    half = min(x, y, width - 1 - x, height - 1 - y)
    if 2 * half + 1 < _LEAST:
        raise ReadError(
            f"{path}: there are fewer than {_LEAST // 2} pixels around its brightest one; a point "
            "spread function has its point in the middle"
        )
    cut = pixels[None, y - half : y + half + 1, x - half : x + half + 1]
    zero = np.zeros(1, np.float32)
    fitted = fit_gaussians(cut, zero, zero, half / FWHM / 2)
    if not fitted.found[0] or not cut.sum() > 0:
        raise ReadError(f"{path}: no point can be made out in it")
    return of_point(moved(cut, -fitted.x, -fitted.y)[0])

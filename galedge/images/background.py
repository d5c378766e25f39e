"""The sky of a frame as a smooth map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from galedge.core.backend import _core
from galedge.images.arrays import image_in

__all__ = ["Background", "background"]


@dataclass(frozen=True, slots=True)
class Background:
    """Sky level and noise of a frame, in the frame's own units.

    Attributes
    ----------
    level, noise : ndarray of float32, shape (H, W)
        At every pixel.
    mesh_level, mesh_noise : ndarray of float32, shape (ceil(H / mesh), ceil(W / mesh))
        Of every mesh, before filtering. A mesh of which less than half is valid
        has the values of the nearest others.
    """

    level: npt.NDArray[np.float32]
    noise: npt.NDArray[np.float32]
    mesh_level: npt.NDArray[np.float32]
    mesh_noise: npt.NDArray[np.float32]


def background(
    image: Any,
    mesh: int = 64,
    filter: int = 3,
    *,
    threads: int = 1,
    out: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None = None,
) -> Background:
    """Measure the sky of a frame in meshes and interpolate it.

    As SExtractor (Bertin & Arnouts 1996, A&AS 117, 393) and sep (Barbary 2016,
    JOSS 1, 58), and with their numbers: every mesh gets its clipped mode, meshes
    are median-filtered, and a bicubic spline runs through them
    (``docs/preparation.md``).

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Linear flux, or what `galedge.read` knows one to be held in; pixels that are
        masked, not finite, or below -1e30, do not count.
    mesh : int
        Side of a mesh in pixels: larger than the sources, smaller than the
        structure of the sky.
    filter : int
        Side of the median filter in meshes, odd; 1 for none.
    threads : int
        Threads to use; the result does not depend on them.
    out : tuple of two ndarrays of float32, shape (H, W), optional
        Where level and noise are written: of frame after frame, into the same
        memory, which the system then need not find and clear anew. C-contiguous,
        writable, and not the image itself.

    Returns
    -------
    Background
        With `out`, its maps are those two arrays.

    Raises
    ------
    Blank
        If no mesh has enough finite pixels.
    ValueError
        If the shape or an option is out of range, or `out` does not fit.
    """
    if type(image) is not np.ndarray:  # masked arrays and the like
        held = image_in(image)
        if held is None:
            raise ValueError("a frame is an array; read files first")
        image = held.data
    if image.ndim != 2 or image.size == 0:
        raise ValueError(f"a frame has the shape (H, W), not {image.shape}")
    pixels = np.ascontiguousarray(image, np.float32)[np.newaxis]
    if out is not None:
        _check(out, image)
    return Background(*_core.background(pixels, mesh, filter, threads, *(out or ())))


def _check(out: tuple[npt.NDArray[np.float32], ...], image: npt.NDArray[Any]) -> None:
    """Refuse maps that cannot be written to, or not without harm."""
    for one in out:
        fits = one.dtype == np.float32 and one.flags.c_contiguous and one.flags.writeable
        if not fits or one.shape != image.shape:
            raise ValueError(
                "out takes two C-contiguous, writable float32 arrays of the frame's shape "
                f"{image.shape}"
            )
    level, noise = out
    if any(np.may_share_memory(a, b) for a, b in ((level, noise), (level, image), (noise, image))):
        raise ValueError("out's two arrays and the image must not share memory")

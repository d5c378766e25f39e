"""The sky of a frame as a smooth map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from galedge._backend import _core

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
    image: npt.NDArray[Any], mesh: int = 64, filter: int = 3, *, threads: int = 1
) -> Background:
    """Measure the sky of a frame in meshes and interpolate it.

    As SExtractor (Bertin & Arnouts 1996, A&AS 117, 393) and sep (Barbary 2016,
    JOSS 1, 58), and with their numbers: every mesh gets its clipped mode, meshes
    are median-filtered, and a bicubic spline runs through them
    (``docs/preparation.md``).

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Linear flux; pixels that are not finite, or below -1e30, do not count.
    mesh : int
        Side of a mesh in pixels: larger than the sources, smaller than the
        structure of the sky.
    filter : int
        Side of the median filter in meshes, odd; 1 for none.
    threads : int
        Threads to use; the result does not depend on them.

    Returns
    -------
    Background

    Raises
    ------
    Blank
        If no mesh has enough finite pixels.
    ValueError
        If the shape or an option is out of range.
    """
    if image.ndim != 2 or image.size == 0:
        raise ValueError(f"a frame has the shape (H, W), not {image.shape}")
    pixels = np.ascontiguousarray(image, np.float32)[np.newaxis]
    return Background(*_core.background(pixels, mesh, filter, threads))

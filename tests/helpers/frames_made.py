"""Frames with galaxies in known places, for the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpers.made import write_fits

TAN = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRVAL1": 150.0,
    "CRVAL2": 2.2,
    "CRPIX1": 120.5,
    "CRPIX2": 99.25,
    "CD1_1": -1.1e-4,
    "CD1_2": 2e-6,
    "CD2_1": 3e-6,
    "CD2_2": 1.1e-4,
}

PLACES = [(50.0, 40.0), (150.3, 61.8), (201.0, 150.5), (90.6, 151.2), (30.0, 110.0)]


def light(shape: tuple[int, int], x: float, y: float, scale: float = 4) -> NDArray[np.float64]:
    """Return a round exponential galaxy."""
    rows, columns = np.indices(shape)
    return 300 * np.exp(-np.hypot(columns - x, rows - y) / scale)


def made(
    places: list[tuple[float, float]] = PLACES, shape: tuple[int, int] = (200, 240), seed: int = 0
) -> NDArray[np.float32]:
    """Return a frame of galaxies on a noisy sky."""
    frame = np.random.default_rng(seed).normal(100, 2, shape)
    for x, y in places:
        frame += light(shape, x, y)
    return frame.astype(np.float32)


def write_frame(path: Path, image: NDArray[Any] | None = None, **cards: object) -> Path:
    """Write a frame with a TAN WCS; `cards` replace its own, None removes one."""
    header = {key: value for key, value in {**TAN, **cards}.items() if value is not None}
    write_fits(path, made() if image is None else image, **header)
    return path


def write_list(path: Path, names: str, rows: Any) -> Path:
    """Write a CSV table."""
    path.write_text("\n".join([names, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path

"""The images that ``galedge benchmark`` measures: a folder's, or generated ones."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from galedge.errors import GaledgeError
from galedge.images.inputs import Rejected, find
from galedge.images.prepare import prepare

__all__ = ["fits_file", "galaxy", "specimens"]

SIDE = 128  # of the generated cutouts
GENERATED = 256
MOST = 2048  # files of the user's that are measured


@contextmanager
def specimens(data: str | None) -> Iterator[tuple[list[str], str]]:
    """Yield paths of images that can be prepared, and what they are."""
    if data is not None:
        found = [path for path in find([data]) if not isinstance(path, Rejected)][:MOST]
        facts = prepare(found).facts if found else []
        good = [path for path, fact in zip(found, facts, strict=True) if fact.error is None]
        if not good:
            raise GaledgeError(f"{data}: holds no image that can be prepared; see galedge info")
        yield good, f"{len(good):,} of the images in {data}"
        return
    with tempfile.TemporaryDirectory(prefix="galedge-benchmark-") as folder:
        paths = []
        for i in range(GENERATED):
            paths.append(os.path.join(folder, f"{i:04}.fits"))
            Path(paths[-1]).write_bytes(fits_file(galaxy(SIDE, i)))
        yield paths, f"{GENERATED} generated FITS cutouts of {SIDE} x {SIDE} float32"


def galaxy(size: int, seed: int) -> np.ndarray[Any, Any]:
    """Render a noisy exponential disc on a sky of 100, float32 of shape (size, size)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    disc: np.ndarray[Any, Any] = 1000 * np.exp(
        -np.hypot(x, y / random.uniform(0.4, 1)) / random.uniform(size / 25, size / 10)
    )
    return (disc + random.normal(100, 5, (size, size))).astype(np.float32)


def fits_file(image: np.ndarray[Any, Any]) -> bytes:
    """Return a FITS file of a float32 image."""
    height, width = image.shape
    cards = {"SIMPLE": "T", "BITPIX": -32, "NAXIS": 2, "NAXIS1": width, "NAXIS2": height}
    header = "".join(f"{key:<8}= {value:>20}".ljust(80) for key, value in cards.items())
    pixels = image.astype(">f4").tobytes()
    head = (header + "END".ljust(80)).encode()
    return head.ljust(-(-len(head) // 2880) * 2880) + pixels.ljust(
        -(-len(pixels) // 2880) * 2880, b"\0"
    )

"""Pictures and arrays as the bytes of a file."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pillow

RNG = np.random.default_rng(7)
COLOUR = RNG.integers(0, 256, (9, 13, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]


def encoded(samples: np.ndarray, form: str, mode: str | None = None, **options: object) -> bytes:
    picture = Pillow.fromarray(samples)
    if mode is not None:
        picture = picture.convert(mode)
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()

"""What the compiled core does for the rest of galedge, in Python and Numba.

`galedge.core.backend` takes this module where the core is missing. It offers what
`galedge.prepare` and the readers use of ``_core``, under the same names; the
tests compare the two. Only `prepare_files` is missing: files are read one by one then.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galedge.core.cards import card_text, parse_cards, told
from galedge.core.hdu import Hdu
from galedge.core.reader import CODECS, FitsFile
from galedge.core.standin_wcs import Wcs
from galedge.errors import ReadError

if TYPE_CHECKING:
    from galedge.core.kernels import Prepared

__all__ = [
    "FitsFile",
    "Hdu",
    "Recipe",
    "Wcs",
    "appearances",
    "background",
    "card_text",
    "codecs",
    "constant_areas",
    "framings",
    "open_fits",
    "open_fits_buffer",
    "parse_cards",
    "prepare_arrays",
    "stretches",
    "told",
]

_MAX_PIXELS = 1 << 28


class Recipe(NamedTuple):
    """The core's form of `galedge.Recipe`."""

    size: int
    framing: str | float
    margin: float
    threshold: float
    softening: float
    white: float
    stretch: str
    q: float
    sky: str = "level"
    bridge: int = 0
    blanks: str = "nan"
    knee: float = 0.0


def codecs() -> dict[str, str | None]:
    """Return the codecs of compressed tiles, each with the package that it needs, or None."""
    return dict(CODECS)


def framings() -> list[str]:
    """Return the names of `galedge.core.kernels.frame.FRAMINGS`, without Numba."""
    return ["auto", "full", "PIXELS"]


def stretches() -> list[str]:
    """Return the names of `galedge.core.kernels.stretch.STRETCHES`, without Numba."""
    return ["asinh", "lupton", "zscale"]


def open_fits(path: str | bytes | os.PathLike[Any], max_pixels: int | None = None) -> FitsFile:
    """Open a FITS file, gzipped or not."""
    return FitsFile(os.fsdecode(path), _MAX_PIXELS if max_pixels is None else max_pixels)


def open_fits_buffer(buffer: Any, max_pixels: int | None = None) -> FitsFile:
    """Read FITS from bytes in memory."""
    return FitsFile(memoryview(buffer), _MAX_PIXELS if max_pixels is None else max_pixels)


def background(
    image: NDArray[np.float32],
    mesh: int,
    filter: int,
    threads: int,
    level: NDArray[np.float32] | None = None,
    noise: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.float32], ...]:
    """Map sky and noise of an image (1, H, W), on one thread; see `galedge.background`."""
    from galedge.core.kernels.background import background as twin

    if mesh < 1 or filter < 1 or filter % 2 == 0:
        raise ValueError("mesh must be positive and filter odd")
    maps = list(twin(image[0], mesh, filter))
    for i, out in enumerate((level, noise)):
        if out is not None:
            out[...] = maps[i]
            maps[i] = out
    return tuple(maps)


def appearances(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return how pictures (N, 3, S, S) look; see `galedge.images.appearance`."""
    from galedge.core.kernels import appearances as twin

    return twin(pixels)


def constant_areas(image: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Mark what of an image (1, H, W) is no measurement, though it holds a number."""
    from galedge.core.kernels import constant_areas as twin

    return twin(image[0])


def prepare_arrays(
    images: list[NDArray[np.float32]],
    pictures: list[bool],
    recipe: Recipe,
    out: NDArray[np.uint8],
    threads: int = 1,
) -> tuple[Any, ...]:
    """Prepare images of shape (1 or 3, H, W) into `out`; twin of csrc/batch.cpp."""
    from galedge.core.kernels import prepare_one  # which is where Numba comes in

    def one(i: int) -> Prepared | str:
        try:
            planes = images[i].astype(np.float32)
            pixels, prepared = prepare_one(planes, pictures[i], **recipe._asdict())
        except (ReadError, MemoryError) as error:
            out[i] = 0
            no_memory = "there is not enough memory for this image"
            return no_memory if isinstance(error, MemoryError) else str(error)
        # The twins round to bytes; as floats these are 0 to 1.
        out[i] = pixels if out.dtype == np.uint8 else pixels / np.float32(255)
        return prepared

    count = len(images)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        found = list(pool.map(one, range(count)))
    fields = [(name, "f8") for name in ("x", "y", "side", "sky", "noise", "masked_fraction")]
    table = np.array(
        [(0,) * 7 if isinstance(each, str) else tuple(each) for each in found],
        [*fields, ("flags", "u4")],
    )
    errors = [each if isinstance(each, str) else None for each in found]
    # Arrays say nothing of the sky, of HDUs and of dates.
    positions, signs = np.full((count, 2), np.nan), np.zeros((count, 5), np.int8)
    nothing = [""] * count
    return table, positions, signs, [-1] * count, nothing, nothing, errors, [False] * count, []

"""What the compiled core does for the rest of galedge, in Python and Numba.

`galedge.core.backend` takes this module where the core is missing. It offers what
`galedge.prepare` and the readers use of ``_core``, under the same names; the
tests compare the two. FITS is read by `reader`, what is more than plain by astropy.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galedge.core.cards import card_text, parse_cards, told
from galedge.core.hdu import Hdu
from galedge.core.reader import CODECS, FitsFile
from galedge.core.standin_wcs import Wcs
from galedge.errors import ReadError, Unsupported

if TYPE_CHECKING:
    from galedge.core.kernels import Prepared

__all__ = [
    "FitsFile",
    "Hdu",
    "Recipe",
    "Wcs",
    "background",
    "card_text",
    "codecs",
    "constant_areas",
    "framings",
    "open_fits",
    "open_fits_buffer",
    "parse_cards",
    "prepare_arrays",
    "prepare_files",
    "stretches",
    "told",
]

_MAX_PIXELS = 1 << 28

_MOSAICS = ("BAYERPAT", "COLORTYP", "CFAPAT")
# How many HDUs are looked at behind the one that is read; see csrc/batch.cpp.
_FOLLOWING = 8
_NO_SKY = (math.nan, math.nan)
_Told = list[list[tuple[str, str]]]


class _Found(NamedTuple):
    """What is told of one image; a column each in what the core returns."""

    prepared: Prepared | None = None
    sky: tuple[float, float] = _NO_SKY
    signs: tuple[int, bool, bool, bool, bool] = (0, False, False, False, False)
    hdu: int = -1
    name: str = ""
    date: str = ""
    error: str | None = None
    unsupported: bool = False
    told: _Told = []  # noqa: RUF012 - nobody adds to it


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

    def one(i: int, of_image: _Told) -> _Found:
        return _Found(_prepare(images[i], pictures[i], recipe, out[i]))

    return _for_each(one, len(images), threads, out)


def prepare_files(
    paths: list[bytes],
    hdu: int | str,
    plane: int,
    recipe: Recipe,
    out: NDArray[np.uint8],
    threads: int = 1,
    order_of: Callable[[bytes], tuple[int, int, int] | None] | None = None,
    keywords: list[str] | None = None,
) -> tuple[Any, ...]:
    """Prepare FITS files; `hdu` and `plane` below 0 are for the core to choose.

    `order_of` tells by a header which of three planes are red, green and blue; what is
    told of an image, and of those behind it, are the cards of `keywords`.
    """
    chosen = isinstance(hdu, str) or hdu >= 0
    cards = keywords or []

    def one(i: int, of_image: _Told) -> _Found:
        file = open_fits(paths[i])
        found = file.image(hdu if chosen else None)
        of_image.append(told(found.text, cards))
        planes = found.shape[0] if found.shape else 0
        if plane >= planes:
            raise ReadError(f"there is no plane {plane}; the image has {planes}")
        if plane < 0 and planes not in (1, 3) and found.shape and found.shape[2] in (3, 4):
            raise Unsupported("its colours stand pixel by pixel")
        if plane < 0 and planes not in (1, 3):
            raise ReadError(
                f"a cube of {planes} planes is not a galaxy in one or three bands; "
                "choose one with --plane"
            )
        mosaic = plane < 0 and planes == 1 and not found.cards.keys().isdisjoint(_MOSAICS)
        if mosaic or "BSOFTEN" in found.cards:
            raise Unsupported("its pixels are no flux as they stand")
        pixels = file.read(found, plane if plane >= 0 else None)
        pixels = pixels.reshape(-1, *pixels.shape[-2:])
        order = order_of(found.text) if order_of and len(pixels) == 3 else None
        unordered = bool(order_of and len(pixels) == 3 and not order and not found.is_picture)
        pixels = pixels if order is None else pixels[list(order)]
        prepared = _prepare(pixels, found.is_picture, recipe, out[i])
        wcs = found.wcs()
        signs = (*found.signs, unordered)
        sky = _NO_SKY if wcs is None or signs[3] else wcs.pixel_to_sky(prepared.x, prepared.y)
        name, date = (card_text(found.text, keyword) for keyword in ("OBJECT", "DATE-OBS"))
        for each in [] if chosen else file.following(found, _FOLLOWING):
            of_image.append(told(each.text, cards))
        return _Found(prepared, sky, signs, found.index, name, date, told=of_image)

    return _for_each(one, len(paths), threads, out)


def _prepare(
    planes: NDArray[Any], picture: bool, recipe: Recipe, out: NDArray[np.uint8]
) -> Prepared:
    from galedge.core.kernels import prepare_one  # which is where Numba comes in

    pixels, prepared = prepare_one(planes.astype(np.float32), picture, **recipe._asdict())
    # The twins round to bytes; as floats these are 0 to 1.
    out[:] = pixels if out.dtype == np.uint8 else pixels / np.float32(255)
    return prepared


def _for_each(
    one: Callable[[int, _Told], _Found], count: int, threads: int, out: NDArray[np.uint8]
) -> tuple[Any, ...]:
    """Call one(i, told) for every image; a failure becomes a sentence and zeros."""
    import galedge.core.kernels  # noqa: F401 - without Numba this fails once and not a file at a time

    def guarded(i: int) -> _Found:
        of_image: _Told = []
        try:
            return one(i, of_image)
        except ReadError as error:
            message, unsupported = str(error), isinstance(error, Unsupported)
        except MemoryError:
            message, unsupported = "there is not enough memory for this image", False
        out[i] = 0
        return _Found(error=message, unsupported=unsupported, told=of_image)

    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(guarded, range(count)))
    else:
        found = [guarded(i) for i in range(count)]
    nothing = (0.0,) * 6 + (0,)
    fields = [(name, "f8") for name in ("x", "y", "side", "sky", "noise", "masked_fraction")]
    table = np.array(
        [tuple(each.prepared or nothing) for each in found], [*fields, ("flags", "u4")]
    )
    positions = np.array([each.sky for each in found], float).reshape(-1, 2)
    signs = np.array([each.signs for each in found], np.int8).reshape(-1, 5)
    columns = zip(*found, strict=True) if found else ((),) * 9
    return table, positions, signs, *(list(column) for column in list(columns)[3:])

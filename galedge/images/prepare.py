"""Sources to the network's input: one uint8 batch, and the facts of each image.

The work is done in C++ (``csrc/batch.cpp``) with the interpreter's lock
released; this module sorts sources into files that C++ reads by itself and
pixels that it is handed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from galedge.core.backend import _core
from galedge.errors import GaledgeError
from galedge.images.astrometry import orient, resolve
from galedge.images.chunks import in_turn
from galedge.images.colours import colour_flags, named_order, order_by
from galedge.images.facts import Facts, facts_of
from galedge.images.header import HduName, plain_hdu
from galedge.images.image import Image
from galedge.images.kinds import CARDS, kind_of
from galedge.images.parts import Part
from galedge.images.planes import Wanted, are_bands, image_of
from galedge.images.recipe import Recipe
from galedge.support.log import unforeseen

__all__ = ["Batch", "Source", "named", "prepare"]

# Paths, bytes of whole files, images, arrays, and what `image_in` knows of others'.
Band: TypeAlias = Any
Pixels: TypeAlias = "npt.NDArray[np.uint8] | npt.NDArray[np.float32]"
Hdu: TypeAlias = "HduName | tuple[HduName, HduName, HduName] | None"
Source: TypeAlias = "Band | tuple[Band, Band, Band]"

# Names that C++ reads from disk by itself; the content decides what they are.
_FITS_SUFFIXES = (".fits", ".fit", ".fts", ".fz", ".fits.gz", ".fit.gz", ".fts.gz")


@dataclass(slots=True)
class Batch:
    """A prepared batch.

    Attributes
    ----------
    pixels : ndarray of uint8 or float32, shape (N, 3, size, size)
        The network's input; zeros where an image could not be prepared.
    facts : list of Facts
        One per source, in order.
    """

    pixels: npt.NDArray[Any]
    facts: list[Facts]


def prepare(
    sources: Iterable[Source],
    recipe: Recipe | None = None,
    *,
    hdu: Hdu = None,
    plane: int | None = None,
    order: str | None = None,
    threads: int = 1,
    dtype: npt.DTypeLike = np.uint8,
    out: Pixels | None = None,
    verify: bool = False,
    any_kind: bool = False,
) -> Batch:
    """Frame, resample and stretch images into one batch.

    Parameters
    ----------
    sources : iterable
        Paths, bytes of whole files, `Image` objects, or arrays of shape (H, W),
        (3, H, W), (H, W, 1), (H, W, 3) or, with opacity, (H, W, 4), red first, and what other
        libraries hold an image in, see `galedge.read`; a tuple of three of them, each
        with one plane, is one galaxy in red, green and blue. Arrays of uint8 are
        pictures that are already stretched, all others linear flux.
    recipe : Recipe, optional
        How; `Recipe()` if not given, with 64 pixels a side. What a model sees is
        prepared by its own, `Classifier.recipe`.
    hdu : int, str or tuple, optional
        FITS extension to read, as for `galedge.read`; by default the first that holds
        an image. A tuple of three is taken together as red, green and blue.
    plane : int, optional
        Plane of a cube to use alone, of each band where there are three; by default a
        cube must have 1 or 3 planes.
    order : str, optional
        Bands of the planes of cubes of three in the order of the file, ``"grz"`` or
        ``"g,r,z"``; by default as the header says, and red first where it says nothing.
    threads : int
        Threads of the C++ side.
    dtype : {"uint8", "float32"}
        Bytes, which the network takes, or the same before rounding as 0 to 1.
    out : ndarray of uint8 or float32, shape (N, 3, size, size), optional
        Written in place of a new array; its type counts, not `dtype`.
    verify : bool
        Compare CHECKSUM and DATASUM of FITS files, as `galedge.read` does.
    any_kind : bool
        Take also what its header says is no image of the sky: darks, flats and biases,
        weights, masks and noise.

    Returns
    -------
    Batch
        A source that cannot be prepared leaves zeros and a sentence in
        ``facts[i].error``; it does not raise.
    """
    sources = list(in_turn(sources))
    recipe = recipe or Recipe()
    shape = (len(sources), 3, recipe.size, recipe.size)
    pixels = np.empty(shape, dtype) if out is None else out
    kinds = (np.dtype(np.uint8), np.dtype(np.float32))
    if pixels.shape != shape or pixels.dtype not in kinds or not pixels.flags.c_contiguous:
        raise ValueError(f"out must be a C-contiguous uint8 or float32 array of shape {shape}")
    core = _core.Recipe(**recipe.to_json())
    wanted = Wanted(hdu, plane, named_order(order), verify, any_kind)
    in_core = _read_in_core(sources, wanted)
    facts = [Facts()] * len(sources)  # each has another in its place in the end
    for by_core, run in ((True, _prepare_files), (False, _prepare_pixels)):
        at = [i for i, reads in enumerate(in_core) if reads is by_core]
        if not at:
            continue
        if len(at) == len(sources):  # the usual case: no copy
            return Batch(pixels, run(sources, core, pixels, wanted, threads))
        part = np.empty((len(at), *shape[1:]), pixels.dtype)
        found = run([sources[i] for i in at], core, part, wanted, threads)
        for i, slot, fact in zip(at, part, found, strict=True):
            pixels[i], facts[i] = slot, fact
    return Batch(pixels, facts)


def named(source: object) -> str:
    """Return the path by which a source is known; empty for what has none."""
    if isinstance(source, tuple) and source:
        source = source[0]
    if isinstance(source, Image | Part):
        return source.path
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else ""


def _read_in_core(sources: Sequence[Source], wanted: Wanted) -> list[bool]:
    numbers = (wanted.hdu, wanted.plane)
    if (
        not hasattr(_core, "prepare_files")  # which its stand-in has not
        or wanted.verify  # which takes all, where the core reads only what it needs
        or are_bands(wanted.hdu)
        # Below zero is no choice, but to the core the sign of none.
        or any(isinstance(number, int) and number < 0 for number in numbers)
    ):
        return [False] * len(sources)
    return [
        isinstance(source, (str, os.PathLike))
        and os.fspath(source).lower().endswith(_FITS_SUFFIXES)
        for source in sources
    ]


def _prepare_files(
    sources: Sequence[Source],
    core: _core.Recipe,
    out: Pixels,
    wanted: Wanted,
    threads: int,
) -> list[Facts]:
    paths = [os.fspath(source) for source in sources]  # type: ignore[arg-type]
    result = _core.prepare_files(
        [os.fsencode(path) for path in paths],
        -1 if wanted.hdu is None else plain_hdu(wanted.hdu),  # type: ignore[arg-type]
        -1 if wanted.plane is None else wanted.plane,
        core,
        out,
        threads,
        order_by(wanted.order),
        CARDS,
    )
    facts = facts_of(paths, result)
    for each in facts:
        resolve(each)
    *_, unsupported, told = result
    for i, (lacks, (cards, *following)) in enumerate(
        zip(unsupported, [of or [[]] for of in told], strict=True)
    ):
        kind = kind_of(cards) if cards else None
        # What the core does not read (HCOMPRESS_1, bzip2 under another name), Python may
        # with an extra, or knows which one to install; and it looks for another HDU than
        # one of weights.
        if lacks or (kind is not None and kind.is_plane and wanted.hdu is None):
            one = slice(i, i + 1)
            facts[one] = _prepare_pixels(sources[one], core, out[one], wanted, threads)
        elif kind is not None and not wanted.any_kind:
            facts[i] = Facts(paths[i], error=kind.reason)
            out[i] = 0
        elif following and facts[i].error is None and _has_picture(following):
            facts[i].flags += ("other_hdus",)
    return facts


def _has_picture(told: list[list[tuple[str, str]]]) -> bool:
    kinds = map(kind_of, told)
    return any(kind is None or not kind.is_plane for kind in kinds)


def _prepare_pixels(
    sources: Sequence[Source],
    core: _core.Recipe,
    out: Pixels,
    wanted: Wanted,
    threads: int,
) -> list[Facts]:
    facts = [Facts() for _ in sources]
    images: list[npt.NDArray[np.float32]] = []
    pictures: list[bool] = []
    good: list[int] = []
    read_images: list[Image] = []
    for i, source in enumerate(sources):
        facts[i].path = "" if isinstance(source, tuple) else named(source)
        facts[i].hdu = source.hdu if isinstance(source, Part) else None
        try:
            image = image_of(source, wanted)
            _copy_header(image, facts[i])
            images.append(image.data)
            read_images.append(image)
            pictures.append(image.is_picture)
            good.append(i)
        except GaledgeError as error:
            facts[i].error = _without_path(str(error), facts[i].path)
            out[i] = 0
        except Exception as error:  # one image's, not the batch's
            facts[i].error = unforeseen(error, facts[i].path)
            out[i] = 0
    part = np.empty((len(good), *out.shape[1:]), out.dtype)
    result = _core.prepare_arrays(images, pictures, core, part, threads)
    found = facts_of([""] * len(good), result)
    for slot, i, fact, image in zip(part, good, found, read_images, strict=True):
        out[i] = slot
        fact.path, fact.hdu = facts[i].path, facts[i].hdu
        fact.object, fact.date_obs = facts[i].object, facts[i].date_obs
        fact.flags += colour_flags(image) if fact.error is None else ()
        _unbin(fact, image.binning)
        orient(fact, image)
        fact.flags += ("other_hdus",) * image.other_hdus
        facts[i] = fact
    return facts


def _unbin(facts: Facts, binning: int) -> None:
    """Put pixels that are several of the file's into the file's."""
    if binning == 1 or facts.x is None or facts.y is None or facts.side is None:
        return
    facts.x, facts.y = (binning * at + (binning - 1) / 2 for at in (facts.x, facts.y))
    facts.side *= binning


def _copy_header(image: Image, facts: Facts) -> None:
    facts.path = facts.path or image.path
    facts.hdu = image.hdu
    facts.object = image.header.shown("OBJECT")
    facts.date_obs = image.header.shown("DATE-OBS")


def _without_path(message: str, path: str) -> str:
    # The row has a column for the path; the sentence need not repeat it.
    return message.removeprefix(f"{path}: ") if path else message

"""A line for each image: what reading and preparing makes of it, to the bit.

    PYTHONPATH=.:tests python tests/arm/digests.py FOLDER [images|files|faults] > this_machine.txt

FOLDER is what `made.py` wrote. Two machines agree if their lines do.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import sys
import tarfile
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from helpers.exact import bits

import galedge
from galedge.core import _core
from galedge.errors import GaledgeError
from galedge.images.background import background
from galedge.images.image import describe, read

EXAMPLES = Path(__file__).parents[2] / "examples"


def recipes() -> Iterator[galedge.Recipe]:
    """Yield every stretch, framing and way with sky and blanks."""
    for make in (galedge.Recipe, galedge.Recipe.latest):
        for stretch in _core.stretches():
            for framing in ("auto", "full", 33):
                yield make(stretch=stretch, framing=framing, size=72)
        yield make(size=8)
        yield make(size=131, white=1.0, threshold=0.5, softening=0.1)


RECIPES = list(recipes())
STRIDE = 23


def told(work: Callable[[], Any]) -> str:
    """Return what `work` gives as text: arrays by their bits, an error by its words."""
    try:
        found = work()
    except (GaledgeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return text_of(found)


def text_of(found: Any) -> str:
    """Return arrays as digests, floats by all their digits."""
    if isinstance(found, np.ndarray):
        if found.dtype.kind == "f":
            found = bits(np.ascontiguousarray(found))
        return f"{found.shape}{hashlib.sha256(found.tobytes()).hexdigest()}"
    if isinstance(found, (tuple, list)):
        return " ".join(map(text_of, found))
    return repr(found)


def prepared(source: Any, recipe: galedge.Recipe, dtype: str) -> Any:
    """Prepare one source, facts included."""
    batch = galedge.prepare([source], recipe, dtype=dtype)
    (facts,) = batch.facts
    # Sines and lengths are the C library's, whose last bits are nobody's promise.
    sky = [None if angle is None else round(angle, 9) for angle in (facts.ra, facts.dec)]
    return batch.pixels, dataclasses.replace(facts, ra=sky[0], dec=sky[1])


def by_recipes(source: Any, turn: int = 0, step: int = 1) -> Iterator[str]:
    """Yield what every recipe makes of a source, or every `step`-th from the `turn`-th on."""
    for i in range(turn % step, len(RECIPES), step):
        dtype = ("uint8", "float32")[(turn + i) % 2]
        yield told(lambda r=RECIPES[i], d=dtype: prepared(source, r, d))


def whole(content: bytes) -> Iterator[str]:
    """Yield what a file says, its pixels in both precisions, and where they lie on the sky."""
    yield told(lambda: [(h.index, h.kind, h.name, h.shape) for h in describe(content)])
    for dtype in ("float32", "float64"):
        yield told(lambda d=dtype: read(content, dtype=d).data)
    yield told(lambda: list(read(content).header.items()))

    def sky() -> Any:
        wcs = read(content).wcs
        x = np.linspace(-5, 90, 40)
        return None if wcs is None else np.round(wcs.pixels_to_sky(x, x[::-1].copy()), 9)

    yield told(sky)


def measured(array: np.ndarray) -> Iterator[str]:
    """Yield what single functions of the core make of an image."""
    plane = array if array.ndim == 2 else array[1]
    yield told(lambda: _core.border_sky(plane[None]))
    yield told(lambda: _core.border_sky(plane[None], True))
    yield told(lambda: _core.border_slope(plane))
    yield told(lambda: _core.constant_areas(plane))
    yield told(lambda: _core.zscale(plane.ravel()))
    yield told(lambda: _core.asinh(plane.ravel()))
    yield told(lambda: _core.lupton(np.stack([plane] * 3), 5.0, 8.0))
    for side in (3.3, 64.0, 500.0):
        yield told(lambda s=side: _core.resample(plane, 5.2, 3.9, s, 40, 0.5))
    yield told(lambda: vars_of(background(plane, 32)))


def vars_of(found: Any) -> Any:
    """Return the arrays of a background."""
    return [getattr(found, name) for name in ("level", "noise") if hasattr(found, name)]


def images(folder: Path) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield the name of each example and array with what is made of it."""
    for path in sorted(EXAMPLES.glob("*.fits*")):
        content = path.read_bytes()
        yield f"example {path.name}", whole(content)
        yield f"prepared {path.name}", by_recipes(content)
    for turn, path in enumerate(sorted((folder / "arrays").iterdir())):
        array = np.load(path)
        yield f"array {path.stem}", by_recipes(array, turn, 4)
        yield f"measured {path.stem}", measured(array)


def files(folder: Path) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield the same of files of every kind, the fuzzer's corpus among them."""
    for path in sorted((folder / "files").iterdir()):
        yield f"file {path.name}", whole(path.read_bytes())
        yield f"prepared {path.name}", by_recipes(path.read_bytes(), 1, 7)
    for kind in ("seeds", "corpus"):
        for path in sorted((folder / kind).iterdir()):
            yield f"{kind} {path.name}", whole(path.read_bytes())
            yield f"prepared {path.name}", by_recipes(path.read_bytes(), 0, 99)


def faults(folder: Path) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield the same of broken files, in strides, so that a part of them is of all kinds."""
    with tarfile.open(folder / "faults" / "all.tar") as archive:
        items = archive.getmembers()
        for first in range(STRIDE):
            for item in items[first::STRIDE]:
                yield f"fault {item.name}", whole(archive.extractfile(item).read())


def main() -> None:
    """Print them all."""
    folder, *asked = sys.argv[1:]
    kinds = {"images": images, "files": files, "faults": faults}
    for name, parts in chain.from_iterable(kinds[k](Path(folder)) for k in asked or kinds):
        all_parts = list(parts)
        digest = hashlib.sha256("\n".join(all_parts).encode()).hexdigest()
        print(name.replace("\n", " "), digest, flush=True)
        if os.environ.get("GALEDGE_WORDS"):  # to see what differs
            print(*all_parts, sep="\n  ", flush=True)


if __name__ == "__main__":
    main()

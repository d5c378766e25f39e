"""Galaxies in a frame: cut, classified, and given back in the frame's coordinates."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from galedge.answers.classifier import Classifier
from galedge.answers.result import Result
from galedge.errors import GaledgeError
from galedge.frames.frame import Frame
from galedge.frames.points import NOTHING, Points
from galedge.frames.sources import Sources
from galedge.images.image import Image
from galedge.images.inputs import Rejected
from galedge.tables.rows import Cell

__all__ = ["FLAGS", "SIDE", "Placed", "classify_sources"]

#: Flags that only sources of a frame have, with what each means.
FLAGS = {
    "edge": "the cutout reaches beyond the frame",
    "outside": "the place lies outside the frame; there is no answer",
    "off_centre": "what was framed lies over an eighth of the cutout's side from the place",
    "point_like": "the source is no wider than a star; it has no label",
    "no_psf": "too few stars, or none that can be measured: extendedness is not known",
}

#: Side of a cutout in pixels where nobody gives one; doubled, three times at
#: most, while the galaxy reaches beyond it.
SIDE = 64
_DOUBLINGS = 3

# What is in memory at a time: results, and pixels of cutouts (64 MiB).
_CHUNK, _GROUP_PIXELS = 4096, 1 << 24


@dataclass(frozen=True, slots=True)
class Placed:
    """The result of one source of a frame.

    Attributes
    ----------
    result : Result
        With x, y, ra and dec in the frame; those of an error are the source's.
    x, y : float
        Where the source was said to be, in zero-based pixels.
    side : float
        Of the cutout, in pixels; NaN where there is none.
    extra : mapping of str to cell
        Further columns of its row.
    seen : mapping of str to cell
        Those of its width and light; see `Points`.
    """

    result: Result
    x: float
    y: float
    side: float
    extra: Mapping[str, Cell]
    seen: Mapping[str, Cell] = dataclasses.field(default_factory=lambda: NOTHING)

    @property
    def path(self) -> str:
        """The frame's file."""
        return self.result.path

    @property
    def error(self) -> str | None:
        """Why there is no answer."""
        return self.result.error

    @property
    def pixels(self) -> NDArray[np.uint8] | None:
        """What the network saw, if the classifier was told to keep it."""
        return self.result.pixels

    @property
    def upwards(self) -> bool:
        """Whether viewers show the frame's first row at the bottom."""
        return self.result.upwards

    def as_row(self) -> dict[str, Cell]:
        """Return a table's row: the result's columns, what was seen, then the further ones."""
        return {**self.result.as_row(), **self.seen, **self.extra}


def classify_sources(
    classifier: Classifier,
    frame: Frame,
    sources: Sources,
    extra: Sequence[Mapping[str, Cell]] | None = None,
    side: int | None = None,
    flags: tuple[str, ...] = (),
    fwhm: float | None = None,
) -> Iterator[Placed]:
    """Classify the sources of a frame, without writing cutouts.

    Parameters
    ----------
    classifier : Classifier
        What answers.
    frame : Frame
        The pixels.
    sources : Sources
        The places.
    extra : sequence of mapping, optional
        Further columns of each source's row.
    side : int, optional
        Of the cutouts of sources that have no size. Default: `SIDE`, and larger
        for galaxies that need it.
    flags : tuple of str
        Of every source, as the frame has them.
    fwhm : float, optional
        Of stars, in pixels, for frames with too few of them; see `Points`.

    Yields
    ------
    Placed
        One for each source, in their order; in chunks, so memory stays flat.
    """
    label_all, classifier = classifier.label_all, copy(classifier)
    # The frame has chosen already.
    classifier.hdu = classifier.plane = classifier.order = None
    classifier.label_all = True  # until the frame's stars are asked too
    if side is not None:
        sources = replace(
            sources,
            side=np.where(np.isfinite(sources.side), sources.side, side),
            fixed=np.ones(len(sources), bool),
        )
    sides = np.where(np.isfinite(sources.side), sources.side, SIDE).round().astype(int)
    points = Points(frame, sources, fwhm, classifier.workers)
    for start in range(0, len(sources), _CHUNK):
        chunk = range(start, min(start + _CHUNK, len(sources)))
        results = _classify(classifier, frame, sources, chunk, sides)
        for i, result in zip(chunk, results, strict=True):
            result = replace(result, flags=result.flags + flags) if flags else result
            seen = points.cells(i)
            result = points.judged(result, seen, label_all)
            place = float(sources.x[i]), float(sources.y[i])
            more = extra[i] if extra is not None else {}
            yield Placed(result, *place, float(sides[i]), more, seen)


def _classify(
    classifier: Classifier, frame: Frame, sources: Sources, chunk: range, sides: NDArray[np.int_]
) -> list[Result]:
    """Classify a chunk; leave in `sides` those of the cutouts that gave the answers."""
    found = _answers(classifier, frame, sources, chunk, sides)
    larger = sides.copy()
    growing = [
        i
        for i in chunk
        if not sources.fixed[i]
        and "cropped" in found[i].flags
        and "no_source" not in found[i].flags
    ]
    for _ in range(_DOUBLINGS):
        larger[growing] *= 2
        answers = _answers(classifier, frame, sources, growing, larger)
        for i, answer in answers.items():
            # Neither another galaxy that fits is an answer, nor one that still does not.
            if not {"cropped", "no_source"} & set(answer.flags) and _is_at(
                answer, sources.x[i], sources.y[i], sides[i] / 4
            ):
                found[i], sides[i] = answer, larger[i]
        growing = [i for i in growing if "cropped" in answers[i].flags]
    return _on_sky(frame, [found[i] for i in chunk])


def _is_at(result: Result, x: float, y: float, most: float) -> bool:
    """Tell whether what was framed lies no further than `most` pixels from a place."""
    if result.x is None or result.y is None or not result.ok:
        return False
    return math.dist((result.x, result.y), (x, y)) <= most


def _answers(
    classifier: Classifier,
    frame: Frame,
    sources: Sources,
    indices: Sequence[int],
    sides: NDArray[np.int_],
) -> dict[int, Result]:
    """Cut and classify some sources; x and y are the frame's, ra and dec not yet known."""
    if not indices:
        return {}
    if frame.plan(len(indices), float(np.mean(sides[list(indices)]))):
        bottoms = sources.y - sides / 2
        indices = sorted(indices, key=lambda i: (math.isnan(bottoms[i]), bottoms[i]))
    answers = {}
    for group in _groups(indices, sides):
        cuts = [_cut(frame, sources.x[i], sources.y[i], int(sides[i])) for i in group]
        results = classifier.stream([image for image, _ in cuts])
        for i, (_, corner), result in zip(group, cuts, results, strict=True):
            answers[i] = _in_frame(frame, sources, i, int(sides[i]), corner, result)
    return answers


def _groups(indices: Sequence[int], sides: NDArray[np.int_]) -> Iterator[list[int]]:
    """Share indices out so that the pixels of a group's cutouts are bounded."""
    group: list[int] = []
    pixels = 0
    for i in indices:
        group.append(i)
        pixels += int(sides[i]) ** 2
        if pixels >= _GROUP_PIXELS:
            yield group
            group, pixels = [], 0
    if group:
        yield group


def _cut(frame: Frame, x: float, y: float, side: int) -> tuple[Image | Rejected, tuple[int, int]]:
    """Return a cutout and its corner, or why there is none."""
    if not math.isfinite(x + y):
        return Rejected(frame.path, "the source has no place on the frame"), (0, 0)
    if not frame.contains(x, y):
        height, width = frame.shape
        reason = f"x {x:.2f}, y {y:.2f} lies outside the frame of {width} x {height} pixels"
        return Rejected(frame.path, reason), (0, 0)
    try:
        return frame.cut(x, y, side)
    except GaledgeError as error:
        return Rejected(frame.path, str(error).removeprefix(f"{frame.path}: ")), (0, 0)


def _in_frame(
    frame: Frame, sources: Sources, i: int, side: int, corner: tuple[int, int], result: Result
) -> Result:
    """Return a cutout's result as one of the frame."""
    x, y = float(sources.x[i]), float(sources.y[i])
    # Neighbours of a place that is known make no field of its surroundings.
    flags = [flag for flag in result.flags if flag != "many_sources"]
    if math.isfinite(x + y) and not frame.contains(x, y):
        flags.append("outside")
    elif min(corner) < 0 or any(
        c + side > n for c, n in zip(corner, frame.shape[::-1], strict=True)
    ):
        flags.append("edge")
    if result.x is not None and result.y is not None:
        result = replace(result, x=result.x + corner[0], y=result.y + corner[1])
        if not _is_at(result, x, y, side / 8):
            flags.append("off_centre")
    else:
        result = replace(
            result, x=x if math.isfinite(x) else None, y=y if math.isfinite(y) else None
        )
    return replace(
        result,
        path=frame.path,
        hdu=frame.image.hdu,
        object=sources.names[i],
        date_obs=frame.image.header.shown("DATE-OBS") or None,
        flags=tuple(flags),
    )


def _on_sky(frame: Frame, results: Sequence[Result]) -> list[Result]:
    """Give results their places on the sky, if the frame has coordinates."""
    try:
        sky = frame.celestial()
    except GaledgeError:
        return [
            replace(result, flags=(*result.flags, "wcs_unread")) if result.ok else result
            for result in results
        ]
    if sky is None:
        return list(results)
    x, y = (
        np.array([math.nan if v is None else v for v in values], np.float64)
        for values in ([r.x for r in results], [r.y for r in results])
    )
    ra, dec = sky.pixels_to_sky(x, y)
    return [
        replace(result, ra=float(a), dec=float(d)) if math.isfinite(a + d) else result
        for result, a, d in zip(results, ra, dec, strict=True)
    ]

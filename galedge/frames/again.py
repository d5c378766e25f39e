"""What rows of a table are of, read once more: files, and the sources of frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from galedge.answers.classifier import Classifier
from galedge.answers.result import Result
from galedge.errors import GaledgeError
from galedge.frames.field import Placed, classify_sources
from galedge.frames.frame import Frame
from galedge.frames.sources import Sources
from galedge.images.inputs import Rejected

__all__ = ["again"]


def again(classifier: Classifier, rows: Sequence[Mapping[str, Any]]) -> Iterator[Result | Placed]:
    """Classify what rows are of, one result for each, in their order.

    Parameters
    ----------
    classifier : Classifier
        With ``keep_pixels`` it gives the thumbnails that rows do not hold.
    rows : sequence of mapping
        With ``path`` and ``hdu``; and ``x``, ``y`` and ``side`` of the sources of frames, as
        `galedge embed` writes them.
    """
    whole = [row for row in rows if row.get("side") is None]
    files = iter(classifier.stream([_source(row) for row in whole]))
    frames: dict[tuple[Any, Any], list[int]] = {}
    for i, row in enumerate(rows):
        if row.get("side") is not None:
            frames.setdefault((row["path"], row.get("hdu")), []).append(i)
    cut: dict[int, Result | Placed] = {}
    for (path, hdu), places in frames.items():
        cut.update(zip(places, _cut(classifier, path, hdu, [rows[i] for i in places]), strict=True))
    for i in range(len(rows)):
        yield cut[i] if i in cut else next(files)


def _source(row: Mapping[str, Any]) -> str | Rejected:
    path = row.get("path")
    return path if isinstance(path, str) and path else Rejected("", "the row names no file")


def _cut(
    classifier: Classifier, path: str, hdu: Any, rows: Sequence[Mapping[str, Any]]
) -> Iterator[Result | Placed]:
    try:
        frame = Frame(path, hdu, classifier.plane, classifier.order)
    except GaledgeError as error:
        yield from classifier.stream([Rejected(path, str(error))] * len(rows))
        return
    x, y, side = (np.array([_number(row.get(name)) for row in rows]) for name in ("x", "y", "side"))
    names = [str(row.get("object") or "") or None for row in rows]
    sources = Sources(x=x, y=y, side=side, names=names, fixed=np.ones(len(rows), bool))
    yield from classify_sources(classifier, frame, sources)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")

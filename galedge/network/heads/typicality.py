"""How usual an image is, by its embedding: the share of known galaxies that are less usual.

The distance is Mahalanobis': that of the embedding from its mean, in units in
which the galaxies of calibration scatter alike in all directions. Their own
distances turn it into a conformal p-value, (1 + those as far or farther) / (1 + all).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.errors import ModelError
from galedge.network.heads.base import CardError, Head, Outputs, field, number
from galedge.tables.columns import Column, keyword

__all__ = ["HEAD", "Typicality", "distances", "roots"]

_ROWS = 2  # of a product: one image alone is not made to wait for many
_ONE_THREAD = 1 << 18  # multiplications up to which OpenBLAS takes one thread
_MOST_BYTES = 64 << 20  # a few hundred numbers squared are far less


@dataclass(frozen=True, eq=False)
class _Scale:
    """What ``typicality.npz`` holds."""

    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]
    calibration: NDArray[np.float32]


@dataclass(frozen=True)
class Typicality(Head):
    """The share of calibration's galaxies that are less usual, 0 to 1.

    Attributes
    ----------
    of : str
        The embedding's head.
    file, sha256 : str
        A NumPy archive in the bundle: ``mean`` (D,), ``whitening`` (K, D), and
        ``calibration``, the distances of galaxies, ascending.
    flag_below : float
        Rarer images get the flag ``atypical``.
    roots : bool
        Whether the distance is that of the embedding's square roots.
    """

    of: str
    file: str
    sha256: str
    flag_below: float
    roots: bool = False
    size: int = 0
    scale: _Scale | None = None

    kind = "typicality"

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> Typicality:
        """Understand the entry of a card."""
        file = field(fields, "file", str)
        if not file or Path(file).name != file:
            raise CardError(f"'file' {file!r} must be a name in the bundle's folder")
        flag_below = number(fields, "flag_below", 0.0)
        if not 0 <= flag_below < 1:
            raise CardError(f"'flag_below' must lie in 0..1, not {flag_below:g}")
        return cls(
            name=field(fields, "name", str),
            output="",
            primary=fields.get("primary") is True,
            of=field(fields, "of", str),
            file=file,
            sha256=field(fields, "sha256", str).lower(),
            flag_below=flag_below,
            roots=fields.get("roots") is True,
        )

    def linked(self, heads: Mapping[str, Head]) -> Typicality:
        """Return it with the output that it reads: its embedding's."""
        of = heads.get(self.of)
        if of is None or of.kind != "embedding":
            raise CardError(f"{self.name}: 'of' {self.of!r} is no embedding")
        return replace(self, output=of.output, size=of.shape[0])

    def opened(self, folder: Path) -> Typicality:
        """Return it with its file read."""
        path = folder / self.file
        try:
            with path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
        except OSError as error:
            raise ModelError(f"{path}: {error.strerror}; copy the bundle again") from error
        if len(content) > _MOST_BYTES or hashlib.sha256(content).hexdigest() != self.sha256:
            raise ModelError(
                f"{path}: not the file that card.json describes (SHA-256 differs); "
                "copy the bundle again"
            )
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as held:
                mean, whitening, calibration = (
                    np.ascontiguousarray(held[name], np.float32)
                    for name in ("mean", "whitening", "calibration")
                )
        except Exception as error:  # a damaged archive raises whatever it stumbles over
            raise ModelError(f"{path}: not an archive of NumPy arrays ({error})") from error
        shapes = (mean.shape, whitening.shape[1:], whitening.ndim, calibration.ndim)
        if shapes != ((self.size,), (self.size,), 2, 1) or not len(calibration):
            raise ModelError(
                f"{path}: holds arrays of other shapes than an embedding of {self.size} needs"
            )
        if not all(np.isfinite(part).all() for part in (mean, whitening, calibration)):
            raise ModelError(f"{path}: holds numbers that are not finite")
        return replace(self, scale=_Scale(mean, whitening, np.sort(calibration)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the embedding, for one image."""
        return (self.size,)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The share."""
        about = "share of known galaxies that are less usual"
        column = self.column(self.name, about, ucd="stat.probability", keyword=keyword(self.name))
        return (column,)

    def decode(self, outputs: Outputs) -> NDArray[np.float32]:
        """Return the shares, shape (N, 1)."""
        assert self.scale is not None, "opened() reads what it needs"
        embedding = outputs[self.output]
        if self.roots:
            embedding = roots(embedding)
        distance = distances(embedding, self.scale.mean, self.scale.whitening)
        known = self.scale.calibration
        farther = len(known) - np.searchsorted(known, distance)
        share = (1 + farther) / np.float32(1 + len(known))
        share[~np.isfinite(distance)] = np.nan
        return np.asarray(share[:, np.newaxis], np.float32)

    def flags(self, values: NDArray[np.float32]) -> Sequence[tuple[str, ...]] | None:
        """Flag what is rarer than `flag_below`."""
        return [("atypical",) if share < self.flag_below else () for share in values[:, 0].tolist()]

    @property
    def about(self) -> str:
        """What it is of."""
        return f"of {self.of}, flagged below {self.flag_below:g}"


def roots(embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the square roots of features that are never below zero but by rounding."""
    # NaN stays, where a maximum would hide it.
    return np.asarray(np.sqrt(np.where(embedding < 0, np.float32(0), embedding)))


def distances(
    embedding: NDArray[np.float32], mean: NDArray[np.float32], whitening: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return how far embeddings (N, D) are from their mean (N,), whitened by (K, D)."""
    # In products so small that OpenBLAS makes them on one thread: its others, for which a batch
    # is too little, would spin on the cores that the other workers need. And all of one shape,
    # so that a distance does not depend on what else is in the batch.
    count, size = embedding.shape
    away = np.zeros((-(-count // _ROWS) * _ROWS, size), np.float32)
    np.subtract(embedding, mean, out=away[:count])
    columns = max(1, _ONE_THREAD // (_ROWS * size))
    square = np.zeros(len(away), np.float32)
    for first in range(0, len(whitening), columns):
        part = whitening[first : first + columns].T
        for row in range(0, len(away), _ROWS):
            white = away[row : row + _ROWS] @ part
            square[row : row + _ROWS] += np.einsum("ij,ij->i", white, white)
    return np.sqrt(square[:count])


HEAD = Typicality

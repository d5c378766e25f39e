"""Rows with embeddings: what a table of features has beside the columns of a result."""

from __future__ import annotations

import math
from typing import Any

from galedge.tables.columns import Column
from galedge.tables.features import EMBEDDING

__all__ = ["EMBEDDING", "SIDE", "Featured", "feature_column"]


#: Of the sources of frames: with the place what it takes to cut one out again.
SIDE = Column(
    "side", "int32", None, "pixel", "phys.angSize", "side of the cutout, of a source of a frame"
)


def feature_column(size: int) -> Column:
    """Return the column of an embedding of so many numbers."""
    about = "what the image is like: what the network pools before its heads"
    return Column(EMBEDDING, "float32", "%.6g", description=about, length=size)


class Featured:
    """A result, or that of a source in a frame, whose row has its embedding.

    Parameters
    ----------
    result : Result or Placed
        Of a classifier that keeps embeddings.
    """

    def __init__(self, result: Any) -> None:
        self._result = result
        self.path: str = result.path
        self.error: str | None = result.error
        self.pixels = result.pixels
        self.upwards: bool = result.upwards

    def as_row(self) -> dict[str, Any]:
        """Return the row, with a vector, or None where there is no answer."""
        whole = getattr(self._result, "result", self._result)  # of a source
        side = getattr(self._result, "side", math.nan)
        row: dict[str, Any] = self._result.as_row()
        row[SIDE.name] = int(side) if math.isfinite(side) else None
        row[EMBEDDING] = whole.embedding
        return row

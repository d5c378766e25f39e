"""A few hundred numbers that say what an image is like, for questions not yet asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.network.heads.base import Answer, CardError, Head, Outputs, field
from galedge.tables.columns import Column

__all__ = ["HEAD", "Embedding"]


@dataclass(frozen=True)
class Embedding(Head):
    """Pooled features; no column of a table, but `Model.predict` gives them.

    The output holds them as they are, shape (N, D).

    Attributes
    ----------
    size : int
        D.
    """

    size: int

    kind = "embedding"

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> Embedding:
        """Understand the entry of a card."""
        size = fields.get("size")
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise CardError("'size' must be a positive whole number")
        return cls(
            name=field(fields, "name", str),
            output=field(fields, "output", str),
            primary=fields.get("primary") is True,
            size=size,
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the output, for one image."""
        return (self.size,)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """None."""
        return ()

    def decode(self, outputs: Outputs) -> NDArray[np.float32]:
        """Return the features, shape (N, D)."""
        return outputs[self.output]

    def cells(self, values: NDArray[np.float32]) -> Sequence[Answer]:
        """Return nothing for each image."""
        return [()] * len(values)

    @property
    def about(self) -> str:
        """How many numbers."""
        return f"{self.size} numbers"


HEAD = Embedding

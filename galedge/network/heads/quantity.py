"""A number with its standard error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.network.heads.base import Answer, CardError, Head, Outputs, field, number, positive
from galedge.tables.columns import Column, keyword

__all__ = ["HEAD", "Quantity"]


@dataclass(frozen=True)
class Quantity(Head):
    """A number on a scale.

    The output holds its mean and the logarithm of its sigma, shape (N, 2).

    Attributes
    ----------
    range : tuple of two float
        Ends of the scale; answers beyond are taken to be there.
    sigma_scale : float
        Multiplies the network's own sigma.
    unit, ucd, symbol, description : str
        Of its column; `symbol` stands before it where room is short.
    """

    range: tuple[float, float]
    sigma_scale: float
    unit: str
    ucd: str
    symbol: str
    description: str

    kind = "quantity"
    alone_is_primary = True

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> Quantity:
        """Understand the entry of a card."""
        name = field(fields, "name", str)
        ends = field(fields, "range", list) if "range" in fields else [None, None]
        if len(ends) != 2:
            raise CardError("'range' must be its two ends")
        low, high = (
            given if end is None else number({"range": end}, "range")
            for end, given in zip(ends, (-np.inf, np.inf), strict=True)
        )
        if not low < high:
            raise CardError(f"'range' must rise, not go from {low:g} to {high:g}")
        words = {
            key: field(fields, key, str) if key in fields else ""
            for key in ("unit", "ucd", "symbol", "description")
        }
        return cls(
            name=name,
            output=field(fields, "output", str),
            primary=fields.get("primary") is True,
            range=(float(low), float(high)),
            sigma_scale=positive(fields, "sigma_scale", 1.0),
            unit=words["unit"],
            ucd=words["ucd"] or "stat.mean",
            symbol=words["symbol"] or name,
            description=words["description"] or name,
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the output, for one image."""
        return (2,)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The number and its standard error."""
        kind, digits = "float32", "%.2f" if np.isfinite(self.range).all() else "%.6g"
        return (
            Column(
                self.name,
                kind,
                digits,
                self.unit,
                self.ucd,
                self.description,
                role="value",
                symbol=self.symbol,
                keyword=keyword(self.name),
            ),
            Column(
                f"{self.name}_error",
                kind,
                digits,
                self.unit,
                f"stat.error;{self.ucd}",
                "its standard error",
                role="error",
                symbol=self.symbol,
            ),
        )

    def decode(self, outputs: Outputs) -> NDArray[np.float32]:
        """Return value and standard error, shape (N, 2)."""
        mean, log_sigma = outputs[self.output].T
        # e**10 is already far beyond any scale; the limit keeps it finite.
        error = np.exp(np.minimum(log_sigma, 10)) * np.float32(self.sigma_scale)
        return np.stack([np.clip(mean, *self.range), error], axis=1)

    @property
    def targets(self) -> tuple[str, ...]:
        """Itself: what speaks for a larger value."""
        return (self.name,)

    def chosen(self, values: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return that it is explained by itself."""
        return np.zeros(len(values), np.intp)

    def say(self, answer: Answer) -> str:
        """Return the value and its error; nothing where they are withheld."""
        return "" if answer[0] is None else f"{self.symbol} {answer[0]:.1f} ± {answer[1]:.1f}"

    @property
    def about(self) -> str:
        """Its scale."""
        low, high = self.range
        return (
            f"{self.description}"
            if not np.isfinite([low, high]).all()
            else (f"{low:g} to {high:g}")
        )


HEAD = Quantity

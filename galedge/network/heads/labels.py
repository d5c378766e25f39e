"""Questions of yes or no, each with its own probability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.network.heads.base import (
    Answer,
    CardError,
    Head,
    Outputs,
    different,
    field,
    mirror,
    reflected,
)
from galedge.tables.columns import Column, keyword

__all__ = ["HEAD", "Labels"]


@dataclass(frozen=True)
class Labels(Head):
    """Labels that an image may have, any number of them.

    The output holds logits of yes, shape (N, L), calibrated within the network.

    Attributes
    ----------
    names : tuple of str
    descriptions : tuple of str
        What each says, as `probability of ...`.
    places : tuple of int
        What a mirrored picture changes; see `galedge.network.heads.base.mirror`.
    """

    names: tuple[str, ...]
    descriptions: tuple[str, ...]
    places: tuple[int, ...]

    kind = "labels"

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> Labels:
        """Understand the entry of a card."""
        names = different(fields, "names")
        told = field(fields, "descriptions", dict) if "descriptions" in fields else {}
        if not all(isinstance(text, str) for text in told.values()):
            raise CardError("'descriptions' must be texts")
        return cls(
            name=field(fields, "name", str),
            output=field(fields, "output", str),
            primary=fields.get("primary") is True,
            names=names,
            descriptions=tuple(told.get(name, f"probability of {name}") for name in names),
            places=mirror(fields, names, complement=True),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the output, for one image."""
        return (len(self.names),)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The probability of each label."""
        start = "p_" if self.primary else f"p_{self.name}_"
        return tuple(
            self.column(
                f"{start}{name}",
                about,
                ucd="stat.probability",
                role="yes",
                symbol=name,
                keyword=keyword(name),
            )
            for name, about in zip(self.names, self.descriptions, strict=True)
        )

    def decode(self, outputs: Outputs) -> NDArray[np.float32]:
        """Return probabilities of yes, shape (N, L)."""
        yes = outputs[self.output]
        return np.asarray(np.float32(1) / (np.float32(1) + np.exp(-np.clip(yes, -30, 30))))

    def mirrored(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the probabilities would be of the mirrored pictures."""
        return reflected(values, self.places)

    @property
    def targets(self) -> tuple[str, ...]:
        """The labels."""
        return self.names

    def say(self, answer: Answer) -> str:
        """Return the labels that are more probable than not."""
        pairs = zip(self.names, answer, strict=True)
        return " ".join(f"{name} {p:.2f}" for name, p in pairs if isinstance(p, float) and p >= 0.5)

    def shown(self, answer: Answer, target: int) -> str:
        """Return the label that was explained."""
        return f"shown: {self.names[target]} {answer[target]:.2f}"

    @property
    def about(self) -> str:
        """The labels' names."""
        return " ".join(self.names)


HEAD = Labels

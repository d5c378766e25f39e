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
from galedge.network.heads.given import Given, asked, parse, words
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
    given : tuple of tuple of int
        What must be told for a label to mean anything; see `galedge.network.heads.given`.
    """

    names: tuple[str, ...]
    descriptions: tuple[str, ...]
    places: tuple[int, ...]
    given: Given = ()

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
            given=parse(fields, names),
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
                given=words(self.given, [f"{start}{other}" for other in self.names], place),
            )
            for place, (name, about) in enumerate(zip(self.names, self.descriptions, strict=True))
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

    def chosen(self, values: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return each image's most probable label of those that mean anything."""
        return np.asarray(np.where(asked(values, self.given), values, -1).argmax(1))

    def say(self, answer: Answer) -> str:
        """Return the labels that are more probable than not, of those that mean anything."""
        told = zip(self.names, answer, self._asked(answer), strict=True)
        return " ".join(
            f"{name} {p:.2f}"
            for name, p, means in told
            if means and isinstance(p, float) and p >= 0.5
        )

    def shown(self, answer: Answer, target: int) -> str:
        """Return the label that was explained, and why that may mean nothing."""
        text = f"shown: {self.names[target]} {answer[target]:.2f}"
        if self._asked(answer)[target]:
            return text
        return f"{text} (only if {' and '.join(words(self.given, self.names, target))})"

    def _asked(self, answer: Answer) -> list[bool]:
        values = np.array([[np.nan if p is None else p for p in answer]], np.float32)
        return [bool(means) for means in asked(values, self.given)[0]]

    @property
    def notes(self) -> tuple[str, ...]:
        """Which labels mean something only where others are told."""
        groups: dict[str, list[str]] = {}
        for place, name in enumerate(self.names):
            if others := words(self.given, self.names, place):
                groups.setdefault(" and ".join(others), []).append(name)
        return tuple(f"only if {others}: {' '.join(own)}" for others, own in groups.items())

    @property
    def about(self) -> str:
        """The labels' names."""
        return " ".join(self.names)


HEAD = Labels

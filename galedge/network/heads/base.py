"""What a head is: raw outputs in, calibrated numbers and a row's cells out."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from galedge.tables.columns import Column
from galedge.tables.rows import Cell

__all__ = ["Answer", "CardError", "Head", "Outputs", "different", "field", "number", "positive"]

Outputs: TypeAlias = Mapping[str, NDArray[np.float32]]
"""A network's raw outputs by name, each of shape (N, ...)."""

Answer: TypeAlias = tuple[Cell, ...]
"""What a head says of one image: a cell for each of its columns."""

Self = TypeVar("Self", bound="Head")


class CardError(Exception):
    """What is wrong with a card, without its path."""


@dataclass(frozen=True)
class Head(ABC):
    """One question that a network answers.

    Attributes
    ----------
    name : str
    output : str
        The network's output that it reads.
    primary : bool
        Whether it is the first of its kind, whose columns bear no head's name.
    kind : str
        As the card calls it, and the module that defines it.
    alone_is_primary : bool
        Whether the only head of this kind is the primary one without saying so.
    contrast : bool
        Whether its outputs compete, so that what all share decides nothing.
    """

    name: str
    output: str
    primary: bool

    kind: ClassVar[str]
    alone_is_primary: ClassVar[bool] = False
    contrast: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def parse(cls: type[Self], fields: Mapping[str, Any]) -> Self:
        """Understand the entry of a card.

        Raises
        ------
        CardError
            If it is not as it must be.
        """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of the output, for one image."""

    @cached_property
    @abstractmethod
    def columns(self) -> tuple[Column, ...]:
        """The columns of a row that it fills; none where it only serves other heads."""

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(column.name for column in self.columns)

    @abstractmethod
    def decode(self, outputs: Outputs) -> NDArray[np.float32]:
        """Return calibrated numbers, shape (N, W), of raw outputs."""

    def cells(self, values: NDArray[np.float32]) -> Sequence[Answer]:
        """Return the columns' cells of each image; by default the decoded numbers."""
        return [tuple(row) for row in values.tolist()]

    def mirrored(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the numbers would be of the mirrored pictures; by default the same."""
        return values

    def in_doubt(self, values: NDArray[np.float32], doubt: float) -> NDArray[np.bool_] | None:
        """Tell which images leave doubt; None where the head has no say in this."""
        return None

    def flags(self, values: NDArray[np.float32]) -> Sequence[tuple[str, ...]] | None:
        """Return the flags that each image's numbers call for; None for none."""
        return None

    @property
    def targets(self) -> tuple[str, ...]:
        """What of the output can be explained, in its order."""
        return ()

    def chosen(self, values: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return which target each image is explained by, if nobody says."""
        return np.asarray(values.argmax(1))

    def say(self, answer: Answer) -> str:
        """Return an answer in a few words."""
        return ""

    def shown(self, answer: Answer, target: int) -> str:
        """Return in a few words what was explained, if the answer does not say it already."""
        return ""

    @property
    def about(self) -> str:
        """What it tells, in a few words."""
        return self.kind

    @property
    def notes(self) -> tuple[str, ...]:
        """What else its card promises, a sentence each."""
        return ()

    def linked(self: Self, heads: Mapping[str, Head]) -> Self:
        """Return it with what it needs of the other heads.

        Raises
        ------
        CardError
            If there is no such head.
        """
        return self

    def opened(self: Self, folder: Path) -> Self:
        """Return it with what it needs from files of the bundle's folder.

        Raises
        ------
        ModelError
            If a file is missing, or not the one that the card describes.
        """
        return self

    def as_primary(self: Self) -> Self:
        """Return it as the primary one of its kind."""
        return dataclasses.replace(self, primary=True)

    def column(self, name: str, about: str, **more: Any) -> Column:
        """Return a column of numbers to four digits."""
        return Column(name, "float32", "%.4f", description=about, **more)


_JSON_NAMES: dict[type, str] = {str: "string", list: "array", dict: "object"}


def field(fields: Any, key: str, kind: type) -> Any:
    """Return ``fields[key]``, which must be of the given JSON type."""
    if not isinstance(fields, dict) or key not in fields:
        raise CardError(f"{key!r} is missing")
    if not isinstance(fields[key], kind):
        raise CardError(f"{key!r} must be a JSON {_JSON_NAMES[kind]}")
    return fields[key]


def different(fields: Mapping[str, Any], key: str, least: int = 1) -> tuple[str, ...]:
    """Return a list of different names."""
    names = field(fields, key, list)
    if (
        len(names) < least
        or not all(isinstance(name, str) and name for name in names)
        or len(set(names)) < len(names)
    ):
        count = {1: "", 2: "two or more "}[least]
        raise CardError(f"{key!r} must list {count}different names")
    return tuple(names)


def number(fields: Mapping[str, Any], key: str, default: float | None = None) -> float:
    """Return a finite number."""
    value = fields.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CardError(f"needs a number {key!r}")
    if not math.isfinite(value):
        raise CardError(f"{key!r} must be finite, not {value}")
    return float(value)


def positive(fields: Mapping[str, Any], key: str, default: float | None = None) -> float:
    """Return a positive number."""
    value = number(fields, key, default)
    if value <= 0:
        raise CardError(f"{key!r} must be positive, not {value:g}")
    return value


def mirror(fields: Mapping[str, Any], names: Sequence[str], complement: bool) -> tuple[int, ...]:
    """Return where each name's probability comes from in a mirrored picture.

    Its own place, that of the name that it becomes, or, where `complement` is
    allowed, ``~place``: one less its own.
    """
    told = field(fields, "mirror", dict) if "mirror" in fields else {}
    places = list(range(len(names)))
    for name, becomes in told.items():
        if name not in names or not (becomes in names or (complement and becomes == "complement")):
            allowed = "one of them" + (" or 'complement'" if complement else "")
            raise CardError(f"'mirror': {name!r}: {becomes!r}: both must be names, or {allowed}")
        place = names.index(name)
        places[place] = ~place if becomes == "complement" else names.index(becomes)
    if sorted(place if place >= 0 else ~place for place in places) != list(range(len(names))):
        raise CardError("'mirror': two names become one; say what each becomes")
    return tuple(places)


def reflected(values: NDArray[np.float32], places: Sequence[int]) -> NDArray[np.float32]:
    """Return the probabilities of mirrored pictures; see `mirror`."""
    if list(places) == list(range(len(places))):
        return values
    columns = [values[:, p] if p >= 0 else np.float32(1) - values[:, ~p] for p in places]
    return np.stack(columns, axis=1)

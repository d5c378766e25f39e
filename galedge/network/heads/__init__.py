"""Heads: what each output of a network says, one kind a module; a bundle's card lists its own.

A kind is found by its module's name, which has a ``HEAD``: to add one is to add a module.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from galedge.network.heads.base import Answer, CardError, Head, Outputs, field
from galedge.network.heads.classes import Classes
from galedge.network.heads.embedding import Embedding
from galedge.network.heads.labels import Labels
from galedge.network.heads.quantity import Quantity
from galedge.network.heads.sets import DEFAULT
from galedge.network.heads.subject import Subject
from galedge.support.places import everything
from galedge.tables.columns import RESERVED, Column

__all__ = ["Answer", "CardError", "Head", "Heads", "Outputs", "kinds"]

_NAME = re.compile("[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Heads:
    """The heads of a network, in the card's order.

    Attributes
    ----------
    all : tuple of Head
    subject : Subject
        What kind of source they speak of.
    """

    all: tuple[Head, ...]
    subject: Subject = dataclasses.field(default_factory=Subject)

    @classmethod
    def parse(cls, entries: list[Any], subject: Any = None) -> Heads:
        """Understand a card's ``heads``, and ``subject`` where it has one.

        Raises
        ------
        CardError
            If one is of an unknown kind and not optional, is not as its kind must be, or
            if two would fill the same column.
        """
        found: dict[str, Head] = {}
        for number, entry in enumerate(entries):
            try:
                head = _parse(entry)
            except CardError as error:
                name = entry.get("name") if isinstance(entry, dict) else None
                raise CardError(f"'heads': {name or number}: {error}") from error
            if head is not None and found.setdefault(head.name, head) is not head:
                raise CardError(f"'heads': two are called {head.name!r}; rename one")
        if not found:
            raise CardError("'heads' must list at least one")
        heads = _primary(list(found.values()))
        by_name = {head.name: head for head in heads}
        try:
            linked = cls(tuple(head.linked(by_name) for head in heads))
        except CardError as error:
            raise CardError(f"'heads': {error}") from error
        if subject is not None:
            try:
                linked = replace(linked, subject=Subject.parse(subject))
                linked.subject.check(by_name)
            except CardError as error:
                raise CardError(f"'subject': {error}") from error
        linked._refuse_shared_columns()
        for level in linked.levels[:1]:
            linked._with_sets(level)._refuse_shared_columns()
        return linked

    def opened(self, folder: Path) -> Heads:
        """Return the heads with the files that they need read from a bundle's folder."""
        return replace(self, all=tuple(head.opened(folder) for head in self.all))

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels at which some head has label sets, ascending."""
        sets = (head.sets for head in self.all if isinstance(head, Classes))
        return tuple(sorted({level for one in sets if one for level, _ in one.levels}))

    @property
    def level(self) -> float | None:
        """The level of the label sets in use; None if there are none."""
        chosen = (head.level for head in self.all if isinstance(head, Classes))
        return next((level for level in chosen if level is not None), None)

    def asked_for(self, sets: float | str | None) -> Heads:
        """Return the heads with the label sets that a user asks for.

        Parameters
        ----------
        sets : float, "auto" or None
            The level; with ``"auto"`` 0.9 where the card has it.

        Raises
        ------
        ValueError
            If the card has no sets at that level.
        """
        if sets is None:
            return self
        if sets == "auto":
            return self._with_sets(DEFAULT)
        if sets in self.levels:
            return self._with_sets(float(sets))
        if not self.levels:
            raise ValueError(
                f"sets {sets}: the model's card has no label sets; leave it to auto, or calibrate "
                "a bundle of your own by `python -m training calibrate`"
            )
        has = ", ".join(f"{level:g}" for level in self.levels)
        raise ValueError(f"sets {sets}: the model has label sets at {has}; take one of these")

    @property
    def adjustable(self) -> Classes:
        """The head whose probabilities follow a prior: the primary one of classes.

        Raises
        ------
        ValueError
            If there is none, or the card does not say what its probabilities go by.
        """
        if self.classes is None:
            raise ValueError("prior: the model tells no classes")
        self.classes.with_prior(dict.fromkeys(self.classes.names, 1.0))
        return self.classes

    def with_prior(self, shares: Mapping[str, float] | Iterable[tuple[str, float]]) -> Heads:
        """Return the heads with rows for other shares of the primary classes.

        Raises
        ------
        ValueError
            If they are none of these classes, or the card has no prior to compare them with.
        """
        if self.classes is None:
            raise ValueError("prior: the model tells no classes")
        head = self.classes.with_prior(dict(shares))
        return replace(self, all=tuple(head if h is self.classes else h for h in self.all))

    def _with_sets(self, level: float) -> Heads:
        chosen = (h.with_sets(level) if isinstance(h, Classes) else h for h in self.all)
        return replace(self, all=tuple(chosen))

    def __iter__(self) -> Iterator[Head]:
        return iter(self.all)

    def __getitem__(self, name: str) -> Head:
        return next(head for head in self.all if head.name == name)

    def __contains__(self, name: object) -> bool:
        return any(head.name == name for head in self.all)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of a row that the heads fill, in order."""
        return tuple(column for head in self.all for column in head.columns)

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """What the network must give for one image: shapes by output."""
        return {head.output: head.shape for head in self.all}

    @cached_property
    def classes(self) -> Classes | None:
        """The head whose class is a row's ``label``."""
        return next((h for h in self.all if isinstance(h, Classes) and h.primary), None)

    @cached_property
    def quantity(self) -> Quantity | None:
        """The quantity that is told first."""
        return next((h for h in self.all if isinstance(h, Quantity) and h.primary), None)

    @cached_property
    def labels(self) -> Labels | None:
        """The labels whose columns bear no head's name."""
        return next((h for h in self.all if isinstance(h, Labels) and h.primary), None)

    @cached_property
    def embedding(self) -> Embedding | None:
        """The embedding that images are compared by: the primary one, or else the first."""
        found = [head for head in self.all if isinstance(head, Embedding)]
        return next((head for head in found if head.primary), found[0] if found else None)

    def with_embedding(self, output: str, size: int) -> Heads:
        """Return the heads with one more: an embedding that the card does not name."""
        name = "embedding"
        while name in self:
            name += "_"
        return replace(self, all=(*self.all, Embedding(name, output, False, size)))

    def withheld(self, answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
        """Return the answers of an image that is not of their subject; see `Subject.without`."""
        return self.subject.without(self.all, answers)

    def nothing(self) -> tuple[Answer, ...]:
        """Return the answers where there is none."""
        return tuple((None,) * len(head.columns) for head in self.all)

    def _refuse_shared_columns(self) -> None:
        taken = dict.fromkeys(RESERVED, "every table")
        for head in self.all:
            for column in head.columns:
                if column.name in taken:
                    raise CardError(
                        f"'heads': {head.name} would fill the column {column.name!r}, which is "
                        f"that of {taken[column.name]}; rename the head or what it names"
                    )
                taken[column.name] = head.name


def kinds() -> dict[str, type[Head]]:
    """Return the kinds of heads by name."""
    return everything(__name__, "HEAD")


def _parse(entry: Any) -> Head | None:
    """Return the head that an entry describes; None if it may be passed over."""
    kind = field(entry, "kind", str)
    name = field(entry, "name", str)
    if not _NAME.fullmatch(name):
        raise CardError(f"the name {name!r} is not of the form {_NAME.pattern}")
    head = kinds().get(kind)
    if head is not None:
        return head.parse(entry)
    if entry.get("optional") is True:
        return None
    raise CardError(f"this galedge knows no heads of kind {kind!r}; a newer one may")


def _primary(heads: list[Head]) -> list[Head]:
    """Say which head of each kind is the primary one."""
    for kind in {head.kind for head in heads}:
        same = [head for head in heads if head.kind == kind]
        chosen = [head for head in same if head.primary]
        if len(chosen) > 1:
            names = " and ".join(head.name for head in chosen)
            raise CardError(f"'heads': {names} are both primary; one {kind} head can be")
        if not chosen and len(same) == 1 and same[0].alone_is_primary:
            heads[heads.index(same[0])] = same[0].as_primary()
    return heads

"""Subject: what kind of source a bundle's other questions are about.

A network that was asked of stars and noise too says first what a source is; what it says of a
star's Hubble class is what that would be if it were a galaxy, and no answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.network.heads.base import Answer, CardError, Head, different, field
from galedge.network.heads.classes import Classes

__all__ = ["NO_SOURCE", "Subject"]

NO_SOURCE = "no_source"
"""The flag of a picture in which nothing was found: nobody knows what it would be of."""

_ANSWERS = ("label", "probability", "set", "value", "error")


@dataclass(frozen=True)
class Subject:
    """The class of sources that the other heads speak of.

    Attributes
    ----------
    head : str
        The classes head that tells what a source is; empty where none does.
    name : str
        The class that the others are about, ``galaxy``.
    flags : dict of str to str
        Further flags of sources of other classes.
    beside : tuple of str
        Heads that speak of sources of any class.
    """

    head: str = ""
    name: str = ""
    flags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    beside: tuple[str, ...] = ()

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> Subject:
        """Understand a card's ``subject``.

        Raises
        ------
        CardError
            If it is not as it must be.
        """
        flags = field(fields, "flags", dict) if "flags" in fields else {}
        if not all(isinstance(flag, str) and flag for flag in flags.values()):
            raise CardError("'flags' must give classes their flags")
        beside = different(fields, "beside") if "beside" in fields else ()
        return cls(field(fields, "head", str), field(fields, "name", str), flags, beside)

    @property
    def about(self) -> str:
        """What sources get an answer, in a few words."""
        if not self.head:
            return "anything: what is no galaxy gets an answer too"
        others = "".join(f"; {name}: flag {flag}" for name, flag in self.flags.items())
        return f"{self.name}, as {self.head} tells: other sources have no label{others}"

    def check(self, heads: Mapping[str, Head]) -> None:
        """Refuse to be about what no head tells.

        Raises
        ------
        CardError
        """
        head = heads.get(self.head)
        if not isinstance(head, Classes) or head.primary:
            raise CardError(
                f"'head' {self.head!r} is no head of classes beside the primary one; it must "
                "tell what a source is"
            )
        if unknown := sorted(set(self.beside) - set(heads)):
            raise CardError(f"'beside': there is no head {unknown[0]!r}")
        if unknown := sorted({self.name, *self.flags} - set(head.names)):
            raise CardError(f"{unknown[0]!r} is no class of {self.head}")

    def warnings(self, head: Head, values: NDArray[np.float32]) -> list[tuple[str, ...]]:
        """Return the flags of each image that is of something else, by what its `head` says."""
        assert isinstance(head, Classes)
        found: dict[str, tuple[str, ...]] = dict.fromkeys(head.names, (self.denial,))
        for name, flag in self.flags.items():
            found[name] += (flag,)
        found[self.name] = ()
        return [found[head.names[place]] for place in values.argmax(axis=1).tolist()]

    @property
    def denial(self) -> str:
        """The flag of what is of another class; of no meaning where no head tells."""
        return f"not_a_{self.name}"

    @property
    def reasons(self) -> frozenset[str]:
        """Flags that say that there is no answer."""
        return frozenset({NO_SOURCE, self.denial} if self.name else {NO_SOURCE})

    def without(self, heads: Sequence[Head], answers: Sequence[Answer]) -> tuple[Answer, ...]:
        """Return answers of which those about `name` are withheld.

        What is most probable goes, and numbers with their errors; the probabilities of the
        classes and of labels stay, as what they would be if it were one.
        """
        return tuple(
            cells
            if head.name in (self.head, *self.beside)
            else tuple(
                None if column.role in _ANSWERS else cell
                for column, cell in zip(head.columns, cells, strict=True)
            )
            for head, cells in zip(heads, answers, strict=True)
        )

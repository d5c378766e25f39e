"""Given: which labels mean anything of an image, by what the others say of it.

Whether arms are tight was only asked of who had seen arms: of a smooth galaxy the answer is a
number all the same, and no statement about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.network.heads.base import CardError, field

__all__ = ["Given", "asked", "parse", "words"]

Given = tuple[tuple[int, ...], ...]
"""Of each label where those stand that it hangs on: ``place``, or ``~place`` of one that must
not be there. One that is not asked itself leaves what hangs on it unasked."""

_NOT = "not "


def parse(fields: Mapping[str, Any], names: Sequence[str]) -> Given:
    """Understand a card's ``if``: of labels the list of those that must be there, or "not" there.

    Raises
    ------
    CardError
        If it names what is no label, or labels that wait for each other.
    """
    told = field(fields, "if", dict) if "if" in fields else {}
    if not told:
        return ()
    found: list[tuple[int, ...]] = [()] * len(names)
    for name, others in told.items():
        if name not in names or not isinstance(others, list):
            raise CardError(f"'if': {name!r} must be a label, with a list of others")
        found[names.index(name)] = tuple(_place(name, other, names) for other in others)
    given = tuple(found)
    for place, name in enumerate(names):
        if place in _before(given, place):
            raise CardError(f"'if': {name!r} hangs on itself")
    return given


def _place(name: str, other: Any, names: Sequence[str]) -> int:
    bare = other.removeprefix(_NOT) if isinstance(other, str) else other
    if bare not in names:
        raise CardError(f"'if': {name!r}: {other!r} is neither a label nor 'not' one")
    place = names.index(bare)
    return place if bare == other else ~place


def _before(given: Given, place: int) -> set[int]:
    """Return all that a label hangs on, itself too where they go in a circle."""
    found: set[int] = set()
    waiting = [place]
    while waiting:
        for other in given[waiting.pop()]:
            bare = max(other, ~other)
            if bare not in found:
                found.add(bare)
                waiting.append(bare)
    return found


def asked(values: NDArray[np.float32], given: Given) -> NDArray[np.bool_]:
    """Tell of probabilities (N, L) which mean anything (N, L)."""
    if not given:
        return np.ones(values.shape, bool)
    here = values >= 0.5

    def of(place: int) -> NDArray[np.bool_]:
        found = np.ones(len(values), bool)
        for other in given[place]:
            bare = max(other, ~other)
            found &= (here[:, bare] if bare == other else ~here[:, bare]) & of(bare)
        return found

    return np.stack([of(place) for place in range(len(given))], axis=1)


def words(given: Given, names: Sequence[str], place: int) -> tuple[str, ...]:
    """Return what a label hangs on, as a card has it."""
    if not given:
        return ()
    return tuple(names[other] if other >= 0 else _NOT + names[~other] for other in given[place])

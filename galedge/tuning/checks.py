"""Checks: labels that contradict each other, are too few, or would leak between folds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from galedge.errors import GaledgeError
from galedge.tuning.labels import Labels
from galedge.tuning.questions import Question

__all__ = ["FEWEST", "enough", "groups_of", "refuse_contradictions"]

FEWEST = 5
"""Galaxies of a class, or of all for a number: with fewer no fold has one to be tried on."""

_NUMBERS = 20  # labels for a number
_SHOWN = 3  # of what is wrong


def groups_of(
    prints: Sequence[str],
    groups: Sequence[str] | None = None,
    pairs: Iterable[tuple[int, int]] = (),
) -> NDArray[np.intp]:
    """Return one number for all pictures of a galaxy.

    These are of one group, alike to the last pixel, or `pairs` of one place.
    """
    leader: dict[str, str] = {}

    def first(name: str) -> str:
        while (above := leader.setdefault(name, name)) != name:
            leader[name] = name = leader.setdefault(above, above)
        return name

    for place, each in enumerate(prints):
        if groups is not None:
            leader[first(f"group {groups[place]}")] = first(each)
    for one, other in pairs:
        leader[first(prints[one])] = first(prints[other])
    _, found = np.unique([first(each) for each in prints], return_inverse=True)
    return np.asarray(found, np.intp)


def refuse_contradictions(
    labels: Labels, rows: NDArray[np.intp], same: NDArray[np.intp], question: Question
) -> None:
    """Refuse two labels of what is the `same`; a number may be told twice, a little otherwise.

    Raises
    ------
    GaledgeError
        With the rows.
    """
    if question.kind == "number":
        return
    held: dict[int, int] = {}
    wrong = []
    for row, each in sorted(zip(rows.tolist(), same.tolist(), strict=True)):
        if np.isnan(question.values[row]):
            continue
        other = held.setdefault(each, row)
        if question.values[other] != question.values[row]:
            said = [question.said(question.values[place]) for place in (other, row)]
            wrong.append(f"{labels.where[other]} {said[0]}, {labels.where[row]} {said[1]}")
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise GaledgeError(
            f"{labels.path}: {question.name}: one {labels.noun} has two labels: "
            f"{'; '.join(wrong[:_SHOWN])}{more}: correct or delete one of each"
        )


def enough(
    path: str, question: Question, values: NDArray[np.float64], groups: NDArray[np.intp]
) -> int:
    """Return how many galaxies the rarest class has, or there are for a number.

    Raises
    ------
    GaledgeError
        If they are too few.
    """
    if question.kind == "number":
        number = len(np.unique(groups))
        if number < _NUMBERS:
            raise GaledgeError(
                f"{path}: {question.name}: {number} galaxies have a number; label {_NUMBERS} or "
                "more"
            )
        return number
    count = {
        name: len(np.unique(groups[values == place])) for place, name in enumerate(question.names)
    }
    few = [f"{number} {name!r}" for name, number in count.items() if number < FEWEST]
    if few:
        raise GaledgeError(
            f"{path}: {question.name}: {' and '.join(few)}: label {FEWEST} galaxies or more of "
            "each class (50 do well), or empty the cells of classes that are too rare"
        )
    return min(count.values())

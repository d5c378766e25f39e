"""What to ask of a person: pictures in order of doubt, of oddness, or so that all kinds come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from galedge.answers.neighbours import diverse, oddness
from galedge.network.heads import Heads

Doubts: TypeAlias = NDArray[np.float64]

__all__ = ["ORDERS", "columns_asked", "doubt", "orders", "useful"]

#: What each order begins with, by its name.
ORDERS = {
    "doubt": "least sure first",
    "diverse": "all kinds first",
    "odd": "least typical first",
    "usual": "most typical first",
    "chance": "by chance",
}

_DIVERSE = 1000  # of which each is the farthest from all before; the rest come by chance
_MORE = 10  # times as many as are asked for are looked at, the most doubtful ones
_FEW = 50


def columns_asked(heads: Heads, names: Iterable[str]) -> list[list[str]]:
    """Return the columns of probabilities that answer what is asked, those of a question together.

    A question is a head by its name, one label of a head by its own, or ``label``, the head
    whose answer comes first.
    """
    wanted, found = set(names), []
    for head in heads:
        classes = [column.name for column in head.columns if column.role == "class"]
        labels = [column for column in head.columns if column.role == "yes"]
        first = head is heads.classes and "label" in wanted
        if classes and (head.name in wanted or first):
            found.append(classes)
        whole = head.name in wanted
        found += [[each.name] for each in labels if whole or each.symbol in wanted]
    return found


def doubt(asked: Sequence[Sequence[str]], rows: Sequence[Mapping[str, Any]]) -> Doubts:
    """Return how little is known of rows, 0 to 1: of each the question that is known the least.

    Of classes one less the two largest probabilities' difference, of a label how near it comes
    to a half; 1 where there is no answer.

    Parameters
    ----------
    asked : sequence of sequence of str
        Columns of probabilities, as `columns_asked` gives them.
    rows : sequence of mapping
    """
    found = np.zeros(len(rows))
    for names in asked if rows else ():
        told = np.array([[row.get(name) for name in names] for row in rows], np.float64)
        one = _of_classes(told)
        found = np.maximum(found, np.where(np.isfinite(one), one, 1))
    return found


def _of_classes(told: Doubts) -> Doubts:
    if told.shape[1] == 1:
        return np.asarray(1 - 2 * abs(told[:, 0] - 0.5))
    best = np.sort(told, axis=1)
    return np.asarray(1 - (best[:, -1] - best[:, -2]))


def orders(
    asked: Sequence[Sequence[str]], rows: Sequence[Mapping[str, Any]], vectors: NDArray[np.float32]
) -> dict[str, NDArray[np.intp]]:
    """Return rows in each of `ORDERS`; chance is the same at every call.

    Parameters
    ----------
    asked : sequence of sequence of str
        Whose answers may be in doubt, see `doubt`.
    rows : sequence of mapping
    vectors : ndarray of float32, shape (N, D)
        Their embeddings.
    """
    chance = np.random.default_rng(0).permutation(len(rows))
    some = diverse(vectors, min(_DIVERSE, len(rows)))
    away = np.nan_to_num(oddness(vectors), nan=-1) if len(rows) else np.zeros(0)
    odd = np.argsort(-away, kind="stable")
    return {
        "doubt": np.argsort(-doubt(asked, rows), kind="stable"),
        "diverse": np.concatenate([some, chance[~np.isin(chance, some)]]),
        "odd": odd,
        "usual": odd[::-1],
        "chance": chance,
    }


def useful(
    doubts: NDArray[np.float64], vectors: NDArray[np.float32], number: int
) -> NDArray[np.intp]:
    """Return the rows that are the most useful to label next: doubtful, and of all kinds.

    Of the most doubtful, ten times as many as are asked for, those that lie farthest from each
    other, so that not all are of one kind.
    """
    most = max(_MORE * number, _FEW)
    doubtful = np.argsort(-doubts, kind="stable")[:most]
    return np.asarray(doubtful[diverse(vectors[doubtful], number)], np.intp)

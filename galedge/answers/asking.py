"""What to ask of a person: pictures in order of doubt, of oddness, or so that all kinds come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.answers.neighbours import diverse, oddness
from galedge.network.heads import Head, Heads

__all__ = ["ORDERS", "doubt", "heads_asked", "orders", "useful"]

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


def heads_asked(heads: Heads, names: Iterable[str]) -> list[Head]:
    """Return the heads that answer what is asked, or else those whose answer comes first."""
    named = [head for head in heads if head.name in set(names)]
    first: list[Head | None] = [heads.classes] if heads.classes else [heads.labels]
    return named or [head for head in first if head is not None]


def doubt(heads: Sequence[Head], rows: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """Return how little heads know of rows, 0 to 1: of each the one that knows the least.

    Of classes one less the two largest probabilities' difference, of labels how near one
    comes to a half; 1 where there is no answer.
    """
    found = np.zeros(len(rows))
    for head in heads:
        classes = [column.name for column in head.columns if column.role == "class"]
        labels = [column.name for column in head.columns if column.role == "yes"]
        for names, measure in ((classes, _of_classes), (labels, _of_labels)):
            if not names or not rows:
                continue
            cells = [[row.get(name) for name in names] for row in rows]
            told = measure(np.array(cells, np.float64))
            found = np.maximum(found, np.where(np.isfinite(told), told, 1))
    return found


def _of_classes(told: NDArray[np.float64]) -> NDArray[np.float64]:
    if told.shape[1] == 1:
        return _of_labels(told)
    best = np.sort(told, axis=1)
    return np.asarray(1 - (best[:, -1] - best[:, -2]))


def _of_labels(told: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((1 - 2 * abs(told - 0.5)).max(axis=1))


def orders(
    heads: Sequence[Head], rows: Sequence[Mapping[str, Any]], vectors: NDArray[np.float32]
) -> dict[str, NDArray[np.intp]]:
    """Return rows in each of `ORDERS`; chance is the same at every call.

    Parameters
    ----------
    heads : sequence of Head
        Which answers may be in doubt.
    rows : sequence of mapping
    vectors : ndarray of float32, shape (N, D)
        Their embeddings.
    """
    chance = np.random.default_rng(0).permutation(len(rows))
    some = diverse(vectors, min(_DIVERSE, len(rows)))
    away = np.nan_to_num(oddness(vectors), nan=-1) if len(rows) else np.zeros(0)
    odd = np.argsort(-away, kind="stable")
    return {
        "doubt": np.argsort(-doubt(heads, rows), kind="stable"),
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

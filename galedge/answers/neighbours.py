"""Embeddings compared: which are nearest to one, which are odd, which show all that there is.

All is exact, by matrix products over blocks of rows: a million rows of 464 numbers take
seconds, and there is no index to build, to store, or to be wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["diverse", "nearest", "oddness"]

_BLOCK = 16384
_MORE = 16  # candidates beyond those asked for, as products in float32 may misplace some


def nearest(
    queries: NDArray[np.float32], among: NDArray[np.float32], number: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the rows that are nearest to each query, nearest first.

    Parameters
    ----------
    queries : ndarray of float32, shape (Q, D)
    among : ndarray of float32, shape (N, D)
        Rows with NaN are nobody's neighbours.
    number : int
        K, no more than there are rows without NaN.

    Returns
    -------
    rows : ndarray of int, shape (Q, K)
    distances : ndarray of float32, shape (Q, K)
        Euclidean. Of equal distances the earlier row comes first.
    """
    usable = int(np.isfinite(among).all(axis=1).sum())
    number = min(number, usable)
    keep = min(number + _MORE, usable)
    # About the queries' middle, where the squares whose difference counts are small.
    middle = queries.mean(axis=0)
    centred = queries - middle
    rows: NDArray[np.intp] = np.zeros((len(queries), 0), np.intp)
    scores: NDArray[np.float32] = np.zeros((len(queries), 0), np.float32)
    for start, block in _blocks(among):
        away = block - middle
        score = np.einsum("ij,ij->i", away, away) - 2 * (centred @ away.T)
        score = np.where(np.isfinite(score), score, np.float32(np.inf))
        scores = np.concatenate([scores, score], axis=1)
        here = np.broadcast_to(np.arange(start, start + len(block)), score.shape)
        rows = np.concatenate([rows, here], axis=1)
        if scores.shape[1] > keep:
            best = np.argpartition(scores, keep - 1, axis=1)[:, :keep]
            scores = np.take_along_axis(scores, best, 1)
            rows = np.take_along_axis(rows, best, 1)
    exact = np.empty(rows.shape)
    for i, query in enumerate(queries):
        difference = among[rows[i]].astype(np.float64) - query
        exact[i] = np.sqrt((difference**2).sum(axis=1))
    exact[~np.isfinite(exact)] = np.inf
    order = np.lexsort((rows, exact), axis=1)[:, :number]
    found = np.take_along_axis(exact, order, 1).astype(np.float32)
    return np.take_along_axis(rows, order, 1), found


def oddness(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far each row is from what is usual among all; NaN stays.

    Mahalanobis' distance of the square roots, as a bundle's typicality has it, over the
    square root of their number: 1 is usual.
    """
    size = vectors.shape[1]
    count, total, products = 0, np.zeros(size), np.zeros((size, size))
    for _, block in _blocks(vectors):
        block = _roots(block[np.isfinite(block).all(axis=1)])
        count += len(block)
        total += block.sum(axis=0, dtype=np.float64)
        products += block.T @ block
    mean = total / max(count, 1)
    values, directions = np.linalg.eigh(products / max(count, 1) - np.outer(mean, mean))
    # Few rows tell little of how they scatter: so much is taken to be alike in all directions.
    # Of none could it be nothing, or each rounding error would be odd.
    share = max(size / (size + count), 1e-3)
    spread = (1 - share) * np.maximum(values, 0) + share * max(float(values.mean()), 1e-12)
    whitening = (directions / np.sqrt(spread)).astype(np.float32)
    found = np.empty(len(vectors), np.float32)
    for start, block in _blocks(vectors):
        away = (_roots(block) - mean.astype(np.float32)) @ whitening
        found[start : start + len(block)] = np.sqrt((away * away).mean(axis=1))
    return found


def diverse(vectors: NDArray[np.float32], number: int | None = None) -> NDArray[np.intp]:
    """Return rows such that each is the farthest from all before it, the most usual first.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, D)
        Rows with NaN come last.
    number : int, optional
        How many rows. Default: all.

    Returns
    -------
    ndarray of int, shape (number,)
    """
    usable = np.flatnonzero(np.isfinite(vectors).all(axis=1))
    rest = np.setdiff1d(np.arange(len(vectors)), usable)
    number = len(vectors) if number is None else min(number, len(vectors))
    held = vectors[usable]
    chosen: list[int] = []
    if len(held):
        squares = np.einsum("ij,ij->i", held, held)
        current = int(np.argmin(squares - 2 * (held @ held.mean(axis=0))))
        away = np.full(len(held), np.inf, np.float32)
        for _ in range(min(number, len(held))):
            chosen.append(current)
            distance = squares - 2 * (held @ held[current]) + squares[current]
            np.minimum(away, distance, out=away)
            away[current] = -np.inf
            current = int(np.argmax(away))
    return np.concatenate([usable[chosen], rest]).astype(np.intp)[:number]


def _blocks(rows: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    for start in range(0, len(rows), _BLOCK):
        yield start, rows[start : start + _BLOCK]


def _roots(block: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.sqrt(np.where(block < 0, np.float32(0), block)), np.float32)

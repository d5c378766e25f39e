"""Prior: probabilities for another mix of classes than that which a model goes by.

What a class looks like is the same in a cluster and in the field; how many there are of it is
not. By Bayes' rule a calibrated probability is multiplied by the ratio of the shares, and all are
scaled to one. Where nobody knows the shares, a run's own answers tell them (Saerens,
Latinne & Decaestecker 2002).
"""

from __future__ import annotations

import math
import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from galedge.answers.result import Result
from galedge.network.heads import Answer, Heads
from galedge.network.heads.classes import Classes

__all__ = ["FIT", "Shares", "fit_shares", "fitted", "read_shares", "shown"]

FIT = "fit"
"""In place of shares: those that the answers themselves tell."""

OWN = 20.0
"""Galaxies of the model's own mix that are counted in: few answers say little of the shares.

Chosen on the validation split, of 0 to 100 (training/RESULTS.md).
"""

Shares = tuple[tuple[str, float], ...]
"""Classes with their shares, which need not sum to one."""

_ROUNDS, _CLOSE = 1000, 1e-6  # of the fit, and the change of a share that ends it
_CHUNK = 1024  # rows that are put aside at a time
_IN_MEMORY = 32 << 20  # bytes

_Row = TypeVar("_Row")  # a result, or what has one: a source of a frame


def read_shares(text: str) -> Shares:
    """Understand ``E=0.1,S0=0.2,...``, or a file with a name and its share a line.

    Raises
    ------
    ValueError
        With what is wrong, and where.
    """
    if "=" in text:
        return _shares((part, part) for part in text.split(","))
    try:
        with open(text, encoding="utf-8") as file:
            lines = file.read(1 << 20).splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a text"
        raise ValueError(
            f"{text}: {reason}; give shares, E=0.1,S0=0.2,..., a file of them, or fit"
        ) from None
    told = (
        (line.partition("#")[0].strip(), f"{text}, line {n}") for n, line in enumerate(lines, 1)
    )
    return _shares((part, where) for part, where in told if part)


def _shares(parts: Iterable[tuple[str, str]]) -> Shares:
    found: dict[str, float] = {}
    for part, where in parts:
        name, equals, number = part.rpartition("=")
        if not equals:
            name, _, number = part.rpartition(" ")
        name = name.strip()
        try:
            share = float(number)
        except ValueError:
            share = -1.0
        if not name or not 0 <= share < math.inf:
            raise ValueError(f"{where}: is no NAME=SHARE with a share of 0 or more")
        if name in found:
            raise ValueError(f"{where}: {name} has a share already")
        found[name] = share
    if not sum(found.values()) > 0:
        raise ValueError("no class has a share above 0")
    return tuple(found.items())


def shown(shares: Shares) -> str:
    """Return shares as `read_shares` takes them."""
    return ",".join(f"{name}={share:.4g}" for name, share in shares)


def fit_shares(
    values: NDArray[Any], prior: Sequence[float], own: float = OWN
) -> NDArray[np.float64]:
    """Return the shares of classes among galaxies, by expectation maximization.

    Parameters
    ----------
    values : ndarray, shape (N, C)
        Calibrated probabilities of each.
    prior : sequence of float
        The shares that these go by.
    own : float
        How many galaxies of that mix are counted in.
    """
    start: NDArray[np.float64] = np.asarray(prior, float) / np.sum(prior)
    shares = start
    for _ in range(_ROUNDS):
        weights = np.divide(shares, start, out=np.zeros_like(start), where=start > 0)
        # Each galaxy's new probabilities are values * weights / (values @ weights).
        expected = weights * (values.T @ (1 / np.maximum(values @ weights, 1e-30)))
        before, shares = shares, (expected + own * start) / (expected.sum() + own)
        if abs(shares - before).max() < _CLOSE:
            break
    return shares


def fitted(
    rows: Iterable[_Row], heads: Heads, told: Callable[[Shares, int], object]
) -> Iterator[_Row]:
    """Yield rows anew when all have come, with the prior that they tell themselves.

    Until then they wait, in a nameless file if they are many. What was withheld, as no
    galaxy, tells nothing of galaxies' shares, and stays withheld.

    Parameters
    ----------
    rows : iterable of Result
        Or of what has a `result`, by a classifier without a prior.
    heads : Heads
        The classifier's.
    told : function
        Called with the shares, and the number of galaxies that tell them, before the first
        row is yielded.

    Raises
    ------
    ValueError
        If the model's card does not say what shares its probabilities go by.
    """
    classes = heads.adjustable
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
        known: list[NDArray[np.float32]] = []
        chunks, waiting = 0, iter(rows)
        while chunk := list(islice(waiting, _CHUNK)):
            results = [_result(row) for row in chunk]
            known.append(_values([one for one in results if one.label is not None], classes))
            pickle.dump(chunk, file, pickle.HIGHEST_PROTOCOL)
            chunks += 1
        values = np.concatenate(known) if known else np.empty((0, len(classes.names)), np.float32)
        found = fit_shares(values.astype(float), classes.prior)
        shares = tuple(zip(classes.names, found.tolist(), strict=True))
        told(shares, len(values))
        anew = heads.with_prior(shares)
        file.seek(0)
        for _ in range(chunks):
            yield from _told_anew(pickle.load(file), anew)  # nobody else can have written it


def _result(row: Any) -> Result:
    result: Result = row if isinstance(row, Result) else row.result
    return result


def _values(results: Sequence[Result], head: Classes) -> NDArray[np.float32]:
    """Return the probabilities (N, C) that results with answers tell."""
    rows = [[one.probabilities[name] for name in head.names] for one in results]
    return np.array(rows, np.float32).reshape(len(rows), len(head.names))


def _told_anew(rows: Sequence[_Row], heads: Heads) -> Iterator[_Row]:
    head = heads.adjustable
    place = list(heads).index(head)
    good = [one for row in rows if (one := _result(row)).error is None]
    cells = iter(head.cells(_values(good, head)))
    for row in rows:
        result = _result(row)
        if result.error is None:
            answers: tuple[Answer, ...] = tuple(
                next(cells) if i == place else its for i, its in enumerate(result.answers)
            )
            if result.label is None:
                answers = heads.withheld(answers)
            result = replace(result, heads=heads, answers=answers)
        yield result if isinstance(row, Result) else replace(row, result=result)  # type: ignore[type-var, misc]

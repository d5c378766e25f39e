"""Targets: what the rows of a data set tell of each head of a task, as arrays.

======== ============================================================================
classes  (N, C) shares that sum to one, NaN where nothing is told
quantity (N, 2) value and width of the Gaussian that it is learned as, NaN likewise
labels   (N, L) 0 to 1, in the order of `Labels.trained`, NaN likewise, one by one
======== ============================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from training.words.fields import TaskError, known
from training.words.heads import Classes, Head, Labels, Quantity
from training.words.hubble import features
from training.words.morphology import labels
from training.words.task import Task

__all__ = [
    "RULES",
    "class_of",
    "columns",
    "hard",
    "left_out",
    "mirrored",
    "missing",
    "number",
    "targets",
    "weights",
]

Row = dict[str, str]

# What a row says of labels, where its columns do not say it as such.
RULES: dict[str, Callable[[Row], list[float]]] = {"hubble": features, "morphology": labels}

_TRUTHS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_NAN = float("nan")


def targets(task: Task, rows: list[Row], *, strict: bool = True) -> dict[str, np.ndarray]:
    """Return what rows tell of each head, float32 by the head's name.

    Parameters
    ----------
    strict : bool
        Whether a class that the task does not know is an error; else it tells nothing.

    Raises
    ------
    TaskError
        If a row holds what is no answer: with its file, its column and a remedy.
    """

    def told_by(head: Any) -> Callable[[Row], list[float]]:
        if isinstance(head, Classes):
            return lambda row: _classes(head, task, row, strict)
        return lambda row: _quantity(head, row) if head.kind == "quantity" else _labels(head, row)

    found = {}
    for head in task.heads:
        width = 2 if head.kind == "quantity" else head.width
        told = list(map(told_by(head), rows))
        found[head.name] = np.array(told, np.float32).reshape(len(rows), width)
    return found


def _classes(head: Classes, task: Task, row: Row, strict: bool) -> list[float]:
    if head.shares:
        shares = [number(row, head.shares[name]) for name in head.names]
        total = sum(shares)
        if any(share < 0 for share in shares) or not total > 0:  # or one is NaN
            return [_NAN] * head.width
        return [share / total for share in shares]
    place = class_of(head, task, row, strict)
    return [_NAN] * head.width if place < 0 else [float(i == place) for i in range(head.width)]


def class_of(head: Classes, task: Task, row: Row, strict: bool = True) -> int:
    """Return the class that a row gives, -1 where it gives none: of votes the largest share."""
    if head.shares:
        shares = _classes(head, task, row, strict)
        return int(np.argmax(shares)) if shares[0] == shares[0] else -1
    if head.of:
        quantity = task.binned(head)
        value = number(row, quantity.column if quantity else head.of)
        if value != value:
            return -1
        if quantity is not None:  # the class of its bin, as the network has it
            place = quantity.bin_of(value)
            if place < 0:
                return -1
            value = float(quantity.centres[place])
        return head.of_value(value)
    text = row.get(head.column) or ""
    name = head.values.get(text, text)
    if not name or not (strict or name in head.names):
        return -1
    where = f"{row.get('file', '?')}: column {head.column!r} of {head}"
    known(name, head.names, where)
    return head.names.index(name)


def _quantity(head: Quantity, row: Row) -> list[float]:
    value = number(row, head.column)
    if value != value or head.bin_of(value) < 0:
        return [_NAN, _NAN]
    width = _NAN
    if head.limits:
        low, high = (number(row, column) for column in head.limits)
        width = (high - low) / 2
    elif head.error:
        width = number(row, head.error)
    if not np.isfinite(width):
        return [value, head.usual]
    return [value, min(max(width * head.share, head.least), head.most)]


def _labels(head: Labels, row: Row) -> list[float]:
    beside = [_share(row, name) for name in head.beside]
    if head.rule:
        return [*beside, *_rule(head)(row)]
    told = []
    for name in head.names:
        column = head.columns.get(name, name)
        words = head.values.get(name)
        text = row.get(column) or ""
        if words is None or not text:
            told.append(_share(row, column))
            continue
        known(text, words, f"{row.get('file', '?')}: column {column!r} of label {name!r}")
        value = words[text]
        told.append(_NAN if value is None else value)
    return [*beside, *told]


def weights(task: Task, rows: list[Row]) -> dict[str, np.ndarray]:
    """Return how much what is told of each label counts, float32 (N, L) by the head's name.

    Of heads of labels that name such columns alone; everything else counts once.
    """
    found = {}
    for head in task.every(Labels):
        if head.weights:
            columns = [head.weights.get(name, "") for name in head.trained]
            counts = [
                [_share(row, column) if column else 1.0 for column in columns] for row in rows
            ]
            array = np.array(counts, np.float32).reshape(len(rows), head.width)
            found[head.name] = np.where(np.isfinite(array), array, 1)
    return found


def _rule(head: Labels) -> Callable[[Row], list[float]]:
    known(head.rule, RULES, f"{head}: 'rule'")
    return RULES[head.rule]


def number(row: Row, column: str) -> float:
    """Return the number in a column, NaN where it is empty or missing."""
    text = row.get(column)
    if not text:
        return _NAN
    try:
        return float(text)
    except ValueError:
        raise TaskError(
            f"{row.get('file', '?')}: column {column!r} must hold numbers, not {text!r}; "
            "leave it empty where nothing is known"
        ) from None


def _share(row: Row, column: str) -> float:
    truth = _TRUTHS.get((row.get(column) or "").lower())
    value = number(row, column) if truth is None else truth
    if value > 1:
        raise TaskError(
            f"{row.get('file', '?')}: column {column!r} must hold 0 to 1, or yes and no, "
            f"not {row[column]!r}"
        )
    return value if value >= 0 else _NAN


def left_out(task: Task, row: Row) -> bool:
    """Return whether a row has a quantity beyond the task's range: dwarf ellipticals, T = 11."""
    for head in task.every(Quantity):
        value = number(row, head.column)
        if value == value and head.bin_of(value) < 0:
            return True
    return False


def hard(shares: np.ndarray) -> np.ndarray:
    """Return the class of each row of shares (N, C), -1 where nothing is told."""
    told = np.isfinite(shares).all(1)
    return np.where(told, np.nan_to_num(shares).argmax(1), -1)


def mirrored(head: Head) -> tuple[np.ndarray, np.ndarray]:
    """Return what a mirror makes of the columns that a head's layer tells.

    Returns
    -------
    order : ndarray of int (W,)
        Which column each is taken from.
    turned : ndarray of bool (W,)
        Whether it is then one less that.
    """
    names = head.trained if isinstance(head, Labels) else getattr(head, "names", ())
    order, turned = np.arange(head.width), np.zeros(head.width, bool)
    for name, other in getattr(head, "mirror", {}).items():
        if other == "complement":
            turned[names.index(name)] = True
        else:  # what is there becomes that: that comes from what is there
            order[names.index(other)] = names.index(name)
    return order, turned


def columns(head: Head, task: Task) -> list[str]:
    """Return the columns that a head is learned from; a rule names none."""
    if isinstance(head, Quantity):
        return [head.column]
    if isinstance(head, Labels):
        return [] if head.rule else [head.columns.get(name, name) for name in head.names]
    assert isinstance(head, Classes)
    if head.shares:
        return list(head.shares.values())
    quantity = task.binned(head)
    return [quantity.column if quantity else head.of or head.column]


def missing(task: Task, rows: Iterable[Row], where: str) -> None:
    """Refuse rows that lack a column which a task learns from.

    Raises
    ------
    TaskError
        With the columns that there are.
    """
    there = list(dict.fromkeys(column for row in rows for column in row))
    for head in task.heads:
        for column in () if head.optional else columns(head, task):
            known(column, there, f"{where}: the column that {head} is learned from")

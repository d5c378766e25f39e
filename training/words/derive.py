"""Derive: the task that a data set poses of itself, and what a task's file leaves to the data."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from training.words.fields import TaskError
from training.words.heads import Classes, Quantity
from training.words.hubble import HUBBLE
from training.words.morphology import MORPHOLOGY
from training.words.targets import missing, number
from training.words.task import Task

__all__ = ["NAMED", "completed", "in_order", "of_classes", "of_column"]

Row = dict[str, str]

NAMED = {"hubble": HUBBLE, "morphology": MORPHOLOGY}
"""Tasks that go by name wherever a file could be given."""


def of_classes(name: str, classes: tuple[str, ...], column: str) -> Task:
    """Return the task of telling some classes, which stand in a column."""
    word = re.sub("[^a-z0-9_]+", "_", column.lower()).strip("_0123456789") or "kind"
    return Task(name=name, heads=(Classes(name=word, names=classes, column=column, primary=True),))


def of_column(name: str, rows: list[Row], column: str, where: str) -> Task:
    """Return the task of telling the classes that a column holds.

    Raises
    ------
    TaskError
        If there is no such column, or it holds fewer than two classes.
    """
    task = of_classes(name, (), column)
    missing(task, rows, where)
    return completed(task, rows, where)


def completed(task: Task, rows: list[Row], where: str) -> Task:
    """Return a task with the names of classes and the ranges that its file leaves to the data.

    Classes come in the order of a column `code` where there is one, else of their names;
    a range is what the column spans.
    """
    heads = []
    for head in task.heads:
        if isinstance(head, Classes) and not head.names:
            heads.append(replace(head, names=_names(head, rows, where)))
        elif isinstance(head, Quantity) and not head.range:
            values = np.array([number(row, head.column) for row in rows])
            values = values[np.isfinite(values)]
            if not len(values) or np.ptp(values) == 0:
                raise TaskError(
                    f"{where}: column {head.column!r} of {head} holds no two different numbers; "
                    "give the head another column, or a range"
                )
            heads.append(replace(head, range=(float(values.min()), float(values.max()))))
        else:
            heads.append(head)
    return replace(task, heads=tuple(heads))


def _names(head: Classes, rows: list[Row], where: str) -> tuple[str, ...]:
    texts = [row.get(head.column) or "" for row in rows]
    names = in_order([head.values.get(text, text) or "" for text in texts], rows)
    if len(names) < 2:
        raise TaskError(
            f"{where}: column {head.column!r} of {head} holds {', '.join(names) or 'nothing'}, "
            "and there must be two classes or more; the columns are "
            f"{', '.join(rows[0]) if rows else 'none'}"
        )
    return names


def in_order(classes: list[str], rows: list[Row]) -> tuple[str, ...]:
    """Return the different classes of rows, "" left out, by the rows' `code` or by name."""
    order: dict[str, tuple[float, str]] = {}
    for name, row in zip(classes, rows, strict=True):
        code = row.get("code") or ""
        if name:
            order[name] = (float(code) if code.isdigit() else 0.0, name)
    if all(re.fullmatch(r"-?\d+(\.\d+)?", name) for name in order):
        return tuple(sorted(order, key=float))
    return tuple(sorted(order, key=order.__getitem__))

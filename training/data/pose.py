"""Pose: which task a data set is packed for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.data.readers import DataSet
from training.words.card import readable
from training.words.derive import completed, of_classes, of_column
from training.words.heads import Classes
from training.words.hubble import HUBBLE
from training.words.targets import hard, left_out, missing
from training.words.task import Task

__all__ = ["kinds", "pose", "within_range"]


def pose(data: DataSet, task: Task | None, column: str | None, source: Path) -> Task:
    """Return the task that is asked of a data set.

    Parameters
    ----------
    task : Task, optional
        As its file has it; what that leaves open the data fill in.
    column : str, optional
        Or a column of classes. With neither a data set with classes of its own is asked for
        these, and any other for Hubble's.

    Raises
    ------
    TaskError
        If the data set lacks a column that is asked for, or two heads would fill one column of
        a table.
    """
    where = str(source)
    if task is not None:
        missing(task, data.rows, where)
        task = completed(task, data.rows, where)
    elif column is not None:
        task = of_column(data.name, data.rows, column, where)
    elif len(data.classes) > 1:
        task = of_classes(data.name, data.classes, "class")
    else:
        return HUBBLE
    readable(task)
    return task


def within_range(data: DataSet, task: Task) -> DataSet:
    """Leave out what lies beyond the range of a quantity, and say how much that is."""
    kept = [i for i, row in enumerate(data.rows) if not left_out(task, row)]
    if len(kept) < len(data.rows):
        number = len(data.rows) - len(kept)
        print(f"{number} pictures lie beyond the range of a quantity and are left out", flush=True)
    return data.take(kept)


def kinds(task: Task, told: dict[str, np.ndarray]) -> np.ndarray:
    """Return a class for each picture (N,); without classes 0 where it is labelled, else -1.

    The classes are the task's first ones, or those of which anything is told.
    """
    heads = [head for head in (task.classes, *task.every(Classes)) if head is not None]
    by_head = [hard(told[head.name]) for head in heads]
    if heads:
        return next((label for label in by_head if (label >= 0).any()), by_head[0])
    labelled = [np.isfinite(told[head.name]).any(1) for head in task.main]
    return np.where(np.logical_or.reduce(labelled), 0, -1)

"""Enough: whether pictures tell of all that a task asks for."""

from __future__ import annotations

import numpy as np

from training.fit.batches import Group
from training.words.fields import TaskError
from training.words.heads import Classes, Head, Labels
from training.words.targets import columns
from training.words.task import Task

__all__ = ["enough"]


def enough(task: Task, groups: tuple[Group, ...]) -> None:
    """Refuse a training whose pictures do not tell of all that a task asks for.

    Raises
    ------
    TaskError
        With the class, the quantity or the label that no picture has.
    ValueError
        If a teacher's answers are those of another task.
    """
    folders = ", ".join(str(group.pack.folder) for group in groups)
    for head in task.heads:
        told = np.concatenate([group.pack.told[head.name][group.rows] for group in groups])
        lacking = untold(head, told)
        if lacking and not head.optional:
            source = ", ".join(columns(head, task)) or "what the rows say"
            raise TaskError(
                f"{folders}: no picture of train {' or '.join(lacking)}, which {head} is to learn "
                f"from {source}; add some, or take it out of the task"
            )
        for group in groups:
            if head.taught and group.answers is not None and head.layer not in group.answers.heads:
                raise ValueError(
                    f"{group.pack.folder}: the targets say nothing of {head}; store them anew by "
                    "`distil`, of runs of this task"
                )


def untold(head: Head, told: np.ndarray) -> list[str]:
    """Return what of a head no picture tells."""
    if isinstance(head, Classes):
        there = (np.nan_to_num(told) > 0).any(0)
        return [f"is of class {n!r}" for n, one in zip(head.names, there, strict=True) if not one]
    there = np.isfinite(told).any(0)
    if isinstance(head, Labels):
        return [f"tells of {n!r}" for n, one in zip(head.trained, there, strict=True) if not one]
    return [] if there.all() else [f"has a {head.name}"]

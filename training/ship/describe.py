"""Describe: what a task says of its answers in words, put into a card that is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from galedge.network.card import Card
from galedge.support.atomic import AtomicFile
from training.fit.runs import task_of
from training.words.card import entries
from training.words.fields import TaskError
from training.words.task import Task

__all__ = ["describe"]

_WORDS = ("description", "descriptions", "if")  # of a card's heads
_OWN = ("description", "descriptions", "given")  # of a task's


def describe(bundle: Path, task: Task) -> list[str]:
    """Take a task's descriptions, and which labels hang on which, into a card.

    The network, and what is measured of it, stay.

    Returns
    -------
    list of str
        What heads are told of otherwise than before.

    Raises
    ------
    TaskError
        If the bundle answers other questions.
    """
    fields = dict(Card.read(bundle).fields)
    learned = fields.get("training", {})
    if "task" not in learned or not _same(task_of(learned), task):
        raise TaskError(f"{bundle}: does not answer what task {task.name!r} asks")
    said = []
    told = {entry["name"]: entry for entry in entries(task)}
    own = {head["name"]: head for head in task.to_json()["heads"]}
    for entry in fields["heads"]:
        for key in _put(entry, told.get(entry["name"], entry), _WORDS):
            said.append(f"{entry['name']}: {key}: {json.dumps(entry.get(key))}")
    for head in learned["task"]["heads"]:
        _put(head, own[head["name"]], _OWN)
    with AtomicFile(str(bundle / "card.json")) as target:
        target.file.write((json.dumps(fields, indent=1) + "\n").encode())
    return said


def _same(learned: Task, task: Task) -> bool:
    """Tell whether two tasks ask the same; a file may leave the names of classes to the data."""
    pairs = zip(learned.answers, task.answers, strict=False)
    return len(learned.heads) == len(task.heads) and all(
        one[:3] == other[:3] and other[3] in ((), one[3]) for one, other in pairs
    )


def _put(entry: dict[str, Any], told: dict[str, Any], keys: tuple[str, ...]) -> list[str]:
    """Make an entry say what is told under some keys; return those that are new."""
    new = [key for key in keys if entry.get(key) != told.get(key)]
    for key in new:
        entry.pop(key, None)
        if key in told:
            entry[key] = told[key]
    return new

"""Describe: what a task says in words, put into one that was learned, and into a card."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from galedge.network.card import Card
from training.fit.runs import task_of
from training.words.card import entries, words_of, write_card
from training.words.fields import TaskError
from training.words.task import Task

__all__ = ["describe", "worded"]

_OF_TASKS = ("data", "credits", "limits", "licence")
_OF_HEADS = ("description", "descriptions", "given", "subject", "flags")
_OF_ENTRIES = ("description", "descriptions", "if")  # of a card


def worded(learned: Task, task: Task) -> Task:
    """Return a task that was learned in the words of one that asks the same, as it is today.

    Raises
    ------
    TaskError
        If it asks something else.
    """
    if not _same(learned, task):
        raise TaskError(f"what was learned does not answer what task {task.name!r} asks")
    heads = tuple(
        replace(head, **{key: getattr(other, key) for key in _OF_HEADS if hasattr(head, key)})
        for head, other in zip(learned.heads, task.heads, strict=True)
    )
    return replace(learned, heads=heads, **{key: getattr(task, key) for key in _OF_TASKS})


def describe(bundle: Path, task: Task) -> list[str]:
    """Take a task's words into a card: descriptions, limits, what labels hang on, what it is about.

    The network, and what is measured of it, stay.

    Returns
    -------
    list of str
        What is told otherwise than before.

    Raises
    ------
    TaskError
        If the bundle answers other questions.
    """
    fields = dict(Card.read(bundle).fields)
    learned = fields.get("training", {})
    if "task" not in learned:
        raise TaskError(f"{bundle}: does not tell which task it learned")
    try:
        now = worded(task_of(learned), task)
    except TaskError as error:
        raise TaskError(f"{bundle}: {error}") from error
    said = []
    told = {entry["name"]: entry for entry in entries(now)}
    own = {head["name"]: head for head in now.to_json()["heads"]}
    for entry in fields["heads"]:
        for key in _put(entry, told.get(entry["name"], entry), _OF_ENTRIES):
            said.append(f"{entry['name']}: {key}: {json.dumps(entry.get(key))}")
    for head in learned["task"]["heads"]:
        _put(head, own[head["name"]], _OF_HEADS)
    for key in _put(fields, words_of(now), ("subject", "credits", "licence", "limits")):
        said.append(f"{key}: {json.dumps(fields.get(key))}")
    write_card(bundle, fields)
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

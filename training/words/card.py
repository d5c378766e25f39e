"""Card: what a bundle's card says of a task, as galedge reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from galedge.network.heads import CardError, Heads
from galedge.support.atomic import AtomicFile
from training.words.fields import TaskError
from training.words.heads import Classes, Head, Labels, Quantity
from training.words.task import Task

__all__ = ["Calibration", "entries", "readable", "words_of", "write_card"]

Calibration = Mapping[str, Mapping[str, float]]
"""By head ``temperature``, ``temperature_slope`` and ``sigma_scale``, as a card has them."""


def entries(
    task: Task,
    calibration: Calibration | None = None,
    sets: Mapping[str, Mapping[str, Any]] | None = None,
    pooled: int = 0,
) -> list[dict[str, Any]]:
    """Return the heads of a card.

    Parameters
    ----------
    calibration : mapping, optional
        See `Calibration`.
    sets : mapping, optional
        Of heads of classes ``prior`` and ``sets``, see `training.score.sets.sets_of`.
    pooled : int
        How many pooled features the network gives besides; 0 if it gives none.
    """
    fitted, more = calibration or {}, sets or {}
    heads = []
    for head in task.heads:
        entry = {
            "kind": head.kind,
            "name": head.name,
            "output": head.output,
            "primary": _primary(task, head),
            "description": head.description,
            **_own(task, head),
        }
        said = {key: value for key, value in entry.items() if value not in (None, "", False, {})}
        heads.append({**said, **fitted.get(head.name, {}), **more.get(head.name, {})})
    if pooled:
        heads.append({"kind": "embedding", "name": "embedding", "output": "pooled", "size": pooled})
    return heads


def words_of(task: Task) -> dict[str, Any]:
    """Return what a card says in words, and of the kind of source that the heads speak of."""
    told = {"credits": list(task.credits), "licence": task.licence, "limits": list(task.limits)}
    if (head := task.teller) is None:
        return told
    subject = {"head": head.name, "name": head.subject, "flags": dict(head.flags)}
    return {"subject": subject, **told}


def _primary(task: Task, head: Head) -> bool:
    """Of several heads of classes or quantities, of which none says so, the first is primary."""
    return head.primary or head in (task.classes, task.quantity)


def _own(task: Task, head: Head) -> dict[str, Any]:
    if isinstance(head, Quantity):
        return {
            "range": list(head.range),
            "unit": head.unit,
            "ucd": head.ucd,
            "symbol": head.title,
        }
    assert isinstance(head, Classes | Labels)
    told = {"names": list(head.names), "mirror": dict(head.mirror)}
    if isinstance(head, Labels):
        given = {name: list(others) for name, others in head.given.items()}
        return {**told, "if": given, "descriptions": dict(head.descriptions)}
    quantity = task.binned(head)
    return {**told, "temperature_by": quantity.name if quantity else ""}


def readable(task: Task) -> None:
    """Refuse a task of which galedge could not read a card.

    Raises
    ------
    TaskError
        If two heads would fill one column of a table, for instance.
    """
    try:
        Heads.parse(entries(task))
    except CardError as error:
        raise TaskError(f"task {task.name!r}: {error}") from error


def write_card(bundle: Path, fields: Mapping[str, Any]) -> None:
    """Write a bundle's card, in one step: whoever is interrupted keeps the one before."""
    with AtomicFile(str(bundle / "card.json")) as target:
        target.file.write((json.dumps(fields, indent=1) + "\n").encode())

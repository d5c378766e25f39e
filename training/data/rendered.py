"""Rendered: stars and artefacts as a pack of two rows, of which every look is another picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.data.others import artefact, star
from training.data.pack import Pack
from training.words.fields import TaskError
from training.words.targets import targets
from training.words.task import Task

__all__ = ["NAME", "Rendered", "rendered"]

NAME = "rendered"
_ROWS = {"star": star, "artefact": artefact}


class Rendered:
    """What stands in the place of `training.data.pictures.Pictures`, already through a camera."""

    def __len__(self) -> int:
        return len(_ROWS)

    def draw(self, number: int, random: np.random.Generator) -> np.ndarray:
        """Return a new image of the kind of a row."""
        return list(_ROWS.values())[number](random)


def rendered(task: Task) -> Pack:
    """Return the pack for a task that tells stars and artefacts.

    Raises
    ------
    TaskError
        If it does not.
    """
    rows = [{"file": kind, "kind": kind} for kind in _ROWS]
    told = targets(task, rows, strict=False)
    if not any(np.isfinite(values).all(1).all() for values in told.values()):
        raise TaskError(
            f"task {task.name!r} has no classes of column 'kind' that know {' and '.join(_ROWS)}"
        )
    names = np.array(list(_ROWS))
    return Pack(
        folder=Path(NAME),
        info={},
        file=names,
        galaxy=names,
        source=np.full(len(names), NAME),
        split=np.full(len(names), "train"),
        task=task,
        told=told,
        pictures=Rendered(),
    )

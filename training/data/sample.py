"""A labelled data set at hand, and a memory for what takes long to make of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training.data.pose import kinds, pose, within_range
from training.data.readers import DataSet, read
from training.data.splits import assign, same_galaxy
from training.words.targets import targets
from training.words.task import Task

__all__ = ["Sample"]


@dataclass
class Sample:
    """A labelled data set in memory; `kept` remembers in a folder what takes long."""

    data: DataSet
    work: Path
    task: Task
    told: dict[str, np.ndarray] = field(init=False)
    label: np.ndarray = field(init=False)
    value: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.told = targets(self.task, self.data.rows)
        self.label = kinds(self.task, self.told)
        quantity = self.task.quantity
        blank = np.full(len(self.label), np.nan)
        self.value = self.told[quantity.name][:, 0].astype(float) if quantity else blank

    @classmethod
    def read(
        cls, source: Path, work: Path, task: Task | None = None, column: str | None = None
    ) -> Sample:
        """Read a data set (see `training.data.readers`) for a task (see `training.data.pose`).

        Splits that it lacks are drawn, as they are when it is packed.

        Raises
        ------
        ValueError
            If it has no classes to compare methods by, or no picture to do so.
        """
        data = read(source)
        task = pose(data, task, column, source)
        if task.classes is None:
            raise ValueError(f"{source}: the task has no classes, which methods are compared by")
        data = within_range(data, task)
        work.mkdir(parents=True, exist_ok=True)
        sample = cls(data, work, task)
        if not {"val", "test"} <= {row.get("split") for row in data.rows}:
            group = same_galaxy(data.rows, sample.small())
            for note in assign(data.rows, group, 0, sample.label):
                print(note, flush=True)
        for split in ("train", "val", "test"):
            if not len(sample.rows(split)):
                raise ValueError(
                    f"{source}: no labelled picture is in {split}; give it more pictures, or a "
                    "column `split` of its own"
                )
        return sample

    def small(self, chunk: int = 256) -> np.ndarray:
        """Return all pictures framed and small, black where one cannot be read."""
        from galedge.images.prepare import prepare
        from galedge.images.recipe import Recipe

        rows = np.arange(len(self.label))
        parts = np.array_split(rows, max(1, len(rows) // chunk))
        return np.concatenate(
            [prepare(self.pictures(part), Recipe(size=72)).pixels for part in parts]
        )

    def rows(self, split: str, source: str | None = None) -> np.ndarray:
        """Return the labelled rows of a split, and of a source."""
        held = self.data.rows
        chosen = [
            i
            for i, row in enumerate(held)
            if row.get("split") == split and source in (None, row["source"])
        ]
        return np.array([i for i in chosen if self.label[i] >= 0], int)

    def sources(self) -> list[str]:
        """Return the names of the sources."""
        return sorted({row["source"] for row in self.data.rows})

    def pictures(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return decoded pictures."""
        return [self.data.picture(int(i)) for i in rows]

    def kept(self, name: str, make: Callable[[], Any], code: Iterable[str]) -> Any:
        """Return what `make` makes, made once for these rows, the task and files of `code`."""
        import joblib

        held = [self.data.rows, self.task.to_json()]
        about = hashlib.sha256(json.dumps(held, sort_keys=True).encode())
        for file in code:
            about.update(Path(file).read_bytes())
        key = about.hexdigest()[:12]
        path = self.work / f"{name}-{key}.joblib"
        if path.exists():
            return joblib.load(path)
        made = make()
        part = path.with_suffix(".part")
        joblib.dump(made, part, compress=1)
        part.replace(path)
        return made

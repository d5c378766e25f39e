"""A labelled data set at hand, and a memory for what takes long to make of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training.data.pack import on_sequence
from training.data.readers import DataSet, read
from training.words.labels import hubble_class
from training.words.types import CLASSES

__all__ = ["Sample"]


@dataclass
class Sample:
    """A labelled data set in memory; `kept` remembers in a folder what takes long."""

    data: DataSet
    work: Path
    classes: tuple[str, ...] = field(init=False)
    label: np.ndarray = field(init=False)
    t: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        rows = self.data.rows
        self.classes = self.data.classes or CLASSES
        self.t = np.array([float(row.get("t_type") or "nan") for row in rows])
        if self.data.classes:
            names = [row.get("class") or "" for row in rows]
            self.label = np.array([(*self.classes, "").index(name) for name in names])
            self.label[self.label == len(self.classes)] = -1
        else:
            self.label = np.array([hubble_class(t) if np.isfinite(t) else -1 for t in self.t])

    @classmethod
    def read(cls, source: Path, work: Path) -> Sample:
        """Read a data set with splits (see `training.data.readers`)."""
        data = on_sequence(read(source))
        if not any(row.get("split") for row in data.rows):
            raise ValueError(f"{source}: has no splits; pack it and take its labels.csv")
        work.mkdir(parents=True, exist_ok=True)
        return cls(data, work)

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
        """Return what `make` makes, made once for these rows and the files of its `code`."""
        import joblib

        about = hashlib.sha256(json.dumps(self.data.rows, sort_keys=True).encode())
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

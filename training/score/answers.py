"""Answers: what a bundle's own ONNX files say of packed pictures, beside what is told of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.data.pack import Pack
from training.words.card import Calibration
from training.words.fields import TaskError
from training.words.heads import Classes, Labels, Quantity
from training.words.targets import hard
from training.words.task import Task

__all__ = [
    *("Answers", "calibrated", "outputs", "probabilities", "run", "session_of", "told_of"),
]

ENOUGH = 0.5  # of the volunteers: what fewer were asked is learned, but nothing is measured by it


@dataclass
class Answers:
    """A network's outputs on pictures, and what is told of them; both by head.

    `told` is what `training.words.targets` says, of labels those that are exported, and `said`
    the raw output. The properties are of the task's first classes and first quantity.
    """

    task: Task
    galaxy: np.ndarray
    told: dict[str, np.ndarray]
    said: dict[str, np.ndarray]

    def take(self, rows: np.ndarray) -> Answers:
        """Return some of the rows."""
        told, said = (
            {name: values[rows] for name, values in of.items()} for of in (self.told, self.said)
        )
        return Answers(self.task, self.galaxy[rows], told, said)

    @classmethod
    def join(cls, parts: list[Answers]) -> Answers:
        """Return several sets as one."""

        def joined(of: str) -> dict[str, np.ndarray]:
            names = getattr(parts[0], of)
            return {name: np.concatenate([getattr(p, of)[name] for p in parts]) for name in names}

        galaxy = np.concatenate([part.galaxy for part in parts])
        return cls(parts[0].task, galaxy, joined("told"), joined("said"))

    def only(self, name: str) -> Answers:
        """Return what is told and said of one head, of the rows of which it is told."""
        part = Answers(self.task.only(name), self.galaxy, self.told, self.said)
        known = np.isfinite(self.told[name]).any(1)
        return part if known.all() else part.take(known)

    @property
    def label(self) -> np.ndarray:
        """The class that is told (N,), -1 where none is."""
        return hard(self.told[self.classes.name])

    @property
    def logits(self) -> np.ndarray:
        """The classes' logits (N, C)."""
        return self.said[self.classes.name]

    @property
    def value(self) -> np.ndarray:
        """The quantity that is told (N,), NaN where none is."""
        return self.told[self.quantity.name][:, 0]

    @property
    def mean(self) -> np.ndarray:
        """The quantity that the network gives (N,)."""
        return self.said[self.quantity.name][:, 0]

    @property
    def log_sigma(self) -> np.ndarray:
        """Log of the error that it gives with it (N,)."""
        return self.said[self.quantity.name][:, 1]

    @property
    def classes(self) -> Classes:
        """The head of classes; a task without is asked for none."""
        head = self.task.classes
        assert head is not None
        return head

    @property
    def quantity(self) -> Quantity:
        """The quantity; a task without is asked for none."""
        head = self.task.quantity
        assert head is not None
        return head


def run(network: Path, pack: Pack, rows: np.ndarray, view: str, batch: int = 64) -> Answers:
    """Run an ONNX file on exact pictures of a pack that was opened for its task.

    Raises
    ------
    TaskError
        If the file has no such outputs.
    """
    session = session_of(network)
    names = [value.name for value in session.get_outputs()]
    heads = [head for head in pack.task.heads if head.output in names]
    lacking = [head for head in pack.task.main if head not in heads]
    if lacking:
        raise TaskError(
            f"{network}: has no output of {' and '.join(map(str, lacking))}, only "
            f"{', '.join(names)}: {pack.folder} was packed for another task"
        )
    batches = (pack.exact[view][rows[i : i + batch]] for i in range(0, len(rows), batch))
    columns = outputs(session, [head.output for head in heads], batches)
    said = {head.name: column for head, column in zip(heads, columns, strict=True)}
    told = {name: values[rows] for name, values in pack.told.items()}
    for head in pack.task.every(Labels):
        told[head.name] = told_of(pack, head, rows)
        # Older bundles may lack it.
        said.setdefault(head.name, np.full_like(told[head.name], np.nan))
    return Answers(pack.task, pack.galaxy[rows], told, said)


def session_of(network: Path) -> Any:
    """Return an ONNX file ready to run, as ONNX Runtime runs it."""
    import onnxruntime

    return onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])


def outputs(session: Any, names: list[str], batches: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Return some outputs of a network, of all batches of pixels together."""
    parts = [session.run(names, {"pixels": np.ascontiguousarray(one)}) for one in batches]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def told_of(pack: Pack, head: Labels, rows: np.ndarray) -> np.ndarray:
    """Return what is told of labels that are exported, NaN where few volunteers were asked."""
    told = pack.told[head.name][rows]
    if (asked := pack.weight.get(head.name)) is not None:
        told = np.where(asked[rows] >= ENOUGH, told, np.nan)
    return told[:, -len(head.names) :]


def probabilities(
    answers: Answers, temperature: float = 1.0, temperature_slope: float = 0.0
) -> np.ndarray:
    """Return class probabilities.

    The logits are divided by ``temperature * sigma ** temperature_slope``,
    sigma being the network's own error of the quantity that the classes are parts of: where
    it is unsure of that, as of noisy pictures, its classes are softened more.
    """
    scaled = answers.logits / temperature
    quantity = answers.task.binned(answers.classes)
    if quantity is not None:
        log_sigma = answers.said[quantity.name][:, 1]
        scaled = scaled / np.exp(temperature_slope * log_sigma)[:, None]
    scaled = np.exp(scaled - scaled.max(1, keepdims=True))
    return scaled / scaled.sum(1, keepdims=True)


def calibrated(answers: Answers, calibration: Calibration) -> np.ndarray:
    """Return class probabilities by a card's calibration."""
    fitted = calibration.get(answers.classes.name, {})
    return probabilities(
        answers, fitted.get("temperature", 1.0), fitted.get("temperature_slope", 0.0)
    )

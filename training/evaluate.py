"""Evaluate: a bundle's own ONNX files on packed pictures, with intervals over galaxies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score, f1_score, matthews_corrcoef, recall_score

from training.data import KINDS, Pack
from training.network import CLASSES

__all__ = [
    "KINDS",
    "Answers",
    "ece",
    "fit_bias",
    "fit_sigma",
    "fit_temperature",
    "interval",
    "measure",
    "run",
]


@dataclass
class Answers:
    """A network's outputs on labelled pictures."""

    galaxy: np.ndarray
    label: np.ndarray
    t: np.ndarray
    logits: np.ndarray
    mean: np.ndarray
    log_sigma: np.ndarray

    def take(self, rows: np.ndarray) -> Answers:
        """Return some of the rows."""
        return Answers(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @classmethod
    def join(cls, parts: list[Answers]) -> Answers:
        """Return several sets as one."""
        return cls(
            *(
                np.concatenate([getattr(p, name) for p in parts])
                for name in cls.__dataclass_fields__
            )
        )


def run(network: Path, pack: Pack, rows: np.ndarray, view: str, batch: int = 64) -> Answers:
    """Run an ONNX file on exact pictures of a pack."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
    parts = [
        session.run(
            ["hubble", "t_type"],
            {"pixels": np.ascontiguousarray(pack.exact[view][rows[i : i + batch]])},
        )
        for i in range(0, len(rows), batch)
    ]
    logits, t_type = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Answers(
        pack.galaxy[rows], pack.label[rows], pack.t[rows], logits, t_type[:, 0], t_type[:, 1]
    )


def probabilities(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return the softmax of logits over a temperature."""
    scaled = logits / temperature
    scaled = np.exp(scaled - scaled.max(1, keepdims=True))
    return scaled / scaled.sum(1, keepdims=True)


def ece(label: np.ndarray, p: np.ndarray, bins: int = 15) -> float:
    """Return the expected calibration error of the most probable class."""
    sure, right = p.max(1), p.argmax(1) == label
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [
        abs(sure[place == b].mean() - right[place == b].mean()) * (place == b).mean()
        for b in np.unique(place)
    ]
    return float(sum(gaps))


def fit_temperature(label: np.ndarray, logits: np.ndarray) -> float:
    """Return the temperature with the best likelihood."""

    def loss(log_t: float) -> float:
        p = probabilities(logits, float(np.exp(log_t)))
        return -float(np.log(p[np.arange(len(label)), label] + 1e-12).mean())

    grid = np.linspace(-1.5, 1.5, 301)
    return float(np.exp(grid[np.argmin([loss(value) for value in grid])]))


def fit_bias(sets: list[Answers], strengths: np.ndarray | None = None) -> np.ndarray:
    """Return what to add to the class logits for the best macro-F1 plus accuracy on val.

    Only one number is fitted, so little can be overfitted: the strength of the
    classes' log frequency, which moves between aiming at every class alike and
    at the catalogues' own mix.
    """
    label = np.concatenate([answers.label for answers in sets])
    count = np.bincount(label, minlength=sets[0].logits.shape[1]).clip(1)
    prior = np.log(count / count.sum())
    prior -= prior.mean()

    def worth(strength: float) -> float:
        total = 0.0
        for answers in sets:
            guess = (answers.logits + strength * prior).argmax(1)
            total += f1_score(answers.label, guess, average="macro", zero_division=0)
            total += float((guess == answers.label).mean())
        return total / len(sets)

    grid = np.linspace(-0.5, 1.0, 31) if strengths is None else strengths
    values = np.array([worth(strength) for strength in grid])
    smooth = np.convolve(np.pad(values, 2, mode="edge"), np.ones(5) / 5, "valid")
    return float(grid[smooth.argmax()]) * prior


def fit_sigma(t: np.ndarray, mean: np.ndarray, log_sigma: np.ndarray) -> float:
    """Return the factor that makes T-type errors as large as the residuals."""
    return float(np.sqrt(np.mean(((t - mean) / np.exp(log_sigma)) ** 2)))


METRICS: dict[str, Callable[[Answers], float]] = {
    "accuracy": lambda a: float((a.logits.argmax(1) == a.label).mean()),
    "macro_f1": lambda a: float(
        f1_score(a.label, a.logits.argmax(1), average="macro", zero_division=0)
    ),
    "balanced_accuracy": lambda a: float(balanced_accuracy_score(a.label, a.logits.argmax(1))),
    "mcc": lambda a: float(matthews_corrcoef(a.label, a.logits.argmax(1))),
    "within_one": lambda a: float((abs(a.logits.argmax(1) - a.label) <= 1).mean()),
    "rms_t": lambda a: float(np.sqrt(np.mean((a.mean - a.t) ** 2))),
}


def interval(
    answers: Answers, metric: Callable[[Answers], Any], draws: int = 500, seed: int = 0
) -> np.ndarray:
    """Return the 95 % interval of a metric by bootstrap over galaxies."""
    random = np.random.default_rng(seed)
    names, place = np.unique(answers.galaxy, return_inverse=True)
    members = [np.flatnonzero(place == i) for i in range(len(names))]
    values = []
    for _ in range(draws):
        drawn = random.integers(len(names), size=len(names))
        values.append(metric(answers.take(np.concatenate([members[i] for i in drawn]))))
    return np.nanpercentile(np.array(values), [2.5, 97.5], axis=0)


def recalls(answers: Answers) -> np.ndarray:
    """Return each class's recall, NaN where the sample lacks the class."""
    guess = answers.logits.argmax(1)
    return recall_score(
        answers.label,
        guess,
        labels=range(answers.logits.shape[1]),
        average=None,
        zero_division=np.nan,
    )


def measure(answers: Answers, temperature: float, draws: int = 500) -> dict[str, Any]:
    """Return every metric as [value, low, high], rounded, ready for a card."""
    result: dict[str, Any] = {"pictures": len(answers.label)}
    for name, metric in METRICS.items():
        low, high = interval(answers, metric, draws)
        result[name] = [round(value, 4) for value in (metric(answers), float(low), float(high))]
    low, high = interval(answers, recalls, draws)
    result["recall"] = {
        name: [round(float(v), 4) for v in values]
        for name, *values in zip(CLASSES, recalls(answers), low, high, strict=False)
    }
    result["ece_uncalibrated"] = round(ece(answers.label, probabilities(answers.logits)), 4)
    result["ece"] = round(ece(answers.label, probabilities(answers.logits, temperature)), 4)
    p = probabilities(answers.logits, temperature)
    likelihood = p[np.arange(len(p)), answers.label]
    result["nll"] = round(-float(np.log(likelihood + 1e-12).mean()), 4)
    return result

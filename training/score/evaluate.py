"""Evaluate: a bundle's own ONNX files on packed pictures, with intervals over galaxies."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    matthews_corrcoef,
    recall_score,
    roc_auc_score,
)

from training.data.pack import Pack
from training.words.labels import FEATURES
from training.words.types import CLASSES

__all__ = [
    "Answers",
    "bootstrap",
    "calibrated",
    "ece",
    "estimate",
    "fit_bias",
    "fit_logistic",
    "fit_sigma",
    "fit_temperature",
    "interval",
    "measure",
    "measure_features",
    "probabilities",
    "run",
]


@dataclass
class Answers:
    """A network's outputs on labelled pictures; `told` and `features` run over `FEATURES`."""

    galaxy: np.ndarray
    label: np.ndarray
    t: np.ndarray
    told: np.ndarray
    logits: np.ndarray
    mean: np.ndarray
    log_sigma: np.ndarray
    features: np.ndarray

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
    names = [value.name for value in session.get_outputs()]
    parts = [
        session.run(
            ["hubble", "t_type", *(name for name in names if name == "features")],
            {"pixels": np.ascontiguousarray(pack.exact[view][rows[i : i + batch]])},
        )
        for i in range(0, len(rows), batch)
    ]
    logits, t_type, *others = (np.concatenate(column) for column in zip(*parts, strict=True))
    unknown = np.full((len(rows), len(FEATURES)), np.nan, np.float32)  # of older bundles
    return Answers(
        galaxy=pack.galaxy[rows],
        label=pack.label[rows],
        t=pack.t[rows],
        told=pack.attributes[rows, -len(FEATURES) :],
        logits=logits,
        mean=t_type[:, 0],
        log_sigma=t_type[:, 1],
        features=others[0] if others else unknown,
    )


def probabilities(
    answers: Answers, temperature: float = 1.0, temperature_slope: float = 0.0
) -> np.ndarray:
    """Return class probabilities.

    The logits are divided by ``temperature * sigma ** temperature_slope``,
    sigma being the network's own error of T: where it is unsure of the type,
    as of noisy pictures, its classes are softened more.
    """
    scaled = answers.logits / temperature / np.exp(temperature_slope * answers.log_sigma)[:, None]
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


def fit_temperature(answers: Answers) -> tuple[float, float]:
    """Return the temperature and its slope (see `probabilities`) of the best likelihood."""
    rows = np.arange(len(answers.label))

    def loss(values: np.ndarray) -> float:
        p = probabilities(answers, float(np.exp(values[0])), float(values[1]))
        return -float(np.log(p[rows, answers.label] + 1e-12).mean())

    # Bounded: of a network that knows nothing the best temperature is none.
    found = minimize(loss, np.zeros(2), method="Nelder-Mead", bounds=[(-3, 3), (-2, 2)]).x
    return float(np.exp(found[0])), float(found[1])


def fit_logistic(told: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Return slope and offset (2, F) that calibrate logits (N, F) of what is told (NaN: nothing).

    Platt's scaling (Platt 1999), column by column; columns of which nothing is
    told stay as they are.
    """
    result = np.stack([np.ones(logits.shape[1]), np.zeros(logits.shape[1])])
    for i, (aim, z) in enumerate(zip(told.T, logits.T, strict=True)):
        known = np.isfinite(aim)
        if not known.any() or np.ptp(aim[known]) == 0:
            continue

        def loss(values: np.ndarray, aim: np.ndarray = aim[known], z: np.ndarray = z[known]) -> Any:
            scaled = np.exp(values[0]) * z + values[1]
            return (np.logaddexp(0, scaled) - aim * scaled).mean()

        slope, offset = minimize(loss, np.zeros(2), method="Nelder-Mead").x
        result[:, i] = np.exp(slope), offset
    return result


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


def bootstrap(
    galaxy: np.ndarray,
    statistic: Callable[[np.ndarray], Any],
    draws: int = 500,
    seed: int = 0,
) -> np.ndarray:
    """Return the 95 % interval, low and high, of a statistic of rows, drawing whole galaxies.

    A draw in which the statistic is undefined (NaN, or a class is missing) is passed over.
    """
    random = np.random.default_rng(seed)
    names, place = np.unique(galaxy, return_inverse=True)
    members = [np.flatnonzero(place == i) for i in range(len(names))]
    values = []
    with warnings.catch_warnings():
        # Of draws that lack a class, and of intervals without a single value.
        warnings.filterwarnings("ignore", "y_pred contains classes not in y_true|All-NaN")
        for _ in range(draws):
            drawn = random.integers(len(names), size=len(names))
            values.append(statistic(np.concatenate([members[i] for i in drawn])))
        return np.nanpercentile(np.array(values, float), [2.5, 97.5], axis=0)


def estimate(
    galaxy: np.ndarray, values: np.ndarray, draws: int = 500, *, root: bool = False
) -> list[float | None]:
    """Return the mean of values, or its root, with its interval, rounded: [value, low, high]."""
    if not len(values):
        return [None, None, None]
    low, high = bootstrap(galaxy, lambda rows: values[rows].mean(), draws)
    three = np.array([values.mean(), low, high])
    return [round(float(value), 4) for value in (np.sqrt(three) if root else three)]


def interval(
    answers: Answers, metric: Callable[[Answers], Any], draws: int = 500, seed: int = 0
) -> np.ndarray:
    """Return the 95 % interval of a metric by bootstrap over galaxies."""
    return bootstrap(answers.galaxy, lambda rows: metric(answers.take(rows)), draws, seed)


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


def measure(answers: Answers, calibration: dict[str, float], draws: int = 500) -> dict[str, Any]:
    """Return every metric as [value, low, high], rounded, ready for a card.

    `calibration` is the card's.
    """
    result: dict[str, Any] = {"pictures": len(answers.label)}
    for name, metric in METRICS.items():
        low, high = interval(answers, metric, draws)
        result[name] = [round(value, 4) for value in (metric(answers), float(low), float(high))]
    low, high = interval(answers, recalls, draws)
    result["recall"] = {
        name: [round(float(v), 4) for v in values]
        for name, *values in zip(CLASSES, recalls(answers), low, high, strict=False)
    }
    p = calibrated(answers, calibration)
    result["ece_uncalibrated"] = round(ece(answers.label, probabilities(answers)), 4)
    result["ece"] = round(ece(answers.label, p), 4)
    likelihood = p[np.arange(len(p)), answers.label]
    result["nll"] = round(-float(np.log(likelihood + 1e-12).mean()), 4)
    return result


def calibrated(answers: Answers, calibration: dict[str, float]) -> np.ndarray:
    """Return class probabilities by a card's calibration."""
    return probabilities(
        answers, calibration["temperature"], calibration.get("temperature_slope", 0.0)
    )


def measure_features(answers: Answers) -> dict[str, Any]:
    """Return for each feature how well yes is told from no.

    Pictures count that a catalogue is sure of: at most 0.25 is no, at least
    0.75 is yes.
    """
    result = {}
    for name, told, logit in zip(FEATURES, answers.told.T, answers.features.T, strict=True):
        sure = ((told <= 0.25) | (told >= 0.75)) & np.isfinite(logit)
        aim = told[sure] > 0.5
        if aim.sum() < 5 or (~aim).sum() < 5:
            continue
        p = 1 / (1 + np.exp(-logit[sure]))
        result[name] = {
            "yes": int(aim.sum()),
            "no": int((~aim).sum()),
            "roc_auc": round(float(roc_auc_score(aim, p)), 4),
            "balanced_accuracy": round(float(balanced_accuracy_score(aim, p > 0.5)), 4),
        }
    return result

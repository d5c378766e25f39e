"""Adapt: a head that is there, to pictures of another survey, by labels in its own words.

What labels can change, from little to much: nothing; the calibration and the mix of classes; the
head, by weights that are held small. Each step must gain on galaxies that were held out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.network.heads.base import Head
from galedge.network.heads.classes import Classes
from galedge.network.heads.quantity import Quantity
from galedge.network.heads.sets import entry_of
from galedge.tuning.fit import Linear, Scale, fit_classes, fit_number
from galedge.tuning.learn import Learned, Lesson, calibrated_by, held_out, log_p, measured
from galedge.tuning.questions import Question
from galedge.tuning.worth import worth

__all__ = ["adapt_classes", "adapt_number", "same_head", "scaled"]

PENALTIES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3)
"""Of weights beside what the network says already."""

STEPS = ("as it was", "shifted", "relearned")

Floats = NDArray[np.float64]


def same_head(question: Question, heads: Iterable[Head]) -> Head | None:
    """Return the head that answers a question already: of its classes, or of its number."""
    for head in heads:
        if isinstance(head, Classes):
            same = question.kind == "classes" and set(question.names) <= set(head.names)
        elif isinstance(head, Quantity):
            named = question.name.lower() in (head.name.lower(), head.symbol.lower())
            same = question.kind == "number" and named
        else:
            same = False
        if same:
            return head
    return None


def _folds(lesson: Lesson, strata: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return folds where some classes may have a single picture."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")
        return lesson.folds(strata, 5)


def _step(losses: Floats) -> int:
    """Return which of candidates (P, N) is taken, the simplest first.

    The second and the best of those after it each must gain more than one standard error.
    """
    taken = 0
    for other in (1, 2 + int(losses[2:].mean(axis=1).argmin())):
        gain = losses[taken] - losses[other]
        if gain.mean() > gain.std() / np.sqrt(len(gain)):
            taken = other
    return taken


def _taken(losses: Floats, fold: NDArray[np.intp]) -> tuple[NDArray[np.intp], int]:
    """Return what each picture's fold takes, by the losses of the others, and what all take."""
    each = np.array([_step(losses[:, fold != number]) for number in range(fold.max() + 1)])
    return each[fold], _step(losses)


def _soft(head: Classes, outputs: dict[str, NDArray[Any]]) -> Floats:
    """Return by what a head's logits are multiplied for each picture's own doubt, (N, V)."""
    if not head.sigma_output:
        return np.ones(outputs[head.output].shape[:2])
    sigma = np.exp(np.minimum(outputs[head.sigma_output][..., 1], 10))
    return np.asarray(sigma, float) ** -head.temperature_slope


def scaled(head: Classes, outputs: dict[str, NDArray[Any]]) -> Floats:
    """Return a head's logits as its temperature calibrates them, (N, V, C)."""
    raw = outputs[head.output].astype(float) / head.temperature
    return np.asarray(raw * _soft(head, outputs)[..., np.newaxis])


def adapt_classes(
    lesson: Lesson,
    head: Classes,
    outputs: dict[str, NDArray[Any]],
    plain: dict[str, NDArray[Any]] | None = None,
) -> Learned:
    """Adapt a head of classes.

    Parameters
    ----------
    lesson : Lesson
        `aim` are places of the head's classes.
    head : Classes
    outputs : dict of str to ndarray, shape (N, V, W)
        What the network says, by output.
    plain : dict of str to ndarray, optional
        What it said before its input had gains.
    """
    label = lesson.aim.astype(np.intp)
    number, views = outputs[head.output].shape[:2]
    raw = outputs[head.output].astype(float) / head.temperature
    soft = _soft(head, outputs)
    fold = _folds(lesson, label)
    flat_raw, flat_soft = raw.reshape(number * views, -1), soft.ravel()

    def fits(scaled: NDArray[np.float32], rows: NDArray[np.intp]) -> list[Linear]:
        places = (rows.reshape(-1, views)[:, :1] * views + np.arange(views)).ravel()
        asked = {"start": flat_raw[places], "soft": flat_soft[places], "even": False}
        nothing = Linear(np.zeros((scaled.shape[1], len(head.names))), np.zeros(len(head.names)))
        (shift,) = fit_classes(scaled[:, :0], label[rows], len(head.names), (1.0,), **asked)
        shifted = Linear(nothing.weights, shift.bias)
        return [
            nothing,
            shifted,
            *fit_classes(scaled, label[rows], len(head.names), PENALTIES, **asked),
        ]

    said = soft[..., np.newaxis] * (raw + held_out(lesson, fold, fits))
    crossed = said.copy()
    for place in range(1, len(said)):  # what is as it was keeps its temperature
        for outside in range(fold.max() + 1):
            here = fold == outside
            crossed[place, here] /= calibrated_by(said[place, ~here], label[~here], None)[0]
    at = np.broadcast_to(label[:, np.newaxis, np.newaxis], (number, views, 1))
    losses = np.array(
        [-np.take_along_axis(log_p(each), at, -1)[..., 0].mean(axis=1) for each in crossed]
    )
    each, taken = _taken(losses, fold)
    p = np.exp(log_p(crossed[each, np.arange(number), 0]))
    metrics = measured(label, p, lesson.group, len(head.names))
    before = np.exp(log_p(crossed[0, :, 0] if plain is None else scaled(head, plain)[:, 0]))
    metrics["before"] = measured(label, before, lesson.group, len(head.names))
    metrics["step"] = STEPS[min(taken, 2)]
    temperature = 1.0 if not taken else calibrated_by(said[taken], label, None)[0]
    final = np.exp(log_p(said[taken, :, 0] / temperature))
    card: dict[str, Any] = {
        "temperature": round(head.temperature * temperature, 4),
        "prior": [round(float(share), 4) for share in final.mean(axis=0)],
    }
    present = [len(np.unique(lesson.group[label == k])) for k in range(len(head.names))]
    sets, notes = entry_of(label, final, min(present)), []
    if sets is not None:
        card["sets"] = sets
    elif head.sets is not None:
        rare = head.names[int(np.argmin(present))]
        notes.append(
            f"{head.name}: no label sets: {min(present)} of {rare!r} cannot calibrate them here"
        )
    weights, bias = _final(lesson, fits, taken)
    raised = np.float32(head.temperature)  # which they are divided by again
    return Learned(weights * raised, bias * raised, card, metrics, False, notes)


def _final(
    lesson: Lesson, fits: Callable[[Any, Any], list[Linear]], taken: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weights and bias of what was taken, learned from all."""
    every = np.arange(len(lesson.aim))
    rows = lesson.rows(every)
    scale = Scale.of(rows, lesson.told)
    return fits(scale(rows), np.repeat(every, lesson.inputs.shape[1]))[taken].unscaled(scale)


def adapt_number(
    lesson: Lesson,
    head: Quantity,
    outputs: dict[str, NDArray[Any]],
    plain: dict[str, NDArray[Any]] | None = None,
) -> Learned:
    """Adapt a head of a number; see `adapt_classes`."""
    value = lesson.aim.astype(float)
    mean, log_sigma = np.moveaxis(outputs[head.output].astype(float), -1, 0)
    views = mean.shape[1]
    rest = value[:, np.newaxis] - mean
    edges = np.quantile(value, [0.2, 0.4, 0.6, 0.8])
    fold = _folds(lesson, np.searchsorted(edges, value))

    def fits(scaled: NDArray[np.float32], rows: NDArray[np.intp]) -> list[Linear]:
        places = rows.reshape(-1, views)[:, 0]
        away = rest[places].ravel()
        nothing = np.zeros((scaled.shape[1], 1))
        shift = away.mean() * len(places) / (len(places) + 2)
        return [
            Linear(nothing, np.zeros(1)),
            Linear(nothing, np.array([shift])),
            *fit_number(scaled, away, PENALTIES),
        ]

    wrong = held_out(lesson, fold, fits)[..., 0] - rest
    each, taken = _taken((wrong**2).mean(axis=2), fold)
    every = np.arange(len(value))

    def measures(off: Floats) -> dict[str, Any]:
        return {
            "pictures": len(value),
            "galaxies": len(np.unique(lesson.group)),
            **worth(
                lesson.group,
                {
                    "rms": lambda rows: float(np.sqrt((off[rows] ** 2).mean())),
                    "r2": lambda rows: 1 - float((off[rows] ** 2).mean() / value[rows].var()),
                },
            ),
        }

    metrics = measures(wrong[each, every, 0])
    was = wrong[0, :, 0] if plain is None else plain[head.output][:, 0, 0] - value
    metrics |= {"before": measures(was), "step": STEPS[min(taken, 2)]}
    weights, bias = _final(lesson, fits, taken)
    scale = np.sqrt(np.mean((wrong[taken, :, 0] / np.exp(log_sigma[:, 0])) ** 2))
    return Learned(
        np.concatenate([weights, np.zeros_like(weights)], axis=1),
        np.array([bias[0], 0], np.float32),
        {"sigma_scale": round(float(scale), 4)},
        metrics,
        False,
    )

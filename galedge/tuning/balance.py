"""Balance: the colours of another camera, brought nearer to those that the network knows.

Other bands, or other gains of them, tint every picture alike, which no head can undo. The mean of
all pictures tells the tint without a label; labels tell how much of it to take off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from galedge.network.heads.base import Head
from galedge.network.heads.classes import Classes
from galedge.network.heads.quantity import Quantity
from galedge.tuning.adapt import same_head, scaled
from galedge.tuning.base import Base, Seen
from galedge.tuning.learn import log_p
from galedge.tuning.questions import Question

__all__ = ["adapted", "balance"]

SHARES = (0.25, 0.5, 0.75, 1.0)
"""Of the tint that are tried."""

Floats = NDArray[np.float64]


def adapted(questions: Sequence[Question], base: Base) -> tuple[Question, Head] | None:
    """Return the first question that a head of the base answers already, and that head."""
    for question in questions:
        head = same_head(question, base.card.heads)
        if head is not None:
            return question, head
    return None


def balance(base: Base, seen: Seen, question: Question, head: Head) -> tuple[Base, Seen]:
    """Return the base with gains of its planes, and what it sees then, where labels gain by it.

    The likelihood of labels must gain more than one standard error by the best of `SHARES`.
    """
    pixels, value = seen.pixels, question.values[seen.rows]
    here = np.flatnonzero(np.isfinite(value))
    if pixels is None or not len(here):
        return base, seen
    mean = pixels.mean(axis=(0, 2, 3), dtype=np.float64)
    if mean.min() < 1 or np.ptp(mean) < 1e-3 * mean.mean():  # no light, or no colours
        return base, seen
    loss = _loss(question, head, value[here])
    before = loss({name: each[here, :1] for name, each in seen.outputs.items()})
    best = before
    found = base
    for share in SHARES:
        gains = tuple(round(float(gain), 4) for gain in (mean.mean() / mean) ** share)
        other = replace(base, gains=gains)
        _, outputs = other.look(iter(pixels[here]), len(here), views=1)
        after = loss(outputs)
        if after.mean() < best.mean():
            best, found = after, other
    gain = before - best
    if gain.mean() <= gain.std() / np.sqrt(len(gain)):
        return base, seen
    inputs, outputs = found.look(iter(pixels), len(pixels))
    return found, replace(seen, inputs=inputs, outputs=outputs, plain=seen.outputs)


def _loss(
    question: Question, head: Head, value: Floats
) -> Callable[[dict[str, NDArray[np.float32]]], Floats]:
    """Return what gives each picture's loss, of a head's answer to its first view."""
    if isinstance(head, Classes):
        places = np.array([head.names.index(name) for name in question.names])
        label = places[value.astype(int)]

        def of_classes(outputs: dict[str, NDArray[np.float32]]) -> Floats:
            told = log_p(scaled(head, outputs)[:, 0])
            return -np.take_along_axis(told, label[:, np.newaxis], 1)[:, 0]

        return of_classes
    assert isinstance(head, Quantity)
    return lambda outputs: (outputs[head.output][:, 0, 0].astype(float) - value) ** 2

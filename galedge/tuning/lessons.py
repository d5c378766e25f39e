"""Lessons: every question of the labels, learned by the head that suits it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from galedge.errors import GaledgeError
from galedge.network.heads import Head
from galedge.network.heads.classes import Classes
from galedge.network.heads.quantity import Quantity
from galedge.support.say import counted
from galedge.tuning.adapt import adapt_classes, adapt_number, same_head
from galedge.tuning.base import Base, Seen
from galedge.tuning.bundle import Graft, fit_name
from galedge.tuning.checks import enough, groups_of
from galedge.tuning.labels import Labels
from galedge.tuning.learn import Learned, Lesson, learn_classes, learn_number
from galedge.tuning.questions import Question

__all__ = ["Lessons", "of_classes_and_numbers", "of_yes_and_no"]

ADAPTED = 20
"""Galaxies, with fewer of which no head is adapted."""

_COMFORT = 20  # galaxies of a class below which a user is told


class Lessons:
    """Labelled pictures as they are learned from, question by question.

    `pairs` of them are of one source.
    """

    def __init__(
        self, base: Base, labels: Labels, seen: Seen, pairs: Sequence[tuple[int, int]] = ()
    ) -> None:
        self.base, self.labels, self.seen = base, labels, seen
        groups = labels.groups and [labels.groups[row] for row in seen.rows]
        self.group = groups_of(seen.prints, groups, pairs)
        self.same = groups_of(seen.prints, None, pairs)
        card = base.card
        self.told = sum(card.heads.outputs[output][0] for output in base.further)
        self.pooled = seen.inputs.shape[2] - self.told
        self.entries: list[dict[str, Any]] = base.entries()
        self.called: dict[str, str] = {}  # heads, by what a user calls them

    def of(self, question: Question) -> tuple[Lesson, int]:
        """Return a question's lesson, and how many galaxies its rarest class has."""
        values = question.values[self.seen.rows]
        here = np.flatnonzero(np.isfinite(values))
        fewest = enough(self.labels.path, question, values[here], self.group[here])
        inputs = self.seen.inputs if len(here) == len(values) else self.seen.inputs[here]
        lesson = Lesson(inputs, self.told, values[here], self.group[here], len(question.names))
        return lesson, fewest


def of_classes_and_numbers(
    lessons: Lessons,
    name: str | None,
    new: bool,
    grafts: list[Graft],
    heads: dict[str, Learned],
    notes: list[str],
) -> None:
    """Learn a head of each question that is not of yes or no, or adapt one that is there.

    With `new` none is adapted.
    """
    chosen = [question for question in lessons.labels.questions if question.kind != "yesno"]
    for question in chosen:
        same = None if new else same_head(question, lessons.base.card.heads)
        if same is not None:
            lessons.called[question.name] = same.name
            _adapted(lessons, question, same, grafts, heads, notes)
            continue
        lesson, fewest = lessons.of(question)
        entry: dict[str, Any]
        if question.kind == "number":
            learned = learn_number(lesson)
            entry = {"kind": "quantity", "description": f"{question.name}, learned from labels"}
        else:
            learned = learn_classes(lesson, sets=True)
            entry = {"kind": "classes", "names": list(question.names)}
            notes += _comfort(question, lesson, fewest)
        entry |= learned.card
        wanted = name if name and len(chosen) == 1 else question.name
        entry["name"] = fit_name(wanted, lessons.entries, entry)
        if entry["name"] != wanted:
            notes.append(f"{question.name}: its head is called {entry['name']}")
        lessons.entries.append({**entry, "output": entry["name"]})
        lessons.called |= dict.fromkeys((wanted, question.name), entry["name"])
        grafts.append(Graft(entry, learned.weights, learned.bias))
        heads[entry["name"]] = learned


def _adapted(
    lessons: Lessons,
    question: Question,
    head: Head,
    grafts: list[Graft],
    heads: dict[str, Learned],
    notes: list[str],
) -> None:
    """Adapt a head to a question's labels."""
    values, seen = question.values[lessons.seen.rows], lessons.seen
    here = np.flatnonzero(np.isfinite(values))
    group = lessons.group[here]
    if len(np.unique(group)) < ADAPTED:
        raise GaledgeError(
            f"{lessons.labels.path}: {question.name}: {len(np.unique(group))} galaxies "
            f"cannot adapt {head.name}; label {ADAPTED} or more (200 do well)"
        )
    outputs = {name: each[here] for name, each in seen.outputs.items()}
    plain = seen.plain and {name: each[here] for name, each in seen.plain.items()}
    if isinstance(head, Classes):
        places = np.array([head.names.index(name) for name in question.names], float)
        aim = places[values[here].astype(int)]
        lesson = Lesson(seen.inputs[here], lessons.told, aim, group, len(head.names))
        learned = adapt_classes(lesson, head, outputs, plain)
    else:
        assert isinstance(head, Quantity)
        lesson = Lesson(seen.inputs[here], lessons.told, values[here], group, 0)
        learned = adapt_number(lesson, head, outputs, plain)
    if lessons.base.gains:
        learned.metrics["gains"] = list(lessons.base.gains)
    was = next(entry for entry in lessons.entries if entry["name"] == head.name)
    entry = {key: value for key, value in was.items() if key != "sets"} | learned.card
    grafts.append(Graft(entry, learned.weights, learned.bias, head.output))
    heads[head.name] = learned
    notes += learned.notes


def of_yes_and_no(
    lessons: Lessons,
    name: str | None,
    grafts: list[Graft],
    heads: dict[str, Learned],
    notes: list[str],
) -> None:
    """Learn one head of all questions of yes or no, calibrated in the network."""
    chosen = [question for question in lessons.labels.questions if question.kind == "yesno"]
    if not chosen:
        return
    weights, bias = [], []
    entry: dict[str, Any] = {"kind": "labels", "names": [question.name for question in chosen]}
    alone = len(lessons.labels.questions) == len(chosen)
    entry["name"] = fit_name(name if name and alone else "own", lessons.entries, entry)
    for question in chosen:
        lesson, fewest = lessons.of(question)
        learned = learn_classes(lesson, sets=False)
        notes += _comfort(question, lesson, fewest)
        temperature = learned.card["temperature"]
        weights.append((learned.weights[:, 1] - learned.weights[:, 0]) / temperature)
        bias.append((learned.bias[1] - learned.bias[0]) / temperature)
        heads[f"{entry['name']}.{question.name}"] = learned
    grafts.append(Graft(entry, np.stack(weights, 1).astype(np.float32), np.array(bias, np.float32)))


def _comfort(question: Question, lesson: Lesson, fewest: int) -> Iterator[str]:
    if fewest < _COMFORT:
        count = np.bincount(lesson.aim.astype(int), minlength=lesson.classes)
        rare = question.names[int(count.argmin())]
        yield (
            f"{question.name}: only {counted(int(count.min()), 'picture')} of {rare!r}: "
            f"{_COMFORT} or more give closer figures, 50 a better head"
        )

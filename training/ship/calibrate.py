"""Calibrate: label sets and prior of a bundle that is there, written into its card."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from galedge.network.card import Card
from galedge.network.heads.classes import Classes
from galedge.network.heads.sets import DEFAULT
from training.data.pack import Pack
from training.score.answers import Answers, run
from training.score.prior import lines_of, shifted
from training.score.sets import coverage, measured, rows_of, sets_of
from training.ship.bundle import calibration_of
from training.words.card import write_card
from training.words.fields import TaskError

__all__ = ["calibrate"]


def calibrate(bundle: Path, pack: Pack, precision: str = "int8") -> Iterator[str]:
    """Calibrate on val, write the card, and yield what that is worth on test, line by line.

    Raises
    ------
    TaskError
        If val has no classes.
    """
    card = Card.read(bundle)
    file, calibration = bundle / f"model.{precision}.onnx", calibration_of(card)
    views = pack.kinds().items()
    val = [run(file, pack, pack.demand("val"), view) for _, view in views]
    found = sets_of(Answers.join(val), calibration)
    if not found:
        raise TaskError(f"{pack.folder}: val has no picture of a known class")
    test = {kind: run(file, pack, pack.demand("test"), view) for kind, view in views}
    _write(bundle, found, measured(test, calibration, found))
    heads = Card.read(bundle).heads
    for head in heads:
        if not isinstance(head, Classes) or head.name not in found:
            continue
        known = {kind: answers.only(head.name) for kind, answers in test.items()}
        if head.sets is not None and head.sets.least(DEFAULT) is not None:
            yield f"{head.name}, sets of level {DEFAULT:g}, test split:\n"
            yield from rows_of(coverage(known, calibration, head.sets), head.names)
            yield ""
        yield f"{head.name}, samples of the test split of other shares of classes:\n"
        yield from lines_of(shifted(known, calibration, head.prior))
        yield ""


def _write(bundle: Path, found: dict[str, dict[str, Any]], worth: dict[str, Any]) -> None:
    """Put what was found, and what it is worth, into a card of either schema."""
    fields = json.loads((bundle / "card.json").read_text())
    if fields.get("schema", 1) == 1:
        entries = {"hubble": fields}  # its one head of classes has no entry of its own
    else:
        entries = {head["name"]: head for head in fields["heads"]}
    for name in found.keys() & entries.keys():
        entries[name].pop("sets", None)
        entries[name].update(found[name])
    metrics = fields.setdefault("metrics", {})
    metrics.pop("sets", None)
    if worth:
        metrics["sets"] = worth
    write_card(bundle, fields)

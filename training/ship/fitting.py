"""Fitting: what is put right in a network's file, and told in its card, by its answers on val."""

from __future__ import annotations

from pathlib import Path

import torch

from training.data.pack import Pack, kind_of, of_kind
from training.score import small
from training.score.answers import Answers, run
from training.score.fits import fit_bias, fit_keep, fit_logistic, fit_sigma, fit_temperature
from training.ship.export import Corrections
from training.words.heads import Classes, Labels, Quantity
from training.words.task import Task

__all__ = ["alike", "calibration", "corrections_of", "of_others", "on_val"]

SIMULATIONS = 4  # of each picture of val: their noise, and the fit's, averages out
LOST = 0.002  # of galaxies, by calling them something else; small ones fare worse


def alike(pack: Pack) -> list[str]:
    """Return the views to calibrate on: several of each kind, every kind as often as the others."""
    kinds = [of_kind(pack.exact, kind_of(view))[:SIMULATIONS] for view in pack.kinds().values()]
    most = max(map(len, kinds))
    return [views[i % len(views)] for views in kinds for i in range(most)]


def on_val(file: Path, pack: Pack) -> list[Answers]:
    """Return what an ONNX file answers on val, view by view."""
    views, rows = alike(pack), pack.demand("val")
    found = {view: run(file, pack, rows, view) for view in set(views)}
    return [found[view] for view in views]


def corrections_of(task: Task, sets: list[Answers], blend: float) -> Corrections:
    """Return what is corrected in a network's file, by its answers on val, view by view."""
    joined = Answers.join(sets)
    bias = {
        head.name: torch.tensor(fit_bias([answers.only(head.name) for answers in sets])).float()
        for head in task.every(Classes)
    }
    teller = task.teller
    if teller is not None:
        kept = teller.names.index(teller.subject)
        known = joined.only(teller.name)
        logits = known.logits[known.label == kept]
        bias[teller.name] = torch.tensor(fit_keep(logits, kept, LOST)).float()
    slopes = {
        head.name: torch.tensor(fit_logistic(joined.told[head.name], joined.said[head.name]))
        for head in task.every(Labels)
    }
    return Corrections(bias, {name: value.float() for name, value in slopes.items()}, blend)


def of_others(file: Path, *packs: Pack | None) -> Answers | None:
    """Return the answers on val of packs of other things than galaxies, None without any."""
    parts = [run(file, pack, small.of_val(pack), "auto") for pack in packs if pack is not None]
    return Answers.join(parts) if parts else None


def calibration(answers: Answers, others: Answers | None = None) -> dict[str, dict[str, float]]:
    """Return the calibration of each head of classes, and of each quantity, for a card.

    The head that tells what a source is needs `others` beside galaxies.
    """
    teller = answers.task.teller
    found: dict[str, dict[str, float]] = {}
    for head in answers.task.heads:
        part = answers.only(head.name)
        if head is teller and others is not None:
            part = Answers.join([part, others.only(head.name)])
        if isinstance(head, Classes):
            temperature, slope = fit_temperature(part)
            found[head.name] = {"temperature": round(temperature, 4)}
            if answers.task.binned(head) is not None:
                found[head.name]["temperature_slope"] = round(slope, 4)
        elif isinstance(head, Quantity):
            found[head.name] = {"sigma_scale": round(fit_sigma(part), 4)}
    return found

"""Report: what a bundle is worth on a split, as one HTML page and as metrics.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from galedge.network.card import Card
from training.data.pack import KINDS, Pack
from training.report import cameras, figures
from training.report.contact import sheet as contact
from training.report.numbers import PER_CLASS, measured
from training.report.page import Page, number
from training.score import transitions
from training.score.answers import Answers, calibrated, run
from training.score.others import apart
from training.score.strata import QUANTITIES, by_stratum, catalogued, seen
from training.ship.bundle import calibration_of
from training.words.heads import Labels
from training.words.task import Task

__all__ = ["report"]

WORST = 32  # pictures on a contact sheet


def report(
    bundle: Path,
    pack: Pack,
    out: Path,
    *,
    split: str = "test",
    precision: str = "int8",
    source: Path | None = None,
    beside: Sequence[cameras.Seen] = (),
    draws: int = 500,
) -> dict[str, Any]:
    """Measure a bundle and write OUT/index.html and OUT/metrics.json.

    Parameters
    ----------
    bundle : Path
        A bundle's folder.
    pack : Pack
        Opened for the bundle's task, with exact pictures of the network's own recipe.
    out : Path
        A folder; made if need be.
    split, precision : str
        What is measured.
    source : Path, optional
        The folder that was packed: without it, nothing is said of size and signal-to-noise.
    beside : sequence of training.report.cameras.Seen
        Bundles to show side by side through cameras, measured.
    draws : int
        Bootstrap draws of every interval.

    Returns
    -------
    dict
        What metrics.json holds.
    """
    card = Card.read(bundle)
    network = bundle / f"model.{precision}.onnx"
    fitted = calibration_of(card)
    task = pack.task
    rows = pack.demand(split)
    views = pack.kinds(cameras=False)
    every = {kind: run(network, pack, rows, view) for kind, view in views.items()}
    sources = {name or "all": pack.source[rows] == name for name in sorted(set(pack.source[rows]))}
    sets = {
        (name, kind): answers.take(np.flatnonzero(member))
        for name, member in sources.items()
        for kind, answers in every.items()
    }
    quantities = {
        kind: {
            **{name: values[rows] for name, values in catalogued(pack).items()},
            **(seen(pack, source, rows, kind) if source else {}),
        }
        for kind in every
    }
    told: dict[str, Any] = {}
    for (name, kind), answers in sets.items():
        strata = {
            quantity: partial(by_stratum, values=values[sources[name]], draws=draws)
            for quantity, values in quantities[kind].items()
        }
        told.setdefault(name, {})[kind] = measured(answers, fitted, strata, draws)
    kind = next(iter(every))  # colour, unless the pack lacks it
    partner = transitions.partners(pack, rows)
    neighbours = transitions.pairs(task.classes) if task.classes else []
    pairs = {
        name: {
            "/".join(names): transitions.pair(sets[name, kind], fitted, names, draws)
            for names in neighbours
        }
        for name in sources
        if neighbours
    }
    first = next(iter(sources.values()))
    compared = None
    if task.classes and task.quantity:
        compared = transitions.catalogues(every[kind], partner, first, fitted, draws)
    said = [run(network, pack, rows, view) for view in pack.cameras]
    outside = apart(network, pack, [*every.values(), *said], pack.source[rows], fitted, draws)
    result = {
        "model": card.name,
        "version": card.version,
        "network": {
            "file": network.name,
            "sha256": hashlib.sha256(network.read_bytes()).hexdigest(),
        },
        "classes": task.classes.name if task.classes else None,
        "quantity": about_quantity(task),
        "calibration": fitted,
        "split": split,
        "pack": {"source": pack.info["source"], "recipe": pack.info["recipe"]},
        "interval": f"95 %, {draws} bootstrap draws over galaxies",
        "sets": told,
        "transitions": pairs,
        "catalogues": compared,
        "found": outside,
    }
    out.mkdir(parents=True, exist_ok=True)
    page = Page(f"{card.name} on the {split} split", result)
    page.overview()
    summarize(page, sets, told, fitted)
    page.found(outside)
    through_cameras(page, beside)
    page.strata_of(told, QUANTITIES)
    answers = every[kind]
    p = calibrated(answers, fitted) if task.classes else np.empty((len(rows), 0))
    captions = Captions(pack, rows, answers, partner, p)
    pixels = pack.exact[KINDS[kind]]

    def sheet(places: np.ndarray, text: str) -> None:
        if len(places):
            drawn = figures.sheet(pixels[rows[places]], [captions(i) for i in places])
            page.picture(drawn, text, "png")

    for name, confusions in pairs.items():
        page.transitions(name, confusions)
        for names, values in confusions.items():
            at = np.flatnonzero(sources[name])[values["confused"]]
            sheet(at[: WORST // 2], f"{name}, {names} taken for each other, surest first")
            values["confused"] = [str(pack.file[row]) for row in rows[at]]
    if compared:
        one, two, *_ = sources
        title = result["quantity"]["title"]
        drawn = figures.disagreement(
            compared["points"], compared["thirds"], f"|{title} of {one} - {title} of {two}|"
        )
        page.catalogues(list(sources), compared, drawn)
    if task.classes:
        page.heading("The worst errors")
        own = p[np.arange(len(p)), answers.label]
        for name, member in sources.items():
            wrong = np.flatnonzero(member & (p.argmax(1) != answers.label) & (answers.label >= 0))
            picked = wrong[np.argsort(own[wrong], kind="stable")][:WORST]
            sheet(picked, f"{name}, {kind}: least probability of their own class first")
    (out / "metrics.json").write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    (out / "index.html").write_text(page.html())
    return result


def through_cameras(page: Page, seen: Sequence[cameras.Seen]) -> None:
    """Add bundles side by side through cameras, and what they see."""
    if not seen:
        return
    page.heading("Through other cameras")
    page.note(
        "The same galaxies as the cameras of training/data/cameras.py would have written them, "
        "all sources together. ECE: beside it what perfect probabilities would show on as many "
        "pictures. The worst of a bias and of a share within the error is furthest from 0 and 0.68."
    )
    page.table(*cameras.table([one.result for one in seen]))
    for one in seen:
        page.picture(contact(one), "What the network sees and answers; green is right", "png")


def about_quantity(task: Task) -> dict[str, str] | None:
    """Return what a page calls the quantity of a task."""
    head = task.quantity
    if head is None:
        return None
    name = head.description or head.name.replace("_", " ")
    return {"name": name, "title": head.title, "symbol": head.symbol, "rms": f"rms_{head.symbol}"}


def summarize(
    page: Page,
    sets: dict[tuple[str, str], Answers],
    told: dict[str, Any],
    fitted: dict[str, dict[str, float]],
) -> None:
    """Add what is told of classes, quantity and labels."""
    task = next(iter(sets.values())).task

    def known(name: str) -> dict[tuple[str, str], Answers]:
        parts = {key: answers.only(name) for key, answers in sets.items()}
        return {key: part for key, part in parts.items() if len(part.galaxy)}

    classes = known(task.classes.name) if task.classes else {}
    if classes:
        page.classes(PER_CLASS)
        counts = {key: np.array(told[key[0]][key[1]]["confusion"]) for key in classes}
        page.figure(
            "Confusion",
            figures.confusion(counts, next(iter(classes.values())).classes.names),
            "Rows are labels, columns answers; shades are shares of the row.",
        )
        page.figure(
            "Precision and recall",
            figures.precision_recall(classes, fitted),
            "The probability of each class as a test for it, at every threshold.",
        )
        page.calibration(figures.calibration(classes, fitted))
    values = known(task.quantity.name) if task.quantity else {}
    if values:
        page.quantity(figures.values(values), figures.residuals(values))
    for head in task.every(Labels):
        page.labels(head.name)


class Captions:
    """Says under a picture what it is, what it was taken for, and what the other catalogue says."""

    def __init__(
        self, pack: Pack, rows: np.ndarray, answers: Answers, partner: np.ndarray, p: np.ndarray
    ) -> None:
        self.names = pack.galaxy[rows]
        self.answers = answers
        self.partner = partner
        self.p = p

    def __call__(self, i: int) -> str:
        """Return the caption of a row's picture."""
        answers = self.answers
        classes, head = answers.classes.names, answers.task.quantity
        label, p = answers.label[i], self.p[i]
        guess = p.argmax()
        lines = [
            str(self.names[i]),
            f"{classes[label]} {number(p[label], 2)}",
            f"→ {classes[guess]} {number(p[guess], 2)}",
        ]
        if head is not None:
            digits = 0 if head.step >= 1 else 2
            lines[1] += f", {head.title} {answers.value[i]:.{digits}f}"
            lines[2] += f", {head.title} {answers.mean[i]:.{digits + 1}f}"
            if self.partner[i] >= 0:
                other = answers.value[self.partner[i]]
                lines.append(f"other: {head.title} {other:.{digits}f}")
        return "\n".join(lines)

"""Report: what a bundle is worth on a split, as one HTML page and as metrics.json."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    precision_recall_fscore_support,
)

from training.data.pack import KINDS, Pack
from training.report import figures
from training.report.page import Page, number
from training.score import transitions
from training.score.evaluate import (
    Answers,
    bootstrap,
    calibrated,
    ece,
    measure,
    measure_features,
    probabilities,
    run,
)
from training.score.strata import QUANTITIES, by_stratum, catalogued, seen
from training.words.types import CLASSES

__all__ = ["PER_CLASS", "per_class", "report"]

PER_CLASS = ("precision", "recall", "f1", "average_precision")
WORST = 32  # pictures on a contact sheet


def per_class(answers: Answers, card: dict[str, float], draws: int = 500) -> dict[str, Any]:
    """Return precision, recall, F1 and average precision of each class, with intervals.

    `card` is the card's calibration, as in all that follows.
    """
    p = calibrated(answers, card)
    labels = np.arange(p.shape[1])

    def scores(rows: np.ndarray) -> np.ndarray:
        label = answers.label[rows]
        three = precision_recall_fscore_support(
            label, p[rows].argmax(1), labels=labels, zero_division=np.nan
        )[:3]
        area = [
            average_precision_score(label == c, p[rows, c]) if (label == c).any() else np.nan
            for c in labels
        ]
        return np.array([*three, area])

    value = scores(np.arange(len(p)))
    low, high = bootstrap(answers.galaxy, scores, draws)
    return {
        name: {
            "pictures": int((answers.label == c).sum()),
            **{
                key: [_rounded(part[i, c]) for part in (value, low, high)]
                for i, key in enumerate(PER_CLASS)
            },
        }
        for c, name in enumerate(CLASSES)
    }


def _rounded(value: float) -> float | None:
    """Return a number for JSON, which has no NaN."""
    return round(float(value), 4) if np.isfinite(value) else None


def calibration(answers: Answers, card: dict[str, float], draws: int) -> dict[str, list[float]]:
    """Return the calibration error before and after the temperature, with intervals."""

    def errors(rows: np.ndarray) -> list[float]:
        part = answers.take(rows)
        return [ece(part.label, p) for p in (probabilities(part), calibrated(part, card))]

    value = errors(np.arange(len(answers.label)))
    low, high = bootstrap(answers.galaxy, errors, draws)
    return {
        name: [round(float(part[i]), 4) for part in (value, low, high)]
        for i, name in enumerate(("ece_before", "ece_after"))
    }


def t_type(answers: Answers, scale: float) -> dict[str, float]:
    """Return bias and scatter of T, and how many errors lie within the sigma that is given."""
    rest = answers.mean - answers.t
    sigma = np.exp(answers.log_sigma) * scale
    return {
        "t_bias": round(float(rest.mean()), 4),
        "t_median_error": round(float(np.median(np.abs(rest))), 4),
        "t_within_sigma": round(float((np.abs(rest) <= sigma).mean()), 4),
        "t_within_two_sigma": round(float((np.abs(rest) <= 2 * sigma).mean()), 4),
    }


def report(
    bundle: Path,
    pack: Pack,
    out: Path,
    *,
    split: str = "test",
    precision: str = "int8",
    source: Path | None = None,
    draws: int = 500,
) -> dict[str, Any]:
    """Measure a bundle and write OUT/index.html and OUT/metrics.json.

    Parameters
    ----------
    bundle : Path
        A bundle's folder.
    pack : Pack
        With exact pictures of the network's own recipe.
    out : Path
        A folder; made if need be.
    split, precision : str
        What is measured.
    source : Path, optional
        The folder that was packed: without it, nothing is said of size and signal-to-noise.
    draws : int
        Bootstrap draws of every interval.

    Returns
    -------
    dict
        What metrics.json holds.
    """
    card = json.loads((bundle / "card.json").read_text())
    network = bundle / f"model.{precision}.onnx"
    fitted = card["calibration"]
    rows = pack.rows(split)
    if not len(rows):
        raise ValueError(f"{pack.folder}: has no labelled picture in the {split} split")
    every = {kind: run(network, pack, rows, view) for kind, view in pack.kinds().items()}
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
    measured: dict[str, Any] = {}
    for (name, kind), answers in sets.items():
        member = sources[name]
        measured.setdefault(name, {})[kind] = {
            **measure(answers, fitted, draws),
            **calibration(answers, fitted, draws),
            **t_type(answers, fitted["t_sigma_scale"]),
            "features": measure_features(answers),
            "classes": per_class(answers, fitted, draws),
            "confusion": confusion_matrix(
                answers.label, answers.logits.argmax(1), labels=range(len(CLASSES))
            ).tolist(),
            "strata": {
                quantity: by_stratum(answers, values[member], draws)
                for quantity, values in quantities[kind].items()
            },
        }
    kind = next(iter(every))  # colour, unless the pack lacks it
    partner = transitions.partners(pack, rows)
    pairs = {
        name: {
            "/".join(names): transitions.pair(sets[name, kind], fitted, names, draws)
            for names in transitions.PAIRS
        }
        for name in sources
    }
    first = next(iter(sources.values()))
    result = {
        "model": card["name"],
        "version": card["version"],
        "network": {
            "file": network.name,
            "sha256": hashlib.sha256(network.read_bytes()).hexdigest(),
        },
        "calibration": fitted,
        "split": split,
        "pack": {"source": pack.info["source"], "recipe": pack.info["recipe"]},
        "interval": f"95 %, {draws} bootstrap draws over galaxies",
        "sets": measured,
        "transitions": pairs,
        "catalogues": transitions.catalogues(every[kind], partner, first, fitted, draws),
    }
    out.mkdir(parents=True, exist_ok=True)
    page = Page(f"{card['name']} on the {split} split", result)
    page.overview()
    page.classes(PER_CLASS)
    page.figure(
        "Confusion",
        figures.confusion({key: np.array(measured[key[0]][key[1]]["confusion"]) for key in sets}),
        "Rows are labels, columns answers; shades are shares of the row.",
    )
    page.figure(
        "Precision and recall",
        figures.precision_recall(sets, fitted),
        "The probability of each class as a test for it, at every threshold.",
    )
    page.calibration(figures.calibration(sets, fitted))
    page.t_type(figures.t_types(sets), figures.t_residuals(sets))
    page.features()
    page.heading("Error by size, signal-to-noise, inclination and confidence of the label")
    page.note(
        "Size and noise are those of the image that was prepared; pictures that were framed "
        "before us have one size, and light in the border where the noise is taken."
    )
    for quantity, label in QUANTITIES.items():
        tables = {
            key: table
            for key in sets
            if len(table := measured[key[0]][key[1]]["strata"].get(quantity, [])) > 1
        }
        if tables:
            page.picture(figures.strata(tables, label))
    p = calibrated(every[kind], fitted)
    captions = Captions(pack, rows, every[kind], partner, p)
    for name, member in sources.items():
        page.transitions(name, pairs[name])
        here = np.flatnonzero(member)
        for names, values in pairs[name].items():
            picked = here[values["confused"]][: WORST // 2]
            if len(picked):
                pixels = pack.exact[KINDS[kind]][rows[picked]]
                drawn = figures.sheet(pixels, [captions(i) for i in picked])
                page.picture(drawn, f"{name}, {names} taken for each other, surest first", "png")
    if result["catalogues"]:
        page.catalogues(
            list(sources),
            result["catalogues"],
            figures.disagreement(result["catalogues"]["points"], result["catalogues"]["thirds"]),
        )
    page.heading("The worst errors")
    own = p[np.arange(len(p)), every[kind].label]
    for name, member in sources.items():
        wrong = np.flatnonzero(member & (p.argmax(1) != every[kind].label))
        picked = wrong[np.argsort(own[wrong], kind="stable")][:WORST]
        if len(picked):
            pixels = pack.exact[KINDS[kind]][rows[picked]]
            drawn = figures.sheet(pixels, [captions(i) for i in picked])
            text = f"{name}, {kind}: least probability of their own class first"
            page.picture(drawn, text, "png")
    for name in pairs:
        for values in pairs[name].values():
            at = np.flatnonzero(sources[name])[values["confused"]]
            values["confused"] = [str(pack.file[row]) for row in rows[at]]
    (out / "metrics.json").write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    (out / "index.html").write_text(page.html())
    return result


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
        label, p = self.answers.label[i], self.p[i]
        guess = p.argmax()
        lines = [
            str(self.names[i]),
            f"{CLASSES[label]} {number(p[label], 2)}, T {self.answers.t[i]:.0f}",
            f"→ {CLASSES[guess]} {number(p[guess], 2)}, T {self.answers.mean[i]:.1f}",
        ]
        if self.partner[i] >= 0:
            lines.append(f"other: T {self.answers.t[self.partner[i]]:.0f}")
        return "\n".join(lines)

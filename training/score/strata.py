"""Strata: how the error depends on what a picture is like.

The size of the frame and the signal-to-noise come from `galedge.prepare` on
the very image that was packed; inclination and the width of the confidence
limits from the labels, also for another picture of a galaxy that has them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from training.data.pack import Pack, pictures, rows_of
from training.data.simulate import STRETCHED, UNSTRETCHED, luma, simulate
from training.score.answers import Answers
from training.score.evaluate import estimate
from training.words.targets import number

__all__ = ["QUANTITIES", "by_stratum", "catalogued", "seen"]

QUANTITIES = {
    "side": "side of the frame (pixels of the image)",
    "sn": "signal-to-noise per pixel",
    "inclination": "inclination (0 face-on, 1 edge-on)",
    "limits": "distance of the label's confidence limits",
}

LEAST = 15  # galaxies in a stratum of a quantity of few values


def catalogued(pack: Pack) -> dict[str, np.ndarray]:
    """Return inclination and distance of the confidence limits, NaN where unknown."""
    rows = rows_of(pack.folder)
    head = pack.task.quantity
    low, high = (head.limits if head else ()) or ("", "")
    known: dict[str, tuple[float, float]] = {}
    for galaxy, row in zip(pack.galaxy, rows, strict=True):
        inclination = number(row, "inclination")
        limits = number(row, high) - number(row, low)
        if np.isfinite(limits) or inclination >= 0:
            known[galaxy] = (inclination if inclination >= 0 else np.nan, limits)
    table = np.array([known.get(galaxy, (np.nan, np.nan)) for galaxy in pack.galaxy])
    return {"inclination": table[:, 0], "limits": table[:, 1]}


def seen(pack: Pack, source: Path, rows: np.ndarray, kind: str) -> dict[str, np.ndarray]:
    """Return what `prepare` finds in the images that rows of a pack were made from.

    Parameters
    ----------
    pack : Pack
        Packed from all of `source` (a simulation is drawn again by its row).
    source : Path
        The folder of the pictures.
    kind : str
        colour, grey, linear or mono; the simulations are those of number 0.

    Returns
    -------
    dict
        ``side``: the frame in pixels. ``sn``: mean of flux over noise per pixel, in the
        circle that the frame was drawn around.
    """
    from galedge.images.prepare import prepare
    from galedge.images.recipe import Recipe

    recipe = Recipe.from_json(pack.info["recipe"])
    stretch = UNSTRETCHED if pack.info.get("flux") else STRETCHED
    files = [{"file": str(pack.file[row])} for row in rows]
    found: list[tuple[float, float]] = []
    for row, picture in zip(rows, pictures(source, files), strict=True):
        image = picture
        if kind == "grey":
            image = luma(picture)
        elif kind != "colour":
            mono = kind == "mono"
            key = (pack.info["seed"], 0, int(mono), int(row))
            image = simulate(picture, key, mono, stretch)
        fact = prepare([image], recipe).facts[0]
        side = np.nan if fact.side is None else fact.side
        found.append((side, signal_to_noise(image, fact, recipe.margin)))
    side, sn = np.array(found).T
    return {"side": side, "sn": sn}


def signal_to_noise(image: np.ndarray, fact: Any, margin: float) -> float:
    """Return the mean of flux over noise in the circle that a frame was drawn around."""
    if fact.side is None or not fact.noise:
        return float("nan")
    light = image if image.ndim == 2 else image.mean(0)
    y, x = np.ogrid[: light.shape[0], : light.shape[1]]
    inside = np.hypot(x - fact.x, y - fact.y) <= max(fact.side / margin / 2, 1)
    return float((light[inside].mean() - fact.sky) / fact.noise)


def by_stratum(
    answers: Answers, values: np.ndarray, draws: int = 500, parts: int = 4
) -> list[dict[str, Any]]:
    """Return the share of right classes and the RMS of the network's quantity in strata of another.

    One of few values is split by value, another into equal parts.
    """
    known = np.isfinite(values)
    levels, counts = np.unique(values[known], return_counts=True)
    if not len(levels):
        return []
    if len(levels) <= 8:
        edges, held = [], 0
        for level, count in zip(levels, counts, strict=True):
            held += count
            if held >= LEAST:
                edges.append(level)
                held = 0
        edges = [*edges[:-1], np.inf]
    else:
        edges = [*np.quantile(values[known], np.arange(1, parts) / parts), np.inf]
    result = []
    low = -np.inf
    for high in edges:
        rows = np.flatnonzero(known & (values > low) & (values <= high))
        low = high
        if not len(rows):
            continue
        row: dict[str, Any] = {
            "from": round(float(values[rows].min()), 3),
            "to": round(float(values[rows].max()), 3),
            "middle": round(float(np.median(values[rows])), 3),
            "pictures": len(rows),
        }
        task, part = answers.task, answers.take(rows)
        if task.classes is not None:
            one = part.only(task.classes.name)
            row["accuracy"] = estimate(one.galaxy, one.logits.argmax(1) == one.label, draws)
        if task.quantity is not None:
            one = part.only(task.quantity.name)
            away = (one.mean - one.value) ** 2
            row[f"rms_{task.quantity.symbol}"] = estimate(one.galaxy, away, draws, root=True)
        result.append(row)
    return result

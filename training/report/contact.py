"""Contact: a sheet of what a network sees through every camera, and of what it answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from training.report.cameras import Seen, machine
from training.score.answers import Answers, calibrated

__all__ = ["sheet", "write"]


def write(seen: Sequence[Seen], folder: Path) -> None:
    """Write cameras.json, what was measured, and a sheet of each bundle, cameras.png the first."""
    if not seen:
        return
    told = {"machine": machine(), "bundles": [one.result for one in seen]}
    (folder / "cameras.json").write_text(json.dumps(told, indent=1, allow_nan=False) + "\n")
    for place, one in enumerate(seen):
        more = f"-{place}" if place else ""
        sheet(one).savefig(folder / f"cameras{more}.png", dpi=100)


def sheet(seen: Seen, columns: int = 9) -> Figure:
    """Draw what the network sees of some galaxies, a row a camera, and what it answers."""
    chosen = _some(seen, columns)
    task = seen.pack.task
    scale = max(1, round(128 / seen.pack.info["recipe"]["size"]))
    lines = []
    for view in seen.views.values():
        pixels = seen.pack.exact[view][seen.rows[chosen]].transpose(0, 2, 3, 1)
        pixels = pixels.repeat(scale, 1).repeat(scale, 2)
        lines.append(np.concatenate(list(np.pad(pixels, ((0, 0), (2, 2), (2, 2), (0, 0)))), 1))
    mosaic = np.concatenate(lines)
    side = mosaic.shape[1] // len(chosen)
    figure = Figure(
        figsize=(mosaic.shape[1] / 100 + 1.2, mosaic.shape[0] / 100 + 0.8), layout="constrained"
    )
    ax = figure.subplots()
    ax.imshow(mosaic, interpolation="nearest")
    middles = (np.arange(max(mosaic.shape) // side) + 0.5) * side
    ax.set_yticks(middles[: len(lines)], list(seen.views), fontsize=11)
    ax.set_xticks(middles[: len(chosen)], [_title(seen, i) for i in chosen], fontsize=9)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    for y, answers in enumerate(seen.kinds.values()):
        part = answers.take(chosen)
        for x in range(len(chosen)):
            text, right = _said(part, x, seen)
            colour = {True: "#9fe29f", False: "#ffb07a", None: "white"}[right]
            place = (x * side + 5, (y + 1) * side - 6)
            ax.text(*place, text, fontsize=8, color=colour, va="bottom")
    ax.set_title(f"{seen.card.name} {seen.card.version}, {task.name}", fontsize=11)
    return figure


def _some(seen: Seen, number: int) -> np.ndarray:
    """Return places of pictures: of every class as many, drawn but always the same."""
    label = seen.pack.label[seen.rows]
    random = np.random.default_rng(0)
    order = random.permutation(len(label))
    seldom = np.zeros(len(label), int)
    for one in np.unique(label):
        members = order[label[order] == one]
        seldom[members] = np.arange(len(members))
    chosen = order[np.argsort(seldom[order], kind="stable")][:number]
    return chosen[np.argsort(label[chosen], kind="stable")]


def _title(seen: Seen, place: int) -> str:
    row = seen.rows[place]
    head = seen.pack.task.classes
    label = int(seen.pack.label[row])
    told = f"\n{head.names[label]}" if head is not None and label >= 0 else ""
    return f"{seen.pack.galaxy[row]}{told}"


def _said(answers: Answers, place: int, seen: Seen) -> tuple[str, bool | None]:
    """Return what is answered of a picture, in a few letters, and whether it is right."""
    task = answers.task
    texts, right = [], None
    if task.classes is not None:
        p = calibrated(answers, seen.fitted)[place]
        label = answers.label[place]
        texts.append(f"{task.classes.names[p.argmax()]} {p.max():.2f}")
        right = None if label < 0 else bool(p.argmax() == label)
    if task.quantity is not None:
        texts.append(f"{answers.mean[place]:.1f}")
    if not texts:
        head = task.heads[0]
        texts.append(head.names[int(np.nanargmax(answers.said[head.name][place]))])
    return "  ".join(texts), right

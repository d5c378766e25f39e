"""Small: stars beside galaxies that are hardly larger, of which a network is seldom sure.

What a network has learned of stars it has largely learned of rendered ones beside large galaxies.
Which of two small sources it calls a star then goes by how often it saw either, not by a sky. A
pack of real ones, told by a column `kind`, says where to draw the line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from training.data.pack import Pack
from training.score.answers import run
from training.words.heads import Classes
from training.words.targets import hard

__all__ = ["balance", "fit", "measured", "of_val"]

Set = tuple[np.ndarray, np.ndarray]
"""By how much a class is ahead of the subject (N,), and where it is the truth (N,)."""


def balance(ahead: np.ndarray, true: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return the balanced accuracy of a class when its logit is lowered by each of some biases."""
    taken = ahead[:, None] > bias
    return (taken[true].mean(0) + 1 - taken[~true].mean(0)) / 2


def fit(network: Path, head: Classes, beside: Pack, others: list[Pack]) -> np.ndarray:
    """Return what to add to a head's logits (C,), by a pack's val and by further pictures.

    For each class that the pack tells beside the subject: the bias, of those that lower it, with
    the highest balanced accuracy, in the mean over the pack's sources and over `others` together.

    Parameters
    ----------
    network : Path
        The ONNX file.
    head : Classes
        The one that tells what a source is.
    beside : Pack
        Of small sources.
    others : list of Pack
        Whose val pictures, or of packs without a val all, count together as one source more.

    Raises
    ------
    ValueError
        If the pack's val tells nothing.
    """
    kept = head.names.index(head.subject)
    sets = [_said(network, head, beside, rows) for rows in _by_source(beside, head, "val").values()]
    rest = [_said(network, head, pack, of_val(pack)) for pack in others]
    result = np.zeros(head.width)
    for place in range(head.width):
        if place == kept or not any((truth == place).any() for _, truth in sets):
            continue
        found = [_ahead(logits, truth, place, kept) for logits, truth in sets]
        ahead = [_ahead(logits, truth, place, kept) for logits, truth in rest]
        if ahead:
            found.append(tuple(map(np.concatenate, zip(*ahead, strict=True))))
        found = [(a, true) for a, true in found if 0 < true.sum() < len(true)]
        grid = np.linspace(0, max(max(a.max() for a, _ in found), 0), 201)
        worth = np.mean([balance(a, true, grid) for a, true in found], axis=0)
        result[place] -= grid[worth.argmax()]
    return result


def measured(network: Path, head: Classes, beside: Pack) -> dict[str, dict[str, Any]]:
    """Return by source of the test split how many of each class are called so, and the ROC area."""
    from sklearn.metrics import roc_auc_score

    kept = head.names.index(head.subject)
    result: dict[str, dict[str, Any]] = {}
    for source, rows in _by_source(beside, head, "test").items():
        logits, truth = _said(network, head, beside, rows)
        called = logits.argmax(1)
        row: dict[str, Any] = {}
        for place, name in enumerate(head.names):
            if (of := truth == place).any():
                share = round(float((called[of] == place).mean()), 4)
                row[name] = {"pictures": int(of.sum()), "found": share}
        if 0 < (truth == kept).sum() < len(truth):
            not_kept = np.delete(logits, kept, axis=1).max(1) - logits[:, kept]
            row["roc_area"] = round(float(roc_auc_score(truth != kept, not_kept)), 4)
        result[source or "all"] = row
    return result


def _by_source(pack: Pack, head: Classes, split: str) -> dict[str, np.ndarray]:
    rows = np.flatnonzero((pack.split == split) & np.isfinite(pack.told[head.name]).any(1))
    if not len(rows):
        raise ValueError(f"{pack.folder}: no picture of {split} has a {head.column}")
    return {str(name): rows[pack.source[rows] == name] for name in sorted(set(pack.source[rows]))}


def of_val(pack: Pack) -> np.ndarray:
    """Return the rows of val; of a pack without splits, as of what was rendered, all."""
    rows = np.flatnonzero(pack.split == "val")
    return rows if len(rows) else np.arange(len(pack))


def _said(
    network: Path, head: Classes, pack: Pack, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a head's logits (N, C) and the classes that are told (N,)."""
    answers = run(network, pack, rows, "auto").only(head.name)
    return answers.said[head.name], hard(answers.told[head.name])


def _ahead(logits: np.ndarray, truth: np.ndarray, place: int, kept: int) -> Set:
    ours = (truth == place) | (truth == kept)
    return logits[ours, place] - logits[ours, kept], truth[ours] == place

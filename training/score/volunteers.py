"""Volunteers: what a network calls galaxies in which people saw arms, or a disk edge-on.

Nobody gave these a type, but what they saw rules types out. They are further away than
the galaxies of the catalogues that the network learned its classes from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from training.data.pack import Pack
from training.score.answers import run
from training.score.evaluate import estimate
from training.score.lines import table, three
from training.words.heads import Labels

__all__ = ["contradicted", "rows_of"]

_SURE = 0.75  # of a share of votes


def contradicted(network: Path, pack: Pack, split: str, draws: int = 500) -> dict[str, Any]:
    """Return how often an ONNX file gives a class that is ruled out.

    Returns
    -------
    dict
        By kind of input and label: `pictures`, the classes ruled out as `called`, and `share`
        as [value, low, high].
    """
    result: dict[str, Any] = {}
    rows = np.flatnonzero((pack.split == split) & (pack.label < 0))
    for kind, view in pack.kinds().items() if len(rows) else ():
        answers = run(network, pack, rows, view)
        guess = np.array(answers.classes.names)[answers.logits.argmax(1)]
        told = [(head, name) for head in pack.task.every(Labels) for name in head.excludes]
        for head, name in told:
            seen = answers.told[head.name][:, head.names.index(name)] >= _SURE
            if seen.any():
                wrong = list(head.excludes[name])
                share = estimate(answers.galaxy[seen], np.isin(guess[seen], wrong), draws)
                row = {"pictures": int(seen.sum()), "called": wrong, "share": share}
                result.setdefault(kind, {})[name] = row
    return result


def rows_of(result: dict[str, Any]) -> list[str]:
    """Return a result as lines of a Markdown table."""
    rows = [
        [kind, name, str(row["pictures"]), " or ".join(row["called"]), three(row["share"])]
        for kind, features in result.items()
        for name, row in features.items()
    ]
    return table(["input", "seen", "pictures", "called", "share"], rows)

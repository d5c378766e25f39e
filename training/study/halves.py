"""Halves: what calibration is worth on galaxies that it has not seen, over many ways to split.

One split of a few hundred galaxies says little of a calibration error: through every camera they
are the same galaxies, easy or hard together. Here val and test are thrown together and halved
again and again; a temperature that one half gives is measured on the other. Nothing is chosen so.

    python -m training.study.halves BUNDLE PACK
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from training.data.pack import Pack
from training.fit.runs import task_of_bundle
from training.score.answers import Answers, probabilities, run
from training.score.evaluate import chance, ece
from training.score.fits import fit_temperature

__all__ = ["halves"]


def halves(bundle: Path, folder: Path, draws: int = 24, seed: int = 0) -> dict[str, list[float]]:
    """Return calibration errors of the other half: mean over draws, 5th and 95th percentile.

    Returns
    -------
    dict
        `all` kinds of input together, `cameras` in the mean, the `worst` camera, and `by_chance`,
        what perfect probabilities would show of each camera in the mean.
    """
    task = task_of_bundle(bundle)
    pack = Pack.open(folder, task)
    assert task.classes is not None
    rows = np.concatenate([pack.demand("val"), pack.demand("test")])
    said = {
        kind: run(bundle / "model.int8.onnx", pack, rows, view).only(task.classes.name)
        for kind, view in pack.kinds().items()
    }
    names, place = np.unique(next(iter(said.values())).galaxy, return_inverse=True)
    random = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        first = (random.permutation(len(names)) < len(names) // 2)[place]
        one, other = np.flatnonzero(first), np.flatnonzero(~first)
        fitted = fit_temperature(Answers.join([answers.take(one) for answers in said.values()]))
        held = {kind: answers.take(other) for kind, answers in said.items()}
        p = {kind: probabilities(answers, *fitted) for kind, answers in held.items()}
        each = [ece(held[name].label, p[name]) for name in pack.cameras]
        label = np.concatenate([answers.label for answers in held.values()])
        lucky = np.mean([chance(p[name], 20) for name in pack.cameras])
        together = ece(label, np.concatenate(list(p.values())))
        found.append((together, np.mean(each), max(each), lucky))

    def three(values: Any) -> list[float]:
        return np.round([np.mean(values), *np.percentile(values, [5, 95])], 4).tolist()

    columns = zip(*found, strict=True)
    return dict(zip(("all", "cameras", "worst", "by_chance"), map(three, columns), strict=True))


if __name__ == "__main__":
    print(json.dumps(halves(Path(sys.argv[1]), Path(sys.argv[2])), indent=1))

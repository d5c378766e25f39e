"""What suggesting saves: a person's labels simulated, asked for by chance or where a model doubts.

    python -m training.study.asking features.parquet truth.csv

`features.parquet` is of `galedge embed`, `truth.csv` has a column ``file`` and columns of yes
and no. A third of the galaxies are kept to judge by; of the rest 50 are labelled by chance, and
then as many again and again, by chance or as `galedge label --suggest` would ask for them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galedge.answers.asking import useful
from galedge.tables.features import read_features
from galedge.tables.labelpage import read_labels
from training.score.lines import table

__all__ = ["BUDGETS", "simulate"]

BUDGETS = (50, 100, 200, 400)
_SEEDS = 5


def simulate(
    vectors: NDArray[np.float32], truth: NDArray[np.bool_], seed: int
) -> dict[str, list[float]]:
    """Return the area under the ROC at each of `BUDGETS`, by how labels were asked for.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, D)
    truth : ndarray of bool, shape (N,)
    seed : int
        Of the split and of the first labels, which are the same for both ways.
    """
    from sklearn.metrics import roc_auc_score

    order = np.random.default_rng(seed).permutation(len(truth))
    judged, pool = order[: len(order) // 3], order[len(order) // 3 :]
    found: dict[str, list[float]] = {"chance": [], "suggest": []}
    for way, areas in found.items():
        labelled = list(pool[: BUDGETS[0]])
        for budget in BUDGETS:
            while len(labelled) < budget:
                rest = np.setdiff1d(pool, labelled)
                number = min(50, budget - len(labelled))
                if way == "chance":
                    new = np.random.default_rng([seed, budget, len(labelled)]).choice(
                        rest, number, replace=False
                    )
                else:
                    told = _learned(vectors, truth, labelled, rest)
                    new = rest[useful(1 - 2 * abs(told - 0.5), vectors[rest], number)]
                labelled += list(new)
            told = _learned(vectors, truth, labelled, judged)
            areas.append(float(roc_auc_score(truth[judged], told)))
    return found


def _learned(
    vectors: NDArray[np.float32],
    truth: NDArray[np.bool_],
    labelled: list[int],
    asked: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Return the probability of yes of what is asked, as the labels so far tell it."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(set(truth[labelled])) < 2:
        return np.full(len(asked), 0.5)
    # By class weights, as rare classes are what people look for.
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.003, class_weight="balanced", max_iter=300)
    )
    model.fit(vectors[labelled], truth[labelled])
    return np.asarray(model.predict_proba(vectors[asked])[:, 1])


def _lines(features: str, labels: str) -> list[str]:
    """Return a table of areas in Markdown."""
    held, truth = read_features(features), read_labels(labels)
    names = [Path(str(row["path"])).name for row in held.take(range(len(held)))]
    known = {Path(row["file"]).name: row for row in truth.rows}
    rows = []
    for question in truth.names:
        at = [i for i, name in enumerate(names) if question in known.get(name, {})]
        yes = np.array([known[names[i]][question] == "yes" for i in at])
        runs = [simulate(held.vectors[at], yes, seed) for seed in range(_SEEDS)]
        for way in runs[0]:
            areas = np.array([run[way] for run in runs])
            cells = (f"{m:.3f} ± {s:.3f}" for m, s in zip(areas.mean(0), areas.std(0), strict=True))
            rows.append([question, f"{yes.mean():.1%}", way, *cells])
    return table(["question", "yes", "asked", *(f"{b} labels" for b in BUDGETS)], rows)


if __name__ == "__main__":
    for line in _lines(*sys.argv[1:3]):
        print(line)

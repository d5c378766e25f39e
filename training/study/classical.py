"""Classical methods: a descriptor, a learner, and its settings chosen on val."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from training.data.sample import Sample
from training.study import descriptors
from training.study.descriptors import describe, gradients

__all__ = ["METHODS", "Answer", "Classical", "Method", "answers", "choose", "fit", "framed"]

WHOLE = 88  # side at which structure is measured, of the whole picture; EFIGI's own
HOG_SIZE = 72
HOG_LENGTH = 2304  # 8 x 8 blocks of 2 x 2 cells in 9 directions

# What was computed by other code is computed again.
_CODE = (__file__, descriptors.__file__)

Answer = tuple[np.ndarray, np.ndarray]  # class and T of each picture
Method = Callable[[list[np.ndarray]], Answer]


def framed(pictures: list[np.ndarray], size: int, framing: str = "auto") -> np.ndarray:
    """Return pictures as the network gets them."""
    return prepare(pictures, Recipe.latest(size=size, framing=framing)).pixels


def structures(pictures: list[np.ndarray]) -> np.ndarray:
    """Return the structure and colours of whole pictures."""
    return np.stack([describe(picture) for picture in framed(pictures, WHOLE, "full")])


def oriented(pictures: list[np.ndarray]) -> np.ndarray:
    """Return the oriented gradients of framed pictures."""
    return np.stack([gradients(pixels) for pixels in framed(pictures, HOG_SIZE)])


def both(pictures: list[np.ndarray]) -> np.ndarray:
    """Return structure, colours and oriented gradients."""
    return np.concatenate([structures(pictures), oriented(pictures)], 1)


# Each builds a classifier, or with `t` a regressor, of given settings.


def _forest(t: bool, min_samples_leaf: int, max_features: float) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    same: dict[str, Any] = {"n_estimators": 200, "random_state": 0, "n_jobs": 1}
    same |= {"min_samples_leaf": min_samples_leaf, "max_features": max_features}
    if t:
        return _scaled(RandomForestRegressor(**same))
    return _scaled(RandomForestClassifier(class_weight="balanced_subsample", **same))


def _boosting(t: bool, learning_rate: float, max_leaf_nodes: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    same: dict[str, Any] = {"learning_rate": learning_rate, "max_leaf_nodes": max_leaf_nodes}
    same |= {"max_iter": 150, "early_stopping": False, "l2_regularization": 1.0, "random_state": 0}
    if t:
        return HistGradientBoostingRegressor(**same)
    return HistGradientBoostingClassifier(class_weight="balanced", **same)


def _machine(t: bool, C: float, components: int = 0) -> Any:
    from sklearn.svm import SVC, SVR

    machine = SVR(C=C) if t else SVC(C=C, class_weight="balanced")
    return _scaled(*_reduced(components), machine)


def _linear(t: bool, C: float, components: int) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    if t:
        return _scaled(*_reduced(components), Ridge(alpha=1 / C))
    logistic = LogisticRegression(C=C, class_weight="balanced", max_iter=500)
    return _scaled(*_reduced(components), logistic)


def _scaled(*steps: Any) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), *steps)


def _reduced(components: int) -> list[Any]:
    """Return the projection of the gradients, which come last, on principal components."""
    from sklearn.compose import make_column_transformer
    from sklearn.decomposition import PCA

    if not components:
        return []
    pca = PCA(components, whiten=True, svd_solver="randomized", random_state=0)
    return [make_column_transformer((pca, _hog_columns), remainder="passthrough")]


def _hog_columns(table: np.ndarray) -> slice:
    return slice(table.shape[1] % HOG_LENGTH, None)


@dataclass(frozen=True)
class Classical:
    """A descriptor, a learner, and the settings to choose from."""

    describe: Callable[[list[np.ndarray]], np.ndarray]
    build: Callable[..., Any]
    grid: dict[str, tuple[float, ...]]


TREES = {"min_samples_leaf": (1, 3, 6), "max_features": (0.4,)}
STEPS = {"learning_rate": (0.06,), "max_leaf_nodes": (7, 15, 31)}
METHODS = {
    "structure, random forest": Classical(structures, _forest, TREES),
    "structure, SVM": Classical(structures, _machine, {"C": (1, 3, 10)}),
    "structure, gradient boosting": Classical(structures, _boosting, STEPS),
    "HOG, PCA, logistic regression": Classical(
        oriented, _linear, {"C": (0.01, 0.1, 1), "components": (64,)}
    ),
    "HOG, PCA, SVM": Classical(oriented, _machine, {"C": (1, 3), "components": (32, 64)}),
    "structure and HOG, PCA, SVM": Classical(both, _machine, {"C": (1, 3), "components": (16, 32)}),
}


def fit(sample: Sample, name: str) -> dict[str, Any]:
    """Choose a method's settings on val; return them with the fitted models and their size."""
    method = METHODS[name]
    table = np.concatenate([described(sample, part) for part in _parts(method.describe)], 1)
    found: dict[str, Any] = {"models": [], "chosen": []}
    for t in (False, True):
        if t and not np.isfinite(sample.value[sample.rows("train")]).all():
            break
        key = f"{name.replace(', ', '-').replace(' ', '-')}-{'t' if t else 'class'}"
        model, chosen = sample.kept(key, lambda t=t: choose(sample, method, table, t), _CODE)
        found["models"].append(model)
        found["chosen"].append(chosen)
    found["size"] = size_of(found["models"])
    return found


def choose(
    sample: Sample, method: Classical, table: np.ndarray, t: bool
) -> tuple[Any, dict[str, float]]:
    """Fit every setting on train; return the model that is best on val, and its settings."""
    train, val = sample.rows("train"), sample.rows("val")
    sources = np.array([sample.data.rows[i]["source"] for i in val])
    aim = sample.value if t else sample.label
    best: tuple[float, Any, dict[str, float]] = (-np.inf, None, {})
    for values in product(*method.grid.values()):
        setting = dict(zip(method.grid, values, strict=True))
        if "components" in setting:  # of a small set there are fewer
            setting["components"] = min(setting["components"], len(train) // 2)
        model = method.build(t, **setting).fit(table[train], aim[train])
        guess = model.predict(table[val])
        worth = np.mean(
            [_worth(t, aim[val][sources == s], guess[sources == s]) for s in np.unique(sources)]
        )
        if worth > best[0]:
            best = float(worth), model, setting
    return best[1:]


def _parts(describe: Callable[..., Any]) -> tuple[Callable[..., Any], ...]:
    return (structures, oriented) if describe is both else (describe,)


def described(sample: Sample, describe: Callable[..., np.ndarray]) -> np.ndarray:
    """Return the descriptors of all pictures, kept piece by piece."""
    pieces = np.array_split(np.arange(len(sample.label)), max(1, len(sample.label) // 512))
    return np.concatenate(
        [
            sample.kept(
                f"{describe.__name__}-{k}", lambda p=piece: describe(sample.pictures(p)), _CODE
            )
            for k, piece in enumerate(pieces)
        ]
    )


def _worth(t: bool, truth: np.ndarray, guess: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    if t:
        return -float(np.sqrt(np.mean((truth - guess) ** 2)))
    return float(f1_score(truth, guess, average="macro", zero_division=0))


def size_of(models: list[Any]) -> str:
    """Return how much the models hold: nodes of trees, support vectors, or weights."""
    nodes = vectors = weights = 0
    for model in models:
        last = model[-1] if hasattr(model, "steps") else model
        if hasattr(last, "estimators_"):
            nodes += sum(tree.tree_.node_count for tree in last.estimators_)
        elif hasattr(last, "_predictors"):
            nodes += sum(len(tree.nodes) for round_ in last._predictors for tree in round_)
        elif hasattr(last, "support_vectors_"):
            vectors += len(last.support_vectors_)
        else:
            weights += np.size(last.coef_) + np.size(last.intercept_)
    told = ((nodes, "tree nodes"), (vectors, "support vectors"), (weights, "weights"))
    return ", ".join(f"{number:,} {name}" for number, name in told if number)


def answers(method: Classical, models: list[Any]) -> Method:
    """Return fitted models as a method from pictures to answers."""

    def answer(pictures: list[np.ndarray]) -> Answer:
        table = method.describe(pictures)
        label = models[0].predict(table)
        return label, models[1].predict(table) if len(models) > 1 else np.full(len(label), np.nan)

    return answer

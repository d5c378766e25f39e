"""Others: how many stars and artefacts are found, of images that are rendered to be measured."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from training.data.others import ARTEFACTS, artefact, star
from training.data.pack import Pack
from training.score.answers import Answers, run
from training.score.evaluate import found
from training.words.card import Calibration
from training.words.heads import Classes
from training.words.targets import targets

__all__ = ["NAMES", "apart", "drawn", "images", "rendered"]

NAMES = ("star", *ARTEFACTS)  # of what is no galaxy
NUMBER = 200  # of each kind
SEED = 1717  # of what is measured; none that training draws from


def apart(
    network: Path,
    pack: Pack,
    every: list[Answers],
    source: np.ndarray,
    calibration: Calibration,
    draws: int = 500,
    number: int | None = None,
) -> dict[str, Any]:
    """Return what `training.score.evaluate.found` does, of each unordered head of classes.

    A head that tells stars and artefacts by a column `kind` is shown rendered ones beside what
    the pack holds.

    Parameters
    ----------
    network : Path
        The ONNX file that gave the answers.
    every : list of Answers
        Of the pack's pictures, through every kind of input.
    source : ndarray of str
        Of the pictures, in the order of each of them.
    number : int, optional
        Rendered images of each kind. Default: `NUMBER`.
    """
    result = {}
    joined, sources = Answers.join(every), np.tile(source, len(every))
    for head in pack.task.every(Classes):
        told = np.isfinite(joined.told[head.name]).all(1)
        if head.ordered or not told.any():
            continue
        known, names = joined.only(head.name), sources[told]
        others = rendered(pack, head, number or NUMBER)
        if others is not None:
            answers = run(network, others, np.arange(len(others)), "auto").only(head.name)
            known, names = Answers.join([known, answers]), np.append(names, others.source)
        if values := found(known, calibration, names, draws=draws):
            result[head.name] = values
    return result


def rendered(pack: Pack, head: Classes, number: int, seed: int = SEED) -> Pack | None:
    """Return rendered images as a pack, None for a head that knows none of them."""
    if head.column != "kind" or not {"star", "artefact"} <= set(head.names):
        return None
    rows = [
        {"file": f"{name}-{i}", "kind": "star" if name == "star" else "artefact"}
        for name in NAMES
        for i in range(number)
    ]
    return Pack(
        folder=Path("rendered"),
        info=pack.info,
        exact={"auto": np.concatenate([pixels for _, pixels in drawn(pack, number, seed)])},
        file=np.array([row["file"] for row in rows]),
        galaxy=np.array([row["file"] for row in rows]),
        source=np.repeat(NAMES, number),
        split=np.full(len(rows), "test"),
        task=pack.task,
        told=targets(pack.task, rows, strict=False),
    )


def drawn(pack: Pack, number: int = NUMBER, seed: int = SEED) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the names of what is no galaxy, and pictures of each by a pack's recipe."""
    recipe = Recipe.from_json(pack.info["recipe"])
    for name in NAMES:
        yield name, images(name, recipe, number, seed)


@lru_cache(maxsize=64)
def images(name: str, recipe: Recipe, number: int, seed: int = SEED) -> np.ndarray:
    """Return prepared images (N, 3, S, S) of stars, or of one of `ARTEFACTS`: always the same."""
    place = NAMES.index(name)
    dice = [np.random.default_rng((seed, place, i)) for i in range(number)]
    made = [star(one) if name == "star" else artefact(one, name) for one in dice]
    return np.asarray(prepare(made, recipe).pixels)

"""Curves: what a head of a user's own is worth, by how many labels it was learned from.

    python -m training.study.curves work/gz2 work/stars -o curves.json --weights mobilenet_v2.pth

The packs are made with ``--keep`` and hold the split that the networks were trained by. The head
is that of `galedge tune`, on what stays frozen; ROC areas are of galaxies in val and test.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from galedge._version import __version__
from galedge.support.extras import need
from galedge.tuning.learn import Lesson, learn_classes
from galedge.tuning.worth import roc_area, worth
from training.data.pack import Pack, rows_of
from training.score.lines import table
from training.study.questions import QUESTIONS, Question, Sides, draw, sides
from training.study.seers import Bundle, Imagenet, Seer, remembered

__all__ = ["BUDGETS", "compare", "curve", "halves", "markdown", "measure"]

BUDGETS = (50, 100, 200, 400)
SEEDS = 3
HALVED = 100  # labels, by which galaxies that a network knows are compared with others
ENOUGH = 80  # galaxies of a kind to halve


def curve(
    inputs: NDArray[np.float32],
    told: int,
    place: dict[int, int],
    found: Sides,
    judged: NDArray[np.float32],
    seeds: int,
) -> dict[str, list[float]]:
    """Return the areas of heads learned from each of `BUDGETS`, one of each seed.

    Parameters
    ----------
    inputs : ndarray, shape (N, V, D)
        Of pictures that labels are drawn from; `place` says where each row is.
    told : int
        How many of D, the last, a network tells already.
    judged : ndarray, shape (M, D)
        Of the galaxies that are judged by, as they are.
    """
    areas: dict[str, list[float]] = {}
    for budget in BUDGETS:
        for seed in range(seeds):
            rows, label = draw(found, budget, seed)
            chosen = np.array([place[int(row)] for row in rows])
            area = _learned(inputs[chosen], told, label, judged, found.truth)
            areas.setdefault(str(budget), []).append(area)
    return areas


def _learned(
    inputs: NDArray[np.float32],
    told: int,
    label: NDArray[np.intp],
    judged: NDArray[np.float32],
    truth: NDArray[np.bool_],
) -> float:
    learned = learn_classes(Lesson(inputs, told, label, np.arange(len(label)), 2), sets=False)
    said = judged @ (learned.weights[:, 1] - learned.weights[:, 0])
    return round(roc_area(truth, said), 4)


def halves(
    pools: tuple[NDArray[np.float32], NDArray[np.float32]],
    held: tuple[NDArray[np.float32], NDArray[np.float32]],
    told: int,
    seeds: int = 6,
) -> dict[str, list[float]]:
    """Return areas with labels of galaxies that a network was trained on, and of others.

    Parameters
    ----------
    pools, held : pairs of ndarray, shapes (N, V, D)
        What is yes and what is no, in train, and in val and test: of these one half is labelled
        and the other judges, and as many of train are labelled for the same judges.
    """
    areas: dict[str, list[float]] = {"seen": [], "unseen": []}
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        mixed = [random.permutation(each) for each in held]
        few = [min(len(each) // 2, HALVED // 2) for each in held]
        judged = np.concatenate([each[n:, 0] for each, n in zip(mixed, few, strict=True)])
        truth = np.repeat([True, False], [len(e) - n for e, n in zip(mixed, few, strict=True)])
        for name, source in {"seen": pools, "unseen": mixed}.items():
            drawn = [random.permutation(e) if name == "seen" else e for e in source]
            inputs = np.concatenate([each[:n] for each, n in zip(drawn, few, strict=True)])
            area = _learned(inputs, told, np.repeat([1, 0], few), judged, truth)
            areas[name].append(area)
    return areas


def compare(pack: Pack, seer: Seer, cache: Path | None = None) -> Iterator[dict[str, Any]]:
    """Yield `halves` of each question of which val and test hold enough of both kinds."""
    rows = rows_of(pack.folder)
    for question in QUESTIONS:
        found = sides(question, rows, most=HALVED)
        if found is None or min(found.truth.sum(), (~found.truth).sum()) < ENOUGH:
            continue
        judged = [found.judged[found.truth == kind][: 4 * HALVED] for kind in (True, False)]

        def see(some: NDArray[np.intp]) -> NDArray[np.float32]:
            return remembered(seer, pack, list(some), every=True, cache=cache)

        pools, held = (see(found.yes), see(found.no)), (see(judged[0]), see(judged[1]))
        areas = halves(pools, held, len(seer.labels))
        yield {"model": seer.name, "question": question.name, "labels": HALVED, **areas}


def measure(
    pack: Pack, seer: Seer, cache: Path | None = None, done: Iterable[str] = ()
) -> Iterator[dict[str, Any]]:
    """Yield the curve of each question that a pack tells of, but for those that are done."""
    rows = rows_of(pack.folder)
    asked = [(each, sides(each, rows)) for each in QUESTIONS if each.name not in set(done)]
    here = [(question, found) for question, found in asked if found is not None]
    if not here:
        return
    pools = np.unique(np.concatenate([np.concatenate([f.yes, f.no]) for _, f in here]))
    held = np.unique(np.concatenate([f.judged for _, f in here]))
    inputs = remembered(seer, pack, list(pools), every=True, cache=cache)
    judged = remembered(seer, pack, list(held), every=False, cache=cache)[:, 0]
    place = {int(row): at for at, row in enumerate(pools)}
    for question, found in here:
        seen = judged[np.searchsorted(held, found.judged)]
        areas = curve(inputs, len(seer.labels), place, found, seen, SEEDS)
        row: dict[str, Any] = {
            "model": seer.name,
            "question": question.name,
            "pool": [len(found.yes), len(found.no)],
            "judged": [int(found.truth.sum()), int((~found.truth).sum())],
            "areas": areas,
        }
        own = _own(question, seer, seen)
        if own is not None:
            area = partial(_area, found.truth, own)
            row["own"] = worth(np.arange(len(own)), {"area": area})["area"]
        yield row


def _area(truth: NDArray[np.bool_], said: NDArray[Any], rows: NDArray[np.intp]) -> float:
    return roc_area(truth[rows], said[rows])


def _own(question: Question, seer: Seer, seen: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Return what a network's own labels say of a question, where it has them."""
    if not question.heads or not set(question.heads) <= set(seer.labels):
        return None
    told = seen[:, -len(seer.labels) :]
    at = [seer.labels.index(name) for name in question.heads]
    return np.asarray(told[:, at[0]] - (told[:, at[1]] if len(at) > 1 else 0))


def markdown(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return the table of what was measured."""
    told = []
    for row in rows:
        cells = [f"{np.mean(a):.3f} ± {np.std(a):.3f}" for a in row["areas"].values()]
        own = f"{row['own'][0]:.3f}" if "own" in row else ""
        judged = "{} of {}".format(row["judged"][0], sum(row["judged"]))
        told.append([row["question"], judged, row["model"], own, *cells])
    labels = [f"{budget} labels" for budget in BUDGETS]
    return table(["question", "judged by", "model", "own head", *labels], told)


@click.command()
@click.argument("packs", type=click.Path(path_type=Path, exists=True), nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--model", "models", multiple=True, default=("hubble-2", "hubble-1"), help="or none")
@click.option("--weights", type=click.Path(path_type=Path, exists=True), help="of MobileNetV2")
@click.option("--halved", is_flag=True, help="compare labels of galaxies it has seen and not")
@click.option("--cache", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(
    packs: tuple[Path, ...],
    output: Path,
    models: tuple[str, ...],
    weights: Path | None,
    halved: bool,
    cache: Path | None,
) -> None:
    """Write the curves of every question that packs tell of; what is written already is kept."""
    seers: list[Seer] = [Bundle(model) for model in models if model != "none"]
    if weights:
        seers.append(Imagenet(weights))
    about = {seer.name: seer.sha256 for seer in seers}
    result: dict[str, Any] = {"galedge": __version__, "networks": {}, "rows": []}
    if output.exists():
        result = json.loads(output.read_text())
    result["networks"] |= about
    rows = result["rows"]
    need("sklearn.model_selection", "tune", "tuning")  # before its products are held to one thread
    with need("threadpoolctl", "tune", "tuning").threadpool_limits(1):
        for folder in packs:
            for seer in seers:
                done = [row["question"] for row in rows if row["model"] == seer.name]
                for row in measure(Pack.open(folder), seer, cache, done):
                    rows.append(row)
                    output.write_text(json.dumps(result, indent=1) + "\n")
                    click.echo(f"{seer.name}: {row['question']}", err=True)
                if halved:
                    result.setdefault("halves", []).extend(compare(Pack.open(folder), seer, cache))
                    output.write_text(json.dumps(result, indent=1) + "\n")
    order = [question.name for question in QUESTIONS]
    for line in markdown(sorted(rows, key=lambda row: order.index(row["question"]))):
        click.echo(line)


if __name__ == "__main__":
    main()

"""Adapting: what labels of one camera win back of what the camera costs.

    python -m training.study.adapting hubble work/adapting.json --model hubble-2 --camera poor

Galaxies of val are labelled, as a user of the camera would label them, and `galedge.tune` adapts
the bundle; galaxies of test are what it is worth on.
"""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np

import galedge
from galedge._version import __version__
from galedge.network.model import find_card
from galedge.tuning.worth import bootstrap, macro_f1
from training.data.cameras import FIXED
from training.data.exposure import observe
from training.data.labelled import table
from training.words.hubble import MIDDLE_T

__all__ = ["curve"]

LABELS = (0, 50, 100, 200, 400)


def curve(data: Path, model: str, camera: str, most: int, seed: int = 0) -> dict[str, Any]:
    """Return accuracy and macro-F1 on test, by how many labels of val adapted a bundle.

    Parameters
    ----------
    data : Path
        A folder of pictures and ``labels.csv`` with ``t_type`` and ``split``.
    model : str
        A shipped model or a bundle.
    camera : str
        One of `training.data.cameras.FIXED`.
    most : int
        Pictures of test.
    """
    sets = table(data)
    rows, names = sets.rows, list(MIDDLE_T)
    random = np.random.default_rng(seed)
    by_split = {
        split: random.permutation(
            [i for i, row in enumerate(rows) if row["split"] == split and _class(row)]
        )
        for split in ("val", "test")
    }
    test = by_split["test"][:most]
    label = np.array([names.index(_class(rows[i])) for i in test])
    galaxy = np.array([rows[i].get("galaxy") or str(i) for i in test])

    def seen(i: int) -> Any:
        return observe(sets.picture(i), FIXED[camera], np.random.default_rng([seed, i]))

    plain, shown = [sets.picture(i) for i in test], [seen(int(i)) for i in test]

    def worth(bundle: str, pictures: list[Any]) -> dict[str, list[float]]:
        said = galedge.Classifier(bundle, label_all=True).classify(pictures)
        guess = np.array([names.index(each.label) if each.label else len(names) for each in said])
        found = {}
        for name, measure in {
            "accuracy": lambda rows: float((guess[rows] == label[rows]).mean()),
            "macro_f1": lambda rows: macro_f1(label[rows], guess[rows], len(names) + 1),
        }.items():
            every = np.arange(len(label))
            three = [measure(every), *bootstrap(galaxy, measure, 200)]
            found[name] = [round(float(value), 4) for value in three]
        return found

    card = find_card(model)
    result: dict[str, Any] = {
        "galedge": __version__,
        "model": {"name": card.name, "sha256": {n.name: n.sha256 for n in card.networks.values()}},
        "camera": camera,
        "pictures": len(test),
        "without the camera": worth(model, plain),
        "labels": {"0": worth(model, shown)},
    }
    with tempfile.TemporaryDirectory() as folder:
        lines = ["file,hubble"]
        for i in by_split["val"][: max(LABELS)]:
            np.save(Path(folder) / f"{i}.npy", seen(int(i)))
            lines.append(f"{i}.npy,{_class(rows[i])}")
        for number in LABELS[1:]:
            labels = Path(folder) / f"{number}.csv"
            labels.write_text("\n".join(lines[: number + 1]) + "\n")
            tuned = galedge.tune(labels, Path(folder) / f"b{number}", model=model)
            result["labels"][str(number)] = {
                **worth(tuned.folder, shown),
                "step": tuned.metrics["hubble"]["step"],
            }
    return result


def _class(row: dict[str, str]) -> str:
    """Return the class of a row's T, or nothing."""
    if not row.get("t_type") or float(row["t_type"]) > 10:
        return ""
    away = {name: abs(float(row["t_type"]) - middle) for name, (_, middle, _) in MIDDLE_T.items()}
    return min(away, key=away.__getitem__)


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--model", default="hubble-2")
@click.option("--camera", type=click.Choice(list(FIXED)), default="poor")
@click.option("--most", default=500)
def main(data: Path, out: Path, model: str, camera: str, most: int) -> None:
    """Write the curve of one camera."""
    found = curve(data, model, camera, most)
    out.write_text(json.dumps(found, indent=1) + "\n")
    with out.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["labels", "accuracy", "macro_f1"])
        for number, row in found["labels"].items():
            writer.writerow([number, row["accuracy"][0], row["macro_f1"][0]])


if __name__ == "__main__":
    main()

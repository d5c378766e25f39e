"""Whole: what it is worth to train the whole network on a user's labels, beside a head alone.

    python -m training.study.whole work/gz2 -o whole.json --question ring

`training` goes on from hubble-2's weights with the same labels, and is judged by the same
galaxies, as `training.study.curves` draws them.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from galedge.network.model import find_card
from galedge.tuning.worth import roc_area
from training.data.pack import Pack, rows_of
from training.fit.batches import Group
from training.fit.config import Config
from training.fit.predict import predict
from training.fit.train import train
from training.study.questions import QUESTIONS, draw, sides
from training.words.derive import of_classes

__all__ = ["CONFIG", "area"]

CONFIG = Config(
    network="compact",
    size=64,
    batch=25,
    lr=7e-4,
    warmup=0.1,
    ema=0.98,
    dropout=0.2,
    smoothing=0.1,
)
"""Chosen beforehand, as a user would who has nothing to choose by."""

STEPS = 240  # however many labels


def area(
    pack: Pack, question: str, number: int, seed: int, config: Config = CONFIG
) -> tuple[float, list[int]]:
    """Return the ROC area of a network trained on `number` labels, and who judged.

    Parameters
    ----------
    question : str
        A name in `training.study.questions.QUESTIONS`.
    """
    asked = next(each for each in QUESTIONS if each.name == question)
    found = sides(asked, rows_of(pack.folder))
    if found is None:
        raise click.ClickException(f"{pack.folder}: does not tell of {question} on both sides")
    rows, label = draw(found, number, seed)
    task = of_classes("own", ("no", "yes"), "own")
    (head,) = task.heads
    told = np.full((len(pack), 2), np.nan, np.float32)
    told[rows] = np.eye(2)[label]
    mine = replace(pack, task=task, told={head.name: told}, weight={})
    with tempfile.TemporaryDirectory() as folder:
        net = train(
            replace(config, seed=seed, epochs=max(1, STEPS * config.batch // len(rows))),
            Group(mine, rows),
            Path(folder),
            device="cpu",
            threads=1,
            check=0,
        )
    said = predict(net, task, pack.exact["auto"][found.judged], config.size)
    yes = said.heads[head.layer][:, 1]
    return roc_area(found.truth, yes), [int(found.truth.sum()), int((~found.truth).sum())]


@click.command()
@click.argument("pack", type=click.Path(path_type=Path, exists=True))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--question", "questions", multiple=True, required=True)
@click.option("--labels", "budgets", multiple=True, type=int, default=(100, 400))
@click.option("--seeds", default=2)
@click.option("--model", default="hubble-2", show_default=True, help="to begin with")
def main(
    pack: Path,
    output: Path,
    questions: tuple[str, ...],
    budgets: tuple[int, ...],
    seeds: int,
    model: str,
) -> None:
    """Train on labels of some questions; what is written already is kept."""
    rows = json.loads(output.read_text())["rows"] if output.exists() else []
    card = find_card(model)
    config = replace(CONFIG, weights=str(card.folder / card.networks["fp32"].name))
    for seed in range(seeds):
        for question in questions:
            for number in budgets:
                key = {"question": question, "labels": number, "seed": seed}
                if any(key.items() <= row.items() for row in rows):
                    continue
                found, judged = area(Pack.open(pack), question, number, seed, config)
                rows.append({**key, "judged": judged, "area": round(found, 4)})
                click.echo(rows[-1], err=True)
                begun = {"model": f"{card.name} {card.version}", "steps": STEPS}
                output.write_text(json.dumps({"begun": begun, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Adapting: what labels of one camera win back of what the camera costs.

    python -m training.study.adapting work/hubble adapting.json --camera red --pictures hubble

Galaxies of val are labelled, as a user of the camera would label them, and the bundle is adapted
as `galedge.tune` does it; galaxies of test are what it is worth on. The pack is one with
``--cameras``. With ``--pictures``, the data set that was packed, also what thousands of labels win:
more than that no head wins, since the network's maps are what they are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from galedge._version import __version__
from galedge.answers.classifier import Classifier
from galedge.images.prepare import prepare
from galedge.network.heads.classes import Classes
from galedge.tuning.adapt import adapt_classes, scaled
from galedge.tuning.balance import balance
from galedge.tuning.base import Base, Seen
from galedge.tuning.fit import Scale, fit_classes
from galedge.tuning.learn import Lesson, log_p
from galedge.tuning.questions import Question
from galedge.tuning.worth import macro_f1
from training.data.cameras import FIXED
from training.data.exposure import observe
from training.data.labelled import table
from training.data.pack import Pack

__all__ = ["Study"]

LABELS = (50, 100, 200, 400)
PENALTIES = (10.0, 1.0, 0.3, 0.1, 0.03)  # of the head that learns from all


class Study:
    """One bundle, and what it is worth on galaxies of a pack's test split.

    Parameters
    ----------
    pack : Pack
        Of Hubble's task, with cameras.
    model : str
        A shipped model or a bundle.
    """

    def __init__(self, pack: Pack, model: str) -> None:
        classifier = Classifier(model, engine="onnxruntime", sets=None)
        head = classifier.model.card.heads.classes
        assert isinstance(head, Classes)
        self.pack, self.head, self.base = pack, head, Base.of(classifier)
        self.test, self.val = pack.rows("test"), pack.rows("val")
        self.label = pack.label
        outputs = self.base.card.heads.outputs
        self.told = sum(outputs[output][0] for output in self.base.further)

    def plain(self, view: str) -> dict[str, float]:
        """Return what the bundle as it is is worth on test, by a view of the pack."""
        _, outputs = self.base.look(self._pixels(view, self.test), len(self.test), views=1)
        return self._worth(scaled(self.head, outputs)[:, 0], outputs)

    def adapted(self, view: str, number: int, seed: int) -> dict[str, Any]:
        """Return what it is worth once so many labels of val have adapted it."""
        rows = np.random.default_rng(seed).permutation(self.val)[:number]
        base, seen, question = self._seen(view, rows)
        base, seen = balance(base, seen, question, self.head)
        every = np.arange(number)
        lesson = Lesson(seen.inputs, self.told, self.label[rows], every, len(self.head.names))
        learned = adapt_classes(lesson, self.head, seen.outputs, seen.plain)
        inputs, outputs = base.look(self._pixels(view, self.test), len(self.test), views=1)
        raw = outputs[self.head.output][:, 0] + inputs[:, 0] @ learned.weights + learned.bias
        rest = scaled(self.head, outputs | {self.head.output: raw[:, np.newaxis]})[:, 0]
        temperature = learned.card["temperature"] / self.head.temperature
        found = self._worth(rest / temperature, outputs)
        return {**found, "gains": list(base.gains), "step": learned.metrics["step"]}

    def most(self, camera: str, pictures: Path) -> dict[str, float]:
        """Return the best on test that a head of thousands of labels is worth.

        The penalty is chosen on test itself, so that it is rather too good.
        """
        data = table(pictures)
        rows = self.pack.rows("train")
        of_file = {row["file"]: i for i, row in enumerate(data.rows)}
        number = list(FIXED).index(camera)
        images = (
            observe(
                data.picture(of_file[str(self.pack.file[row])]),
                FIXED[camera],
                np.random.default_rng((0, number, of_file[str(self.pack.file[row])])),
            )
            for row in rows
        )
        recipe = self.base.card.recipe
        made = (prepare([image], recipe).pixels[0] for image in images)
        train = self.base.look(made, len(rows), views=1)
        _, seen, _ = self._seen(camera, self.val)
        inputs = np.concatenate([train[0][:, 0], seen.inputs[:, 0]])
        start = np.concatenate([scaled(self.head, each)[:, 0] for each in (train[1], seen.outputs)])
        label = self.label[np.concatenate([rows, self.val])]
        scale = Scale.of(inputs, self.told)
        told, outputs = self.base.look(self._pixels(camera, self.test), len(self.test), views=1)
        before = scaled(self.head, outputs)[:, 0]
        heads = fit_classes(
            scale(inputs), label, len(self.head.names), PENALTIES, start=start, even=False
        )
        found = [self._worth(before + head(scale(told[:, 0])), outputs) for head in heads]
        return max(found, key=lambda worth: worth["macro_f1"]) | {"labels": len(label)}

    def _pixels(self, view: str, rows: np.ndarray) -> Any:
        return (np.array(self.pack.exact[view][row]) for row in rows)

    def _seen(self, view: str, rows: np.ndarray) -> tuple[Base, Seen, Question]:
        pixels = np.stack(list(self._pixels(view, rows)))
        inputs, outputs = self.base.look(iter(pixels), len(rows))
        every = np.arange(len(rows))
        seen = Seen(every, inputs, outputs, [], [], [], pixels)
        values = self.label[rows].astype(float)
        return self.base, seen, Question("hubble", "classes", tuple(self.head.names), values)

    def _worth(self, logits: np.ndarray, outputs: dict[str, Any]) -> dict[str, float]:
        label, guess = self.label[self.test], logits.argmax(1)
        quantity = self.base.card.heads.quantity
        assert quantity is not None
        away = outputs[quantity.output][:, 0, 0] - self.pack.told[quantity.name][self.test, 0]
        found = {
            "accuracy": (guess == label).mean(),
            "macro_f1": macro_f1(label, guess, len(self.head.names)),
            "loss": -log_p(logits)[np.arange(len(label)), label].mean(),
            "rms_t": np.sqrt(np.nanmean(away**2)),
            "t_bias": np.nanmean(away),
        }
        return {name: round(float(value), 4) for name, value in found.items()}


@click.command()
@click.argument("packed", type=click.Path(path_type=Path, exists=True))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--model", default="hubble-2")
@click.option("--camera", "cameras", type=click.Choice(list(FIXED)), multiple=True)
@click.option("--draws", default=5, help="Of labels; what is told is the mean.")
@click.option("--pictures", type=click.Path(path_type=Path, exists=True))
def main(
    packed: Path, out: Path, model: str, cameras: tuple[str, ...], draws: int, pictures: Path | None
) -> None:
    """Write the curve of each camera."""
    study = Study(Pack.open(packed), model)
    card = study.base.card
    found: dict[str, Any] = {
        "galedge": __version__,
        "model": {
            "name": card.name,
            "version": card.version,
            "sha256": {file.name: file.sha256 for file in card.networks.values()},
        },
        "draws": draws,
        "without a camera": study.plain("auto"),
        "clean": study.plain("clean"),
        "cameras": {},
    }
    for camera in cameras or FIXED:
        curve: dict[str, Any] = {"0": study.plain(camera)}
        for number in LABELS:
            told = [study.adapted(camera, number, seed) for seed in range(draws)]
            curve[str(number)] = {
                name: round(float(np.mean([each[name] for each in told])), 4) for name in curve["0"]
            } | {name: [each[name] for each in told] for name in ("gains", "step")}
            print(camera, number, curve[str(number)]["macro_f1"], flush=True)
        if pictures is not None:
            curve["most"] = study.most(camera, pictures)
        found["cameras"][camera] = curve
        out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Ask: what a finished bundle says of a pack's pictures, for a student to learn.

A bundle looks at pictures as they came, through its own recipe and from eight sides; the student
is told the same through every camera. What volunteers saw corrects it, as in
`training.fit.distil`: what has arms is no elliptical, whatever a bundle says.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from galedge.images.prepare import prepare
from galedge.network.model import Model, Prediction
from training.data.pack import Pack
from training.fit.batches import Answers
from training.fit.distil import corrected, store
from training.words.fields import TaskError
from training.words.heads import Classes, Head, Labels, Quantity

__all__ = ["ask"]

CHUNK = 256


def ask(bundle: str, pack: Pack, out: Path, *, views: int = 8, threads: int = 2) -> Answers:
    """Store what a bundle says of a pack whose pictures were kept.

    Parameters
    ----------
    bundle : str
        A model's name or its folder; asked in full precision where it has that.
    pack : Pack
        Opened for the student's task.
    out : Path
        An .npz file, as `training.fit.distil.load` reads it.

    Raises
    ------
    TaskError
        If the pack holds no pictures, or the bundle answers none of what the task has taught.
    """
    if pack.pictures is None:
        raise TaskError(f"{pack.folder}: holds no pictures to show; pack it anew, with --keep")
    precision = "fp32" if (Path(bundle) / "model.fp32.onnx").exists() else None
    model = Model.load(bundle, precision=precision)
    taught = [head for head in pack.task.heads if head.taught and alike(head, model)]
    lacking = [head for head in pack.task.heads if head.taught and head not in taught]
    if lacking:
        raise TaskError(f"{bundle}: does not answer {' and '.join(map(str, lacking))}")
    found: dict[str, list[np.ndarray]] = {head.layer: [] for head in taught}
    for low in range(0, len(pack), CHUNK):
        images = [pack.pictures[i] for i in range(low, min(low + CHUNK, len(pack)))]
        pixels = prepare(images, model.card.recipe, threads=threads).pixels
        said = model.predict(pixels, views)
        for head in taught:
            found[head.layer].append(shares(head, said))
        print(f"{low + len(images)}/{len(pack)}", flush=True)
    answers = Answers(
        {layer: np.concatenate(parts) for layer, parts in found.items()},
        np.empty((len(pack), 0), np.float32),
    )
    answers = corrected(answers, pack)
    store(answers, pack.task, out)
    return answers


def alike(head: Head, model: Model) -> bool:
    """Return whether a bundle has a head that means the same."""
    if head.name not in model.heads or model.heads[head.name].kind != head.kind:
        return False
    names = getattr(model.heads[head.name], "names", None)
    return names is None or tuple(names) == tuple(getattr(head, "names", ()))


def shares(head: Head, said: Prediction) -> np.ndarray:
    """Return probabilities of classes or labels, or of bins, as a student's layer gives them."""
    values = said[head.name]
    if isinstance(head, Quantity):
        mean, error = values[:, :1], np.maximum(values[:, 1:], 0.3 * head.step)
        p = np.exp(-0.5 * ((head.centres - mean) / error) ** 2)
        return np.asarray(p / p.sum(1, keepdims=True))
    assert isinstance(head, Classes | Labels)
    return np.asarray(values)

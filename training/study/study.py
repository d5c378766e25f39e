"""Study: the same short training in several variants and seeds, and one table of them.

Every variant (see `training.study.variants`) gets the same number of steps, pictures drawn by
the same rules and the same small network, is trained once a seed, and is measured on the
validation split. Intervals come from a bootstrap over galaxies of the mean of
all seeds. What is chosen here is chosen on val; test is left alone.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.metrics import f1_score, recall_score

from training.data.pack import Pack
from training.fit.batches import Answers, Group
from training.fit.config import Config
from training.fit.imbalance import head, long_tail, pixel_smote, undersample
from training.fit.predict import pictures
from training.fit.train import train, version
from training.score import lines
from training.score.evaluate import bootstrap, ece
from training.study.variants import BASE, STUDIES, Variant
from training.words.fields import TaskError
from training.words.heads import Classes

__all__ = ["study", "table"]


def study(
    name: str,
    pack: Pack,
    out: Path,
    *,
    ratio: float = 1.0,
    seeds: int = 3,
    epochs: int = BASE.epochs,
    kinds: tuple[str, ...] = ("auto",),
    targets: Answers | None = None,
    extras: tuple[Group, ...] = (),
    threads: int = 1,
    draws: int = 1000,
) -> dict[str, Any]:
    """Run a study and write its table; a study that was broken off goes on.

    Parameters
    ----------
    name : str
        One of `training.study.variants.STUDIES`.
    out : Path
        A JSON file, written after every run.
    ratio : float
        If over 1, the training classes are thinned to a long tail in which the
        largest has `ratio` times the pictures of the smallest.
    kinds : tuple of str
        Packed views that are measured, joined.
    targets, extras
        A teacher's predictions on the pack, and pictures without labels with
        theirs: for the variants that are taught.
    """
    head = pack.task.classes
    if head is None:
        raise TaskError(f"{pack.folder}: its task has no classes to compare variants by")
    result: dict[str, Any] = {}
    if out.exists():
        result = json.loads(out.read_text())
    result.setdefault("logits", {})
    rows, val = (part[pack.label[part] >= 0] for part in map(pack.rows, ("train", "val")))
    if not len(val):
        raise TaskError(f"{pack.folder}: no picture of val has a class to compare variants by")
    steps = epochs * math.ceil(len(rows) / BASE.batch)
    if ratio > 1:
        rows = rows[long_tail(pack.label[rows], ratio, np.random.default_rng(0))]
    seconds = dict(result.get("seconds", {}))
    for seed in range(seeds):
        networks: dict[str, Any] = {}  # those that a retrained head may start from
        for variant in STUDIES[name]:
            key = f"{variant.name}/{seed}"
            if key in result["logits"]:
                continue
            start = time.time()
            config = replace(BASE, seed=seed, **variant.config)
            here, chosen = _pictures(variant, pack, rows, seed)
            pictures = len(chosen) * (1 + config.extra)  # those without labels share the steps
            config.epochs = max(1, round(steps / math.ceil(pictures / config.batch)))
            plain = json.dumps([asdict(config), variant.pictures], default=str)
            if plain not in networks:
                with tempfile.TemporaryDirectory() as folder:
                    group = Group(here, chosen)
                    if variant.taught and targets is not None:
                        group.answers = targets.of(chosen)
                    networks[plain] = train(
                        config,
                        group,
                        Path(folder),
                        extras=extras if variant.unlabelled else (),
                        threads=threads,
                        check=0,
                    )
            logits = _answers(networks[plain], variant, pack, rows, val, kinds, config, seed)
            seconds[key] = round(time.time() - start, 1)
            result["logits"][key] = np.round(logits, 3).tolist()
            result["seconds"] = seconds
            out.write_text(json.dumps(result))
    labels = np.tile(pack.label[val], len(kinds))
    galaxies = np.tile(pack.galaxy[val], len(kinds))
    summary = {
        "study": name,
        "ratio": ratio,
        "counts": np.bincount(pack.label[rows], minlength=head.width).tolist(),
        "classes": list(head.names),
        "seeds": seeds,
        "base": asdict(replace(BASE, epochs=epochs)),
        "steps": steps,
        "measured_on": f"val, {len(labels)} pictures",
        "code": version(),
        "torch": torch.__version__,
        "rows": {
            variant.name: _summary(
                np.stack([result["logits"][f"{variant.name}/{seed}"] for seed in range(seeds)]),
                labels,
                galaxies,
                np.bincount(pack.label[rows], minlength=head.width),
                head.names,
                draws,
            )
            for variant in STUDIES[name]
        },
    }
    out.with_suffix(".table.json").write_text(json.dumps(summary, indent=1) + "\n")
    return summary


def _pictures(variant: Variant, pack: Pack, rows: np.ndarray, seed: int) -> tuple[Pack, np.ndarray]:
    if variant.pictures == "undersample":
        return pack, rows[undersample(pack.label[rows], np.random.default_rng(seed))]
    if variant.pictures == "pixel_smote":
        return pixel_smote(pack, rows, seed)
    return pack, rows


@torch.inference_mode()
def _run(
    network: Any, pack: Pack, head: Classes, rows: np.ndarray, view: str, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the class logits and the pooled features of pictures of one view."""
    logits, features = [], []
    if view in pack.views:
        shown = pictures(pack.views[view][rows], size, pack.frames[view][rows], "cpu", 256)
    else:
        exact = pictures(pack.exact[view][rows], size, None, "cpu", 256)
        shown = (F.interpolate(x, (size, size), mode="area") for x in exact)
    for x in shown:
        found = network.features(x)
        logits.append(network.heads(found)[head.layer].numpy())
        features.append(found.numpy())
    return np.concatenate(logits), np.concatenate(features)


def _answers(
    network: Any,
    variant: Variant,
    pack: Pack,
    rows: np.ndarray,
    val: np.ndarray,
    kinds: tuple[str, ...],
    config: Config,
    seed: int,
) -> np.ndarray:
    """Return the variant's class logits on val, kind after kind."""
    classes = pack.task.classes
    assert classes is not None
    parts = [_run(network, pack, classes, val, kind, config.size) for kind in kinds]
    if variant.head in ("even", "smote"):
        _, known = _run(network, pack, classes, rows, "auto", config.size)
        classifier = head(known, pack.label[rows], smote=variant.head == "smote", seed=seed)
        return np.concatenate([classifier.decision_function(features) for _, features in parts])
    logits = np.concatenate([logits for logits, _ in parts])
    if variant.head == "prior":
        counts = np.bincount(pack.label[rows], minlength=classes.width).clip(1)
        logits = logits - np.log(counts / counts.sum())
    return logits


def _summary(
    logits: np.ndarray,
    labels: np.ndarray,
    galaxies: np.ndarray,
    counts: np.ndarray,
    names: tuple[str, ...],
    draws: int,
) -> dict[str, Any]:
    """Return every metric as [mean of the seeds, low, high] of logits (seeds, N, C)."""
    tail = np.argsort(counts)[:2]
    guess = logits.argmax(2)

    def metrics(take: np.ndarray) -> list[float]:
        truth = labels[take]
        values = []
        for one in guess:
            recall = recall_score(
                truth, one[take], labels=range(len(counts)), average=None, zero_division=np.nan
            )
            values.append(
                [
                    f1_score(truth, one[take], average="macro", zero_division=0),
                    np.nanmean(recall),
                    np.nanmean(recall[tail]),
                    (one[take] == truth).mean(),
                ]
            )
        return list(np.mean(values, 0))

    low, high = bootstrap(galaxies, metrics, draws)
    place = np.unique(galaxies, return_inverse=True)[1]
    keys = ("macro_f1", "balanced_accuracy", "tail_recall", "accuracy")
    result: dict[str, Any] = {
        key: [round(float(v), 4) for v in values]
        for key, *values in zip(keys, metrics(np.arange(len(labels))), low, high, strict=True)
    }
    each = [f1_score(labels, one, average="macro", zero_division=0) for one in guess]
    result["macro_f1_by_seed"] = [round(float(value), 4) for value in each]
    result["tail"] = [names[i] for i in tail]
    result["ece"] = _mean(lambda z: ece(labels, softmax(z, 1)), logits)
    result["ece_scaled"] = _mean(lambda z: ece(labels, _scaled(z, labels, place)), logits)
    result["nll"] = _mean(
        lambda z: -np.log(softmax(z, 1)[np.arange(len(z)), labels] + 1e-12).mean(), logits
    )
    return result


def _mean(measure: Callable[[np.ndarray], float], logits: np.ndarray) -> float:
    return round(float(np.mean([measure(z) for z in logits])), 4)


def _scaled(logits: np.ndarray, labels: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return probabilities by a temperature that each half of the galaxies gives the other."""
    result = np.empty_like(logits)
    for half in (0, 1):
        fit, use = place % 2 == half, place % 2 != half

        def loss(t: float, z: np.ndarray = logits[fit], aim: np.ndarray = labels[fit]) -> float:
            return -float(np.log(softmax(z / np.exp(t), 1)[np.arange(len(z)), aim] + 1e-12).mean())

        result[use] = softmax(logits[use] / np.exp(minimize_scalar(loss, (-1, 1)).x), 1)
    return result


def table(summary: dict[str, Any]) -> str:
    """Return a study's summary as a Markdown table."""
    tail = next(iter(summary["rows"].values()))["tail"]
    head = ["", "macro-F1", "balanced accuracy", f"recall of {' and '.join(tail)}", "accuracy"]
    rows = []
    for name, row in summary["rows"].items():
        cells = [lines.three(row[key]) for key in ("macro_f1", "balanced_accuracy", "tail_recall")]
        cells += [f"{value:.3f}" for value in (row["accuracy"][0], row["ece"], row["ece_scaled"])]
        rows.append([name, *cells])
    return "\n".join(lines.table([*head, "ECE", "ECE, scaled"], rows))

"""Bundle: both precisions of a network and the card that says what they are worth."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import torch

from galedge.network.card import SCHEMA, Card
from training.data.pack import Pack
from training.fit.runs import load_run, task_of
from training.nets.network import Compact, Galaxy, parameters
from training.score import small
from training.score.answers import Answers, calibrated, run
from training.score.evaluate import ece, measure, measure_labels
from training.score.others import NUMBER, apart, rendered
from training.score.sets import measured as measured_sets
from training.score.sets import sets_of
from training.score.through import through
from training.score.typical import FILE, measured
from training.score.typical import fit as typicality
from training.ship.export import Corrections, agree, export, write_openvino
from training.ship.fitting import calibration, corrections_of, of_others, on_val
from training.ship.quantize import WEIGHT_BITS, calibration_pictures, quantize
from training.ship.refer import refer
from training.words.card import Calibration, entries, words_of, write_card
from training.words.heads import Labels

__all__ = ["calibration_of", "card_of", "evaluate", "make"]

APART = 1718  # seed of what is no galaxy and calibrates; another one's is measured

CALIBRATED = {"sigma_scale", "temperature", "temperature_slope"}
KINDS = {
    "colour": "8-bit colour pictures",
    "grey": "the same in one band, 8-bit",
    "linear": "simulated linear images in three bands: pedestal, noise, other pixel scale",
    "mono": "simulated linear images in one band",
    "cameras": "the same galaxies through simulated cameras (training/data/cameras.py), together",
}
FLUX = {
    "colour": "the pictures as they came: flux of 8 bits, with noise of a hundredth of the peak",
    "grey": "the same in one band",
}


def make(
    folder: Path,
    pack: Pack,
    out: Path,
    name: str,
    version: str,
    *,
    teacher: str | None = None,
    int8: bool = True,
    blend: float = 0.5,
    openvino: bool = False,
    beside: Pack | None = None,
    default: bool = False,
    draws: int = 500,
) -> dict[str, Any]:
    """Export a run, quantize and calibrate it on val, measure it on test, write the bundle.

    Parameters
    ----------
    folder : Path
        A run of `training.fit.train`.
    pack : Pack
        The labelled pack, opened for the run's task, with exact pictures of the network's own
        recipe.
    out : Path
        The bundle's folder.
    teacher : str, optional
        What the card says of the teacher.
    blend : float
        See `training.ship.export.Corrections`.
    openvino : bool
        Whether to write OpenVINO's own format as well, beside the ONNX files;
        galedge itself reads the latter with either engine.
    beside : Pack, optional
        Of small stars and galaxies, opened for the run's task: see `training.score.small`.
    default : bool
        Whether it is the one of the shipped bundles that is taken where none is named.

    Returns
    -------
    dict
        The card.

    Raises
    ------
    ValueError
        If the run learned another task, a split has no labelled picture, or `beside` is of
        another recipe.
    """
    network, record = load_run(folder)
    task = pack.task
    start = record["config"].get("weights")
    record["config"]["weights"] = "an earlier run's" if start else None  # a path says nothing
    if not isinstance(network, (Compact, Galaxy)):
        raise TypeError("only compact and galaxy are exported; distil a transfer network into one")
    if task_of(record).answers != task.answers:
        raise ValueError(f"{folder}: learned another task than the one that is exported")
    for split in ("train", "val", "test"):
        pack.demand(split)
    if beside is not None and beside.info["recipe"] != pack.info["recipe"]:
        raise ValueError(f"{beside.folder}: has another recipe than {pack.folder}; pack it anew")
    size = record["config"]["size"]
    out.mkdir(parents=True, exist_ok=True)
    fp32, int8_file = out / "model.fp32.onnx", out / "model.int8.onnx"
    views = list(pack.kinds().values())

    export(network, task, fp32, size, Corrections(blend=blend))
    corrections = corrections_of(task, on_val(fp32, pack), blend)
    teller = task.teller
    deployed = export(network, task, fp32, size, corrections)
    files = [fp32]
    some = pack.rows("val")[:128]
    shown = None if teller is None else rendered(pack, teller, NUMBER // 2, APART)
    if teller is not None and beside is not None:
        others = [pack] if shown is None else [pack, shown]
        corrections.bias[teller.name] += torch.tensor(small.fit(fp32, teller, beside, others))
        deployed = export(network, task, fp32, size, corrections)
    agree(deployed, fp32, np.concatenate([pack.exact[view][some] for view in views]))
    quantization: dict[str, Any] = {}
    if int8:
        method, used = quantize(fp32, int8_file, calibration_pictures(pack))
        quantization = {
            "weight_bits": WEIGHT_BITS,
            "method": f"static QDQ per channel, {method}",
            "pictures": used,
        }
        files.append(int8_file)
    if openvino:
        write_openvino(files)
    told = Answers.join(on_val(files[-1], pack))
    numbers = calibration(told, of_others(files[-1], shown, beside))
    sets = sets_of(told, numbers)
    heads = entries(task, numbers, sets, network.heads.inputs)
    if teller is not None:
        heads.append(typicality(files[-1], pack, out))
    metrics: dict[str, Any] = {
        "data": f"test split, by galaxy: {task.data or pack.info['source']}",
        "interval": "95 %, bootstrap over galaxies",
        "kinds": KINDS | FLUX if pack.info.get("flux") else KINDS,
    }
    for file in files:
        metrics[file.name.split(".")[1]] = evaluate(file, pack, "test", numbers, draws)
    if any("sets" in entry for entry in sets.values()):
        test = pack.demand("test")
        seen = {kind: run(files[-1], pack, test, view) for kind, view in pack.kinds().items()}
        metrics["sets"] = measured_sets(seen, numbers, sets)
    if teller is not None:
        with np.load(out / FILE) as held:
            metrics["typicality"] = measured(files[-1], pack, dict(held), "test")
        if beside is not None:
            metrics["beside"] = small.measured(files[-1], teller, beside)
    card = card_of(
        name,
        version,
        pack,
        heads,
        files,
        **({"default": True} if default else {}),
        quantization=quantization,
        parameters=parameters(deployed),
        training={
            **{key: value for key, value in record.items() if key not in ("curve", "parameters")},
            "task": {"name": task.name, "heads": task.to_json()["heads"]},
            "blend": blend,
            "class_bias": {
                name: [round(float(value), 4) for value in bias]
                for name, bias in corrections.bias.items()
            },
            "teacher": teacher,
        },
        metrics=metrics,
    )
    write_card(out, card)
    for _ in refer(out, pack, "int8" if int8 else "fp32"):
        pass
    return json.loads((out / "card.json").read_text())


def evaluate(
    file: Path,
    pack: Pack,
    split: str,
    calibration: Calibration,
    draws: int,
) -> dict[str, Any]:
    """Return the metrics of one ONNX file by source and kind of input, and of further heads.

    Cameras are many: of each there are a few numbers, of all sources together.
    """
    rows = pack.demand(split)
    every = {kind: run(file, pack, rows, view) for kind, view in pack.kinds().items()}
    plain = {kind: every[kind] for kind in pack.kinds(cameras=False)}
    task = pack.task
    further = [head for head in task.heads if head not in (task.classes, task.quantity)]
    taken = {"cameras", "ece_all", "found", *(head.name for head in further)}
    result: dict[str, Any] = {}
    for source in sorted(set(pack.source[rows])):
        here = np.flatnonzero(pack.source[rows] == source)
        name = source or "all"
        result[f"{name} (source)" if name in taken else name] = {
            kind: measure(answers.take(here), calibration, draws) for kind, answers in plain.items()
        }
    if pack.cameras:
        worth = through(every, pack.cameras, calibration, draws)
        result["cameras"] = {kind: row for kind, row in worth.items() if kind not in plain}
    joined = Answers.join(list(every.values()))
    if task.classes is not None and len((known := joined.only(task.classes.name)).galaxy):
        result["ece_all"] = round(ece(known.label, calibrated(known, calibration)), 4)
    if outside := apart(file, pack, list(every.values()), pack.source[rows], calibration, draws):
        result["found"] = outside
    joined = Answers.join(list(plain.values()))
    for head in further:
        if isinstance(head, Labels):
            result[head.name] = measure_labels(joined, head)
        else:
            result[head.name] = measure(joined.only(head.name), calibration, draws)
    return result


def card_of(
    name: str,
    version: str,
    pack: Pack,
    heads: list[dict[str, Any]],
    files: list[Path],
    **rest: Any,
) -> dict[str, Any]:
    """Return a card; what a reader needs to run the network comes first."""
    return {
        "schema": SCHEMA,
        "name": name,
        "version": version,
        "created": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "recipe": pack.info["recipe"],
        "heads": heads,
        "files": {
            file.name: {
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                "bytes": file.stat().st_size,
            }
            for file in files
        },
        **rest,
        **words_of(pack.task),
    }


def calibration_of(card: Card) -> dict[str, dict[str, float]]:
    """Return what `entries` was given of the calibration when a card was written."""
    return {
        head["name"]: {key: head[key] for key in CALIBRATED & head.keys()}
        for head in card.fields["heads"]
    }

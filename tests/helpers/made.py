"""Made for tests: a tiny bundle with random weights, galaxies, FITS files, the command."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from galedge.answers.result import columns
from galedge.network.heads import Heads
from galedge.network.schema1 import lifted
from helpers.fits_files import primary

# A shell's job in the background ignores SIGINT, and so does all that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

CLASSES = ["E", "S0", "Sa", "Sb", "Sc", "Sd", "Irr"]


def heads_of(classes: list[str] = CLASSES, features: Sequence[str] = ()) -> Heads:
    """Return the heads of a card of schema 1."""
    calibration = {"temperature": 1.0, "t_sigma_scale": 1.0}
    told = {"features": {"names": list(features)}} if features else {}
    card = {"task": "hubble", "classes": classes, "calibration": calibration, "heads": told}
    return Heads.parse(lifted(card)["heads"])


HEADS = heads_of()


def names_of(heads: Heads) -> list[str]:
    """Return the names of a row's columns."""
    return [column.name for column in columns(heads)]


def tiny_network(
    classes: int = len(CLASSES), size: int = 16, seed: int = 0, features: int = 0
) -> bytes:
    """Return a network as cards of schema 1 promise it."""
    outputs = {"hubble": classes, "t_type": 2}
    return network_of(outputs | ({"features": features} if features else {}), size, seed)


def network_of(outputs: dict[str, int], size: int = 16, seed: int = 0) -> bytes:
    """Return an ONNX network that reads outputs linearly from the mean colour."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(seed)
    weights = {"scale": np.float32(1 / 255), "axes": np.array([2, 3], np.int64)}
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled", "axes"], ["colour"], keepdims=0),
    ]
    for name, width in outputs.items():
        spread = 2 if name == "t_type" else 5
        weights[f"{name}_w"] = rng.normal(0, spread, (3, width)).astype(np.float32)
        nodes.append(helper.make_node("MatMul", ["colour", f"{name}_w"], [name]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", 3, size, size])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])
            for name, width in outputs.items()
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def write_bundle(folder: Path, networks: dict[str, bytes], **changes: Any) -> Path:
    """Write a bundle; `changes` replace fields of its card, None removes one."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for precision, network in networks.items():
        (folder / f"model.{precision}.onnx").write_bytes(network)
        files[f"model.{precision}.onnx"] = {
            "sha256": hashlib.sha256(network).hexdigest(),
            "bytes": len(network),
        }
    card = {
        "name": "tiny",
        "version": "1",
        "task": "hubble",
        "classes": CLASSES,
        "recipe": {"size": 16},
        "calibration": {"temperature": 2.0, "t_sigma_scale": 1.5},
        "files": files,
        "metrics": {"test": {"accuracy": 0.5}},
    } | changes
    card = {key: value for key, value in card.items() if value is not None}
    (folder / "card.json").write_text(json.dumps(card))
    return folder


# Another question than Hubble's: two heads that share names, and no quantity.
KINDS = {
    "kind": "classes",
    "name": "kind",
    "output": "kind",
    "names": ["ring", "lens", "blob"],
    "temperature": 2.0,
}
SIGNS = {
    "kind": "labels",
    "name": "signs",
    "output": "signs",
    "names": ["ring", "lens"],
    "mirror": {"lens": "complement"},
}


def _widths(entries: list[dict[str, Any]]) -> dict[str, int]:
    """Return how wide each output of a card's heads is."""
    size = {"classes": lambda e: len(e["names"]), "labels": lambda e: len(e["names"])}
    size |= {"quantity": lambda e: 2, "embedding": lambda e: e["size"]}
    return {e["output"]: size[e["kind"]](e) for e in entries if e["kind"] in size}


def bundle_of(
    folder: Path,
    entries: list[dict[str, Any]],
    *,
    outputs: dict[str, int] | None = None,
    **changes: Any,
) -> Path:
    """Write a bundle of schema 2 with these heads."""
    network = network_of(_widths(entries) if outputs is None else outputs)
    card = {"schema": 2, "heads": entries, "task": None, "classes": None, "calibration": None}
    return write_bundle(folder, {"fp32": network}, **(card | changes))


def galaxy(side: int = 64, seed: int = 0) -> NDArray[np.float32]:
    """Return a round galaxy on a noisy sky, shape (side, side)."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((side, side)) - (side - 1) / 2
    light = 500 * np.exp(-np.hypot(x, y) / (side / 12))
    return (light + rng.normal(100, 3, (side, side))).astype(np.float32)


def write_fits(path: str | os.PathLike[str], image: NDArray[Any], **cards: object) -> None:
    """Write a plain float32 FITS file."""
    Path(path).write_bytes(primary(image, -32, *cards.items()))


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "galedge", *map(str, arguments)]


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))

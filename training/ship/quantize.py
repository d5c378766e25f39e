"""Quantize: static int8 by ONNX Runtime, per channel, for the convolutions only."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from training.data.pack import Pack
from training.fit.observe import seen_anew
from training.nets.compact import space_to_depth
from training.score.answers import Answers, probabilities, run
from training.score.fits import fit_temperature
from training.ship.compensate import LEVELS, WEIGHT_BITS, Bytes, balance, chain, compensate
from training.words.fields import TaskError

__all__ = ["METHOD", "METHODS", "WEIGHT_BITS", "calibration_pictures", "compare", "quantize"]

BATCH = 32
FOLD = "SpaceToDepth"  # what some networks do with bytes before they are anything else

METHODS: dict[str, tuple[CalibrationMethod, dict[str, Any]]] = {
    "minmax-average": (CalibrationMethod.MinMax, {"CalibMovingAverage": True}),
    "minmax": (CalibrationMethod.MinMax, {}),
    "percentile": (CalibrationMethod.Percentile, {"CalibPercentile": 99.999}),
    "entropy": (CalibrationMethod.Entropy, {}),
    "compensated": (CalibrationMethod.MinMax, {}),
}
"""Where activations are cut off, by name: ONNX Runtime's method and its options, or our own."""

METHOD = "compensated"  # on val the loss is that of the others, the answers nearest to fp32
BRANCHED = "percentile"  # the second nearest, for networks that are no chain of convolutions


class Pictures(CalibrationDataReader):
    """Hands pictures to the calibration in batches."""

    def __init__(self, pixels: np.ndarray, batch: int = BATCH) -> None:
        self.batches = iter(
            {"pixels": pixels[low : low + batch]} for low in range(0, len(pixels), batch)
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next batch, or None at the end."""
        return next(self.batches, None)


def calibration_pictures(pack: Pack, number: int = 512) -> np.ndarray:
    """Return training pictures of every kind, each class alike, for the quantizer.

    Where a pack keeps its pictures there are as many more, each through a camera of its own.
    """
    views = list(pack.kinds(cameras=False).values())
    rows = pack.rows("train")
    classes = np.unique(pack.label[rows])
    share = max(1, number // (len(views) * len(classes)))
    random = np.random.default_rng(0)
    parts = []
    for view in views:
        for label in classes:
            members = random.permutation(rows[pack.label[rows] == label])
            parts.append(pack.exact[view][np.sort(members[:share])])
    if pack.pictures is not None:
        parts.append(seen_anew(pack, number))
    pictures = np.concatenate(parts)
    # Mixed, because a moving average weighs its last batches most.
    return pictures[random.permutation(len(pictures))]


def quantize(
    source: Path,
    target: Path,
    pixels: np.ndarray,
    *,
    method: str = METHOD,
    weight_bits: int = WEIGHT_BITS,
) -> tuple[str, int]:
    """Write the int8 version of an exported network.

    Parameters
    ----------
    source, target : Path
        ONNX files.
    pixels : ndarray
        uint8 (N, 3, S, S): prepared training pictures of every kind.
    method : str
        One of `METHODS`. `compensated` (see `training.ship.compensate`) is `percentile` for
        networks that are no chain of convolutions.
    weight_bits : {7, 8}

    Returns
    -------
    str, int
        The method, and how many pictures were used; histograms take every fourth.
    """
    with tempfile.TemporaryDirectory() as folder:
        clean = Path(folder) / "clean.onnx"
        quant_pre_process(str(source), str(clean), skip_symbolic_shape=True)
        prepared = onnx.load(clean)
        maps = body(prepared.graph)
        ranges: list[Bytes] = []
        if method == "compensated":
            if links := chain(prepared.graph, maps):
                first = folded(prepared.graph, pixels)
                balance(links, first)
                ranges = compensate(links, first, LEVELS[weight_bits])
                onnx.save(prepared, clean)
            else:
                method = BRANCHED
        calibrate, options = METHODS[method]
        if calibrate != CalibrationMethod.MinMax:
            pixels = pixels[::4]  # histograms keep every activation in memory,
            pixels = pixels[: max(1, len(pixels) // BATCH) * BATCH]  # and want full batches
        if ranges:
            options = {**options, "TensorQuantOverrides": overrides(maps, ranges)}
        quantize_static(
            str(clean),
            str(target),
            Pictures(pixels),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Relu", "Add"],
            nodes_to_quantize=[node.name for node in maps],
            per_channel=True,
            reduce_range=weight_bits == 7,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=calibrate,
            extra_options=options,
        )
    model = onnx.load(target)
    feed_bytes(model)
    onnx.checker.check_model(model)
    target.write_bytes(model.SerializeToString())
    return method, len(pixels)


def body(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the nodes that maps come from: those before the pooling."""
    wanted = {node.input[0] for node in graph.node if node.op_type in ("ReduceMean", "ReduceMax")}
    found = []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            found.append(node)
    return found[::-1]


def folded(graph: onnx.GraphProto, pixels: np.ndarray) -> np.ndarray:
    """Return pictures as the first convolution is given them."""
    if all(node.op_type != FOLD for node in graph.node):
        return pixels
    return space_to_depth(torch.from_numpy(pixels)).numpy()


def overrides(
    maps: list[onnx.NodeProto], ranges: list[Bytes]
) -> dict[str, list[dict[str, np.ndarray]]]:
    """Return ONNX Runtime's overrides: the range of what each rectifier of a chain gives."""
    rectifiers = [node for node in maps if node.op_type == "Relu"]
    found = {}
    for node, one in zip(rectifiers, ranges, strict=True):
        width, zero = one.step()
        found[node.output[0]] = [
            {
                "scale": np.array(width.item(), np.float32),
                "zero_point": np.array(zero.item(), np.uint8),
            }
        ]
    return found


def compare(source: Path, pack: Pack) -> Iterator[dict[str, Any]]:
    """Quantize by every method and measure each on val, each with its own temperature.

    Yields
    ------
    dict
        ``method``, ``weight_bits``; ``loss``, the mean -log p of the true class;
        ``accuracy``; and against fp32 ``agreement`` of labels, and the mean and
        largest difference of a class's probability.

    Raises
    ------
    TaskError
        If there are no classes, or none is told on val.
    """
    head, val = pack.task.classes, pack.rows("val")
    val = val[pack.label[val] >= 0]
    if head is None or not len(val):
        raise TaskError(f"{pack.folder}: no picture of val has a class to compare methods by")
    views = list(pack.kinds().values())
    pictures = calibration_pictures(pack)

    def measured(file: Path) -> tuple[np.ndarray, dict[str, Any]]:
        answers = Answers.join([run(file, pack, val, view) for view in views]).only(head.name)
        p = probabilities(answers, *fit_temperature(answers))
        likelihood = p[np.arange(len(p)), answers.label]
        loss = -float(np.log(likelihood + 1e-12).mean())
        return p, {"loss": loss, "accuracy": float((p.argmax(1) == answers.label).mean())}

    exact, values = measured(source)
    yield {"method": "fp32", "weight_bits": 32, **values, "agreement": 1.0, "mean": 0.0, "max": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "int8.onnx"
        for method in METHODS:
            for bits in (7, 8):
                quantize(source, file, pictures, method=method, weight_bits=bits)
                p, values = measured(file)
                away = abs(p - exact).max(1)
                yield {
                    "method": method,
                    "weight_bits": bits,
                    **values,
                    "agreement": float((p.argmax(1) == exact.argmax(1)).mean()),
                    "mean": float(away.mean()),
                    "max": float(away.max()),
                }


def feed_bytes(model: onnx.ModelProto) -> None:
    """Take the input as the quantized tensor that it is, without a way through float."""
    graph = model.graph
    values = {value.name: value for value in graph.initializer}
    maker = {node.output[0]: node for node in graph.node}
    fold = next((node for node in graph.node if node.op_type == FOLD), None)
    first = "pixels" if fold is None else fold.output[0]
    cast = next(node for node in graph.node if first in node.input)
    quantizer = next(node for node in graph.node if cast.output[0] in node.input)
    reader = next(node for node in graph.node if quantizer.output[0] in node.input)
    kinds = (cast.op_type, quantizer.op_type, reader.op_type)
    if kinds != ("Cast", "QuantizeLinear", "DequantizeLinear"):
        raise ValueError(f"unexpected input of the quantized network: {kinds}")
    # The stem's bias counts in units of the input's scale times the weights', and
    # the calibrated scale was a little under 1. Engines that take the bias's own
    # scale would otherwise differ from those that rely on the product.
    stem = next(node for node in graph.node if reader.output[0] in node.input)
    old = numpy_helper.to_array(values[reader.input[1]]).astype(float)
    bias, scale = (values[name] for name in maker[stem.input[2]].input[:2])
    counts = np.round(numpy_helper.to_array(bias) * old).astype(np.int32)
    units = (numpy_helper.to_array(scale) / old).astype(np.float32)
    bias.CopyFrom(numpy_helper.from_array(counts, bias.name))
    scale.CopyFrom(numpy_helper.from_array(units, scale.name))
    number = onnx.helper.make_tensor
    values[reader.input[1]].CopyFrom(number(reader.input[1], onnx.TensorProto.FLOAT, [], [1.0]))
    values[reader.input[2]].CopyFrom(number(reader.input[2], onnx.TensorProto.UINT8, [], [0]))
    reader.input[0] = first
    graph.node.remove(cast)
    graph.node.remove(quantizer)

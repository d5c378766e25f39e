"""Quantize: static int8 by ONNX Runtime, per channel, for the convolutions only."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

__all__ = ["quantize"]


class Pictures(CalibrationDataReader):
    """Hands pictures to the calibration in batches."""

    def __init__(self, pixels: np.ndarray, batch: int = 32) -> None:
        self.batches = iter(
            {"pixels": pixels[low : low + batch]} for low in range(0, len(pixels), batch)
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next batch, or None at the end."""
        return next(self.batches, None)


def quantize(source: Path, target: Path, pixels: np.ndarray, *, narrow: bool = True) -> None:
    """Write the int8 version of an exported network.

    Parameters
    ----------
    source, target : Path
        ONNX files.
    pixels : ndarray
        uint8 (N, 3, S, S): prepared training pictures of every kind.
    narrow : bool
        Seven-bit weights. Without them, processors that lack VNNI saturate
        and give wrong answers.
    """
    with tempfile.TemporaryDirectory() as folder:
        clean = Path(folder) / "clean.onnx"
        quant_pre_process(str(source), str(clean), skip_symbolic_shape=True)
        quantize_static(
            str(clean),
            str(target),
            Pictures(pixels),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Relu"],
            per_channel=True,
            reduce_range=narrow,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"CalibMovingAverage": True},
        )
    model = onnx.load(target)
    feed_bytes(model)
    onnx.checker.check_model(model)
    target.write_bytes(model.SerializeToString())


def feed_bytes(model: onnx.ModelProto) -> None:
    """Take the input as the quantized tensor that it is, without a way through float."""
    graph = model.graph
    values = {value.name: value for value in graph.initializer}
    maker = {node.output[0]: node for node in graph.node}
    cast = next(node for node in graph.node if "pixels" in node.input)
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
    reader.input[0] = "pixels"
    graph.node.remove(cast)
    graph.node.remove(quantizer)

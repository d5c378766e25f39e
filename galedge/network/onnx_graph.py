"""An ONNX graph as PyTorch operations: the operators that galedge's networks use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from galedge.errors import ModelError

__all__ = ["OnnxGraph"]


class OnnxGraph:
    """A network read from ONNX, to be run by PyTorch on any device.

    Parameters
    ----------
    model : onnx.ModelProto
        In float32; opset 13 or later, where axes are inputs.
    dtype : torch.dtype
        Type of the convolutions. Sums, and with them everything after the
        pooling, are float32.
    device : torch.device

    Raises
    ------
    ModelError
        If the graph uses an operator that is not here.
    """

    def __init__(self, model: Any, dtype: torch.dtype, device: torch.device) -> None:
        from onnx import TensorProto, helper, numpy_helper

        graph = model.graph
        self.inputs = [
            (value.name, helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name)
            for value in graph.input
        ]
        self._outputs = [value.name for value in graph.output]
        convolved = {
            name for node in graph.node if node.op_type == "Conv" for name in node.input[1:]
        }
        self._constants: dict[str, Tensor] = {"": torch.empty(0)}
        for value in graph.initializer:
            tensor = torch.from_numpy(numpy_helper.to_array(value).copy())
            if tensor.is_floating_point():  # axes stay where a graph may read them
                tensor = tensor.to(device)
            if value.name in convolved:
                tensor = tensor.to(dtype)
                if tensor.dim() == 4:
                    tensor = tensor.contiguous(memory_format=torch.channels_last)
            self._constants[value.name] = tensor
        self._steps: list[Step] = []
        for node in graph.node:
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type not in OPERATORS:
                raise ModelError(
                    f"operator {node.op_type} is not among those that engine cuda rebuilds; "
                    "use --engine onnxruntime"
                )
            if node.op_type == "Cast":  # bytes fit into 16 bits exactly
                to = torch.uint8 if attributes["to"] == TensorProto.UINT8 else torch.float32
                attributes |= {"to": to, "bytes_to": dtype}
            self._steps.append((OPERATORS[node.op_type], attributes, node.input, node.output[0]))

    def run(self, pixels: Tensor) -> dict[str, Tensor]:
        """Return the outputs by name for a uint8 batch (N, 3, S, S)."""
        values = dict(self._constants)
        values["pixels"] = pixels.contiguous(memory_format=torch.channels_last)
        for function, attributes, inputs, output in self._steps:
            values[output] = function(attributes, *(values[name] for name in inputs))
        return {name: values[name].float() for name in self._outputs}


Attributes = dict[str, Any]
Operator = Callable[..., Tensor]
Step = tuple[Operator, Attributes, Sequence[str], str]


def _conv(a: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    top, left, bottom, right = a.get("pads", (0, 0, 0, 0))
    padding: tuple[int, int] = (top, left)
    if (top, left) != (bottom, right):
        x, padding = functional.pad(x, (left, right, top, bottom)), (0, 0)
    return functional.conv2d(
        x,
        weight,
        bias,
        tuple(a.get("strides", (1, 1))),
        padding,
        tuple(a.get("dilations", (1, 1))),
        a.get("group", 1),
    )


def _gemm(a: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    x = x.T if a.get("transA") else x
    product: Tensor = a.get("alpha", 1.0) * (x @ (weight.T if a.get("transB") else weight))
    return product if bias is None else product + a.get("beta", 1.0) * bias


def _reduce(function: Callable[..., Tensor]) -> Operator:
    """Return a reduction; one without axes is over all of them."""

    def reduced(a: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
        chosen = range(x.dim()) if axes is None else axes.tolist()
        return function(x, tuple(chosen), keepdim=bool(a.get("keepdims", 1)))

    return reduced


def _space_to_depth(a: Attributes, x: Tensor) -> Tensor:
    side = a["blocksize"]
    parts = [x[..., i::side, j::side] for i in range(side) for j in range(side)]
    return torch.cat(parts, 1).contiguous(memory_format=torch.channels_last)


OPERATORS: dict[str, Operator] = {
    "Add": lambda a, x, y: x + y,
    "Cast": lambda a, x: x.to(a["bytes_to"] if x.dtype == torch.uint8 else a["to"]),
    "Clip": lambda a, x, low, high: x.clamp(low.to(x.dtype), high.to(x.dtype)),
    "Concat": lambda a, *xs: torch.cat(xs, a["axis"]),
    "Conv": _conv,
    "Div": lambda a, x, y: x / y,
    "Exp": lambda a, x: x.exp(),
    "Floor": lambda a, x: x.floor(),
    "Gemm": _gemm,
    "Log": lambda a, x: x.log(),
    "MatMul": lambda a, x, y: x @ y,
    "Mul": lambda a, x, y: x * y,
    "Pow": lambda a, x, y: x**y,
    "ReduceMax": _reduce(torch.amax),
    "ReduceMean": _reduce(lambda x, axes, keepdim: x.mean(axes, keepdim, dtype=torch.float32)),
    "ReduceSum": _reduce(lambda x, axes, keepdim: x.sum(axes, keepdim, dtype=torch.float32)),
    "Relu": lambda a, x: functional.relu(x),
    "Sigmoid": lambda a, x: x.sigmoid(),
    "Softmax": lambda a, x: x.softmax(a.get("axis", -1)),
    "SpaceToDepth": _space_to_depth,
    "Sqrt": lambda a, x: x.sqrt(),
    "Sub": lambda a, x, y: x - y,
}

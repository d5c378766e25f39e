"""Engines: what they accept, and how they refuse."""

import numpy as np
import pytest
from conftest import tiny_network

from galedge.engine import OnnxRuntimeEngine
from galedge.errors import ModelError


def test_outputs_by_name(network):
    pixels = np.random.default_rng(1).integers(0, 256, (5, 3, 16, 16), np.uint8)
    outputs = OnnxRuntimeEngine(network).run(pixels)
    assert {name: value.shape for name, value in outputs.items()} == {
        "hubble": (5, 7),
        "t_type": (5, 2),
    }
    assert all(value.dtype == np.float32 for value in outputs.values())


@pytest.mark.parametrize("network", [b"", b"not a network", tiny_network()[:200]])
def test_damaged_network(network):
    with pytest.raises(ModelError, match=r"^m\.onnx: .*copy or export") as failure:
        OnnxRuntimeEngine(network, "m.onnx")
    assert "\n" not in str(failure.value)


def test_foreign_network():
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Relu", ["image"], ["y"])],
        "foreign",
        [value("image", TensorProto.FLOAT, [1])],
        [value("y", TensorProto.FLOAT, [1])],
    )
    opset = [helper.make_opsetid("", 18)]
    network = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    with pytest.raises(ModelError, match=r"takes image tensor\(float\).*not exported for galedge"):
        OnnxRuntimeEngine(network)


def test_weights_outside_the_file_are_refused(network):
    import onnx
    from onnx.external_data_helper import set_external_data

    model = onnx.load_from_string(network)
    set_external_data(model.graph.initializer[2], location="../../etc/passwd")
    model.graph.initializer[2].ClearField("raw_data")
    with pytest.raises(ModelError, match="keeps weights in other files"):
        OnnxRuntimeEngine(model.SerializeToString())


def test_wrong_batch_is_a_model_error(network):
    with pytest.raises(ModelError, match=r"failed on a batch of shape \(1, 3, 8, 8\)"):
        OnnxRuntimeEngine(network).run(np.zeros((1, 3, 8, 8), np.uint8))

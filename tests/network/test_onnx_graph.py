"""The PyTorch engine's reading of ONNX, against ONNX Runtime, on the CPU."""

import numpy as np
import pytest

from galedge.errors import ModelError
from galedge.network.engine import start
from galedge.network.model import shipped

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")


def rebuilt(network: bytes, dtype):
    from galedge.network.onnx_graph import OnnxGraph

    return OnnxGraph(onnx.load_from_string(network), dtype, torch.device("cpu"))


@pytest.fixture
def pictures(shipped_pictures):
    return lambda card: shipped_pictures(card.recipe)[:8]


def test_shipped_networks_in_float32(pictures):
    for card in shipped():
        network = card.network("fp32")
        graph = rebuilt(network, torch.float32)
        assert graph.inputs == [("pixels", "uint8")]
        found = graph.run(torch.from_numpy(pictures(card)))
        wanted = start("onnxruntime", network).run(pictures(card))
        assert list(found) == list(wanted)
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name].numpy(), value, rtol=1e-3, atol=1e-3)


def test_shipped_networks_in_sixteen_bits(pictures):
    for card in shipped():
        network = card.network("fp32")
        found = rebuilt(network, torch.float16).run(torch.from_numpy(pictures(card)))
        wanted = start("onnxruntime", network).run(pictures(card))
        for name, value in wanted.items():
            assert found[name].dtype == torch.float32
            np.testing.assert_allclose(found[name].numpy(), value, atol=0.05)


def network_of(*nodes, **weights: np.ndarray) -> bytes:
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Cast", ["pixels"], ["x"], to=onnx.TensorProto.FLOAT), *nodes],
        "test",
        [value("pixels", onnx.TensorProto.UINT8, ["N", 3, 16, 16])],
        [value("y", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    opset = [onnx.helper.make_opsetid("", 18)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"pads": [1, 2, 1, 2], "strides": [2, 1]},
        {"pads": [0, 1, 2, 3], "dilations": [2, 1]},
        {"group": 3},
    ],
)
def test_convolutions(attributes):
    weight = RANDOM.normal(size=(6, 3 // attributes.get("group", 1), 3, 3)).astype(np.float32)
    node = onnx.helper.make_node("Conv", ["x", "w", "b"], ["y"], **attributes)
    network = network_of(node, w=weight, b=np.arange(6, dtype=np.float32))
    pixels = RANDOM.integers(0, 256, (2, 3, 16, 16), np.uint8)
    wanted = start("onnxruntime", network).run(pixels)["y"]
    found = rebuilt(network, torch.float32).run(torch.from_numpy(pixels))["y"]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("kind", ["ReduceMax", "ReduceMean", "ReduceSum"])
@pytest.mark.parametrize("axes", [[2, 3], [1], None])
@pytest.mark.parametrize("keep", [0, 1])
def test_reductions(kind, axes, keep):
    inputs = ["x"] if axes is None else ["x", "axes"]
    node = onnx.helper.make_node(kind, inputs, ["y"], keepdims=keep)
    weights = {} if axes is None else {"axes": np.array(axes, np.int64)}
    network = network_of(node, **weights)
    pixels = RANDOM.integers(0, 256, (2, 3, 16, 16), np.uint8)
    wanted = start("onnxruntime", network).run(pixels)["y"]
    found = rebuilt(network, torch.float32).run(torch.from_numpy(pixels))["y"]
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_an_operator_that_it_does_not_know():
    network = network_of(onnx.helper.make_node("Erf", ["x"], ["y"]))
    with pytest.raises(ModelError, match=r"operator Erf.*--engine onnxruntime"):
        rebuilt(network, torch.float32)

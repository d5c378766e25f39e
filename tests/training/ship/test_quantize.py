"""Quantization: the integers mean what their scales say, for every engine."""

import numpy as np
import onnx
import pytest
import torch

from galedge.network.engine import start


def network() -> bytes:
    """Return two convolutions on bytes, in float."""
    rng = np.random.default_rng(0)
    weights = {
        "w1": rng.normal(0, 0.002, (8, 3, 3, 3)),
        "b1": rng.normal(0.3, 0.3, 8),
        "w2": rng.normal(0, 0.2, (8, 8, 3, 3)),
        "b2": rng.normal(0, 0.3, 8),
    }
    make = onnx.helper.make_node
    nodes = [
        make("Cast", ["pixels"], ["x"], to=onnx.TensorProto.FLOAT),
        make("Conv", ["x", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        make("Relu", ["c1"], ["r1"]),
        make("Conv", ["r1", "w2", "b2"], ["c2"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        make("Relu", ["c2"], ["r2"]),
        make("ReduceMean", ["r2", "axes"], ["hubble"], keepdims=0),
    ]
    value = onnx.helper.make_tensor_value_info
    initializers = [
        onnx.numpy_helper.from_array(array.astype(np.float32), name)
        for name, array in weights.items()
    ]
    initializers.append(onnx.numpy_helper.from_array(np.array([2, 3], np.int64), "axes"))
    graph = onnx.helper.make_graph(
        nodes,
        "two",
        [value("pixels", onnx.TensorProto.UINT8, ["N", 3, 16, 16])],
        [value("hubble", onnx.TensorProto.FLOAT, ["N", 8])],
        initializers,
    )
    opset = [onnx.helper.make_opsetid("", 18)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.fixture(scope="module")
def pixels():
    # No batch of these reaches 255, so the calibrated scale of the input is not 1.
    return np.random.default_rng(1).integers(0, 253, (64, 3, 16, 16), np.uint8)


@pytest.fixture(scope="module")
def files(tmp_path_factory, pixels):
    from training.ship.quantize import quantize

    folder = tmp_path_factory.mktemp("networks")
    (folder / "fp32.onnx").write_bytes(network())
    quantize(folder / "fp32.onnx", folder / "int8.onnx", pixels)
    return folder


def test_scales_belong_together(files):
    model = onnx.load(files / "int8.onnx")
    values = {v.name: onnx.numpy_helper.to_array(v) for v in model.graph.initializer}
    maker = {node.output[0]: node for node in model.graph.node}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 2
    for node in convolutions:
        pixels, weights, bias = (maker[name].input for name in node.input)
        product = values[pixels[1]] * values[weights[1]]
        np.testing.assert_allclose(values[bias[1]], product, rtol=1e-6)
        # Seven bits: two products of bytes fit into 16, see galedge.support.machine.
        assert abs(values[weights[0]].astype(int)).max() <= 64
    assert "pixels" in maker[convolutions[0].input[0]].input


def links_of(model):
    from training.ship.compensate import chain
    from training.ship.quantize import body

    return chain(model.graph, body(model.graph))


def moved(files, pixels, method):
    """Return how far a method's answers lie from the exact ones."""
    from training.ship.quantize import quantize

    assert quantize(files / "fp32.onnx", files / "other.onnx", pixels, method=method)[0] == method
    found, exact = (
        start("onnxruntime", (files / name).read_bytes()).run(pixels)["hubble"]
        for name in ("other.onnx", "fp32.onnx")
    )
    return abs(found - exact).mean()


def test_compensation_comes_nearer_than_plain_rounding(files, pixels):
    assert moved(files, pixels, "compensated") < 0.6 * moved(files, pixels, "minmax")


def test_balance_changes_ranges_and_not_the_network(files, pixels):
    from training.ship.compensate import SHARE, balance

    model = onnx.load(files / "fp32.onnx")
    links = links_of(model)
    assert [link.alone for link in links] == [True, False]

    def widest(x):
        return links[0].run(x).amax((0, 2, 3))

    x = torch.tensor(pixels).float()
    before, exact = widest(x), links[1].run(links[0].run(x))
    balance(links, pixels)
    after = widest(x)
    torch.testing.assert_close(after / after.max(), (before / before.max()) ** (1 - SHARE))
    torch.testing.assert_close(links[1].run(links[0].run(x)), exact, rtol=1e-4, atol=1e-4)


def test_compensated_weights_are_multiples_of_a_step(files, pixels):
    from training.ship.compensate import compensate

    links = links_of(onnx.load(files / "fp32.onnx"))
    largest = [link.kernel().abs().amax((1, 2, 3)) for link in links]
    ranges = compensate(links, pixels, levels=64)
    assert len(ranges) == 2
    for link, most in zip(links, largest, strict=True):
        steps = link.kernel() / (most / 64)[:, None, None, None]
        assert (steps - steps.round()).abs().max() < 1e-3
        assert steps.abs().amax((1, 2, 3)).round().tolist() == [64] * 8


def test_what_is_no_chain_is_quantized_as_before(files, pixels, tmp_path):
    from training.ship.quantize import BRANCHED, quantize

    model = onnx.load(files / "fp32.onnx")
    nodes = list(model.graph.node)
    nodes[4].input[0] = "sum"
    nodes.insert(4, onnx.helper.make_node("Add", ["c2", "r1"], ["sum"]))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    assert links_of(model) is None
    onnx.save(model, tmp_path / "fp32.onnx")
    assert quantize(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", pixels)[0] == BRANCHED


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_engines_compute_what_the_file_says(files, pixels, engine):
    pytest.importorskip(engine)
    import onnxruntime

    # Without optimization every operator is computed in float, as it is defined.
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        str(files / "int8.onnx"), options, providers=["CPUExecutionProvider"]
    )
    (defined,) = session.run(["hubble"], {"pixels": pixels})
    found = start(engine, (files / "int8.onnx").read_bytes()).run(pixels)["hubble"]
    assert abs(defined).max() > 0.1
    np.testing.assert_allclose(found, defined, atol=1e-3)
    exact = start(engine, (files / "fp32.onnx").read_bytes()).run(pixels)["hubble"]
    np.testing.assert_allclose(found, exact, atol=0.02)

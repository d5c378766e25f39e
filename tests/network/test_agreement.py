"""Engines agree on the shipped models: labels on 99.5 %, probabilities within a bound.

The pictures are cutouts of the Hubble Deep Field and the examples. Most hold
faint galaxies, of which the model is unsure: labels change most easily there.
"""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from galedge.images.prepare import prepare
from galedge.network.model import Model, shipped

EXAMPLES = Path(__file__).parents[2] / "examples"
LABELS = 0.995
# Between engines with the same network: a difference in rounding. Between int8
# and fp32, also seven-bit weights and eight-bit activations.
BOUND = {"fp32": 1e-4, "int8": 0.02}
QUANTIZED_LABELS, QUANTIZED_BOUND = 0.95, 0.15


@pytest.fixture
def pictures(shipped_pictures, card):
    paths = sorted(path for path in EXAMPLES.iterdir() if path.suffix in (".fits", ".jpg", ".png"))
    examples = prepare(paths, card.recipe)
    good = [i for i, facts in enumerate(examples.facts) if facts.error is None]
    return np.concatenate([shipped_pictures(card.recipe), examples.pixels[good]])


def answers(card, precision, engine, pictures):
    model = Model.load(card.folder, precision=precision, engine=engine)
    parts = [model.predict(pictures[i : i + 64]) for i in range(0, len(pictures), 64)]
    assert len(pictures) > 200
    return {
        "probabilities": np.concatenate([part.probabilities for part in parts]),
        "t_type": np.concatenate([part["t_type"][:, 0] for part in parts]),
    }


def compared(one, other):
    labels = one["probabilities"].argmax(1) == other["probabilities"].argmax(1)
    return labels.mean(), abs(one["probabilities"] - other["probabilities"]).max()


@pytest.mark.parametrize("card", shipped(), ids=lambda card: card.name)
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_engines_agree(card, precision, pictures):
    pytest.importorskip("openvino")
    found = [answers(card, precision, engine, pictures) for engine in ("onnxruntime", "openvino")]
    for one, other in combinations(found, 2):
        labels, away = compared(one, other)
        assert labels >= LABELS
        assert away <= BOUND[precision]
        np.testing.assert_allclose(one["t_type"], other["t_type"], atol=20 * BOUND[precision])
    assert len(np.unique(found[0]["probabilities"].argmax(1))) >= 4


@pytest.mark.parametrize("card", shipped(), ids=lambda card: card.name)
def test_int8_stays_near_fp32(card, pictures):
    found = [answers(card, precision, "onnxruntime", pictures) for precision in ("fp32", "int8")]
    labels, away = compared(*found)
    assert labels >= QUANTIZED_LABELS
    assert away <= QUANTIZED_BOUND


@pytest.mark.parametrize("card", shipped(), ids=lambda card: card.name)
def test_int8_is_what_torch_makes_of_its_integers(card, pictures, monkeypatch):
    torch = pytest.importorskip("torch")
    onnx = pytest.importorskip("onnx")
    from galedge.network import onnx_graph

    def dequantize(a, x, scale, zero):
        shape = [1] * x.dim()
        if scale.numel() > 1:
            shape[a.get("axis", 1)] = -1
        return (x.float() - zero.float().view(shape)) * scale.view(shape)

    rounding = {
        "QuantizeLinear": lambda a, x, scale, zero: (x / scale).round().add(zero).clamp(0, 255),
        "DequantizeLinear": dequantize,
    }
    monkeypatch.setattr(onnx_graph, "OPERATORS", onnx_graph.OPERATORS | rounding)
    network = onnx.load_from_string(card.network("int8"))
    graph = onnx_graph.OnnxGraph(network, torch.float32, torch.device("cpu"))
    model = Model.load(card.folder, precision="int8", engine="onnxruntime")
    with torch.inference_mode():
        outputs = {k: v.numpy() for k, v in graph.run(torch.from_numpy(pictures)).items()}
    found = answers(card, "int8", "onnxruntime", pictures)
    labels, away = compared({"probabilities": model.decode(outputs).probabilities}, found)
    assert labels >= LABELS
    assert away <= BOUND["int8"]


def test_shipped_int8_networks_need_no_vnni():
    onnx = pytest.importorskip("onnx")
    for card in shipped():
        assert card.weight_bits == 7
        graph = onnx.load_from_string(card.network("int8")).graph
        weights = [
            abs(onnx.numpy_helper.to_array(value).astype(int)).max()
            for value in graph.initializer
            if value.data_type == onnx.TensorProto.INT8
        ]
        assert max(weights) <= 64

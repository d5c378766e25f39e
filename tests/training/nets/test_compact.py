"""The compact network: what it folds, that it fuses and exports as itself, in float and int8."""

import numpy as np
import onnx
import pytest
import torch

from galedge.network.engine import start
from training.nets.compact import Compact, space_to_depth
from training.nets.network import build, fuse
from training.ship.export import agree, export
from training.ship.quantize import quantize
from training.words.morphology import MORPHOLOGY

DESIGN = "compact:8|8,8|12,12k5|16"


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = build(DESIGN, MORPHOLOGY.layers).train()
    with torch.no_grad():
        for _ in range(20):
            network(torch.rand(16, 3, 32, 32) ** 3)
    return network.eval()


@pytest.fixture(scope="module")
def pixels():
    random = np.random.default_rng(0)
    return (random.random((96, 3, 32, 32)) ** 3 * 255).astype(np.uint8)


def test_folding_moves_pixels_and_no_more():
    x = torch.arange(2 * 3 * 4 * 6).reshape(2, 3, 4, 6)
    folded = space_to_depth(x)
    assert folded.shape == (2, 12, 2, 3)
    for channel in range(3):
        for i in (0, 1):
            for j in (0, 1):
                part = folded[:, (2 * i + j) * 3 + channel]
                assert (part == x[:, channel, i::2, j::2]).all()


def test_a_design_says_what_there_is(network):
    kernels = [block.kernel for stage in network.stages for block in stage]
    assert kernels == [3, 3, 3, 5, 3]
    assert network.heads.inputs == 2 * (12 + 16)
    x = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        for name, value in fuse(network)(x).items():
            torch.testing.assert_close(value, network(x)[name], atol=1e-4, rtol=1e-4)


def test_a_depthwise_layer_mixes_its_channels_afterwards():
    network = Compact({"one": 2}, "8|12,12d7|16d5").eval()
    made = [[(b.kernel, b.stride, b.groups) for b in stage] for stage in network.stages]
    assert made == [[(3, 2, 1), (7, 1, 12), (1, 1, 1)], [(5, 2, 12), (1, 1, 1)]]
    assert network.heads.inputs == 2 * (12 + 16)
    x = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(fuse(network)(x)["one"], network(x)["one"], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("design", ["", "8", "8|4d", "8,8|4", "8|", "8|4x3", "8|a"])
def test_what_is_no_design_is_refused(design):
    with pytest.raises(ValueError, match="design"):
        Compact({"one": 2}, design)


def test_the_file_folds_bytes_and_says_the_same(network, pixels, tmp_path):
    deployed = export(network, MORPHOLOGY, tmp_path / "fp32.onnx", 32)
    agree(deployed, tmp_path / "fp32.onnx", pixels[:8])
    first = onnx.load(tmp_path / "fp32.onnx").graph.node[0]
    assert (first.op_type, list(first.input)) == ("SpaceToDepth", ["pixels"])
    method, _ = quantize(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", pixels)
    assert method == "compensated"
    small = onnx.load(tmp_path / "int8.onnx").graph
    fold = next(node for node in small.node if node.op_type == "SpaceToDepth")
    assert list(fold.input) == ["pixels"]
    assert all(node.op_type != "Cast" or fold.output[0] not in node.input for node in small.node)
    exact, bytes_ = (
        start("onnxruntime", (tmp_path / name).read_bytes(), name).run(pixels)["pooled"]
        for name in ("fp32.onnx", "int8.onnx")
    )
    spread = exact.std(0)
    alive = spread > 1e-3
    assert alive.sum() > 20
    assert np.median(np.abs(exact - bytes_).mean(0)[alive] / spread[alive]) < 0.35

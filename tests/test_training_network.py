"""The network: its scales fuse into one convolution, and its export says the same as torch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from training.export import Deployed, export  # noqa: E402
from training.network import Block, Galaxy, build, fuse, parameters  # noqa: E402


def unsettle(network):
    """Give every batch norm statistics that a mistake would show in."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 2)
            module.bias.data.normal_(0, 0.1)
    return network.eval()


@pytest.mark.parametrize(
    ("inputs", "outputs", "kernel", "stride"),
    [(8, 8, 3, 1), (8, 8, 5, 1), (3, 8, 5, 2), (4, 6, 7, 1), (8, 12, 3, 2)],
)
def test_parallel_branches_equal_their_fused_convolution(inputs, outputs, kernel, stride):
    block = unsettle(Block(inputs, outputs, kernel, stride))
    x = torch.randn(2, inputs, 15, 15)
    with torch.no_grad():
        apart = block.parallel(x)
        torch.testing.assert_close(block(x), apart, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(block.fused()(x), apart, atol=1e-4, rtol=1e-4)


def test_fused_network_equals_the_unfused_and_is_smaller():
    network = unsettle(Galaxy((8, 8, 16, 24), attributes=3))
    x = torch.rand(2, 3, 40, 40)
    with torch.no_grad():
        for name, value in fuse(network)(x).items():
            torch.testing.assert_close(value, network(x)[name], atol=1e-4, rtol=1e-4)
    assert parameters(fuse(network)) < parameters(network)


def test_the_default_network_has_under_a_million_parameters_at_inference():
    assert parameters(Deployed(Galaxy())) < 1_000_000


def test_export_equals_torch_for_any_batch_size(tmp_path):
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    network = unsettle(Galaxy((8, 8, 16, 24), attributes=3))
    path = tmp_path / "model.onnx"
    deployed = export(network, path, 40, torch.arange(7.0))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for number in (1, 5):
        pixels = np.random.default_rng(number).integers(0, 256, (number, 3, 40, 40), np.uint8)
        found = session.run(["hubble", "t_type"], {"pixels": pixels})
        with torch.no_grad():
            wanted = deployed(torch.as_tensor(pixels))
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b.numpy(), atol=1e-4, rtol=1e-4)
    with torch.no_grad():  # the bias and the input's scale are in the file
        plain = network(torch.as_tensor(pixels).float() / 255)["hubble"] + torch.arange(7.0)
    np.testing.assert_allclose(found[0], plain.numpy(), atol=1e-4, rtol=1e-4)
    model = onnx.load(path)
    assert model.ir_version <= 9
    assert not any(value.external_data for value in model.graph.initializer)


def test_an_unknown_network_is_refused():
    with pytest.raises(ValueError, match="unknown network"):
        build("resnet", 1)

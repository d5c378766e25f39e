"""Rounding: what is trained is what the int8 file computes, in every engine."""

from importlib.util import find_spec

import numpy as np
import pytest

torch = pytest.importorskip("torch")
if find_spec("torchvision") is None:  # importing it beside another build of torch fails
    pytest.skip("needs torchvision", allow_module_level=True)
pytest.importorskip("onnxscript")


from galedge.network.engine import start  # noqa: E402
from training.nets.network import Galaxy, Mobile  # noqa: E402
from training.nets.rounding import Bytes, Rounded, calibrate, rounded, smooth  # noqa: E402
from training.ship.export import export  # noqa: E402
from training.ship.quantize import quantize  # noqa: E402
from training.words.hubble import HUBBLE  # noqa: E402


def pictures(number=48, size=64):
    """Return smooth random pictures, uint8."""
    random = np.random.default_rng(0).normal(size=(number, 3, size, size))
    light = np.cumsum(np.cumsum(random, 2), 3)
    low, span = light.min((2, 3), keepdims=True), np.ptp(light, axis=(2, 3), keepdims=True)
    return ((light - low) / span * 255).astype(np.uint8)


@pytest.fixture(scope="module", params=[Galaxy, Mobile])
def network(request):
    """Return a network whose norms have seen the pictures, and the same rounded."""
    torch.manual_seed(0)
    made = request.param(HUBBLE.layers).train()
    made.heads.attributes.weight.data.zero_()
    made.heads.attributes.bias.data.fill_(-30)  # no disk edge-on, which speaks against E
    x = torch.tensor(pictures()).float() / 255
    with torch.no_grad():
        for _ in range(8):
            made(x)
    exact = rounded(made.eval())
    calibrate(exact, [x])
    return made, exact


def test_torch_and_the_engines_round_alike(network, tmp_path):
    made, exact = network
    pixels = pictures()
    with torch.no_grad():
        wanted = exact(torch.tensor(pixels).float() / 255)["hubble"].numpy()
        plain = made(torch.tensor(pixels).float() / 255)["hubble"].numpy()
    export(exact, HUBBLE, tmp_path / "fp32.onnx", 64)
    quantize(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", pixels, learned=smooth(exact)[1:])
    found = start("onnxruntime", (tmp_path / "int8.onnx").read_bytes()).run(pixels)["hubble"]
    lost = abs(wanted - plain).mean()
    assert lost > 0
    assert abs(found - wanted).mean() < 0.3 * lost  # ties may fall on either side
    pytest.importorskip("openvino")
    other = start("openvino", (tmp_path / "int8.onnx").read_bytes()).run(pixels)["hubble"]
    assert abs(found - other).mean() < 0.3 * lost


def test_smooth_takes_the_rounding_away(network):
    made, exact = network
    x = torch.tensor(pictures()).float() / 255
    plain, convolutions, sums = smooth(exact)
    assert not any(isinstance(module, Bytes | Rounded) for module in plain.modules())
    with torch.no_grad():
        torch.testing.assert_close(plain(x)["hubble"], made(x)["hubble"], atol=1e-3, rtol=1e-3)
        assert not torch.equal(exact(x)["hubble"], made(x)["hubble"])
    assert len(convolutions) == sum(isinstance(m, torch.nn.Conv2d) for m in plain.modules())
    assert len(sums) == (8 if isinstance(made, Mobile) else 0)


def test_maps_that_are_added_share_their_range(network):
    made, exact = network
    if not isinstance(made, Mobile):
        pytest.skip("nothing is added")
    for stage in (exact.fine, exact.middle, exact.coarse):
        for layer in stage:
            if getattr(layer, "skip", False):
                assert layer.sum.step() == layer.blocks[-1].bytes.step()
                assert layer.sum.step()[1] == 128


def test_gradients_pass_and_clipped_values_have_none():
    place = Bytes()
    place.see(torch.tensor([-1.0, 3.0]))
    x = torch.tensor([-5.0, 0.3, 9.0], requires_grad=True)
    y = place(x)
    assert y[1] != x[1]
    y.sum().backward()
    assert x.grad.tolist() == [0, 1, 0]

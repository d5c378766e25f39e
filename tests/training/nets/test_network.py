"""The network: its scales fuse into one convolution, and its export says the same as torch."""

import json
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from training.nets.network import Block, Galaxy, build, fuse, parameters
from training.ship.export import Corrections, Deployed, export
from training.words.hubble import FEATURES, HUBBLE

T_BINS = tuple(range(-6, 11))


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
    network = unsettle(Galaxy({"one": 3, "two": 5}, (8, 8, 16, 24)))
    x = torch.rand(2, 3, 40, 40)
    with torch.no_grad():
        for name, value in fuse(network)(x).items():
            torch.testing.assert_close(value, network(x)[name], atol=1e-4, rtol=1e-4)
    assert parameters(fuse(network)) < parameters(network)


@pytest.mark.skipif(find_spec("torchvision") is None, reason="needs torchvision")
def test_a_teachers_first_layers_stay_as_they_are():
    network = build("mobilenet_v2", HUBBLE.layers)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    network(torch.rand(4, 3, 64, 64))["hubble"].sum().backward()
    optimizer.step()
    after = network.state_dict()
    changed = {name for name, value in before.items() if not torch.equal(after[name], value)}
    assert not any(name.startswith(("body.0.", "body.1.", "body.2.")) for name in changed)
    assert {"body.3.conv.0.0.weight", "heads.hubble.weight"} <= changed


def test_the_default_network_has_under_a_million_parameters_at_inference():
    assert parameters(Deployed(Galaxy(HUBBLE.layers), HUBBLE)) < 1_000_000


def test_export_equals_torch_for_any_batch_size(tmp_path):
    import onnx
    import onnxruntime

    torch.manual_seed(0)
    network = unsettle(Galaxy(HUBBLE.layers, (8, 8, 16, 24)))
    for head in network.heads.named().values():
        head.weight.data *= 0.1  # so that no class has nothing left
    path = tmp_path / "model.onnx"
    slopes = torch.stack([torch.arange(1.0, 6.0), torch.linspace(-1, 1, 5)])
    fitted = Corrections({"hubble": torch.arange(7.0)}, {"features": slopes}, blend=0.5)
    deployed = export(network, HUBBLE, path, 40, fitted)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for number in (1, 5):
        pixels = np.random.default_rng(number).integers(0, 256, (number, 3, 40, 40), np.uint8)
        found = session.run(["hubble", "t_type", "features", "pooled"], {"pixels": pixels})
        with torch.no_grad():
            wanted = deployed(torch.as_tensor(pixels))
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b.numpy(), atol=1e-4, rtol=1e-4)
    with torch.no_grad():  # bias, the input's scale, blend and "no disk is an E" are in the file
        out = network(torch.as_tensor(pixels).float() / 255)
        told = out["attributes"][:, -5:] * slopes[0] + slopes[1]
        no_disk = -torch.nn.functional.softplus(told[:, FEATURES.index("edge_on")])[:, None]
        first = torch.tensor([t <= -4 for t in T_BINS]).float()
        bins = (out["t_bins"] + no_disk * first).softmax(1)
        ends = np.cumsum([3, 3, 3, 2, 2, 2, 2])[:-1]
        share = np.stack([part.sum(1) for part in np.split(bins.numpy(), ends, 1)], 1)
        plain = out["hubble"].numpy() + np.arange(7) + 0.5 * np.log(share + 1e-5)
        plain[:, 0] += no_disk[:, 0].numpy()
        head = out["hubble"] + torch.arange(7.0)
        head[:, :1] += no_disk
        middle = [
            (part @ np.array(t, np.float32)) / part.sum(1)  # of T within each class
            for part, t in zip(np.split(bins.numpy(), ends, 1), np.split(T_BINS, ends), strict=True)
        ]
        said = head.softmax(1).numpy() * share / (share + 1e-5)  # what bins deny stays denied
        t_mean = (said * np.stack(middle, 1)).sum(1) / said.sum(1)
    np.testing.assert_allclose(found[0], plain, atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(found[1][:, 0], t_mean, atol=1e-3)
    np.testing.assert_allclose(found[2], told.numpy(), atol=1e-4, rtol=1e-4)
    model = onnx.load(path)
    assert model.ir_version <= 9
    assert not any(value.external_data for value in model.graph.initializer)


def test_an_unknown_network_is_refused():
    with pytest.raises(ValueError, match="unknown network"):
        build("resnet", {"one": 2})


@pytest.mark.skipif(find_spec("timm") is None, reason="needs timm")
def test_weights_of_any_port_are_taken_in_order(tmp_path):
    network = unsettle(build("tf_efficientnet_lite0", HUBBLE.layers))
    named = {
        f"layer{i}": value
        for i, (name, value) in enumerate(network.body.state_dict().items())
        if not name.endswith("num_batches_tracked")
    }
    classifier = {"fc.weight": torch.zeros(1000, 1280), "fc.bias": torch.zeros(1000)}
    torch.save(named | classifier, tmp_path / "weights.pth")
    found = build("tf_efficientnet_lite0", HUBBLE.layers, str(tmp_path / "weights.pth")).eval()
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(found.body(x), network.body(x))
    torch.save(named, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="holds another network"):
        build("tf_efficientnet_lite0", HUBBLE.layers, str(tmp_path / "weights.pth"))


def test_runs_of_one_network_have_a_mean(tmp_path):
    from training.fit.runs import average

    for name, widths in (("a", "4,4,4,4"), ("b", "4,4,4,4"), ("c", "4,4,4,8")):
        (tmp_path / name).mkdir()
        network = build(f"galaxy:{widths}", {"one": 3})
        torch.save(network.state_dict(), tmp_path / name / "weights.pt")
        (tmp_path / name / "run.json").write_text(f'{{"config": {{"seed": "{name}"}}}}')
    average([tmp_path / "a", tmp_path / "b"], tmp_path / "mean")
    first, second, mean = (
        torch.load(tmp_path / name / "weights.pt", weights_only=True) for name in ("a", "b", "mean")
    )
    assert mean.keys() == first.keys()
    for name, value in mean.items():
        expected = (first[name] + second[name]) / 2 if value.is_floating_point() else second[name]
        torch.testing.assert_close(value, expected)
    record = json.loads((tmp_path / "mean" / "run.json").read_text())
    assert record == {"config": {"seed": "b"}, "averaged": 2}
    with pytest.raises(ValueError, match="different networks"):
        average([tmp_path / "a", tmp_path / "c"], tmp_path / "none")
    assert not (tmp_path / "none").exists()

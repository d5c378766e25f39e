"""A bundle's file as weights: the same function where training begins, or one near it."""

import numpy as np
import pytest
import torch

from training.nets.narrow import narrow, wider_than
from training.nets.network import Galaxy, build
from training.nets.revive import revive, settle
from training.ship.export import Corrections, export
from training.words.hubble import HUBBLE

NAME = "galaxy:8,8,16,24"


def grown() -> Galaxy:
    """Return a network with the statistics and the scales of a trained one."""
    torch.manual_seed(1)
    network = build(NAME, HUBBLE.layers)
    network.train()
    for _ in range(20):
        network(torch.rand(16, 3, 40, 40))
    for name, value in network.named_parameters():
        if "norm" in name:
            value.data += 0.3 * torch.randn_like(value)
    return network.eval()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "model.fp32.onnx"
    export(grown(), HUBBLE, path, 40, Corrections(blend=0.5))
    return path


def test_a_revived_network_is_the_one_that_was_exported(file):
    pictures = torch.rand(256, 3, 40, 40)
    wanted = grown()(pictures)
    network = build(NAME, HUBBLE.layers).eval()
    revive(network, file)
    settled = build(NAME, HUBBLE.layers).eval()
    revive(settled, file)
    settle(settled, pictures.split(64))
    with torch.no_grad():
        for one in (network, settled):
            found = one.eval()(pictures)
            torch.testing.assert_close(found["hubble"], wanted["hubble"], atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(found["t_bins"], wanted["t_bins"], atol=1e-4, rtol=1e-4)
            told = found["attributes"][:, -5:]
            torch.testing.assert_close(told, wanted["attributes"][:, -5:], atol=1e-4, rtol=1e-4)
        # Batch statistics are those that it was settled with, so training begins there too.
        settled.heads.dropout.p = 0.0
        found = settled.train()(pictures)
    torch.testing.assert_close(found["hubble"], wanted["hubble"], atol=1e-2, rtol=1e-2)
    variance = settled.stem.norm.running_var
    np.testing.assert_allclose(variance, 1, atol=0.05)


def test_all_scales_of_a_revived_block_can_grow(file):
    network = build(NAME, HUBBLE.layers)
    revive(network, file)
    network.train()(torch.rand(8, 3, 40, 40))["hubble"].square().sum().backward()
    assert all(branch.grad.abs().sum() > 0 for branch in network.stem.branches)


def test_another_network_is_refused(file):
    for name in ("galaxy:8,8,16,32", "galaxy:8,16,16,24"):
        with pytest.raises(ValueError, match="made from a network of this name"):
            revive(build(name, HUBBLE.layers), file)


def chain(*, middle: int = 16) -> torch.nn.Module:
    return build(f"compact:8|8,8|{middle},{middle}k5,{middle}|24,24", HUBBLE.layers)


def off(network, wide, pictures):
    """Return how far a network's answers are from another's, over how they scatter."""
    with torch.no_grad():
        found, wanted = (one.eval()(pictures)["hubble"] for one in (network, wide))
    return float((found - wanted).square().mean() / wanted.var(0).mean())


def test_as_many_channels_are_the_same_function():
    wide, pictures = grown(), torch.rand(64, 3, 40, 40)
    slim = chain()
    narrow(wide, slim, pictures.split(16))
    assert off(slim, wide, pictures) < 1e-4
    slim.heads.dropout.p = 0.0  # and training begins there, with the statistics of a batch
    found = slim.train()(pictures)["t_bins"]
    torch.testing.assert_close(found, wide(pictures)["t_bins"], atol=2e-2, rtol=2e-2)


def test_fewer_channels_stay_near():
    wide, pictures = grown(), torch.rand(64, 3, 40, 40)
    slim, blank = chain(middle=12), chain(middle=12)
    narrow(wide, slim, pictures.split(16))
    assert off(slim, wide, pictures) < 0.5 * off(blank, wide, pictures)


def test_other_blocks_are_refused():
    wide, pictures = grown(), [torch.rand(8, 3, 40, 40)]
    with pytest.raises(ValueError, match="cannot become"):
        narrow(wide, build("compact:8|8,8|16,16,16|24,24", HUBBLE.layers), pictures)
    with pytest.raises(ValueError, match="8 blocks cannot become 6"):
        narrow(wide, build("compact:8|8,8|16,16|24", HUBBLE.layers), pictures)


def test_a_bundles_file_is_known_by_its_first_layer(file):
    wide = wider_than(chain(), file)
    pictures = torch.rand(16, 3, 40, 40)
    assert isinstance(wide, Galaxy)
    torch.testing.assert_close(
        wide(pictures)["hubble"], grown()(pictures)["hubble"], atol=1e-4, rtol=1e-4
    )
    assert wider_than(build("galaxy:8,8,16,24", HUBBLE.layers), file) is None

"""Grad-CAM and the tests that maps are put to, on networks and maps whose answer is known."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from galedge.images.recipe import Recipe
from galedge.network.explain import spread
from training.__main__ import main
from training.data.pack import KINDS
from training.nets.network import Galaxy, build
from training.report.explain import agreement, galaxy_mask, grad_cam, on_galaxy, perturb
from training.ship.export import Deployed
from training.words.hubble import HUBBLE


def light(number=3, size=48, x=30, y=14):
    """Return pictures with a blob of light off the centre, on faint noise."""
    rows, columns = np.mgrid[:size, :size]
    blob = 200 * np.exp(-np.hypot(columns - x, rows - y) / 4)
    noise = np.random.default_rng(0).normal(8, 2, (number, 3, size, size))
    return np.clip(blob + noise, 0, 255).astype(np.uint8)


def test_grad_cam_is_the_weighted_sum_of_the_maps():
    """Where the heads read averages alone, a channel's weight is its coefficient over H W."""
    torch.manual_seed(0)
    network = Galaxy(HUBBLE.layers, (8, 8, 12, 16)).eval()
    network.heads.hubble.weight.data[:, 28:] = 0  # the maxima
    network.heads.attributes.weight.data.zero_()  # what is seen edge-on speaks against E
    deployed = Deployed(network, HUBBLE).eval()
    pixels = light()
    target = np.array([1, 4, 6])
    found = grad_cam(deployed, "hubble", pixels, target)["Grad-CAM, coarse"]
    with torch.no_grad():
        body = deployed.network
        maps = body.coarse(body.middle(body.fine(body.stem(torch.as_tensor(pixels).float()))))
    weight = body.heads.hubble.weight.detach()
    weight = (weight - weight.mean(0))[:, 12:28]
    for i, c in enumerate(target):
        cells = (weight[c][:, None, None] * maps[i]).sum(0).relu().numpy() / maps[i][0].numel()
        np.testing.assert_allclose(found[i], spread(cells, 48), rtol=1e-4, atol=1e-7)


def test_grad_cam_is_of_the_last_stages_of_a_chain_too():
    deployed = Deployed(build("compact:8|8,8|12,12|16", HUBBLE.layers), HUBBLE).eval()
    found = grad_cam(deployed, "hubble", light(2), np.array([0, 3]))
    assert set(found) == {"Grad-CAM, coarse", "Grad-CAM, middle"}
    assert all(heat.shape == (2, 48, 48) and heat.max() > 0 for heat in found.values())


def test_grad_cam_leaves_the_network_as_it_was():
    deployed = Deployed(Galaxy(HUBBLE.layers, (8, 8, 12, 16)), HUBBLE).eval()
    grad_cam(deployed, "hubble", light(1), np.array([0]))
    assert not deployed.network.coarse._forward_hooks
    assert not deployed.network.middle._forward_hooks


def test_a_cells_stride_says_what_it_sees():
    """The gradient of a cell is centred where `spread` puts the cell."""
    torch.manual_seed(0)
    network = Galaxy(HUBBLE.layers, (8, 8, 12, 16)).eval()
    size = 240  # wide enough for all that a cell sees
    for layer in ("middle", "coarse"):
        x = torch.full((1, 3, size, size), 0.5, requires_grad=True)
        y = network.middle(network.fine(network.stem(x)))
        y = network.coarse(y) if layer == "coarse" else y
        side = y.shape[-1]
        y[0, :, side // 2, side // 2].sum().backward()
        seen = x.grad.abs().sum((0, 1)).numpy()
        centre = (seen * np.arange(size)[:, None]).sum() / seen.sum()
        cells = np.zeros((side, side), np.float32)
        cells[side // 2, side // 2] = 1
        put = np.unravel_index(spread(cells, size).argmax(), (size, size))[0]
        assert abs(centre - put) < 2


class Eye:
    """A model that sees the light in one place only."""

    def predict(self, pixels):
        seen = pixels[:, :, 10:18, 26:34].mean((1, 2, 3)) / 255
        p = np.stack([seen, 1 - seen], 1).astype(np.float32)
        return SimpleNamespace(probabilities=p)


def test_the_map_of_what_decides_beats_chance_and_its_opposite():
    pixels = light()
    true = np.zeros((3, 48, 48))
    true[:, 10:18, 26:34] = 1
    chance = np.random.default_rng(0).random(true.shape)
    target = np.zeros(3, int)
    gains = []
    for heat in (true, chance, -true):
        deletion, insertion = perturb(Eye(), pixels, target, heat)
        gains.append((insertion - deletion).mean())
    assert gains[0] > gains[1] + 0.1 > gains[2] + 0.2


def test_the_mask_holds_the_galaxy_and_its_share_is_counted():
    mask = galaxy_mask(light(1)[0])
    assert mask[14, 30]
    assert not mask[40, 5]
    assert 0.02 < mask.mean() < 0.6
    heat = np.full((2, 48, 48), -1.0)
    heat[0, 14, 30], heat[0, 40, 5] = 3, 1
    heat[1, 40, 5] = 1
    share, peak = on_galaxy(heat, np.stack([mask, mask]))
    np.testing.assert_allclose(share, [0.75, 0])
    assert peak.tolist() == [True, False]
    assert not galaxy_mask(np.zeros((3, 48, 48), np.uint8)).any()


def test_agreement_is_one_with_itself_and_small_with_chance():
    random = np.random.default_rng(0)
    one, two = random.random((2, 4, 40, 40))
    correlation, overlap = agreement(one, one * 3)
    np.testing.assert_allclose(correlation, 1)
    np.testing.assert_allclose(overlap, 1)
    correlation, overlap = agreement(one, two)
    assert np.abs(correlation).max() < 0.1
    assert np.abs(overlap - 1 / 9).max() < 0.05  # of two fifths drawn at random


@pytest.fixture
def untrained(tmp_path):
    """A run and a pack, as `train` and `data` would leave them."""
    torch.manual_seed(0)
    run, folder = tmp_path / "run", tmp_path / "pack"
    run.mkdir()
    folder.mkdir()
    torch.save(Galaxy(HUBBLE.layers, (8, 8, 12, 16)).state_dict(), run / "weights.pt")
    config = {"network": "galaxy:8,8,12,16", "size": 48}
    (run / "run.json").write_text(json.dumps({"config": config}))
    recipe = Recipe(size=48).to_json()
    np.save(folder / f"{KINDS['colour']}.exact.npy", light(8))
    info = {"views": [KINDS["colour"]], "recipe": recipe, "source": "made"}
    (folder / "pack.json").write_text(json.dumps(info))
    lines = ["file,source,galaxy,t_type,split"]
    lines += [f"{i}.png,made,G{i},{(-5, -2, 1, 3)[i % 4]},test" for i in range(8)]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return run, folder


def test_one_command_writes_the_numbers_and_a_sheet(untrained, tmp_path):
    run, folder = untrained
    arguments = ["explain", str(run), str(folder), "-o", str(tmp_path / "explain.json")]
    arguments += ["--sheet", str(tmp_path / "sheet.png"), "--draws", "10"]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "| galedge explain | " in done.output
    found = json.loads((tmp_path / "explain.json").read_text())["kinds"]["colour"]
    assert found["pictures"] == 8
    assert set(found["methods"]) == {
        "galedge explain",
        "Grad-CAM, coarse",
        "Grad-CAM, middle",
        "random",
        "centre",
        "brightness",
    }
    random = found["methods"]["random"]
    assert random["share_less_area"][0] == pytest.approx(0, abs=0.03)
    assert found["methods"]["brightness"]["peak_on_galaxy"][0] == 1
    assert (tmp_path / "sheet.png").stat().st_size > 10_000

"""From labelled pictures to a bundle, end to end, on galaxies that anybody can tell apart."""

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("onnxscript")
pytest.importorskip("galedge._core", reason="the extension is not built")

sys.path.append(str(Path(__file__).parents[1]))  # training is not installed

from PIL import Image  # noqa: E402

from galedge.prepare import prepare  # noqa: E402
from galedge.recipe import Recipe  # noqa: E402
from training.augment import Augment  # noqa: E402
from training.bundle import make  # noqa: E402
from training.data import Pack, pack  # noqa: E402
from training.distil import load, teach  # noqa: E402
from training.train import OUTPUTS, Config, Group, draw, train  # noqa: E402

T_OF_CLASS = (-5, -2, 1, 3, 5, 7, 10)


def galaxy(kind, random):
    """Draw a blob whose colour and size give its class away."""
    y, x = np.mgrid[-24:24, -24:24]
    radius = 5 + 1.2 * kind
    light = np.exp(-np.hypot(x, y * random.uniform(1, 1.3)) / radius)
    colour = np.array([1 - kind / 8, 0.6, 0.2 + kind / 8])[:, None, None]
    noise = random.normal(0, 2, (3, 48, 48))
    return np.clip(light * colour * 230 + 6 + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    with open(folder / "labels.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["file", "source", "galaxy", "t_type", "t_lo", "t_hi", "split", "inclination"]
        )
        for i in range(210):
            kind = i % 7
            side = ("train", "train", "val", "test", "train")[i // 7 % 5]
            t = T_OF_CLASS[kind]
            writer.writerow([f"{i}.png", "made", f"G{i}", t, t - 1, t + 1, side, 0.5])
            picture = galaxy(kind, random).transpose(1, 2, 0)
            Image.fromarray(picture).save(folder / f"{i}.png")
        writer.writerow(["none.png", "made", "G999", 11, 10, 11, "train", 0.5])  # left out
    recipe = Recipe(size=32)
    return pack(folder, tmp_path_factory.mktemp("pack"), recipe, prepare, simulations=1)


def test_a_pack_holds_what_inference_sees(packed):
    assert len(packed) == 210
    assert not any(packed.info["failed"].values())
    assert set(packed.exact) == {"auto", "full", "grey", "linear0", "mono0"}
    assert packed.exact["auto"].shape == (210, 3, 32, 32)
    assert packed.views["auto"].shape == (210, 3, 40, 40)
    side = packed.frames["auto"][:, 0]
    assert ((side > 0.79) & (side <= 1.001)).all()
    grey = packed.exact["grey"]
    np.testing.assert_array_equal(grey[:, 0], grey[:, 2])


def test_training_draws_from_the_train_split_only(packed):
    rows = np.flatnonzero(packed.split == "train")
    group = Group(packed, rows)
    config = Config(size=32, views={"auto": 1, "mono0": 1})
    x, target = draw(
        (group,),
        [(0, i) for i in range(len(rows))],
        config,
        32,
        Augment(),
        np.random.default_rng(0),
        torch.Generator(),
        "cpu",
    )
    assert x.shape == (len(rows), 3, 32, 32)
    np.testing.assert_array_equal(target["label"].numpy(), packed.label[rows])


def test_a_mirror_turns_the_sense_of_winding(packed):
    pack = replace(packed, attributes=packed.attributes.copy())
    pack.attributes[:, OUTPUTS.index("clockwise")] = 1.0
    group = Group(pack, np.arange(len(pack)))
    chosen = [(0, i) for i in range(64)]
    _, target = draw(
        (group,),
        chosen,
        Config(size=32),
        32,
        Augment(),
        np.random.default_rng(0),
        torch.Generator().manual_seed(0),
        "cpu",
    )
    sense = target["attributes"][:, OUTPUTS.index("clockwise")]
    assert set(sense.tolist()) == {0.0, 1.0}


def test_a_short_run_learns_and_hands_over_a_bundle(packed, tmp_path):
    rows = np.flatnonzero(packed.split == "train")
    config = Config(
        network="galaxy:8,12,16,24",
        size=32,
        epochs=14,
        batch=16,
        lr=5e-3,
        ema=0.9,
        views={"auto": 2.0, "linear0": 1.0},
        augment={"grey": 0.0, "gain": 0.0},
    )
    network = train(config, Group(packed, rows), tmp_path / "run", check=14, threads=2)
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["curve"][-1]["made"]["colour"]["accuracy"] > 0.6

    teach([(network, 32)], packed, tmp_path / "targets.npz", views=2)
    hubble, t_bins = load(tmp_path / "targets.npz")
    np.testing.assert_allclose(hubble.sum(1), 1, atol=2e-3)
    np.testing.assert_allclose(t_bins.sum(1), 1, atol=2e-3)

    card = make(tmp_path / "run", packed, tmp_path / "bundle", "made-1", "1.0", draws=20)
    written = json.loads((tmp_path / "bundle" / "card.json").read_text())
    assert written == card
    assert written["classes"] == ["E", "S0", "Sa", "Sb", "Sc", "Sd", "Irr"]
    assert Recipe.from_json(written["recipe"]).size == 32
    fp32, int8 = (written["metrics"][kind]["made"]["colour"] for kind in ("fp32", "int8"))
    assert fp32["accuracy"][0] > 0.6
    assert abs(fp32["accuracy"][0] - int8["accuracy"][0]) < 0.1
    assert fp32["accuracy"][1] <= fp32["accuracy"][0] <= fp32["accuracy"][2]
    assert Pack.open(packed.folder).info == packed.info


def test_the_bundle_loads_with_galedge(packed, tmp_path):
    model = pytest.importorskip("galedge.model")
    config = Config(network="galaxy:8,8,8,8", size=32, epochs=1, batch=32)
    rows = np.flatnonzero(packed.split == "train")
    train(config, Group(packed, rows), tmp_path / "run", check=9)
    make(tmp_path / "run", packed, tmp_path / "bundle", "made-1", "1.0", draws=5)
    for precision in ("int8", "fp32"):
        loaded = model.Model.load(str(tmp_path / "bundle"), precision=precision)
        answer = loaded.predict(np.ascontiguousarray(packed.exact["auto"][:3]))
        np.testing.assert_allclose(answer.probabilities.sum(1), 1, atol=1e-5)
        assert (answer.t_type_error > 0).all()

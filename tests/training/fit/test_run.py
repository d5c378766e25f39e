"""From labelled pictures to a bundle, end to end, on galaxies that anybody can tell apart."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from galedge.network.engine import start
from training.data.pack import Pack, kind_of, pack
from training.fit.augment import Augment
from training.fit.batches import Group, draw, reside
from training.fit.config import Config
from training.fit.distil import HINTS, Teacher, load, teach
from training.fit.train import train
from training.nets.network import build
from training.ship import quantize
from training.ship.bundle import make
from training.ship.export import agree, export, write_openvino
from training.ship.fitting import alike
from training.ship.quantize import METHOD, METHODS
from training.words.hubble import HUBBLE
from training.words.targets import hard
from training.words.task import Task

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
    np.testing.assert_array_equal(hard(target.told["hubble"].numpy()), packed.label[rows])


def test_pictures_that_reside_on_the_device_give_the_same_batches(packed):
    config = Config(size=32, views={"auto": 1, "mono0": 1})
    train = np.flatnonzero(packed.split == "train")
    others = replace(packed, views={"auto": packed.views["auto"]})  # as those without labels

    def batch(groups):
        chosen = [(i % 2, i // 2) for i in range(40)]
        random, dice = np.random.default_rng(0), torch.Generator().manual_seed(0)
        return draw(groups, chosen, config, 32, Augment(), random, dice, "cpu")

    groups = Group(packed, train), Group(others, train[::-1])
    x, target = batch(groups)
    size = sum(packed.views[v].nbytes + packed.frames[v].nbytes for v in ("auto", "mono0"))
    assert reside(groups, config, "cpu", size) == size  # no room for the others'
    assert set(groups[0].resident) == {"auto", "mono0"}
    assert not groups[1].resident
    resident, same = batch(groups)
    torch.testing.assert_close(resident, x, rtol=0, atol=0)
    for name, value in target.told.items():
        torch.testing.assert_close(same.told[name], value, rtol=0, atol=0, equal_nan=True)


def test_a_kind_of_view_is_any_of_its_number(packed, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    Image.fromarray(galaxy(3, np.random.default_rng(1)).transpose(1, 2, 0)).save(few / "1.png")
    (few / "labels.csv").write_text("file,source,galaxy,t_type,split\n1.png,made,G1,3,train\n")
    many = pack(few, tmp_path / "pack", Recipe(size=32), prepare, simulations=11)
    group = Group(many, np.arange(1))
    assert group.views("linear") == [f"linear{i}" for i in range(11)]
    assert group.views("linear10") == ["linear10"]
    assert group.views("linear11") == ["auto"]
    seen = {many.views[view].tobytes() for view in (*group.views("linear"), *group.views("mono"))}
    assert len(seen) == 22  # no simulation is another's

    def batch(group, views):
        random, dice = np.random.default_rng(0), torch.Generator().manual_seed(0)
        config = Config(size=32, views=views)
        chosen = [(0, 0)] * 64
        return draw((group,), chosen, config, 32, still, random, dice, "cpu")[0]

    still = Augment(0, 0, 1, 0, 0, 0, 0, 0, 0)
    kinds = batch(group, {"linear": 1})
    assert len(torch.unique(kinds.flatten(1), dim=0)) > 30  # eleven, turned and mirrored
    plain = batch(
        Group(replace(many, views={"auto": many.views["auto"]}), np.arange(1)), {"mono": 1}
    )
    assert len(torch.unique(plain.flatten(1), dim=0)) <= 8


def test_a_student_guesses_its_teachers_features(packed, tmp_path):
    rows = np.flatnonzero(packed.split == "train")
    torch.manual_seed(0)
    teacher = Teacher(build("galaxy:8,8,8,8", HUBBLE.layers), 32)
    teach([teacher], packed, tmp_path / "targets.npz", views=1)
    group = Group(packed, rows, load(tmp_path / "targets.npz").of(rows))
    plan = {"network": "galaxy:8,8,8,8", "size": 32, "batch": 16, "lr": 5e-3, "distil": 1.0}
    plain = Config(**plan, epochs=1)
    hinted = Config(**plan, epochs=12, hints=10.0)
    train(plain, group, tmp_path / "plain", threads=1)  # hints that nobody asks for do no harm
    train(hinted, group, tmp_path / "hinted", threads=1)
    curve = json.loads((tmp_path / "hinted" / "run.json").read_text())["curve"]
    # In units of its spread, a feature that is not guessed costs one.
    assert curve[0]["loss"] > 8
    assert curve[-1]["loss"] < 0.8 * curve[0]["loss"]
    bare = Group(packed, rows, replace(group.answers, hints=group.answers.hints[:, :0]))
    with pytest.raises(ValueError, match="the targets hold none"):
        train(hinted, bare, tmp_path / "none")
    with pytest.raises(ValueError, match="cannot be the same teachers"):
        train(hinted, group, tmp_path / "other", extras=(bare,))


def test_packs_of_different_frames_do_not_train_together(packed, tmp_path):
    wider = np.zeros((len(packed), 3, 50, 50), np.uint8)
    other = replace(packed, folder=Path("other"), views={"auto": wider})
    rows = np.arange(14)
    with pytest.raises(ValueError, match="frames of one size train together"):
        train(
            Config(network="galaxy:8,8,8,8", size=32),
            Group(packed, rows),
            tmp_path,
            extras=(Group(other, rows),),
        )


def test_a_mirror_turns_the_sense_of_winding(packed):
    sense = HUBBLE.heads[2].place("clockwise")
    told = packed.told["features"].copy()
    told[:, sense] = 1.0
    pack = replace(packed, told={**packed.told, "features": told})
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
    assert set(target.told["features"][:, sense].tolist()) == {0.0, 1.0}


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

    teach([Teacher(network, 32)], packed, tmp_path / "targets.npz", views=2)
    told = load(tmp_path / "targets.npz")
    assert told.hints.shape == (len(packed), HINTS)
    assert set(told.heads) == {"hubble", "t_bins"}
    for shares in told.heads.values():
        np.testing.assert_allclose(shares.sum(1), 1, atol=2e-3)

    card = make(tmp_path / "run", packed, tmp_path / "bundle", "made-1", "1.0", draws=20)
    written = json.loads((tmp_path / "bundle" / "card.json").read_text())
    assert written == card
    heads = {head["name"]: head for head in written["heads"]}
    assert heads["hubble"]["names"] == ["E", "S0", "Sa", "Sb", "Sc", "Sd", "Irr"]
    assert set(heads) == {"hubble", "t_type", "features", "embedding"}
    assert Task.from_json({**written["training"]["task"]}).heads == HUBBLE.heads
    assert Recipe.from_json(written["recipe"]).size == 32
    fp32, int8 = (written["metrics"][kind]["made"]["colour"] for kind in ("fp32", "int8"))
    assert fp32["accuracy"][0] > 0.6
    assert abs(fp32["accuracy"][0] - int8["accuracy"][0]) < 0.1
    assert fp32["accuracy"][1] <= fp32["accuracy"][0] <= fp32["accuracy"][2]
    assert Pack.open(packed.folder).info == packed.info


def test_calibration_counts_every_kind_alike(packed):
    assert alike(packed) == ["auto", "grey", "linear0", "mono0"]
    more = ("linear1", "linear2", "mono1")
    several = replace(packed, exact={**packed.exact, **dict.fromkeys(more, packed.exact["auto"])})
    views = alike(several)
    assert {kind_of(view): views.count(view) for view in ("auto", "grey")} == {"auto": 3, "grey": 3}
    assert views[6:9] == ["linear0", "linear1", "linear2"]
    assert sorted(view for view in views if kind_of(view) == "mono") == ["mono0", "mono0", "mono1"]


def test_the_bundle_loads_with_galedge(packed, tmp_path, monkeypatch):
    model = pytest.importorskip("galedge.network.model")
    config = Config(network="galaxy:8,8,8,8", size=32, epochs=1, batch=32)
    rows = np.flatnonzero(packed.split == "train")
    train(config, Group(packed, rows), tmp_path / "run", check=9)
    make(tmp_path / "run", packed, tmp_path / "bundle", "made-1", "1.0", draws=5)
    for precision in ("int8", "fp32"):
        loaded = model.Model.load(str(tmp_path / "bundle"), precision=precision)
        answer = loaded.predict(np.ascontiguousarray(packed.exact["auto"][:3]))
        np.testing.assert_allclose(answer.probabilities.sum(1), 1, atol=1e-5)
        assert (answer["t_type"][:, 1] > 0).all()
        assert answer["embedding"].shape == (3, 32)
    assert loaded.card.weight_bits == 7

    monkeypatch.setattr(quantize, "METHODS", {name: METHODS[name] for name in (METHOD, "minmax")})
    found = list(quantize.compare(tmp_path / "bundle" / "model.fp32.onnx", packed))
    ways = [("fp32", 32), (METHOD, 7), (METHOD, 8), ("minmax", 7), ("minmax", 8)]
    assert [(row["method"], row["weight_bits"]) for row in found] == ways
    assert (found[0]["agreement"], found[0]["max"]) == (1, 0)
    assert all(row["max"] > 0 and row["loss"] > 0 for row in found[1:])


def test_an_export_that_differs_from_torch_is_refused(packed, tmp_path):
    network = build("galaxy:8,8,8,8", HUBBLE.layers).eval()
    pixels = np.ascontiguousarray(packed.exact["auto"][:8])
    file = tmp_path / "model.fp32.onnx"
    deployed = export(network, HUBBLE, file, 32)
    assert agree(deployed, file, pixels) < 1e-3
    deployed.network.heads.hubble.bias.data += 0.01
    with pytest.raises(RuntimeError, match=r"differs from torch by up to 0\.01"):
        agree(deployed, file, pixels)


def test_openvinos_own_format(packed, tmp_path):
    openvino = pytest.importorskip("openvino")
    file = tmp_path / "model.fp32.onnx"
    export(build("galaxy:8,8,8,8", HUBBLE.layers).eval(), HUBBLE, file, 32)
    write_openvino([file])
    model = openvino.Core().read_model(tmp_path / "model.fp32.xml")
    assert model.inputs[0].get_partial_shape()[0].is_dynamic
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    network = openvino.Core().compile_model(model, "CPU", options)
    pixels = np.ascontiguousarray(packed.exact["auto"][:5])
    found = network({"pixels": pixels})[network.output("hubble")]
    wanted = start("onnxruntime", file.read_bytes()).run(pixels)["hubble"]
    np.testing.assert_allclose(found, wanted, atol=1e-4)

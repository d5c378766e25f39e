"""What people saw of galaxies without a type: it corrects teachers and tests networks."""

import csv

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from training.__main__ import main
from training.data.pack import pack
from training.fit.batches import Answers
from training.fit.distil import Teacher, agreed, conditioned, load, teach
from training.nets.network import build
from training.score.volunteers import contradicted
from training.ship.export import export
from training.words.hubble import CLASSES, HUBBLE

FEATURES = HUBBLE.heads[2]
CODES = (0, 1, 2, 3, 4, 5) * 5  # of Galaxy Zoo 1: 1 and 2 have arms, 3 is edge-on


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    random = np.random.default_rng(0)
    with open(folder / "labels.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "galaxy", "code", "split"])
        for i, code in enumerate(CODES):
            writer.writerow([f"{i}.png", f"Z{i}", code, "val"])
            light = random.integers(0, 255, (40, 40, 3), np.uint8)
            Image.fromarray(light).save(folder / f"{i}.png")
    return pack(folder, tmp_path_factory.mktemp("pack"), Recipe(size=32), prepare, simulations=1)


def obstinate(name, feature=None):
    """Return a network that gives every picture one class, and perhaps one feature."""
    network = build("galaxy:4,4,4,4", HUBBLE.layers)
    with torch.no_grad():
        for head in (network.heads.hubble, network.heads.attributes):
            head.weight.zero_()
            head.bias.fill_(-9)
        network.heads.hubble.bias[CLASSES.index(name)] = 0
        if feature:
            network.heads.attributes.bias[FEATURES.place(feature)] = 9
    return network.eval()


def test_what_is_seen_rules_types_out():
    shares = {"hubble": np.full((4, 7), 1 / 7), "t_bins": np.full((4, 17), 1 / 17)}
    even = Answers(shares, np.zeros((4, 0)))
    seen = {"arms": np.array([0, 1, 0, 0.5]), "edge_on": np.array([0, 0, 1, 0])}
    said = conditioned(even, HUBBLE, FEATURES, seen).heads
    np.testing.assert_allclose(said["hubble"].sum(1), 1)
    np.testing.assert_allclose(said["t_bins"].sum(1), 1)
    nothing, arms, edge_on, perhaps = said["hubble"]
    np.testing.assert_allclose(nothing, shares["hubble"][0])
    np.testing.assert_allclose(arms, [0, 0, *[1 / 5] * 5])
    np.testing.assert_allclose(edge_on, [0, *[1 / 6] * 6])
    np.testing.assert_allclose(perhaps, np.array([0.5, 0.5, 1, 1, 1, 1, 1]) / 6)
    bins = np.arange(-6, 11)
    np.testing.assert_array_equal(said["t_bins"][1] > 0, bins >= 0)
    np.testing.assert_array_equal(said["t_bins"][2] > 0, bins > -4)


def test_a_teacher_is_corrected_by_what_is_known_and_by_a_seer(zoo, tmp_path):
    known = teach([Teacher(obstinate("E"), 32)], zoo, tmp_path / "known.npz", views=1)
    code = np.array(CODES)
    disk = np.isin(code, (1, 2, 3))
    assert (known.heads["hubble"][~disk].argmax(1) == CLASSES.index("E")).all()
    assert not (known.heads["hubble"][disk].argmax(1) == CLASSES.index("E")).any()
    stored = (tmp_path / "known.npz",)
    told = teach(
        [], zoo, tmp_path / "told.npz", stored=stored, seer=Teacher(obstinate("E", "edge_on"), 32)
    )
    told_on = np.isin(code, (0, 4, 5))  # of which Galaxy Zoo said nothing about edges
    assert not (told.heads["hubble"][told_on].argmax(1) == CLASSES.index("E")).any()
    stored = load(tmp_path / "told.npz").heads["hubble"]
    np.testing.assert_allclose(stored, told.heads["hubble"], atol=1e-3)


def test_teachers_are_averaged_and_their_hints_kept():
    def says(value):
        heads = {"a": np.full((4, 7), value), "b": np.full((4, 9), value)}
        return Answers(heads, np.full((4, 2), value))

    mean = agreed([says(1.0), says(3.0)])
    np.testing.assert_allclose(mean.heads["a"], np.full((4, 7), 2))
    np.testing.assert_allclose(mean.heads["b"], np.full((4, 9), 2))
    np.testing.assert_array_equal(mean.hints[0], [1, 1, 3, 3])


def test_a_class_that_is_ruled_out_is_counted(zoo, tmp_path):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    export(obstinate("E"), HUBBLE, bundle / "model.fp32.onnx", 32)
    result = contradicted(bundle / "model.fp32.onnx", zoo, "val", draws=10)
    assert set(result) == {"colour", "grey", "linear", "mono"}
    always = {"share": [1.0, 1.0, 1.0]}
    assert result["mono"]["arms"] == {"pictures": 10, "called": ["E", "S0"], **always}
    assert result["mono"]["edge_on"] == {"pictures": 5, "called": ["E"], **always}
    command = ["evaluate", str(bundle), str(zoo.folder), "--split", "val", "--precision", "fp32"]
    said = CliRunner().invoke(main, command, catch_exceptions=False)
    assert "| mono | edge_on | 5 | E | 1.000 (1.000..1.000) |" in said.output
    refused = CliRunner().invoke(main, [*command, "-o", str(tmp_path / "report")])
    assert refused.exit_code == 1
    assert "holds no labels of hubble" in refused.output
    export(obstinate("S0"), HUBBLE, bundle / "model.fp32.onnx", 32)
    said = contradicted(bundle / "model.fp32.onnx", zoo, "val", draws=10)["colour"]
    assert said["arms"]["share"][0] == 1.0
    assert said["edge_on"]["share"][0] == 0.0


def test_targets_need_somebody_who_says_them(tmp_path):
    said = CliRunner().invoke(main, ["distil", str(tmp_path), str(tmp_path / "out.npz")])
    assert said.exit_code == 2
    assert "whose predictions?" in said.output

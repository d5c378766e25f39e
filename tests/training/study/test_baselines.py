"""Baselines: chosen on val, measured on test, on galaxies that anybody can tell apart."""

import csv
import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from training.__main__ import main
from training.data.sample import Sample
from training.study import classical
from training.study.baselines import compare, markdown
from training.study.classical import METHODS, Classical, choose, size_of
from training.study.descriptors import NAMES, describe, gradients


def galaxy(kind, seed, side=48):
    """Draw a red concentrated (0) or blue diffuse galaxy (1), (H, W, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    radius = np.hypot(x, y * random.uniform(1, 1.3))
    light = np.exp(-((radius / 4) ** (0.5 if kind == 0 else 1.5)) * (2 if kind == 0 else 0.5))
    colour = (1.0, 0.7, 0.4) if kind == 0 else (0.5, 0.7, 1.0)
    picture = 220 * light[..., None] * colour + random.normal(8, 2, (side, side, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("galaxies")
    with open(path / "labels.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "source", "galaxy", "t_type", "split"])
        for i in range(100):
            side = ("train", "train", "train", "val", "test")[i // 2 % 5]
            Image.fromarray(galaxy(i % 2, i)).save(path / f"{i}.png")
            writer.writerow([f"{i}.png", "made", f"G{i}", (-5, 5)[i % 2], side])
    return path


def test_structure_and_colour_tell_a_red_core_from_a_blue_disk():
    red, blue = (
        dict(zip(NAMES, describe(galaxy(kind, 1).transpose(2, 0, 1)), strict=True))
        for kind in (0, 1)
    )
    assert red["concentration"] > blue["concentration"]
    assert red["red - green"] < 0 < blue["red - green"]  # magnitudes: less is brighter in red
    assert red["green - blue"] < 0 < blue["green - blue"]
    assert red["surface brightness gradient"] > blue["surface brightness gradient"]


def test_an_empty_picture_has_no_structure():
    assert np.isnan(describe(np.zeros((3, 40, 40), np.uint8))).all()


def test_gradients_turn_with_the_picture():
    x = np.indices((72, 72))[1]
    bars = np.broadcast_to((x // 9 % 2 * 200).astype(np.uint8), (3, 72, 72))
    across = gradients(bars).reshape(-1, 9).sum(0)
    along = gradients(bars.transpose(0, 2, 1)).reshape(-1, 9).sum(0)
    assert across.argmax() != along.argmax()
    assert len(gradients(bars)) == classical.HOG_LENGTH


def test_settings_are_chosen_on_val_and_never_see_test(folder, tmp_path):
    sample = Sample.read(folder, tmp_path)
    seen = []

    class Spy:
        def __init__(self, good):
            self.good = good

        def fit(self, table, aim):
            seen.append(("fit", table[:, 0].tolist()))
            return self

        def predict(self, table):
            seen.append(("predict", table[:, 0].tolist()))
            rows = table[:, 0].astype(int)
            return sample.label[rows] if self.good else 0 * rows

    table = np.arange(len(sample.label), dtype=float)[:, None]
    method = Classical(None, lambda t, good: Spy(good), {"good": (0, 1, 0)})
    model, setting = choose(sample, method, table, False)
    assert setting == {"good": 1}
    assert model.good == 1
    splits = {"fit": "train", "predict": "val"}
    for kind, rows in seen:
        assert rows == sample.rows(splits[kind]).tolist()


def test_every_method_runs_and_the_second_time_only_measures(folder, tmp_path, monkeypatch):
    quick = {
        name: Classical(method.describe, method.build, {k: v[:1] for k, v in method.grid.items()})
        for name, method in METHODS.items()
    }
    for method in quick.values():
        if "components" in method.grid:
            method.grid["components"] = (4,)
    monkeypatch.setattr(classical, "METHODS", quick)
    results = compare(Sample.read(folder, tmp_path), draws=20, timed=0)
    assert [row["method"] for row in results] == list(METHODS)
    for row in results:
        value, low, high = row["test"]["made"]["accuracy"]
        assert low <= value <= high
        assert value > 0.8, row["method"]
        assert row["test"]["made"]["rms_t"][0] < 4
        assert row["pictures_per_second"] is None
    monkeypatch.setattr(classical, "choose", None)
    again = compare(Sample.read(folder, tmp_path), draws=20, timed=0)
    assert again == results
    lines = markdown(results).splitlines()
    assert len(lines) == 2 + len(METHODS)
    assert "support vectors" in lines[3]
    assert {line.count("|") for line in lines} == {7}


def test_sizes_are_told_in_their_own_units(folder, tmp_path):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.svm import SVC

    x, y = np.array([[0.0], [1], [2], [3]]), np.array([0, 0, 1, 1])
    forest = RandomForestClassifier(2, random_state=0).fit(x, y)
    nodes = sum(tree.tree_.node_count for tree in forest.estimators_)
    assert size_of([forest]) == f"{nodes} tree nodes"
    machine = SVC().fit(x, y)
    assert size_of([machine]) == f"{len(machine.support_vectors_)} support vectors"


def test_the_command_writes_the_table_of_a_bundle(folder, tmp_path, bundle):
    arguments = ["baselines", str(folder), "--no-classical", "--bundle", str(bundle)]
    arguments += ["--work", str(tmp_path / "w"), "--timed", "4", "-o", str(tmp_path / "b.json")]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    (row,) = json.loads((tmp_path / "b.json").read_text())
    assert row["test"]["made"]["pictures"] == 20
    assert row["pictures_per_second"] > 0
    assert row["method"].endswith("px, fp32")
    assert row["method"] in done.output


def test_a_set_without_splits_is_given_some_by_galaxy(folder, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(folder, data)
    with open(folder / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    with open(data / "labels.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "source", "galaxy", "t_type"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows({**row, "galaxy": f"G{i // 2}"} for i, row in enumerate(rows))
    sample = Sample.read(data, tmp_path / "w")
    by_galaxy = {}
    for row in sample.data.rows:
        by_galaxy.setdefault(row["galaxy"], set()).add(row["split"])
    assert all(len(sides) == 1 for sides in by_galaxy.values())
    assert {side for sides in by_galaxy.values() for side in sides} == {"train", "val", "test"}


def test_a_set_too_small_to_be_split_says_so(tmp_path):
    (tmp_path / "E").mkdir()
    Image.fromarray(galaxy(0, 0)).save(tmp_path / "E" / "1.png")
    done = CliRunner().invoke(main, ["baselines", str(tmp_path), "--work", str(tmp_path / "w")])
    assert done.exit_code == 1
    assert "no labelled picture is in val" in done.output

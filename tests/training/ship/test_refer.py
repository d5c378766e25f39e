"""What a card says of the galaxies that calibrated it: cameras of them are like it, others not."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.made import galaxy

from galedge.cli.drifting import monitor
from galedge.cli.settings import Writing
from galedge.network.model import Model
from galedge.tables.drift import Monitor
from galedge.tables.reference import APPEARANCE, Reference
from training.ship.refer import refer, reference_of, rows_of


def cameras(number, seed, shifts=(0.0, 0.5, 1.0)):
    """Return rows by camera; the T-types of each are a little farther off."""
    random = np.random.default_rng(seed)
    return [
        [{"t_type": random.normal(shift), "colour_red": None} for _ in range(number)]
        for shift in shifts
    ]


def alarms(reference, rows):
    seen = Monitor(Reference.from_json("card", reference.to_json()))
    for row in rows:
        seen.add(row)
    return [change.column for change in seen.changes]


def test_no_camera_of_calibration_is_unlike_and_what_is_farther_is():
    reference = reference_of(cameras(600, 1))
    assert list(reference.columns) == ["t_type"]  # nobody told a colour
    assert reference.columns["t_type"].within > 0.1
    for rows in cameras(400, 2):
        assert alarms(reference, rows) == []
    (far,) = cameras(100, 3, (2.5,))
    assert alarms(reference, far) == ["t_type"]


def pictures(number, brightness=1.0):
    made = [galaxy(seed=i)[16:80, 16:80] for i in range(number)]
    made = [np.clip(brightness * one / one.max() * 200, 0, 255) for one in made]
    return np.repeat(np.rint(made).astype(np.uint8)[:, np.newaxis], 3, 1)


@pytest.fixture
def calibrated(bundle, tmp_path):
    """A bundle of its own, and a pack of two cameras."""
    folder = shutil.copytree(bundle, tmp_path / "bundle")
    size = Model.load(folder).card.recipe.size
    exact = {"auto": pictures(70)[..., :size, :size], "dim": pictures(70, 0.5)[..., :size, :size]}
    rows = {"val": np.arange(60), "test": np.arange(60, 70)}
    pack = SimpleNamespace(
        exact=exact, demand=rows.__getitem__, kinds=lambda: {"colour": "auto", "dim": "dim"}
    )
    return folder, pack


def test_a_card_is_given_its_reference_and_runs_are_compared_with_it(calibrated):
    folder, pack = calibrated
    before = json.loads((folder / "card.json").read_text())
    said = list(refer(folder, pack, "fp32"))
    assert [line.split() for line in said[1:-1]] == [["colour", "-"], ["dim", "-"]]
    card = json.loads((folder / "card.json").read_text())
    reference = card.pop("reference")
    assert card == before
    assert {"label", *APPEARANCE[1:3]}.isdisjoint(reference["columns"])  # of one band
    assert {"probability", "sharpness", "tilt_x", "tilt_y"} < set(reference["columns"])
    assert all(120 >= each["number"] >= 60 for each in reference["columns"].values())
    assert list(refer(folder, pack, "fp32")) == said  # again, the same

    model = Model.load(folder)
    watching = monitor(Writing(reference=None), SimpleNamespace(model=model))
    noise = np.random.default_rng(0).integers(0, 255, (100, *pictures(1).shape[1:]), np.uint8)
    for row in rows_of(model, noise[..., : model.card.recipe.size, : model.card.recipe.size]):
        watching.add(row)
    assert "sharpness" in watching.columns
    assert "not as in any camera that tiny was calibrated through" in watching.sentence()


def test_of_few_galaxies_nothing_is_said(calibrated):
    folder, pack = calibrated
    pack.demand = {"val": np.arange(12), "test": np.arange(12)}.__getitem__
    assert list(refer(folder, pack)) == ["no reference: val has 12 galaxies, of 50 that it takes\n"]
    assert "reference" not in json.loads((folder / "card.json").read_text())

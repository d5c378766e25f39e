"""The whole network trained on few labels: the rows are those of the curves, and it learns them."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from training.data.pack import pack
from training.study import whole
from training.study.whole import CONFIG, area
from training.words.morphology import MORPHOLOGY


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("votes")
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-24:24, -24:24]
    with open(folder / "labels.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "split", "clean5", "Class8.1"])
        for i in range(100):
            shape, turn, side = rng.uniform(0.4, 1), rng.uniform(0, 3), rng.uniform(12, 20)
            along, across = (
                np.cos(turn) * x + np.sin(turn) * y,
                np.cos(turn) * y - np.sin(turn) * x,
            )
            radius = np.hypot(along, across / shape)
            ring = i % 2 * np.exp(-((radius - side) ** 2) / 8)
            light = np.exp(-radius / 5) + 0.8 * ring
            for a, b in rng.uniform(-14, 14, (4, 2)):  # without clumps all would be one galaxy
                light = light + 0.7 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 6)
            noisy = light[..., None] * [220, 180, 140] + rng.normal(8, 2, (48, 48, 3))
            Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(folder / f"{i}.png")
            writer.writerow([f"{i}.png", "test" if i % 5 == 0 else "train", "", i % 2])
    out = tmp_path_factory.mktemp("pack")
    return pack(folder, out, Recipe(size=24), prepare, task=MORPHOLOGY, simulations=0)


def test_a_few_steps_tell_rings_from_none(packed, monkeypatch):
    monkeypatch.setattr(whole, "STEPS", 30)
    config = replace(CONFIG, network="compact:8|12,12|16", size=24, batch=10, lr=5e-3, dropout=0.0)
    found, judged = area(packed, "ring", 40, 0, config)
    assert found > 0.9
    assert sum(judged) == int((packed.split != "train").sum())


def test_what_is_written_is_kept(packed, monkeypatch, tmp_path):
    monkeypatch.setattr(whole, "area", lambda *_: (0.75, [1, 2]))
    output = tmp_path / "whole.json"
    args = [str(packed.folder), "-o", str(output), "--question", "ring", "--labels", "100"]
    for _ in range(2):
        result = CliRunner().invoke(whole.main, args)
        assert result.exit_code == 0, result.output
    rows = json.loads(output.read_text())["rows"]
    assert [(row["labels"], row["seed"], row["area"]) for row in rows] == [
        (100, 0, 0.75),
        (100, 1, 0.75),
    ]

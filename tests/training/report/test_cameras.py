"""Bundles through cameras, by one command: side by side, by their own recipes and tasks."""

import importlib.util
import json
import shutil

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from helpers.shapes import KINDS, write_shapes
from PIL import Image

from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from training.__main__ import main
from training.data.cameras import FIXED
from training.data.others import ARTEFACTS
from training.data.pack import Pack, pack
from training.nets.network import Galaxy
from training.ship.bundle import make
from training.study.halves import halves
from training.words.heads import Classes, Labels, Quantity
from training.words.task import Task

NUMBER = 90
RENDERED = 5  # images of each kind that is no galaxy
MARKS = Labels(name="marks", names=("is_disk", "is_striped"))
TASKS = {
    "all": (
        Classes(name="shape", names=KINDS),
        Quantity(name="brightness", range=(15, 30), symbol="m"),
        MARKS,
        Classes(name="kind", names=("galaxy", "star", "artefact")),
    ),
    "marks": (MARKS,),
}


def evaluate(*words, code=0):
    done = CliRunner().invoke(
        main, ["evaluate", "--draws", "5", *map(str, words)], catch_exceptions=False
    )
    assert done.exit_code == code, done.output
    return done.output


def number(made):
    return len(Pack.open(made / "all-pack").rows("test"))


@pytest.fixture(scope="module", autouse=True)
def few():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.score.others.NUMBER", RENDERED)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return packs, of two recipes, and bundles of untrained networks, by task."""
    root = tmp_path_factory.mktemp("made")
    kinds = [KINDS[i % 3] for i in range(NUMBER)]
    write_shapes(
        root / "shapes",
        NUMBER,
        is_disk=["yes" if kind == "disk" else "no" for kind in kinds],
        is_striped=[int(kind == "stripes") for kind in kinds],
        brightness=[20 + 3 * KINDS.index(kind) for kind in kinds],
        kind=["star" if i % 5 == 0 else "galaxy" for i in range(NUMBER)],
        split=[("train", "val", "test")[i // 30] for i in range(NUMBER)],
        source=["one" if i % 2 else "two" for i in range(NUMBER)],
    )
    for name, heads in TASKS.items():
        task = Task(name=name, heads=heads)
        size = 24 if name == "all" else 32
        options = {"task": task, "simulations": 1, "cameras": True}
        packed = pack(root / "shapes", root / f"{name}-pack", Recipe(size=size), prepare, **options)
        run = root / f"{name}-run"
        run.mkdir()
        torch.manual_seed(0)
        network = Galaxy(task.layers, (8, 8, 8, 8))
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                torch.nn.init.normal_(layer.bias, std=0.3)
        torch.save(network.state_dict(), run / "weights.pt")
        config = {"network": "galaxy:8,8,8,8", "size": size}
        record = {"config": config, "task": task.to_json()}
        (run / "run.json").write_text(json.dumps(record))
        make(run, packed, root / name, f"{name}-1", "1.0", int8=name == "all", draws=5)
    return root


def test_a_bundle_is_calibrated_and_told_through_cameras_in_its_card(made):
    card = json.loads((made / "all" / "card.json").read_text())
    test = Pack.open(made / "all-pack")
    for precision in ("fp32", "int8"):
        metrics = card["metrics"][precision]
        assert set(metrics["one"]) == {"colour", "grey", "linear", "mono"}
        assert list(metrics["cameras"]) == [*FIXED, "mean", "worst"]
        for name in FIXED:
            row = metrics["cameras"][name]
            assert row["pictures"] == number(made)
            assert {"accuracy", "macro_f1", "ece", "rms_m", "m_within_sigma"} <= set(row)
        stars = (test.told["kind"][test.rows("test"), 1] == 1).sum()
        found = metrics["found"]["kind"]["classes"]
        seen = len(test.kinds()) * stars  # and what is rendered beside them
        assert found["star"]["pictures"] == seen + RENDERED
        assert found["star, star"]["pictures"] == RENDERED
        assert found["artefact, trail"]["pictures"] == RENDERED
        assert found["artefact"]["pictures"] == len(ARTEFACTS) * RENDERED
    assert "cameras" in card["metrics"]["kinds"]
    assert (made / "all" / "card.json").stat().st_size < 60_000


def test_calibration_by_halves_is_worse_than_chance_and_the_worst_camera_worse_than_all(made):
    found = halves(made / "all", made / "all-pack", draws=3)
    assert all(low <= mean <= high for mean, low, high in found.values())
    mean = {name: value[0] for name, value in found.items()}
    assert 0 < mean["all"] < mean["cameras"] < mean["worst"] < 1
    assert 0 < mean["by_chance"] < 1
    assert found == halves(made / "all", made / "all-pack", draws=3)


def test_the_table_and_the_sheet_of_one_bundle(made, tmp_path):
    out = tmp_path / "report"
    said = evaluate(made / "all", made / "all-pack", "-o", out)
    assert "| camera | macro-F1 | accuracy | RMS M | bias of M | M within its error |" in said
    assert f"| int8 | kind | artefact, trail | {RENDERED} | " in said
    for name in (*FIXED, "colour, one", "mean", "worst, two"):
        assert f"| {name} | " in said
    told = json.loads((out / "cameras.json").read_text())
    assert told["machine"]["onnxruntime"]
    (bundle,) = told["bundles"]
    assert bundle["recipe"]["size"] == 24
    assert set(bundle["sets"]) == {"all", "one", "two"}
    both = [bundle["sets"][name]["poor"]["pictures"] for name in ("one", "two")]
    assert sum(both) == bundle["sets"]["all"]["poor"]["pictures"] == number(made)
    assert "labels" in bundle["sets"]["all"]["poor"]["over_fp32"]
    if importlib.util.find_spec("openvino"):
        assert bundle["openvino_as_onnxruntime"]["labels"] > 0.9
        assert "all-1: OpenVINO gives the label of ONNX Runtime to " in said
    card = json.loads((made / "all" / "card.json").read_text())
    row = card["metrics"]["int8"]["cameras"]["seeing"]
    assert {key: bundle["sets"]["all"]["seeing"][key] for key in row} == row
    drawn = np.asarray(Image.open(out / "cameras.png").convert("RGB"))
    assert drawn.shape[0] > 16 * 24
    assert drawn.std() > 20
    page = (out / "index.html").read_text()
    assert "Found: kind" in page
    assert "Through other cameras" in page
    assert "all, crowded" not in page  # the other figures are of the plain kinds


def test_a_bundle_without_classes_or_quantity(made, tmp_path):
    out = tmp_path / "report"
    words = (made / "marks", made / "marks-pack", "--precision", "fp32")
    assert "| camera | marks: mean ROC area |" in evaluate(*words, "-o", out)
    (bundle,) = json.loads((out / "cameras.json").read_text())["bundles"]
    assert set(bundle["sets"]["all"]["red"]) == {"pictures", "marks_roc_auc"}
    assert (out / "cameras.png").exists()


def test_bundles_of_other_recipes_and_tasks_stand_side_by_side(made, tmp_path):
    beside = ("--beside", made / "marks", made / "marks-pack")
    words = (made / "all", made / "all-pack", "--precision", "fp32", *beside)
    said = evaluate(*words, "-o", tmp_path / "both")
    assert "marks: mean ROC area, all-1 | marks: mean ROC area, marks-1 |" in said
    assert "| macro-F1, all-1 | macro-F1, marks-1 |" in said
    row = next(line for line in said.splitlines() if line.startswith("| red |"))
    assert row.split(" | ")[2] == "–"  # no classes to measure
    assert row.count("–") == 7
    told = json.loads((tmp_path / "both" / "cameras.json").read_text())["bundles"]
    assert [bundle["recipe"]["size"] for bundle in told] == [24, 32]
    assert (tmp_path / "both" / "cameras-1.png").exists()


def test_packs_that_cannot_be_compared_are_refused(made, tmp_path):
    bare = shutil.copytree(made / "marks-pack", tmp_path / "bare")
    for name in FIXED:
        (bare / f"{name}.exact.npy").unlink()
    words = (made / "all", made / "all-pack", "--precision", "fp32", "--beside", made / "marks")
    assert "holds no cameras; pack it anew with --cameras" in evaluate(*words, bare, code=1)
    other = shutil.copytree(made / "marks-pack", tmp_path / "other")
    labels = (other / "labels.csv").read_text().replace(".png", ".jpg")
    (other / "labels.csv").write_text(labels)
    assert "no picture of test in common" in evaluate(*words, other, code=1)
    alone = evaluate(made / "marks", bare, "--precision", "fp32")
    assert "| camera |" not in alone
    assert "| fp32 | marks | is_disk |" in alone

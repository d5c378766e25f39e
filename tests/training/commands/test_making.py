"""Making: one command from a wheel of pictures to a bundle that galedge classifies with."""

import csv
import io
import json
import shutil

import numpy as np
import pytest
from helpers.fits_files import primary
from helpers.radio import sky, source, write_first
from helpers.training_run import training

from training.commands.making import TASKS, begun, plan_of
from training.fit.config import Config
from training.words.task import Task

PLAN = {
    "bundle": "small-1",
    "simulations": 1,
    "recipe": {"size": 24, "framing": 60, "white": 1.0},
    "train": {"network": "galaxy:4,4,4,4", "epochs": 10, "batch": 16, "lr": 0.01, "ema": 0.8},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    entries = [*sky(48, "train"), *sky(16, "valid"), *sky(16, "test")]
    wheel = write_first(folder / "firstgalaxydata-0.2.1-py3-none-any.whl", entries)
    (folder / "plan").mkdir()
    shutil.copy(TASKS / "radio" / "task.toml", folder / "plan")
    (folder / "plan" / "plan.json").write_text(json.dumps(PLAN))
    said = training("make", folder / "plan", wheel, folder / "out")
    assert "| int8 | first | colour |" in said
    return folder


def test_the_bundle_says_what_its_pictures_are_and_may_be_used_for(made, galedge):
    bundle = made / "out" / "small-1"
    card = json.loads((bundle / "card.json").read_text())
    assert card["recipe"]["framing"] == 60
    assert "non-commercial" in card["licence"]
    assert card["heads"][0]["names"] == ["FRI", "FRII", "compact", "bent"]
    assert card["metrics"]["int8"]["first"]["colour"]["pictures"] == 16
    assert card["metrics"]["kinds"]["colour"].startswith("the pictures as they came: flux")
    (made / "point.fits").write_bytes(primary(source(2, 7).astype("f4"), -32))
    done = galedge("classify", "--model", bundle, made / "point.fits")
    assert done.returncode == 0, done.stderr
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert sum(float(row[f"p_{name}"]) for name in card["heads"][0]["names"]) == pytest.approx(
        1, abs=1e-3
    )
    done = galedge("models", bundle)
    assert done.returncode == 0, done.stderr
    assert "non-commercial" in done.stdout


def test_a_second_call_goes_on_where_the_first_ended(made):
    wheel = next(made.glob("*.whl"))
    before = np.load(made / "out" / "pack" / "auto.npy").copy()
    stamp = (made / "out" / "pack" / "auto.npy").stat().st_mtime_ns
    training("make", made / "plan", wheel, made / "out")
    assert (made / "out" / "pack" / "auto.npy").stat().st_mtime_ns == stamp
    np.testing.assert_array_equal(np.load(made / "out" / "pack" / "auto.npy"), before)
    curve = json.loads((made / "out" / "run" / "run.json").read_text())["curve"]
    assert [row["epoch"] for row in curve] == list(range(1, 11))


def test_another_recipe_than_the_pack_has_is_refused(made):
    other = made / "other"
    shutil.copytree(made / "plan", other)
    (other / "plan.json").write_text(json.dumps({**PLAN, "recipe": {"size": 32}}))
    said = training("make", other, next(made.glob("*.whl")), made / "out", code=1)
    assert "was packed by another recipe" in said
    assert "remove it" in said


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ({**PLAN, "epochs": 3}, "'epochs' is no field of a plan"),
        ({**PLAN, "recipe": []}, "'recipe' is no field of a plan, or not of its type"),
        ({"bundle": "a", "recipe": {}}, "lacks train"),
        ([], "lacks bundle, recipe, train"),
        ({**PLAN, "recipe": {"sise": 24}}, "unknown recipe fields"),
        ({**PLAN, "train": {"epoch": 24}}, "unexpected keyword argument 'epoch'"),
        ({**PLAN, "begin": "hubble-9"}, "hubble-9: no such model"),
    ],
)
def test_a_plan_that_is_wrong_is_refused_before_anything_is_done(tmp_path, plan, why):
    shutil.copy(TASKS / "radio" / "task.toml", tmp_path)
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    said = training("make", tmp_path, tmp_path / "none.whl", tmp_path / "out", code=1)
    assert why in said
    assert not (tmp_path / "out").exists()


def test_the_shipped_plans_and_their_tasks_can_be_read():
    folders = [path for path in TASKS.iterdir() if path.is_dir()]
    assert "radio" in [path.name for path in folders]
    for folder in folders:
        Task.read(folder / "task.toml")
        plan = plan_of(folder / "plan.json")
        begin = begun(plan.get("begin"))
        config = Config(**{**begin, **plan["train"]})
        assert config.network


def test_data_takes_a_recipe_from_a_file(tmp_path):
    entries = [*sky(8, "train"), *sky(4, "valid"), *sky(4, "test")]
    wheel = write_first(tmp_path / "firstgalaxydata-0.2.1-py3-none-any.whl", entries)
    (tmp_path / "recipe.json").write_text('{"size": 24, "framing": 50}')
    words = ["data", wheel, tmp_path / "pack", "--simulations", "0", "--recipe"]
    assert "16 pictures" in training(*words, tmp_path / "recipe.json")
    info = json.loads((tmp_path / "pack" / "pack.json").read_text())
    assert (info["recipe"]["size"], info["recipe"]["framing"]) == (24, 50)
    (tmp_path / "recipe.json").write_text("[1]")
    said = training(*words, tmp_path / "recipe.json", code=1)
    assert "recipe.json: no recipe:" in said

"""Training through cameras: from kept pictures, resumed, beside what is rendered, and asked."""

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from helpers.shapes import write_shapes
from helpers.training_run import training

from training.__main__ import main
from training.data.pack import Pack
from training.fit.batches import Group
from training.fit.config import Config
from training.fit.distil import load
from training.fit.losses import losses
from training.fit.lots import counts, lot, told_in
from training.fit.observe import shown

NUMBER = 48
TRAIN = ["--threads", "1", "--set", "network=compact:4|4|6|8", "--set", "size=32"]
CAMERAS = ["--set", "cameras=true", "--set", "batch=16", "--set", "lr=5e-3"]
MIX = ["--set", 'mix={"more":0.5,"rendered":0.5}']


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Two packs of one set of pictures, of which one has types and the other votes."""
    folder = tmp_path_factory.mktemp("work")
    random = np.random.default_rng(0)
    stages = random.integers(-5, 10, NUMBER)
    write_shapes(folder / "typed", NUMBER, t_type=stages, t_lo=stages - 1, t_hi=stages + 1)
    votes = [f"{v:.2f}" for v in random.random(NUMBER)]
    write_shapes(folder / "voted", NUMBER, **{"Class1.1": votes, "Class1.2": ["0.5"] * NUMBER})
    some = ["--task", "morphology", "--size", "32", "--simulations", "0", "--keep"]
    training("data", folder / "typed", folder / "pack", *some)
    training("data", folder / "voted", folder / "more", *some, "--beside", folder / "pack")
    return folder


def test_a_training_goes_on_where_it_ended(work, tmp_path):
    extra = ["--extra", work / "more", "-", *MIX]
    command = ["train", work / "pack", tmp_path / "run", *TRAIN, *CAMERAS, *extra]
    training(*command, "--set", "epochs=2")
    before = json.loads((tmp_path / "run/run.json").read_text())
    said = training(*command, "--set", "epochs=3", "--resume")
    assert "going on after epoch 2" in said
    after = json.loads((tmp_path / "run/run.json").read_text())
    assert [row["epoch"] for row in after["curve"]] == [1, 2, 3]
    assert after["curve"][:2] == before["curve"]
    labelled = len(Pack.open(work / "pack").rows("train"))
    assert after["seen"] == 3 * (labelled + 2 * round(labelled / 2))
    other = ["--set", "network=compact:4|4|6|6"]
    done = CliRunner().invoke(main, [str(word) for word in [*command, *other, "--resume"]])
    assert done.exit_code == 1
    assert "another network" in f"{done.output}{done.exception}"


def test_one_seed_gives_one_training(work, tmp_path):
    """What is resumed is what would have been."""
    command = ["train", work / "pack", *TRAIN, *CAMERAS, "--set", "epochs=2", "--set", "decay=0"]
    for name in ("a", "b"):
        training(command[0], command[1], tmp_path / name, *command[2:])
    one, other = (torch.load(tmp_path / name / "weights.pt", weights_only=True) for name in "ab")
    for key, value in one.items():
        torch.testing.assert_close(value, other[key])


def test_packs_without_pictures_and_unknown_names_are_refused(work, tmp_path):
    training("data", work / "typed", tmp_path / "bare", "--size", "32", "--simulations", "0")
    said = training("train", tmp_path / "bare", tmp_path / "r", *TRAIN, *CAMERAS, code=1)
    assert "--keep" in said
    mix = ["--set", 'mix={"nobody":1}']
    said = training("train", work / "pack", tmp_path / "r", *TRAIN, *CAMERAS, *mix, code=1)
    assert "nobody" in said


def test_every_look_is_another_and_what_is_lost_teaches_nothing(work):
    pack = Pack.open(work / "pack")
    group = Group(pack, pack.rows("train"))
    config = Config(size=32, cameras=True, batch=8)
    luck, dice = np.random.default_rng(0), torch.Generator()
    batch = shown((group,), config, luck, dice, "cpu")
    chosen = [(0, 3)] * 24
    x, target = batch((group,), chosen, 32)
    assert x.shape == (24, 3, 32, 32)
    assert 0 <= float(x.min()) < float(x.max()) <= 1
    assert len({picture.numpy().tobytes() for picture in x}) == 24
    told = target.told["t_type"][:, 0]
    seen = torch.isfinite(told)
    assert seen.any()
    assert (told[seen] == float(pack.told["t_type"][group.rows[3], 0])).all()


def test_lots_hold_of_each_pack_what_was_asked_for(work):
    packs = [Pack.open(work / name) for name in ("pack", "more")]
    groups = tuple(Group(pack, np.arange(len(pack))) for pack in packs)
    config = Config(mix={"more": 2.5})
    further = counts(groups, config)
    assert further == [round(2.5 * len(packs[0]))]
    items = lot(groups, further, None, np.random.default_rng(0))
    drawn = np.bincount([g for g, _ in items])
    assert drawn.tolist() == [len(packs[0]), further[0]]
    told = told_in(groups, further)
    assert len(told["hubble"]) == sum(drawn)
    assert np.isfinite(told["hubble"]).all(1).sum() == len(packs[0])


def test_votes_count_by_how_many_were_asked(work):
    pack = Pack.open(work / "more")
    group = Group(pack, np.arange(8))
    config = Config(size=32, cameras=True, attributes=1.0)
    batch = shown((group,), config, np.random.default_rng(0), torch.Generator(), "cpu")
    _, target = batch((group,), [(0, i) for i in range(8)], 32)
    task = pack.task
    outputs = {name: torch.zeros(8, width) for name, width in task.layers.items()}
    only = {name: torch.full_like(v, float("nan")) for name, v in target.told.items()}
    only["features"] = torch.full_like(target.told["features"], float("nan"))
    only["features"][:, 0] = 1.0
    counts_ = {"features": torch.full_like(only["features"], 0.25)}
    args = (task, outputs, target._replace(told=only, weight=counts_), {}, config)
    quarter = losses(*args)
    whole = losses(*args[:2], target._replace(told=only, weight={}), *args[3:])
    torch.testing.assert_close(4 * quarter, whole)


def test_a_bundle_teaches_what_it_knows(work, tmp_path):
    answers = tmp_path / "said.npz"
    said = training("ask", "hubble-1", work / "pack", answers, "--views", "1", "--threads", "1")
    assert f"{NUMBER}/{NUMBER}" in said
    found = load(answers)
    assert set(found.heads) == {"hubble_classes", "t_type_bins"} or set(found.heads) == {
        head.layer for head in Pack.open(work / "pack").task.heads if head.taught
    }
    for p in found.heads.values():
        np.testing.assert_allclose(p.sum(1), 1, atol=5e-3)
    taught = ["--targets", answers, "--set", "distil=0.5", "--set", "epochs=1"]
    training("train", work / "pack", tmp_path / "run", *TRAIN, *CAMERAS, *taught)

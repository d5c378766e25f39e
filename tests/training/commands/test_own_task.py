"""A task of one's own, from pictures without a split to rows that galedge prints."""

import csv
import io
import json
import shutil

import numpy as np
import pytest
import torch
from helpers.shapes import KINDS, write_shapes
from helpers.training_run import training

from training.data.pack import Pack
from training.fit.augment import Augment
from training.fit.batches import Group, draw
from training.fit.config import Config
from training.fit.predict import predict
from training.fit.runs import load_run

NETWORK = ["--threads", "1", "--set", "network=galaxy:4,4,4,4", "--set", "batch=16"]
SMALL = ["--size", "24", "--simulations", "1"]
NUMBER = 60


def classified(galedge, bundle, *files):
    """Return the rows that galedge prints."""
    done = galedge("classify", "--model", bundle, *files)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Pictures, a pack of their classes, a run and its bundle."""
    folder = tmp_path_factory.mktemp("work")
    kinds = [KINDS[i % 3] for i in range(NUMBER)]
    random = np.random.default_rng(0)
    columns = {
        "is_disk": ["yes" if kind == "disk" else "no" for kind in kinds],
        "is_striped": [int(kind == "stripes") for kind in kinds],
        "brightness": [20 + 3 * KINDS.index(kind) + random.normal() / 2 for kind in kinds],
    }
    write_shapes(folder / "shapes", NUMBER, **columns)
    said = training("data", folder / "shapes", folder / "pack", "--classes", "shape", *SMALL)
    assert "task shapes: head 'shape'" in said
    steps = ["--set", "epochs=12", "--set", "lr=1e-2", "--set", "ema=0.8"]
    training("train", folder / "pack", folder / "run", *NETWORK, *steps)
    said = training("export", folder / "run", folder / "pack", folder / "bundle", "--name", "s-1")
    assert "| precision | source | input | accuracy | macro-F1 | ECE |" in said
    return folder


def test_splits_are_drawn_of_each_class(work):
    pack = Pack.open(work / "pack")
    assert pack.task.classes.names == ("disk", "round", "stripes")
    for split in ("train", "val", "test"):
        assert set(pack.label[pack.split == split]) == {0, 1, 2}
    by_group = {}
    for group, split in zip(pack.galaxy, pack.split, strict=True):
        by_group.setdefault(group, set()).add(split)
    assert all(len(splits) == 1 for splits in by_group.values())


def test_other_classes_train_and_are_told_by_galedge(work, galedge):
    curve = json.loads((work / "run" / "run.json").read_text())["curve"]
    assert curve[-1]["shapes"]["colour"]["accuracy"] > 0.6
    card = json.loads((work / "bundle" / "card.json").read_text())
    assert card["schema"] == 2
    assert [head["name"] for head in card["heads"]] == ["shape", "embedding"]
    assert sum(card["heads"][0]["prior"]) == pytest.approx(1, abs=1e-3)
    assert min(card["heads"][0]["prior"]) > 0.1  # alike in what was learned, if not quite on val
    assert set(card["metrics"]["int8"]["shapes"]["colour"]["recall"]) == set(KINDS)
    assert set(card["files"]) == {"model.fp32.onnx", "model.int8.onnx"}
    assert "sets" not in card["heads"][0]  # of four galaxies a class nothing can be promised
    training("calibrate", work / "bundle", work / "pack")
    assert "no reference: val has 6 galaxies" in training("refer", work / "bundle", work / "pack")
    assert json.loads((work / "bundle" / "card.json").read_text()) == card
    test = [f"{i}.png" for i in range(NUMBER)]
    rows = classified(galedge, work / "bundle", *(work / "shapes" / name for name in test))
    names = [name for name in rows[0] if name.startswith("p_")]
    assert names == ["p_disk", "p_round", "p_stripes"]
    assert not any(name.startswith("t_type") for name in rows[0])
    right = [row["label"] == KINDS[i % 3] for i, row in enumerate(rows)]
    assert np.mean(right) > 0.6
    for row in rows[:3]:
        assert sum(float(row[name]) for name in names) == pytest.approx(1, abs=1e-3)


def test_every_command_reads_the_task_from_what_it_is_given(work, tmp_path):
    bundle, pack, run = work / "bundle", work / "pack", work / "run"
    few = ["--draws", "5"]
    said = training(
        "evaluate", bundle, pack, *few, "--source", work / "shapes", "-o", tmp_path / "r"
    )
    assert "| int8 | shapes | mono |" in said
    page = (tmp_path / "r" / "index.html").read_text()
    assert "Confusion" in page
    assert "Transition types" not in page  # no sequence
    assert "T-type" not in page
    told = json.loads((tmp_path / "r" / "metrics.json").read_text())
    assert told["transitions"] == {}
    assert set(told["sets"]["shapes"]["colour"]["classes"]) == set(KINDS)
    said = training("explain", run, pack, "-o", tmp_path / "e.json", "--bundle", bundle, *few)
    assert "| galedge explain | " in said
    training("average", tmp_path / "mean", run, run)
    assert json.loads((tmp_path / "mean" / "run.json").read_text())["task"]["name"] == "shapes"
    assert "imbalance" in training("data", "check", pack)
    training("distil", pack, tmp_path / "t.npz", run, "--views", "2")
    taught = ["--targets", tmp_path / "t.npz", "--set", "distil=0.5", "--set", "hints=0.5"]
    more = ["--extra", pack, "-", "--set", "extra=0.5", "--set", "epochs=1"]  # its labels alone
    training("train", pack, tmp_path / "s", *NETWORK, *taught, *more)
    assert json.loads((tmp_path / "s" / "run.json").read_text())["unlabelled"] == 47


def test_a_file_asks_for_labels_and_a_quantity_beside_classes(work, tmp_path, galedge):
    file = tmp_path / "more.toml"
    file.write_text(
        """
        [[heads]]
        kind = "classes"
        name = "shape"

        [[heads]]
        kind = "labels"
        name = "marks"
        names = ["disk", "stripes"]
        columns = {disk = "is_disk", stripes = "is_striped"}

        [[heads]]
        kind = "quantity"
        name = "brightness"
        unit = "mag"
        """
    )
    pack = tmp_path / "pack"
    training("data", work / "shapes", pack, "--task", file, *SMALL)
    # From weights of another task: the body is taken, and layers that it lacks begin anew.
    start = ["--set", f"weights={work / 'run' / 'weights.pt'}", "--set", "epochs=2"]
    training("train", pack, tmp_path / "run", *NETWORK, *start)
    # Its words may be others by then.
    file.write_text('limits = ["Made, not seen."]\n' + file.read_text())
    words = ["--name", "more-1", "--task", file]
    training("export", tmp_path / "run", pack, tmp_path / "bundle", *words)
    said = training("evaluate", tmp_path / "bundle", pack, "--draws", "5")
    assert "| precision | source | input | accuracy | macro-F1 | RMS brightness | ECE |" in said
    card = json.loads((tmp_path / "bundle" / "card.json").read_text())
    assert card["limits"] == ["Made, not seen."]
    assert card["metrics"]["int8"]["marks"].keys() <= {"disk", "stripes"}
    (row,) = classified(galedge, tmp_path / "bundle", work / "shapes" / "0.png")
    told = ["p_disk", "p_round", "p_stripes", "p_marks_disk", "p_marks_stripes", "brightness"]
    assert [name for name in row if name in {*told, "brightness_error"}] == [
        *told,
        "brightness_error",
    ]
    assert 18 < float(row["brightness"]) < 29
    # What it says in words can be said later.
    said = training("describe", tmp_path / "bundle", "--task", file)
    assert said == ""
    given = 'given = {stripes = ["not disk"]}\n        columns ='
    text = file.read_text().replace("columns =", given).replace("not seen", "never seen")
    about = 'name = "shape"\n        subject = "disk"\n        flags = {round = "point_like"}'
    file.write_text(text.replace('name = "shape"', about))
    said = training("describe", tmp_path / "bundle", "--task", file)
    assert said.splitlines() == [
        'marks: if: {"stripes": ["not disk"]}',
        'subject: {"head": "shape", "name": "disk", "flags": {"round": "point_like"}}',
        'limits: ["Made, never seen."]',
    ]
    later = json.loads((tmp_path / "bundle" / "card.json").read_text())
    assert later["heads"][1].pop("if") == {"stripes": ["not disk"]}
    assert later.pop("subject") == {
        "head": "shape",
        "name": "disk",
        "flags": {"round": "point_like"},
    }
    assert later.pop("limits") == ["Made, never seen."]
    learned = later["training"]["task"]["heads"]
    assert learned[1].pop("given") == {"stripes": ["not disk"]}
    assert (learned[0].pop("subject"), learned[0].pop("flags")) == ("disk", {"round": "point_like"})
    assert later == {key: value for key, value in card.items() if key != "limits"}
    said = training("describe", work / "bundle", "--task", file, code=1)
    assert "does not answer what task 'more' asks" in said
    # A task of labels alone, of the same pack.
    only = tmp_path / "only.json"
    only.write_text(json.dumps({"heads": [{"kind": "labels", "name": "is", "names": ["is_disk"]}]}))
    training("train", pack, tmp_path / "only", *NETWORK, "--task", only, "--set", "epochs=1")
    network, record = load_run(tmp_path / "only")
    assert record["task"]["heads"][0]["name"] == "is"
    assert set(network.heads.named()) == {"is_labels"}


def test_a_mirror_image_of_a_class_is_learned_and_averaged_as_the_other(work):
    task = json.loads((work / "pack" / "pack.json").read_text())["task"]
    task["heads"][0]["mirror"] = {"disk": "round", "round": "disk"}
    pack = Pack.open(work / "pack", type(Pack.open(work / "pack").task).from_json(task))
    rows = np.flatnonzero(pack.label == 0)
    chosen = [(0, i) for i in range(len(rows))] * 4
    random, dice = np.random.default_rng(0), torch.Generator().manual_seed(0)
    group = Group(pack, rows)
    _, target = draw((group,), chosen, Config(size=24), 24, Augment(), random, dice, "cpu")
    assert set(target.told["shape"].argmax(1).tolist()) == {0, 1}
    network, _ = load_run(work / "run")
    pixels = pack.exact["auto"][:4]
    flipped = np.ascontiguousarray(pixels[..., ::-1])
    one = predict(network, pack.task, pixels, 24, turns=((0, True),)).heads["shape_classes"]
    two = predict(network, pack.task, flipped, 24).heads["shape_classes"]
    np.testing.assert_allclose(one, two[:, [1, 0, 2]], atol=1e-5)


REFUSED = [
    (["--classes", "shap"], "'shap' is none of file, galaxy, shape"),
    (["--classes", "galaxy", "--task", "hubble"], "both say what to learn"),
    (["--task", "no.toml"], "no.toml: No such file"),
    (["--task", "none.json"], "'is_round' is none of file, galaxy, shape"),
    (["--task", "few.json"], "column 'shape' of head 'shape': 'stripes' is none of disk, round"),
    (["--task", "wide.json"], "column 'is_disk' must hold numbers, not"),
]
FILES = {
    "none.json": [{"kind": "labels", "name": "marks", "names": ["is_round"]}],
    "few.json": [{"kind": "classes", "name": "shape", "names": ["disk", "round"]}],
    "wide.json": [{"kind": "quantity", "name": "is_disk"}],
}


@pytest.mark.parametrize(("words", "said"), REFUSED)
def test_what_the_data_do_not_hold_is_refused_in_a_sentence(
    work, tmp_path, monkeypatch, words, said
):
    for name, heads in FILES.items():
        (tmp_path / name).write_text(json.dumps({"heads": heads}))
    monkeypatch.chdir(tmp_path)
    out = training("data", work / "shapes", "pack", *words, *SMALL, code=2 if "both" in said else 1)
    assert f"{said}" in out
    assert "Error: " in out
    assert not (tmp_path / "pack").exists()


def test_a_class_without_a_picture_in_train_is_refused(work, tmp_path):
    shutil.copytree(work / "pack", tmp_path / "pack")
    with open(tmp_path / "pack" / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    with open(tmp_path / "pack" / "labels.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for row in rows:
            hidden = row["split"] == "train" and row["shape"] == "round"
            writer.writerow({**row, "shape": "" if hidden else row["shape"]})
    said = training("train", tmp_path / "pack", tmp_path / "run", *NETWORK, code=1)
    assert "no picture of train is of class 'round', which head 'shape' is to learn" in said
    assert not (tmp_path / "run" / "weights.pt").exists()


def test_a_pack_that_tells_nothing_of_the_task_is_refused(work, tmp_path):
    other = write_shapes(tmp_path / "other", 12)
    labels = (other / "labels.csv").read_text().replace("shape", "kind", 1)
    (other / "labels.csv").write_text(labels)
    training("data", other, tmp_path / "pack", "--classes", "kind", *SMALL)
    said = training("evaluate", work / "bundle", tmp_path / "pack", code=1)
    assert "tells nothing of what task 'shapes' asks for; it was packed for 'other'" in said
    said = training(
        "export", work / "run", tmp_path / "pack", tmp_path / "b", "--name", "x", code=1
    )
    assert "tells nothing of what task 'shapes' asks for" in said
    said = training("explain", work / "run", tmp_path / "pack", "-o", tmp_path / "e.json", code=1)
    assert "tells nothing of what task 'shapes' asks for" in said

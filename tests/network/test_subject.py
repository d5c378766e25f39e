"""What a source is comes first: of what is not of a bundle's subject there is no answer."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from helpers.made import bundle_of, command, write_fits

import galedge
from galedge.errors import ModelError
from galedge.network.model import Model

M51 = Path(__file__).parents[2] / "examples" / "m51.fits.gz"
KIND = {"kind": "classes", "name": "kind", "output": "kind", "names": ["galaxy", "star", "noise"]}
SHAPE = {
    "kind": "classes",
    "name": "shape",
    "output": "shape",
    "primary": True,
    "names": ["disc", "ball"],
}
STAGE = {"kind": "quantity", "name": "stage", "output": "stage", "range": [-6, 10]}
SUBJECT = {"head": "kind", "name": "galaxy", "flags": {"star": "point_like"}}
ENTRIES = [KIND, SHAPE, STAGE]


def answer(model, kind):
    """Return what a row says where the network is sure of a kind."""
    logits = np.full((1, 3), -9, np.float32)
    logits[0, kind] = 9
    shape, stage = np.array([[1, -1]], np.float32), np.array([[3, 0]], np.float32)
    return model.decode({"kind": logits, "shape": shape, "stage": stage})


def test_of_another_kind_there_is_no_answer(tmp_path):
    model = Model.load(bundle_of(tmp_path, ENTRIES, subject=SUBJECT))
    for kind, flags in enumerate([(), ("not_a_galaxy", "point_like"), ("not_a_galaxy",)]):
        prediction = answer(model, kind)
        told = prediction.told(np.zeros(1, bool), [("faint",)])
        (said, shape, stage), *_ = told.answers
        assert told.flags == [("faint", *flags)]
        assert said[0] == KIND["names"][kind]  # which says why
        assert (shape[0], stage[0]) == (("disc", 3.0) if kind == 0 else (None, None))
        assert shape[2:] == pytest.approx([0.8808, 0.1192], abs=1e-4)  # as it would be
        everything = prediction.told(np.zeros(1, bool), [()], label_all=True)
        assert everything.answers[0][1][0] == "disc"
        assert everything.flags == [flags]


def test_without_a_subject_only_what_is_no_source_is_withheld(tmp_path):
    model = Model.load(bundle_of(tmp_path, ENTRIES))
    prediction = answer(model, 1)
    for flags, label in (((), "disc"), (("no_source",), None), (("cropped",), "disc")):
        told = prediction.told(np.zeros(1, bool), [flags])
        assert told.flags == [flags]
        assert told.answers[0][1][0] == label
        assert told.answers[0][1][1] is None or label is not None


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        ({"head": "none", "name": "galaxy"}, "no head of classes"),
        ({"head": "shape", "name": "disc"}, "no head of classes beside the primary"),
        ({"head": "kind", "name": "quasar"}, "'quasar' is no class of kind"),
        ({"head": "kind", "name": "galaxy", "flags": {"nova": "new"}}, "'nova' is no class"),
        ({"head": "kind", "name": "galaxy", "flags": {"star": 1}}, "'flags' must give"),
        ({"name": "galaxy"}, "'head' is missing"),
        ([], "'head' is missing"),
    ],
)
def test_a_subject_that_no_head_tells_is_refused(tmp_path, subject, fault):
    with pytest.raises(ModelError, match=f"card.json: 'subject': .*{fault}"):
        Model.load(bundle_of(tmp_path, ENTRIES, subject=subject))


def test_noise_has_no_label_from_the_command_line(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    noise = np.random.default_rng(0).normal(100, 3, (64, 64)).astype(np.float32)
    write_fits(images / "a.fits", noise)
    shutil.copy(M51, images)
    table = tmp_path / "table.csv"
    for option in ((), ("--label-all",)):
        line = command("classify", images, "-o", table, "--write-back", tmp_path / "new", *option)
        subprocess.run(line, check=True)
        none, one = sorted(csv.DictReader(table.open()), key=lambda row: row["path"])
        assert "no_source" in none["flags"].split(";")
        assert (none["label"] == "") == (none["t_type"] == "") == (not option)
        assert none["p_E"]
        assert none["status"] == "ok"
        assert one["label"]
        assert one["t_type"]
    assert galedge.classify(noise).label is None
    assert galedge.classify(noise).probabilities["E"] is not None
    assert galedge.Classifier(label_all=True).classify(noise).label is not None


def test_a_result_can_be_withheld(tmp_path):
    result = galedge.classify(M51)
    without = result.withheld("point_like")
    assert without.label is without.probability is without.t_type is without.t_type_error is None
    assert without.flags == (*result.flags, "point_like")
    assert without.probabilities == result.probabilities
    assert json.dumps(without.as_row())

"""The curve of labels: who is asked what, who judges, and that a head finds what is there."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.house import ROOT

from training.data.pictures import Pictures
from training.study import curves
from training.study.curves import BUDGETS, markdown, measure
from training.study.questions import QUESTIONS, draw, sides
from training.study.seers import Bundle, remembered

RING, EDGE, STAR = (
    next(q for q in QUESTIONS if q.name == name)
    for name in ("ring", "edge_on or cigar", "star, ground")
)


def _ring(share, split="train"):
    return {"ring": str(share), "ring_asked": "1", "split": split}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (_ring(0.5), True),
        (_ring(0.25), False),
        (_ring(0.4), None),
        ({"ring": "", "ring_asked": ""}, None),
        ({"ring": "0.9", "ring_asked": "0.4"}, None),
    ],
)
def test_only_what_volunteers_agree_on_is_told(row, told):
    assert RING.tell(row) is told


def test_a_kind_against_another_is_asked_of_what_is_either():
    row = {"edge_on": "0.9", "edge_on_asked": "1", "cigar": "", "cigar_asked": ""}
    assert EDGE.tell(row) is True
    assert EDGE.tell({**row, "edge_on": "0.1", "cigar": "0.8", "cigar_asked": "0.9"}) is False
    assert EDGE.tell({**row, "edge_on": "0.1"}) is None
    assert STAR.tell({"source": "ground", "kind": "star"}) is True
    assert STAR.tell({"source": "sdss_cutouts", "kind": "star"}) is None


def test_labels_are_of_train_and_judges_are_not():
    rows = [
        _ring(share, split)
        for split, number in (("train", 40), ("val", 6), ("test", 6))
        for share in [0.8, 0.0, 0.0] * number
    ]
    found = sides(RING, rows)
    assert {rows[i]["split"] for i in [*found.yes, *found.no]} == {"train"}
    assert {rows[i]["split"] for i in found.judged} == {"val", "test"}
    assert found.truth.sum() == 12
    assert len(found.judged) == 36
    chosen, label = draw(found, 50, 0)
    assert label.sum() == 25
    assert len(set(chosen)) == 50
    # Where yes runs out, no fills up.
    assert draw(found, 100, 0)[1].sum() == 40
    assert len(draw(found, 100, 0)[1]) == 100
    assert len(draw(found, 400, 0)[1]) == 120
    assert sides(RING, rows[:60]) is None  # nobody judges
    assert (draw(found, 50, 0)[0] == chosen).all()
    assert (draw(found, 50, 1)[0] != chosen).any()


class Sharp:
    """Sees the brightness of a picture and little else."""

    name, sha256, labels, calls = "sharp", "0", ("ring",), 0

    def see(self, pictures, *, every):
        self.calls += 1
        bright = np.array([picture.mean() / 255 for picture in pictures], np.float32)
        noise = np.random.default_rng(0).normal(0, 1, (len(pictures), 8 if every else 1, 3))
        return np.concatenate(
            [noise, np.broadcast_to(bright[:, None, None], (*noise.shape[:2], 1))], 2
        ).astype(np.float32)


@pytest.fixture
def pack(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        {"file": f"{i}.jpg", **_ring(share, split)}
        for i, (share, split) in enumerate(
            (share, split)
            for split, number in (("train", 30), ("test", 10))
            for share in [0.8, 0.0] * number
        )
    ]
    with open(tmp_path / "labels.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    pictures = (
        rng.integers(0, 100, (3, 64, 64)).astype(np.uint8) + 80 * (row["ring"] == "0.8")
        for row in rows
    )
    kept = Pictures.write(tmp_path, (each.astype(np.uint8) for each in pictures))
    return SimpleNamespace(folder=tmp_path, pictures=kept)


def test_a_head_finds_what_is_there(pack, monkeypatch, tmp_path):
    monkeypatch.setattr(curves, "SEEDS", 2)
    seer = Sharp()
    row = next(measure(pack, seer, tmp_path))
    assert row["judged"] == [10, 10]
    assert row["pool"] == [30, 30]
    assert list(row["areas"]) == [str(budget) for budget in BUDGETS]
    assert all(len(areas) == 2 and min(areas) == 1 for areas in row["areas"].values())
    assert row["own"][0] == 1
    assert not list(measure(pack, seer, tmp_path, ["ring"]))
    calls = seer.calls
    assert next(measure(pack, seer, tmp_path)) == row
    assert seer.calls == calls  # what was seen is remembered
    lines = list(markdown([row]))
    assert lines[-1].startswith("| ring | 10 of 20 | sharp | 1.000 | 1.000 ± 0.000 |")


def test_a_bundle_is_seen_as_tune_sees_it(pack):
    seer = Bundle("hubble-2")
    every = remembered(seer, pack, range(4), every=True, cache=None)
    assert every.shape[:2] == (4, 8)
    assert "ring" in seer.labels
    once = remembered(seer, pack, range(4), every=False, cache=None)
    assert np.array_equal(once[:, 0], every[:, 0])


def test_the_command_keeps_what_is_written(pack, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(curves, "SEEDS", 1)
    monkeypatch.setattr(curves, "Bundle", lambda name: opened.append(name) or Sharp())
    monkeypatch.setattr(curves.Pack, "open", lambda folder: pack)
    output = tmp_path / "curves.json"
    for _ in range(2):
        result = CliRunner().invoke(curves.main, [str(tmp_path), "-o", str(output)])
        assert result.exit_code == 0, result.output
    found = json.loads(output.read_text())
    assert found["networks"] == {"sharp": "0"}
    assert [row["question"] for row in found["rows"]] == ["ring"]  # once, of two alike
    assert opened == ["hubble-2", "hubble-1"] * 2


def test_labels_of_galaxies_that_are_known_are_compared_with_others():
    rng = np.random.default_rng(0)

    def looks(number, kind, noise):
        return rng.normal(kind, noise, (number, 2, 3)).astype(np.float32)

    pools = looks(60, 0.0, 0.3), looks(60, 1.0, 0.3)  # the other way round
    held = looks(90, 1.0, 0.3), looks(90, 0.0, 0.3)
    areas = curves.halves(pools, held, 0, seeds=2)
    assert min(areas["unseen"]) > 0.95
    assert max(areas["seen"]) < 0.05
    assert len(areas["seen"]) == 2


def test_the_page_has_the_table_of_the_results():
    found = json.loads((ROOT / "training/results/curves.json").read_text())
    page = (ROOT / "training/RESULTS.md").read_text()
    assert "\n".join(markdown(found["rows"])) in page
    models = {row["model"] for row in found["rows"]}
    assert {row["question"] for row in found["rows"]} == {question.name for question in QUESTIONS}
    assert models == set(found["networks"])

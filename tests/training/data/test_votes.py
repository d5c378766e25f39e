"""Votes are shares of those who were asked; whoever was not asked has said nothing."""

import math

import numpy as np
import pytest

from training.data.votes import LABELS, QUESTIONS, told
from training.words.morphology import GIVEN, MORPHOLOGY
from training.words.morphology import LABELS as NAMES
from training.words.targets import targets, weights
from training.words.task import Task

ROW = {
    "Class1.1": "0.3",
    "Class1.2": "0.6",
    "Class2.1": "0.12",
    "Class2.2": "0.48",
    "Class3.1": "0.12",
    "Class3.2": "0.36",
    "Class4.1": "0.36",
    "Class8.1": "0.05",
    "Class8.3": "0.1",
    "Class8.6": "0.2",
    "Class10.1": "0.09",
}


def test_answers_are_divided_by_those_that_led_to_the_question():
    found = told(ROW)
    wanted = {"smooth": 1 / 3, "edge_on": 0.2, "bar": 0.25, "arms": 0.75, "arms_tight": 0.25}
    assert {name: float(found[name]) for name in wanted} == pytest.approx(wanted, abs=1e-4)
    assert float(found["bar_asked"]) == pytest.approx(0.48)
    assert float(found["arms_tight_asked"]) == pytest.approx(0.36)
    assert float(found["disturbed"]) == pytest.approx(0.3)
    assert float(found["ring_asked"]) == 1


def test_a_missing_column_is_no_zero_and_few_are_not_heard():
    found = told(ROW)
    assert found["bulge_none"] == found["bulge_none_asked"] == ""
    rare = told({**ROW, "Class2.2": "0.05", "Class3.1": "0.05"})
    assert rare["bar"] == ""
    assert told({}) == dict.fromkeys(found, "")


def test_sure_classes_tell_what_they_imply():
    assert told({"clean5": "spiral"})["arms"] == "1"
    assert told({"clean5": "cigar"})["round"] == "0"
    assert told({"clean5": "edge_on"})["arms"] == ""  # nobody can see
    assert told({**ROW, "clean5": "spiral"})["arms"] == "0.7500"  # votes say more


def test_the_task_reads_votes_and_what_other_catalogues_say():
    assert set(LABELS) <= set(NAMES)
    rows = [
        told(ROW),
        {"t_type": "-5", "inner_ring": "0", "outer_ring": "0.25", "pseudo_ring": "0"},
        {"t_type": "10"},
        {"code": "5"},
        {"kind": "star"},
    ]
    found, counts = targets(MORPHOLOGY, rows), weights(MORPHOLOGY, rows)
    place = MORPHOLOGY.heads[-1].place

    def label(row, name):
        return found["features"][row, place(name)]

    assert label(0, "bar") == pytest.approx(0.25)
    assert counts["features"][0, place("bar")] == pytest.approx(0.48)
    assert (counts["features"][1:] == 1).all()
    assert (label(1, "smooth"), label(1, "ring"), label(1, "irregular")) == (1, 0.5, 0)
    assert label(2, "irregular") == 1
    assert (label(3, "merger"), label(3, "disturbed")) == (1, 1)
    assert math.isnan(label(4, "merger"))
    np.testing.assert_array_equal(found["kind"].argmax(1), [0, 0, 0, 0, 1])


def test_labels_hang_on_the_answers_that_led_to_their_question():
    answers = {"1.1": "smooth", "1.2": "not smooth", "2.2": "not edge_on", "4.1": "arms"}
    asked = {
        label: (answers[before[0]],) for label, (_, before) in QUESTIONS.items() if len(before) == 1
    }
    # Galaxy Zoo 1 asked all, and those who saw arms know.
    assert asked | {"clockwise": ("arms",)} == GIVEN


def test_the_task_is_one_that_a_file_can_hold():
    assert Task.from_json(MORPHOLOGY.to_json()) == MORPHOLOGY

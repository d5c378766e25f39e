"""Targets: what rows tell, softly or not at all, and rows that tell nonsense."""

import numpy as np
import pytest

from training.words.fields import TaskError
from training.words.heads import Classes, Labels, Quantity
from training.words.hubble import HUBBLE
from training.words.targets import hard, left_out, mirrored, missing, targets
from training.words.task import Task

NAN = float("nan")


def told(head, *rows):
    task = Task(name="made", heads=head if isinstance(head, tuple) else (head,))
    return targets(task, [{"file": f"{i}.png", **row} for i, row in enumerate(rows)])


def test_classes_stand_in_a_column_by_name_or_by_code():
    head = Classes(name="kind", names=("E", "S"), column="code", values={"0": "E", "9": None})
    found = told(head, {"code": "0"}, {"code": "S"}, {"code": "9"}, {"code": ""}, {})["kind"]
    np.testing.assert_array_equal(found, [[1, 0], [0, 1], *[[NAN, NAN]] * 3])
    assert hard(found).tolist() == [0, 1, -1, -1, -1]


def test_classes_may_be_shares_of_votes():
    head = Classes(name="kind", shares={"smooth": "p1", "disk": "p2"})
    rows = [{"p1": "3", "p2": "1"}, {"p1": "0", "p2": "0"}, {"p1": "0.5", "p2": ""}]
    np.testing.assert_array_equal(told(head, *rows)["kind"], [[0.75, 0.25], *[[NAN, NAN]] * 2])


def test_classes_may_be_parts_of_a_quantity_or_of_a_column():
    near = Classes(name="near", names=("a", "b"), of="z", upto=(0.1, 0.3))
    found = told(near, {"z": "0.1"}, {"z": "0.2"}, {"z": "0.31"}, {"z": ""})["near"]
    assert hard(found).tolist() == [0, 1, -1, -1]
    size = Quantity(name="size", range=(0, 10), bins=11)
    both = (size, Classes(name="near", names=("a", "b"), of="size", upto=(3, 10)))
    found = told(both, {"size": "3.4"}, {"size": "3.6"}, {"size": "11"})
    assert hard(found["near"]).tolist() == [0, 1, -1]  # as the bins that they fall into


def test_a_quantity_has_the_width_of_its_limits():
    options = {"range": (-6, 10), "bins": 17, "least": 0.5, "most": 1.2, "usual": 0.8}
    head = Quantity(name="t", limits=("lo", "hi"), **options)
    rows = [{"t": "3", "lo": "2", "hi": "5"}, {"t": "3", "lo": "3", "hi": "3"}, {"t": "3"}, {}]
    found = told(head, *rows, {"t": "-6", "lo": "-9", "hi": "9"}, {"t": "10.6"})["t"]
    wanted = [[3, 0.9], [3, 0.5], [3, 0.8], [NAN, NAN], [-6, 1.2], [NAN, NAN]]
    np.testing.assert_allclose(found, wanted)
    head = Quantity(name="t", error="e", share=1.0, **options)
    np.testing.assert_allclose(told(head, {"t": "1", "e": "1.1"})["t"], [[1, 1.1]])
    assert left_out(HUBBLE, {"t_type": "11"})
    assert not left_out(HUBBLE, {"t_type": ""})


def test_labels_are_shares_or_words_or_nothing():
    head = Labels(
        name="marks",
        names=("bar", "spiral"),
        columns={"spiral": "code"},
        values={"spiral": {"1": 1, "2": 1, "0": 0, "4": None}},
        beside=("dust",),
    )
    rows = [
        {"bar": "yes", "code": "2", "dust": "0.25"},
        {"bar": "0.5", "code": "4", "dust": "-1"},
        {"bar": "No", "code": "0"},
    ]
    wanted = [[0.25, 1, 1], [NAN, 0.5, NAN], [NAN, 0, 0]]
    np.testing.assert_array_equal(told(head, *rows)["marks"], wanted)


@pytest.mark.parametrize(
    ("head", "row", "said"),
    [
        (
            Classes(name="kind", names=("spiral", "round")),
            {"kind": "spirl"},
            r"0\.png: column 'kind' of head 'kind': 'spirl' is none of spiral, round; did you mean",
        ),
        (
            Quantity(name="size", range=(0, 9)),
            {"size": "big"},
            r"0\.png: column 'size' must hold numbers, not 'big'; leave it empty",
        ),
        (
            Labels(name="marks", names=("bar",)),
            {"bar": "3"},
            r"0\.png: column 'bar' must hold 0 to 1, or yes and no, not '3'",
        ),
        (
            Labels(name="marks", names=("bar",), values={"bar": {"1": 1}}),
            {"bar": "2"},
            r"0\.png: column 'bar' of label 'bar': '2' is none of 1",
        ),
        (
            Labels(name="marks", names=("bar",), rule="hubbel"),
            {},
            "'rule': 'hubbel' is none of hub",
        ),
    ],
)
def test_what_is_no_answer_is_named_with_its_file(head, row, said):
    with pytest.raises(TaskError, match=said):
        told(head, row)


def test_a_class_of_another_task_tells_nothing_where_that_is_asked_for():
    task = Task(name="made", heads=(Classes(name="kind", names=("a", "b")),))
    rows = [{"file": "1", "kind": "c"}, {"file": "2", "kind": "b"}]
    assert hard(targets(task, rows, strict=False)["kind"]).tolist() == [-1, 1]


def test_a_column_that_is_not_there_is_named_with_those_that_are():
    task = Task(name="made", heads=(Classes(name="kind", column="shap"),))
    with pytest.raises(TaskError, match="'shap' is none of file, shape; did you mean 'shape'"):
        missing(task, [{"file": "1", "shape": "a"}], "folder")


def test_a_mirror_exchanges_classes_and_complements_labels():
    names = ("none", "clockwise", "anticlockwise")
    head = Classes(name="wind", names=names, mirror={names[1]: names[2], names[2]: names[1]})
    order, turned = mirrored(head)
    assert order.tolist() == [0, 2, 1]
    assert not turned.any()
    order, turned = mirrored(HUBBLE.heads[2])
    assert order.tolist() == list(range(18))
    assert np.flatnonzero(turned).tolist() == [HUBBLE.heads[2].place("clockwise")]

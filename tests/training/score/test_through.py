"""Answers through cameras are worth what is counted by hand; found ones too."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from training.score.answers import Answers, told_of
from training.score.evaluate import chance, ece, found, macro_f1
from training.score.through import through
from training.words.heads import Classes, Labels, Quantity
from training.words.task import Task

SHAPE = Classes(name="shape", names=("a", "b", "c"))
SIZE = Quantity(name="size", range=(0, 10), bins=11)
MARKS = Labels(name="marks", names=("bar", "ring"))
N = 240
RANDOM = np.random.default_rng(0)
LABEL = RANDOM.integers(3, size=N)
VALUE = RANDOM.uniform(1, 9, N)
MARKED = RANDOM.random((N, 2)).round()


def made(right=1.0, bias=0.0, heads=(SHAPE, SIZE, MARKS), galaxy=None):
    """Make up answers of which a share is right and a quantity that is off by so much."""
    random = np.random.default_rng(1)
    guess = np.where(random.random(N) < right, LABEL, (LABEL + 1) % 3)
    told = {
        "shape": np.eye(3)[LABEL],
        "size": np.stack([VALUE, np.ones(N)], 1),
        "marks": MARKED,
    }
    said = {
        "shape": 3 * np.eye(3)[guess],
        "size": np.stack([VALUE + bias + random.normal(0, 0.5, N), np.full(N, np.log(0.5))], 1),
        "marks": 2 * MARKED - 1 + random.normal(0, 1, (N, 2)),
    }
    names = np.arange(N).astype(str) if galaxy is None else galaxy
    wanted = {head.name for head in heads}

    def some(values):
        return {name: value for name, value in values.items() if name in wanted}

    return Answers(Task(name="made", heads=heads), names, some(told), some(said))


KINDS = {"colour": made(1.0), "good": made(0.9, 0.1), "bad": made(0.4, -1.5)}
CAMERAS = ("good", "bad")


@pytest.mark.parametrize("width", [3, 7])
def test_macro_f1_is_that_of_scikit_learn(width):
    random = np.random.default_rng(2)
    for _ in range(20):
        label, guess = random.integers(random.integers(2, width + 1), size=(2, 30))
        expected = f1_score(label, guess, average="macro", zero_division=0)
        assert macro_f1(label, guess, width) == pytest.approx(expected, abs=1e-12)


def test_each_camera_is_told_and_the_mean_and_the_worst_of_them():
    rows = through(KINDS, CAMERAS, {}, draws=40)
    assert list(rows) == ["colour", "good", "bad", "mean", "worst"]
    assert rows["colour"]["accuracy"] == [1, 1, 1]
    assert rows["colour"]["same_label"] == 1
    share = (KINDS["bad"].logits.argmax(1) == LABEL).mean()
    assert rows["bad"]["accuracy"][0] == rows["bad"]["same_label"] == pytest.approx(share, abs=1e-4)
    assert rows["bad"]["accuracy"][1] < share < rows["bad"]["accuracy"][2]
    assert rows["bad"]["rms_size"][0] == pytest.approx(np.hypot(1.5, 0.5), abs=0.05)
    assert rows["bad"]["size_bias"] == pytest.approx(-1.5, abs=0.1)
    assert rows["colour"]["size_within_sigma"] == pytest.approx(0.68, abs=0.08)
    assert rows["bad"]["size_within_sigma"] < 0.1
    assert rows["good"]["marks_roc_auc"] == pytest.approx(0.92, abs=0.03)
    mean, worst = rows["mean"], rows["worst"]
    for key in ("accuracy", "macro_f1", "rms_size"):
        two = [rows[camera][key][0] for camera in CAMERAS]
        assert mean[key][0] == pytest.approx(np.mean(two), abs=1e-4)
        assert mean[key][1] < mean[key][0] < mean[key][2]
        assert worst[key] == rows["bad"][key]
    assert worst["size_bias"] == rows["bad"]["size_bias"] < 0
    assert worst["size_within_sigma"] == rows["bad"]["size_within_sigma"]
    assert worst["ece"] == rows["bad"]["ece"] > rows["bad"]["ece_by_chance"]
    json.dumps(rows, allow_nan=False)


def test_the_interval_of_the_mean_draws_galaxies_for_all_cameras_alike():
    twice = {"colour": made(0.7), "one": made(0.7), "two": made(0.7)}
    rows = through(twice, ("one", "two"), {}, draws=40)
    assert rows["mean"]["macro_f1"] == rows["one"]["macro_f1"]  # not narrower: the same galaxies


def test_int8_is_compared_with_fp32_on_each_camera():
    rows = through(KINDS, CAMERAS, {}, 5, {**KINDS, "bad": made(0.5, -1.5)})
    assert rows["good"]["over_fp32"] == {"accuracy": 0, "macro_f1": 0, "labels": 1, "rms_size": 0}
    over = rows["bad"]["over_fp32"]
    assert -0.2 < over["accuracy"] < -0.02
    assert 0.8 < over["labels"] < 0.98
    assert rows["worst"]["over_fp32"] == over
    assert rows["mean"]["over_fp32"]["accuracy"] == pytest.approx(over["accuracy"] / 2, abs=1e-4)


def test_what_few_were_asked_is_not_measured():
    told = np.array([[0.5, 1, 0], [0.5, 1, 0]], np.float32)  # the first is learned beside
    head = Labels(name="marks", names=("bar", "ring"), beside=("dust",))
    asked = np.array([[1, 0.2, 1], [1, 0.8, 0.4]], np.float32)
    pack = SimpleNamespace(told={"marks": told}, weight={"marks": asked})
    every = np.arange(2)
    np.testing.assert_array_equal(told_of(pack, head, every), [[np.nan, 0], [1, np.nan]])
    pack.weight = {}
    np.testing.assert_array_equal(told_of(pack, head, every[1:]), [[1, 0]])


@pytest.mark.parametrize("heads", [(SHAPE,), (SIZE,), (MARKS,), (SIZE, MARKS)])
def test_a_task_that_lacks_a_head_lacks_its_numbers(heads):
    kinds = {"colour": made(heads=heads), "one": made(0.5, 1, heads)}
    rows = through(kinds, ("one",), {}, 5, kinds)
    assert ("accuracy" in rows["one"]) == (SHAPE in heads)
    assert ("rms_size" in rows["mean"]) == (SIZE in heads)
    assert ("marks_roc_auc" in rows["worst"]) == (MARKS in heads)


def test_pictures_of_which_nothing_is_told_do_not_count():
    some = made(1.0)
    some.told["shape"][:200] = np.nan
    rows = through({"colour": some, "one": some}, ("one",), {}, 5)
    assert rows["one"]["accuracy"] == [1, 1, 1]
    some.told["shape"][:] = np.nan
    rows = through({"colour": some, "one": some}, ("one",), {}, 5)
    assert "accuracy" not in rows["one"]
    assert "rms_size" in rows["one"]


def test_perfect_probabilities_show_an_error_by_chance():
    random = np.random.default_rng(3)
    p = random.dirichlet([1, 1, 1], 300)
    label = np.array([random.choice(3, p=row) for row in p])
    assert ece(label, p) == pytest.approx(chance(p), abs=0.025)
    assert chance(p[:50]) > 1.5 * chance(p)
    assert chance(np.eye(3)[label]) == 0


def test_found_are_those_below_what_few_of_the_first_class_miss():
    label = np.repeat([0, 1, 2], [1000, 50, 50])
    first = np.concatenate([np.linspace(0, 1, 1000), np.zeros(50) - 1, np.ones(50)])
    first[1050:1075] = -2  # half of the second class
    said = np.stack([first, np.zeros(1100), np.full(1100, -9.0)], 1)
    task = Task(name="kinds", heads=(Classes(name="kind", names=("galaxy", "star", "trail")),))
    answers = Answers(task, np.arange(1100).astype(str), {"kind": np.eye(3)[label]}, {"kind": said})
    source = np.where(np.arange(1100) < 1075, "one", "two")
    result = found(answers, {}, source, draws=20)
    shares = {name: row["share"][0] for name, row in result["classes"].items()}
    assert shares == {"star": 1, "trail": 0.5, "trail, one": 1, "trail, two": 0}
    p = np.exp(said[:, 0]) / np.exp(said).sum(1)
    assert (p[:1000] < result["below"] - 1e-6).mean() == pytest.approx(0.01, abs=1e-3)
    for one in (label > 0, label == 0):  # nothing to lose, and nothing to find
        assert found(answers.take(np.flatnonzero(one)), {}, draws=5) == {}

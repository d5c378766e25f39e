"""A classifier in other processes than its own, and sources that come late."""

import importlib.util
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys

import pytest
from helpers.made import galaxy, tiny_network, write_bundle

from galedge.answers.classifier import Classifier
from galedge.errors import ModelError

ENGINES = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"no {name}"),
    )
    for name in ("onnxruntime", "openvino")
]

FORKED = """
import os, signal, sys
import numpy as np
from galedge import Classifier
image = np.random.default_rng(0).normal(100, 3, (32, 32)).astype("f4")
classifier = Classifier(sys.argv[1], engine=sys.argv[2], workers=2, batch=4)
before = [result.answers for result in classifier.stream([image] * 40)]
child = os.fork()
if not child:
    signal.alarm(30)  # rather killed than waited for
    assert [result.answers for result in classifier.stream([image] * 40)] == before
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert [result.answers for result in classifier.stream([image] * 40)] == before
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_a_forked_child_starts_an_engine_of_its_own(bundle, engine):
    done = subprocess.run([sys.executable, "-c", FORKED, str(bundle), engine], timeout=90)
    assert done.returncode == 0


def label(classifier, image):
    return classifier.classify(image).label


def test_a_pickled_classifier_answers_the_same(bundle):
    classifier = Classifier(bundle, workers=2, batch=3, views="auto", frame=20, keep_pixels=True)
    again = pickle.loads(pickle.dumps(classifier))
    for name in ("workers", "batch", "views", "recipe", "keep_pixels"):
        assert getattr(again, name) == getattr(classifier, name)
    assert again.model.choice == classifier.model.choice
    image = galaxy()
    assert again.classify(image) == classifier.classify(image)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(label, (classifier, image)) == classifier.classify(image).label


def test_a_bundle_that_has_changed_is_not_taken_for_the_one_that_was_pickled(tmp_path):
    folder = write_bundle(tmp_path / "m", {"fp32": tiny_network()})
    pickled = pickle.dumps(Classifier(folder))
    shutil.rmtree(folder)
    write_bundle(folder, {"fp32": tiny_network(seed=1)})
    with pytest.raises(ModelError, match="has changed since this model was handed on"):
        pickle.loads(pickled)


@pytest.mark.parametrize("workers", [1, 3])
def test_with_batch_1_an_answer_does_not_wait_for_the_next_source(bundle, workers):
    classifier = Classifier(bundle, workers=workers, batch=1)
    answered = []

    def camera():
        for number in range(3):
            assert len(answered) == number
            yield galaxy(seed=number)

    for result in classifier.stream(camera()):
        answered.append(result)
    assert [result.status for result in answered] == ["ok"] * 3


def test_a_row_says_what_answered(bundle):
    row = Classifier(bundle).classify(galaxy()).as_row()
    assert (row["engine"], row["precision"]) == ("onnxruntime", "fp32")


def test_a_child_that_only_forks_costs_its_parent_nothing(bundle):
    classifier = Classifier(bundle, workers=1)
    child = os.fork()
    if not child:
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert classifier.classify(galaxy()).ok

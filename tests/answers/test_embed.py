"""Embeddings: what the heads read of every model that pools in one place; others are refused."""

import pickle

import numpy as np
import pytest
from helpers.made import CLASSES, bundle_of, galaxy, network_of, write_bundle, write_fits

from galedge.answers.classifier import Classifier
from galedge.errors import ModelError
from galedge.images.prepare import prepare
from galedge.network.model import shipped
from galedge.network.onnx import cut
from galedge.network.pooled import embedding_tensor

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.mark.parametrize("card", shipped(), ids=lambda card: card.name)
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_shipped_models_heads_read_it(card, precision):
    classifier = Classifier(card.name, precision=precision)
    pictures = [galaxy(90, seed) for seed in range(3)]
    found = classifier.embed(pictures)
    network = card.network(precision)
    tensor, head = embedding_tensor(network), card.heads.classes
    names = [head.output, "t_type"]
    session = onnxruntime.InferenceSession(cut(network, [tensor], names))
    raw = dict(zip(names, session.run(names, {tensor: found}), strict=True))
    pixels = prepare(pictures, card.recipe).pixels
    expected = classifier.model.predict(pixels).probabilities
    np.testing.assert_allclose(head.decode(raw), expected, atol=1e-5)
    assert found.dtype == np.float32
    # What answers is the same network, under the same name.
    assert classifier.embedding().classify(pictures) == classifier.classify(pictures)


def test_rows_and_those_that_cannot_be_read(bundle, tmp_path):
    write_fits(tmp_path / "a.fits", galaxy())
    classifier = Classifier(bundle, workers=2, batch=1)
    found = classifier.embed([tmp_path / "a.fits", tmp_path / "missing.fits", galaxy(seed=1)])
    assert found.shape == (3, 3)  # the mean colour
    assert np.isnan(found).all(axis=1).tolist() == [False, True, False]
    alone = classifier.embed(tmp_path / "a.fits")
    np.testing.assert_array_equal(alone, found[:1])
    np.testing.assert_array_equal(classifier.embed(np.stack([galaxy(seed=1)] * 2))[1], found[2])
    assert classifier.embed([]).shape == (0, 3)
    assert classifier.classify(galaxy()).embedding is None
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.embed(tmp_path / "a.fits"), alone)


def test_the_cards_embedding_comes_first(tmp_path):
    entries = [
        {"kind": "classes", "name": "kind", "output": "kind", "names": ["ring", "blob"]},
        {"kind": "embedding", "name": "first", "output": "first", "size": 4},
        {"kind": "embedding", "name": "best", "output": "best", "size": 6, "primary": True},
    ]
    model = Classifier(bundle_of(tmp_path / "own", entries)).model
    assert model.heads.embedding.name == "best"
    assert model.with_embedding() is model


def two_places():
    """Return a network whose heads each pool for themselves."""
    onnx = pytest.importorskip("onnx")
    from onnx import helper

    model = onnx.load_from_string(network_of({"hubble": len(CLASSES), "t_type": 2}))
    model.graph.node.append(
        helper.make_node("ReduceMax", ["scaled", "axes"], ["brightest"], keepdims=0)
    )
    for node in model.graph.node:
        if "t_type" in node.output:
            node.input[0] = "brightest"
    last = model.graph.node[-2]
    model.graph.node.remove(last)
    model.graph.node.append(last)
    return model.SerializeToString()


def test_a_network_that_pools_in_two_places_is_refused(tmp_path):
    folder = write_bundle(tmp_path / "two", {"fp32": two_places()})
    classifier = Classifier(folder)
    assert classifier.classify(galaxy()).ok
    with pytest.raises(ModelError, match=r"model\.fp32\.onnx: gives no embedding.* such as"):
        classifier.embed(galaxy())

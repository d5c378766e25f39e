"""Bundles: loading, refusing, decoding."""

import json

import numpy as np
import pytest
from helpers.made import CLASSES, tiny_network, write_bundle

from galedge.errors import ModelError
from galedge.network import model as module
from galedge.network.card import Card
from galedge.network.model import Model, shipped


def test_load(bundle):
    model = Model.load(bundle)
    assert model.card.name == "tiny"
    assert model.card.heads.classes.names == tuple(CLASSES)
    assert model.card.recipe.size == 16
    assert model.choice.precision == "fp32"
    assert model.sha256 == model.card.networks["fp32"].sha256


def test_int8_is_preferred(tmp_path, network):
    networks = {"fp32": network, "int8": tiny_network(seed=1)}
    folder = write_bundle(tmp_path / "m", networks, quantization={"weight_bits": 7})
    assert Model.load(folder).choice.precision == "int8"
    assert Model.load(folder, precision="fp32").choice.precision == "fp32"


def test_missing_precision(bundle):
    with pytest.raises(ModelError, match="no int8 network, only fp32"):
        Model.load(bundle, precision="int8")


def test_decode(bundle):
    model = Model.load(bundle)
    logits = np.array([[1000, 998, 0, 0, 0, 0, 0], [0] * 7], np.float32)
    t_type = np.array([[20, 0], [-3, np.log(2)]], np.float32)
    answer = model.decode({"hubble": logits, "t_type": t_type})
    np.testing.assert_allclose(answer.probabilities.sum(axis=1), 1, rtol=1e-6)
    # The temperature is 2, so two logits apart are a factor e.
    assert answer.probabilities[0, 0] / answer.probabilities[0, 1] == pytest.approx(np.e, rel=1e-5)
    np.testing.assert_allclose(answer["t_type"], [[11, 1.5], [-3, 3.0]], rtol=1e-6)


def test_an_unsure_type_softens_the_classes(tmp_path, network):
    calibration = {"temperature": 2.0, "temperature_slope": 0.5, "t_sigma_scale": 1.5}
    model = Model.load(write_bundle(tmp_path / "m", {"fp32": network}, calibration=calibration))
    logits = np.array([[4, 0, 0, 0, 0, 0, 0]] * 2, np.float32)
    t_type = np.array([[0, 0], [0, np.log(4)]], np.float32)
    p = model.decode({"hubble": logits, "t_type": t_type}).probabilities
    ratio = np.log(p[:, 0] / p[:, 1])
    np.testing.assert_allclose(ratio, [2, 1], rtol=1e-5)  # 4 / 2, and 4 / (2 * sqrt(4))


def test_features(tmp_path):
    heads = {"features": {"names": ["bar", "clockwise"]}}
    folder = write_bundle(tmp_path / "m", {"fp32": tiny_network(features=2)}, heads=heads)
    model = Model.load(folder)
    assert model.card.heads.labels.names == ("bar", "clockwise")
    outputs = {
        "hubble": np.zeros((1, 7), np.float32),
        "t_type": np.zeros((1, 2), np.float32),
        "features": np.array([[np.log(3), -1e9]], np.float32),
    }
    np.testing.assert_allclose(model.decode(outputs)["features"], [[0.75, 0]], atol=1e-6)


def test_features_that_the_network_lacks(tmp_path, network):
    heads = {"features": {"names": ["bar"]}}
    folder = write_bundle(tmp_path / "m", {"fp32": network}, heads=heads)
    with pytest.raises(ModelError, match="do not belong together"):
        Model.load(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "stars"}, "task 'stars'"),
        ({"name": None}, "'name' is missing"),
        ({"name": 7}, "'name' must be a JSON string"),
        ({"classes": ["E"]}, "two or more different names"),
        ({"classes": ["E", "E"]}, "two or more different names"),
        ({"recipe": {"size": 3}}, "'recipe': size must lie"),
        ({"recipe": {"colour": 3}}, "unknown recipe fields"),
        ({"recipe": {"size": "16"}}, "'recipe'"),
        ({"calibration": {}}, "'calibration': needs a number 'temperature'"),
        ({"calibration": {"temperature": 0, "t_sigma_scale": 1}}, "must be positive"),
        ({"calibration": {"temperature": True, "t_sigma_scale": 1}}, "needs a number"),
        (
            {"calibration": {"temperature": 1, "t_sigma_scale": 1, "temperature_slope": "0"}},
            "needs a number 'temperature_slope'",
        ),
        ({"heads": {"features": {}}}, "'names' is missing"),
        ({"heads": {"features": {"names": ["bar", "bar"]}}}, "must list different names"),
        ({"files": {}}, "lists neither"),
        ({"files": {"model.fp32.onnx": 3}}, "'sha256' is missing"),
        ({"files": {"model.fp32.onnx": {"sha256": "0", "bytes": "1"}}}, "whole number"),
    ],
)
def test_bad_cards(tmp_path, network, changes, message):
    folder = write_bundle(tmp_path / "m", {"fp32": network}, **changes)
    with pytest.raises(ModelError, match=message) as failure:
        Model.load(folder)
    assert str(failure.value).startswith(str(folder / "card.json"))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 100_000, "x" * (1 << 20) + "x"])
def test_cards_that_are_none(tmp_path, text):
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(ModelError, match=r"card\.json"):
        Model.load(tmp_path)


def test_missing_bundle(tmp_path):
    with pytest.raises(ModelError, match="not a model bundle"):
        Model.load(tmp_path / "nothing")
    with pytest.raises(ModelError, match="no such model; shipped: "):
        Model.load("nothing")


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b[:-1] + b"x"])
def test_damaged_network(tmp_path, network, damage):
    folder = write_bundle(tmp_path / "m", {"fp32": network})
    (folder / "model.fp32.onnx").write_bytes(damage(network))
    with pytest.raises(ModelError, match=r"not the file that card\.json describes"):
        Model.load(folder)


def test_lost_network(tmp_path, network):
    folder = write_bundle(tmp_path / "m", {"fp32": network})
    (folder / "model.fp32.onnx").unlink()
    with pytest.raises(ModelError, match="No such file"):
        Model.load(folder)


@pytest.mark.parametrize("foreign", [tiny_network(classes=3), tiny_network(size=8)])
def test_network_that_contradicts_its_card(tmp_path, foreign):
    folder = write_bundle(tmp_path / "m", {"fp32": foreign})
    with pytest.raises(ModelError):
        Model.load(folder)


def test_shipped_models_keep_their_promises():
    for card in shipped():
        for precision in card.networks:
            assert Model.load(card.name, precision=precision).card == card


def test_default_model(tmp_path, network, monkeypatch):
    monkeypatch.setattr(module, "_MODELS", tmp_path)
    with pytest.raises(ModelError, match="no model came"):
        Model.load()
    write_bundle(tmp_path / "a", {"fp32": network}, name="a")
    assert Model.load().card.name == "a"
    write_bundle(tmp_path / "b", {"fp32": network}, name="b", default=True)
    assert Model.load().card.name == "b"
    assert Model.load("a").card.name == "a"
    assert [card.name for card in shipped()] == ["a", "b"]


def test_card_keeps_what_it_does_not_understand(tmp_path, network):
    folder = write_bundle(tmp_path / "m", {"fp32": network}, limits=["colour only"])
    assert Card.read(folder).fields["limits"] == ["colour only"]
    on_disk = json.loads((folder / "card.json").read_text())
    assert on_disk["metrics"] == Card.read(folder).fields["metrics"]

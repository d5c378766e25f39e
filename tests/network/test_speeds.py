"""Measuring engines, and remembering it."""

import json

import pytest
from helpers.made import tiny_network, write_bundle

from galedge.errors import ModelError
from galedge.network import speeds
from galedge.network.card import Card
from galedge.network.speeds import Speed, keep, measure, recall

SPEEDS = [Speed("onnxruntime", "cpu", "fp32", 0.1, 1e-3), Speed("openvino", "cpu", "fp32", 1, 5e-4)]


@pytest.fixture
def card(bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Card.read(bundle)


def kept(tmp_path):
    (file,) = (tmp_path / "galedge" / "speeds").iterdir()
    return file


def test_measure(tmp_path, network):
    networks = {"fp32": network, "int8": tiny_network(seed=1)}
    found = measure(Card.read(write_bundle(tmp_path / "m", networks)), "onnxruntime", workers=2)
    assert [(s.engine, s.device, s.precision) for s in found] == [
        ("onnxruntime", "cpu", "int8"),
        ("onnxruntime", "cpu", "fp32"),
    ]
    assert all(s.start > 0 and s.image > 0 for s in found)


def test_an_engine_that_refuses(tmp_path, network):
    card = Card.read(write_bundle(tmp_path / "m", {"fp32": network}))
    (tmp_path / "m" / "model.fp32.onnx").write_bytes(b"")
    with pytest.raises(ModelError, match="not the file that card"):
        measure(card, "onnxruntime")


def test_an_engine_that_crashes(card, monkeypatch):
    monkeypatch.setattr(speeds.sys, "executable", "/bin/false")
    with pytest.raises(ModelError, match=r"engine onnxruntime does not run here \(exit code 1\)"):
        measure(card, "onnxruntime")


def test_what_was_measured_is_remembered(card, tmp_path):
    assert recall(card) == []
    assert keep(card, SPEEDS)
    assert recall(card) == SPEEDS
    assert keep(card, SPEEDS[:1])
    assert recall(card) == SPEEDS[:1]
    assert kept(tmp_path).suffix == ".json"


@pytest.mark.parametrize("changed", ["cpu_name", "usable_cpus", "_versions"])
def test_it_holds_for_these_circumstances_only(card, monkeypatch, changed):
    keep(card, SPEEDS)
    monkeypatch.setattr(speeds, changed, lambda *_: 99)
    assert recall(card) == []


def test_it_holds_for_this_model_only(card, tmp_path):
    keep(card, SPEEDS)
    other = Card.read(write_bundle(tmp_path / "other", {"fp32": tiny_network(seed=7)}))
    assert recall(other) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:-9],
        lambda text: "[]",
        lambda text: "3",
        lambda text: text.replace('"start"', '"begin"'),
        lambda text: text.replace("0.001", '"fast"'),
        lambda text: text.replace("0.001", "-1"),
        lambda text: text.replace("openvino", "openwine"),
        lambda text: json.dumps({**json.loads(text), "cpus": 1000}),
    ],
)
def test_a_damaged_cache_is_ignored(card, tmp_path, damage):
    keep(card, SPEEDS)
    file = kept(tmp_path)
    file.write_text(damage(file.read_text()))
    assert recall(card) == []


def test_a_cache_that_cannot_be_written_is_ignored(card, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert not keep(card, SPEEDS)
    assert recall(card) == []

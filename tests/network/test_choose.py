"""Which engine is chosen, and why."""

import pytest
from helpers.made import write_bundle

from galedge.errors import ModelError
from galedge.network import choose as module
from galedge.network.card import Card
from galedge.network.choose import choose
from galedge.network.speeds import Speed, keep


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """A machine with VNNI, every engine and nothing measured."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "saturates_int8", lambda: False)
    monkeypatch.setattr(module, "absent", lambda engine: None)


@pytest.fixture
def card(tmp_path):
    return Card.read(write_bundle(tmp_path / "m", {"fp32": b"f", "int8": b"i"}))


def seven_bits(tmp_path):
    networks = {"fp32": b"f", "int8": b"i"}
    return Card.read(write_bundle(tmp_path / "seven", networks, quantization={"weight_bits": 7}))


def test_by_default(card):
    choice = choose(card)
    assert (choice.engine, choice.device, choice.precision) == ("onnxruntime", "cpu", "int8")
    assert "galedge engines" in choice.reason
    assert choice.warning is None


def test_as_measured(card):
    keep(
        card,
        [
            Speed("onnxruntime", "cpu", "int8", 0.1, 200e-6),
            Speed("onnxruntime", "cpu", "fp32", 0.1, 600e-6),
            Speed("openvino", "cpu", "int8", 0.3, 100e-6),
            Speed("cuda", "cuda", "fp32", 5.0, 1e-6),
        ],
    )
    assert choose(card).engine == "openvino"
    # 0.2 s more to start are worth it from 2000 images on.
    assert choose(card, images=1_500).engine == "onnxruntime"
    assert choose(card, images=2_500).engine == "openvino"
    assert choose(card, precision="fp32").engine == "onnxruntime"
    assert choose(card, engine="onnxruntime").engine == "onnxruntime"


def test_as_measured_on_a_cpu_that_is_slow_at_int8(card):
    keep(
        card,
        [
            Speed("onnxruntime", "cpu", "int8", 0.1, 300e-6),
            Speed("onnxruntime", "cpu", "fp32", 0.1, 200e-6),
        ],
    )
    assert choose(card).precision == "fp32"
    assert choose(card, precision="int8").precision == "int8"


def test_what_was_measured_and_is_gone(card, monkeypatch):
    keep(card, [Speed("openvino", "cpu", "int8", 0.1, 1e-6)])
    monkeypatch.setattr(module, "absent", lambda e: "gone" if e == "openvino" else None)
    assert choose(card).engine == "onnxruntime"


def test_only_openvino_is_installed(card, monkeypatch):
    monkeypatch.setattr(module, "absent", lambda e: None if e == "openvino" else "gone")
    assert choose(card).engine == "openvino"
    with pytest.raises(ModelError, match="gone"):
        choose(card, engine="onnxruntime")


def test_without_vnni(card, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "saturates_int8", lambda: True)
    choice = choose(card)
    assert choice.precision == "fp32"
    assert "no VNNI" in choice.warning
    assert choose(card, precision="int8").precision == "int8"  # who asks, knows
    seven = choose(seven_bits(tmp_path))
    assert (seven.precision, seven.warning) == ("int8", None)
    only = Card.read(write_bundle(tmp_path / "only", {"int8": b"i"}))
    assert choose(only).precision == "int8"
    assert "do not trust" in choose(only).warning


def test_a_measurement_does_not_overrule_right_answers(card, monkeypatch):
    monkeypatch.setattr(module, "saturates_int8", lambda: True)
    keep(card, [Speed("onnxruntime", "cpu", "int8", 0.1, 1e-6)])
    assert choose(card).precision == "fp32"


def test_gpus(card, monkeypatch):
    from galedge.network.engines.onnxruntime import OnnxRuntimeEngine

    monkeypatch.setattr(OnnxRuntimeEngine, "gpu_missing", lambda: None)
    choice = choose(card, device="cuda:1")
    assert (choice.engine, choice.device, choice.precision) == ("onnxruntime", "cuda:1", "fp32")
    assert choice.half
    assert not choose(card, device="cuda", precision="fp32").half
    monkeypatch.setattr(OnnxRuntimeEngine, "gpu_missing", lambda: "build for the CPU: pip A")
    assert choose(card, device="cuda").engine == "cuda"
    assert choose(card, engine="cuda").device == "cuda:0"
    monkeypatch.setattr(module, "absent", lambda e: "pip B" if e == "cuda" else None)
    with pytest.raises(ModelError, match=r"^cuda:0: build for the CPU: pip A; or pip B$"):
        choose(card, device="cuda")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "tensorflow"}, "none of auto, onnxruntime"),
        ({"device": "gpu"}, "none of cpu, cuda"),
        ({"precision": "int4"}, "none of int8, fp32"),
        ({"engine": "cuda", "device": "cpu"}, "runs on a GPU"),
        ({"engine": "openvino", "device": "cuda"}, "runs on the CPU"),
        ({"device": "cuda", "precision": "int8"}, "run the fp32 network"),
    ],
)
def test_options_that_make_no_sense(card, options, message):
    with pytest.raises(ValueError, match=message):
        choose(card, **options)


def test_a_network_that_the_bundle_lacks(tmp_path):
    card = Card.read(write_bundle(tmp_path / "m", {"int8": b"i"}))
    with pytest.raises(ModelError, match="no fp32 network, only int8"):
        choose(card, precision="fp32")
    with pytest.raises(ModelError, match="no fp32 network, only int8"):
        choose(card, device="cuda")

"""Engines: what they accept, how they refuse, and that they give the same answers."""

import subprocess
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest
from helpers.made import tiny_network

import galedge
from galedge.errors import ModelError
from galedge.network.engine import absent, gpu_number, start
from galedge.network.engines import Setup
from galedge.network.onnx import nodes

PIXELS = np.random.default_rng(1).integers(0, 256, (5, 3, 16, 16), np.uint8)


@pytest.fixture(params=["onnxruntime", "openvino"])
def engine(request):
    pytest.importorskip(request.param)
    return request.param


def test_outputs_by_name(engine, network):
    outputs = start(engine, network).run(PIXELS)
    assert {name: value.shape for name, value in outputs.items()} == {
        "hubble": (5, 7),
        "t_type": (5, 2),
    }
    assert all(value.dtype == np.float32 for value in outputs.values())
    colour = PIXELS.mean(axis=(2, 3)) / 255
    from onnx import load_from_string, numpy_helper

    weights = {
        w.name: numpy_helper.to_array(w) for w in load_from_string(network).graph.initializer
    }
    np.testing.assert_allclose(outputs["hubble"], colour @ weights["hubble_w"], rtol=1e-4)


def test_an_answer_is_the_callers(engine, network):
    running = start(engine, network)
    first = running.run(PIXELS)["hubble"]
    kept = first.copy()
    running.run(PIXELS[::-1].copy())
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("network", [b"", b"not a network", tiny_network()[:200]])
def test_damaged_network(engine, network):
    with pytest.raises(ModelError, match=r"^m\.onnx: .*copy or export") as failure:
        start(engine, network, "m.onnx")
    assert "\n" not in str(failure.value)
    assert "src/inference" not in str(failure.value)  # a place in OpenVINO's sources


def test_foreign_network(engine):
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Relu", ["image"], ["y"])],
        "foreign",
        [value("image", TensorProto.FLOAT, [1])],
        [value("y", TensorProto.FLOAT, [1])],
    )
    opset = [helper.make_opsetid("", 18)]
    network = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    with pytest.raises(ModelError, match=r"takes image float.*not exported for galedge"):
        start(engine, network)


def test_weights_outside_the_file_are_refused(engine, network):
    import onnx
    from onnx.external_data_helper import set_external_data

    model = onnx.load_from_string(network)
    set_external_data(model.graph.initializer[2], location="../../etc/passwd")
    model.graph.initializer[2].ClearField("raw_data")
    with pytest.raises(ModelError, match="keeps weights in other files"):
        start(engine, model.SerializeToString())


def test_wrong_batch_is_a_model_error(engine, network):
    with pytest.raises(ModelError, match=r"failed on a batch of shape \(1, 3, 8, 8\)"):
        start(engine, network).run(np.zeros((1, 3, 8, 8), np.uint8))


def test_threads_share_an_engine(engine, network):
    running = start(engine, network, workers=2)
    batches = [np.full((n, 3, 16, 16), 30 * n, np.uint8) for n in range(1, 9)]
    wanted = [running.run(batch)["hubble"] for batch in batches]
    found = {}

    def work(thread):
        found[thread] = [running.run(batch)["hubble"] for batch in batches * 5]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for answers in found.values():
        for answer, expected in zip(answers, wanted * 5, strict=True):
            np.testing.assert_allclose(answer, expected, rtol=1e-5)


@pytest.mark.parametrize("broken", ["a file", "not writable"])
def test_openvino_without_its_cache(monkeypatch, tmp_path, network, broken):
    pytest.importorskip("openvino")
    root = tmp_path / "cache"
    if broken == "a file":
        root.write_bytes(b"")
    else:
        (root / "galedge" / "openvino").mkdir(parents=True)
        (root / "galedge" / "openvino").chmod(0o500)
    monkeypatch.setenv("XDG_CACHE_HOME", str(root))
    assert start("openvino", network).run(PIXELS)["hubble"].shape == (5, 7)


@pytest.mark.parametrize(
    ("engine", "line"),
    [
        ("onnxruntime", "pip install onnxruntime"),
        ("openvino", r"pip install 'galedge\[openvino\]'"),
        ("cuda", r"pip install 'galedge\[train\]'"),
    ],
)
def test_an_absent_engine_names_its_pip_line(monkeypatch, network, engine, line):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert absent(engine)
    with pytest.raises(ModelError, match=f"^engine {engine} needs .*not installed: {line}$"):
        start(engine, network)


def test_devices():
    assert [gpu_number(device) for device in ("cpu", "cuda", "cuda:0", "cuda:12")] == [
        None,
        0,
        0,
        12,
    ]
    for wrong in ("", "gpu", "cuda:", "cuda:-1", "cuda:x", "cuda 0"):
        with pytest.raises(ValueError, match="none of cpu, cuda, cuda:N"):
            gpu_number(wrong)


def test_a_gpu_that_onnx_runtime_does_not_know(network):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this build knows GPUs")
    with pytest.raises(ModelError, match=r"^cuda:1: .*pip install 'onnxruntime-gpu"):
        start("onnxruntime", network, device="cuda:1")


class FakeSession:
    """A session of a GPU build on a machine with or without a GPU."""

    works = True
    seen = ()

    def __init__(self, network, sess_options, providers):
        FakeSession.seen = providers

    def get_providers(self):
        return ["CUDAExecutionProvider"] if self.works else ["CPUExecutionProvider"]

    def get_inputs(self):
        return [types.SimpleNamespace(name="pixels", type="tensor(uint8)")]

    def get_outputs(self):
        return [types.SimpleNamespace(name="hubble")]


@pytest.fixture
def gpu_build(monkeypatch):
    """Put an ONNX Runtime that lists GPU providers in place of the real one."""
    fake = types.ModuleType("onnxruntime")
    fake.__version__ = "1.99"
    fake.__spec__ = types.SimpleNamespace(name="onnxruntime")
    fake.get_available_providers = lambda: [
        "TensorrtExecutionProvider",
        "CUDAExecutionProvider",
        "CPUExecutionProvider",
    ]
    fake.SessionOptions = type("", (), {"add_session_config_entry": lambda *_: None})
    fake.InferenceSession = FakeSession
    fake.preload_dlls = lambda: None
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    monkeypatch.setattr(FakeSession, "works", True)
    return fake


def test_providers_of_a_gpu(gpu_build, monkeypatch, network):
    from galedge.network.engines import onnxruntime as engine

    installed = set()
    monkeypatch.setattr(engine.importlib.util, "find_spec", lambda name: name in installed or None)
    running = engine.OnnxRuntimeEngine(network, "network", Setup(gpu=2, half=True))
    assert running is not None
    (cuda, options), cpu = FakeSession.seen
    assert (cuda, cpu) == ("CUDAExecutionProvider", "CPUExecutionProvider")
    assert options["device_id"] == 2
    assert options["use_tf32"] == 1
    installed.add("tensorrt_libs")
    engine.OnnxRuntimeEngine(network, "network", Setup(gpu=2))
    assert [provider[0] for provider in FakeSession.seen[:2]] == [
        "TensorrtExecutionProvider",
        "CUDAExecutionProvider",
    ]
    assert FakeSession.seen[0][1]["trt_fp16_enable"] is False
    assert FakeSession.seen[1][1]["use_tf32"] == 0


def test_a_gpu_build_that_falls_back_to_the_cpu_is_refused(gpu_build, monkeypatch, network):
    monkeypatch.setattr(FakeSession, "works", False)
    with pytest.raises(ModelError, match=r"^cuda:0: ONNX Runtime 1\.99 found no such GPU.*pip"):
        start("onnxruntime", network, device="cuda")


def test_no_cuda_is_one_sentence(network):
    torch = pytest.importorskip("torch")
    number = torch.cuda.device_count()
    with pytest.raises(ModelError, match=rf"^cuda:{number}: PyTorch .*no such GPU.*--device cpu$"):
        start("cuda", network, device=f"cuda:{number}")


def test_engines_leave_the_network_alone():
    import os

    import galedge.network.engines  # noqa: F401 - importing it is what counts

    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


@pytest.mark.parametrize(
    "use",
    [
        "galedge.Classifier(sys.argv[1], engine='openvino')",
        "galedge.network.speeds._measure_here(sys.argv[1], 'openvino', 'cpu', 1)",
    ],
)
def test_openvino_reports_to_nobody(bundle, use):
    """Its package sends an event for each import, by a process of its own."""
    pytest.importorskip("openvino")
    code = f"""
import multiprocessing.process, sys, threading
import galedge.network.speeds
multiprocessing.process.BaseProcess.start = lambda self: sys.exit("a process was started")
{use}
assert "openvino" in sys.modules
assert not any(name.startswith("openvino_telemetry") for name in sys.modules)
assert threading.active_count() == 1
"""
    done = subprocess.run([sys.executable, "-c", code, bundle], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_engine_that_is_there_and_cannot_be_imported(network, monkeypatch, tmp_path):
    (tmp_path / "openvino.py").write_text("import missing_part")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "openvino", raising=False)
    with pytest.raises(ModelError, match=r"openvino cannot be imported \(.*missing_part.*pip inst"):
        start("openvino", network)


@pytest.mark.parametrize("name", ["int8", "fp32"])
def test_a_runtime_that_moves_no_bytes_to_channels(name, monkeypatch):
    """As ONNX Runtime below 1.28; Python 3.10 has no newer one."""
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as Missing

    network = Path(galedge.__file__).with_name("models").joinpath(f"hubble-2/model.{name}.onnx")
    pixels = np.random.default_rng(2).integers(0, 256, (3, 3, 64, 64), np.uint8)
    here = start("onnxruntime", network.read_bytes()).run(pixels)
    opened = []

    def older(network, *args, **kwargs):
        opened.append(network)
        if any(n.op == "SpaceToDepth" and n.inputs == ("pixels",) for n in nodes(network)):
            raise Missing("Could not find an implementation for SpaceToDepth(13)")
        return session(network, *args, **kwargs)

    session = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", older)
    there = start("onnxruntime", network.read_bytes()).run(pixels)
    assert len(opened) == 2
    for output, values in here.items():
        np.testing.assert_array_equal(there[output], values)

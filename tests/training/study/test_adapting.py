"""The curve of adapting: labels of one camera balance its colours and are worth what is told."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers.made import network_of, write_bundle

from galedge.network.onnx import Step, grafted
from training.study.adapting import Study

TINT = np.array([1.6, 1.0, 0.5])[:, None, None]


@pytest.fixture
def study(tmp_path):
    """A bundle that tells red from blue, and pictures of both, plain and tinted."""
    heads = [
        {"kind": "classes", "name": "hue", "output": "hue", "names": ["warm", "cool"],
         "temperature": 1.0},
        {"kind": "quantity", "name": "t_type", "output": "t_type", "range": [-6, 11]},
    ]  # fmt: skip
    weights = np.array([[40, -40], [0, 0], [-40, 40]], np.float32)
    steps = [Step("Gemm", ("colour", "w", "b"), "hue")]
    constants = {"w": weights, "b": np.zeros(2, np.float32)}
    network = grafted(network_of({"t_type": 2}), steps, constants, {"hue": 2})
    nothing = {"task": None, "classes": None, "calibration": None}
    bundle = write_bundle(tmp_path / "hue", {"fp32": network}, schema=2, heads=heads, **nothing)
    rng = np.random.default_rng(0)
    label = np.arange(120) % 2
    colours = np.where(label[:, None] == 0, [100, 90, 80], [80, 90, 100]) + rng.normal(
        0, 4, (120, 3)
    )
    plain = np.broadcast_to(colours[:, :, None, None], (120, 3, 16, 16)) + rng.normal(
        0, 5, (120, 3, 16, 16)
    )
    exact = {
        "auto": plain.round().clip(0, 255).astype(np.uint8),
        "red": (plain * TINT).round().clip(0, 255).astype(np.uint8),
    }
    split = {"val": np.arange(80), "test": np.arange(80, 120)}
    told = {"t_type": np.zeros((120, 2))}
    pack = SimpleNamespace(label=label, exact=exact, rows=split.__getitem__, told=told)
    return Study(pack, str(bundle))


def test_labels_win_back_what_a_tint_costs(study):
    plain, tinted = study.plain("auto"), study.plain("red")
    assert plain["accuracy"] > 0.9
    assert tinted["accuracy"] == 0.5  # all are called warm
    found = study.adapted("red", 60, 0)
    red, green, blue = found["gains"]
    assert red < green < blue
    assert found["accuracy"] > 0.9
    assert found["loss"] < tinted["loss"]
    assert set(found) == {*plain, "gains", "step"}

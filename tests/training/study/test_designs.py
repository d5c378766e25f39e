"""Designs side by side: what is counted, what is timed, and the table."""

import shutil

import pytest
import torch

from training.nets.network import build
from training.ship.export import export
from training.study.designs import lines_of, multiplications, timed
from training.words.morphology import MORPHOLOGY


def test_multiplications_are_those_of_the_convolutions():
    network = build("compact:8|12,12k5", {"one": 2})
    # Folded to 16 x 16, then a stage of 8 x 8.
    stem = 16 * 16 * 8 * 12 * 9
    stage = 8 * 8 * (12 * 8 * 9 + 12 * 12 * 25)
    assert multiplications(network, 32) == stem + stage


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    torch.manual_seed(0)
    found = []
    for name in ("8|8|8", "24|48,48|48"):
        found.append(tmp_path_factory.mktemp("nets") / "net.onnx")
        export(build(f"compact:{name}", MORPHOLOGY.layers), MORPHOLOGY, found[-1], 64)
    return found


@pytest.mark.parametrize("vnni", [True, False])
@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_the_larger_network_takes_longer(files, engine, vnni):
    pytest.importorskip(engine)
    times = timed(files, engine, vnni=vnni)
    if times is None:
        assert not (shutil.which("gdb") and shutil.which("objdump"))
        pytest.skip("hiding what a processor can do needs gdb and objdump")
    small, large = times
    assert 0 < small < large


def test_the_table_has_a_line_for_each():
    found = {
        "designs": {
            "compact": {
                "multiplications": 24_600_000,
                "parameters": 630570,
                "colour": {"macro_f1": [0.5, 0.4, 0.6], "rms_t": 2.1},
                "cameras": {"macro_f1": [0.35, 0.3, 0.4], "rms_t": 2.9},
                "nll": 1.4732,
                "microseconds": {"OpenVINO, int8": 150.2, "OpenVINO, int8, AVX2 only": None},
            }
        }
    }
    head, _, line = lines_of(found)
    assert head.endswith("| NLL | OpenVINO, int8, µs | OpenVINO, int8, AVX2 only, µs |")
    assert line == (
        "| `compact` | 24.6 | 630,570 | 0.500 (0.400..0.600) | 2.10 | 0.350 (0.300..0.400) "
        "| 2.90 | 1.473 | 150 | – |"
    )

"""The scripts that hold galedge to others run, and agree on the examples."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

for needed in ("astropy", "cv2", "sep"):
    pytest.importorskip(needed)

ROOT = Path(__file__).parents[1]


def run(script):
    process = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / script, ROOT / "examples"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_reading():
    found = json.loads(run("fits_parity.py"))
    images = sum(1 for path in (ROOT / "examples").iterdir() if ".fits" in path.name)
    assert found["image_hdus"]["equal"] >= images
    assert "different" not in found["image_hdus"]


def test_preparing():
    lines = run("preparation_parity.py").splitlines()
    assert {line.split()[0] for line in lines} >= {"area", "zscale", "lupton", "map"}
    assert all(", 0 over " in line for line in lines)

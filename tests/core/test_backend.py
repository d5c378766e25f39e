"""Which core is taken: in a clone that was not built none, and it says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import galedge

SENTENCE = "is galedge's source folder, whose core is not compiled: run `pip install -e .`"


@pytest.fixture
def clone(tmp_path):
    """Copy the package, but no core, into a folder of its own."""
    shutil.copytree(
        Path(galedge.__file__).parent,
        tmp_path / "clone" / "galedge",
        ignore=shutil.ignore_patterns("*.so", "*.pyd", "*.onnx", "__pycache__"),
    )
    return tmp_path / "clone"


def run(folder, *arguments, **more):
    # Started there, as a reader of README does; and what is installed is not to help out.
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "GALEDGE_PURE")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environment, **more},
        capture_output=True,
        text=True,
        timeout=60,
    )


def sources(clone):
    (clone / "csrc").mkdir()
    (clone / "setup.py").touch()
    return clone


READ = "import sys, galedge; print(galedge.__file__); galedge.read"


def test_the_sources_refuse_to_be_the_slow_galedge(clone):
    process = run(sources(clone), "-c", READ)
    assert process.returncode == 1
    assert process.stdout.strip() == str(clone / "galedge" / "__init__.py")
    *_, last = process.stderr.splitlines()
    assert last.startswith(f"galedge.errors.GaledgeError: {clone} {SENTENCE}")
    assert "start Python in another folder" in last


@pytest.mark.parametrize(
    "arguments",
    [("classify", "a.fits"), ("info", "a.fits"), ("watch", ".", "-o", "a.csv"), ("models",)],
)
def test_the_command_says_it_in_one_sentence(clone, arguments):
    process = run(sources(clone), "-m", "galedge", *arguments)
    assert process.returncode == 1
    (line,) = process.stderr.splitlines()
    assert SENTENCE in line
    assert not process.stdout


def test_help_and_version_need_no_core(clone):
    sources(clone)
    for options in (["--help"], ["--version"], ["info", "--help"], ["engines", "--help"]):
        process = run(clone, "-m", "galedge", *options)
        assert process.returncode == 0
        assert not process.stderr


def test_who_asks_for_it_gets_it_with_a_warning(clone):
    process = run(sources(clone), "-c", READ, GALEDGE_PURE="1")
    assert process.returncode == 0
    assert process.stderr.count("RuntimeWarning: this galedge has no compiled core") == 1


def test_a_wheel_without_a_core_warns_as_before(clone):
    process = run(clone, "-c", READ)
    assert process.returncode == 0
    assert process.stderr.count("RuntimeWarning: this galedge has no compiled core") == 1


def test_a_core_that_does_not_load_is_no_missing_one(clone):
    sources(clone)
    (clone / "galedge" / "core" / "_core.py").write_text("import nonsense_that_is_missing")
    process = run(clone, "-c", READ, GALEDGE_PURE="1")
    assert process.returncode == 1
    assert "No module named 'nonsense_that_is_missing'" in process.stderr

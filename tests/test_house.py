"""The house: rooms import only the rooms below them, and no file is in a circle."""

from __future__ import annotations

import pytest
from helpers.house import FACES, ROOMS, ROOT, arrows, circle, modules, room, running_back


@pytest.mark.parametrize("package", ROOMS)
def test_every_module_has_a_room(package):
    rooms = {room(module) for module in modules(package)}
    assert rooms - set(FACES) == set(ROOMS[package])


@pytest.mark.parametrize("package", ROOMS)
def test_no_arrow_runs_back(package):
    assert running_back(package, arrows(package)) == []


@pytest.mark.parametrize("package", ROOMS)
def test_no_file_is_in_a_circle(package):
    assert circle(arrows(package)) == []


def test_an_arrow_that_runs_back_is_named_and_a_circle_too(tmp_path):
    for name, text in {
        "support/low.py": "def f():\n    from galedge.nights.high import g\n",
        "nights/high.py": "import galedge.support.low\n",
        "nights/lazy.py": "import importlib\nimportlib.import_module('galedge.cli.top')\n",
        "cli/top.py": "",
    }.items():
        path = tmp_path / "galedge" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = arrows("galedge", tmp_path)
    assert running_back("galedge", found) == [
        "galedge.nights.lazy -> galedge.cli.top",
        "galedge.support.low -> galedge.nights.high",
    ]
    assert circle(found) == ["nights.high", "support.low", "nights.high"]


def test_tests_mirror_the_rooms():
    """A folder of tests is a room, or has a reason of its own."""
    inner = {"arm", "docs", "helpers", "training", "windows"}  # arm, windows: other machines
    for folder, package in (("tests", "galedge"), ("tests/training", "training")):
        found = {p.name for p in (ROOT / folder).iterdir() if p.is_dir() and p.name[0] not in "._"}
        assert found - inner <= set(ROOMS[package])

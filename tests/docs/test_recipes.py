"""The recipes of docs/control.md run as they are printed, in the order of the page.

So does the Python of docs/adapters.md.
"""

import pytest
from helpers.house import ROOT
from website import blocks


def test_every_recipe_runs(tmp_path):
    pytest.importorskip("astropy")
    found = blocks.run((ROOT / "docs" / "control.md").read_text(), tmp_path)
    assert sum(block.is_run for block in found) >= 13
    said = [block.said for block in found if block.language == "sh" and block.is_seen]
    assert said[0] == "classified\n"
    good, bad = said[-1].splitlines()
    assert good.startswith("stamp.fits ")
    assert bad.startswith("stamps/broken.fits ")
    assert "header" in bad


def test_adapters_run(tmp_path):
    pytest.importorskip("astropy")
    pytest.importorskip("fastavro")
    found = blocks.run((ROOT / "docs" / "adapters.md").read_text(), tmp_path)
    assert sum(block.is_run for block in found) >= 6
    said = [block.said for block in found if block.language == "python" and block.is_seen]
    assert [line.split()[0] for line in said[0].splitlines()] == ["7", "7"]

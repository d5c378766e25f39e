"""The recipes of docs/control.md run as they are printed, in the order of the page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.made import galaxy, write_fits

pytest.importorskip("astropy")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "control.md").read_text()
BLOCKS = re.findall(r"^```(python|sh)\n(.*?)^```$", PAGE, re.S | re.M)
FILE = re.compile(r"# file: (\S+)\n")


@pytest.fixture
def telescope(tmp_path, monkeypatch):
    """Stand in a folder with what the page speaks of, galedge on the path."""
    monkeypatch.chdir(tmp_path)
    write_fits("stamp.fits", galaxy(96))
    (tmp_path / "stamps").mkdir()
    (tmp_path / "stamps" / "broken.fits").write_bytes(b"SIMPLE  =")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, arguments in (("galedge", " -m galedge"), ("python", "")):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n')
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    return tmp_path


def test_every_recipe_runs(telescope):
    assert len(BLOCKS) >= 12
    names: dict[str, object] = {"__name__": "recipe"}
    said = []
    for language, block in BLOCKS:
        if language == "sh":
            run = subprocess.run(
                ["sh", "-ec", block], capture_output=True, text=True, timeout=120, check=False
            )
            assert run.returncode == 0, f"{block}\n{run.stderr}"
            said.append(run.stdout)
        elif named := FILE.match(block):
            Path(named[1]).write_text(block)
        else:
            exec(compile(block, "docs/control.md", "exec"), names)
    assert said[0] == "classified\n"
    good, bad = said[-1].splitlines()
    assert good.startswith("stamp.fits ")
    assert bad.startswith("stamps/broken.fits ")
    assert "header" in bad

"""The tutorial's commands and its program run as they are printed, on made pictures."""

import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from helpers.house import ROOT
from helpers.made import galaxy, write_fits

PAGE = (ROOT / "docs" / "tutorial.md").read_text()
COMMANDS = re.findall(r"```sh\n(.*?)\n```", PAGE, re.S)
(PROGRAM,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)


def cutout(seed, ring):
    image = galaxy(64, seed=seed)
    if ring:
        y, x = np.indices(image.shape) - 31.5
        image += 150 * np.exp(-(((np.hypot(x, y) - 18) / 2) ** 2)).astype(np.float32)
    return image


def labels(path, numbers):
    lines = [f"cutouts/{i:03}.fits,{'yes' if i % 3 == 0 else 'no'}" for i in numbers]
    path.write_text("\n".join(["file,tail", *lines]) + "\n")


def test_the_tutorial(galedge, tmp_path):
    for package in ("sklearn", "pyarrow"):
        pytest.importorskip(package)
    (tmp_path / "cutouts").mkdir()
    for i in range(120):
        write_fits(tmp_path / "cutouts" / f"{i:03}.fits", cutout(i, i % 3 == 0))
    # What a person does in the browser, before the command that needs it.
    exported = {2: range(40), 4: range(70)}
    assert COMMANDS[0].startswith("pip install")
    for number, line in enumerate(COMMANDS):
        if number in exported:
            labels(tmp_path / "labels.csv", exported[number])
        words = shlex.split(line)
        if words[0] == "galedge":
            done = galedge(*words[1:])
            assert done.returncode == 0, done.stderr
            if words[1] == "tune":
                assert done.stdout.endswith("rows then answer by p_own_tail\n")
    assert (tmp_path / "next.html").read_text().count("cutouts/") >= 50  # of the 80 without labels
    assert (tmp_path / "answers.html").exists()

    labels(tmp_path / "check.csv", range(80, 110))
    (tmp_path / "paper.py").write_text(PROGRAM)
    assert "python paper.py" in COMMANDS
    told = subprocess.run(
        [sys.executable, "paper.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    rows = [line.split(" | ") for line in told]
    assert [row[0] for row in rows] == ["p_own_tail over", "0.3", "0.5", "0.7", "0.9"]
    assert 30 <= int(rows[2][1]) <= 50  # of 120, a third of them such
    purity, completeness = (float(cell.split(" ± ")[0]) for cell in rows[2][2:])
    assert purity > 0.8
    assert completeness > 0.8

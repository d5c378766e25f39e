"""The tutorial's commands and its program run as they are printed, on made pictures."""

import pytest
from helpers.house import ROOT
from website import blocks


def test_the_tutorial(tmp_path):
    for package in ("sklearn", "pyarrow", "astropy"):
        pytest.importorskip(package)
    found = blocks.run((ROOT / "docs" / "tutorial.md").read_text(), tmp_path)
    said = {block.code: block.said for block in found if block.is_seen}
    for code, answer in said.items():
        if code.startswith("galedge tune"):
            assert answer.endswith("rows then answer by p_own_tail\n")
    assert sum(code.startswith("galedge ") for code in said) == 7
    here = tmp_path / "here"
    assert (here / "next.html").read_text().count("cutouts/") >= 50  # of the 80 without labels
    assert (here / "answers.html").exists()
    rows = [line.split(" | ") for line in said["python paper.py\n"].splitlines()]
    assert [row[0] for row in rows] == ["p_own_tail over", "0.3", "0.5", "0.7", "0.9"]
    assert 30 <= int(rows[2][1]) <= 50  # of 120, a third of them such
    purity, completeness = (float(cell.split(" ± ")[0]) for cell in rows[2][2:])
    assert purity > 0.8
    assert completeness > 0.8

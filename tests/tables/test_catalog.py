"""Tables: digits, unknowns, odd names, and all or nothing."""

import csv
import json
import os
import stat

import pytest
from helpers.made import HEADS

from galedge.answers.result import columns
from galedge.errors import OutputError
from galedge.tables.catalog import open_table

NAMES = ["path", "hdu", "ra", "p_E", "t_type", "flags", "sky", "error"]
COLUMNS = [column for column in columns(HEADS) if column.name in NAMES]
ROW = {
    "path": "a.fits",
    "hdu": 0,
    "ra": 12.3456789123,
    "p_E": 0.123456,
    "t_type": -2.0,
    "sky": 1234.56789,
    "flags": "small;faint",
    "error": None,
}


def test_csv(tmp_path):
    with open_table(tmp_path / "t.csv", COLUMNS) as table:
        table.write(ROW)
    assert (tmp_path / "t.csv").read_text() == (
        "path,hdu,ra,p_E,t_type,flags,sky,error\n"
        "a.fits,0,12.3456789,0.1235,-2.00,small;faint,1234.57,\n"
    )


def test_jsonl(tmp_path):
    with open_table(tmp_path / "t.jsonl", COLUMNS) as table:
        table.write(ROW)
    row = json.loads((tmp_path / "t.jsonl").read_text())
    assert list(row) == NAMES
    assert row == ROW | {"ra": 12.3456789, "p_E": 0.1235, "sky": 1234.57}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_unknown(tmp_path, value):
    for name in ("t.csv", "t.jsonl"):
        with open_table(tmp_path / name, ["sky", "x"]) as table:
            table.write({"sky": value, "x": None})
    assert (tmp_path / "t.csv").read_text() == "sky,x\n,\n"
    assert (tmp_path / "t.jsonl").read_text() == '{"sky": null, "x": null}\n'


@pytest.mark.parametrize("name", ["é🌌.fits", 'a,"b"\n.fits', os.fsdecode(b"bad\xff.fits")])
def test_odd_names(tmp_path, name):
    for table_name in ("t.csv", "t.jsonl"):
        with open_table(tmp_path / table_name, ["path"]) as table:
            table.write({"path": name})
    with open(tmp_path / "t.csv", encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1] == [name.replace("\udcff", r"\udcff")]
    assert json.loads((tmp_path / "t.jsonl").read_text("utf-8")) == {"path": name}


def test_nothing_appears_before_the_end(tmp_path):
    target = tmp_path / "t.csv"
    target.write_text("old")
    with open_table(target, ["path"]) as table:
        table.write({"path": "a"})
        assert target.read_text() == "old"
    assert target.read_text() == "path\na\n"
    assert os.listdir(tmp_path) == ["t.csv"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_appears_after_a_failure(tmp_path, error):
    def fail():
        with open_table(tmp_path / "t.jsonl", ["path"]) as table:
            table.write({"path": "a"})
            raise error

    with pytest.raises(error):
        fail()
    assert os.listdir(tmp_path) == []


def test_permissions_are_those_of_any_new_file(tmp_path):
    old = os.umask(0o027)
    try:
        with open_table(tmp_path / "t.csv", ["path"]):
            pass
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "t.csv").stat().st_mode) == 0o640


def test_links_are_written_through(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "t.csv").symlink_to("real/t.csv")
    with open_table(tmp_path / "t.csv", ["path"]):
        pass
    assert (tmp_path / "t.csv").is_symlink()
    assert (tmp_path / "real/t.csv").read_text() == "path\n"


def test_refusals(tmp_path):
    with pytest.raises(OutputError, match=r"end the name in \.csv, \.ecsv, .* or \.xml"):
        open_table(tmp_path / "t.xlsx", ["path"])
    with pytest.raises(OutputError, match=r"nowhere/t\.csv: cannot be written: No such file"):
        open_table(tmp_path / "nowhere/t.csv", ["path"])
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(OutputError, match="not a regular file"):
        open_table(tmp_path / "pipe.csv", ["path"])
    assert os.listdir(tmp_path) == ["pipe.csv"]


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path):
    for alone in (False, True):
        open_table(tmp_path / "t.csv", ["path"], alone=alone).write({"path": "a"})  # and killed
    assert len(os.listdir(tmp_path)) == 2
    with open_table(tmp_path / "t.csv", ["path"], alone=True) as table:
        table.write({"path": "b"})
    assert len(os.listdir(tmp_path)) == 2  # another run's is left
    assert (tmp_path / "t.csv").read_text() == "path\nb\n"


def test_full_disk(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(OutputError, match=r"t\.csv: cannot be written: No space left"),
        open_table(tmp_path / "t.csv", ["path"]),
    ):
        pass
    assert os.listdir(tmp_path) == []

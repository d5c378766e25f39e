"""A watch over frames and over bands, as processes: sources, lists, bands that come later."""

import json
import os
import re
import signal
import time

import numpy as np
import pytest
from helpers import nights
from helpers.frames_made import PLACES, made, write_frame, write_list
from helpers.made import galaxy, write_fits


def rows(tmp_path):
    return nights._rows(tmp_path / "n.jsonl")


def wait_for(condition, process):
    for _ in range(3000):
        if condition():
            return
        assert process.poll() is None, nights.end(process)
        time.sleep(0.02)
    raise AssertionError("in vain")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def test_sources_that_are_found(galedge, tmp_path, folder, bundle):
    pytest.importorskip("sep")
    write_frame(folder / "a.fits")
    write_fits(folder / "empty.fits", np.random.default_rng(1).normal(100, 2, (90, 90)))
    watch = ["watch", folder, "-o", "n.jsonl", "--model", bundle, "--once", "--detect"]
    process = galedge(*watch)
    assert process.returncode == 3
    assert f"{folder}/empty.fits: no source was found" in process.stderr
    assert "classified 5 sources in " in process.stderr
    found = rows(tmp_path)
    assert [os.path.basename(row["path"]) for row in found] == ["a.fits"] * 5 + ["empty.fits"]
    for row, (x, y) in zip(found, sorted(PLACES, key=lambda place: place[1]), strict=False):
        assert (row["x"], row["y"]) == pytest.approx((x, y), abs=1)
    assert len({row["identity"] for row in found}) == 6

    process = galedge(*watch)
    assert (process.returncode, len(rows(tmp_path))) == (0, 6)
    assert "; 2 images done before" in process.stderr
    galedge(*watch, "--threshold", "4")  # asked otherwise, they are other rows
    assert len(rows(tmp_path)) == 12


def test_sources_of_a_list(galedge, tmp_path, folder, bundle):
    write_frame(folder / "a.fits")
    write_list(tmp_path / "l.csv", "name,x,y,z", [("A", 50, 40, 7), ("B", 999, 1, 8)])
    watch = ["watch", folder, "-o", "n.jsonl", "--model", bundle, "--once", "--catalog", "l.csv"]
    assert galedge(*watch, "--keep").returncode == 3
    first, second = rows(tmp_path)
    assert [first["name"], first["z"], first["status"]] == ["A", 7, "ok"]
    assert [second["name"], second["flags"], second["status"]] == ["B", "outside", "error"]
    assert second["identity"] + "-1" == first["identity"]
    write_list(tmp_path / "l.csv", "name,x,y,z", [("C", 150, 62, 9)])
    assert galedge(*watch, "--keep").returncode == 0
    assert [row["name"] for row in rows(tmp_path)] == ["A", "B", "C"]


def test_a_killed_watch_over_frames_goes_on(tmp_path, folder, bundle):
    write_list(tmp_path / "l.csv", "x,y", [place for place in PLACES for _ in range(40)])
    for number in range(12):
        write_frame(folder / f"{number:02}.fits", made(seed=number))
    watch = ["watch", folder, "-o", tmp_path / "n.jsonl", "--model", bundle, "--settle", "0.1"]
    for _ in range(3):
        process = nights.start(*watch, "--catalog", tmp_path / "l.csv")
        before = len(rows(tmp_path))
        wait_for(lambda: len(rows(tmp_path)) > before, process)  # noqa: B023
        process.kill()
        nights.end(process)
    process = nights.start(*watch, "--catalog", tmp_path / "l.csv")
    wait_for(lambda: len(rows(tmp_path)) >= 2400, process)
    process.send_signal(signal.SIGTERM)
    nights.end(process)
    names = [os.path.basename(row["path"]) for row in rows(tmp_path)]
    assert sorted(names) == [f"{number:02}.fits" for number in range(12) for _ in range(200)]
    assert len({row["identity"] for row in rows(tmp_path)}) == 2400


def test_bands_that_come_one_by_one(tmp_path, folder, bundle):
    pattern = ["--bands", "{name}_{g,r,i}.fits", "--settle", "0.1", "--patience", "1.5"]
    watch = ["watch", folder, "-o", tmp_path / "n.jsonl", "--model", bundle, *pattern]
    write_fits(folder / "other.fits", galaxy())
    process = nights.start(*watch)
    for number, band in enumerate("gri"):
        write_fits(folder / f"a_{band}.fits", galaxy(seed=number))
        time.sleep(0.4)
        assert number == 2 or not rows(tmp_path)
    wait_for(lambda: rows(tmp_path), process)
    (row,) = rows(tmp_path)
    assert (row["path"], row["flags"]) == (str(folder / "a_r.fits"), "")
    assert row["file_size"] == sum((folder / f"a_{band}.fits").stat().st_size for band in "gri")

    write_fits(folder / "b_i.fits", galaxy(seed=3))  # alone, until patience ends
    wait_for(lambda: len(rows(tmp_path)) == 2, process)
    assert (rows(tmp_path)[1]["path"], rows(tmp_path)[1]["flags"]) == (
        str(folder / "b_i.fits"),
        "missing_band",
    )
    for band in "gr":
        write_fits(folder / f"b_{band}.fits", galaxy(seed=4))
    wait_for(lambda: len(rows(tmp_path)) == 3, process)
    assert (rows(tmp_path)[2]["path"], rows(tmp_path)[2]["flags"]) == (
        str(folder / "b_r.fits"),
        "",
    )
    write_fits(folder / "a_g.fits", galaxy(seed=9))  # one band anew: another image
    wait_for(lambda: len(rows(tmp_path)) == 4, process)
    process.send_signal(signal.SIGTERM)
    nights.end(process)
    assert process.returncode == 0
    assert rows(tmp_path)[3]["path"] == str(folder / "a_r.fits")


def test_bands_of_frames(galedge, tmp_path, folder, bundle):
    for seed, band in enumerate("gri"):
        write_frame(folder / f"f_{band}.fits", made(seed=seed))
    write_list(tmp_path / "l.csv", "x,y", PLACES)
    options = ["--bands", "{name}_{g,r,i}.fits", "--catalog", "l.csv", "--model", bundle]
    assert galedge("watch", folder, "-o", "n.jsonl", "--once", *options).returncode == 0
    galedge("classify", folder, "-o", "t.jsonl", *options)
    whole = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert len(whole) == len(PLACES)
    for row, same in zip(rows(tmp_path), whole, strict=True):
        assert {name: row[name] for name in same} == {**same, "path": str(folder / "f_r.fits")}


def shown(path):
    """Return the files and thumbnails on a page."""
    if not path.exists():
        return [], 0
    text = path.read_text("utf-8")
    parts = re.findall(r'class="rows">(.*?)</script>', text)
    sheets = re.findall(r'class="sheet">(.*?)</script>', text)
    names = [os.path.basename(row[0]) for part in parts for row in json.loads(part)]
    return names, sum(map(bool, sheets))


def test_a_page_that_grows_with_the_night(galedge, tmp_path, night, bundle):
    page = tmp_path / "n.html"
    watch = ["watch", night, "-o", tmp_path / "n.jsonl", "--model", bundle, "--gallery", page]
    process = nights.start(*watch)
    wait_for(lambda: len(shown(page)[0]) == 5, process)  # while it goes on
    process.kill()
    nights.end(process)
    names = [f"g{number}.fits" for number in range(5)]
    assert shown(page) == (names, 1)
    write_fits(night / "g5.fits", galaxy(seed=5))
    (night / "g6.fits").write_text("bad")
    os.utime(night / "g6.fits", (1, 1))
    assert galedge(*watch, "--once").returncode == 3
    assert shown(page) == ([*names, "g5.fits", "g6.fits"], 2)
    assert galedge(*watch, "--once").returncode == 0
    assert shown(page) == ([*names, "g5.fits", "g6.fits"], 2)
    page.write_text("<p>mine</p>")
    process = galedge(*watch, "--once")
    assert f"{page}: holds no page to go on with; it is begun anew" in process.stderr
    for part in tmp_path.glob(".galedge-*.part"):  # what the kill left, once it is old
        os.utime(part, (1, 1))
    galedge(*watch, "--once")
    assert sorted(os.listdir(tmp_path)) == ["n.html", "n.jsonl", "night"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--bands", "g.fits,r.fits,i.fits"], "galedge watch does not go with --bands FILES"),
        (["--detect", "--write-back", "w"], "--write-back goes with none of --catalog, --detect"),
        (["--detect", "--quarantine", "q"], "there a row must be a whole file"),
        (["--keep"], "--keep goes with --catalog"),
    ],
)
def test_what_does_not_go_together(galedge, tmp_path, folder, options, message):
    process = galedge("watch", folder, "-o", "n.jsonl", "--once", *options)
    assert process.returncode == 2
    assert message in process.stderr
    assert os.listdir(tmp_path) == ["in"]

"""``galedge measure``: rows, exit codes, hostile files, missing Numba."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from helpers.made import galaxy, rows, write_fits
from helpers.stand_in import CLI, pure

from galedge.answers.measure import COLUMNS, Measurer
from galedge.answers.structure import Structure, structure
from galedge.images.inputs import Rejected

NUMBERS = COLUMNS[COLUMNS.index("concentration") : COLUMNS.index("point_fraction")]


def test_a_row_for_each_image_in_order(galedge, night):
    process = galedge("measure", night)
    assert process.returncode == 0
    table = rows(process.stdout)
    assert list(table[0]) == COLUMNS
    assert [row["path"] for row in table] == [str(night / f"g{i}.fits") for i in range(5)]
    assert [row["object"] for row in table] == [f"G{i}" for i in range(5)]
    for i, row in enumerate(table):
        expected = structure(galaxy(seed=i))
        assert (row["status"], row["error"], row["hdu"]) == ("ok", "", "0")
        assert row["flags"] == ";".join([*expected.flags, "no_psf"])  # there are no stars
        for name in NUMBERS:
            assert float(row[name]) == pytest.approx(getattr(expected, name), abs=0.006)
    assert process.stderr.startswith("galedge: measured 5 images in ")
    assert len(process.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["table.csv", "table.jsonl"])
def test_to_a_file(galedge, night, tmp_path, name):
    process = galedge("measure", night, "-o", name, "--workers", 1, "--quiet")
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
    text = (tmp_path / name).read_text()
    table = rows(text) if name == "table.csv" else [json.loads(line) for line in text.splitlines()]
    assert len(table) == 5
    assert list(table[0]) == COLUMNS
    assert galedge("measure", night / "g0.fits", "-o", night / "g0.fits").returncode == 2
    assert galedge("measure", night, "-o", "table.xls").returncode == 1


def test_hostile_folder(galedge, night):
    good = (night / "g0.fits").read_bytes()
    (night / "empty.fits").write_bytes(b"")
    (night / "truncated.fits").write_bytes(good[:5000])
    write_fits(night / "nan.fits", np.full((32, 32), np.nan, np.float32))
    write_fits(night / "constant.fits", np.full((32, 32), 7, np.float32))
    write_fits(night / "cube.fits", np.stack([galaxy()] * 5))
    (night / "text.fits").write_text("this is no image\n" * 500)
    (night / "text.jpg").write_text("nor is this\n" * 500)
    (night / "broken.npy").write_bytes(b"\x93NUMPY\x01\x00")
    os.mkfifo(night / "pipe.fits")
    (night / "dangling.fits").symlink_to("nothing")
    with open(os.fsencode(night) + b"/\xff\x1b[31m.fits", "wb") as file:
        file.write(good)
    noise = np.random.default_rng(0).normal(size=(60, 60)).astype(np.float32)
    write_fits(night / "sky.fits", noise)
    process = galedge("measure", night, night / "missing.fits")
    assert process.returncode == 3
    table = {os.path.basename(row["path"]): row for row in rows(process.stdout)}
    assert len(table) == len(os.listdir(night)) + 1
    odd = "\\udcff\x1b[31m.fits"
    good_names = {f"g{i}.fits" for i in range(5)} | {odd, "sky.fits"}
    for name, row in table.items():
        assert row["status"] == ("ok" if name in good_names else "error"), name
        assert bool(row["error"]) == (name not in good_names)
        assert bool(row["gini"]) == (name in good_names - {"sky.fits"})
        assert str(night) not in row["error"]
    assert table["sky.fits"]["flags"] == "no_source"
    assert table[odd]["gini"] == table["g0.fits"]["gini"]
    assert "--plane" in table["cube.fits"]["error"]
    assert process.stderr.endswith("; 11 rejected\n")
    assert "\x1b" not in process.stderr
    process = galedge("measure", night / "cube.fits", "--plane", 4)
    assert process.returncode == 0
    assert rows(process.stdout)[0]["gini"] == table["g0.fits"]["gini"]


def test_positions_are_of_the_centre(galedge, tmp_path):
    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0}
    cards |= {"CRPIX1": 32.5, "CRPIX2": 32.5, "CDELT1": -1e-4, "CDELT2": 1e-4}
    write_fits(tmp_path / "a.fits", galaxy(), **cards)
    (row,) = rows(galedge("measure", "a.fits").stdout)
    assert (float(row["x"]), float(row["y"])) == pytest.approx((31.5, 31.5), abs=0.3)
    assert (float(row["ra"]), float(row["dec"])) == pytest.approx((150, 2), abs=3e-5)


def test_without_numba_one_sentence_says_what_to_do(night):
    process = pure(CLI, "measure", night, hide=["numba"])
    assert process.returncode == 1
    assert process.stdout == ""
    (line,) = process.stderr.splitlines()
    assert line.endswith("pip install 'galedge[measure]'")


def test_help_needs_no_numba():
    process = pure(CLI, "measure", "--help", hide=["numba", "numpy"])
    assert process.returncode == 0
    assert "Gini" in process.stdout


def test_sources_are_paths_bytes_arrays_and_rejections(night):
    path = night / "g1.fits"
    sources = [path, path.read_bytes(), galaxy(seed=1), Rejected("gone", "no such file")]
    found = list(Measurer(workers=2).stream(sources))
    assert isinstance(found[0].structure, Structure)
    assert found[0].structure == found[1].structure == found[2].structure
    assert [result.path for result in found] == [str(path), "<bytes>", "", "gone"]
    assert found[3].error == "no such file"
    assert list(found[3].as_row()) == COLUMNS
    assert Measurer().measure(np.zeros(5)).error is not None
    with pytest.raises(ValueError, match="workers"):
        Measurer(workers=0)

"""`galedge drift`, and what classify and watch say of rows that are not as in a reference."""

import json
import shutil

import numpy as np
import pytest
from helpers.made import galaxy, write_fits

from galedge.tables.readtable import read_table


@pytest.fixture
def nights(tmp_path):
    """Return a function that makes a folder of galaxies over a sky."""

    def make(name, sky, number=60, seed=0):
        folder = tmp_path / name
        folder.mkdir()
        random = np.random.default_rng([seed, number])
        for i in range(number):
            level = np.float32(sky * random.uniform(0.9, 1.1))
            write_fits(folder / f"{i:03}.fits", galaxy(seed=1000 * seed + i) + level)
        return folder

    return make


def test_tables_are_compared(galedge, nights, tmp_path, bundle):
    for name, sky, seed in (("a", 100, 1), ("b", 100, 2), ("c", 200, 3)):
        made = galedge(
            "classify", nights(name, sky, seed=seed), "--model", bundle, "-o", f"{name}.csv"
        )
        assert made.returncode == 0
    process = galedge("drift", "a.csv", "b.csv")
    assert process.returncode == 0
    assert "changed" not in process.stdout
    process = galedge("drift", "a.csv", "c.csv", "--json")
    rows = [json.loads(line) for line in process.stdout.splitlines()]
    assert process.returncode == 0
    assert [row["column"] for row in rows if row["changed"]] == ["sky"]
    assert rows[0]["column"] == "sky"
    assert rows[0]["was"].startswith("median 2")
    assert rows[0]["apart"] == 1.0


def test_classify_says_what_changed(galedge, nights, tmp_path, bundle):
    galedge("classify", nights("a", 100), "--model", bundle, "-o", "a.csv")
    other = nights("b", 220, seed=2)
    asked = ["classify", other, "--model", bundle, "--reference", "a.csv"]
    process = galedge(*asked, "-o", "b.ecsv")
    assert process.returncode == 0
    assert "galedge: drift: after 25 rows not as in a.csv: sky (median 3" in process.stderr
    assert "drift: sky" in (tmp_path / "b.ecsv").read_text()  # of its metadata
    quiet = galedge(*asked, "-q")
    assert (quiet.returncode, quiet.stderr) == (0, "")
    same = galedge("classify", nights("c", 100, seed=3), "--model", bundle, "--reference", "a.csv")
    assert "drift" not in same.stderr


def test_a_watch_has_it_in_its_log_and_goes_on_with_it(galedge, nights, tmp_path, bundle):
    galedge("watch", nights("a", 100), "-o", "a.jsonl", "--model", bundle, "--once")
    folder = nights("b", 220, number=20, seed=2)
    watch = ["watch", folder, "-o", "b.jsonl", "--model", bundle, "--once"]
    watch += ["--reference", "a.jsonl"]
    process = galedge(*watch)
    assert process.returncode == 0
    assert "drift" not in process.stderr  # too few
    for i in range(20, 40):
        write_fits(folder / f"{i:03}.fits", galaxy(seed=i) + np.float32(220))
    process = galedge(*watch)
    assert process.returncode == 0
    assert "drift: after 25 rows not as in a.jsonl: sky (" in process.stderr
    cells = read_table(tmp_path / "b.jsonl").columns["drift"].cells
    assert (cells[:25], cells[25:]) == ([None] * 25, ["sky"] * 15)
    assert "drift: after 25 rows" in galedge(*watch).stderr  # it is still so


def test_a_model_may_hold_its_reference(galedge, nights, tmp_path, bundle):
    shares = {"number": 900, "shares": {"nothing": 1.0}}
    bundle = shutil.copytree(bundle, tmp_path / "other")
    path = bundle / "card.json"
    fields = json.loads(path.read_text())
    path.write_text(json.dumps({**fields, "reference": {"columns": {"label": shares}}}))
    folder = nights("a", 100)
    process = galedge("classify", folder, "--model", bundle, "-o", "a.csv")
    assert process.returncode == 0
    assert "not as in any camera that tiny was calibrated through: label (" in process.stderr
    path.write_text(json.dumps({**fields, "reference": 7}))
    process = galedge("classify", folder, "--model", bundle)
    assert process.returncode == 1
    assert "card.json: 'reference': is no summary" in process.stderr


def test_what_is_refused(galedge, nights, tmp_path, bundle):
    folder = nights("a", 100, number=3)
    galedge("classify", folder, "--model", bundle, "-o", "few.csv")
    process = galedge("classify", folder, "--model", bundle, "--reference", "few.csv")
    assert process.returncode == 1
    assert "few.csv: has 3 rows with answers, too few" in process.stderr
    galedge("classify", nights("b", 100, number=60), "--model", bundle, "-o", "some.csv")
    (tmp_path / "list.csv").write_text("name,ra\n" + "a,1\n" * 60)
    process = galedge("drift", "some.csv", "list.csv")
    assert (process.returncode, process.stdout) == (1, "")
    assert "list.csv: has no column to compare with those of some.csv" in process.stderr
    process = galedge("drift", "none.csv", "few.csv")
    assert (process.returncode, process.stdout) == (1, "")
    assert "none.csv: cannot be read" in process.stderr
    process = galedge(
        "classify", folder, "--dask", "tcp://a:1", "-o", "d", "--reference", "few.csv"
    )
    assert process.returncode == 2
    assert "--reference" in process.stderr

"""Catalogues of Zoobot and hyrax in, their tables out; what INDI's drivers compress."""

import csv
import io
import zlib

import pytest
from helpers.made import CLASSES, galaxy, write_fits

from galedge.nights.adapters.indi import unpacked


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    for seed, name in enumerate("ab"):
        write_fits(tmp_path / "images" / f"{name}.fits", galaxy(seed=seed))
    return tmp_path


def table(done):
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_zoobot_s_catalogue(galedge, bundle, folder, classifier):
    lines = ["id_str,file_loc,smooth", "007,images/a.fits,3", "8,images/b.fits,4", "9,no.fits,5"]
    (folder / "catalogue.csv").write_text("\n".join(lines) + "\n")
    done = galedge("adapters", "zoobot", "catalogue.csv", "--model", bundle)
    assert done.returncode == 3
    rows = table(done)
    assert [row["id_str"] for row in rows] == ["007", "8", "9"]  # names, not numbers
    assert list(rows[0])[-2:] == ["id_str", "error"]
    numbers = [name for name in rows[0] if name not in ("id_str", "error")]
    assert {"probability", "t_type", *(f"p_{name}" for name in CLASSES)} <= set(numbers)
    for row in rows[:2]:
        assert all(float(row[name]) == float(row[name]) for name in numbers)
    alone = classifier.classify(folder / "images" / "b.fits")
    assert float(rows[1]["p_E"]) == pytest.approx(alone.probabilities["E"], abs=1e-4)
    assert not any(rows[2][name] for name in numbers)
    assert "No such file" in rows[2]["error"]


def test_a_catalogue_of_another_format_beside_its_files(galedge, bundle, folder):
    Table = pytest.importorskip("astropy.table").Table
    sources = Table({"id_str": ["x", "y"], "file_loc": ["a.fits", ""]})
    sources.write(folder / "images" / "catalogue.fits")
    done = galedge("adapters", "zoobot", "images/catalogue.fits", "--model", bundle)
    first, second = table(done)
    assert (first["id_str"], first["error"]) == ("x", "")
    assert second["error"] == "the catalogue names no file"


def test_hyrax_s_catalogue(galedge, bundle, folder):
    lines = ["object_id,filter,filename", "1,g,a.fits", "1,r,b.fits", "2,g,none.fits"]
    (folder / "catalogue.csv").write_text("\n".join(lines) + "\n")
    done = galedge("adapters", "hyrax", "catalogue.csv", "images", "--model", bundle)
    assert done.returncode == 3
    rows = table(done)
    assert [(row["object_id"], row["filter"]) for row in rows] == [
        ("1", "g"), ("1", "r"), ("2", "g")
    ]  # fmt: skip
    assert [bool(row["error"]) for row in rows] == [False, False, True]
    assert rows[0]["label"] in CLASSES
    (folder / "images" / "plain.csv").write_text("object_id,filename\n1,a.fits\n")
    (row,) = table(galedge("adapters", "hyrax", "images/plain.csv", "--model", bundle))
    assert (row["filter"], row["error"]) == ("", "")


@pytest.mark.parametrize(("name", "lacks"), [("zoobot", "file_loc"), ("hyrax", "filename")])
def test_a_catalogue_without_files(galedge, bundle, tmp_path, name, lacks):
    (tmp_path / "catalogue.csv").write_text("id_str,object_id\n1,1\n")
    done = galedge("adapters", name, "catalogue.csv", "--model", bundle)
    assert done.returncode == 1
    assert f"catalogue.csv: has no column '{lacks}'; it has id_str, object_id" in done.stderr


def test_blobs():
    content = b"SIMPLE  =" * 100
    packed = zlib.compress(content)
    assert unpacked(content, ".fits", 900) == content
    assert unpacked(packed, ".fits.z", 900) == content
    assert unpacked(packed, ".fits.z", 899) == content[:899]  # and no byte more
    assert unpacked(packed[:-20], ".fits.z", 900).startswith("it has ")
    assert unpacked(b"junk", ".fits.z", 900).startswith("its compression is damaged")
    assert unpacked(packed, ".fits.z", 1 << 40) == f"an image of {1 << 40} bytes"


@pytest.mark.parametrize("server", [":7624", "host:port"])
def test_what_is_no_server(galedge, bundle, server):
    done = galedge("adapters", "indi", server, "--model", bundle)
    assert done.returncode == 1
    assert f"{server!r} is no INDI server; give HOST or HOST:PORT" in done.stderr

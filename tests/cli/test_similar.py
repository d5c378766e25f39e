"""galedge similar: neighbours and oddities of a table of features."""

import shutil

import numpy as np
import pytest
from helpers.frames_made import PLACES, made, write_frame, write_list
from helpers.made import rows, write_fits

from galedge.answers.classifier import Classifier


def coloured(seed):
    """Return a picture in a colour of its own, as the tiny network sees no more."""
    colour = np.random.default_rng(seed).uniform(30, 220, (3, 1, 1))
    return np.broadcast_to(colour, (3, 40, 40)).astype(np.uint8)


@pytest.fixture
def colours(tmp_path):
    from PIL import Image

    folder = tmp_path / "colours"
    folder.mkdir()
    for i in range(9):
        Image.fromarray(coloured(i).transpose(1, 2, 0)).save(folder / f"c{i}.png")
    (folder / "c9.png").write_text("is none")
    return folder


@pytest.mark.parametrize("end", [".csv", ".parquet", ".fits"])
def test_neighbours(galedge, bundle, colours, tmp_path, end):
    if end != ".csv":
        pytest.importorskip("pyarrow" if end == ".parquet" else "astropy")
    galedge("embed", colours, "--model", bundle, "-o", f"f{end}")
    asked = colours / "c3.png"
    done = galedge("similar", asked, "--among", f"f{end}", "--model", bundle, "-n", 4)
    assert done.returncode == 0, done.stderr
    found = rows(done.stdout)
    assert [row["rank"] for row in found] == list("01234")
    assert {row["query"] for row in found} == {str(asked)}
    files = [colours / f"c{i}.png" for i in range(9)]
    features = Classifier(bundle).embed(files)
    away = np.linalg.norm(features - features[3], axis=1)
    order = [i for i in np.argsort(away, kind="stable") if i != 3][:4]
    assert [row["path"] for row in found] == [str(files[i]) for i in [3, *order]]
    np.testing.assert_allclose([float(r["distance"]) for r in found[1:]], away[order], rtol=1e-3)
    labels = [result.label for result in Classifier(bundle).classify([files[i] for i in order])]
    assert [row["label"] or None for row in found[1:]] == labels


def test_a_query_that_cannot_be_read_costs_its_row(galedge, bundle, colours):
    galedge("embed", colours, "--model", bundle, "-o", "f.csv")
    asked = [colours / "c9.png", colours / "c0.png"]
    done = galedge("similar", *asked, "--among", "f.csv", "--model", bundle, "-n", 2)
    assert done.returncode == 3
    assert [row["status"] for row in rows(done.stdout)] == ["error", "ok", "ok", "ok"]


def test_the_oddest(galedge, bundle, night, tmp_path):
    for i in range(12):
        shutil.copy(night / f"g{i % 5}.fits", night / f"h{i:02}.fits")
    write_fits(night / "odd.fits", np.full((40, 40), 7.0) + np.eye(40) * 900)
    galedge("embed", night, "--model", bundle, "-o", "f.csv")
    done = galedge("similar", "--odd", "--among", "f.csv", "--model", bundle, "-n", 3)
    found = rows(done.stdout)
    assert found[0]["path"].endswith("odd.fits")
    assert [row["rank"] for row in found] == list("123")
    assert float(found[0]["distance"]) > float(found[1]["distance"])


def test_a_page_shows_files_and_sources_of_frames_again(galedge, bundle, tmp_path):
    frame = write_frame(tmp_path / "frame.fits", made())
    places = [(x, y) for x, y in PLACES]
    names = write_list(tmp_path / "list.csv", "x,y", places)
    galedge("embed", frame, "--catalog", names, "--model", bundle, "-o", "f.csv")
    done = galedge(
        "similar", "--odd", "--among", "f.csv", "--model", bundle, "-n", 5, "-o", "o.csv",
        "--gallery", "page.html",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.html").read_text()
    (sheet,) = page.split('class="sheet">')[1:]
    assert len(sheet.split("<")[0]) > 500


def test_sources_of_frames_are_queries(galedge, bundle, tmp_path):
    frame = write_frame(tmp_path / "frame.fits", made())
    names = write_list(
        tmp_path / "list.csv", "id,x,y", [(i, x, y) for i, (x, y) in enumerate(PLACES)]
    )
    galedge("embed", frame, "--catalog", names, "--model", bundle, "-o", "f.csv")
    two = write_list(tmp_path / "two.csv", "id,x,y", [("a", *PLACES[0]), ("b", *PLACES[3])])
    done = galedge(
        "similar", frame, "--catalog", two, "--among", "f.csv", "--model", bundle, "-n", 2,
        "--gallery", "page.html",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = rows(done.stdout)
    assert [row["rank"] for row in found] == list("012012")
    assert [row["query"] for row in found] == [f"{frame} a"] * 3 + [f"{frame} b"] * 3
    assert [row["object"] for row in found if row["rank"] == "0"] == ["a", "b"]
    assert found[1]["object"] != "0"  # a source is no neighbour of itself
    done = galedge("similar", "no.fits", "--catalog", two, "--among", "f.csv", "--model", bundle)
    assert [row["query"] for row in rows(done.stdout)] == ["no.fits"]
    assert found[4]["object"] != "3"
    done = galedge("similar", "--odd", "--detect", "--among", "f.csv")
    assert done.returncode == 2


def test_refusals(galedge, bundle, other, night, tmp_path):
    def refused(*arguments):
        done = galedge("similar", *arguments)
        assert done.returncode in (1, 2)
        return done.stderr

    galedge("embed", night, "--model", bundle, "-o", "f.csv")
    asked = night / "g0.fits"
    assert "another network" in refused(asked, "--among", "f.csv", "--model", other)
    assert "--model" in refused(asked, "--among", "f.csv")  # a bundle of one's own, by its name
    galedge("classify", night, "--model", bundle, "-o", "plain.csv")
    assert "galedge embed PATH" in refused(asked, "--among", "plain.csv", "--model", bundle)
    (tmp_path / "bad.csv").write_text("path,status,embedding_0\na.fits,error,\n")
    assert "no row has an embedding" in refused("--odd", "--among", "bad.csv")
    assert "QUERY or --odd" in refused("--among", "f.csv")
    again = refused(asked, "--among", "f.csv", "--model", bundle, "--frame", "full")
    assert "another recipe" in again

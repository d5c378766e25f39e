"""galedge embed: a row for each image, with what it is like, in every table."""

import csv

import numpy as np
import pytest
from helpers.frames_made import PLACES, made, write_frame, write_list
from helpers.made import rows

from galedge.answers.classifier import Classifier


def vectors(path):
    """Return the embeddings of a table, by whoever else reads it."""
    if path.suffix == ".csv":
        with open(path, newline="") as file:
            names, *cells = csv.reader(file)
        at = [names.index(f"embedding_{i}") for i in range(3)]
        return np.array([[float(row[i] or "nan") for i in at] for row in cells])
    table = pytest.importorskip("astropy.table").Table.read(path)
    if "embedding" in table.colnames:
        return np.ma.filled(table["embedding"], np.nan)
    columns = [np.ma.filled(table[f"embedding_{i}"].astype(float), np.nan) for i in range(3)]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("end", [".csv", ".parquet", ".fits", ".ecsv", ".vot"])
def test_tables(galedge, bundle, night, tmp_path, end):
    if end == ".parquet":
        pytest.importorskip("pyarrow")
    (night / "bad.fits").write_text("is none")
    done = galedge("embed", night, "--model", bundle, "-o", f"f{end}")
    assert done.returncode == 3
    assert "embedded 5 images" in done.stderr
    assert "bad.fits" in done.stderr
    found = vectors(tmp_path / f"f{end}")
    expected = Classifier(bundle).embed(sorted(map(str, night.iterdir())))
    assert np.isnan(expected[0]).all()
    np.testing.assert_allclose(found[1:], expected[1:], rtol=1e-5)
    assert np.isnan(found[0]).all()


def test_parquet_holds_vectors(galedge, bundle, night, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    galedge("embed", night, "--model", bundle, "-o", "f.parquet")
    column = parquet.read_table(tmp_path / "f.parquet")["embedding"]
    assert str(column.type) == "fixed_size_list<element: float>[3]"


def test_rows_are_those_of_classify(galedge, bundle, night):
    classified = rows(galedge("classify", night, "--model", bundle).stdout)
    embedded = rows(galedge("embed", night, "--model", bundle).stdout)
    for row in embedded:
        for i in range(3):
            float(row.pop(f"embedding_{i}"))
    assert embedded == classified


def test_sources_of_frames(galedge, bundle, tmp_path):
    frame = write_frame(tmp_path / "frame.fits", made())
    places = [(x, y, i) for i, (x, y) in enumerate(PLACES)]
    names = write_list(tmp_path / "list.csv", "x,y,id", places)
    done = galedge("embed", frame, "--catalog", names, "--keep", "--model", bundle)
    found = rows(done.stdout)
    assert [row["cat_id"] if "cat_id" in row else row["id"] for row in found] == list("01234")
    assert all(int(row["side"]) >= 64 and row["embedding_2"] for row in found)


def test_a_page_has_no_room_for_vectors(galedge, bundle, night, tmp_path):
    done = galedge("embed", night, "--model", bundle, "-o", "f.csv", "--gallery", "page.html")
    assert done.returncode == 0
    page = (tmp_path / "page.html").read_text()
    assert '"name":"label"' in page
    assert '"name":"embedding"' not in page

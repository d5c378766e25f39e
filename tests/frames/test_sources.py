"""Source lists: formats, roles, units, and what is refused."""

import numpy as np
import pytest
from helpers.frames_made import PLACES, write_frame, write_list

from galedge.errors import GaledgeError, ReadError
from galedge.frames.frame import Frame
from galedge.frames.sources import read_catalogue
from galedge.tables.readtable import read_table

ROWS = [(f"G{i}", x, y, 10 + i) for i, (x, y) in enumerate(PLACES)]


@pytest.mark.parametrize("extension", ["csv", "ecsv", "fits", "fits.gz", "vot", "parquet"])
def test_formats_agree(tmp_path, extension):
    path = tmp_path / f"list.{extension}"
    if extension == "csv":
        write_list(path, "ID,X,Y,n", ROWS)
    elif extension == "parquet":
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        names = ["ID", "X", "Y", "n"]
        columns = [list(column) for column in zip(*ROWS, strict=True)]
        parquet.write_table(pyarrow.table(dict(zip(names, columns, strict=True))), path)
    else:
        table = pytest.importorskip("astropy.table").Table(rows=ROWS, names=["ID", "X", "Y", "n"])
        form = {"ecsv": "ascii.ecsv", "vot": "votable"}.get(extension, "fits")
        table.write(path, format=form)
    catalogue = read_catalogue(path)
    assert not catalogue.on_sky
    assert catalogue.first.tolist() == [x for x, _ in PLACES]
    assert catalogue.second.tolist() == [y for _, y in PLACES]
    assert catalogue.names == [f"G{i}" for i in range(5)]
    assert np.isnan(catalogue.side).all()
    assert list(catalogue.columns) == ["ID", "X", "Y", "n"]
    assert catalogue.columns["n"] == [10, 11, 12, 13, 14]


def test_pixels_that_count_from_one(tmp_path):
    path = write_list(tmp_path / "l.csv", "X_IMAGE,Y_IMAGE", [(51, 41.5)])
    catalogue = read_catalogue(path, {"x": "x_image", "y": "Y_IMAGE"}, one_based=True)
    assert (catalogue.first[0], catalogue.second[0]) == (50, 40.5)


def test_the_sky_goes_before_pixels(tmp_path):
    path = write_list(tmp_path / "l.csv", "x,y,RAJ2000,DEJ2000", [(1, 2, 150, 2)])
    assert read_catalogue(path).on_sky
    assert not read_catalogue(path, {"x": "x", "y": "y"}).on_sky
    path = write_list(tmp_path / "m.csv", "x,y,ra", [(1, 2, 150)])
    assert not read_catalogue(path).on_sky


def test_sizes(tmp_path):
    path = write_list(
        tmp_path / "l.csv", "x,y,s,r", [(1, 2, 40, 20), (1, 2, "", ""), (3, 4, 0, -1)]
    )
    side = read_catalogue(path, {"size": "s"}).side
    assert side[0] == 40
    assert np.isnan(side[1:]).all()
    assert read_catalogue(path, {"radius": "r"}).side[0] == 80
    frame = Frame(str(write_frame(tmp_path / "f.fits")))
    sources = frame.locate(read_catalogue(path, {"size": "s"}))
    assert sources.fixed.tolist() == [True, False, False]


def test_units_are_obeyed(tmp_path):
    table = pytest.importorskip("astropy.table")
    rows = table.Table({"ra": [np.radians(150.0)], "dec": [132.0], "r": [2.0]})
    rows["ra"].unit, rows["dec"].unit, rows["r"].unit = "rad", "deg", "arcsec"
    rows["dec"] = [2.2]
    rows.write(tmp_path / "l.ecsv")
    catalogue = read_catalogue(tmp_path / "l.ecsv", {"radius": "r"})
    frame = Frame(str(write_frame(tmp_path / "f.fits")))
    sources = frame.locate(catalogue)
    assert (sources.x[0], sources.y[0]) == pytest.approx((119.5, 98.25), abs=1e-6)
    assert sources.side[0] == pytest.approx(4 * 2 / (1.1e-4 * 3600), rel=0.01)


def test_empty_and_masked_cells(tmp_path):
    table = pytest.importorskip("astropy.table")
    path = write_list(tmp_path / "l.csv", "id,x,y", [("a", "", 2), ("", 1, "nan"), ("007", 1, 2)])
    catalogue = read_catalogue(path)
    assert np.isnan(catalogue.first).tolist() == [True, False, False]
    assert np.isnan(catalogue.second).tolist() == [False, True, False]
    assert catalogue.names == ["a", None, "007"]
    masked = table.Table({"x": [1.0, 2.0], "y": [1.0, 2.0], "flux": [[1, 2], [3, 4]]}, masked=True)
    masked["x"].mask = [True, False]
    masked.write(tmp_path / "m.fits")
    catalogue = read_catalogue(tmp_path / "m.fits")
    assert np.isnan(catalogue.first).tolist() == [True, False]
    assert catalogue.columns["flux"] == ["[1, 2]", "[3, 4]"]


def test_names_made_of_digits_stay_as_they_are(tmp_path):
    path = write_list(tmp_path / "l.csv", "id,x,y", [("007", 1, 2), ("12_34", 3, 4)])
    assert read_catalogue(path).names == ["007", "12_34"]
    path = write_list(tmp_path / "l.csv", "id,x,y", [("1237648720693755918", 1, 2)])
    assert read_catalogue(path).names == ["1237648720693755918"]


def test_a_file_of_numbers_only(tmp_path):
    path = tmp_path / "l.csv"
    path.write_text("804.24,7.43\n1656.7,18.74\n")
    assert read_catalogue(path, {"x": "col1", "y": "col2"}).first.tolist() == [804.24, 1656.7]
    with pytest.raises(ReadError, match=r"--columns ra=NAME.*of col1, col2"):
        read_catalogue(path)


def test_the_table_with_the_columns_is_taken(tmp_path):
    fits = pytest.importorskip("astropy.io.fits")
    head = fits.BinTableHDU.from_columns([fits.Column("Field Header Card", "8A", array=["a"])])
    body = fits.BinTableHDU.from_columns(
        [fits.Column(n, "D", array=[5.0]) for n in ("XWIN", "YWIN")]
    )
    fits.HDUList([fits.PrimaryHDU(), head, body]).writeto(tmp_path / "ldac.fits")
    catalogue = read_catalogue(tmp_path / "ldac.fits", {"x": "XWIN", "y": "YWIN"}, one_based=True)
    assert catalogue.first.tolist() == [4.0]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("l.csv", "a,b\n1,2\n", "has neither columns ra, dec nor x, y"),
        ("l.csv", "x,y\n1\n", "row 1 has 1 fields, not 2"),
        ("l.csv", "x,x\n1,2\n", "two columns are named 'x'"),
        ("l.csv", "", "has no columns"),
        ("l.csv", "x;y\n1,5;2,5\n", "';' stands between its columns; write commas"),
        ("l.csv", "x\ty\n1\t2\n", r"'\\t' stands between its columns"),
        ("l.csv", "x,y\n1,two\n", "column 'y' must hold a number: .*two"),
        ("l.csv", "ra,dec\n10:00:00,2\n", "column 'ra' must hold degrees"),
        ("l.csv", b"\xff\xfex\n", "is no CSV in UTF-8"),
        ("l.fits", "nonsense", "is no FITS table"),
        ("l.ecsv", "nonsense", "cannot be read as a table"),
        ("l.vot", "nonsense", "cannot be read as a table"),
        ("l.parquet", "nonsense", "is no Parquet table"),
        ("l.xlsx", "nonsense", r"is no table that galedge reads; it reads \.csv \.jsonl \.ecsv"),
    ],
)
def test_lists_that_are_refused(tmp_path, name, content, message):
    if "Parquet" in message:
        pytest.importorskip("pyarrow")
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReadError, match=rf"{name}: .*{message}"):
        read_catalogue(path)


def test_missing_lists_and_columns(tmp_path):
    for name in ("none.csv", "none.ecsv", "none.fits", "none.vot"):
        with pytest.raises(ReadError, match=name):
            read_catalogue(tmp_path / name)
    path = write_list(tmp_path / "l.csv", "x,y", [(1, 2)])
    with pytest.raises(ReadError, match="has no column 'z'; it has x, y"):
        read_catalogue(path, {"x": "z"})


def test_missing_packages_are_named_with_the_pip_line(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "astropy", None)
    monkeypatch.setitem(sys.modules, "astropy.table", None)
    (tmp_path / "l.ecsv").write_text("x")
    with pytest.raises(GaledgeError, match=r"needs astropy.*pip install 'galedge\[tables\]'"):
        read_table(tmp_path / "l.ecsv")


def test_a_list_on_the_sky_needs_a_frame_with_coordinates(tmp_path):
    path = write_list(tmp_path / "l.csv", "ra,dec", [(150, 2.2)])
    frame = Frame(str(write_frame(tmp_path / "f.fits", CTYPE1=None, CTYPE2=None)))
    with pytest.raises(ReadError, match=r"f\.fits: has no celestial coordinates.*--columns x=NAME"):
        frame.locate(read_catalogue(path))

"""Source lists as other programs write them: what each cell, name and unit is taken for."""

from __future__ import annotations

import json
import math

import pytest
from helpers.frames_made import TAN, write_frame
from helpers.made import rows

from galedge.cli.survey import carried
from galedge.errors import ReadError
from galedge.frames.frame import Frame
from galedge.frames.sources import read_catalogue
from galedge.tables.catalog import open_table
from galedge.tables.columns import Column

RA, DEC = TAN["CRVAL1"], TAN["CRVAL2"]
X, Y = 119.5, 98.25  # where that is in the frame


def written(path, text):
    path.write_text(text)
    return path


def places(catalogue):
    pairs = zip(catalogue.first.tolist(), catalogue.second.tolist(), strict=True)
    return [None if math.isnan(x + y) else (x, y) for x, y in pairs]


# --- cells ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("name,x,y\n#1,1,2\n#2,1,2\nb,1,2\n", ["#1", "#2", "b"]),
        ("name,x,y\n1E10,1,2\n2E3,1,2\n", ["1E10", "2E3"]),
        ("name,x,y\n007,1,2\n8,1,2\n", ["007", "8"]),
        ("name,x,y\n1.50,1,2\n-0,1,2\n", ["1.50", "-0"]),
        ("name,x,y\nNA,1,2\nnan,1,2\n,1,2\n", ["NA", "nan", None]),
        ("name,x,y\n3834473958211234560,1,2\nNaN,1,2\n", ["3834473958211234560", "NaN"]),
        ("# a comment, of three, words\nname,x,y\na,1,2\n# another\nb,1,2\n", ["a", "b"]),
        ("#Table1\nobjid,x,y\n1237648720142401611,1,2\n", ["1237648720142401611"]),
        ("# id,x,y\n1,1,2\n", ["1"]),  # as NumPy writes a line of names
        ("# made by me\n#id,x,y\nG1,1,2\n", ["G1"]),
        ("name,x,y\na,1,2,\nb,1,2,,\n", ["a", "b"]),
        ("name,x,y,\na,1,2,\n", ["a"]),
        ('name, x, y\n"a, b", "1", "2"\n', ["a, b"]),
        ("label,x_centroid,y_centroid\n7,1,2\n", ["7"]),
        ("label,x,y\nSc,1,2\n", [None]),  # a class, not a name
    ],
)
def test_names_are_as_they_are_written(tmp_path, text, names):
    catalogue = read_catalogue(written(tmp_path / "l.csv", text))
    assert catalogue.names == names
    assert places(catalogue) == [(1, 2)] * len(names)


@pytest.mark.parametrize("cell", ["null", "--", "N/A", "NaN", "", "None", "far", "1_5", "-999"])
def test_one_bad_cell_costs_its_row(tmp_path, galedge, bundle, cell):
    good = f"{RA},{DEC}"
    path = written(tmp_path / "l.csv", f"name,ra,dec,z\na,{good},1\nb,{RA},{cell},x\nc,{good},2\n")
    assert places(read_catalogue(path)) == [(RA, DEC), None, (RA, DEC)]
    write_frame(tmp_path / "f.fits")
    process = galedge("classify", "f.fits", "--catalog", "l.csv", "--model", bundle, "--json")
    assert process.returncode == 3
    found = [json.loads(line) for line in process.stdout.splitlines()]
    assert [(row["object"], row["status"]) for row in found] == [
        ("a", "ok"),
        ("b", "error"),
        ("c", "ok"),
    ]
    assert found[1]["error"] == "the source has no place on the frame"


def test_what_is_no_place_on_the_sky(tmp_path):
    rows = ["-999,-999", "-99,-99", "1e20,1e20", "-210,2", "510,2", "inf,2", "150,90"]
    path = written(tmp_path / "l.csv", "\n".join(["ra,dec", *rows]))
    assert places(read_catalogue(path)) == [None, None, None, (-210, 2), (510, 2), None, (150, 90)]
    path = written(tmp_path / "p.csv", "x,y\n-999,-999\n1,2\n")
    assert places(read_catalogue(path)) == [(-999, -999), (1, 2)]  # outside, which its row says


def test_kept_numbers_stay_exact(tmp_path):
    text = "x,y,id,n,z,t\n1,2,a,1237648720142401611,0.5,1\n1,2,b,null,--,x\n"
    kept = read_catalogue(written(tmp_path / "l.csv", text)).columns
    assert kept["n"] == [1237648720142401611, None]
    assert kept["z"] == [0.5, None]
    assert kept["t"] == ["1", "x"]
    text = "x,y,n\n1,2,1237648720142401611\n1,2,1.5\n"
    kept = read_catalogue(written(tmp_path / "l.csv", text)).columns
    assert kept["n"] == ["1237648720142401611", "1.5"]


# --- units ----------------------------------------------------------------------------

ANGLES = {"deg": 1, "rad": math.pi / 180, "hourangle": 1 / 15, "arcmin": 60, "arcsec": 3600}


def table_of(tmp_path, extension, **columns):
    """Write a table of one row; a column is (value, unit)."""
    astropy_table = pytest.importorskip("astropy.table")
    table = astropy_table.Table()
    for name, (value, unit) in columns.items():
        table[name] = astropy_table.Column([value], unit=unit)
    form = {"ecsv": "ascii.ecsv", "vot": "votable"}.get(extension, extension)
    path = tmp_path / f"l.{extension}"
    table.write(path, format=form, overwrite=True)
    return path


@pytest.mark.parametrize("extension", ["ecsv", "fits", "vot", "parquet"])
@pytest.mark.parametrize("unit", ANGLES)
def test_angles(tmp_path, extension, unit):
    per = ANGLES[unit]
    if unit == "hourangle" and extension in ("vot", "fits"):
        unit = "h"  # which is what these call it
    path = table_of(tmp_path, extension, ra=(RA * per, unit), dec=(DEC, "deg"))
    catalogue = read_catalogue(path)
    assert places(catalogue) == [pytest.approx((RA, DEC), rel=1e-12)]
    frame = Frame(str(write_frame(tmp_path / "f.fits")))
    sources = frame.locate(catalogue)
    assert (sources.x[0], sources.y[0]) == pytest.approx((X, Y), abs=1e-6)


@pytest.mark.parametrize("extension", ["ecsv", "fits", "vot", "parquet"])
def test_a_masked_place_is_none(tmp_path, extension):
    path = tmp_path / f"l.{extension}"
    form = {"ecsv": "ascii.ecsv", "vot": "votable"}.get(extension, extension)
    astropy_table = pytest.importorskip("astropy.table")
    table = astropy_table.Table({"ra": [RA, RA], "dec": [DEC, DEC], "z": [1, 2]}, masked=True)
    table["ra"].mask[1] = table["z"].mask[0] = True
    table.write(path, format=form, overwrite=True)
    catalogue = read_catalogue(path)
    assert places(catalogue) == [(RA, DEC), None]
    assert (list(catalogue.columns), catalogue.columns["z"]) == (["ra", "dec", "z"], [None, 2])


@pytest.mark.parametrize("extension", ["ecsv", "fits", "vot"])
@pytest.mark.parametrize(
    ("unit", "pixels"),
    [("pix", 30), (None, 30), ("arcsec", 30 / 0.396), ("arcmin", 30 * 60 / 0.396)],
)
def test_sizes(tmp_path, extension, unit, pixels):
    path = table_of(tmp_path, extension, x=(X, "pix"), y=(Y, None), a=(30.0, unit))
    frame = Frame(str(write_frame(tmp_path / "f.fits")))
    for role, factor in (("size", 1), ("radius", 4)):
        side = frame.locate(read_catalogue(path, {role: "a"})).side[0]
        assert side == pytest.approx(min(4096, factor * pixels), rel=0.01)


@pytest.mark.parametrize(
    ("columns", "roles", "said"),
    [
        ({"ra": (1, "km"), "dec": (1, "deg")}, {}, "'ra' cannot be taken, its unit 'km' is none"),
        ({"ra": (1, "deg"), "dec": (1, "pix")}, {}, "'dec' .*'pix' is none of angles"),
        ({"x": (1, "mm"), "y": (1, "mm")}, {}, "'x' .*'mm' is none of pixels; .*--columns"),
        ({"x": (1, "deg"), "y": (1, "deg")}, {}, "'x' .*'deg' is none of pixels"),
        ({"x": (1, None), "y": (1, "pix"), "r": (1, "kpc")}, {"radius": "r"}, "'r' .*'kpc' is"),
    ],
)
def test_other_units_are_refused(tmp_path, columns, roles, said):
    with pytest.raises(ReadError, match=rf"l\.ecsv: column {said}"):
        read_catalogue(table_of(tmp_path, "ecsv", **columns), roles)


def test_a_unit_that_only_astropy_knows(tmp_path):
    path = table_of(tmp_path, "fits", ra=(RA * 1e3, "mdeg"), dec=(DEC, "degree"))
    assert places(read_catalogue(path)) == [pytest.approx((RA, DEC))]


def test_sexagesimal_text_is_refused_by_its_unit(tmp_path, recwarn):
    path = table_of(
        tmp_path, "vot", RAJ2000=("10 00 00.0", '"h:m:s"'), DEJ2000=("+02 00 00", '"d:m:s"')
    )
    recwarn.clear()
    with pytest.raises(ReadError, match=r"column 'RAJ2000' cannot be taken, its unit .*h:m:s"):
        read_catalogue(path)
    assert not recwarn  # the sentence says it


# --- what others write ----------------------------------------------------------------

SEXTRACTOR = """\
#   1 NUMBER                 Running object number
#   2 X_IMAGE                Object position along x                           [pixel]
#   3 Y_IMAGE                Object position along y                           [pixel]
#   4 MAG_APER               Fixed aperture magnitude vector                   [mag]
#   7 ALPHA_J2000            Right ascension of barycenter (J2000)             [deg]
#   8 DELTA_J2000            Declination of barycenter (J2000)                 [deg]
         1    120.500     99.250  20.1 20.2 20.3  150.0000000   +2.2000000
         2     51.000     41.000  21.1 21.2 21.3  150.0076000   +2.1936000
"""


def test_sextractor_in_ascii(tmp_path):
    pytest.importorskip("astropy")
    path = written(tmp_path / "test.cat", SEXTRACTOR)
    catalogue = read_catalogue(path)
    assert catalogue.names == ["1", "2"]
    assert places(catalogue)[0] == (150.0, 2.2)
    on_pixels = read_catalogue(path, {"x": "X_IMAGE", "y": "Y_IMAGE"}, one_based=True)
    assert places(on_pixels) == [(119.5, 98.25), (50, 40)]
    lines = [line for line in SEXTRACTOR.splitlines(keepends=True) if "J2000" not in line]
    path = written(tmp_path / "pixels.cat", "".join(lines))
    # By their names these count from 1, without a word of the user's.
    assert places(read_catalogue(path)) == [(119.5, 98.25), (50, 40)]
    with pytest.raises(ReadError, match=r"bad\.cat: cannot be read as a table"):
        read_catalogue(written(tmp_path / "bad.cat", "nonsense"))


def test_photutils(tmp_path):
    astropy_table = pytest.importorskip("astropy.table")
    coordinates = pytest.importorskip("astropy.coordinates")
    names = ("xcentroid", "x_centroid", "xcenter", "x_fit")
    for name in names:
        table = astropy_table.QTable({"label": [4], name: [50.0], name.replace("x", "y"): [40.0]})
        for extension in ("ecsv", "fits", "csv"):
            path = tmp_path / f"{name}.{extension}"
            table.write(path, format={"ecsv": "ascii.ecsv", "csv": "ascii.csv"}.get(extension))
            catalogue = read_catalogue(path)
            assert (places(catalogue), catalogue.names) == ([(50, 40)], ["4"])
    table["sky_centroid"] = coordinates.SkyCoord([RA], [DEC], unit="deg")
    for extension in ("ecsv", "fits"):
        table.write(tmp_path / f"sky.{extension}")
        catalogue = read_catalogue(tmp_path / f"sky.{extension}")
        assert catalogue.on_sky
        assert places(catalogue) == [pytest.approx((RA, DEC))]
    table["sky_centroid"] = table["sky_centroid"].galactic
    table.write(tmp_path / "galactic.ecsv")
    assert places(read_catalogue(tmp_path / "galactic.ecsv")) == [pytest.approx((RA, DEC))]


def test_a_catalogue_of_photutils_itself(tmp_path):
    segmentation = pytest.importorskip("photutils.segmentation")
    frame = Frame(str(write_frame(tmp_path / "f.fits")))
    data = frame.window(0, 0, *frame.shape[::-1])[0] - 100
    segments = segmentation.detect_sources(data, 12, n_pixels=20)
    found = segmentation.SourceCatalog(data, segments).to_table()
    found.write(tmp_path / "l.ecsv")
    catalogue = read_catalogue(tmp_path / "l.ecsv")
    assert len(catalogue) == 5
    assert catalogue.names == ["1", "2", "3", "4", "5"]
    assert sorted(map(round, catalogue.first.tolist())) == [30, 50, 91, 150, 201]


# --- columns that are carried through ---------------------------------------------------


def test_no_two_kept_names_differ_by_case_only():
    kept = ["RA", "X", "FLAGS", "name", "Name", "cat_x", "NAME", "z"]
    assert carried(["path", "x", "ra", "flags"], kept) == {
        "cat_RA": "RA",
        "cat_X": "X",
        "cat_FLAGS": "FLAGS",
        "name": "name",
        "cat_Name": "Name",
        "cat_cat_x": "cat_x",
        "cat_NAME_2": "NAME",
        "z": "z",
    }


def test_upper_case_lists_are_carried_into_fits(tmp_path, galedge, bundle):
    fits = pytest.importorskip("astropy.io.fits")
    astropy_table = pytest.importorskip("astropy.table")
    write_frame(tmp_path / "f.fits")
    long = "a very long column name that goes beyond the sixty-eight characters of a header card"
    table = astropy_table.Table({"ID": ["a"], "X": [X], "Y": [Y], "FLAGS": [3], "LABEL": ["x"]})
    table[long], table[long + "!"], table["it's"] = [1], [2], [3]
    table.write(tmp_path / "l.ecsv")
    arguments = ["classify", "f.fits", "--catalog", "l.ecsv", "--keep", "--model", bundle]
    assert galedge(*arguments, "-o", "t.fits").returncode == 0
    with fits.open(tmp_path / "t.fits") as hdus:
        names = hdus[1].columns.names
        data = hdus[1].data[0]
    expected = ["ID", "cat_X", "cat_Y", "cat_FLAGS", "cat_LABEL", long[:67], long[:66] + "_2"]
    assert names[-8:] == [*expected, "it's"]
    assert len({name.lower() for name in names}) == len(names)
    assert [data[name] for name in expected] == ["a", X, Y, 3, "x", 1, 2]
    cards = fits.getheader(tmp_path / "t.fits", 1)["TTYPE*"].cards
    assert all(len(card.image) == 80 for card in cards)
    (row,) = rows(galedge(*arguments).stdout)
    assert (row["cat_X"], row[long]) == (str(X), "1")


def test_quotes_in_a_name_take_their_room(tmp_path):
    fits = pytest.importorskip("astropy.io.fits")
    with open_table(tmp_path / "t.fits", [Column("'" * 60), Column("b")]) as table:
        table.write({"'" * 60: 1, "b": 2})
    assert fits.getdata(tmp_path / "t.fits").names == ["'" * 34, "b"]

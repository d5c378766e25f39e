"""Typed tables, read back by what others read them with."""

import io
import os
import re
import shutil
import subprocess
import warnings

import numpy as np
import pytest
from helpers.made import HEADS, names_of

import galedge.tables.spool
from galedge.answers.result import columns
from galedge.errors import OutputError
from galedge.tables.catalog import open_table
from galedge.tables.cells import plain
from galedge.tables.columns import COLUMNS, Column
from galedge.tables.formats import formats

astropy_table = pytest.importorskip("astropy.table")

NOT_UTF8 = os.fsdecode(b"bad\xff.fits")
PATHS = [
    "plain.fits",
    "é🌌.fits",
    'a,"b"\n\x1b.fits',
    NOT_UTF8,
    "#x.fits",
    "<&'>.fits",
    "-",
    "a  b",
]
VISIBLE = [path.replace("\n", r"\n").replace("\x1b", r"\x1b") for path in PATHS]
VISIBLE[3] = r"bad\udcff.fits"
ABOUT = {
    "command": "galedge classify 'a b' é " + "x" * 100,
    "model": "hubble-1",
    "model_sha256": "ab" * 32,
    "recipe_sha256": "cd" * 32,
}
NAMES = [
    *columns(HEADS),
    Column("mag", unit="mag", ucd="phot.mag;em.opt.R", description="in <r>"),
    "number",
    "large",
    "known",
    "note",
]
EXTENSIONS = [".ecsv", ".fits", ".vot", ".parquet"]


def row(i):
    cells = dict.fromkeys([name if isinstance(name, str) else name.name for name in NAMES])
    cells |= {
        "path": PATHS[i % len(PATHS)],
        "hdu": i if i % 2 else None,
        "x": i + 0.123456,
        "ra": 123.45678912345,
        "dec": None if i % 2 else -1.5,
        "label": "E",
        "probability": 0.123456,
        "p_E": 0.123456,
        "t_type": float("nan"),
        "flags": "small;faint",
        "sky": 1234.56789,
        "noise": float("inf"),
        "status": "ok" if i else "error",
        "error": None if i else 'why, "so"',
    }
    # As a catalogue read by astropy or pandas gives them.
    return cells | {
        "mag": np.float32(i + 0.1),
        "number": np.int16(i) if i else np.ma.masked,
        "large": np.uint64(2**64 - 1 - i),
        "known": np.bool_(i % 2),
        "note": np.bytes_(b"seen") if i == 3 else None,
    }


@pytest.fixture(params=EXTENSIONS)
def table(request, tmp_path, monkeypatch):
    """Return eight rows' table, written in three chunks."""
    if request.param == ".parquet":
        pytest.importorskip("pyarrow")
    monkeypatch.setattr(galedge.tables.spool, "CHUNK_ROWS", 3)
    monkeypatch.setattr(galedge.tables.spool, "_IN_MEMORY", 100)
    path = tmp_path / f"t{request.param}"
    with open_table(path, NAMES, ABOUT) as open_:
        for i in range(len(PATHS)):
            open_.write(row(i))
    assert os.listdir(tmp_path) == [path.name]
    return path


def read(path):
    if path.suffix == ".parquet":  # astropy itself makes NaN and "None" of nulls
        parquet = pytest.importorskip("pyarrow.parquet")
        return parquet.read_table(path).to_pydict()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = astropy_table.Table.read(path)
    found.convert_bytestring_to_unicode()
    return {name: found[name].tolist() for name in found.colnames}


def unknown(value):
    return value in (None, "") or value != value


def test_values(table):
    found = read(table)
    paths = VISIBLE
    if table.suffix == ".fits":
        paths = [path.encode("ascii", "backslashreplace").decode() for path in paths]
    assert found["path"] == paths
    assert found["hdu"] == [None, 1, None, 3, None, 5, None, 7]
    assert found["x"] == [round(i + 0.123456, 2) for i in range(8)]
    assert found["ra"] == [123.4567891] * 8
    assert np.float32(found["probability"]).tolist() == [np.float32(0.1235)] * 8
    assert found["sky"] == [1234.57] * 8
    assert all(map(unknown, found["dec"][1::2]))
    assert all(map(unknown, found["t_type"] + found["noise"] + found["object"] + found["p_S0"]))
    assert found["error"][0] == 'why, "so"'
    assert all(map(unknown, found["error"][1:]))
    assert found["mag"] == [float(f"{i}.1") for i in range(8)]
    assert found["number"] == [None, *range(1, 8)]
    assert found["large"] == [str(2**64 - 1 - i) for i in range(8)]
    assert found["known"] == [False, True] * 4
    assert found["note"][3] == "seen"
    assert unknown(found["note"][0])


def test_units_and_metadata_by_astropy(table):
    if table.suffix == ".parquet":
        pytest.importorskip("pandas")
    found = astropy_table.QTable.read(table)
    assert str(found["ra"].unit) == "deg"
    assert str(found["x"].unit) == "pix"
    assert str(found["mag"].unit) == "mag"
    assert all(found[name].dtype.kind != "O" for name in ("path", "x", "hdu", "number", "error"))
    if table.suffix == ".fits":  # by conventions that astropy has not
        assert found.meta["TUCD5"] == "pos.eq.ra;meta.main"
        assert found.meta["TCOMM5"] == COLUMNS["ra"].description
    else:
        assert found["ra"].info.meta["ucd"] == "pos.eq.ra;meta.main"
        assert found["ra"].info.description == COLUMNS["ra"].description
        assert found["mag"].info.description == "in <r>"
    if table.suffix == ".vot":
        votable = pytest.importorskip("astropy.io.votable")
        about = {each.name: each.value for each in votable.parse_single_table(table).infos}
    elif table.suffix == ".fits":
        keys = {name: key for key, name in fits_keywords().items()}
        about = {keys[key]: value for key, value in found.meta.items() if key in keys}
    else:
        about = found.meta
    ours = ABOUT["command"].replace("é", r"\xe9") if table.suffix == ".fits" else ABOUT["command"]
    assert {name: about[name] for name in ABOUT} == ABOUT | {"command": ours}
    assert (int(about["rows"]), int(about["rejected"])) == (8, 1)
    assert about["creator"].startswith("galedge ")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", about["started"])
    assert about["started"] <= about["finished"]


def fits_keywords():
    from galedge.tables.formats.fits import _KEYWORDS

    return _KEYWORDS


@pytest.mark.parametrize("table", [".fits"], indirect=True)
def test_fits_is_of_the_standard(table):
    from astropy.io import fits

    content = table.read_bytes()
    assert len(content) % 2880 == 0
    with fits.open(table) as hdus:
        hdus.verify("exception")
        header = hdus[1].header
        assert header["NAXIS2"] == 8
        assert header["TUNIT5"] == "deg"
        assert header["TDISP5"] == "F15.7"
        assert header["TNULL2"] == -(2**31)
        for n in range(1, header["TFIELDS"] + 1):
            assert re.fullmatch(r"\d+A|[JKLED]", header[f"TFORM{n}"])  # no descriptors, no heap


@pytest.mark.parametrize("table", [".vot"], indirect=True)
def test_votable_is_of_the_standard(table):
    from astropy.io import votable

    said = io.StringIO()
    assert votable.validate(table, said), said.getvalue()
    found = votable.parse(table)
    assert found.version == "1.4"
    assert found.get_first_table().get_field_by_id_or_name("ra").ref == "icrs"
    assert [each.system for each in found.resources[0].coordinate_systems] == ["ICRS"]


@pytest.mark.parametrize("table", [".parquet"], indirect=True)
def test_parquet_by_arrow_and_pandas(table):
    from pyarrow import parquet

    file = parquet.ParquetFile(table)
    assert file.num_row_groups == 3
    field = file.schema_arrow.field("ra")
    assert field.metadata[b"unit"] == b"deg"
    assert field.metadata[b"ucd"] == b"pos.eq.ra;meta.main"
    metadata = file.schema_arrow.metadata
    assert metadata[b"galedge.rows"] == b"8"
    assert metadata[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet(table)
    assert frame["path"].tolist() == VISIBLE
    assert frame["ra"].dtype == np.float64
    assert frame["hdu"].isna().tolist() == [True, False] * 4


@pytest.mark.parametrize("table", [".parquet"], indirect=True)
def test_voparquet(table):
    from astropy.io import votable
    from pyarrow import parquet

    header = parquet.read_schema(table).metadata[b"IVOA.VOTable-Parquet.content"]
    found = votable.parse_single_table(io.BytesIO(header))
    assert [field.name for field in found.fields] == parquet.read_schema(table).names
    assert str(found.get_field_by_id_or_name("ra").unit) == "deg"


@pytest.mark.parametrize("table", [".fits", ".vot"], indirect=True)
@pytest.mark.skipif(shutil.which("stilts") is None, reason="needs STILTS")
def test_by_stil(table):
    def stilts(*arguments):
        return subprocess.run(
            ["stilts", *arguments], capture_output=True, text=True, check=True
        ).stdout

    if table.suffix == ".vot":
        assert stilts("votlint", str(table)).strip() == ""
    columns = stilts("tpipe", f"in={table}", "cmd=meta name class units ucd", "ofmt=csv")
    assert "ra,Double,deg,pos.eq.ra;meta.main" in columns
    assert "label,String,," in columns
    assert "hdu,Integer,," in columns
    assert "mag,Double,mag,phot.mag;em.opt.R" in columns
    values = stilts("tpipe", f"in={table}", "cmd=keepcols 'hdu number noise'", "ofmt=csv")
    assert values.splitlines() == [
        "hdu,number,noise",
        ",,",
        *(f"{i if i % 2 else ''},{i}," for i in range(1, 8)),
    ]


@pytest.mark.parametrize("extension", formats())
def test_no_rows(extension, tmp_path):
    if extension == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"t{extension}"
    with open_table(path, columns(HEADS)):
        pass
    if extension in EXTENSIONS:
        assert list(read(path)) == names_of(HEADS)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_nothing_is_left_after_a_failure(extension, tmp_path, monkeypatch):
    if extension == ".parquet":
        pytest.importorskip("pyarrow")
    monkeypatch.setattr(galedge.tables.spool, "CHUNK_ROWS", 2)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    def fail():
        with open_table(tmp_path / f"t{extension}", NAMES) as table:
            for i in range(5):
                table.write(row(i))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert os.listdir(tmp_path) == []
    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(OutputError, match="No space left"),
        open_table(tmp_path / f"t{extension}", NAMES) as table,
    ):
        table.write(row(0))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([None, None], "text"),
        ([True, None], "bool"),
        ([1, None, -(2**63) + 1], "int64"),
        ([1, 2**63], "text"),
        ([1, 2.5], "float64"),
        ([1, "a"], "text"),
        ([True, "a"], "text"),
    ],
)
def test_types_found_from_values(values, type_, tmp_path):
    spool = galedge.tables.spool.Spool([Column("a")], str(tmp_path))
    for value in values:
        spool.append({"a": value})
    assert [column.type for column in spool.columns()] == [type_]
    spool.close()


def test_plain():
    import datetime

    assert plain(np.float32(0.1)) == 0.1
    assert plain(np.float64("nan")) is None
    assert plain(np.ma.masked) is None
    assert plain(np.datetime64("NaT")) is None
    assert plain(np.datetime64("2026-01-02")) == "2026-01-02"
    assert plain(datetime.date(2026, 1, 2)) == "2026-01-02"
    assert plain(np.array(3)) == 3
    assert plain(np.longdouble(1.5)) == 1.5
    assert plain(1 + 2j) == "(1+2j)"
    assert plain(b"\xff") == r"\xff"
    assert plain(np.str_("a")).__class__ is str


@pytest.mark.parametrize("extension", [".csv", ".jsonl"])
def test_carried_columns_in_text(extension, tmp_path):
    with open_table(tmp_path / f"t{extension}", ["mag", "number", "known"]) as table:
        table.write({"mag": np.float32(0.1), "number": np.ma.masked, "known": np.True_})
    text = (tmp_path / f"t{extension}").read_text()
    assert text in (
        "mag,number,known\n0.1,,True\n",
        '{"mag": 0.1, "number": null, "known": true}\n',
    )

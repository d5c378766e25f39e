"""Frames whose coordinates are written in any way, or in none that is known, as commands."""

import csv
import io

import numpy as np
import pytest
from helpers.frames_made import PLACES, made, write_frame
from helpers.wcs_forms import FORMS, UNREAD, apart, by_astropy

pytest.importorskip("astropy.wcs")

NO_WCS = dict.fromkeys(("CTYPE1", "CTYPE2", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2"))
NO_WCS |= dict.fromkeys(("CD1_1", "CD1_2", "CD2_1", "CD2_2"))

# Forms of which astropy says something, by a warning or in its log, if it is let.
LOUD = ("cd", "sip-ignored", "tpv-sip", "scamp", "epoch-1950", "fk4-sip", "pv-latitude")
LOST = ("gappt", "sexagesimal", "flat")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "frames").mkdir()
    for name in LOUD:
        cards = NO_WCS | FORMS[name].cards
        write_frame(tmp_path / "frames" / f"{name}.fits", made(), **cards)
    for name in LOST:
        write_frame(tmp_path / "frames" / f"{name}.fits", made(), **NO_WCS | UNREAD[name])
    return tmp_path


def table(process):
    found = list(csv.DictReader(io.StringIO(process.stdout)))
    assert all(None not in row and None not in row.values() for row in found)
    return found


def said(process):
    """Return what stands on standard error beside rejections and the summary."""
    lines = process.stderr.splitlines()
    known = ("galedge: frames/", "galedge: classified", "galedge: further rejections")
    return [line for line in lines if not line.startswith(known)]


def test_a_list_costs_an_unknown_frame_one_row_and_no_other_anything(galedge, folder, bundle):
    x, y = np.array(PLACES).T
    places = np.concatenate([by_astropy(FORMS[name].truth, x, y).T for name in ("cd",)])
    text = "id,ra,dec\n" + "".join(f"g{i},{ra},{dec}\n" for i, (ra, dec) in enumerate(places))
    (folder / "l.csv").write_text(text)
    process = galedge(
        "classify", "frames", "--catalog", "l.csv", "--model", bundle, "--workers", "1"
    )
    assert process.returncode == 3
    found = table(process)
    by_frame = {}
    for row in found:
        by_frame.setdefault(row["path"].removeprefix("frames/").removesuffix(".fits"), []).append(
            row
        )
    assert set(by_frame) == {*LOUD, *LOST}
    for name in LOST:
        (row,) = by_frame[name]
        assert row["status"] == "error"
        assert "its WCS is not understood" in row["error"]
    for name in LOUD:
        assert len(by_frame[name]) == len(PLACES)
    for row in by_frame["cd"]:
        assert row["status"] == "ok"
    assert said(process) == []


@pytest.mark.parametrize("way", [["--detect"], []])
def test_nothing_but_rows_on_standard_output(galedge, folder, bundle, way):
    process = galedge("classify", "frames", *way, "--model", bundle, "--workers", "2", "-q")
    assert process.returncode == 0
    assert process.stderr == ""
    found = table(process)
    assert len(found) == (len(PLACES) if way else 1) * len(LOUD + LOST)
    for row in found:
        name = row["path"].removeprefix("frames/").removesuffix(".fits")
        assert row["status"] == "ok"
        if name in LOST:
            assert (row["ra"], row["dec"]) == ("", "")
            assert "wcs_unread" in row["flags"]
            continue
        at = np.array([float(row["x"])]), np.array([float(row["y"])])
        theirs = by_astropy(FORMS[name].truth, *at)[:, 0]
        # Tables have x and y to 0.01 pixels, of half an arcsec each.
        assert apart((float(row["ra"]), float(row["dec"])), theirs) < 0.01
        assert ("sip_ignored" in row["flags"]) is bool(FORMS[name].flags)


def test_cutouts_of_a_frame_nobody_understands(galedge, folder):
    process = galedge("cutout", "frames/gappt.fits", "--detect", "-o", "cuts", "-q")
    assert process.returncode == 0
    found = table(process)
    assert len(found) == len(PLACES)
    assert {row["flags"].removeprefix("edge;") for row in found} == {"wcs_unread"}
    assert {row["ra"] for row in found} == {""}
    (folder / "l.csv").write_text("id,ra,dec\na,150,2\n")
    process = galedge("cutout", "frames/gappt.fits", "--catalog", "l.csv", "-o", "more")
    assert process.returncode == 1
    assert "RADESYS 'GAPPT'" in process.stderr
    assert "internal error" not in process.stderr


def test_info_says_what_is_read_of_the_sky(galedge, folder):
    lines = []
    for name in ("cd", "sip-ignored", "scamp"):
        process = galedge("info", f"frames/{name}.fits")
        lines += [line.strip() for line in process.stdout.splitlines() if "WCS" in line]
    assert lines[0].startswith("WCS     TAN at 187.700000 +32.390000 deg, 0.54 arcsec a pixel")
    assert lines[1].endswith("SIP terms are left out")
    assert lines[2] == "WCS     RA---TAN DEC--TAN, by astropy"

"""What an extension leaves to its file's primary header: name, date, frame of reference."""

from __future__ import annotations

import bz2
import gzip
import io

import numpy as np
import pytest
from helpers.fits_files import extension, primary
from helpers.frames_made import TAN
from helpers.made import galaxy, rows

from galedge.answers.classifier import Classifier
from galedge.answers.measure import Measurer
from galedge.core import _core, fallback
from galedge.images.image import read
from galedge.images.prepare import prepare

fits = pytest.importorskip("astropy.io.fits")

DATE = "2024-03-05T01:02:03"


def made(primary, extension, kind=None):
    """Return a file of one image in an extension."""
    first = fits.PrimaryHDU()
    first.header.update(primary)
    if kind is None:
        second = fits.ImageHDU(galaxy(96), name="SCI")
    else:
        second = fits.CompImageHDU(galaxy(96), name="SCI", compression_type=kind)
    second.header.update(TAN)
    second.header.update(extension)
    out = io.BytesIO()
    fits.HDUList([first, second]).writeto(out, output_verify="silentfix")
    return out.getvalue()


PRIMARY = {
    **{"OBJECT": "NGC 1234", "DATE-OBS": DATE, "FILTER": "r", "IMAGETYP": "object"},
    "EXPTIME": 300.0,
}
OWN = {"OBJECT": "mine", "DATE-OBS": "2025-01-01"}
CASES = {
    "said": ({"INHERIT": True}, ("NGC 1234", DATE), ["FILTER", "IMAGETYP", "EXPTIME"]),
    "unsaid": ({}, ("NGC 1234", DATE), ["FILTER", "IMAGETYP"]),
    "refused": ({"INHERIT": False}, ("", ""), []),
    "own": ({"INHERIT": True, **OWN}, ("mine", "2025-01-01"), ["FILTER", "IMAGETYP", "EXPTIME"]),
    "half": ({"OBJECT": "mine", "OBSTYPE": "science"}, ("mine", DATE), ["FILTER"]),
}


@pytest.mark.parametrize("kind", [None, "RICE_1"])
@pytest.mark.parametrize("case", CASES)
def test_every_way_takes_the_same(tmp_path, bundle, galedge, case, kind):
    extension, told, kept = CASES[case]
    content = made(PRIMARY, extension, kind)
    files = {
        "a.fits": content, "b.fits.gz": gzip.compress(content), "c.fits.bz2": bz2.compress(content),
    }  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    paths = [tmp_path / name for name in files]
    with fits.open(paths[0]) as hdus:
        facts = prepare([*paths, content, read(content), hdus]).facts
        facts += prepare(paths[:1], verify=True).facts
        assert [(fact.object, fact.date_obs) for fact in facts] == [told] * len(facts)
    results = [*Classifier(bundle).classify(paths), Measurer().measure(paths[0])]
    for result in results:
        assert (result.object or "", result.date_obs or "") == told
    headers = [module.open_fits_buffer(content).hdus()[1].text for module in (_core, fallback)]
    assert headers[0] == headers[1]
    (tmp_path / "l.csv").write_text("x,y\n47.5,47.5\n")
    process = galedge("classify", "a.fits", "--catalog", "l.csv", "--model", bundle)
    assert rows(process.stdout)[0]["date_obs"] == told[1]
    process = galedge("cutout", "a.fits", "--catalog", "l.csv", "-o", "out", "--size", "32")
    (row,) = rows(process.stdout)
    header = fits.getheader(tmp_path / row["path"])
    assert (header.get("OBJECT", ""), header.get("DATE-OBS", "")) == told
    assert [key for key in ("FILTER", "IMAGETYP", "EXPTIME") if key in header] == kept
    assert header["CRVAL1"] == TAN["CRVAL1"]


def test_a_frame_of_reference_is_one_statement():
    for own, radesys, equinox in (
        ({}, "FK5", 1975.0),
        ({"EQUINOX": 2000.0}, None, 2000.0),
        ({"RADESYS": "ICRS"}, "ICRS", None),
    ):
        content = made({"RADESYS": "FK5", "EQUINOX": 1975.0}, own)
        header = read(content).header
        assert (header.get("RADESYS"), header.get("EQUINOX")) == (radesys, equinox)


def test_a_long_name_comes_whole():
    name = "a name that is much longer than one card can hold, so that it goes over several " * 2
    found = read(made({"OBJECT": name}, {})).header
    assert found["OBJECT"] == found.shown("OBJECT") == name.strip()


def test_a_name_that_fills_memory_is_left_where_it_is():
    lines = ["OBJECT  = 'long&'", *["CONTINUE  'er&'"] * 1000, "DATE-OBS= '2024-01-01'"]
    more = b"".join(line.ljust(80).encode() for line in lines) + b"END".ljust(80)
    first = primary(np.zeros((1, 1)), 8)
    head = first[: first.index(b"END     ")] + more
    head = head.ljust(-(-len(head) // 2880) * 2880) + first[2880:]
    for module in (_core, fallback):
        hdus = module.open_fits_buffer(head + extension(galaxy(), -32) * 3).hdus()
        for found in hdus[1:]:
            assert module.card_text(found.text, "OBJECT") == ""
            assert module.card_text(found.text, "DATE-OBS") == "2024-01-01"
            assert len(found.text) < 2880


def test_only_headers_are_read_on_and_checksums_hold(tmp_path):
    first, second = fits.PrimaryHDU(), fits.ImageHDU(galaxy(), name="SCI")
    first.header.update(PRIMARY)
    fits.HDUList([first, second]).writeto(tmp_path / "a.fits", checksum=True)
    image = read(tmp_path / "a.fits", verify=True)
    assert image.header.shown("OBJECT") == "NGC 1234"
    np.testing.assert_array_equal(image.data, galaxy())


def test_leftovers_of_a_pointing_do_not_place_an_extension(tmp_path, galedge):
    pointing = {"CROTA2": 30.0, "CDELT1": 1.0, "CRPIX1": 7.0, "PC1_2": 0.5, "A_ORDER": 2}
    content = made({**PRIMARY, **pointing}, {"INHERIT": True})
    (tmp_path / "a.fits").write_bytes(content)
    (tmp_path / "l.csv").write_text("x,y\n47.5,47.5\n")
    galedge("cutout", "a.fits", "--catalog", "l.csv", "-o", "out", "--size", "32")
    (path,) = (tmp_path / "out").iterdir()
    header = fits.getheader(path)
    assert not set(pointing) - {"CRPIX1"} & set(header)
    whole, cut = read(content), read(path)
    assert cut.wcs.pixel_to_sky(0, 0) == pytest.approx(whole.wcs.pixel_to_sky(32, 32))

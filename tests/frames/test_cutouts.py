"""Cutouts as files: pixels, coordinates against astropy, names, and the command."""

import csv
import io
import os

import numpy as np
import pytest
from helpers.frames_made import PLACES, TAN, made, write_frame, write_list
from helpers.wcs_cards import B1950, GALACTIC, ROTATED, SIP, TPV

from galedge.errors import GaledgeError, Unsupported
from galedge.frames.cutouts import write_cutouts
from galedge.frames.frame import Frame
from galedge.frames.sources import Sources
from galedge.images.image import cutout, read

fits = pytest.importorskip("astropy.io.fits")
wcs_module = pytest.importorskip("astropy.wcs")


def sources(places, names=None):
    x, y = np.array(places, float).reshape(-1, 2).T
    nothing = np.full(len(x), np.nan)
    return Sources(x, y, nothing, np.zeros(len(x), bool), names or [None] * len(x))


@pytest.mark.parametrize("cards", [{}, ROTATED, SIP, TPV, GALACTIC, B1950])
def test_positions_agree_with_the_frames(tmp_path, cards):
    path = str(write_frame(tmp_path / "f.fits", LTV1=-5.0, **cards))
    frame_wcs = wcs_module.WCS(fits.getheader(path))
    places = [*PLACES, (2.0, 3.0), (239.0, 0.4)]
    for found, (x, y) in zip(
        write_cutouts(Frame(path), sources(places), str(tmp_path / "cuts"), 33), places, strict=True
    ):
        assert found.error is None
        header = fits.getheader(found.path)
        left, bottom = int(np.ceil(x - 16.5)), int(np.ceil(y - 16.5))
        columns, rows = np.array([0, 32, 0, 32, 16.3]), np.array([0, 0, 32, 32, 5.9])
        ours = wcs_module.WCS(header).all_pix2world(columns, rows, 0)
        theirs = frame_wcs.all_pix2world(columns + left, rows + bottom, 0)
        assert np.abs(np.subtract(ours, theirs)).max() < 1e-9
        assert header["LTV1"] == -5 - left
        np.testing.assert_array_equal(fits.getdata(found.path), cutout(path, x, y, 33).data)
        np.testing.assert_array_equal(read(found.path).data, cutout(path, x, y, 33).data)
        assert found.flags == (("edge",) if (x, y) in places[-2:] else ())


def test_scaled_and_compressed_frames(tmp_path):
    hdu = fits.CompImageHDU(made().astype(np.int16), compression_type="RICE_1", name="SCI")
    hdu.header.update(TAN)
    hdu.header["DATASEC"] = "[1:240,1:200]"
    hdu.header["OBSERVER"] = "C. Herschel"
    path = str(tmp_path / "f.fits.fz")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, checksum=True)
    (found,) = write_cutouts(Frame(path), sources([(100, 100)]), str(tmp_path / "cuts"))
    with fits.open(found.path, checksum=True) as hdus:
        hdus.verify("exception")
        header = hdus[0].header
        assert header["OBSERVER"] == "C. Herschel"
        assert not {"BSCALE", "BZERO", "ZIMAGE", "ZCMPTYPE", "DATASEC", "EXTNAME"} & set(header)
        assert header["CRPIX1"] == TAN["CRPIX1"] - 68
        assert "x 68 y 68 of HDU 1" in str(header["HISTORY"])
        np.testing.assert_array_equal(hdus[0].data, made().astype(np.int16)[68:132, 68:132])


@pytest.mark.parametrize(("count", "kept"), [(900, 901), (45_000, 1)])
def test_a_log_that_is_longer_than_the_pixels_stays_in_the_frame(tmp_path, count, kept):
    log = [("HISTORY", f"CLEAN {i}") for i in range(count)]  # NED's map of NGC 253 has 43,949
    header = fits.Header([("OBSERVER", "C. Herschel"), *log])
    path = str(tmp_path / "f.fits")
    fits.PrimaryHDU(made(), header).writeto(path)
    (found,) = write_cutouts(Frame(path), sources([(100, 100)]), str(tmp_path / "cuts"))
    header = fits.getheader(found.path)
    assert (len(header["HISTORY"]), header["OBSERVER"]) == (kept, "C. Herschel")


def test_bands_become_cubes_with_red_first(tmp_path):
    paths = [str(write_frame(tmp_path / f"{b}.fits", made(seed=i))) for i, b in enumerate("irg")]
    (found,) = write_cutouts(Frame(paths), sources([(50, 40)]), str(tmp_path / "cuts"), 20)
    data = fits.getdata(found.path)
    assert data.shape == (3, 20, 20)
    np.testing.assert_array_equal(data[2], made(seed=2)[30:50, 40:60])
    assert read(found.path).order == (0, 1, 2)


@pytest.mark.parametrize(
    ("cards", "order", "bands"),
    [
        ({"BANDS": "grz"}, None, "grz"),
        ({"BANDS": "grz"}, "rgz", "GBR"),
        ({}, "g,r,z", "BGR"),
        ({}, None, None),
    ],
)
def test_planes_of_cubes_stay_and_the_header_says_which_they_are(tmp_path, cards, order, bands):
    cube = np.stack([made(seed=i) for i in range(3)])
    path = write_frame(tmp_path / "cube.fits", cube, **cards)
    frame = Frame(str(path), order=order)
    (found,) = write_cutouts(frame, sources([(50, 40)]), str(tmp_path / "cuts"), 20)
    cut = read(found.path)
    np.testing.assert_array_equal(cut.data, cube[:, 30:50, 40:60])
    assert cut.header.get("BANDS") == bands
    assert cut.order == frame.order


def test_names(tmp_path):
    path = str(write_frame(tmp_path / "f.fits"))
    names = ["NGC 1", "a/../b", "NGC 1", "ngc_1", None, "Ωmega", "..", "x" * 300]
    places = [(50 + i, 40) for i in range(len(names))]
    found = list(write_cutouts(Frame(path), sources(places, names), str(tmp_path / "cuts"), 16))
    stems = [os.path.basename(each.path) for each in found]
    assert stems[:4] == ["NGC_1.fits", "a_.._b.fits", "NGC_1_2.fits", "ngc_1_3.fits"]
    assert stems[4].startswith("J1000")
    assert "+02" in stems[4]
    assert len(set(stems)) == len(names)
    assert sorted(os.listdir(tmp_path / "cuts")) == sorted(stems)
    assert fits.getheader(found[0].path)["OBJECT"] == "NGC 1"
    assert fits.getheader(found[5].path)["OBJECT"] == "\\u03a9mega"
    bare = str(write_frame(tmp_path / "bare.fits", CTYPE1=None, CTYPE2=None))
    (found,) = write_cutouts(Frame(bare), sources([(50.26, 40)]), str(tmp_path / "more"), 16)
    assert os.path.basename(found.path) == "x50.3_y40.0.fits"
    assert found.ra is None


def test_frames_that_are_refused(tmp_path):
    np.save(tmp_path / "f.npy", made())
    with pytest.raises(Unsupported, match=r"f\.npy: is no FITS file"):
        list(write_cutouts(Frame(str(tmp_path / "f.npy")), sources([(50, 40)]), str(tmp_path)))
    path = str(write_frame(tmp_path / "f.fits", CPDIS1="LOOKUP"))
    frame = Frame(path)
    with pytest.raises(GaledgeError, match=r"distortion tables|does not understand"):
        list(write_cutouts(frame, sources([(50, 40)]), str(tmp_path / "cuts")))


def test_the_frame_is_never_replaced(tmp_path):
    path = write_frame(tmp_path / "f.fits")
    before = path.read_bytes()
    with pytest.raises(GaledgeError, match="is the frame itself"):
        list(write_cutouts(Frame(str(path)), sources([(50, 40)], ["f"]), str(tmp_path)))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["f.fits"]


def test_command(galedge, tmp_path):
    frame = write_frame(tmp_path / "f.fits")
    write_list(tmp_path / "l.csv", "id,x,y", [("a", 50, 40), ("b", 900, 40), ("c", 2, 3)])
    process = galedge("cutout", frame, "--catalog", "l.csv", "-o", "cuts", "--size", "24")
    assert process.returncode == 3
    found = list(csv.DictReader(io.StringIO(process.stdout)))
    assert [row["path"] for row in found] == ["cuts/a.fits", "", "cuts/c.fits"]
    assert [row["status"] for row in found] == ["ok", "error", "ok"]
    assert [row["flags"] for row in found] == ["", "outside", "edge"]
    assert sorted(os.listdir(tmp_path / "cuts")) == ["a.fits", "c.fits"]
    assert read(str(tmp_path / "cuts" / "a.fits")).data.shape == (24, 24)
    assert "wrote 2 cutouts in" in process.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["f.fits", "--catalog", "l.csv"], "Missing option '-o'"),
        (["f.fits", "-o", "cuts"], "cutout needs --catalog or --detect"),
        (["f.fits", "f.fits", "--detect", "-o", "cuts"], "cutout takes one frame"),
        (["f.fits", "--detect", "-o", "f.fits"], "is a file; name a folder"),
    ],
)
def test_command_refusals(galedge, tmp_path, arguments, message):
    write_frame(tmp_path / "f.fits")
    process = galedge("cutout", *arguments)
    assert process.returncode == 2
    assert message in process.stderr
    assert os.listdir(tmp_path) == ["f.fits"]

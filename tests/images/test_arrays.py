"""What other libraries hold images in: taken for what it is, or refused in a sentence."""

from __future__ import annotations

import importlib.util
import io
import math
import re
import sys
import warnings

import numpy as np
import pytest
from helpers.made import galaxy, write_fits
from PIL import Image as Pillow

from galedge.answers.classifier import Classifier
from galedge.answers.measure import Measurer
from galedge.answers.structure import structure
from galedge.errors import ReadError, Unsupported
from galedge.images.background import background
from galedge.images.image import checksums, cutout, describe, read
from galedge.images.prepare import prepare

SIDE = 96


@pytest.fixture
def image():
    return galaxy(SIDE)


@pytest.fixture
def bad():
    found = np.zeros((SIDE, SIDE), bool)
    found[10:30, 60:90] = True
    return found


@pytest.fixture
def spoilt(image, bad):
    """Where the mask is there is a saturated star."""
    return np.where(bad, np.float32(60000), image)


def same(classifier, source, expected):
    """Check that a source gives what an array does, by each way."""
    whole = prepare([expected, expected], classifier.recipe)
    found = prepare([source, expected], classifier.recipe)
    assert [facts.error for facts in found.facts] == [None, None]
    np.testing.assert_array_equal(found.pixels, whole.pixels)
    for name in ("x", "y", "side", "sky", "noise", "masked_fraction", "flags"):
        assert getattr(found.facts[0], name) == getattr(whole.facts[0], name), name
    result = classifier.classify(source)
    assert result.error is None
    assert result.probabilities == classifier.classify(expected).probabilities
    assert [r.error for r in classifier.classify([source, None, source])][::2] == [None, None]
    np.testing.assert_array_equal(read(source).data, np.asarray(expected, np.float32))
    return result


# --- masks ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f4", ">f8", "i2", "i4", ">u2", "i8", "f2"])
def test_masked_pixels_are_missing(classifier, spoilt, bad, dtype):
    data = spoilt.clip(0, 20000).astype(dtype)
    expected = np.where(bad, np.nan, data.astype("f8"))
    result = same(classifier, np.ma.array(data, mask=bad), expected)
    assert result.masked_fraction > 0.02
    assert np.ma.array(data, mask=bad).mask.sum() == 600  # nothing was changed


def test_masks_that_hide_nothing_or_all(classifier, image):
    same(classifier, np.ma.array(image), image)
    same(classifier, np.ma.array(image, mask=np.zeros(image.shape, bool)), image)
    nothing = classifier.classify(np.ma.array(image, mask=True))
    assert nothing.error == "no pixel is finite; there is nothing to see"


def test_a_stack_of_masked_images_is_several(classifier, spoilt, bad):
    stack = np.ma.array([spoilt] * 5, mask=[bad] * 5)
    expected = classifier.classify(np.where(bad, np.nan, spoilt))
    assert [r.probabilities for r in classifier.classify(stack)] == [expected.probabilities] * 5
    assert len(classifier.classify(stack[:, np.newaxis])) == 5
    one = classifier.classify(stack[:3])  # three planes are one galaxy
    assert one.masked_fraction == expected.masked_fraction


def test_masked_pictures_stay_pictures(classifier, bad):
    data = galaxy(SIDE).clip(0, 255).astype(np.uint8)
    masked = read(np.ma.array(data, mask=bad))
    assert masked.is_picture
    assert np.isnan(masked.data[bad]).all()
    assert not prepare([np.ma.array(data.astype("u2"), mask=bad)]).facts[0].error


def test_skies_and_measurements_pass_masked_pixels_over(spoilt, bad):
    frame = np.tile(spoilt, (3, 3))
    hidden = np.tile(bad, (3, 3))
    masked, expected = np.ma.array(frame, mask=hidden), np.where(hidden, np.nan, frame)
    for name in ("level", "noise", "mesh_level"):
        found, right = (getattr(background(data), name) for data in (masked, expected))
        np.testing.assert_array_equal(found, right)
    masked, expected = np.ma.array(spoilt, mask=bad), np.where(bad, np.nan, spoilt)
    assert structure(masked) == structure(expected)
    assert Measurer().measure(masked).structure == structure(expected)
    for source in ("a.fits", b"SIMPLE"):
        with pytest.raises(ValueError, match="a frame is an array"):
            background(source)
        with pytest.raises(Unsupported, match="is to be read first"):
            structure(source)


# --- arrays ---------------------------------------------------------------------------


def test_array_likes(classifier, image):
    class Likes:
        shape = image.shape

        def __array__(self, dtype=None, copy=None):
            return image

    same(classifier, Likes(), image)


def test_dask(classifier, image, spoilt, bad):
    array = pytest.importorskip("dask.array")
    same(classifier, array.from_array(image, chunks=40), image)
    masked = array.from_array(np.ma.array(spoilt, mask=bad), chunks=40)
    same(classifier, masked, np.where(bad, np.nan, spoilt))
    stack = array.from_array(np.stack([image] * 4), chunks=(1, 96, 96))
    assert [r.ok for r in classifier.classify(stack)] == [True] * 4


def test_torch(classifier, image):
    torch = pytest.importorskip("torch")
    same(classifier, torch.from_numpy(image), image)
    assert len(classifier.classify(torch.from_numpy(np.stack([image] * 2)[:, None]))) == 2
    grads = torch.from_numpy(image).requires_grad_()
    result = classifier.classify(grads)
    assert (
        "a Tensor gives no pixels: Can't call numpy() on Tensor that requires grad" in result.error
    )


def test_a_column_of_paths_is_a_list(classifier, image, tmp_path):
    write_fits(tmp_path / "a.fits", image)
    names = [str(tmp_path / "a.fits"), str(tmp_path / "none.fits")]
    columns = [np.array(names), np.array(names, object)]
    for module, kind in (("astropy.table", "Column"), ("pandas", "Series")):
        if importlib.util.find_spec(module.partition(".")[0]):
            columns.append(getattr(importlib.import_module(module), kind)(names))
    for column in columns:
        results = classifier.classify(column)
        assert [result.status for result in results] == ["ok", "error"]
        assert results[0].probabilities == classifier.classify(names[0]).probabilities


def test_a_single_source_is_no_list_of_its_letters(classifier, image, tmp_path):
    write_fits(tmp_path / "a.fits", image)
    path = tmp_path / "a.fits"
    for source in (str(path), path, path.read_bytes(), read(path)):
        assert [result.error for result in classifier.stream(source)] == [None]
        assert [facts.error for facts in prepare(source).facts] == [None]
        assert [found.error for found in Measurer().stream(source)] == [None]


def test_what_floats_cannot_hold_is_missing(classifier, image, recwarn):
    wide = image.astype(np.float64)
    wide[3, 5] = 1e300
    result = classifier.classify(wide)
    assert (result.error, [str(each.message) for each in recwarn]) == (None, [])
    assert result.masked_fraction > 0


def test_opacity_is_no_band(classifier):
    picture = np.dstack([galaxy(SIDE).clip(0, 255).astype(np.uint8)] * 3)
    clear = np.full((SIDE, SIDE, 1), 255, np.uint8)
    rgba = np.concatenate([picture, clear], axis=2)
    expected = classifier.classify(picture)
    for source in (rgba, rgba[::-1][::-1], rgba.astype("f8").astype(np.uint8)):
        assert classifier.classify(source).probabilities == expected.probabilities
    floats = rgba.astype("f4")
    assert classifier.classify(floats).ok
    assert len(classifier.classify(rgba.transpose(2, 0, 1))) == 4  # (N, H, W)
    assert read(rgba).data.shape == (3, SIDE, SIDE)
    buffer = io.BytesIO()
    np.save(buffer, rgba)
    assert classifier.classify(buffer.getvalue()).probabilities == expected.probabilities


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "I;16", "F", "1"])
def test_pillow(classifier, mode):
    values = galaxy(SIDE).clip(0, 255)
    if mode in ("I;16", "F"):
        picture = Pillow.fromarray((values * 100).astype("u2") if mode == "I;16" else values)
    else:
        picture = Pillow.fromarray(values.astype(np.uint8)).convert(mode)
    picture.load()
    file = io.BytesIO()
    picture.save(file, "TIFF")
    expected, found = read(file.getvalue()), read(picture)
    np.testing.assert_array_equal(found.data, expected.data)
    assert (found.is_picture, found.upwards) == (expected.is_picture, False)
    result = classifier.classify(picture)
    assert result.probabilities == classifier.classify(file.getvalue()).probabilities
    picture.getpixel((0, 0))  # it can still be used


# --- astropy --------------------------------------------------------------------------

CARDS = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.2,
    "CRPIX1": 48.5, "CRPIX2": 48.5, "CD1_1": -1e-4, "CD1_2": 2e-5, "CD2_1": 2e-5, "CD2_2": 1e-4,
    "OBJECT": "NGC 1", "DATE-OBS": "2026-01-02T03:04:05", "EXPTIME": 30.0,
}  # fmt: skip


@pytest.fixture
def path(tmp_path, image):
    write_fits(tmp_path / "a.fits", image, **CARDS)
    return tmp_path / "a.fits"


def agrees(result, expected, *, hdu=None):
    """Check that two results differ in where they came from only."""
    assert result.error is None
    for name in ("probabilities", "x", "y", "sky", "noise", "flags", "handedness", "upwards"):
        assert getattr(result, name) == getattr(expected, name), name
    assert (result.ra, result.dec) == pytest.approx((expected.ra, expected.dec), abs=1e-8)
    assert result.hdu == hdu
    assert (result.object, result.date_obs) == (expected.object, expected.date_obs)


def test_hdus_are_what_their_files_are(classifier, path):
    fits = pytest.importorskip("astropy.io.fits")
    expected = classifier.classify(path)
    assert expected.ra is not None
    with fits.open(path) as hdus:
        agrees(classifier.classify(hdus), expected, hdu=0)
        agrees(classifier.classify(hdus[0]), expected, hdu=0)
        agrees(classifier.classify([hdus[0], hdus])[1], expected, hdu=0)
        assert classifier.classify(hdus).path == str(path)
        found = read(hdus[0])
        assert found.header["EXPTIME"] == 30.0
        np.testing.assert_array_equal(found.data, read(path).data)
        assert found.wcs.crval == read(path).wcs.crval


@pytest.mark.parametrize("stored", ["i2", "u2", "u1", "f8", "i4"])
def test_how_pixels_are_stored_makes_no_difference(classifier, tmp_path, image, stored):
    fits = pytest.importorskip("astropy.io.fits")
    data = image.clip(0, 250).astype(stored)
    hdu = fits.ImageHDU(data, name="SCI")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "a.fits")
    expected = classifier.classify(tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits") as hdus:
        agrees(classifier.classify(hdus), expected, hdu=1)
        agrees(classifier.classify(hdus["SCI"]), expected, hdu=0)
        for image_of in (lambda: hdus, lambda: hdus[1]):
            assert read(image_of()).is_picture == (stored == "u1")


def test_the_hdu_of_a_list_is_chosen_as_of_a_file(tmp_path, bundle, image):
    fits = pytest.importorskip("astropy.io.fits")
    parts = [fits.ImageHDU(image + i, name=name, ver=ver) for i, (name, ver) in enumerate(
        [("SCI", 1), ("ERR", 1), ("SCI", 2), ("DQ", 1)])]  # fmt: skip
    parts.append(fits.BinTableHDU.from_columns([fits.Column("a", "E", array=[1.0])], name="CAT"))
    parts.append(fits.CompImageHDU(image + 9, name="packed"))
    hdus = fits.HDUList([fits.PrimaryHDU(), *parts])
    hdus.writeto(tmp_path / "a.fits")
    for hdu, number in {
        None: 1, 3: 3, "SCI": 1, "sci,2": 3, ("SCI", 2): 3, "DQ": 4, "Packed": 6, "err,1": 2,
    }.items():  # fmt: skip
        classifier = Classifier(bundle, workers=1, hdu=hdu, any_kind=True)
        file, held = classifier.classify([tmp_path / "a.fits", hdus])
        assert (file.hdu, held.hdu, file.error) == (number, number, None), hdu
        assert held.sky == pytest.approx(file.sky, abs=0.05)  # tiles of floats are quantized
        assert read(tmp_path / "a.fits", hdu).hdu == read(hdus, hdu).hdu == number
        (facts,) = prepare([tmp_path / "a.fits"], hdu=hdu, any_kind=True).facts
        assert facts.hdu == number
        assert Measurer(hdu=hdu).measure(tmp_path / "a.fits").hdu == number
    for hdu, said in {
        "XYZ": "no HDU is named XYZ; the file has SCI, ERR, SCI, DQ, CAT, PACKED",
        "SCI,3": "no HDU is named SCI,3; the file has SCI, ERR",
        "CAT": "HDU 5 is a table, not an image",
        "PRIMARY": "HDU 0 is not a two-dimensional image: it has no axes",
        9: "no HDU 9: the file has 7",
        "": "no HDU is named ",
    }.items():
        file, held = Classifier(bundle, workers=1, hdu=hdu).classify([tmp_path / "a.fits", hdus])
        assert file.error.startswith(said), hdu
        assert held.error
        for source in (tmp_path / "a.fits", hdus):
            with pytest.raises(ReadError):
                read(source, hdu)


def test_three_hdus_by_name_are_one_galaxy(tmp_path, image):
    fits = pytest.importorskip("astropy.io.fits")
    parts = [fits.ImageHDU(image + i, name=name) for i, name in enumerate("RGB")]
    fits.HDUList([fits.PrimaryHDU(), *parts]).writeto(tmp_path / "a.fits")
    expected = prepare([np.stack([image, image + 1, image + 2])])
    found = prepare([tmp_path / "a.fits"], hdu=("R", "G", "B"))
    np.testing.assert_array_equal(found.pixels, expected.pixels)


def test_nddata(classifier, path, spoilt, bad):
    nddata = pytest.importorskip("astropy.nddata")
    fits = pytest.importorskip("astropy.io.fits")
    write_fits(path, spoilt, **CARDS)
    masked = np.where(bad, np.nan, spoilt)
    write_fits(path.with_name("b.fits"), masked, **CARDS)
    plain, expected = classifier.classify([path, path.with_name("b.fits")])
    ccd = nddata.CCDData.read(path, unit="adu")
    agrees(classifier.classify(ccd), plain)
    ccd.mask = bad
    agrees(classifier.classify(ccd), expected)
    agrees(list(classifier.stream([ccd, ccd]))[1], expected)
    assert read(ccd).header["EXPTIME"] == 30.0
    found = classifier.classify(nddata.NDData(spoilt, mask=bad, meta=fits.getheader(path)))
    agrees(found, expected)
    found = classifier.classify(nddata.NDData(spoilt, mask=bad, meta={"object": "M'31"}))
    assert found.probabilities == expected.probabilities
    assert (found.object, found.ra) == ("M'31", None)
    found = classifier.classify(nddata.NDData(np.ma.array(spoilt, mask=bad)))
    assert found.probabilities == expected.probabilities
    assert classifier.classify(nddata.NDData(spoilt)).ok


def test_cutouts(classifier, path, image):
    nddata = pytest.importorskip("astropy.nddata")
    wcs = pytest.importorskip("astropy.wcs").WCS(dict(CARDS))
    cutout = nddata.Cutout2D(image, (47, 47), 64, wcs=wcs)
    expected = classifier.classify(path)
    result = classifier.classify(cutout)
    assert result.probabilities == classifier.classify(cutout.data).probabilities
    corner = cutout.xmin_original, cutout.ymin_original
    there = (result.x + corner[0], result.y + corner[1])
    assert there == pytest.approx((expected.x, expected.y), abs=1.5)
    ra, dec = wcs.all_pix2world(*there, 0)
    assert (result.ra, result.dec) == pytest.approx((float(ra), float(dec)), abs=1e-7)
    assert classifier.classify(nddata.Cutout2D(image, (47, 47), 64)).ra is None


def test_units(classifier, image, spoilt, bad):
    units = pytest.importorskip("astropy.units")
    masked = pytest.importorskip("astropy.utils.masked").Masked
    same(classifier, image * units.electron, image)
    same(classifier, masked(spoilt * units.adu, mask=bad), np.where(bad, np.nan, spoilt))
    for source in (image * units.mag, units.Magnitude(image), image * units.dex):
        error = classifier.classify(source).error
        assert "are logarithms; give linear flux" in error


def test_windows_of_what_is_in_memory(path, image):
    fits = pytest.importorskip("astropy.io.fits")
    with fits.open(path) as hdus:
        for source in (hdus, hdus[0], image, np.ma.array(image)):
            np.testing.assert_array_equal(
                cutout(source, 3, 50, 20).data, cutout(path, 3, 50, 20).data
            )
            np.testing.assert_array_equal(read(source, window=(5, 6, 7, 8)).data, image[6:14, 5:12])
        ours, theirs = cutout(hdus, 3, 50, 20).wcs, cutout(path, 3, 50, 20).wcs
        assert ours.pixel_to_sky(1, 2) == theirs.pixel_to_sky(1, 2)
        for tell in (describe, checksums):
            with pytest.raises(Unsupported, match="is in memory"):
                tell(hdus)
            with pytest.raises(Unsupported, match="a dict is no image"):
                tell({})
    with pytest.raises(ReadError, match="lies outside the image"):
        cutout(image, 500, 0, 4)
    with pytest.raises(ReadError, match="no plane 2: the image has 1"):
        cutout(image, 5, 5, 4, plane=2)


def test_numbers_below_zero_choose_nothing(path, image):
    for options in ({"hdu": -1}, {"plane": -1}):
        for source in (path, path.read_bytes()):
            (facts,) = prepare([source], **options).facts
            assert re.search("no (HDU|plane) -1", facts.error)


# --- what is no image -----------------------------------------------------------------


class Broken:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("the camera is off")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (None, "None is no image; give a path, a file's bytes, an array, or what astropy, "),
        ({"a": 1}, "a dict is no image; "),
        (12, "an int is no image; "),
        (object(), "an object is no image; "),
        (Broken(), "a Broken gives no pixels: the camera is off"),
        (io.StringIO("SIMPLE"), "<file object>: a file object must be opened in binary mode"),
        (np.ones((8, 8)) + 0j, "an array of complex128 is not an image; give real numbers"),
        (np.full((8, 8), "a"), "an array of <U1 is not an image; give real numbers"),
        (np.ma.array([["a"]], mask=True), "an array of <U1 is not an image"),
        ((galaxy(), galaxy()), "a tuple of 2 is no image: three are taken together as red"),
        ([[1.0, 2.0], [3.0, 4.0]], "a list is no image; "),
        (np.zeros(5, np.float32), "shape (5,) is not an image"),
        (b"no image", "<bytes>: is none of FITS, JPEG, PNG, TIFF and .npy"),
        (bytearray(b""), "<bytes>: is empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_wrong_item_costs_its_result(classifier, source, said, image, caplog):
    for results in (classifier.classify([image, source, image]), [*classifier.stream(
        iter([image, source, image]))]):  # fmt: skip
        assert [result.status for result in results] == ["ok", "error", "ok"]
        assert results[1].error.startswith(said)
        assert results[1].path == ""
    assert not caplog.records
    facts = prepare([source, image]).facts
    assert facts[0].error.startswith(said)
    assert facts[1].error is None


def test_a_single_wrong_source_is_an_error_too(classifier):
    for source in (None, {"a": 1}, Broken(), io.StringIO("a")):
        result = classifier.classify(source)
        assert (result.status, result.label) == ("error", None)
        with pytest.raises((Unsupported, ReadError)):
            read(source)


def test_tables_and_empty_hdus(classifier):
    fits = pytest.importorskip("astropy.io.fits")
    table = fits.BinTableHDU.from_columns([fits.Column("a", "E", array=[1.0])])
    assert classifier.classify(table).error == "a BinTableHDU is no image"
    assert classifier.classify(fits.PrimaryHDU()).error == "HDU 0 has no pixels"
    assert classifier.classify(fits.HDUList([fits.PrimaryHDU()])).error == (
        "no image in the list of HDUs"
    )
    line = fits.PrimaryHDU(np.ones(9))
    assert classifier.classify(line).error.startswith("HDU 0 is not a two-dimensional image")


def test_a_cube_of_an_hdu(classifier, image, bundle):
    fits = pytest.importorskip("astropy.io.fits")
    cube = np.stack([image, image * 2, image * 3, image * 4])
    hdu = fits.PrimaryHDU(cube)
    assert "a cube of 4 planes" in classifier.classify(hdu).error
    second = Classifier(bundle, workers=1, plane=1)
    assert second.classify(hdu).sky == classifier.classify(image * 2).sky
    assert classifier.classify(fits.PrimaryHDU(cube[:3])).ok
    odd = fits.PrimaryHDU(image[np.newaxis, :, np.newaxis, :])
    assert classifier.classify(odd).probabilities == classifier.classify(image).probabilities
    # Colours pixel by pixel, as of an array.
    colours = np.dstack([image, image * 2, image * 3])
    found, expected = (classifier.classify(each) for each in (fits.PrimaryHDU(colours), colours))
    assert found.probabilities == expected.probabilities


def test_nothing_is_imported_to_know_them(tmp_path):
    import subprocess

    code = (
        "import sys, numpy, galedge; galedge.prepare([numpy.ma.ones((64, 64)), None]);"
        "print([m for m in ('astropy', 'dask', 'PIL', 'torch') if m in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.stdout.strip() == "[]", process.stderr


def test_a_header_that_astropy_cannot_write_is_a_sentence(classifier, image):
    fits = pytest.importorskip("astropy.io.fits")
    hdu = fits.PrimaryHDU(image)
    hdu.header["FINE"] = 1.5
    hdu.header.append(fits.Card.fromstring(b"BAD\xe9    = what is this"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = classifier.classify(hdu)
    assert result.ok or "gives no pixels" in result.error
    assert math.isfinite(classifier.classify(image).sky)

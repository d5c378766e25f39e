"""Answers as astropy's tables, and astropy's tables and images as questions."""

import io

import numpy as np
import pytest
from helpers.made import CLASSES, galaxy, write_fits

from galedge.errors import GaledgeError
from galedge.tables.columns import COLUMNS

pytest.importorskip("astropy")
from astropy import units
from astropy.io import fits
from astropy.nddata import CCDData, Cutout2D, NDData
from astropy.table import QTable, Table
from astropy.wcs import WCS

from galedge.nights.adapters.astropy import classify_images, classify_table, qtable, with_answer


@pytest.fixture
def files(tmp_path):
    paths = [str(tmp_path / name) for name in ("a.fits", "b.fits", "none.fits")]
    placed = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 9.0, "CRVAL2": 1.0}
    placed |= {"CRPIX1": 32.5, "CRPIX2": 32.5, "CDELT1": -1e-4, "CDELT2": 1e-4}
    write_fits(paths[0], galaxy(), OBJECT="A", **placed)
    write_fits(paths[1], galaxy(seed=1), OBJECT="B")
    return paths


def test_results_as_a_table_with_units(classifier, files):
    results = classifier.classify(files)
    table = qtable(results, classifier)
    assert isinstance(table, QTable)
    assert len(table) == 3
    assert list(table["object"][:2]) == ["A", "B"]
    assert table["x"].unit == units.pixel
    ra = table["ra"][0].unmasked
    assert ra.to_value(units.deg) == results[0].ra
    assert ra.to_value(units.arcsec) == pytest.approx(results[0].ra * 3600)
    # What is not known is masked, not a number.
    assert [bool(hidden) for hidden in table["ra"].mask] == [False, True, True]
    assert [bool(hidden) for hidden in table["label"].mask] == [False, False, True]
    assert table["error"][2] == results[2].error
    assert table["hdu"][0] == 0
    for name in ("ra", "sky", "path"):
        assert table[name].info.meta == {"ucd": COLUMNS[name].ucd}
        assert table[name].info.description == COLUMNS[name].description
    assert table["probability"].dtype == np.float32
    assert table.meta["model"] == "tiny"


def test_the_columns_are_those_of_a_written_table(galedge, bundle, classifier, files, tmp_path):
    done = galedge("classify", *files, "-q", "-o", "night.ecsv", "--model", bundle)
    assert done.returncode == 3
    written = QTable.read(tmp_path / "night.ecsv")
    table = qtable(classifier.classify(files), classifier)
    assert table.colnames == written.colnames
    for name in table.colnames:
        assert str(table[name].info.unit) == str(written[name].info.unit)
        assert table[name].info.dtype.kind == written[name].info.dtype.kind
        assert (table[name].info.meta or {}) == (written[name].info.meta or {})
        assert table[name].info.description == written[name].info.description


def test_no_results_are_an_empty_table(classifier):
    table = qtable([], classifier)
    assert len(table) == 0
    assert {"label", "ra"} <= set(table.colnames)


def test_tables_survive_being_written(classifier, files, tmp_path):
    table = qtable(classifier.classify(files), classifier)
    table.write(tmp_path / "t.ecsv")
    again = QTable.read(tmp_path / "t.ecsv")
    assert again["ra"].unit == units.deg
    assert again["ra"].info.meta == {"ucd": "pos.eq.ra;meta.main"}
    assert again["ra"][0].unmasked == table["ra"][0].unmasked
    table.write(tmp_path / "t.fits")
    assert len(Table.read(tmp_path / "t.fits")) == 3


def test_a_table_of_paths(classifier, files):
    sources = Table({"object": ["x", "y", "z"], "file": files}, meta={"survey": "S"})
    sources["flux"] = [1.0, 2.0, 3.0] * units.nJy
    table = classify_table(sources, "file", classifier)
    assert table.colnames[:3] == ["object", "file", "flux"]
    assert list(table["object"]) == ["x", "y", "z"]
    assert list(table["galedge_object"][:2]) == ["A", "B"]
    assert table["flux"].unit == units.nJy
    assert list(table["status"]) == ["ok", "ok", "error"]
    assert table.meta["survey"] == "S"
    assert "status" not in sources.colnames  # which is left as it was


def test_a_masked_path(classifier, files):
    sources = Table({"file": np.ma.masked_array(files[:2], mask=[True, False])})
    table = classify_table(sources, "file", classifier)
    assert list(table["status"]) == ["error", "ok"]
    assert table["error"][0] == "the cell of 'file' is masked"


def test_a_column_of_cutouts(classifier):
    cutouts = np.stack([galaxy(seed=i) for i in range(4)])
    plain = classify_table(Table({"cutout": cutouts}), "cutout", classifier)
    with_unit = classify_table(QTable({"cutout": cutouts * units.nJy}), "cutout", classifier)
    assert list(plain["status"]) == list(with_unit["status"]) == ["ok"] * 4
    assert list(plain["label"]) == [result.label for result in classifier.classify(cutouts)]
    assert list(with_unit["label"]) == list(plain["label"])


def test_a_column_that_is_not_there(classifier):
    with pytest.raises(GaledgeError, match="no column 'path'; it has file"):
        classify_table(Table({"file": ["a"]}), "path", classifier)


def test_images_of_every_kind(classifier, files):
    data = galaxy()
    images = [
        NDData(data),
        CCDData(data, unit="adu"),
        Cutout2D(data, (32, 32), 64),
        fits.PrimaryHDU(data),
        data * units.nJy,
        files[0],
    ]
    table = classify_images(images, classifier)
    assert list(table["status"]) == ["ok"] * 6
    assert len(set(table["label"])) == 1


@pytest.mark.parametrize("meta", [{}, fits.Header()])
def test_an_image_with_its_answer(classifier, meta):
    image = CCDData(galaxy(), unit="adu", meta=meta, wcs=WCS(naxis=2))
    answered = with_answer(image, classifier)
    assert answered.meta["GECLASS"] in CLASSES
    assert 0 < answered.meta["GEPROB"] <= 1
    assert "GECLASS" not in image.meta
    assert np.shares_memory(answered.data, image.data)
    answered.write(file := io.BytesIO(), format="fits")
    file.seek(0)
    assert fits.getheader(file)["GECLASS"] == answered.meta["GECLASS"]


def test_an_image_without_an_answer(classifier):
    answered = with_answer(NDData(np.zeros((9, 9, 9, 9))), classifier)
    assert "is not an image" in answered.meta["GEERROR"]


def test_the_command_prints_ecsv(galedge, bundle, files, tmp_path):
    done = galedge("adapters", "astropy", *files, "--model", bundle)
    assert done.returncode == 3
    table = QTable.read(done.stdout, format="ascii.ecsv")
    assert list(table["status"]) == ["ok", "ok", "error"]
    assert table["ra"].unit == units.deg

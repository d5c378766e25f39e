"""Celestial coordinates of frames, against astropy: lists, detection and cutouts alike."""

import numpy as np
import pytest
from helpers.frames_made import PLACES, made, write_frame
from helpers.made import tiny_network, write_bundle
from helpers.wcs_cards import B1950, GALACTIC, POLE, ROTATED, SIP, SOUTH, TPV
from helpers.wcs_forms import FORMS, NONE, UNREAD, apart, by_astropy

from galedge.answers.classifier import Classifier
from galedge.errors import ReadError
from galedge.frames.celestial import Tan
from galedge.frames.cutouts import write_cutouts
from galedge.frames.detect import detect
from galedge.frames.field import classify_sources
from galedge.frames.frame import Frame
from galedge.frames.sources import Catalogue
from galedge.images.astrometry import place
from galedge.images.image import read

wcs_module = pytest.importorskip("astropy.wcs")

CLOSE = 1e-5  # arcsec
X, Y = np.array(PLACES).T
NO_WCS = dict.fromkeys(("CTYPE1", "CTYPE2", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2"))
NO_WCS |= dict.fromkeys(("CD1_1", "CD1_2", "CD2_1", "CD2_2"))


def frame_of(folder, cards):
    return Frame(str(write_frame(folder / "f.fits", **NO_WCS | cards)))


def catalogue_of(ra, dec):
    nothing = np.full(len(ra), np.nan)
    return Catalogue(
        "list", np.array(ra), np.array(dec), True, nothing, False, [None] * len(ra), {}
    )


def corners():
    rng = np.random.default_rng(1)
    return rng.uniform(-50, 300, 500), rng.uniform(-50, 300, 500)


@pytest.mark.parametrize("name", FORMS)
def test_every_form_in_lists_and_cutouts(tmp_path, classifier, name):
    cards, truth, in_core, flags = FORMS[name]
    frame = frame_of(tmp_path, cards)
    assert isinstance(frame.celestial(), Tan) is in_core
    places = by_astropy(truth, X, Y)
    sources = frame.locate(catalogue_of(*places))
    assert np.abs(np.subtract((sources.x, sources.y), (X, Y))).max() < 1e-3
    for placed in classify_sources(classifier, frame, sources):
        result = placed.result
        assert result.ok
        theirs = by_astropy(truth, np.array([result.x]), np.array([result.y]))[:, 0]
        assert apart((result.ra, result.dec), theirs) < CLOSE
        assert set(flags) <= set(result.flags)
        assert ("sip_ignored" in result.flags) is ("sip_ignored" in flags)
        assert result.handedness == "sky"
    cuts = list(write_cutouts(frame, sources, str(tmp_path / "cuts"), 40))
    for cut, sky in zip(cuts, places.T, strict=True):
        assert cut.error is None
        assert apart((cut.ra, cut.dec), sky) < 0.001  # as x and y were found to 1e-3 pixels
        assert ("sip_ignored" in cut.flags) is ("sip_ignored" in flags)
        left, bottom = int(np.ceil(cut.x - 20)), int(np.ceil(cut.y - 20))
        assert apart(place(read(cut.path), cut.x - left, cut.y - bottom), sky) < 0.001


@pytest.mark.parametrize("name", ["cd", "sip", "tpv", "fk4", "ecliptic", "quoted", "sip-ignored"])
def test_detected_sources_lie_where_astropy_says(tmp_path, classifier, name):
    frame = frame_of(tmp_path, FORMS[name].cards)
    found = [placed.result for placed in classify_sources(classifier, frame, detect(frame))]
    assert len(found) == len(PLACES)
    for result in found:
        at = np.array([result.x]), np.array([result.y])
        assert apart((result.ra, result.dec), by_astropy(FORMS[name].truth, *at)[:, 0]) < CLOSE


@pytest.mark.parametrize("name", ["cd", "tpv", "fk4", "galactic-swapped"])
def test_sources_of_a_mirrored_frame_wind_the_other_way(tmp_path, name):
    told = {"features": {"names": ["bar", "clockwise"]}}
    network = tiny_network(features=2)
    winding = Classifier(write_bundle(tmp_path / "m", {"fp32": network}, heads=told), workers=1)
    cards = FORMS[name].cards
    # The columns of the matrix that go with x, turned over.
    mirrored = cards | {f"CD{i}_1": -cards[f"CD{i}_1"] for i in (1, 2)}
    said = []
    for each in (cards, mirrored):
        frame = frame_of(tmp_path, each)
        (first, *_) = classify_sources(winding, frame, detect(frame))
        assert first.result.handedness == "sky"
        said.append(first.result.features["clockwise"])
    assert 0.01 < said[0] < 0.99
    assert said[0] == pytest.approx(1 - said[1])


@pytest.mark.parametrize("cards", UNREAD.values(), ids=UNREAD)
def test_places_in_pixels_do_without_coordinates_that_nobody_knows(tmp_path, classifier, cards):
    frame = frame_of(tmp_path, cards)
    with pytest.raises(ReadError, match=r"f\.fits: its WCS is not understood"):
        frame.locate(catalogue_of([150.0], [2.0]))
    sources = detect(frame)
    for placed in classify_sources(classifier, frame, sources):
        assert placed.result.ok
        assert placed.result.ra is None
        assert "wcs_unread" in placed.result.flags
    for cut in write_cutouts(frame, sources, str(tmp_path / "cuts"), 40):
        assert cut.error is None
        assert cut.ra is None
        assert "wcs_unread" in cut.flags


@pytest.mark.parametrize("cards", NONE.values(), ids=NONE)
def test_no_coordinates_are_none(tmp_path, classifier, cards):
    frame = frame_of(tmp_path, cards)
    assert frame.celestial() is None
    with pytest.raises(ReadError, match="has no celestial coordinates"):
        frame.locate(catalogue_of([150.0], [2.0]))
    (first, *_) = classify_sources(classifier, frame, detect(frame))
    assert (first.result.ra, "wcs_unread" in first.result.flags) == (None, False)


def test_pictures_and_arrays_have_none(tmp_path):
    np.save(tmp_path / "h.npy", np.zeros((20, 20), np.float32))
    assert Frame(str(tmp_path / "h.npy")).celestial() is None


@pytest.mark.parametrize("cards", [{}, ROTATED, POLE, SOUTH, SIP, GALACTIC])
def test_tan_is_astropys(tmp_path, cards):
    frame = Frame(str(write_frame(tmp_path / "f.fits", **cards)))
    sky = frame.celestial()
    assert isinstance(sky, Tan)
    x, y = corners()
    header = dict(read(frame.path).header)
    theirs = wcs_module.WCS(header)
    found = sky.pixels_to_sky(x, y)
    assert apart(found, by_astropy(header, x, y)).max() < CLOSE
    back = sky.sky_to_pixels(*found)
    assert np.abs(np.subtract(back, (x, y))).max() < 1e-5
    assert sky.pixel_scale == pytest.approx(
        3600 * wcs_module.utils.proj_plane_pixel_scales(theirs).mean(), rel=0.1
    )


@pytest.mark.parametrize("cards", [TPV, B1950])
def test_all_else_is_astropys(tmp_path, cards):
    frame = Frame(str(write_frame(tmp_path / "f.fits", **cards)))
    sky = frame.celestial()
    assert not isinstance(sky, Tan)
    x, y = corners()
    found = sky.pixels_to_sky(x, y)
    assert apart(found, by_astropy(dict(read(frame.path).header), x, y)).max() < CLOSE
    inside = (np.abs(x - 120) < 120) & (np.abs(y - 100) < 100)
    back = sky.sky_to_pixels(*found)
    assert np.abs(np.subtract(back, (x, y)))[:, inside].max() < 1e-3


def test_what_tan_does_not_show_has_no_place(tmp_path):
    sky = Frame(str(write_frame(tmp_path / "f.fits"))).celestial()
    x, y = sky.sky_to_pixels(
        np.array([150.0, 330.0, np.nan, 60.0]), np.array([2.2, -2.2, 0.0, 0.0])
    )
    assert np.isfinite(x).tolist() == [True, False, False, False] == np.isfinite(y).tolist()


@pytest.mark.parametrize("cards", [SIP, TPV, SIP | B1950])
def test_a_list_of_the_whole_sky_does_not_trouble_distortions(tmp_path, cards):
    frame = Frame(str(write_frame(tmp_path / "f.fits", **cards)))
    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(0, 360, 2000), rng.uniform(-90, 90, 2000)
    ra[0], dec[0] = by_astropy(dict(read(frame.path).header), np.array([119.5]), np.array([98.25]))[
        :, 0
    ]
    ra[1] = np.nan
    x, y = frame.celestial().sky_to_pixels(ra, dec)
    assert (x[0], y[0]) == pytest.approx((119.5, 98.25), abs=1e-3)
    near = (np.abs(x - 120) < 200) & (np.abs(y - 100) < 200)
    assert near.sum() == 1


# A plate solver's polynomial of a wide field, which folds not far beyond the frame.
BARREL = dict.fromkeys(("A_3_0", "A_1_2", "B_0_3", "B_2_1"), -6 / 424**3 * 25)
BARREL |= {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 3, "B_ORDER": 3}


@pytest.mark.parametrize("cards", [{}, B1950], ids=["core", "astropy"])
def test_sources_beyond_the_frame_are_outside_where_sip_does_not_converge(
    tmp_path, classifier, cards
):
    image = made([(120.0, 100.0)])
    frame = Frame(str(write_frame(tmp_path / "f.fits", image, **BARREL | cards)))
    plain = Frame(str(write_frame(tmp_path / "g.fits", **cards))).celestial()
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-300, 540, 300), rng.uniform(-300, 500, 300)
    x[0], y[0] = 120.0, 100.0
    ra, dec = plain.pixels_to_sky(x, y)
    ra[0], dec[0] = (float(v[0]) for v in frame.celestial().pixels_to_sky(x[:1], y[:1]))
    results = [
        placed.result
        for placed in classify_sources(classifier, frame, frame.locate(catalogue_of(ra, dec)))
    ]
    assert results[0].ok
    assert apart((results[0].ra, results[0].dec), (ra[0], dec[0])) < 1
    far = (np.abs(x - 119.5) > 180) | (np.abs(y - 99.5) > 160)
    assert far.sum() > 100
    for result in np.array(results, object)[far]:
        assert "outside" in result.flags
    for result, at in zip(results, zip(ra, dec, strict=True), strict=True):
        if result.ok:
            # Inside is where the distorted frame itself shows the source.
            assert apart((result.ra, result.dec), at) < 64 * 0.4

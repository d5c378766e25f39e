"""One place on the sky, whichever way an image comes in."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import warnings

import numpy as np
import pytest
from helpers.fits_files import primary
from helpers.made import galaxy, write_fits
from helpers.wcs_forms import FORMS, NONE, UNREAD, S, apart, by_astropy
from hypothesis import given
from hypothesis import strategies as st

from galedge.answers.measure import Measurer
from galedge.errors import ReadError
from galedge.images.astrometry import by_astropy as sky_by_astropy
from galedge.images.astrometry import on_one_grid, place, sky_of
from galedge.images.image import cutout, read
from galedge.images.prepare import prepare
from galedge.support.quiet import quiet

CLOSE = 1e-5  # arcsec
SEEN = ("sip_ignored", "wcs_unread")


def written(folder, cards):
    """A galaxy off the middle of a frame of 260 x 180 pixels."""
    image = np.random.default_rng(0).normal(100, 1, (180, 260)).astype(np.float32)
    image[20:84, 150:214] += galaxy()
    path = folder / "g.fits"
    write_fits(path, image, **cards)
    return path


def routes(path):
    """What each way in says: place in the whole image, place on the sky, flags."""
    whole, content = str(path), path.read_bytes()
    single = prepare([whole, content, read(whole), cutout(whole, 182, 52, 120)]).facts
    checked = prepare([whole], verify=True).facts
    corner = read(whole, window=(120, 5, 100, 100))
    windowed = prepare([corner]).facts
    found = []
    for fact, (x, y) in zip(
        [*single, *checked, *windowed], [(0, 0)] * 3 + [(122, -8), (0, 0), (120, 5)], strict=True
    ):
        assert fact.error is None
        flags = tuple(flag for flag in fact.flags if flag in SEEN)
        found.append((fact.x + x, fact.y + y, fact.ra, fact.dec, flags))
    measured = Measurer(workers=1).measure(whole)
    assert measured.error is None
    shape = measured.structure
    flags = tuple(flag for flag in measured.as_row()["flags"].split(";") if flag in SEEN)
    found.append((shape.x, shape.y, measured.ra, measured.dec, flags))
    return found


@pytest.mark.parametrize("name", FORMS)
def test_every_form_by_every_way(tmp_path, name):
    for x, y, ra, dec, flags in routes(written(tmp_path, FORMS[name].cards)):
        theirs = by_astropy(FORMS[name].truth, np.array([x]), np.array([y]))[:, 0]
        assert apart((ra, dec), theirs) < CLOSE
        assert 0 <= ra < 360
        assert flags == FORMS[name].flags


@pytest.mark.parametrize("cards", UNREAD.values(), ids=UNREAD)
def test_what_nobody_knows_is_empty_and_flagged(tmp_path, cards):
    for _, _, ra, dec, flags in routes(written(tmp_path, cards)):
        assert (ra, dec) == (None, None)
        assert flags == ("wcs_unread",)


@pytest.mark.parametrize("cards", NONE.values(), ids=NONE)
def test_no_coordinates_are_no_fault(tmp_path, cards):
    for _, _, ra, dec, flags in routes(written(tmp_path, cards)):
        assert (ra, dec, flags) == (None, None, ())


def test_a_stamp_far_from_its_reference_pixel_has_its_distortions(tmp_path):
    """Cut from a large detector image, its SIP polynomial left in the header."""
    sip = {"A_ORDER": 2, "A_2_0": 8e-6, "A_0_2": 2e-6, "A_1_1": -5e-6}
    sip |= {"B_ORDER": 2, "B_2_0": -3e-6, "B_0_2": 7e-6, "B_1_1": 6e-6}
    plain = FORMS["cd"].cards | {"CRPIX1": -3500.5, "CRPIX2": -2500.5}
    named = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"}
    distorted = routes(written(tmp_path, plain | sip | named))
    stale = routes(written(tmp_path, plain | sip))
    for (x, y, *ours, flags), (_, _, *other, ignored) in zip(distorted, stale, strict=True):
        at = np.array([x]), np.array([y])
        assert apart(ours, by_astropy(plain | sip | named, *at)[:, 0]) < CLOSE
        assert apart(other, by_astropy(plain, *at)[:, 0]) < CLOSE
        assert apart(ours, other) > 30
        assert (flags, ignored) == ((), ("sip_ignored",))


def tables(path, **cards):
    """A frame with a lookup table that moves pixels by 1 to 3, as HST's have it."""
    from astropy.io import fits
    from astropy.wcs import WCS, DistortionLookupTable

    wcs = WCS(fits.Header(FORMS["cd"].cards | cards))
    values = np.linspace(1, 3, 16, dtype=np.float32).reshape(4, 4)
    for axis in ("cpdis1", "cpdis2"):
        setattr(wcs, axis, DistortionLookupTable(values, (1, 1), (1, 1), (86, 60)))
    hdus = wcs.to_fits(relax=True)
    hdus[0].data = np.random.default_rng(0).normal(100, 1, (180, 260)).astype(np.float32)
    hdus[0].data[20:84, 150:214] += galaxy()
    hdus.writeto(path)
    return wcs


def test_lookup_tables_count(tmp_path):
    path = tmp_path / "g.fits"
    theirs = tables(path)
    (found,) = prepare([str(path)]).facts
    expected = theirs.all_pix2world(found.x, found.y, 0)
    assert apart((found.ra, found.dec), expected) < CLOSE
    assert apart((found.ra, found.dec), theirs.wcs_pix2world(found.x, found.y, 0)) > 0.5
    part = read(str(path), window=(120, 5, 100, 100))
    assert apart(place(part, found.x - 120, found.y - 5), expected) < CLOSE
    # Without the file nobody has the tables.
    (found,) = prepare([path.read_bytes()]).facts
    assert (found.ra, found.dec) == (None, None)
    assert "wcs_unread" in found.flags


def test_without_astropy_the_place_is_empty_and_the_flag_says_so(tmp_path):
    code = (
        "import sys; sys.modules['astropy'] = None\n"
        "from galedge.images.prepare import prepare\n"
        "for fact in prepare(sys.argv[1:]).facts: print(fact.ra is not None, fact.flags)"
    )
    for name in ("cd", "tpv"):
        (tmp_path / name).mkdir()
        written(tmp_path / name, FORMS[name].cards)
    paths = [str(tmp_path / name / "g.fits") for name in ("cd", "tpv")]
    process = subprocess.run(
        [sys.executable, "-c", code, *paths], capture_output=True, text=True, timeout=300
    )
    assert process.stdout.splitlines() == ["True ()", "False ('wcs_unread',)"]
    assert process.stderr == ""


def test_a_hostile_polynomial_takes_no_memory():
    cards = FORMS["tpv"].cards | FORMS["sip"].cards | {"A_ORDER": 10**9, "B_ORDER": 10**9}
    image = read(primary(np.zeros((9, 9)), 16, *cards.items()))
    with pytest.raises(ReadError, match="A_ORDER is not 0 to 9: 1e\\+09"):
        sky_by_astropy(image)


@pytest.mark.parametrize(
    "cards",
    [
        {"AMDX1": "FK4"},  # over this wcslib ends the process, and over the next
        {"AMDY2": "FK4", "AMDX1": 1.0},
        {"CNPIX1": "nan", "AMDX1": 1.0},
        {"CPDIS1": "LOOKUP", "DP1": "NAXES: 7"},
        {"CPDIS1": "LOOKUP", "DP1": "EXTVER: -1"},
        {"CPDIS1": "POLYNOMIAL"},
        {"CPDIS1": 5},
        {"CQDIS1": "TPV"},
        {"D2IMEXT": "x"},
        {"CTYPE1": "RA---TAB", "CTYPE2": "DEC--TAB", "PS1_0": "T"},
    ],
    ids=str,
)
def test_what_ends_the_process_in_wcslib_does_not_reach_it(tmp_path, cards):
    path = written(tmp_path, FORMS["cd"].cards | cards)
    image = read(str(path))
    assert image.wcs_unread
    with pytest.raises(ReadError, match=r"g\.fits: .*(WCS is not understood|no HDU)"):
        sky_by_astropy(image)
    (found,) = prepare([str(path)]).facts
    assert (found.error, found.ra) == (None, None)
    assert "wcs_unread" in found.flags


WORDS = [0, -1, 2, 1e300, -1e300, 1e-300, 999, 99999, 90.0, "", " ", "x", "J2000", "1e999", "nan",
         "RA---ZPN", "DEC--ZPN", "GLON-COP", "GLAT-COP", "ELON-TAN", "RA---HPX", "DEC--BON", "deg",
         "FK4", "1:2:3", True]  # fmt: skip
KEYS = sorted({key for form in FORMS.values() for key in form.cards} | {"PS1_0", "PV2_40", "AMDX1"})


@given(
    name=st.sampled_from(sorted(FORMS)),
    changes=st.dictionaries(st.sampled_from(KEYS), st.sampled_from(WORDS), max_size=4),
)
def test_no_header_is_more_than_a_refusal(name, changes):
    image = read(primary(np.zeros((9, 9)), 16, *(FORMS[name].cards | changes).items()))
    skies = [] if image.wcs is None else [image.wcs]
    with contextlib.suppress(ReadError):
        skies.append(sky_by_astropy(image))
    x, y = np.array([0.0, 8, -1e6]), np.array([0.0, 8, 1e6])
    for sky in skies:
        for pair in (sky.pixels_to_sky(x, y), (x, y)):
            assert np.shape(sky.sky_to_pixels(*pair)) == (2, 3)
    assert image.parity in (-1, 0, 1)


# --- Bands ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cd", "sip", "tpv", "fk4", "galactic"])
@pytest.mark.parametrize("ra", [0.0005, 359.9995, 180.0])
def test_bands_at_0h_lie_on_one_grid(tmp_path, name, ra):
    cards = FORMS[name].cards | {"CRVAL1": ra, "CRVAL2": -3.0}
    one = read(primary(np.zeros((180, 260)), -32, *cards.items()))
    assert sky_of(one) is not None
    moved = cards | {"CRVAL1": ra + 360}
    other = read(primary(np.zeros((180, 260)), -32, *moved.items()))
    assert on_one_grid([one, other, one])
    x = {"CRPIX1": cards["CRPIX1"] + 0.08}
    assert on_one_grid([one, read(primary(np.zeros((180, 260)), -32, *(cards | x).items()))])
    x = {"CRPIX1": cards["CRPIX1"] + 0.12}
    assert not on_one_grid([one, read(primary(np.zeros((180, 260)), -32, *(cards | x).items()))])


def test_bands_either_side_of_0h(tmp_path):
    """Two headers whose right ascensions of a corner are 359.99999 and 0."""
    paths = []
    for i, ra in enumerate((-1e-7, 0.0, 1e-7)):
        cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 1.0, "CRPIX2": 1.0,
                 "CRVAL1": ra % 360, "CRVAL2": 2.0, "CDELT1": -S, "CDELT2": S}  # fmt: skip
        write_fits(tmp_path / f"{i}.fits", galaxy(), **cards)
        paths.append(str(tmp_path / f"{i}.fits"))
    (found,) = prepare([tuple(paths)]).facts
    assert found.error is None
    assert found.ra is not None


@pytest.mark.parametrize("name", ["tpv", "fk4"])
def test_bands_of_other_fields_are_refused_whatever_their_projection(tmp_path, name):
    paths = []
    for i, off in enumerate((0.0, 0.0, 90.0)):
        cards = dict(FORMS[name].cards)
        cards["CRPIX2"] += off
        write_fits(tmp_path / f"{i}.fits", galaxy(), **cards)
        paths.append(str(tmp_path / f"{i}.fits"))
    (found,) = prepare([tuple(paths)]).facts
    assert "2.fits covers 0 % of" in found.error


# --- Nothing is printed -----------------------------------------------------------------------


def test_astropy_is_quiet_in_this_thread_and_as_before_afterwards(capsys):
    from astropy import log

    before = list(log.filters), list(warnings.filters)
    with quiet(), quiet():
        log.info("nothing of this")
        warnings.warn("nor of this", stacklevel=1)
    assert (list(log.filters), list(warnings.filters)) == before
    assert capsys.readouterr() == ("", "")
    level = log.level
    log.setLevel(logging.INFO)
    try:
        log.info("but of this")
    finally:
        log.setLevel(level)
    assert "but of this" in "".join(capsys.readouterr())

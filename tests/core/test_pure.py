"""Without the compiled core: the same pixels, cards and answers, slower, and said once."""

from __future__ import annotations

import gzip
import io
import os
from unittest import mock

import numpy as np
import pytest
from helpers import faults
from helpers.fits_files import (
    EMPTY_PRIMARY,
    extension,
    header,
    image_cards,
    primary,
    rice_encode,
    stored,
    tile_table,
)
from helpers.made import galaxy, rows, write_fits
from helpers.seeds import seeds
from helpers.stand_in import CLI, pure
from helpers.wcs_forms import FORMS, NONE, UNREAD, apart, by_astropy
from hypothesis import given
from hypothesis import strategies as st

from galedge.core import _core
from galedge.core import fallback as _fallback
from galedge.errors import GaledgeError, ReadError, TooLarge, Truncated, Unsupported
from galedge.images import formats
from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe

SCALINGS = {
    "none": [],
    "linear": [("BSCALE", 0.045777764213996), ("BZERO", 1500.0)],
    "blank": [("BLANK", 3)],
    "unsigned": [("BZERO", 1 << 15)],
}


def read_by(module, content, *, hdu=None, plane=None, window=None, double=False, limit=1 << 28):
    """Return what `galedge.read` reads where `module` is the core; perhaps by rustfits."""
    with mock.patch.object(formats, "_core", module):
        file = formats.open_source(memoryview(content), limit, hdu)
        return file.read(file.image(hdu), plane, window, double)


def both(content, **options):
    """Return what the core and its stand-in read."""
    return [read_by(module, content, **options) for module in (_core, _fallback)]


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("bitpix", [8, 16, 32, 64, -32, -64])
def test_pixels_are_those_of_the_core(bitpix, scaling, double):
    for shape in ((1, 1), (33, 65), (4, 31, 17), (1, 9, 8), (7, 1, 6)):
        content = primary(stored(bitpix, shape), bitpix, *SCALINGS[scaling])
        ours, expected = both(content, double=double)
        assert ours.dtype == expected.dtype
        np.testing.assert_array_equal(ours, expected)


def test_windows_planes_and_hdus_are_those_of_the_core():
    cube = stored(16, (3, 40, 30))
    content = EMPTY_PRIMARY + extension(cube, 16, ("EXTNAME", "SCI")) + extension(cube[0], 16)
    for options in ({"hdu": 2}, {"plane": 2}, {"window": (3, 5, 20, 10), "plane": 1}):
        ours, expected = both(content, **options)
        np.testing.assert_array_equal(ours, expected)
    expected, ours = (
        [
            (h.index, h.kind, h.name, h.bitpix, h.axes, h.shape, h.text, h.data_offset)
            for h in module.open_fits_buffer(content).hdus()
        ]
        for module in (_core, _fallback)
    )
    assert len(ours) == 3
    assert ours == expected


CARDS = [
    b"OBJECT  = 'It''s    '           / a name",
    b"EMPTY   =                      / nothing",
    b"NUMBER  =                  -17 / seventeen",
    b"BIG     = 99999999999999999999",
    b"REAL    =             1.25D+03",
    b"PAIR    = (1.0, -2.5)",
    b"TRUTH   =                    T",
    b"ODD     = what is this",
    b"LONG    = 'begun &'",
    b"CONTINUE  'and ended' / here",
    b"HIERARCH ESO DET ID = 'CCD 7'",
    b"COMMENT as it stands",
    b"HISTORY = no value",
    b"",
]


def test_cards_are_those_of_the_core():
    text = b"".join(card.ljust(80) for card in CARDS)
    assert _fallback.parse_cards(text) == _core.parse_cards(text)


WORDS = st.sampled_from([
    b"OBJECT  ", b"CONTINUE", b"HIERARCH ", b"COMMENT ", b"=", b"= ", b"'", b"''", b"&", b"/",
    b"T ", b"-1", b"1.5D3", b"(", b",", b")", b"7", b" ", b"       ", b"\xc3", b"\xa9", b"x", b"_0",
    b"inf", b"\0",
])  # fmt: skip


@given(st.lists(st.lists(WORDS, max_size=9).map(b"".join), max_size=4))
def test_no_card_is_another_for_the_core(cards):
    text = b"".join(card[:80].ljust(80) for card in cards)
    # As text, since NaN is not itself.
    assert repr(_fallback.parse_cards(text)) == repr(_core.parse_cards(text))
    assert _fallback.card_text(text, "OBJECT") == _core.card_text(text, "OBJECT")


@pytest.mark.parametrize("name", [name for name in FORMS if FORMS[name].in_core])
def test_coordinates_are_those_of_the_core(name):
    content = primary(np.zeros((180, 260)), 16, *FORMS[name].cards.items())
    ours, expected = (module.open_fits_buffer(content).image() for module in (_fallback, _core))
    assert ours.signs == expected.signs
    ours, expected = ours.wcs(), expected.wcs()
    for each in ("distorted", "sip_ignored", "sip_order", "crpix", "crval", "matrix", "lonpole"):
        np.testing.assert_allclose(getattr(ours, each), getattr(expected, each), atol=1e-18)
    assert ours.pixel_scale == pytest.approx(expected.pixel_scale)
    x, y = np.array([0.0, 100, 259]), np.array([0.0, -50, 170])
    for one, other in ((ours, expected), (ours.shifted(3, 4), expected.shifted(3, 4))):
        places = other.pixels_to_sky(x, y)
        assert apart(one.pixels_to_sky(x, y), places).max() < 1e-5
        assert apart(one.pixel_to_sky(x[1], y[1]), other.pixel_to_sky(x[1], y[1])) < 1e-5
        for with_sip in (True, False):
            assert np.abs(
                np.subtract(
                    one.sky_to_pixels(*places, with_sip), other.sky_to_pixels(*places, with_sip)
                )
            ).max() < 1e-4  # fmt: skip


@pytest.mark.parametrize("name", [name for name in FORMS if not FORMS[name].in_core])
def test_coordinates_that_are_not_are_as_those_by_astropy_beside_the_core(name):
    content = primary(np.zeros((180, 260)), 16, *FORMS[name].cards.items())
    ours, expected = (module.open_fits_buffer(content).image() for module in (_fallback, _core))
    assert ours.signs[:3] == expected.signs[:3]
    assert (ours.signs[3], expected.signs[3]) == (False, True)
    x, y = np.array([0.0, 100, 259]), np.array([0.0, 50, 170])
    assert apart(ours.wcs().pixels_to_sky(x, y), by_astropy(FORMS[name].truth, x, y)).max() < 1e-5


@pytest.mark.parametrize("cards", [*UNREAD.values(), *NONE.values()])
def test_foreign_coordinates_are_left_alone(cards):
    content = primary(np.zeros((4, 5)), -32, *cards.items())
    ours, expected = (module.open_fits_buffer(content).image() for module in (_fallback, _core))
    assert ours.wcs() is None is expected.wcs()
    assert ours.signs[1:] == expected.signs[1:]


def test_hostile_headers_are_refused_by_both():
    def image(**cards):
        geometry = {"SIMPLE": True, "BITPIX": 16, "NAXIS": 2, "NAXIS1": 9, "NAXIS2": 9} | cards
        return header(list(geometry.items())) + b"\0" * 2880

    whole = primary(np.zeros((60, 60)), -32)
    cases = {
        b"": Truncated,
        b"SIMP": Truncated,
        b"not an image" * 500: ReadError,
        whole[:2000]: Truncated,
        whole[:9000]: Truncated,
        whole[:80] + b" " * 80 * 20000: ReadError,
        image(SIMPLE=False): Unsupported,
        image(BITPIX=17): ReadError,
        image(NAXIS=999): Unsupported,
        image(NAXIS=-1): ReadError,
        image(NAXIS1=-9): ReadError,
        image(NAXIS1=0): ReadError,
        image(NAXIS1=1 << 40, NAXIS2=1 << 40): ReadError,
        image(NAXIS1=1 << 20, NAXIS2=1 << 20): TooLarge,
        gzip.compress(whole)[:-2000]: Truncated,
        gzip.compress(whole)[:10] + b"\xff" * 50: ReadError,
    }
    for content, kind in cases.items():
        for module in (_core, _fallback):
            with pytest.raises(kind):
                read_by(module, content)


@pytest.mark.parametrize("codec", ["RICE_1", "GZIP_1", "GZIP_2"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_tiles_are_those_of_the_core(codec, dtype):
    from astropy.io import fits

    cube = np.stack([galaxy(side=40, seed=seed) for seed in range(3)])
    cube[1, 5:9] = np.nan if dtype.startswith("float") else 7
    for tile in ((1, 1, 40), (2, 7, 11), (3, 40, 40)):
        stream = io.BytesIO()
        options = {"quantize_method": 2} if dtype.startswith("float") else {}
        image = cube.astype(dtype)
        fits.CompImageHDU(image, compression_type=codec, tile_shape=tile, **options).writeto(stream)
        for options in ({}, {"plane": 1}, {"window": (9, 8, 25, 13)}, {"double": True}):
            ours, expected = both(stream.getvalue(), **options)
            np.testing.assert_array_equal(ours, expected)


def test_blank_means_nothing_among_quantized_floats():
    tiles = [rice_encode(row, 32) for row in np.array([[1, 2, 3], [4, -9, 6]])]
    scales = [("ZSCALE", "D", [0.5, 2.0]), ("ZZERO", "D", [0.0, 1.0])]
    cards = image_cards("RICE_1", -32, (2, 3), (1, 3), ("BLANK", -9))
    ours, expected = both(tile_table(cards, [("COMPRESSED_DATA", "B", tiles), *scales]))
    np.testing.assert_array_equal(ours, expected)
    assert np.isfinite(ours).all()


def test_what_may_be_in_a_file_is_read_as_the_core_does():
    for name, content in seeds().items():
        if name != "groups":
            ours, expected = both(content)
            np.testing.assert_array_equal(ours, expected, err_msg=name)


def rice(*tiles, shape=(4, 32), **cards):
    """Return a RICE_1 image of 16 bits, one tile a row unless told otherwise."""
    extra = {"ZNAME1": "BYTEPIX", "ZVAL1": 2, **cards}
    tile = (shape[0] // len(tiles), shape[1])
    head = image_cards("RICE_1", 16, shape, tile, *extra.items())
    return tile_table(head, [("COMPRESSED_DATA", "B", list(tiles))])


def test_a_damaged_rice_stream_ends_no_process():
    # Zeros as behind a download that broke off: CFITSIO, astropy's too, reads on past them.
    for size in (30_000, 131_072, 600_000):
        content = rice(b"\0\0\x10" + bytes(size), shape=(1000, 1000))
        with pytest.raises(ReadError, match="tile 1 ends before its 1000000 pixels do"):
            read_by(_core, content)
        with pytest.raises(ReadError, match="the RICE_1 tiles are damaged"):
            read_by(_fallback, content)


def test_few_bytes_do_not_make_memory_for_many_pixels():
    content = rice(rice_encode(np.arange(32), 16), shape=(16_000, 16_000))
    before = faults.reset_peak()
    for module in (_core, _fallback):
        with pytest.raises(ReadError):
            read_by(module, content)
    assert faults.peak() - before < faults.MOST_BYTES


def test_every_cut_of_a_rice_stream_is_noticed():
    row = np.random.default_rng(0).integers(-900, 900, 32)
    good = rice_encode(row, 16)
    np.testing.assert_array_equal(read_by(_fallback, rice(good, shape=(1, 32))), row[None])
    for end in range(1, len(good)):
        with pytest.raises(ReadError):
            read_by(_fallback, rice(good[:end], shape=(1, 32)))


def test_a_gzipped_tile_inflates_to_its_pixels_and_no_further():
    cards = image_cards("GZIP_1", 16, (10, 10), (10, 10))
    good = gzip.compress(bytes(200))
    bomb = gzip.compress(bytes(100 << 20))
    two_bytes = ("ZNAME1", "BYTEPIX"), ("ZVAL1", 2)
    instead = image_cards("RICE_1", 16, (10, 10), (10, 10), *two_bytes)

    def files(tile):
        yield tile_table(cards, [("COMPRESSED_DATA", "B", [tile])])
        yield tile_table(
            instead, [("COMPRESSED_DATA", "B", [b""]), ("GZIP_COMPRESSED_DATA", "B", [tile])]
        )

    before = faults.reset_peak()
    for tile in (bomb, good[:-9], b"no gzip", gzip.compress(bytes(199))):
        for content in files(tile):
            with pytest.raises(ReadError, match=r"tile 1|expected 200 decompressed bytes, got 199"):
                read_by(_fallback, content)
    for content in files(good + bomb):
        ours, expected = both(content)
        np.testing.assert_array_equal(ours, expected)
    assert faults.peak() - before < faults.MOST_BYTES


def test_what_rustfits_would_take_for_something_else_is_refused():
    quantized = image_cards("GZIP_1", -32, (2, 3), (2, 3), ("ZQUANTIZ", "SUBTRACTIVE_DITHER_1"))
    tiles = ("COMPRESSED_DATA", "B", [gzip.compress(bytes(24))])
    scales = [("ZSCALE", "D", [0.5]), ("ZZERO", "D", [1.0])]
    for seed in (-5, 0, 1 << 40):  # an index into a table of 10,000
        content = tile_table([*quantized, ("ZDITHER0", seed)], [tiles, *scales])
        with pytest.raises(ReadError, match="ZDITHER0"):
            read_by(_fallback, content)
    with pytest.raises(Unsupported, match="one ZSCALE for all"):
        read_by(_fallback, tile_table([*quantized, ("ZSCALE", 0.5)], [tiles]))
    wide = ("COMPRESSED_DATA", "B", [gzip.compress(bytes(48))])
    with pytest.raises(ReadError, match="expected 24 decompressed bytes, got 48"):
        read_by(_fallback, tile_table(quantized, [wide, *scales]))
    # Behind the heap there are zeros up to the end of a block, which RICE_1 takes for pixels.
    content = rice(rice_encode(np.arange(32), 16), shape=(1, 32))
    assert b"PCOUNT  =" in content
    at = content.rindex(b"PCOUNT  =")
    content = content[:at] + b"PCOUNT  =                    3".ljust(80) + content[at + 80 :]
    for module in (_core, _fallback):
        with pytest.raises(ReadError, match="tile 1 points outside the heap of 3 bytes"):
            read_by(module, content)


@pytest.mark.parametrize("codec", ["GZIP_1", "GZIP_2"])
@pytest.mark.parametrize(("bitpix", "kind"), [(16, "i4"), (32, "i2"), (8, "i4"), (64, "i4")])
def test_integers_may_be_stored_wider_or_narrower(codec, bitpix, kind):
    # CFITSIO's of before, too: astropy has such a file among its tests.
    image = np.random.default_rng(0).integers(0, 120, (3, 7))
    tiles = []
    for row in image.astype(f">{kind}"):
        each = np.frombuffer(row.tobytes(), "u1").reshape(7, -1)
        tiles.append(gzip.compress((each.T if codec == "GZIP_2" else each).tobytes()))
    cards = image_cards(codec, bitpix, (3, 7), (1, 7), ("BSCALE", 0.3))
    ours, expected = both(tile_table(cards, [("COMPRESSED_DATA", "B", tiles)]), double=True)
    np.testing.assert_array_equal(ours, expected)


def test_without_a_word_on_it_rice_has_samples_of_four_bytes():
    row = np.random.default_rng(0).integers(-900, 900, (1, 32))
    content = tile_table(
        image_cards("RICE_1", 16, (1, 32), (1, 32)),
        [("COMPRESSED_DATA", "B", [rice_encode(row[0], 32)])],
    )
    for pixels in both(content):
        np.testing.assert_array_equal(pixels, row)


def test_a_window_of_a_compressed_image_is_cut_from_the_whole():
    good = rice_encode(np.arange(32), 16)
    content = rice(good, good[:3], good, good)
    window = (3, 2, 4, 2)
    assert read_by(_core, content, window=window).shape == (2, 4)
    with pytest.raises(ReadError, match="the RICE_1 tiles are damaged"):
        read_by(_fallback, content, window=window)
    with pytest.raises(TooLarge, match="128 pixels are more than 100"):
        read_by(_fallback, content, window=window, limit=100)


def some_files(folder):
    """Write files of many sorts, each of which takes another turn somewhere."""
    from astropy.io import fits

    def parts(name, *hdus):
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(folder / name)

    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0}
    cards |= {"CD1_1": -1e-4, "CD2_2": 1e-4}
    write_fits(folder / "a.fits", galaxy(), OBJECT="NGC 1", **{"DATE-OBS": "2024-01-01"}, **cards)
    planes = np.stack([galaxy(seed=i) for i in range(3)])
    write_fits(folder / "b.fits", planes)
    write_fits(folder / "bands.fits", planes, BANDS="grz")
    write_fits(folder / "beside.fits", np.moveaxis(planes, 0, -1))
    write_fits(folder / "asinh.fits", galaxy(), BSOFTEN=1.0, BOFFSET=0.0)
    write_fits(folder / "blank.fits", np.zeros((20, 20), np.float32))
    write_fits(folder / "cube.fits", np.stack([galaxy()] * 5))
    write_fits(folder / "dark.fits", galaxy(), IMAGETYP="Dark Frame")
    write_fits(folder / "mosaic.fits", galaxy(), BAYERPAT="RGGB")
    write_fits(folder / "picture.fits", galaxy().clip(0, 255).astype(np.uint8), ROWORDER="TOP-DOWN")
    write_fits(folder / "sip.fits", galaxy(), A_ORDER=2, A_2_0=1e-4, B_ORDER=2, **cards)
    names = ("WHT", "SCI", "DQ", "ERR", "SCI")
    parts("parts.fits", *(fits.ImageHDU(galaxy(seed=i), name=n) for i, n in enumerate(names)))
    parts("packed.fits.fz", fits.CompImageHDU(galaxy(), compression_type="RICE_1"))
    content = (folder / "a.fits").read_bytes()
    (folder / "c.fits.gz").write_bytes(gzip.compress(content))
    (folder / "cut.fits").write_bytes(content[:9000])
    (folder / "none.fits").write_bytes(b"no image" * 500)
    os.mkfifo(folder / "pipe.fits")
    return sorted(folder.iterdir())


@pytest.mark.parametrize("options", [{}, {"plane": 0}, {"hdu": 1}, {"any_kind": True}], ids=str)
def test_batches_are_those_of_the_core(tmp_path, monkeypatch, options):
    paths = some_files(tmp_path)
    expected = prepare(paths, threads=2, **options)
    for module in faults.READERS:
        monkeypatch.setattr(module, "_core", _fallback)
    ours = prepare(paths, threads=2, **options)
    for one, other in zip(ours.facts, expected.facts, strict=True):
        if "none.fits" not in one.path or one.error is None:  # perhaps it is no FITS, Python says
            assert one.error == other.error, one.path
        numbers = ("x", "y", "side", "ra", "dec", "sky", "noise", "masked_fraction")
        for name in numbers if other.error is None else ():
            value = getattr(other, name)
            assert getattr(one, name) == (value if value is None else pytest.approx(value, 1e-5))
        for name in ("path", "hdu", "object", "date_obs", "flags", "mirrored", "handedness"):
            if other.error is None:
                assert getattr(one, name) == getattr(other, name), (one.path, name)
    assert np.abs(ours.pixels.astype(int) - expected.pixels).max() <= 1


def test_floats_are_those_of_the_core_but_for_rounding():
    found = []
    for module in (_core, _fallback):
        out = np.empty((1, 3, 64, 64), np.float32)
        recipe = module.Recipe(**Recipe().to_json())
        module.prepare_arrays([galaxy()[None]], [False], recipe, out)
        found.append(out)
    np.testing.assert_allclose(found[1], found[0], atol=1.5 / 255)
    assert found[1].max() <= 1


# --- The whole, in a process where the core cannot be imported ---------------------------------


def test_the_command_classifies_and_says_that_it_is_slow(galedge, night, bundle):
    arguments = ("classify", night, night / "g0.fits", "--model", bundle)
    expected = rows(galedge(*arguments).stdout)
    process = pure(CLI, *arguments)
    assert process.returncode == 0
    lines = process.stderr.splitlines()
    assert len(lines) == 2
    assert "no compiled core" in lines[0]
    assert "install a wheel" in lines[0]
    for ours, theirs in zip(rows(process.stdout), expected, strict=True):
        assert ours["label"] == theirs["label"]
        assert float(ours["probability"]) == pytest.approx(float(theirs["probability"]), abs=0.01)
    assert pure(CLI, *arguments, "-q").stderr == ""


def test_python_is_warned_once():
    code = "import galedge.image, galedge.images.prepare, galedge.images.header"
    process = pure(code)
    assert process.returncode == 0
    assert process.stderr.count("RuntimeWarning: this galedge has no compiled core") == 1
    assert pure("import galedge, galedge.cli").stderr == ""


def test_without_numba_the_remedy_is_told(night, bundle):
    process = pure(CLI, "classify", night, "--model", bundle, hide=["numba"])
    assert process.returncode == 1
    assert "Traceback" not in process.stderr
    assert "pip install 'galedge[measure]'" in process.stderr.splitlines()[-1]
    assert GaledgeError.__name__ not in process.stderr


def test_what_is_missing_for_a_file_is_named(tmp_path):
    from astropy.io import fits

    fits.CompImageHDU(galaxy(), compression_type="RICE_1").writeto(tmp_path / "rice.fits")
    write_fits(tmp_path / "wcs.fits", galaxy(), CTYPE1="RA---TAN", CTYPE2="DEC--TAN")
    write_fits(tmp_path / "plain.fits", galaxy())
    code = (
        "import galedge\nfor name in sys.argv[1:]:\n"
        "    try:\n"
        "        image = galedge.read(name)\n"
        "        if image.wcs: image.wcs.pixel_to_sky(1, 1)\n"
        "        print(image.data.shape)\n"
        "    except galedge.GaledgeError as error: print(error)"
    )
    paths = [tmp_path / f"{name}.fits" for name in ("plain", "wcs", "rice")]
    shape = "(64, 64)"
    assert pure(code, *paths, hide=["numba"]).stdout.splitlines() == [shape] * 3
    plain, wcs, rice = pure(code, *paths, hide=["astropy"]).stdout.splitlines()
    assert (plain, rice) == (shape, shape)
    assert wcs.endswith("which is not installed: pip install 'galedge[tables]'")
    plain, wcs, rice = pure(code, *paths, hide=["rustfits"]).stdout.splitlines()
    assert (plain, wcs) == (shape, shape)
    assert rice.endswith("is compressed by RICE_1, which needs rustfits: pip install rustfits")


def test_a_night_of_compressed_files_needs_rustfits(night, tmp_path, bundle):
    from astropy.io import fits

    fits.CompImageHDU(galaxy(), compression_type="RICE_1").writeto(tmp_path / "rice.fits")
    arguments = (
        CLI,
        "classify",
        tmp_path / "rice.fits",
        night / "g0.fits",
        "--model",
        bundle,
        "-q",
    )
    (packed, plain) = rows(pure(*arguments).stdout)
    assert (packed["status"], plain["status"]) == ("ok", "ok")
    (packed, plain) = rows(pure(*arguments, hide=["rustfits"]).stdout)
    assert (packed["status"], plain["status"]) == ("error", "ok")
    assert "pip install rustfits" in packed["error"]

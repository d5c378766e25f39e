"""Header cards: values as astropy reads them, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy.io import fits as astropy_fits
from helpers.fits_files import card, header, padded
from hypothesis import example, given
from hypothesis import strategies as st

from galedge.core import _core, fallback
from galedge.errors import ReadError, Truncated, Unsupported
from galedge.images.image import Header, read

IMAGE = [("SIMPLE", True), ("BITPIX", 16), ("NAXIS", 2), ("NAXIS1", 3), ("NAXIS2", 2)]
PIXELS = padded(np.arange(6, dtype=">i2").tobytes())


def text_of(*cards: str) -> bytes:
    return b"".join(c.ljust(80).encode("latin-1") for c in cards)


def value_of(field: str) -> object:
    return _core.parse_cards(text_of(f"KEY     = {field}"))[0][1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("                   T", True),
        ("F / no", False),
        ("                  42 / answer", 42),
        ("+0042", 42),
        ("-7", -7),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", float(2**63)),
        ("1.5", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5E+2", -50.0),
        ("1.25D-3", 1.25e-3),
        ("1d2", 100.0),
        ("3.40282347E+38", 3.40282347e38),
        ("1E400", float("inf")),
        ("-1E-400", -0.0),
        ("'text'", "text"),
        ("'it''s'   / comment", "it's"),
        ("'a / b'", "a / b"),
        ("'  keep leading, not trailing   '", "  keep leading, not trailing"),
        ("''", ""),
        ("'no end", "no end"),
        ("(1.0, -2)", 1 - 2j),
        ("", None),
        ("/ only a comment", None),
        ("nonsense 12", "nonsense 12"),
        ("1.2.3", "1.2.3"),
        ("--5", "--5"),
        ("0x10", "0x10"),
        ("inf", "inf"),
    ],
)
def test_values(field, value):
    found = value_of(field)
    assert found == value
    assert type(found) is type(value)


def test_value_that_fills_the_card_to_its_end():
    assert value_of("'" + "x" * 68 + "'") == "x" * 68
    assert value_of("'" + "x" * 69) == "x" * 69
    assert value_of("1" * 70) == float("1" * 70)


def test_every_byte_can_be_shown():
    found = _core.parse_cards(text_of("KEY     = 'caf\xe9\x00\xff'"))
    assert found == [("KEY", "caf\xe9\x00\xff")]


def test_continue_joins_long_strings():
    cards = text_of("LONG    = 'abc&'", "CONTINUE  'def&'", "CONTINUE  ''    / end", "NEXT    = 1")
    assert _core.parse_cards(cards) == [("LONG", "abcdef"), ("NEXT", 1)]
    # An ampersand without a CONTINUE card is just an ampersand.
    assert _core.parse_cards(text_of("A       = 'x&'", "B       = 2"))[0] == ("A", "x&")
    assert _core.parse_cards(text_of("A       = 'x&'", "CONTINUE  7"))[0] == ("A", "x&")
    assert _core.parse_cards(text_of("A       = 'x&'")) == [("A", "x&")]


def test_hierarch_and_commentary():
    cards = text_of(
        "HIERARCH ESO DET CHIP1 ID = 'ccd&'",
        "CONTINUE  '-42'",
        "HIERARCH no value here",
        "COMMENT one = 1",
        "COMMENT ==== not a value ====",
        "HISTORY two",
        "        three",
        "NOVALUE",
    )
    assert _core.parse_cards(cards) == [
        ("ESO DET CHIP1 ID", "ccd-42"),
        ("HIERARCH", " no value here"),
        ("COMMENT", "one = 1"),
        ("COMMENT", "==== not a value ===="),
        ("HISTORY", "two"),
        ("", "three"),
        ("NOVALUE", ""),
    ]


def test_header_is_a_mapping():
    cards = header([*IMAGE, ("OBJECT", "M 51"), ("OBJECT", "second"), ("FILTER", "r")])[
        : 8 * 80
    ] + text_of("COMMENT first", "HISTORY did", "COMMENT second")
    mapping = Header(cards)
    assert mapping["object"] == "M 51"
    assert mapping["COMMENT"] == "first\nsecond"
    assert mapping["HISTORY"] == "did"
    assert "NAXIS3" not in mapping
    assert mapping.get("NAXIS3", 1) == 1
    assert len(mapping) == len(list(mapping)) == 9
    assert repr(mapping) == "<Header: 11 cards>"
    with pytest.raises(TypeError):
        mapping["OBJECT"] = "x"  # type: ignore[index]


printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


@given(
    st.one_of(
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        printable,
    )
)
@example("'/")
def test_what_astropy_writes_is_read_back(value):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        written = astropy_fits.Card("KEY", value)
        text = str(written).encode("ascii")
        expected = astropy_fits.Header.fromstring(text)["KEY"]
    found = _core.parse_cards(text)[0][1]
    if isinstance(value, str) and found != expected:
        expected = value.rstrip(" ")  # astropy loses what follows a quote and a slash
    assert found == expected
    assert type(found) is type(expected)


@given(st.binary(max_size=80))
def test_any_bytes_make_a_card(content):
    cards = _core.parse_cards(content.ljust(80, b" "))
    assert len(cards) == 1


# --- headers that are refused -----------------------------------------------------


def with_card(keyword: str, value: object) -> bytes:
    cards = [(k, value if k == keyword else v) for k, v in IMAGE]
    if keyword not in dict(IMAGE):
        cards.append((keyword, value))
    return header(cards) + PIXELS


@pytest.mark.parametrize(
    ("keyword", "value", "error", "message"),
    [
        ("BITPIX", 12, ReadError, "BITPIX = 12 is none of 8, 16, 32, 64, -32, -64"),
        ("BITPIX", 16.0, ReadError, "BITPIX is not an integer"),
        ("NAXIS", 999, Unsupported, "NAXIS = 999: more than 9 axes are not read"),
        ("NAXIS", -1, ReadError, "NAXIS = -1 is not 0 to 999"),
        ("NAXIS", 2**63 - 1, ReadError, "is not 0 to 999"),
        ("NAXIS", 3, ReadError, "the header has no NAXIS3"),
        ("NAXIS1", -3, ReadError, "NAXIS1 = -3 is negative"),
        ("NAXIS1", "3", ReadError, "NAXIS1 is not an integer"),
        ("NAXIS1", 2**63 - 1, ReadError, "multiply to more than 2\\^63 bytes"),
        ("NAXIS1", 2**63, ReadError, "NAXIS1 is not an integer"),
        ("NAXIS1", 0, ReadError, "no image in the file"),
        ("BSCALE", "two", ReadError, "BSCALE is not a number"),
        ("BZERO", True, ReadError, "BZERO is not a number"),
        ("SIMPLE", False, Unsupported, "SIMPLE = F"),
    ],
)
def test_refusals(keyword, value, error, message):
    with pytest.raises(error, match=message) as caught:
        read(with_card(keyword, value))
    assert type(caught.value) is error


def test_no_naxis_at_all():
    with pytest.raises(ReadError, match="the header has no NAXIS"):
        read(header([("SIMPLE", True), ("BITPIX", 8)]))


def test_header_without_end():
    cut = header(IMAGE, end=False) + PIXELS
    with pytest.raises(Truncated, match=r"ends inside a header \(no END card\)"):
        read(cut)
    endless = header(IMAGE, end=False) + b" " * (1 << 25)
    with pytest.raises(ReadError, match="no END card in the first 16 MiB of a header") as caught:
        read(endless)
    assert type(caught.value) is ReadError


@pytest.mark.parametrize("module", [_core, fallback], ids=["core", "stand-in"])
@pytest.mark.parametrize("end", [b"END\0\0\0", b"END\r\n", b"END\0     no more"])
@pytest.mark.parametrize("blank", [b" ", b"\0"])
def test_headers_that_are_filled_up_otherwise(module, end, blank):
    """With NUL, or as lines of text; CFITSIO and astropy read such, too."""
    cards = b"".join(card(*each).rstrip().ljust(80, blank) for each in IMAGE) + end
    file = module.open_fits_buffer(memoryview(cards.ljust(2880, blank) + PIXELS), 1 << 20)
    image = file.image(None)
    assert image.data_offset == 2880
    np.testing.assert_array_equal(file.read(image, None, None, False), [[0, 1, 2], [3, 4, 5]])


def test_a_word_that_begins_like_the_end_is_a_card():
    content = header([*IMAGE, ("ENDX", 1), ("END_", 2)]) + PIXELS
    np.testing.assert_array_equal(read(content).data, [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize("blocks", [1, 2, 3, 5, 8, 60, 300, 1300])
def test_long_headers(tmp_path, blocks):
    comments = [("COMMENT", f"{i}") for i in range(36 * (blocks - 1))]
    content = header([*IMAGE, *comments]) + PIXELS
    assert len(content) == (blocks + 1) * 2880
    path = tmp_path / "long.fits"
    path.write_bytes(content)
    for source in (content, path):
        np.testing.assert_array_equal(read(source).data, [[0, 1, 2], [3, 4, 5]])


def test_end_as_the_last_card_of_a_block():
    content = header([*IMAGE, *[("X", 1)] * 30])
    assert content[35 * 80 : 35 * 80 + 3] == b"END"
    np.testing.assert_array_equal(read(content + PIXELS).data, [[0, 1, 2], [3, 4, 5]])


def test_checksums(tmp_path):
    path = tmp_path / "sums.fits"
    hdus = astropy_fits.HDUList(
        [astropy_fits.PrimaryHDU(), astropy_fits.ImageHDU(np.arange(5000.0).reshape(50, 100))]
    )
    hdus.writeto(path, checksum=True)
    content = bytearray(path.read_bytes())
    file = _core.open_fits_buffer(content)
    assert [file.verify(hdu) for hdu in file.hdus()] == [(True, True), (True, True)]
    content[-3000] ^= 1  # in the pixels
    file = _core.open_fits_buffer(bytes(content))
    assert [file.verify(hdu) for hdu in file.hdus()] == [(True, True), (False, False)]
    content[-3000] ^= 1
    content[2880 + 30 * 80 + 40] ^= 1  # in a header
    file = _core.open_fits_buffer(bytes(content))
    assert [file.verify(hdu) for hdu in file.hdus()] == [(True, True), (True, False)]
    plain = _core.open_fits_buffer(header(IMAGE) + PIXELS)
    assert plain.verify(plain.image()) == (None, None)


def test_card_helper_writes_what_the_standard_says():
    assert card("NAXIS", 2) == b"NAXIS   =                    2".ljust(80)

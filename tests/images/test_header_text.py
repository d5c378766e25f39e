"""Header text is decoded in one place: the same on every way to a row, and never fatally."""

from __future__ import annotations

import bz2
import gzip
import io

import numpy as np
import pytest
from astropy.io import fits as astropy_fits
from helpers.fits_files import BLOCK, card, padded
from helpers.frames_made import TAN
from helpers.made import galaxy, rows
from helpers.nights import _rows as json_rows
from helpers.stand_in import CLI, pure

from galedge.answers.bands import classify_groups, parse_bands
from galedge.answers.classifier import Classifier
from galedge.answers.measure import Measurer
from galedge.core import _core, fallback
from galedge.images.header import Header
from galedge.images.image import describe, read
from galedge.images.prepare import prepare

# What programs write behind OBJECT or DATE-OBS, and what a row shows.
TEXTS = {
    b"'M 31    '": "M 31",
    b"'N\xe9buleuse d\xb4Orion'": "Nébuleuse d´Orion",  # Latin-1
    "'Galaxie d’Andromède'".encode(): "Galaxie d’Andromède",
    b"'\xcc31 \xd2\xf3\xec\xe0'": "Ì31 Òóìà",  # cp1251, taken as Latin-1
    b"'\xed\xa0\x80'": "í\xa0\x80",  # a surrogate, which is no UTF-8
    b"'\xc0\xaf \xf5\x80\x80\x80'": "À¯ õ\x80\x80\x80",  # overlong, and beyond Unicode
    b"                 224 / a number": "224",
    b"             2.50E+02": "2.50E+02",
    b"                   T": "T",
    b"          (1.0, -2)  / a pair": "(1.0, -2)",
    b" M31 / no quotes": "M31",
    b"": "",
    b" / a comment alone": "",
    b"'it''s / here' / a comment": "it's / here",
    b"'Barnard&'": "Barnard&",  # with nothing to continue it
}
LONG = [b"OBJECT  = 'a name of two cards \xc3&'", b"CONTINUE  '\xa9 here'"]


def content(*cards: bytes) -> bytes:
    """A FITS file of one galaxy, with cards as they are given."""
    image = galaxy()
    axes = {"NAXIS": 2, "NAXIS1": image.shape[1], "NAXIS2": image.shape[0]}
    head = [card(*pair) for pair in {"SIMPLE": True, "BITPIX": -32, **axes, **TAN}.items()]
    text = b"".join(line.ljust(80) for line in [*head, *cards, b"END"])
    text = text.ljust(-(-len(text) // BLOCK) * BLOCK)
    return text + padded(image.astype(">f4").tobytes())


def compressed(plain: bytes) -> bytes:
    """The same with tiles by Rice; astropy would replace what is no ASCII, so it is put back."""
    out = io.BytesIO()
    data = astropy_fits.CompImageHDU(galaxy(), compression_type="RICE_1")
    data.header["OBJECT"] = "x"
    data.writeto(out)
    at = plain.index(b"OBJECT  =")
    whole = out.getvalue()
    return whole.replace(whole[(i := whole.index(b"OBJECT  =")) : i + 80], plain[at : at + 80], 1)


@pytest.mark.parametrize("value", TEXTS, ids=[repr(t)[:24] for t in TEXTS.values()])
def test_every_way_gives_the_same_text(tmp_path, bundle, value):
    line = b"OBJECT  = " + value
    plain = content(line, b"DATE-OBS= " + value)
    files = {
        "a.fits": plain,
        "a.fits.gz": gzip.compress(plain, 1),
        "a.fits.bz2": bz2.compress(plain),
        "a.fits.fz": compressed(plain),
        "a.dat": plain,  # which Python reads for the core
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    paths = [tmp_path / name for name in files]
    told = [facts.object for facts in prepare([*paths, plain, read(plain)]).facts]
    told += [
        facts.object for facts in prepare([paths[0], (plain, plain, plain)], verify=True).facts
    ]
    told += [result.object or "" for result in Classifier(bundle).stream(paths)]
    (group,) = classify_groups(Classifier(bundle), [parse_bands(",".join(map(str, paths[:3])))])
    told += [group.object or "", read(plain).header.shown("OBJECT")]
    told += [Measurer().measure(path).object or "" for path in paths[:1]]
    told += [module.card_text(line.ljust(80), "OBJECT") for module in (_core, fallback)]
    assert told == [TEXTS[value]] * len(told)
    assert prepare(paths[:3]).facts[0].date_obs == TEXTS[value]


def test_a_character_may_go_over_two_cards():
    text = b"".join(card.ljust(80) for card in LONG)
    for module in (_core, fallback):
        assert module.card_text(text, "OBJECT") == "a name of two cards é here"
        assert module.parse_cards(text) == [("OBJECT", "a name of two cards é here")]


def test_names_and_comments_of_any_bytes_are_shown():
    plain = content(
        b"EXTNAME = 'b\xfccher'", b"COMMENT \xff", b"\xe9T\xe9     = 1", b"HISTORY \xc3\xa9"
    )
    (part,) = describe(plain)
    assert part.name == "bücher"
    assert (part.header["COMMENT"], part.header["HISTORY"]) == ("ÿ", "é")
    assert "éTé" in list(part.header)
    assert [h.name for h in fallback.open_fits_buffer(plain).hdus()] == ["bücher"]
    assert describe(content(b"EXTNAME = 7"))[0].name == "7"


def test_a_message_that_quotes_a_header_is_a_row(tmp_path, bundle):
    (tmp_path / "a.fits").write_bytes(content(b"BSCALE  = 'une \xe9chelle'", b"OBJECT  = '\xe9'"))
    result = Classifier(bundle).classify(tmp_path / "a.fits")
    assert result.error == "BSCALE is not a number: \"BSCALE  = 'une échelle'\""


def test_a_night_of_such_files_has_all_its_rows(galedge, tmp_path, bundle):
    folder = tmp_path / "in"
    folder.mkdir()
    for i, value in enumerate(TEXTS):
        (folder / f"{i:02}.fits").write_bytes(content(b"OBJECT  = " + value))
    expected = list(TEXTS.values())
    process = galedge("classify", folder, "--model", bundle, "-q", "-o", "t.jsonl", "--resume")
    assert (process.returncode, process.stderr) == (0, "")
    assert [row["object"] or "" for row in json_rows(tmp_path / "t.jsonl")] == expected
    process = galedge("classify", folder, "--model", bundle, "-q", "--verify")
    assert [row["object"] for row in rows(process.stdout)] == expected
    process = galedge("watch", folder, "--model", bundle, "-q", "-o", "n.jsonl", "--once")
    assert process.returncode == 0
    found = {row["path"]: row["object"] or "" for row in json_rows(tmp_path / "n.jsonl")}
    assert [found[name] for name in sorted(found)] == expected
    process = pure(CLI, "classify", folder, "--model", bundle, "-q")
    assert [row["object"] for row in rows(process.stdout)] == expected


def test_frames_show_the_same_date(galedge, tmp_path, bundle):
    for i, value in enumerate(TEXTS):
        (tmp_path / f"{i:02}.fits").write_bytes(content(b"DATE-OBS= " + value))
    (tmp_path / "s.csv").write_text("x,y\n31.5,31.5\n")
    paths = sorted(tmp_path.glob("*.fits"))
    process = galedge("classify", *paths, "--catalog", "s.csv", "--model", bundle, "-q")
    assert [row["date_obs"] for row in rows(process.stdout)] == list(TEXTS.values())
    process = galedge("cutout", paths[1], "--catalog", "s.csv", "-o", "cut", "--size", "32")
    (row,) = rows(process.stdout)
    assert row["status"] == "ok"
    assert np.isfinite(read(tmp_path / row["path"]).data).all()


def test_every_keyword_that_a_header_lists_is_found_in_it():
    small = b"gain    =                  1.5".ljust(80)  # against the standard, but written
    text = card("SIMPLE", True) + small + card("GAIN", 2) + b"HIERARCH eso det = 3".ljust(80)
    found = Header(text)
    assert dict(found) == {"SIMPLE": True, "gain": 1.5, "GAIN": 2, "eso det": 3}
    assert (found["gain"], found["GAIN"], found["Gain"]) == (1.5, 2, 2)

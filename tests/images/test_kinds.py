"""What is no image of the sky is refused, by whatever way it comes, unless one insists."""

from __future__ import annotations

import bz2
import gzip
import io

import numpy as np
import pytest
from helpers.made import galaxy, rows, write_fits

from galedge.answers.classifier import Classifier
from galedge.answers.measure import Measurer
from galedge.core import _core, fallback
from galedge.images.image import read
from galedge.images.kinds import CARDS, kind_of
from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe

fits = pytest.importorskip("astropy.io.fits")

SKY = (
    *("Light Frame", "LIGHT", "object", "OBJECT,SKY", "EXT", "science", "engineering", "IMAGING"),
    *(
        "red",
        "221",
        "sky",
        "EXPOSE",
        "TARGET",
        "STANDARD",
        "NRC_IMAGE",
        "focus",
        "test",
        "Flattened",
    ),
    *("flat-fielded object", "dark subtracted", "bias corrected light", "Tricolor"),
)
CALIBRATION = {
    "a dark frame": ("Dark Frame", "DARK", "master dark", "DARKFLAT", "NRC_DARK", "FlatDark"),
    "a bias frame": ("Bias Frame", "BIAS", "zero", "ZERO", "MasterBias", "Offset Frame"),
    "a flat field": (
        *("FLAT", "Flat Field", "domeflat", "dome flat", "SKY FLAT", "FLAT,SKY", "FLAT,LAMP"),
        *("LAMPFLAT", "dflat", "sflat", "twilight flat", "MasterFlat", "MIR_FLATIMAGE"),
    ),
}
PLANES = (
    *("WHT", "WEIGHT", "WHT_1", "Weight Map", "weight_map", "wtmap", "ANCILLARY.WEIGHTMAP", "WGT"),
    *("DQ", "dqmask", "MASK", "MSK", "maskbits", "BADPIX", "SCI_MASK", "CCDID.FLG", "D2IMARR"),
    *("ERR", "SCI_ERR", "VARIANCE", "VAR_POISSON", "invvar", "IVAR", "CCDID.RMS", "uncertainty"),
    *("EXP", "expmap", "CTX", "TIME", "PSF", "SEGM", "seg", "SEGMAP", "Segmentation"),
)
PICTURES = (
    *("SCI", "IMAGE", "PRIMARY", "N10", "CCD3", "COMPRESSED_IMAGE", "SCIENCE.IMAGE", "MODEL"),
    *("masked_sci", "TIMES", "Expanded", "variable", "DET1.CHIP1", "amp_errored", "mystery"),
    "segment 3",
)


def test_words_of_observatories():
    for value in SKY:
        assert kind_of([("IMAGETYP", value)]) is None, value
    for what, values in CALIBRATION.items():
        for value in values:
            kind = kind_of([("OBSTYPE", value)])
            assert kind is not None, value
            assert (kind.what, kind.is_plane) == (what, False), value
    for value in PLANES:
        kind = kind_of([("EXTNAME", value)])
        assert kind is not None, value
        assert kind.is_plane, value
    for value in PICTURES:
        assert kind_of([("EXTNAME", value)]) is None, value


@pytest.mark.parametrize("keyword", [*CARDS[: CARDS.index("EXTNAME")], "EXTNAME", "PRODTYPE"])
def test_every_way_refuses_with_card_and_remedy_and_can_be_forced(tmp_path, bundle, keyword):
    plane = keyword in ("EXTNAME", "PRODTYPE")
    value = "wtmap" if plane else "Dark Frame"
    head = fits.Header({f"HIERARCH {keyword}" if " " in keyword else keyword: value})
    primary = fits.PrimaryHDU(header=None if plane else head)
    image = fits.ImageHDU(galaxy(96), header=head if plane else None)
    fits.HDUList([primary, image]).writeto(tmp_path / "a.fits")
    content = (tmp_path / "a.fits").read_bytes()
    (tmp_path / "b.fits.gz").write_bytes(gzip.compress(content))
    (tmp_path / "c.fits.bz2").write_bytes(bz2.compress(content))
    packed = fits.CompImageHDU(galaxy(96), header=head if plane else None)
    fits.HDUList([primary, packed]).writeto(tmp_path / "d.fits.fz")
    sources = [tmp_path / name for name in ("b.fits.gz", "c.fits.bz2", "d.fits.fz")]
    sources += [tmp_path / "a.fits", content, read(content), fits.open(io.BytesIO(content))]
    reason = f"({keyword} = {value!r})"
    for hdu in (None, 1):
        facts = prepare(sources, hdu=hdu).facts
        facts += prepare(sources[:1], hdu=hdu, verify=True).facts
        for fact in facts:
            assert reason in fact.error, fact.error
            assert fact.error.endswith("take it all the same with --any-kind")
        pixels = prepare(sources, hdu=hdu).pixels
        assert not pixels.any()
        forced = prepare(sources, hdu=hdu, any_kind=True)
        assert [fact.error for fact in forced.facts] == [None] * len(sources)
        assert forced.pixels.any()
    assert reason in Classifier(bundle).classify(tmp_path / "a.fits").error
    assert Classifier(bundle, any_kind=True).classify(tmp_path / "a.fits").ok
    assert reason in Measurer().measure(tmp_path / "a.fits").error
    assert Measurer(any_kind=True).measure(tmp_path / "a.fits").error is None
    core = _core.Recipe(**Recipe().to_json())
    out = np.empty((1, 3, 64, 64), np.uint8)
    path = [bytes(tmp_path / "a.fits")]
    told = _core.prepare_files(path, -1, -1, core, out, keywords=CARDS)[-1]
    assert told == [[[(keyword, value)]]]
    found = fallback.open_fits_buffer(content).image()
    assert fallback.told(found.text, CARDS) == [(keyword, value)]


def test_what_cards_tell_is_the_same_without_the_core():
    cards = (
        "IMAGETYP= 'Dark Frame' / x", "HIERARCH ESO DPR TYPE = 'FLAT,SKY' / y",
        "HIERARCH ESO DPR TYPE = 'BIAS'", "FRAME   =  12.50 / n", "EXPTYPE =", "FLAVOR  = ''",
        "HIERARCHESO DPR CATG = 'x'", "IMGTYPE   'no value'", "PRODTYPE= 'long&'",
        "CONTINUE  'er' / z", "EXTNAME = T", "HIERARCH EXTNAME = 'not this'", "OBSTYPE = (1.0, 2)",
    )  # fmt: skip
    text = "".join(card.ljust(80) for card in cards).encode()
    expected = [
        ("IMAGETYP", "Dark Frame"), ("OBSTYPE", "(1.0, 2)"), ("FRAME", "12.50"),
        ("ESO DPR TYPE", "FLAT,SKY"), ("EXTNAME", "T"), ("PRODTYPE", "longer"),
    ]  # fmt: skip
    for module in (_core, fallback):
        assert module.told(text, CARDS) == expected


@pytest.mark.parametrize("kind", [fits.ImageHDU, fits.CompImageHDU])
def test_weights_come_after_pictures(tmp_path, kind):
    parts = [kind(np.full((96, 96), i, "f4") + galaxy(96), name=name) for i, name in enumerate(
        ("WHT", "DQ", "SCI", "ERR"))]  # fmt: skip
    fits.HDUList([fits.PrimaryHDU(), *parts]).writeto(tmp_path / "a.fits")
    content = (tmp_path / "a.fits").read_bytes()
    (tmp_path / "b.fits.gz").write_bytes(gzip.compress(content))
    (tmp_path / "c.fits.bz2").write_bytes(bz2.compress(content))
    sources = [tmp_path / name for name in ("a.fits", "b.fits.gz", "c.fits.bz2")] + [content]
    with fits.open(tmp_path / "a.fits") as hdus:
        for any_kind in (False, True):
            facts = prepare([*sources, hdus], any_kind=any_kind).facts
            assert [(fact.hdu, fact.error, fact.flags) for fact in facts] == [(3, None, ())] * 5
    assert Measurer().measure(sources[0]).hdu == 3


def test_a_file_of_weights_alone_says_so(tmp_path):
    parts = [fits.ImageHDU(galaxy(96), name=name) for name in ("WHT", "DQ")]
    fits.HDUList([fits.PrimaryHDU(), *parts]).writeto(tmp_path / "a.fits")
    (fact,) = prepare([tmp_path / "a.fits"]).facts
    assert fact.error == (
        "is a weight, mask or noise plane and no picture (EXTNAME = 'WHT'); choose another HDU "
        "with --hdu, or take it all the same with --any-kind"
    )
    (fact,) = prepare([tmp_path / "a.fits"], any_kind=True).facts
    assert (fact.hdu, fact.error) == (1, None)


def test_further_pictures_are_told_of(tmp_path):
    table = fits.BinTableHDU.from_columns([fits.Column("a", "E", array=[1.0])], name="CAT")
    images = {name: fits.ImageHDU(galaxy(96), name=name) for name in ("A", "B", "WHT", "DQ")}
    out = {}
    for name, parts in {
        "two": (images["A"], images["B"]),
        "behind": (images["A"], images["WHT"], images["DQ"], table, images["B"]),
        "planes": (images["A"], images["WHT"], images["DQ"], table),
        "one": (images["A"],),
    }.items():
        path = tmp_path / f"{name}.fits"
        fits.HDUList([fits.PrimaryHDU(), *parts]).writeto(path)
        with fits.open(path) as hdus:
            sources = [path, path.read_bytes(), read(path), hdus]
            out[name] = {fact.flags for fact in prepare(sources).facts}
            assert {fact.flags for fact in prepare(sources[:2], hdu=1).facts} == {()}
        measured = Measurer().measure(path).structure.flags
        assert ("other_hdus" in measured) == ("other_hdus" in next(iter(out[name])))
    others, none = {("other_hdus",)}, {()}
    assert out == {"two": others, "behind": others, "planes": none, "one": none}


def test_a_damaged_hdu_behind_is_nobodys_business(tmp_path):
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(galaxy(96)), fits.ImageHDU(galaxy(96))]).writeto(out)
    content = out.getvalue()
    at = content.index(b"XTENSION")
    broken = content[:at] + content[at:].replace(b"BITPIX  =", b"BITPIX  = 'x'/", 1)[:-5]
    path = tmp_path / "a.fits"
    path.write_bytes(broken)
    for fact in prepare([path, broken]).facts:
        assert (fact.error, fact.flags) == (None, ())


def test_frames_and_bands(tmp_path, bundle, galedge):
    pytest.importorskip("sep")
    for name, value in {"g": "object", "r": "object", "i": "object", "flat": "sky flat"}.items():
        write_fits(tmp_path / f"{name}.fits", galaxy(96), IMAGETYP=value)
    model = ("--model", bundle)
    for where in (("--detect",), ("--bands", "g.fits,r.fits,flat.fits")):
        paths = ["flat.fits"] if "--detect" in where else []
        process = galedge("classify", *paths, *where, *model)
        assert process.returncode == 3
        (row,) = rows(process.stdout)
        assert "a flat field (IMAGETYP = 'sky flat')" in row["error"]
        process = galedge("classify", *paths, *where, *model, "--any-kind")
        assert process.returncode == 0
        assert [row["status"] for row in rows(process.stdout)] == ["ok"]


def test_a_journal_is_bound_to_it(tmp_path, bundle, galedge):
    write_fits(tmp_path / "a.fits", galaxy(96), IMAGETYP="DARK")
    journal = tmp_path / "t.csv.journal"
    head = '{"galedge_journal": 1, "binding": {"any_kind": true}}\n'
    journal.write_text(head)
    process = galedge("classify", "a.fits", "-o", "t.csv", "--resume", "--model", bundle)
    assert process.returncode == 1
    assert "another any_kind" in process.stderr

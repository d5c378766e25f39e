"""Copies with cards: the cards, and nothing else, are new; the original is only read."""

import errno
import gzip
import os
import shutil

import numpy as np
import pytest
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from helpers.fits_files import (
    EMPTY_PRIMARY,
    extension,
    image_cards,
    primary,
    rice_encode,
    tile_table,
)
from helpers.made import galaxy, write_bundle, write_fits

from galedge.answers.classifier import Classifier
from galedge.errors import OutputError
from galedge.images.inputs import Rejected
from galedge.nights import writeback as module
from galedge.nights.writeback import WriteBack

IMAGE = galaxy(64).astype(">f4")


def _nuls(content):
    """Fill up the header's block with NULs, as some cameras do."""
    end = content.index(b"END     ") + 8
    return content[:end] + bytes(2880 - end) + content[2880:]


TILES = [rice_encode(row.astype(int), 32) for row in IMAGE]
FILES = {
    "plain.fits": primary(IMAGE, -32, ("OBJECT", "M 1")),
    "full.fits": primary(IMAGE, -32, *[(f"K{i}", i) for i in range(30)]),  # END is card 36
    "second.fits": EMPTY_PRIMARY + extension(IMAGE, -32) + extension(IMAGE, 16),
    "packed.fits.gz": gzip.compress(primary(IMAGE, -32)),
    "tiled.fits.fz": tile_table(
        image_cards("RICE_1", 32, (64, 64), (1, 64)), [("COMPRESSED_DATA", "B", TILES)]
    ),
    "tail.fits": primary(IMAGE, -32) + b"what nobody understands",
    "nuls.fits": _nuls(primary(IMAGE, -32, ("OBJECT", "M 1"))),
}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def copies(classifier, folder, tmp_path):
    """Classify a folder with copies; return what was noted."""
    notes = []
    stream = WriteBack(str(tmp_path / "out"), [str(folder)], notes.append).stream(classifier.stream)
    paths = sorted(str(path) for path in folder.rglob("*") if path.is_file())
    results = list(stream(paths))
    assert [result.path for result in results] == paths
    return results, notes


def parts(path):
    """Return (header, stored data) of each HDU, and the bytes behind them."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        content = file.read()
    found = []
    with fits.open(path, disable_image_compression=True, mode="readonly") as hdus:
        for hdu in hdus:
            info = hdu.fileinfo()
            start, end = info["datLoc"], info["datLoc"] + info["datSpan"]
            found.append((hdu.header, content[start:end]))
    return found, content[end:]


@pytest.mark.parametrize("name", FILES)
def test_cards_are_added_and_nothing_else_changes(classifier, folder, tmp_path, name):
    source, target = folder / name, tmp_path / "out" / name
    source.write_bytes(FILES[name])
    before = source.stat()
    (result,), notes = copies(classifier, folder, tmp_path)
    assert notes == []
    assert source.read_bytes() == FILES[name]
    assert source.stat().st_mtime_ns == before.st_mtime_ns
    (old, old_tail), (new, new_tail) = parts(source), parts(target)
    assert len(old) == len(new)
    assert old_tail == new_tail
    for index, ((head, data), (copied, same)) in enumerate(zip(old, new, strict=True)):
        assert data == same
        added = [card for card in copied.cards if card.keyword.startswith("GE")]
        others = [card.image for card in copied.cards if not card.keyword.startswith("GE")]
        assert others == [card.image for card in head.cards]
        if index != result.hdu:
            assert added == []
            continue
        assert [card.keyword for card in added] == [
            "GECLASS", "GEPROB", "GETTYPE", "GEMODEL", "GEDATE",
        ]  # fmt: skip
        assert copied["GECLASS"] == result.label
        assert copied["GEPROB"] == pytest.approx(result.probability, abs=1e-4)
        assert copied["GETTYPE"] == pytest.approx(result.t_type, abs=0.01)
        assert copied["GEMODEL"] == f"{result.model} {result.model_sha256[:12]}"
        assert np.datetime64(copied["GEDATE"]) > np.datetime64("2020-01-01")
    with fits.open(target) as hdus:
        hdus.verify("exception")


@pytest.mark.filterwarnings("error")  # astropy's, where a sum is wrong
@pytest.mark.parametrize("seed", range(8))
def test_checksums_stay_true(classifier, folder, tmp_path, seed):
    cards = [fits.Card(f"K{i}", i * seed) for i in range(4 * seed)]
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(galaxy(40 + seed, seed), fits.Header(cards))]
    fits.HDUList(hdus).writeto(folder / "a.fits", checksum=True)
    copies(classifier, folder, tmp_path)
    with fits.open(tmp_path / "out/a.fits", checksum=True) as hdus:
        assert hdus[1].header["GECLASS"]
        assert [hdu.verify_checksum() for hdu in hdus] == [1, 1]
        assert [hdu.verify_datasum() for hdu in hdus] == [1, 1]


def test_a_wrong_checksum_stays_wrong(classifier, folder, tmp_path):
    fits.PrimaryHDU(IMAGE).writeto(folder / "a.fits", checksum=True)
    with open(folder / "a.fits", "r+b") as file:
        file.seek(5000)
        file.write(b"x")
    copies(classifier, folder, tmp_path)
    with (
        pytest.warns(AstropyUserWarning, match="verification failed"),
        fits.open(tmp_path / "out/a.fits", checksum=True) as hdus,
    ):
        assert hdus[0].header["GECLASS"]


def test_a_copy_is_replaced_by_a_later_one_and_nothing_else_is(classifier, folder, tmp_path):
    write_fits(folder / "a.fits", IMAGE)
    (folder / "deep").mkdir()
    write_fits(folder / "deep/a.fits", IMAGE)
    for _ in range(2):
        assert copies(classifier, folder, tmp_path)[1] == []
    header = fits.getheader(tmp_path / "out/deep/a.fits")
    assert header.count("GECLASS") == 1
    for content in (b"mine", primary(IMAGE, -32)):
        (tmp_path / "out/a.fits").write_bytes(content)
        (note,) = copies(classifier, folder, tmp_path)[1]
        assert note.endswith(f"no copy with cards: {tmp_path / 'out/a.fits'} is there already")
        assert (tmp_path / "out/a.fits").read_bytes() == content


def test_files_of_the_same_name_do_not_replace_each_other(classifier, tmp_path):
    paths = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_fits(tmp_path / name / "a.fits", IMAGE)
        paths.append(str(tmp_path / name / "a.fits"))
    notes = []
    list(WriteBack(str(tmp_path / "out"), paths, notes.append).stream(classifier.stream)(paths))
    assert len(notes) == 1
    assert notes[0].startswith(paths[1])


def test_copies_of_copies_have_their_cards_once(classifier, folder, tmp_path):
    write_fits(folder / "a.fits", IMAGE)
    copies(classifier, folder, tmp_path)
    shutil.copy(tmp_path / "out/a.fits", folder / "a.fits")
    copies(classifier, folder, tmp_path)
    assert fits.getheader(tmp_path / "out/a.fits").count("GEPROB") == 1


def test_the_original_is_never_the_copy(classifier, folder):
    write_fits(folder / "a.fits", IMAGE)
    before = (folder / "a.fits").read_bytes()
    notes = []
    stream = WriteBack(str(folder), [str(folder)], notes.append).stream(classifier.stream)
    list(stream([str(folder / "a.fits")]))
    assert "is there already" in notes[0]
    assert (folder / "a.fits").read_bytes() == before


def test_what_has_no_cards_has_no_copy(classifier, folder, tmp_path):
    np.save(folder / "a.npy", IMAGE.astype(np.float32))
    (folder / "bad.fits").write_text("bad")
    results, notes = copies(classifier, folder, tmp_path)
    assert [result.ok for result in results] == [True, False]
    assert len(notes) == 1
    assert notes[0].endswith("only FITS files, plain or gzipped, can be given cards")
    stream = WriteBack(str(tmp_path / "out"), [], notes.append).stream(classifier.stream)
    assert [row.error for row in stream([Rejected("x", "no such file")])] == ["no such file"]
    assert os.listdir(tmp_path / "out") == []


def test_a_full_disk_ends_the_run_and_leaves_nothing(classifier, folder, tmp_path, monkeypatch):
    write_fits(folder / "a.fits", IMAGE)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_edited", full)
    with pytest.raises(OutputError, match=r"out/a\.fits: cannot be written: No space left"):
        copies(classifier, folder, tmp_path)
    assert os.listdir(tmp_path / "out") == []


def test_a_file_that_changes_while_it_is_copied_has_no_copy(
    classifier, folder, tmp_path, monkeypatch
):
    write_fits(folder / "a.fits", IMAGE)
    edited = module._edited

    def touch(*arguments):
        os.utime(folder / "a.fits", ns=(1, 1))
        return edited(*arguments)

    monkeypatch.setattr(module, "_edited", touch)
    assert "it changed while being copied" in copies(classifier, folder, tmp_path)[1][0]
    assert os.listdir(tmp_path / "out") == []


def test_odd_names_of_classes_and_models_are_legal_cards(folder, tmp_path, network):
    odd = ["d'Arrest", "spiral é\n", "x" * 100, 'S"a', "Sb", "Sc", "Sd"]
    bundle = write_bundle(tmp_path / "m", {"fp32": network}, classes=odd, name="o'dd " + "y" * 90)
    for seed in range(8):
        write_fits(folder / f"{seed}.fits", galaxy(64, seed) * (1 - 2 * (seed % 2)))
    results, notes = copies(Classifier(bundle, workers=1), folder, tmp_path)
    assert notes == []
    for result in results:
        header = fits.getheader(tmp_path / "out" / os.path.basename(result.path))
        header["GEMODEL"]
        assert ("GECLASS" in header) != ("GEFLAGS" in header)
        assert ("no_source" in result.flags) == ("no_source" in header.get("GEFLAGS", ""))
        fits.Header.fromstring(header.tostring()).tostring()

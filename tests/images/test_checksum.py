"""CHECKSUM and DATASUM against astropy's, in every container, by the core and without it."""

from __future__ import annotations

import bz2
import gzip
import io
import warnings

import numpy as np
import pytest
from astropy.io import fits
from helpers import faults
from helpers.fits_files import primary
from helpers.made import galaxy, rows

import galedge
from galedge.core import _core
from galedge.core import fallback as _fallback
from galedge.errors import ReadError
from galedge.images.image import checksums, read


@pytest.fixture(autouse=True, params=["core", "pure"])
def backend(request, monkeypatch):
    """Read by the compiled core, or by what stands in for it."""
    for module in faults.READERS:
        monkeypatch.setattr(module, "_core", _core if request.param == "core" else _fallback)


def summed(*hdus) -> bytes:
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(stream, checksum=True)
    return stream.getvalue()


PLAIN = summed(fits.ImageHDU(galaxy()), fits.ImageHDU(np.arange(35, dtype=np.int16).reshape(5, 7)))
TILED = summed(fits.CompImageHDU(galaxy().astype(np.int16), compression_type="RICE_1"))


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def data_of(content: bytes, hdu: int) -> int:
    return _core.open_fits_buffer(content).hdus()[hdu].data_offset


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress], ids=["plain", "gz", "bz2"])
@pytest.mark.parametrize("content", [PLAIN, TILED], ids=["plain", "tiles"])
def test_good_and_wrong_sums(content, pack):
    good = pack(content)
    assert {(sums.checksum, sums.datasum) for sums in checksums(good)} == {(True, True)}
    np.testing.assert_array_equal(read(good, verify=True).data, read(good).data)
    damaged = pack(flipped(content, data_of(content, 1) + 700))
    assert checksums(damaged)[1].complaint is not None
    assert checksums(damaged)[0].complaint is None
    with pytest.raises(ReadError, match="<bytes>: HDU 1 has a wrong CHECKSUM and a wrong DATASUM"):
        read(damaged, verify=True)


def test_a_changed_header_spoils_only_the_checksum():
    card = PLAIN.index(b"BITPIX", 2880)
    damaged = flipped(PLAIN, card + 60)  # in its comment
    assert [(s.checksum, s.datasum) for s in checksums(damaged)] == [
        (True, True),
        (False, True),
        (True, True),
    ]
    with pytest.raises(ReadError, match="HDU 1 has a wrong CHECKSUM: its header is not what"):
        read(damaged, verify=True)
    np.testing.assert_array_equal(read(damaged).data, read(PLAIN).data)
    read(damaged, 2, verify=True)  # the HDU that is read counts


def test_absent_and_blank_sums_are_no_fault():
    image = np.ones((3, 4))
    for cards in ([], [("CHECKSUM", ""), ("DATASUM", "  ")]):
        content = primary(image, -32, *cards)
        assert [(s.checksum, s.datasum) for s in checksums(content)] == [(None, None)]
        read(content, verify=True)
    total = int(image.astype(">f4").view(">u4").sum()) % (2**32 - 1)
    for value in (total, str(total)):  # a number, as some write it
        assert checksums(primary(image, -32, ("DATASUM", value)))[0].datasum
    assert checksums(primary(image, -32, ("DATASUM", "no number")))[0].datasum is False


def test_every_sum_is_judged_as_astropy_does():
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(PLAIN), 40):
        content = flipped(PLAIN, int(at))
        try:
            ours = [s.complaint is None for s in checksums(content)]
        except ReadError:  # a header that is one no more
            continue
        if PLAIN[at - at % 80 :][:80] == b" " * 80:  # astropy does not look behind END
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(io.BytesIO(content), checksum=True) as hdus:
                theirs = [h.verify_checksum() == 1 and h.verify_datasum() == 1 for h in hdus]
        assert ours == theirs, at


def test_other_formats_have_no_sums(tmp_path):
    np.save(tmp_path / "a.npy", galaxy())
    assert checksums(tmp_path / "a.npy") == []
    read(tmp_path / "a.npy", verify=True)


def test_prepare_makes_it_an_error(tmp_path):
    good, bad = tmp_path / "good.fits", tmp_path / "bad.fits"
    good.write_bytes(PLAIN)
    bad.write_bytes(flipped(PLAIN, data_of(PLAIN, 1) + 700))
    assert [fact.error for fact in galedge.prepare([good, bad]).facts] == [None, None]
    batch = galedge.prepare([good, bad], verify=True)
    assert batch.facts[0].error is None
    assert batch.facts[1].error.startswith("HDU 1 has a wrong CHECKSUM and a wrong DATASUM")
    assert not batch.pixels[1].any()


def test_the_commands_verify(galedge, tmp_path, bundle, backend):
    good, bad = tmp_path / "good.fits", tmp_path / "bad.fits"
    good.write_bytes(PLAIN)
    bad.write_bytes(flipped(PLAIN, data_of(PLAIN, 1) + 700))
    process = galedge("info", "--verify", good)
    assert process.returncode == 0
    assert process.stdout.count("CHECKSUM ok, DATASUM ok") == 3
    process = galedge("info", "--verify", bad)
    assert process.returncode == 1
    assert process.stdout.count("CHECKSUM wrong, DATASUM wrong") == 1
    assert f"{bad}: HDU 1 has a wrong CHECKSUM" in process.stderr
    assert "CHECKSUM" not in galedge("info", bad).stdout
    process = galedge("classify", "--verify", good, bad, "--model", bundle)
    assert process.returncode == 3
    assert [row["status"] for row in rows(process.stdout)] == ["ok", "error"]
    assert rows(process.stdout)[1]["error"].startswith("HDU 1 has a wrong CHECKSUM")

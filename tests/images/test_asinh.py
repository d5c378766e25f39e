"""Pan-STARRS' asinh magnitudes become linear flux, by every way in."""

import bz2
import gzip

import numpy as np
import pytest
from helpers.fits_files import primary
from helpers.frames_made import PLACES, TAN, made
from helpers.made import galaxy
from helpers.stand_in import pure

from galedge import prepare, read
from galedge.answers.structure import structure
from galedge.errors import ReadError
from galedge.frames.cutouts import write_cutouts
from galedge.frames.frame import Frame
from galedge.frames.sources import Sources
from galedge.images.arrays import image_with
from galedge.images.asinh import to_flux
from galedge.images.image import cutout

TAN = {**TAN, "CD1_2": 0.0, "CD2_1": 0.0}
SOFTEN, OFFSET = 2.2188638105, -31.5
A = 1.0857362047581294


def compressed(flux):
    return A * np.arcsinh((flux - OFFSET) / (2 * SOFTEN))


def written(path, flux, **cards):
    """Write flux as Pan-STARRS does, in 16 bits; return it as it comes back."""
    scale, zero, blank = 2.2e-4, 3.6, -32768
    stored = np.round((compressed(flux) - zero) / scale)
    stored = np.where(np.isfinite(flux), stored, blank).astype(np.int16)
    cards = {"BSCALE": scale, "BZERO": zero, "BLANK": blank} | cards
    cards = {"BSOFTEN": SOFTEN, "BOFFSET": OFFSET} | cards
    path.write_bytes(primary(stored, 16, *cards.items()))
    values = np.float32(scale) * stored.astype(np.float32) + np.float32(zero)
    back = OFFSET + 2 * SOFTEN * np.sinh(values.astype(float) / A)
    return np.where(stored == blank, np.nan, back).astype(np.float32)


def test_the_formula():
    # Written out as PS1's documentation has it: x = v / a; BOFFSET + BSOFTEN (e^x - e^-x).
    cards = b"BSOFTEN = 2.5".ljust(80) + b"BOFFSET = 1.25D1".ljust(80)
    for value in (-3.0, 0.0, 0.2, 7.5):
        x = value / 1.0857362
        expected = 12.5 + 2.5 * (np.exp(x) - np.exp(-x))
        assert to_flux(np.array([value]), cards)[0] == pytest.approx(expected, rel=1e-6)
    flux = np.array([-40, -3, 0, 2, 1e6])
    cards = b"".join(
        f"{k:<8}= {v}".ljust(80).encode() for k, v in (("BSOFTEN", SOFTEN), ("BOFFSET", OFFSET))
    )
    assert to_flux(compressed(flux), cards) == pytest.approx(flux, rel=1e-9, abs=1e-9)


def test_every_way_in(tmp_path):
    fits = pytest.importorskip("astropy.io.fits")
    flux = np.array(galaxy(), float)
    flux[3:6, 10:14] = np.nan
    path = tmp_path / "stack.fits"
    back = written(path, flux)
    assert np.nanmax(np.abs(back - flux) / (np.abs(flux) + 10)) < 5e-4
    content = path.read_bytes()
    (tmp_path / "stack.fits.gz").write_bytes(gzip.compress(content))
    (tmp_path / "stack.fits.bz2").write_bytes(bz2.compress(content))
    hdu = fits.open(path)[0]
    sources = [
        *(str(tmp_path / f"stack.fits{end}") for end in ("", ".gz", ".bz2")),
        content,
        read(path),
        cutout(path, (flux.shape[1] - 1) / 2, (flux.shape[0] - 1) / 2, flux.shape[::-1]),
        hdu,
        image_with(hdu.data, hdu.header),
        fits.open(path)[0],
    ]
    expected = prepare([back]).pixels[0]
    for options in ({}, {"verify": True}, {"plane": 0}):
        batch = prepare(sources, **options)
        for pixels, facts in zip(batch.pixels, batch.facts, strict=True):
            assert facts.error is None
            assert np.abs(pixels.astype(int) - expected).max() <= 1
    data = read(path).data
    assert data.dtype == np.float32
    assert np.array_equal(np.isnan(data), np.isnan(back))
    assert np.allclose(data, back, rtol=1e-6, atol=1e-5, equal_nan=True)
    assert read(path, dtype="float64").data.dtype == np.float64


def test_compressed_tiles_and_frames(tmp_path):
    fits = pytest.importorskip("astropy.io.fits")
    frame = made().astype(float)
    back = written(tmp_path / "frame.fits", frame, **TAN)
    values = compressed(frame).astype(np.float32)
    header = fits.Header({"BSOFTEN": SOFTEN, "BOFFSET": OFFSET} | TAN)
    packed = fits.CompImageHDU(values, header, compression_type="GZIP_2", quantize_level=0)
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(tmp_path / "frame.fits.fz")
    assert np.allclose(read(tmp_path / "frame.fits.fz").data, frame, rtol=1e-5, atol=1e-4)
    assert np.allclose(Frame(str(tmp_path / "frame.fits")).window(0, 0, 240, 200)[0], back)
    x, y = np.array(PLACES[:2]).T
    places = Sources(x, y, np.full(2, 40.0), np.ones(2, bool), ["a", "b"])
    # A cutout is flux, and does not say that it is not.
    for name in ("frame.fits", "frame.fits.fz"):
        for cut in write_cutouts(Frame(str(tmp_path / name)), places, str(tmp_path / "cuts")):
            assert cut.error is None
            image = read(cut.path)
            assert not {"BSOFTEN", "BOFFSET"} & set(image.header)
            left, bottom = round(cut.x - 20 + 0.49), round(cut.y - 20 + 0.49)
            inside = frame[bottom : bottom + 40, left : left + 40]
            assert np.abs(image.data - inside).max() < 0.1


def test_structure_is_measured_in_flux(tmp_path):
    pytest.importorskip("numba")
    back = written(tmp_path / "stack.fits", np.array(galaxy(), float))
    found, expected = structure(read(tmp_path / "stack.fits")), structure(back)
    assert found.gini == pytest.approx(expected.gini, rel=1e-4)
    assert found.r_half == pytest.approx(expected.r_half, rel=1e-4)


@pytest.mark.parametrize(
    "cards", [{"BSOFTEN": "soft"}, {"BSOFTEN": 0.0}, {"BSOFTEN": -2.0}, {"BOFFSET": "none"}]
)
def test_what_is_no_number_is_refused(tmp_path, cards):
    path = tmp_path / "stack.fits"
    written(path, np.array(galaxy(), float), **cards)
    (facts,) = prepare([str(path)]).facts
    assert next(iter(cards)) in facts.error
    with pytest.raises(ReadError, match=r"BSOFTEN|BOFFSET"):
        read(path)


def test_the_stand_in(tmp_path):
    back = written(tmp_path / "stack.fits", np.array(galaxy(), float))
    code = (
        "import numpy as np; from galedge.images.prepare import prepare\n"
        "batch = prepare(sys.argv[2:]); np.save(sys.argv[1], batch.pixels)"
    )
    done = pure(code, tmp_path / "out.npy", tmp_path / "stack.fits")
    assert done.returncode == 0, done.stderr
    assert np.abs(np.load(tmp_path / "out.npy").astype(int) - prepare([back]).pixels).max() <= 1

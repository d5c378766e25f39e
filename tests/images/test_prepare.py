"""Batches: arrays, files and bands in; pixels and facts out, failures included."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from helpers.rendered import galaxy, prepared

import galedge

# --- the batch -------------------------------------------------------------------------------


def test_blank_images_are_refused_with_a_reason():
    nothing = np.full((32, 32), np.nan, np.float32)
    constant = np.full((32, 32), 3.25, np.float32)
    batch = galedge.prepare([nothing, galaxy(), constant])
    assert "no pixel is finite" in batch.facts[0].error
    assert batch.facts[1].error is None
    assert "3.25" in batch.facts[2].error
    assert not batch.pixels[0].any()
    assert batch.pixels[1].any()
    assert batch.facts[2].sky is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (3, 200), (200, 3), (5, 5), (17, 1000)])
def test_odd_shapes_are_prepared(shape):
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    image.flat[0] += 1
    batch = galedge.prepare([image])
    assert (batch.facts[0].error is None) == (image.size > 1)


def test_values_near_overflow_do_no_harm():
    image = galaxy()
    image[60, 60], image[61, 61], image[3, 3] = 3e38, -3e38, np.inf
    assert prepared(image).pixels.shape == (1, 3, 64, 64)


def test_arrays_are_understood_by_shape():
    image = galaxy((40, 50))
    colour = np.stack([image] * 3)
    sources = (image, colour, np.moveaxis(colour, 0, -1), image.astype(">f8"))
    batch = prepared(*sources, recipe=galedge.Recipe(framing="full"))
    np.testing.assert_array_equal(batch.pixels[1], batch.pixels[2])
    np.testing.assert_array_equal(batch.pixels[0], batch.pixels[3])
    assert np.abs(batch.pixels[0].astype(int) - batch.pixels[1]).max() <= 1
    bad = galedge.prepare([np.zeros((5, 8, 8), np.float32), np.zeros(4), np.zeros((0, 4))])
    assert "5 planes" in bad.facts[0].error
    assert all(fact.error for fact in bad.facts)


def test_a_plane_of_a_cube_can_be_chosen():
    cube = np.stack([galaxy(seed=seed) for seed in range(5)])
    batch = galedge.prepare([cube, cube[3]], plane=3)
    np.testing.assert_array_equal(batch.pixels[0], galedge.prepare([cube[3]]).pixels[0])
    assert "no plane 3" in batch.facts[1].error


@pytest.mark.parametrize("hdu", [None, 0, (1, 2, 3)])
def test_nothing_gives_an_empty_batch(hdu):
    batch = galedge.prepare([], hdu=hdu)
    assert batch.pixels.shape == (0, 3, 64, 64)
    assert batch.facts == []


def test_float_output_is_the_bytes_before_rounding():
    sources = [galaxy(), np.stack([galaxy(seed=seed) for seed in range(3)])]
    bytes_ = prepared(*sources).pixels
    floats = prepared(*sources, dtype="float32").pixels
    assert floats.dtype == np.float32
    assert 0 <= floats.min() <= floats.max() <= 1
    np.testing.assert_array_equal(np.floor(255 * floats + 0.5).astype(np.uint8), bytes_)
    out = np.empty_like(floats)
    assert galedge.prepare(sources, out=out).pixels is out
    np.testing.assert_array_equal(out, floats)


def test_threads_and_out_do_not_change_the_answer():
    images = [galaxy(seed=seed, scale=3 + seed) for seed in range(20)]
    one = prepared(*images)
    out = np.zeros_like(one.pixels)
    many = prepared(*images, threads=4, out=out)
    assert many.pixels is out
    np.testing.assert_array_equal(one.pixels, out)
    assert one.facts == many.facts
    with pytest.raises(ValueError, match="out must be"):
        galedge.prepare(images, out=np.zeros((3, 3, 64, 64), np.uint8))


SIGNATURE = """
import hashlib, numpy as np, galedge
from galedge.core import _core
rng = np.random.default_rng(5)
images = []
for i in range(30):
    n = int(rng.integers(20, 300))
    image = rng.normal(size=(n, n + i)).astype(np.float32)
    y, x = np.indices(image.shape)
    image += 80 * np.exp(-np.hypot(y - n / 2, x - n / 2) / 9)
    image[rng.random(image.shape) < 0.01 * (i % 3)] = np.nan
    images.append(image)
images += [np.ascontiguousarray(image[:3]) for image in images[-5:]]  # strips: more than 64 cells
images += [np.full((90, 70), -3.5, np.float32), np.round(images[0]), -images[1]]
digest = hashlib.sha256()
for image in images[:9]:  # what only newer recipes look at
    image = image.copy()
    image[:, : len(image) // 4] = 0
    image[:, len(image) // 2] = np.nan
    images.append(image)
for recipe in (galedge.Recipe(), galedge.Recipe.latest()):
    batch = galedge.prepare(images, recipe)
    digest.update(batch.pixels.tobytes() + repr(batch.facts).encode())
for image in images:
    for part in _core.background(image[None], 31, 3, 1):
        digest.update(part.tobytes())
print(_core.isa(), digest.hexdigest())
"""


def test_instruction_sets_give_the_same_bits():
    results = {}
    for isa in ("baseline", "avx2", "avx512"):
        run = subprocess.run(
            [sys.executable, "-c", SIGNATURE],
            env={**os.environ, "GALEDGE_ISA": isa},
            capture_output=True,
            text=True,
            check=True,
        )
        name, digest = run.stdout.split()
        results[name] = digest
    assert "baseline" in results
    assert len(set(results.values())) == 1


# --- files -----------------------------------------------------------------------------------


def test_a_file_gives_what_its_pixels_give(tmp_path):
    from astropy.io import fits

    image = galaxy((90, 120))
    header = fits.Header(
        {
            "OBJECT": "UGC 1",
            "DATE-OBS": "2026-11-22T01:02:03",
            "CTYPE1": "RA---TAN",
            "CTYPE2": "DEC--TAN",
            **{"CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 60.5, "CRPIX2": 45.5},
            **{"CDELT1": -1e-4, "CDELT2": 1e-4},
        }
    )
    plain, zipped, squeezed = (tmp_path / f"a.fits{end}" for end in ("", ".gz", ".bz2"))
    for path in (plain, zipped, squeezed):
        fits.PrimaryHDU(image, header).writeto(path)
    sources = [plain, str(zipped), squeezed, plain.read_bytes(), galedge.read(plain)]
    batch = prepared(image, *sources)
    for i in range(1, 6):
        np.testing.assert_array_equal(batch.pixels[i], batch.pixels[0])
        fact = batch.facts[i]
        assert (fact.object, fact.date_obs, fact.hdu) == ("UGC 1", "2026-11-22T01:02:03", 0)
        assert fact.ra == pytest.approx(150, abs=2e-4)
        assert fact.dec == pytest.approx(2, abs=2e-4)
    assert [f.path for f in batch.facts[:3]] == ["", str(plain), str(zipped)]


def test_unscaled_bytes_are_a_picture_in_every_container(tmp_path):
    from astropy.io import fits
    from PIL import Image

    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[20:44, 20:44] = (200, 100, 50)
    Image.fromarray(rgb).save(tmp_path / "a.png")
    fits.PrimaryHDU(np.moveaxis(rgb, -1, 0)).writeto(tmp_path / "a.fits")
    np.save(tmp_path / "a.npy", rgb)
    sources = [tmp_path / "a.png", tmp_path / "a.fits", galedge.read(tmp_path / "a.fits"), rgb]
    batch = prepared(*sources, tmp_path / "a.npy")
    for pixels in batch.pixels[1:]:
        np.testing.assert_array_equal(pixels, batch.pixels[0])


def test_three_bands_in_one_file_and_a_chosen_hdu(tmp_path):
    from astropy.io import fits

    bands = np.stack([galaxy(seed=seed) for seed in range(3)])
    path = tmp_path / "bands.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(bands), fits.ImageHDU(bands[2])]).writeto(path)
    batch = prepared(path, bands)
    np.testing.assert_array_equal(batch.pixels[0], batch.pixels[1])
    assert batch.facts[0].hdu == 1
    second = prepared(path, hdu=2)
    np.testing.assert_array_equal(second.pixels[0], prepared(bands[2]).pixels[0])
    third = prepared(path, hdu=1, plane=2)
    np.testing.assert_array_equal(third.pixels[0], second.pixels[0])


def test_three_bands_given_together(tmp_path):
    from astropy.io import fits

    bands = np.stack([galaxy(seed=seed) for seed in range(3)])
    expected = prepared(bands).pixels[0]
    header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0})
    header.update({"CRVAL2": 5.0, "CRPIX1": 64.0, "CRPIX2": 64.0, "CDELT1": -1e-4, "CDELT2": 1e-4})
    paths = []
    for name, band in zip("rgb", bands, strict=True):
        paths.append(tmp_path / f"{name}.fits")
        fits.PrimaryHDU(band, header).writeto(paths[-1])
    one = tmp_path / "one.fits"
    fits.HDUList([fits.PrimaryHDU(), *(fits.ImageHDU(band) for band in bands)]).writeto(one)
    np.testing.assert_array_equal(prepared(tuple(bands)).pixels[0], expected)
    batch = prepared(tuple(paths))
    np.testing.assert_array_equal(batch.pixels[0], expected)
    assert batch.facts[0].path == str(paths[0])
    assert batch.facts[0].ra == pytest.approx(10, abs=1e-3)
    np.testing.assert_array_equal(prepared(one, hdu=(1, 2, 3)).pixels[0], expected)
    assert "shapes" in galedge.prepare([(bands[0], bands[1], bands[2][:50])]).facts[0].error
    shifted = tmp_path / "shifted.fits"
    header["CRPIX1"] = 70.0
    fits.PrimaryHDU(bands[2], header).writeto(shifted)
    # Brought to the pixels of the middle one, tests/images/test_area.py.
    moved = galedge.prepare([(paths[0], paths[1], shifted)])
    assert moved.facts[0].error is None
    assert moved.facts[0].ra == pytest.approx(10, abs=1e-3)


def test_bad_files_are_facts_and_not_exceptions(tmp_path):
    from astropy.io import fits

    good = tmp_path / "good.fits"
    fits.PrimaryHDU(galaxy()).writeto(good)
    (tmp_path / "empty.fits").touch()
    (tmp_path / "cut.fits").write_bytes(good.read_bytes()[:20000])
    (tmp_path / "text.fits").write_text("not an image")
    (tmp_path / "text.png").write_text("not an image")
    os.mkfifo(tmp_path / "fifo.fits")
    (tmp_path / "dangling.fits").symlink_to(tmp_path / "nowhere.fits")
    bad = sorted(path for path in tmp_path.iterdir() if path != good)
    batch = galedge.prepare([good, *bad, good], threads=2)
    assert batch.facts[0].error is None
    assert batch.facts[-1].error is None
    for fact in batch.facts[1:-1]:
        assert fact.error, fact
        assert fact.path not in fact.error
    assert not batch.pixels[1:-1].any()


FIRST = """
import sys, threading
import numpy as np
import galedge

sys.setswitchinterval(1e-6)
image = np.random.default_rng(0).normal(size=(40, 40)).astype(np.float32)
start = threading.Barrier(8)

def run():
    start.wait()
    galedge.prepare([image])

threads = [threading.Thread(target=run, daemon=True) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(20)
sys.exit(any(thread.is_alive() for thread in threads))
"""


def test_the_first_images_of_a_process_by_several_threads():
    """What the core makes once it must not make while it holds the interpreter's lock."""
    for _ in range(8):
        subprocess.run([sys.executable, "-c", FIRST], check=True, timeout=60)

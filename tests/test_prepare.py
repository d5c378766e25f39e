"""The preparation against NumPy, and on galaxies whose size is known."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from oracles import clipped_mode

import galedge
from galedge import _core
from galedge.facts import FLAGS


def galaxy(
    shape=(128, 128), centre=None, scale=6.0, peak=100.0, q=1.0, noise=1.0, sky=50.0, seed=0
):
    """Render an exponential disc with Gaussian noise."""
    h, w = shape
    cy, cx = centre or ((h - 1) / 2, (w - 1) / 2)
    y, x = np.mgrid[:h, :w]
    radius = np.hypot(x - cx, (y - cy) / q)
    image = sky + peak * np.exp(-radius / scale)
    return (image + noise * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def prepared(*sources, **keywords):
    batch = galedge.prepare(sources, **keywords)
    assert all(fact.error is None for fact in batch.facts), [f.error for f in batch.facts]
    return batch


# --- sky -------------------------------------------------------------------------------------


def border(image):
    width = max(1, min(image.shape) // 8)
    keep = np.ones(image.shape, bool)
    keep[width:-width, width:-width] = False
    return image[keep]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shape", [(64, 64), (128, 128), (97, 200), (424, 424)])
def test_sky_follows_the_definition(shape, seed):
    image = galaxy(shape, seed=seed, noise=3.0)
    level, noise = _core.border_sky(image[None])
    expected, sigma = clipped_mode(border(image))
    assert level == pytest.approx(expected, abs=0.02 * sigma)
    assert noise == pytest.approx(sigma, rel=0.01)


def test_sky_ignores_stars_and_nan_on_the_border():
    image = galaxy(noise=2.0)
    image[5:9, 20:24] += 5000
    image[100:110, :6] = np.nan
    level, noise = _core.border_sky(image[None])
    assert level == pytest.approx(50, abs=0.3)
    assert noise == pytest.approx(2, rel=0.05)


def test_sky_of_a_constant_border_is_its_value():
    image = np.zeros((40, 40), np.float32)
    image[15:25, 15:25] = 7
    assert _core.border_sky(image[None]) == (0, 0)


# --- resampling ------------------------------------------------------------------------------


def overlap(start, side, size, length):
    """Return the (size, length) matrix of exact overlaps of output and input pixels."""
    edges = start + side / size * np.arange(size + 1)
    i = np.arange(length)
    lower = np.maximum(edges[:-1, None], i)
    upper = np.minimum(edges[1:, None], i + 1)
    return np.clip(upper - lower, 0, None) / (side / size)


@pytest.mark.parametrize(
    ("x", "y", "side", "size"),
    [(0, 0, 100, 64), (3.3, 7.9, 81.7, 64), (10, 2, 64, 64), (-20.5, 5, 130, 32), (0, 0, 128, 8)],
)
def test_shrinking_is_exact_area_overlap(x, y, side, size):
    image = galaxy((90, 110)).astype(np.float32)
    result, invalid = _core.resample(image[None], x, y, side, size, -1.0)
    wy, wx = overlap(y, side, size, 90), overlap(x, side, size, 110)
    valid = wy.sum(1)[:, None] * wx.sum(1)[None]
    expected = np.where(
        valid >= 0.5 - 1e-4, wy @ image.astype(float) @ wx.T / np.maximum(valid, 1e-9), -1.0
    )
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    assert invalid == pytest.approx(1 - valid.mean(), abs=1e-5)


def test_shrinking_averages_over_valid_pixels_only():
    image = np.arange(64, dtype=np.float32).reshape(8, 8)
    image[0, 0] = np.nan  # one of four: the mean of the others
    image[2:4, 2:4] = np.nan  # all four: the fill value
    result, invalid = _core.resample(image[None], 0, 0, 8, 4, 99.0)
    assert result[0, 0] == pytest.approx((1 + 8 + 9) / 3)
    assert result[1, 1] == 99
    assert invalid == pytest.approx(5 / 64)
    assert result[3, 3] == pytest.approx(image[6:, 6:].mean())


def test_enlarging_is_linear():
    ramp = np.add.outer(np.arange(10), 2 * np.arange(10)).astype(np.float32)
    result, _ = _core.resample(ramp[None], 2, 2, 5, 20, 0.0)
    at = 2 + 5 / 20 * (np.arange(20) + 0.5) - 0.5
    np.testing.assert_allclose(result, np.add.outer(at, 2 * at), rtol=1e-5)


# --- stretch ---------------------------------------------------------------------------------


def test_asinh_is_accurate_everywhere():
    x = np.concatenate([np.logspace(-30, 30, 20001), [0, 1e-45, 3e38]]).astype(np.float32)
    x = np.concatenate([x, -x])[None, None]
    galactic = np.abs(x) < 1e18  # beyond, values stay finite and stop growing
    expected = np.arcsinh(x[galactic].astype(float))
    np.testing.assert_allclose(_core.asinh(x)[galactic], expected, rtol=2e-7, atol=1e-45)
    assert np.isfinite(_core.asinh(x)).all()


def test_stretch_follows_its_definition():
    recipe = galedge.Recipe(framing="full", size=64)
    image = galaxy((128, 128), noise=2.0)
    batch = prepared(image, recipe=recipe)
    level, noise = _core.border_sky(image[None])
    small = image.astype(float).reshape(64, 2, 64, 2).mean((1, 3)) - level
    knee = recipe.softening * noise / 2
    peak = np.sort(small.ravel())[int(recipe.white * (small.size - 1))]
    expected = np.arcsinh(small / knee) / np.arcsinh(max(peak, 2 * knee) / knee)
    expected = np.clip(255 * np.where(small > 0, expected, 0), 0, 255)
    for band in batch.pixels[0]:
        assert np.abs(band - expected).max() <= 1


def test_bands_keep_their_ratio():
    red = galaxy(noise=0.5, sky=0)
    colour = np.stack([red, 0.5 * red, 0.25 * red])
    pixels = prepared(colour, recipe=galedge.Recipe(framing="full")).pixels[0].astype(float)
    bright = pixels[0] > 100
    np.testing.assert_allclose(pixels[1][bright] / pixels[0][bright], 0.5, atol=0.03)
    np.testing.assert_allclose(pixels[2][bright] / pixels[0][bright], 0.25, atol=0.03)


def test_pictures_are_not_stretched():
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[20:44, 20:44] = (200, 100, 50)
    pixels = prepared(picture, recipe=galedge.Recipe(framing="full")).pixels[0]
    np.testing.assert_array_equal(pixels, picture.transpose(2, 0, 1))


def test_scale_and_pedestal_do_not_matter():
    image = galaxy()
    a = prepared(image).pixels.astype(int)
    b = prepared(image * np.float32(1e-9)).pixels.astype(int)
    c = prepared((image + np.float32(2000)) * 4).pixels.astype(int)
    assert np.abs(a - b).max() <= 1
    assert np.abs(a - c).max() <= 2


# --- framing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("q", [1.0, 0.4])
@pytest.mark.parametrize(("scale", "size"), [(4, 128), (8, 160), (12, 424)])
def test_frame_follows_the_isophote(scale, size, q):
    image = galaxy((size, size), scale=scale, q=q, noise=1.0)
    fact = prepared(image).facts[0]
    # Where the disc falls to the noise of a pixel; averaging into cells sees farther.
    isophote = 2 * scale * np.log(100 / 1.0)
    assert 0.75 * 1.25 * isophote < fact.side < 1.75 * 1.25 * isophote
    assert fact.x == pytest.approx((size - 1) / 2, abs=1.5)
    assert fact.y == pytest.approx((size - 1) / 2, abs=1.5)
    assert fact.flags == ()


def test_frame_follows_an_off_centre_galaxy():
    fact = prepared(galaxy((200, 200), centre=(90, 115), scale=5)).facts[0]
    assert (fact.x, fact.y) == (pytest.approx(115, abs=1.5), pytest.approx(90, abs=1.5))


def test_frame_ignores_other_sources():
    image = galaxy((200, 200), scale=5)
    alone = prepared(image).facts[0]
    y, x = np.mgrid[:200, :200]
    image += 4000 * np.exp(-((x - 180) ** 2 + (y - 20) ** 2) / 8)  # a bright star apart
    beside = prepared(image).facts[0]
    assert beside.side == pytest.approx(alone.side, rel=0.1)
    assert beside.x == pytest.approx(alone.x, abs=1)


def test_a_touching_neighbour_widens_the_frame_little():
    image = galaxy((200, 200), scale=5)
    alone = prepared(image).facts[0]
    y, x = np.mgrid[:200, :200]
    image += 100 * np.exp(-np.hypot(x - 128, y - 100) / 4)
    beside = prepared(image).facts[0]
    assert beside.side < 1.25 * alone.side
    assert np.hypot(beside.x - alone.x, beside.y - alone.y) < 6


def test_flags():
    noise = galaxy(peak=0)
    assert "no_source" in prepared(noise).facts[0].flags
    huge = galaxy((64, 64), scale=60, peak=1000)
    assert "cropped" in prepared(huge).facts[0].flags
    tiny = galaxy((64, 64), scale=0.7, peak=200)
    assert "small" in prepared(tiny).facts[0].flags
    holed = galaxy()
    holed[40:90, 55:70] = np.nan
    fact = prepared(holed).facts[0]
    assert "masked" in fact.flags
    assert fact.masked_fraction > 0.1
    faint = galaxy(peak=3, scale=10, noise=2)
    assert "faint" in prepared(faint).facts[0].flags
    assert set(FLAGS) >= {"no_source", "cropped", "neighbour", "small", "masked", "faint"}


@pytest.mark.parametrize("framing", ["full", 50])
def test_fixed_frames_are_centred(framing):
    fact = prepared(galaxy((100, 140)), recipe=galedge.Recipe(framing=framing)).facts[0]
    assert (fact.x, fact.y) == (69.5, 49.5)
    assert fact.side == (100 if framing == "full" else 50)


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
from galedge import _core
rng = np.random.default_rng(5)
images = []
for i in range(30):
    n = int(rng.integers(20, 300))
    image = rng.normal(size=(n, n + i)).astype(np.float32)
    y, x = np.indices(image.shape)
    image += 80 * np.exp(-np.hypot(y - n / 2, x - n / 2) / 9)
    image[rng.random(image.shape) < 0.01 * (i % 3)] = np.nan
    images.append(image)
batch = galedge.prepare(images)
print(_core.isa(), hashlib.sha256(batch.pixels.tobytes() + repr(batch.facts).encode()).hexdigest())
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


# --- other stretches -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("shape", [(64, 64), (100, 331), (7, 9), (2, 2), (500, 500)])
def test_zscale_agrees_with_astropy(shape, seed):
    from astropy.visualization import ZScaleInterval

    image = galaxy(shape, seed=seed, noise=2.0, scale=min(shape) / 10)
    if seed % 2:
        image[image > np.quantile(image, 0.9)] += 500
    if seed % 3 == 2:
        image[::5, ::3] = np.nan
    low, high = _core.zscale(image)
    expected = ZScaleInterval().get_limits(image)
    # To the precision of the image's own range: limits may come near zero.
    scale = float(np.nanmax(np.abs(image)))
    assert low == pytest.approx(expected[0], abs=1e-6 * scale)
    assert high == pytest.approx(expected[1], abs=1e-6 * scale)


@pytest.mark.parametrize(("stretch", "q"), [(5, 8), (0.5, 8), (20, 3), (1, 20)])
def test_lupton_agrees_with_astropy(stretch, q):
    from astropy.visualization import make_lupton_rgb

    rng = np.random.default_rng(0)
    bands = np.stack([galaxy(seed=s, sky=0, peak=p) for s, p in enumerate((90, 60, 30))])
    bands[:, :4] = rng.normal(0, 1e4, (3, 4, 128))
    expected = np.moveaxis(make_lupton_rgb(*bands, stretch=stretch, Q=q), -1, 0)
    difference = np.abs(_core.lupton(bands, stretch, q).astype(int) - expected)
    assert difference.max() <= 1
    assert (difference == 0).mean() >= 0.999


def test_recipes_with_other_stretches():
    image = galaxy(noise=2.0)
    colour = np.stack([image, 0.6 * image, 0.3 * image])
    for source in (image, colour):
        pixels = {
            stretch: prepared(source, recipe=galedge.Recipe(stretch=stretch)).pixels
            for stretch in ("asinh", "lupton", "zscale")
        }
        assert len({value.tobytes() for value in pixels.values()}) == 3
        assert all(value.max() > 100 for value in pixels.values())
    with pytest.raises(ValueError, match="stretch must be"):
        galedge.Recipe(stretch="log")


@pytest.mark.parametrize("hdu", [None, 0, (1, 2, 3)])
def test_nothing_gives_an_empty_batch(hdu):
    batch = galedge.prepare([], hdu=hdu)
    assert batch.pixels.shape == (0, 3, 64, 64)
    assert batch.facts == []


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
    assert "reproject" in galedge.prepare([(paths[0], paths[1], shifted)]).facts[0].error


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


@pytest.mark.parametrize(("shape", "size"), [((128, 128), 64), ((424, 424), 64), ((333, 333), 50)])
def test_shrinking_agrees_with_opencv(shape, size):
    import cv2

    image = galaxy(shape)
    ours, _ = _core.resample(image[None], 0, 0, shape[0], size, 0.0)
    theirs = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(ours, theirs, rtol=2e-6)

"""The share of a nucleus: galaxies with points of known shares, refusals, the command line.

How good it is over thousands of galaxies `training.study.nuclei` says; here are a few whose
answer is clear.
"""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from helpers.made import galaxy as pictured
from helpers.made import rows, write_fits
from scipy import special

from galedge.answers.measure import Measurer
from galedge.answers.mixtures import RATIO, of_point, ring_means, sersic
from galedge.answers.rings import centre, rings
from galedge.answers.structure import FLAGS, structure
from galedge.errors import GaledgeError
from galedge.frames.given import of_file, own, told
from galedge.frames.psf import analytic
from training.study.nucleated import Galaxy, render

DISK = Galaxy(
    share=0.0,
    bulge=0.3,
    radius=12.0,
    bulge_radius=4.0,
    index=2.0,
    ratio=0.7,
    bulge_ratio=0.9,
    angle=0.6,
    seeing=2.5,
    beta=3.0,
    elongation=0.0,
    snr=200.0,
    x=47.3,
    y=47.8,
)


def seen(share, seed=0, **facts):
    return render(replace(DISK, share=share, **facts), np.random.default_rng(seed))


@pytest.mark.parametrize("share", [0.0, 0.15, 0.3])
@pytest.mark.parametrize("seeing", [2.0, 3.0])
def test_a_point_has_its_share(share, seeing):
    image, point = seen(share, seeing=seeing)
    found = structure(image, psf=of_point(point))
    assert found.point_fraction == pytest.approx(share, abs=0.04)
    assert 0 < found.point_fraction_error < 0.06
    assert ("nuclear_point" in found.flags) == (share > 0)
    # Everything else is as it is without a point spread function.
    without = asdict(structure(image))
    for name in without.keys() - {"point_fraction", "point_fraction_error", "flags"}:
        assert getattr(found, name) == without[name]


def test_unit_and_pedestal_do_not_matter():
    image, point = seen(0.2)
    one = structure(image, psf=of_point(point))
    other = structure(image * np.float32(1e-9) - np.float32(5e-8), psf=of_point(point))
    assert other.point_fraction == pytest.approx(one.point_fraction, abs=0.01)


def test_what_resolution_does_not_allow_has_a_large_error():
    compact = {"bulge": 0.6, "bulge_radius": 0.8, "index": 4.0, "radius": 9.0, "seeing": 7.0}
    image, point = seen(0.0, **compact)
    vague = structure(image, psf=of_point(point))
    assert vague.point_fraction_error > 0.07
    assert "nuclear_point" not in vague.flags
    image, point = seen(0.0, **{**compact, "radius": 2.0, "bulge_radius": 1.0})
    none = structure(image, psf=of_point(point))
    assert math.isnan(none.point_fraction)
    assert math.isnan(none.point_fraction_error)
    assert "unresolved" in none.flags


def test_where_there_is_no_answer_a_flag_says_why():
    image, point = seen(0.2)
    psf = of_point(point)
    assert math.isnan(structure(image).point_fraction)
    assert "no_psf" not in structure(image).flags  # nobody asked
    unknown = structure(image, psf=lambda pixels: None)
    assert "no_psf" in unknown.flags
    assert math.isnan(unknown.point_fraction)
    picture = np.clip(image - 90, 0, 255).astype(np.uint8)
    assert math.isnan(structure(picture, psf=psf).point_fraction)
    assert structure(picture, psf=psf).flags[-1] == "stretched"
    noise = np.random.default_rng(0).normal(size=(60, 60)).astype(np.float32)
    assert structure(noise, psf=psf).flags == ("no_source",)
    assert {"no_psf", "unresolved", "nuclear_point"} <= set(FLAGS)


# --- What it is made of ----------------------------------------------------------------------


@pytest.mark.parametrize("n", [1.0, 2.0, 4.0])
def test_profiles_of_sersic_are_sums_of_gaussians(n):
    first, shares = sersic(n)
    sigma = RATIO ** (first + np.arange(len(shares)))
    radius = np.geomspace(0.03, 3, 30)
    made = (shares / (2 * np.pi * sigma**2) * np.exp(-0.5 * (radius[:, None] / sigma) ** 2)).sum(1)
    b = special.gammaincinv(2 * n, 0.5)
    fine = np.geomspace(1e-4, 8, 20000)
    total = np.trapezoid(2 * np.pi * fine * np.exp(-b * fine ** (1 / n)), fine)
    np.testing.assert_allclose(made * total, np.exp(-b * radius ** (1 / n)), rtol=0.06)
    assert shares.min() >= 0
    assert shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("fwhm", [1.5, 3.0, 8.0])
def test_a_point_is_a_sum_of_gaussians(fwhm):
    pixels = analytic(fwhm, (9, 9)).terms[0]
    variances, shares = of_point(pixels)
    at = np.arange(len(pixels)) - len(pixels) // 2
    square = (at[:, None] ** 2 + at**2)[..., None]
    made = (shares / (2 * np.pi * variances) * np.exp(-0.5 * square / variances)).sum(-1)
    assert np.abs(made - pixels).sum() < 0.01


def test_rings_of_an_ellipse_are_its_mean_over_angles():
    radius = np.array([0.0, 1.0, 5.0, 20.0, 60.0])
    psf = told(2.0)
    found = ring_means(radius, np.array([0.5, 4.0, 30.0]), 0.3, psf)
    angle = (np.arange(720) + 0.5) / 720 * np.pi
    for sigma, row in zip((0.5, 4.0, 30.0), found, strict=True):
        expected = np.zeros(len(radius))
        for variance, share in zip(*psf, strict=True):
            a, b = sigma**2 + variance, (0.3 * sigma) ** 2 + variance
            x, y = radius[:, None] * np.cos(angle), radius[:, None] * np.sin(angle)
            light = np.exp(-0.5 * (x**2 / a + y**2 / b)) / (2 * np.pi * math.sqrt(a * b))
            expected += share * light.mean(1)
        np.testing.assert_allclose(row, expected, rtol=1e-5, atol=1e-12)


def test_the_centre_is_the_peak_and_rings_hold_every_pixel():
    y, x = np.indices((41, 50))
    flux = np.exp(-0.5 * ((x - 22.3) ** 2 + (y - 17.6) ** 2) / 4)
    valid = np.ones(flux.shape, bool)
    assert centre(flux, valid, 21.5, 18.5, 2.0) == pytest.approx((22.3, 17.6), abs=0.02)
    assert centre(-flux, valid, 21.5, 18.5, 2.0) == (21.5, 18.5)
    valid[10:14, 20:30] = False
    found = rings(flux, valid, 22.3, 17.6, 100.0)
    assert found.pixels.sum() == valid.sum()
    assert (found.light * found.pixels).sum() == pytest.approx(flux[valid].sum())
    np.testing.assert_allclose(found.means(np.ones(len(found.radius))), 1)


# --- Where point spread functions come from --------------------------------------------------


def starry(seed=0, stars=12):
    """Return a frame with a galaxy in the middle, and stars."""
    random = np.random.default_rng(seed)
    image, point = seen(0.2, seed)
    frame = random.normal(100, 1, (320, 320)).astype(np.float32)
    frame[112:208, 112:208] = image
    half = len(point) // 2
    for i in range(stars):
        turn = 2 * np.pi * i / max(stars, 1)
        x, y = round(160 + 115 * math.cos(turn)), round(160 + 115 * math.sin(turn))
        star = random.uniform(4000, 9000) * point
        frame[y - half : y + half + 1, x - half : x + half + 1] += star.astype(np.float32)
    return frame, point


def test_an_image_has_its_own():
    frame, point = starry()
    found = own(frame)
    assert found is not None
    assert found.sigma == pytest.approx(of_point(point).sigma, rel=0.02)
    by_stars = structure(frame, psf=own)
    assert by_stars.point_fraction == pytest.approx(0.2, abs=0.05)
    assert own(starry(stars=3)[0]) is None
    assert own(np.full((50, 50), np.nan, np.float32)) is None


def test_of_files(tmp_path):
    frame, point = starry()
    write_fits(tmp_path / "point.fits", np.pad(point, ((0, 3), (0, 2))).astype(np.float32))
    write_fits(tmp_path / "frame.fits", frame)
    sigma = of_point(point).sigma
    assert of_file(str(tmp_path / "point.fits")).sigma == pytest.approx(sigma, rel=0.01)
    assert of_file(str(tmp_path / "frame.fits")).sigma == pytest.approx(sigma, rel=0.02)
    bad = {
        "starless": np.random.default_rng(0).normal(size=(200, 200)),
        "corner": np.pad(point[len(point) // 2 :, len(point) // 2 :], ((0, 9), (0, 9))),
        "cube": np.stack([point] * 3),
        "dark": np.zeros((21, 21)),
        "nan": np.full((21, 21), np.nan),
    }
    for name, pixels in bad.items():
        write_fits(tmp_path / f"{name}.fits", pixels.astype(np.float32))
        with pytest.raises(GaledgeError, match=name):
            of_file(str(tmp_path / f"{name}.fits"))
    with pytest.raises(GaledgeError):
        of_file(str(tmp_path / "none.fits"))


# --- The command line ------------------------------------------------------------------------


def test_measure_gives_the_share(galedge, tmp_path):
    frame, point = starry()
    image, _ = seen(0.2)
    write_fits(tmp_path / "galaxy.fits", image)
    write_fits(tmp_path / "frame.fits", frame)
    write_fits(tmp_path / "point.fits", point.astype(np.float32))
    for options in (["--psf", "point.fits"], ["--psf", "frame.fits"], ["--fwhm", 2.5]):
        (row,) = rows(galedge("measure", "galaxy.fits", *options).stdout)
        assert float(row["point_fraction"]) == pytest.approx(0.2, abs=0.05), options
        assert 0 < float(row["point_fraction_error"]) < 0.1
        assert "nuclear_point" in row["flags"].split(";")
    process = galedge("measure", "frame.fits", "galaxy.fits")
    assert process.returncode == 0
    one, other = rows(process.stdout)
    assert float(one["point_fraction"]) == pytest.approx(0.2, abs=0.05)
    assert (other["point_fraction"], other["point_fraction_error"]) == ("", "")
    assert "no_psf" in other["flags"].split(";")


def test_what_is_no_function_ends_the_run_before_it_begins(galedge, tmp_path):
    write_fits(tmp_path / "galaxy.fits", pictured())
    (tmp_path / "text.fits").write_text("no image\n" * 500)
    for options in (["--psf", "none.fits"], ["--psf", "text.fits"]):
        process = galedge("measure", "galaxy.fits", *options)
        assert (process.returncode, process.stdout) == (1, "")
        assert options[1] in process.stderr
        assert len(process.stderr.splitlines()) == 1
    both = galedge("measure", "galaxy.fits", "--psf", "galaxy.fits", "--fwhm", 3)
    assert both.returncode == 2
    assert "--fwhm" in both.stderr
    assert galedge("measure", "galaxy.fits", "--fwhm", 0).returncode == 2
    spared = galedge("measure", "galaxy.fits", "--psf", "text.fits", "-o", "text.fits")
    assert spared.returncode == 2
    assert (tmp_path / "text.fits").read_text().startswith("no image")


def test_from_python():
    image, point = seen(0.3)
    (found,) = Measurer(workers=1, psf=of_point(point)).stream([image])
    assert found.as_row()["point_fraction"] == pytest.approx(0.3, abs=0.05)
    assert Measurer(workers=1).measure(image).as_row()["point_fraction"] is None


def test_a_bright_point_in_a_faint_galaxy_is_no_unresolved_galaxy():
    # Petrosian's radius, and the half-light radius within it, are then the point's.
    image, point = seen(0.45, bulge=0.0, radius=14.0, snr=150.0, seeing=2.0)
    found = structure(image, psf=of_point(point))
    assert found.r_half < 6
    assert found.point_fraction == pytest.approx(0.45, abs=0.12)
    assert "nuclear_point" in found.flags

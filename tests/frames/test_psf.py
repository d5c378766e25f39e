"""Stars and galaxies of made frames: the point spread function, and who is wider than it."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.frames_made import write_frame, write_list
from helpers.made import bundle_of
from helpers.made import galaxy as pictured

from galedge import Classifier
from galedge.frames import extended, points
from galedge.frames.field import classify_sources
from galedge.frames.frame import Frame
from galedge.frames.moments import fit_gaussians, stamps
from galedge.frames.points import Points
from galedge.frames.psf import LEAST_STARS, analytic, measured
from galedge.frames.sources import Sources

SHAPE, NOISE, FWHM = (400, 480), 2.0, 3.2
FINE = 5  # points of a pixel along a side


def moffat(dx, dy, fwhm=FWHM, beta=3.0):
    core = fwhm / 2 / np.sqrt(2 ** (1 / beta) - 1)
    return (beta - 1) / (np.pi * core**2) * (1 + (dx**2 + dy**2) / core**2) ** -beta


def drawn(frame, x, y, flux, profile, half=24):
    """Add light at a place: each pixel gathers what falls on it."""
    left, bottom = round(x) - half, round(y) - half
    at = (np.arange((2 * half + 1) * FINE) + 0.5) / FINE - 0.5
    light = profile(at[None, :] + left - x, at[:, None] + bottom - y)
    light = light.reshape(2 * half + 1, FINE, 2 * half + 1, FINE).mean((1, 3))
    height, width = frame.shape
    x0, y0 = max(left, 0), max(bottom, 0)
    x1, y1 = min(left + 2 * half + 1, width), min(bottom + 2 * half + 1, height)
    frame[y0:y1, x0:x1] += flux * light[y0 - bottom : y1 - bottom, x0 - left : x1 - left]


def galaxy(scale, ratio=0.7, angle=0.5, fwhm=FWHM):
    """Return an exponential disc under the air: a sum of points along its profile."""
    rng = np.random.default_rng(5)
    radius = rng.gamma(2, scale, 400)
    turn = rng.uniform(0, 2 * np.pi, 400)
    u, v = radius * np.cos(turn), ratio * radius * np.sin(turn)
    ox, oy = u * np.cos(angle) - v * np.sin(angle), u * np.sin(angle) + v * np.cos(angle)
    ox, oy = ox - ox.mean(), oy - oy.mean()

    def profile(dx, dy):
        return sum(moffat(dx - a, dy - b, fwhm) for a, b in zip(ox, oy, strict=True)) / len(ox)

    return profile


def grid(count, seed=1, gap=44):
    """Return places far from each other, off the pixels' middles."""
    rng = np.random.default_rng(seed)
    ys, xs = np.mgrid[gap // 2 : SHAPE[0] - 10 : gap, gap // 2 : SHAPE[1] - 10 : gap]
    order = rng.permutation(xs.size)[:count]
    offset = rng.uniform(-0.5, 0.5, (2, count))
    return xs.ravel()[order] + offset[0], ys.ravel()[order] + offset[1]


def sky(seed=0):
    return np.random.default_rng(seed).normal(0, NOISE, SHAPE)


@pytest.fixture(scope="module")
def field():
    """A frame of 40 stars and 20 galaxies: pixels, places, and which are galaxies."""
    frame = sky()
    x, y = grid(60)
    is_galaxy = np.arange(60) % 3 == 2
    profiles = [galaxy(scale) for scale in (1.2, 1.8, 3.0)]
    for i in range(60):
        flux = 10 ** (3.1 + 2 * (i / 60))
        drawn(frame, x[i], y[i], flux, profiles[i // 3 % 3] if is_galaxy[i] else moffat)
    return frame.astype(np.float32), x, y, is_galaxy


def noise_of(frame):
    return np.full(frame.shape, NOISE, np.float32)


def true_width():
    """Return the FWHM of the Gaussian that fits the star best, by the same pixels."""
    frame = np.zeros((61, 61))
    drawn(frame, 30, 30, 1, moffat)
    zero = np.zeros(1, np.float32)
    return 2.3548 * fit_gaussians(frame[None].astype(np.float32), zero, zero, 1.5).sigma[0]


def test_gaussians_are_fitted_exactly():
    at = np.arange(-15, 16)
    for sigma, x, y in [(1.4, 0.3, -0.2), (2.5, -0.45, 0.4), (4.0, 0, 0)]:
        cut = 90 * np.exp(-((at - x) ** 2 + (at[:, None] - y) ** 2) / (2 * sigma**2))
        zero = np.zeros(1, np.float32)
        found = fit_gaussians(cut[None].astype(np.float32), zero, zero, 2.0)
        assert found.found.all()
        assert (found.x[0], found.y[0]) == pytest.approx((x, y), abs=1e-3)
        assert found.sigma[0] == pytest.approx(sigma, rel=1e-3)
        assert found.flux[0] == pytest.approx(90 * np.pi * sigma**2, rel=1e-3)
        assert found.weight[0] == pytest.approx(sigma * np.sqrt(np.pi), rel=1e-3)


def test_stamps_reach_beyond_the_frame():
    pixels = np.arange(12, dtype=np.float32).reshape(3, 4)
    (cut,) = stamps(pixels, np.array([0]), np.array([2]), 1)
    nothing = np.nan
    np.testing.assert_array_equal(
        cut, [[nothing, 4, 5], [nothing, 8, 9], [nothing, nothing, nothing]]
    )


def test_the_stars_own_function_is_found(field):
    frame, x, y, is_galaxy = field
    psf = measured(frame, noise_of(frame))
    assert psf is not None
    assert psf.stars > 25
    assert psf.fwhm == pytest.approx(true_width(), rel=0.01)
    stars = np.stack([x, y], 1)[~is_galaxy]
    for place in zip(psf.x, psf.y, strict=True):
        assert np.hypot(*(stars - place).T).min() < 0.1
    truth = np.zeros((2 * psf.half + 1,) * 2)
    drawn(truth, psf.half, psf.half, 1, moffat, psf.half)
    (found,) = psf.at(np.array([240.0]), np.array([200.0]))
    assert found.sum() == pytest.approx(1)
    assert np.abs(found - truth / truth.sum()).sum() < 0.06


def test_stars_are_points_and_galaxies_are_not(field):
    frame, x, y, is_galaxy = field
    seen = extended.look(frame, noise_of(frame), x, y, measured(frame, noise_of(frame)))
    assert (seen.snr > 20).all()
    assert (seen.extendedness[is_galaxy] > 0.9).all()
    assert (seen.extendedness[~is_galaxy] < 0.5).sum() >= 39
    assert np.median(seen.fwhm[~is_galaxy]) == pytest.approx(true_width(), rel=0.02)
    assert (seen.fwhm[is_galaxy] > 1.1 * true_width()).all()


def test_errors_are_the_scatter():
    """Of stars of one brightness, whose function is known, spreads scatter by their error."""
    frame = sky(3)
    x, y = grid(80, 3)
    for place in zip(x, y, strict=True):
        drawn(frame, *place, 1500, moffat)
    seen = extended.look(frame.astype(np.float32), noise_of(frame), x, y, analytic(FWHM, SHAPE))
    own = np.sqrt(seen.error**2 - 0.002**2)
    assert np.std(seen.spread) == pytest.approx(np.median(own), rel=0.3)
    assert abs(np.mean(seen.spread)) < 3 * np.median(own) / np.sqrt(80)
    assert seen.snr.mean() == pytest.approx(0.96 * 1500 * 0.29 / FWHM / 0.5 / NOISE, rel=0.25)


def test_an_analytic_function_is_as_wide_as_it_says():
    psf = analytic(FWHM, SHAPE)
    assert psf.stars == 0
    (found,) = psf.at(np.array([9.0]), np.array([9.0]))
    truth = np.zeros_like(found)
    drawn(truth, psf.half, psf.half, 1, moffat, psf.half)
    np.testing.assert_allclose(found, truth / truth.sum(), atol=1e-6)


def test_a_function_that_changes_over_the_frame_is_followed():
    frame = sky(4)
    x, y = grid(80, 4)

    def seeing(x):
        return 2.8 + 0.8 * x / SHAPE[1]

    for i, (a, b) in enumerate(zip(x, y, strict=True)):
        width = seeing(a)
        drawn(frame, a, b, 3000 + 200 * i, lambda dx, dy, w=width: moffat(dx, dy, w))
    frame = frame.astype(np.float32)
    psf = measured(frame, noise_of(frame))
    assert psf is not None
    assert len(psf.terms) == 3
    left, right = psf.at(np.array([20.0, 460.0]), np.array([200.0, 200.0]))
    assert left.max() / right.max() == pytest.approx((seeing(460) / seeing(20)) ** 2, rel=0.12)
    seen = extended.look(frame, noise_of(frame), x, y, psf)
    assert (seen.extendedness < 0.5).mean() > 0.95


@pytest.mark.parametrize("count", [0, 1, LEAST_STARS - 1])
def test_too_few_stars_make_none(count):
    frame = sky(6)
    for place in zip(*grid(count, 6), strict=True):
        drawn(frame, *place, 5000, moffat)
    assert measured(frame.astype(np.float32), noise_of(frame)) is None


def test_six_stars_are_enough():
    frame = sky(6)
    for place in zip(*grid(LEAST_STARS, 6), strict=True):
        drawn(frame, *place, 5000, moffat)
    psf = measured(frame.astype(np.float32), noise_of(frame))
    assert psf is not None
    assert psf.stars == LEAST_STARS


def test_a_frame_of_galaxies_has_no_stars():
    frame = sky(7)
    rng = np.random.default_rng(7)
    for a, b in zip(*grid(30, 7), strict=True):
        shape = galaxy(rng.uniform(1, 5), rng.uniform(0.2, 1), rng.uniform(0, np.pi))
        drawn(frame, a, b, rng.uniform(3e3, 3e4), shape)
    assert measured(frame.astype(np.float32), noise_of(frame)) is None


def test_saturated_stars_are_points(field):
    frame, x, y, is_galaxy = (np.array(part) for part in field)
    bright = np.nonzero(~is_galaxy)[0][:3]
    for i, level in zip(bright, (9e5, 2e6, 4e6), strict=True):
        drawn(frame, x[i], y[i], level, moffat)
    frame = np.minimum(frame, 2e4).astype(np.float32)
    psf = measured(frame, noise_of(frame))
    assert psf is not None
    assert psf.fwhm == pytest.approx(true_width(), rel=0.02)
    seen = extended.look(frame, noise_of(frame), x, y, psf)
    assert (seen.fwhm[bright] > 1.1 * psf.fwhm).all()
    assert (seen.extendedness[bright] < 0.5).all()
    assert (seen.extendedness[is_galaxy] > 0.9).all()


def test_missing_pixels_and_edges_are_no_light(field):
    frame, x, y, is_galaxy = (np.array(part) for part in field)
    star, wide = int(np.nonzero(~is_galaxy)[0][-1]), int(np.nonzero(is_galaxy)[0][-1])
    whole = extended.look(frame, noise_of(frame), x, y, measured(frame, noise_of(frame)))
    frame[:, round(x[star]) + 3] = np.nan
    frame[round(y[wide]) - 3] = np.nan
    psf = measured(frame, noise_of(frame))
    seen = extended.look(frame, noise_of(frame), x, y, psf)
    assert seen.extendedness[star] < 0.5 < seen.extendedness[wide]
    assert seen.spread[star] == pytest.approx(whole.spread[star], abs=0.004)
    corners = np.array([0.0, 479.0, -0.6, np.nan, 1e12]), np.array([0.0, 399.0, 5.0, 5.0, 5.0])
    drawn(frame, 0, 0, 1e4, moffat)
    at = extended.look(frame, noise_of(frame), *corners, psf)
    assert at.extendedness[0] < 0.5
    assert np.isnan(at.fwhm[2:]).all()
    assert np.isnan(at.extendedness[2:]).all()


def test_what_is_probable():
    spread = np.array([0, 0.0005, 0.01, 0.03, -0.01, 0, np.nan])
    error = np.array([0.001, 0.001, 0.001, 0.001, 0.001, 1.0, 1.0])
    found = extended.probability(spread, error)
    assert (found[:2] < 0.05).all()
    assert (found[2:4] > 0.99).all()
    assert found[4] < 0.05
    assert found[5] == pytest.approx(0.5, abs=0.01)  # who sees nothing knows nothing
    assert np.isnan(found[6])
    rising = extended.probability(np.linspace(-0.01, 0.05, 61), np.full(61, 0.002))
    assert (np.diff(rising) >= 0).all()


def placed(places_x, places_y):
    n = len(places_x)
    names = [f"S{i}" for i in range(n)]
    return Sources(places_x, places_y, np.full(n, 48.0), np.full(n, True), names)


def test_rows_say_it(tmp_path, bundle, field):
    pixels, x, y, is_galaxy = field
    frame = Frame(str(write_frame(tmp_path / "f.fits", 100 + pixels)))
    found = list(classify_sources(Classifier(bundle), frame, placed(x, y)))
    for i, one in enumerate(found):
        row = one.as_row()
        assert row["fwhm"] > 2
        assert row["snr"] > 20
        assert ("point_like" in one.result.flags) == (row["extendedness"] < 0.5)
        assert (row["label"] is None) == ("point_like" in one.result.flags)
        assert (row["t_type"] is None) == ("point_like" in one.result.flags)
        assert sum(one.result.probabilities.values()) == pytest.approx(1)
        assert "no_psf" not in one.result.flags
        if is_galaxy[i]:
            assert row["label"] is not None
    assert sum("point_like" in one.result.flags for one in found) >= 39
    everything = classify_sources(Classifier(bundle, label_all=True), frame, placed(x, y))
    assert all(one.result.label for one in everything)


NAMES = ["galaxy", "star", "trail"]
KIND = {"kind": "classes", "name": "kind", "output": "kind", "names": NAMES}
CLASS = {"kind": "classes", "name": "c", "output": "c", "primary": True, "names": ["a", "b"]}
SUBJECT = {"head": "kind", "name": "galaxy", "flags": {"star": "point_like"}}
STAR, TRAIL, NONE = ("not_a_galaxy", "point_like"), ("not_a_galaxy",), ("no_source",)


@pytest.mark.parametrize(
    ("said", "extendedness", "flags", "labelled"),
    [
        ((), 0.9, (), True),
        ((), 0.1, ("point_like",), False),
        (STAR, 0.9, (), True),  # the network sees no other star
        (STAR, 0.1, STAR, False),
        (STAR, None, STAR, False),  # and is believed where the frame says nothing
        (TRAIL, 0.9, TRAIL, False),
        (TRAIL, 0.1, (*TRAIL, "point_like"), False),
        (NONE, 0.9, NONE, False),
        ((), None, (), True),
    ],
)
def test_the_frame_overrules_the_network_of_points(
    tmp_path, field, said, extendedness, flags, labelled
):
    pixels, x, y, _ = field
    frame = Frame(str(write_frame(tmp_path / "f.fits", 100 + pixels)))
    beside = Points(frame, placed(x, y))
    heads = bundle_of(tmp_path / "b", [KIND, CLASS], subject=SUBJECT)
    result = Classifier(heads, label_all=True).classify(pictured())
    result = replace(result, flags=("cropped", *said))
    cells = {"extendedness": extendedness}
    judged = beside.judged(result, cells, False)
    assert judged.flags == ("cropped", *flags)
    assert (judged.label is not None) == labelled
    assert judged.answer("kind") == result.answer("kind")
    everything = beside.judged(result, cells, True)
    assert (everything.flags, everything.label) == (judged.flags, result.label)
    beside.psf = None
    judged = beside.judged(result, {"extendedness": None}, False)
    assert judged.flags == ("cropped", *said, "no_psf")
    assert (judged.label is None) == bool(said)


def test_colour_frames_are_judged_in_the_middle_band(tmp_path, bundle, field):
    pixels, x, y, _ = field
    others = sky(8).astype(np.float32)
    cube = np.stack([others, 100 + pixels, others])
    frame = Frame(str(write_frame(tmp_path / "rgb.fits", cube)))
    alone = Frame(str(write_frame(tmp_path / "f.fits", 100 + pixels)))
    found, expected = Points(frame, placed(x, y)), Points(alone, placed(x, y))
    for i in range(len(x)):
        assert found.cells(i) == expected.cells(i)


def test_units_change_nothing(tmp_path, field):
    pixels, x, y, _ = field
    unit = np.float32(2.0**-90)
    frame = Frame(str(write_frame(tmp_path / "tiny.fits", (100 + pixels) * unit)))
    alone = Frame(str(write_frame(tmp_path / "f.fits", 100 + pixels)))
    found, expected = Points(frame, placed(x, y)), Points(alone, placed(x, y))
    for i in range(len(x)):
        for name, value in found.cells(i).items():
            assert value == pytest.approx(expected.cells(i)[name], rel=1e-3, abs=1e-4)


def few(tmp_path):
    frame = sky(9) + 100
    x, y = grid(4, 9)
    for i in range(4):
        drawn(frame, x[i], y[i], 20_000, moffat if i % 2 else galaxy(2.5))
    return Frame(str(write_frame(tmp_path / "few.fits", frame.astype(np.float32)))), placed(x, y)


def test_without_stars_there_is_a_flag_or_a_told_width(tmp_path, bundle):
    frame, sources = few(tmp_path)
    for one in classify_sources(Classifier(bundle), frame, sources):
        assert "no_psf" in one.result.flags
        row = one.as_row()
        assert row["label"] is not None
        assert row["extendedness"] is None
        assert row["snr"] > 100
    told = list(classify_sources(Classifier(bundle), frame, sources, fwhm=FWHM))
    assert ["point_like" in one.result.flags for one in told] == [False, True, False, True]
    assert not any("no_psf" in one.result.flags for one in told)


def test_what_goes_wrong_costs_columns_and_no_row(tmp_path, bundle, monkeypatch, caplog):
    frame, sources = few(tmp_path)

    def fails(*_):
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(points, "measured", fails)
    found = list(classify_sources(Classifier(bundle), frame, sources))
    assert [one.result.ok for one in found] == [True] * 4
    assert {one.as_row()["snr"] for one in found} == {None}
    assert all("no_psf" in one.result.flags for one in found)
    assert "nobody foresaw this" in caplog.text


def test_pictures_are_not_judged(tmp_path, bundle):
    from PIL import Image

    path = tmp_path / "f.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 99, (90, 90)).astype(np.uint8)).save(path)
    (one,) = classify_sources(
        Classifier(bundle), Frame(str(path)), placed(np.array([40.0]), np.array([40.0]))
    )
    assert one.as_row()["fwhm"] is None


def test_command(galedge, tmp_path, bundle, field):
    pixels, x, y, is_galaxy = field
    write_frame(tmp_path / "f.fits", 100 + pixels)
    write_list(tmp_path / "l.csv", "x,y,snr", [(a, b, 7) for a, b in zip(x, y, strict=True)])
    options = ["--catalog", "l.csv", "--keep", "--model", bundle, "--json", "--fwhm", "9"]
    process = galedge("classify", "f.fits", *options)
    assert process.returncode == 0, process.stderr
    import json

    rows = [json.loads(line) for line in process.stdout.splitlines()]
    assert len(rows) == 60
    assert {row["cat_snr"] for row in rows} == {7}
    for row, wide in zip(rows, is_galaxy, strict=True):
        assert (row["extendedness"] > 0.5) >= wide
        assert (row["label"] is None) == ("point_like" in row["flags"])

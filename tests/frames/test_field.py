"""Sources of frames, classified: places, order, flags, and the command."""

import csv
import io

import numpy as np
import pytest
from helpers.frames_made import PLACES, TAN, light, made, write_frame, write_list

from galedge import Classifier
from galedge.frames import field
from galedge.frames import frame as frames
from galedge.frames.field import SIDE, classify_sources
from galedge.frames.frame import Frame
from galedge.frames.sources import Sources
from galedge.images.image import cutout


def sources(places, side=np.nan, fixed=False):
    x, y = np.array(places, float).reshape(-1, 2).T
    n = len(x)
    return Sources(x, y, np.full(n, float(side)), np.full(n, fixed), [f"G{i}" for i in range(n)])


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def frame(tmp_path):
    path = write_frame(tmp_path / "f.fits", OBJECT="a field", **{"DATE-OBS": "2026-01-02"})
    return Frame(str(path))


def test_results_come_in_the_frames_coordinates(frame, bundle):
    found = list(classify_sources(Classifier(bundle), frame, sources(PLACES)))
    sky = frame.celestial()
    for i, (placed, place) in enumerate(zip(found, PLACES, strict=True)):
        result = placed.result
        assert result.ok
        assert (result.x, result.y) == pytest.approx(place, abs=1)
        ra, dec = sky.pixels_to_sky(np.array([result.x]), np.array([result.y]))
        assert (result.ra, result.dec) == (ra[0], dec[0])
        assert (result.path, result.hdu, result.object) == (frame.path, 0, f"G{i}")
        assert result.date_obs == "2026-01-02"
        assert set(result.flags) <= {"edge", "no_psf"}


@pytest.mark.parametrize("side", [40, 64])
def test_answers_are_those_of_cutouts(frame, bundle, side):
    classifier = Classifier(bundle)
    found = classify_sources(classifier, frame, sources(PLACES, side, True))
    expected = classifier.classify([cutout(frame.path, x, y, side) for x, y in PLACES])
    for placed, alone in zip(found, expected, strict=True):
        assert placed.result.probabilities == alone.probabilities
        assert (placed.result.sky, placed.result.t_type) == (alone.sky, alone.t_type)
        assert placed.side == side


def test_places_at_the_edge_outside_and_unknown(frame, bundle):
    places = [(3.0, 100.0), (-0.5, 100.0), (-0.51, 100.0), (239.4, 0.0), (5.0, 199.5),
              (np.nan, 5.0), (1e9, -1e9), (np.inf, 0.0), (120.0, 100.0)]  # fmt: skip
    found = [
        placed.result for placed in classify_sources(Classifier(bundle), frame, sources(places))
    ]
    status = [result.status for result in found]
    assert status == ["ok", "ok", "error", "ok", "error", "error", "error", "error", "ok"]
    assert ["edge" in result.flags for result in found][:4] == [True, True, False, True]
    assert ["outside" in result.flags for result in found].count(True) == 3
    assert "edge" not in found[-1].flags
    assert found[2].error == "x -0.51, y 100.00 lies outside the frame of 240 x 200 pixels"
    assert (found[2].x, found[2].y) == (-0.51, 100.0)
    assert found[2].ra == pytest.approx(TAN["CRVAL1"], abs=0.02)
    assert found[5].error == found[7].error == "the source has no place on the frame"
    assert (found[5].x, found[5].y, found[5].ra) == (None, 5.0, None)


def test_blank_pixels_are_a_row(tmp_path, bundle):
    image = made()
    image[:, :146] = np.nan
    frame = Frame(str(write_frame(tmp_path / "f.fits", image)))
    blank, half = classify_sources(Classifier(bundle), frame, sources([(50, 40), (150, 62)]))
    assert blank.result.status == "error"
    assert "pixel" in blank.result.error
    assert "masked" in half.result.flags


def test_order_is_the_lists_however_the_frame_is_read(frame, bundle, monkeypatch):
    rng = np.random.default_rng(0)
    places = np.c_[rng.uniform(-20, 260, 400), rng.uniform(-20, 220, 400)]
    classifier = Classifier(bundle)

    def answers():
        return [
            (p.result.object, p.result.probabilities, p.result.flags, p.side)
            for p in classify_sources(classifier, Frame(frame.path), sources(places))
        ]

    expected = answers()
    monkeypatch.setattr(frames, "STRIP_PIXELS", 240 * 80)
    monkeypatch.setattr(field, "_CHUNK", 37)
    monkeypatch.setattr(field, "_GROUP_PIXELS", 5 * 64 * 64)
    assert answers() == expected
    assert [name for name, *_ in expected] == [f"G{i}" for i in range(400)]


def test_cutouts_grow_with_the_galaxy(tmp_path, bundle):
    image = made([(60.0, 60.0)], (500, 500)) + light((500, 500), 280.0, 260.0, 30)
    path = str(write_frame(tmp_path / "f.fits", image.astype(np.float32)))
    classifier = Classifier(bundle)
    small, large = classify_sources(classifier, Frame(path), sources([(60, 60), (280, 260)]))
    assert small.side == SIDE
    assert large.side > SIDE
    assert "cropped" not in large.result.flags
    assert (large.result.x, large.result.y) == pytest.approx((280, 260), abs=3)
    (fixed,) = classify_sources(classifier, Frame(path), sources([(280, 260)]), side=SIDE)
    assert fixed.side == SIDE
    assert "cropped" in fixed.result.flags


def test_another_galaxy_than_asked_for_is_flagged(tmp_path, bundle):
    image = np.random.default_rng(0).normal(100, 2, (200, 240)) + light((200, 240), 50, 40, 1.5)
    frame = Frame(str(write_frame(tmp_path / "f.fits", image.astype(np.float32))))
    near, far = classify_sources(Classifier(bundle), frame, sources([(53, 40), (62, 40)]))
    assert "off_centre" not in near.result.flags
    assert "off_centre" in far.result.flags
    assert (far.result.x, far.result.y) == pytest.approx((50, 40), abs=1)


def test_three_bands(tmp_path, bundle):
    paths = [str(write_frame(tmp_path / f"{b}.fits", made(seed=i))) for i, b in enumerate("irg")]
    classifier = Classifier(bundle)
    found = list(classify_sources(classifier, Frame(paths), sources(PLACES, 48, True)))
    for placed, (x, y) in zip(found, PLACES, strict=True):
        stack = np.stack([cutout(path, x, y, 48).data for path in paths])
        assert placed.result.probabilities == classifier.classify(stack).probabilities


def test_command(galedge, tmp_path, bundle):
    frame = write_frame(tmp_path / "f.fits")
    sky = Frame(str(frame)).celestial()
    ra, dec = sky.pixels_to_sky(*np.array([*PLACES, (500.0, 10.0)]).T)
    table = [(f"S{i}", a, d, i * 1.5) for i, (a, d) in enumerate(zip(ra, dec, strict=True))]
    write_list(tmp_path / "l.csv", "name,ra,dec,z", table)
    arguments = ["classify", frame, "--catalog", "l.csv", "--keep", "--model", bundle]
    process = galedge(*arguments)
    assert process.returncode == 3
    found = rows(process.stdout)
    from helpers.made import HEADS, names_of

    names = names_of(HEADS)
    names[names.index("flags") : names.index("flags")] = ["fwhm", "snr", "extendedness"]
    assert list(found[0]) == [*names, "name", "cat_ra", "cat_dec", "z"]
    assert (
        [row["object"] for row in found]
        == [row["name"] for row in found]
        == [f"S{i}" for i in range(6)]
    )
    assert [float(row["z"]) for row in found] == [i * 1.5 for i in range(6)]
    for row, place in zip(found, PLACES, strict=False):
        assert (float(row["x"]), float(row["y"])) == pytest.approx(place, abs=1)
        assert (float(row["ra"]), float(row["dec"])) == pytest.approx(
            (float(row["cat_ra"]), float(row["cat_dec"])), abs=2e-4
        )
    assert (found[5]["status"], found[5]["flags"], found[5]["label"]) == ("error", "outside", "")
    assert {row["flags"] for row in found[:5]} <= {"no_psf", "edge;no_psf"}
    assert "classified 5 sources in " in process.stderr
    assert "f.fits: x 500.00, y 10.00 lies outside the frame" in process.stderr


def test_command_with_several_frames(galedge, tmp_path, bundle):
    (tmp_path / "night").mkdir()
    for name in "ab":
        write_frame(tmp_path / "night" / f"{name}.fits")
    (tmp_path / "night" / "broken.fits").write_bytes(b"SIMPLE")
    write_frame(tmp_path / "night" / "nowhere.fits", CTYPE1=None, CTYPE2=None)
    write_list(tmp_path / "l.csv", "ra,dec", [(150, 2.2)] * 3)
    process = galedge("classify", "night", "--catalog", "l.csv", "--model", bundle, "--keep")
    assert process.returncode == 3
    found = rows(process.stdout)
    names = [row["path"].removeprefix("night/") for row in found]
    assert names == ["a.fits"] * 3 + ["b.fits"] * 3 + ["broken.fits", "nowhere.fits"]
    assert [row["status"] for row in found] == ["ok"] * 6 + ["error"] * 2
    assert found[-1]["error"].startswith("has no celestial coordinates")
    assert found[-1]["cat_ra"] == ""


def test_command_reads_pixels_that_count_from_one(galedge, tmp_path, bundle):
    frame = write_frame(tmp_path / "f.fits")
    write_list(tmp_path / "l.csv", "X_IMAGE,Y_IMAGE,R", [(x + 1, y + 1, 8) for x, y in PLACES])
    roles = "x=X_IMAGE,y=Y_IMAGE,radius=R"
    options = ["--catalog", "l.csv", "--columns", roles, "--one-based", "--model", bundle]
    process = galedge("classify", frame, *options)
    assert process.returncode == 0
    expected = classify_sources(Classifier(bundle), Frame(str(frame)), sources(PLACES, 32, True))
    for row, placed in zip(rows(process.stdout), expected, strict=True):
        assert float(row["x"]) == pytest.approx(placed.result.x, abs=0.005)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--keep"], 2, "--keep goes with --catalog"),
        (["--size", "64"], 2, "--size goes with --catalog"),
        (["--catalog", "l.csv", "--columns", "a=b"], 2, "'a=b' is not of the form ROLE=NAME"),
        (["--catalog", "l.csv", "--size", "3"], 2, "--size"),
        (["--catalog", "none.csv"], 1, "none.csv: cannot be read: No such file"),
        (
            ["--catalog", "l.csv", "--columns", "x=a,y=b"],
            1,
            "l.csv: has no column 'a'; it has x, y",
        ),
        (["--catalog", "l.csv", "-o", "l.csv"], 2, "raw data are never replaced"),
    ],
)
def test_command_refusals(galedge, tmp_path, bundle, options, code, message):
    frame = write_frame(tmp_path / "f.fits")
    write_list(tmp_path / "l.csv", "x,y", [(1, 2)])
    process = galedge("classify", frame, "--model", bundle, *options)
    assert process.returncode == code
    assert message in process.stderr
    assert process.stdout == ""

"""Sources that galedge finds itself, and the picture of them."""

import csv
import io
import os
import sys
from dataclasses import replace

import numpy as np
import pytest
from helpers.frames_made import PLACES, made, write_frame
from helpers.made import CLASSES

from galedge import Classifier
from galedge.errors import GaledgeError, TooLarge, Unsupported
from galedge.frames import frame as frames
from galedge.frames.field import classify_sources
from galedge.frames.frame import Frame

pytest.importorskip("sep")

from galedge.frames.detect import detect
from galedge.frames.overlay import draw


def test_every_galaxy_is_found_and_nothing_else(tmp_path):
    sources = detect(Frame(str(write_frame(tmp_path / "f.fits"))))
    assert len(sources) == len(PLACES)
    for (x, y), expected in zip(
        zip(sources.x, sources.y, strict=True), sorted(PLACES, key=lambda p: p[1]), strict=True
    ):
        assert (x, y) == pytest.approx(expected, abs=0.3)
    assert np.all((sources.side >= 32) & (sources.side < 200))
    assert not sources.fixed.any()


def test_threshold_and_area_choose(tmp_path):
    frame = Frame(str(write_frame(tmp_path / "f.fits")))
    assert len(detect(frame, 1.2, 3)) > len(detect(frame, 5, 3)) == len(PLACES)
    assert len(detect(frame, 5, 5000)) == 0


def test_blank_pixels_are_no_sources(tmp_path):
    image = made()
    image[:, 130:140] = np.nan
    sources = detect(Frame(str(write_frame(tmp_path / "f.fits", image))))
    assert len(sources) == len(PLACES)


@pytest.mark.parametrize("fill", [0, -32768, 1e30, -1e30])
def test_what_stands_for_nothing_is_no_source(tmp_path, fill):
    image = made()
    row, column = np.indices(image.shape)
    missing = (column > 120) & (column < 131) | (row + column < 30) | (row > image.shape[0] - 6)
    found = []
    for number, value in enumerate((np.nan, fill)):
        frame = np.where(missing, np.float32(value), image).astype(np.float32)
        found.append(detect(Frame(str(write_frame(tmp_path / f"{number}.fits", frame)))))
    lacking, filled = found
    np.testing.assert_array_equal(filled.x, lacking.x)
    np.testing.assert_array_equal(filled.y, lacking.y)
    assert len(filled) >= len(PLACES) - 1  # one may lie in the gap


@pytest.mark.parametrize("exponent", [-40, -32, 20, 33])
def test_the_unit_does_not_matter(tmp_path, exponent):
    usual = detect(Frame(str(write_frame(tmp_path / "f.fits"))))
    image = (made().astype(float) * 10.0**exponent).astype(np.float32)
    other = detect(Frame(str(write_frame(tmp_path / "g.fits", image))))
    assert len(other) == len(usual)
    np.testing.assert_allclose(other.x, usual.x, atol=0.01)
    np.testing.assert_array_equal(other.side, usual.side)


def test_of_three_bands_the_middle_one_is_searched(tmp_path):
    empty = str(write_frame(tmp_path / "empty.fits", made([])))
    full = str(write_frame(tmp_path / "full.fits"))
    assert len(detect(Frame([empty, full, empty]))) == len(PLACES)
    assert len(detect(Frame([full, empty, full]))) == 0


def test_what_cannot_be_searched(tmp_path, monkeypatch):
    picture = np.clip(made(), 0, 255).astype(np.uint8)
    np.save(tmp_path / "p.npy", picture)
    with pytest.raises(Unsupported, match="8-bit picture"):
        detect(Frame(str(tmp_path / "p.npy")))
    frame = Frame(str(write_frame(tmp_path / "f.fits")))
    monkeypatch.setattr("galedge.frames.detect.STRIP_PIXELS", 1000)
    with pytest.raises(TooLarge, match="too many to search at once"):
        detect(frame)
    blank = str(write_frame(tmp_path / "n.fits", np.full((200, 240), np.nan, np.float32)))
    with pytest.raises(GaledgeError, match=r"n\.fits"):
        detect(Frame(blank))
    monkeypatch.setitem(sys.modules, "sep", None)
    with pytest.raises(GaledgeError, match=r"needs sep.*pip install 'galedge\[detect\]'"):
        detect(frame)


def test_command(galedge, tmp_path, bundle):
    frame = write_frame(tmp_path / "f.fits")
    options = ["--detect", "--threshold", "3", "--min-area", "12", "--model", bundle]
    process = galedge("classify", frame, *options, "--overlay", "f.png")
    assert process.returncode == 0
    found = list(csv.DictReader(io.StringIO(process.stdout)))
    places = sorted(PLACES, key=lambda place: place[1])
    for row, place in zip(found, places, strict=True):
        assert (float(row["x"]), float(row["y"])) == pytest.approx(place, abs=1)
        assert row["object"] == ""
    image = pytest.importorskip("PIL.Image").open(tmp_path / "f.png")
    assert image.format == "PNG"
    write_frame(tmp_path / "empty.fits", made([]))
    process = galedge("classify", "empty.fits", "f.fits", *options)
    assert process.returncode == 3  # no frame leaves a run without a word
    found = list(csv.DictReader(io.StringIO(process.stdout)))
    assert [row["path"] for row in found] == ["empty.fits"] + ["f.fits"] * len(PLACES)
    assert found[0]["error"] == "no source was found"
    np.save(tmp_path / "p.npy", np.clip(made(), 0, 255).astype(np.uint8))
    process = galedge("classify", "p.npy", *options)
    assert process.returncode == 3
    assert "8-bit picture" in process.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--threshold", "2"], "--threshold goes with --detect"),
        (["--min-area", "2"], "--min-area goes with --detect"),
        (["--detect", "--catalog", "l.csv"], "--catalog does not go with --detect"),
        (["--detect", "--threshold", "0"], "--threshold"),
        (["--overlay", "o.png"], "--overlay needs --catalog or --detect"),
        (["--detect", "--overlay", "o.jpg"], "end the name in .png"),
        (["--detect", "--overlay", "o.png", "second.fits"], "--overlay takes one frame"),
    ],
)
def test_command_refusals(galedge, tmp_path, options, message):
    write_frame(tmp_path / "f.fits")
    process = galedge("classify", "f.fits", *options)
    assert process.returncode == 2
    assert message in process.stderr
    assert sorted(os.listdir(tmp_path)) == ["f.fits"]


def drawn(tmp_path, bundle, frame):
    """Return the picture of a frame with its galaxies, as an array, and the places."""
    from PIL import Image

    found = list(classify_sources(Classifier(bundle), frame, detect(frame)))
    draw(frame, found, str(tmp_path / "o.png"), CLASSES)
    with Image.open(tmp_path / "o.png") as picture:
        return np.asarray(picture).astype(int), found


@pytest.mark.parametrize("order", ["BOTTOM-UP", "TOP-DOWN"])
def test_overlay_shows_galaxies_where_they_are(tmp_path, bundle, order):
    frame = Frame(str(write_frame(tmp_path / "f.fits", ROWORDER=order)))
    picture, found = drawn(tmp_path, bundle, frame)
    scale = 4  # so that 240 pixels become at least 900
    assert picture.shape == (200 * scale, 240 * scale + 190, 3)
    spread = np.ptp(picture[:, : 240 * scale], axis=2)
    assert (spread > 60).any()
    for placed in found:
        x, y = placed.result.x, placed.result.y
        y = y if order == "TOP-DOWN" else 199 - y
        row, column = round((y + 0.5) * scale), round((x + 0.5) * scale)
        assert picture[row, column].min() > 230  # the galaxy's core
        radius = round(placed.side / 4 * scale)
        ring = spread[row, max(0, column + radius - 3) : column + radius + 3]
        assert ring.size == 0 or ring.max() > 60


def test_what_has_no_class_is_seen_on_any_ground(tmp_path, bundle):
    """A grey ring drowned in a star's light, and in the sky's noise."""
    from PIL import Image

    frame = Frame(str(write_frame(tmp_path / "f.fits")))
    found = list(classify_sources(Classifier(bundle), frame, detect(frame)))
    nothing = [tuple((None,) * len(cells) for cells in placed.result.answers) for placed in found]
    found = [
        replace(placed, result=replace(placed.result, answers=answers))
        for placed, answers in zip(found, nothing, strict=True)
    ]
    assert {placed.result.label for placed in found} == {None}
    draw(frame, found, str(tmp_path / "o.png"), CLASSES)
    with Image.open(tmp_path / "o.png") as picture:
        grey = np.asarray(picture.convert("L")).astype(int)
    for placed in found:
        row, column = round((199.5 - placed.y) * 4), round((placed.x + 0.5) * 4)
        reach = round(min(placed.side, 10))
        around = grey[row, max(0, column - reach - 8) : max(0, column - reach + 8)]
        if around.size == 16:
            assert around.max() > 200
            assert around.min() < 10


def test_large_frames_are_averaged(tmp_path, bundle, monkeypatch):
    frame = Frame(str(write_frame(tmp_path / "f.fits")))
    monkeypatch.setattr("galedge.frames.overlay._LARGEST", 100)
    monkeypatch.setattr("galedge.frames.overlay._SMALLEST", 50)
    monkeypatch.setattr("galedge.frames.overlay.STRIP_PIXELS", 240 * 20)
    picture, _ = drawn(tmp_path, bundle, frame)
    assert picture.shape[1] == 80 + 190
    assert frames.STRIP_PIXELS == 1 << 26

"""``--hdu`` and ``--plane`` mean the same for cutouts, frames with a list, searched ones, bands."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers.fits_files import EMPTY_PRIMARY, extension, primary
from helpers.made import galaxy
from PIL import Image as Pillow

from galedge.answers.classifier import Classifier
from galedge.errors import GaledgeError
from galedge.frames.field import classify_sources
from galedge.frames.frame import Frame
from galedge.frames.sources import Sources
from galedge.images.prepare import prepare

SIDE = 64
LEVELS = [0, 1000, 2000, 3000]
CUBE = np.stack([galaxy(SIDE) + level for level in LEVELS]).astype(np.float32)
COLOUR = np.moveaxis(CUBE[:3], 0, -1)
PICTURE = (COLOUR / 20).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    plain = {
        "cube.fits": primary(CUBE, -32),
        "colour.fits": primary(CUBE[:3], -32),
        "flat.fits": primary(CUBE[0], -32),
        "several.fits": EMPTY_PRIMARY
        + extension(CUBE[1], -32, ("EXTNAME", "SCI"), ("EXTVER", 1))
        + extension(CUBE[2], -32, ("EXTNAME", "SCI"), ("EXTVER", 2))
        + extension(CUBE, -32, ("EXTNAME", "CUBE")),
        "lines.fits": primary(COLOUR, -32),  # colours along NAXIS1: planes that are no bands
    }
    for name, content in plain.items():
        (folder / name).write_bytes(content)
        (folder / name.replace(".fits", ".dat")).write_bytes(content)  # which Python reads
    np.save(folder / "last.npy", COLOUR)
    np.save(folder / "opaque.npy", np.dstack([PICTURE, PICTURE[..., :1]]))
    np.save(folder / "cube.npy", CUBE)
    Pillow.fromarray(PICTURE).save(folder / "a.png")
    Pillow.fromarray(PICTURE[..., 0]).save(folder / "grey.png")
    return sorted(folder.iterdir())


CHOICES = [(hdu, None) for hdu in (None, 0, 1, 2, 3, 9, "SCI", "sci,2", "CUBE", "DQ")]
CHOICES += [(None, plane) for plane in (0, 1, 2, 3, 4)] + [("CUBE", 3), (3, 1), (1, 1)]


@pytest.mark.parametrize(("hdu", "plane"), CHOICES)
def test_frames_and_cutouts_choose_the_same(files, bundle, hdu, plane):
    classifier = Classifier(bundle, workers=1, hdu=hdu, plane=plane, frame="full")
    everything = Sources(
        np.array([(SIDE - 1) / 2]), np.array([(SIDE - 1) / 2]), np.array([float(SIDE)]),
        np.array([True]), [None],
    )  # fmt: skip
    for path in files:
        alone = classifier.classify(path)
        try:
            (placed,) = classify_sources(classifier, Frame(str(path), hdu, plane), everything)
        except GaledgeError:
            assert not alone.ok, path
            continue
        if placed.result.flags == ("outside",):
            assert path.stem == "lines"  # three pixels wide, for which nobody asks
            continue
        assert placed.error == alone.error is None, path
        assert placed.result.probabilities == alone.probabilities, path
        assert (placed.result.sky, placed.result.hdu) == (alone.sky, alone.hdu), path


def test_what_is_chosen_is_what_was_asked_for(files):
    paths = {path.name: path for path in files}
    for name in ("cube.fits", "cube.dat", "cube.npy", "several.fits"):
        hdu = "CUBE" if name == "several.fits" else None
        for plane, level in enumerate(LEVELS):
            (facts,) = prepare([paths[name]], hdu=hdu, plane=plane).facts
            assert facts.sky == pytest.approx(100 + level, abs=15)
    for plane, level in enumerate(LEVELS[:3]):
        (facts,) = prepare([paths["last.npy"]], plane=plane).facts
        assert facts.sky == pytest.approx(100 + level, abs=15)


def test_bands_are_planes_of_their_files(files):
    cube = next(path for path in files if path.name == "cube.fits")
    three = (cube, cube.with_name("cube.npy"), CUBE)
    for plane in range(4):
        found = prepare([three, (CUBE[plane],) * 3], plane=plane if plane else 0).facts
        assert found[0].error is None
        assert found[0].sky == pytest.approx(100 + LEVELS[plane], abs=15)
    expected = prepare([(CUBE[2],) * 3])
    np.testing.assert_array_equal(prepare([three], plane=2).pixels, expected.pixels)
    (facts,) = prepare([three]).facts
    assert "a cube of 4 planes" in facts.error


def test_the_command(galedge, files, tmp_path, bundle):
    folder = files[0].parent
    (tmp_path / "l.csv").write_text("x,y\n31.5,31.5\n")
    arguments = ["classify", folder / "several.fits", "--model", bundle, "--json", "-q"]
    for hdu, number in {"2": 2, "sci": 1, "SCI,2": 2}.items():
        for more in ([], ["--catalog", "l.csv"], ["--detect"]):
            process = galedge(*arguments, "--hdu", hdu, *more)
            found = [json.loads(line) for line in process.stdout.splitlines()]
            assert process.returncode == 0, process.stderr
            assert {row["hdu"] for row in found} == {number}
    process = galedge(*arguments, "--hdu", "ERR")
    (row,) = map(json.loads, process.stdout.splitlines())
    assert (process.returncode, row["error"]) == (
        3,
        "no HDU is named ERR; the file has SCI, SCI, CUBE",
    )
    for hdu, said in {"-1": "-1 is no HDU: they are numbered from 0", " ": "is empty"}.items():
        process = galedge(*arguments, "--hdu", hdu)
        assert process.returncode == 2
        assert said in process.stderr
    for command in ("measure", "info"):
        options = [] if command == "info" else ["-q", "--json"]
        process = galedge(command, folder / "several.fits", "--hdu", "SCI,2", *options)
        assert process.returncode == 0, process.stderr
        assert ("HDU 2" if command == "info" else '"hdu": 2') in process.stdout
    process = galedge("cutout", folder / "several.fits", "--hdu", "sci", "--catalog", "l.csv",
                      "-o", "out", "--size", "32")  # fmt: skip
    assert process.returncode == 0, process.stderr
    (tmp_path / "in").mkdir()
    (tmp_path / "in/several.fits").write_bytes((folder / "several.fits").read_bytes())
    watch = ["watch", "in", "-o", "n.jsonl", "--once", "--model", bundle, "--hdu", "SCI,2"]
    assert galedge(*watch).returncode == 0
    assert json.loads((tmp_path / "n.jsonl").read_text())["hdu"] == 2
    (tmp_path / "c.toml").write_text('[classify]\nhdu = "SCI"\n')
    (row,) = map(
        json.loads, galedge(*arguments, "--config", tmp_path / "c.toml").stdout.splitlines()
    )
    assert row["hdu"] == 1

"""The benchmark: what it measures adds up, and its words follow from it. No time is asserted."""

import json

import numpy as np
import pytest
from helpers.made import galaxy, write_fits

from galedge.cli import rivals, specimens, timing
from galedge.errors import GaledgeError


@pytest.fixture
def quick(monkeypatch):
    """Measure briefly and start no processes for engines."""
    monkeypatch.setattr(timing, "ROUND", 1e-3)
    monkeypatch.setattr(timing, "ROUNDS", 2)
    monkeypatch.setattr(timing, "CALLS", 20)
    monkeypatch.setattr(specimens, "GENERATED", 20)
    monkeypatch.setattr(timing, "usable_cpus", lambda: 2)
    monkeypatch.setattr(timing, "measure_all", lambda card: ([], []))


def test_a_report_adds_up(quick, bundle):
    said = []
    report = timing.run(str(bundle), note=said.append)
    names = [stage.name for stage in report.stages]
    assert names == [
        "bytes from disk",
        "read to floats",
        "read and prepare",
        "network",
        "rows and table",
        "whole",
    ]
    assert all(stage.image >= 0 for stage in report.stages)
    assert report.stages[-1].share == 1
    assert [step["workers"] for step in report.scaling] == [1, 2]
    assert report.scaling[0]["times"] == 1
    latency = list(report.latency.values())
    assert latency == sorted(latency)
    assert report.images.startswith("20 generated FITS cutouts")
    assert "sets the pace" in report.verdict
    assert any("2 threads" in text for text in said)
    assert json.loads(json.dumps(report.as_json()))["model"] == "tiny"


def test_a_report_on_the_users_images(quick, bundle, night):
    (night / "bad.fits").write_bytes(b"")
    report = timing.run(str(bundle), str(night))
    assert report.images == f"5 of the images in {night}"


def test_a_folder_without_images(quick, bundle, tmp_path):
    with pytest.raises(GaledgeError, match="holds no image that can be prepared"):
        timing.run(str(bundle), str(tmp_path))


def test_generated_files_are_fits():
    fits = pytest.importorskip("astropy.io.fits")
    image = specimens.galaxy(128, 3)
    with fits.HDUList.fromstring(specimens.fits_file(image)) as hdus:
        hdus.verify("exception")
        np.testing.assert_array_equal(hdus[0].data, image.astype("f4"))


def test_steps():
    assert timing._steps(1) == [1]
    assert timing._steps(6) == [1, 2, 4, 6]


def test_rivals_run_the_same_network(bundle, tmp_path):
    pytest.importorskip("cv2")
    from galedge.network.model import find_card

    path = tmp_path / "g.fits"
    write_fits(path, galaxy(side=96))
    found = list(rivals.stacks(find_card(bundle)))
    assert found
    for _, task in found:
        answer = task(str(path))
        assert answer["hubble"].shape == (1, 7)
        assert np.isfinite(answer["hubble"]).all()


@pytest.mark.slow
def test_the_command(galedge, bundle, night):
    process = galedge("benchmark", "--model", bundle, "--data", night)
    assert process.returncode == 0
    assert "images/s" in process.stdout
    assert "sets the pace" in process.stdout
    assert "one image at a time" in process.stderr
    process = galedge("benchmark", "--model", bundle, "--data", night, "--json", "-q")
    assert process.stderr == ""
    report = json.loads(process.stdout)
    assert {engine["engine"] for engine in report["engines"]} >= {"onnxruntime"}
    assert report["machine"]["cpus"] >= 1

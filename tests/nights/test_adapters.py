"""Adapters: what observatories are told, and how galedge's own are found."""

import asyncio
import importlib
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.made import command, galaxy, write_fits

import galedge.nights.adapters.pyobs as pyobs
from galedge.errors import GaledgeError
from galedge.nights.adapters import adapters

OWN = ["alerts", "astropy", "command", "ekos", "hyrax", "indi", "nina", "pyobs", "siril", "zoobot"]


def test_the_list(galedge):
    done = galedge("adapters")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines() if line[0] != " "] == OWN
    about = galedge("adapters", "pyobs").stdout
    assert "class: galedge.nights.adapters.pyobs.Morphology" in about


def test_one_that_is_none(galedge):
    done = galedge("adapters", "telnet")
    assert done.returncode == 2
    assert f"'telnet' is none of {', '.join(OWN)}" in done.stderr


def test_a_command_for_each_image(galedge, bundle, night):
    (night / "bad.fits").write_bytes(b"")
    done = galedge("adapters", "command", "--model", bundle, night / "g0.fits")
    row = json.loads(done.stdout)
    assert (done.returncode, row["status"], row["object"]) == (0, "ok", "G0")
    same = galedge("classify", "-q", "--json", "--model", bundle, night / "g0.fits")
    assert same.stdout == done.stdout
    done = galedge("adapters", "command", "--model", bundle, night)
    assert done.returncode == 3
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()].count("error") == 1


def test_a_command_that_is_kept(tmp_path, bundle, night):
    """It answers a path before it is given the next."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(
        command("adapters", "command", "-", "--model", bundle), cwd=tmp_path, **pipes
    ) as kept:
        for name in ("g0", "none", "g1"):
            print(night / f"{name}.fits", file=kept.stdin, flush=True)
            row = json.loads(kept.stdout.readline())
            assert row["path"] == str(night / f"{name}.fits")
            assert (row["error"] is None) == (name != "none")
        kept.stdin.close()
        assert kept.wait(60) == 3


def test_nobody_listens_any_more(tmp_path, bundle, night):
    line = " ".join(map(str, command("adapters", "command", "--model", bundle, *[night] * 40)))
    done = subprocess.run(
        ["sh", "-c", f"{line} | head -n 1"], cwd=tmp_path, capture_output=True, text=True
    )
    assert json.loads(done.stdout)["status"] == "ok"
    assert done.stderr == ""


def test_what_is_said_of_each(galedge):
    """With a name alone it says how it is set up: a sentence, and lines to copy."""
    for name in OWN:
        said = galedge("adapters", name).stdout
        assert len(said.splitlines()) > 5
        assert f"galedge.nights.adapters.{name}" in said or f"adapters {name}" in said


def test_the_metadata_names_them():
    """Who looks for adapters by entry points finds galedge's own too."""
    tomllib = pytest.importorskip("tomllib")
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    points = tomllib.loads(text)["project"]["entry-points"]["galedge.adapters"]
    assert list(points) == OWN
    for name, value in points.items():
        module, _, kind = value.partition(":")
        assert getattr(importlib.import_module(module), kind) is adapters()[name]


# --- pyobs -----------------------------------------------------------------------------------


def test_a_step_adds_cards(bundle):
    step = pyobs.Step(model=bundle)
    image = SimpleNamespace(data=galaxy(), header={})
    assert asyncio.run(step(image)) is image
    label, comment = image.header["GECLASS"]
    assert isinstance(label, str)
    assert "class" in comment
    assert 0 < image.header["GEPROB"][0] <= 1
    assert image.header["GEMODEL"][0].startswith("tiny ")


@pytest.mark.parametrize("kind", [dict, "astropy"])
def test_a_step_knows_which_way_round_an_image_is(bundle, kind, monkeypatch):
    if kind == "astropy":
        kind = pytest.importorskip("astropy.io.fits").Header
    seen = []
    step = pyobs.Step(model=bundle)
    classify = step._classifier.classify
    monkeypatch.setattr(
        step._classifier, "classify", lambda sources: seen.extend(classify(sources)) or seen[-1:]
    )
    north_up = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 9.0, "CDELT1": -1e-4}
    for cards in (north_up | {"CDELT2": 1e-4}, {"ROWORDER": "TOP-DOWN"}, {}, {"BAD": object()}):
        header = kind()
        for key, value in cards.items():
            if kind is dict or key != "BAD":
                header[key] = value
        asyncio.run(step(SimpleNamespace(data=galaxy(), header=header)))
    assert [(found.handedness, found.upwards) for found in seen] == [
        ("sky", True), ("file", False), ("assumed", True), ("assumed", True)
    ]  # fmt: skip
    assert seen[0].ra is not None


def test_an_image_that_has_no_answer_passes_with_the_reason(bundle):
    image = SimpleNamespace(data=np.zeros((9, 9, 9, 9)), header={})
    asyncio.run(pyobs.Step(model=bundle)(image))
    assert "is not an image" in image.header["GEERROR"][0]
    assert "GECLASS" not in image.header


def test_masked_pixels_are_missing_ones(bundle):
    for mask, keyword in ((np.zeros((64, 64)), "GECLASS"), (np.ones((64, 64)), "GEERROR")):
        image = SimpleNamespace(data=galaxy(), header={}, mask=mask)
        asyncio.run(pyobs.Step(model=bundle)(image))
        assert keyword in image.header


def test_cards_fit_into_a_header(bundle, recwarn):
    fits = pytest.importorskip("astropy.io.fits")
    image = SimpleNamespace(data=galaxy(), header=fits.Header())
    asyncio.run(pyobs.Step(model=bundle)(image))
    image.header.tostring()
    assert [str(warning.message) for warning in recwarn] == []


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """What pyobs has of steps, for a while."""
    (tmp_path / "pyobs").mkdir()
    (tmp_path / "pyobs" / "__init__.py").write_text("")
    (tmp_path / "pyobs" / "images.py").write_text(
        "class ImageProcessor:\n"
        "    def __init__(self, on_error='raise'):\n"
        "        self.on_error = on_error\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("pyobs.images").ImageProcessor
    vars(pyobs).pop("Morphology", None)
    for name in ("pyobs", "pyobs.images"):
        del sys.modules[name]


def test_the_step_of_a_pipeline_is_one_that_pyobs_takes(processor, bundle):
    step = pyobs.Morphology(model=bundle, views=8, on_error="info")
    assert isinstance(step, processor)
    assert step.on_error == "info"
    image = asyncio.run(step(SimpleNamespace(data=galaxy(), header={})))
    assert "GECLASS" in image.header


@pytest.mark.skipif(find_spec("pyobs") is not None, reason="pyobs is installed")
def test_without_pyobs(galedge):
    with pytest.raises(GaledgeError, match=r"Morphology needs pyobs.*'galedge\[pyobs\]'"):
        pyobs.Morphology  # noqa: B018 - asking for it is what counts
    assert "not here: needs pyobs" in galedge("adapters").stdout


def test_what_it_tells(galedge, bundle, tmp_path):
    write_fits(tmp_path / "a.fits", galaxy())
    lines = galedge("adapters", "pyobs", "a.fits", "--model", bundle).stdout.splitlines()
    assert lines[0].startswith("GECLASS = '")
    assert all(len(line) <= 80 for line in lines)


# --- adapters of other packages --------------------------------------------------------------


@pytest.mark.parametrize("works", [True, False])
def test_a_package_brings_an_adapter(tmp_path, monkeypatch, works):
    module = f"dome_{works}"
    info = tmp_path / "dome-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dome\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[galedge.adapters]\ndome = {module}:Dome\n")
    if works:
        (tmp_path / f"{module}.py").write_text(
            "class Dome:\n    about = 'domes'\n    packages = ()\n    install = ''\n"
        )
    monkeypatch.syspath_prepend(tmp_path)
    if works:
        assert list(adapters()) == [*OWN, "dome"]
    else:
        with pytest.raises(GaledgeError, match=r"dome \(dome_False:Dome\) cannot be imported"):
            adapters()

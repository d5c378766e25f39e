"""``--order``: what it changes, by every command that has it, and what it is bound to."""

import json
import subprocess

import numpy as np
import pytest
from helpers.frames_made import light
from helpers.made import command, write_fits

from galedge import Classifier
from galedge.cli.nights import binding


def run(*arguments):
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120)


def told(*arguments):
    done = run(*arguments, "--json", "-q")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def night(tmp_path):
    """Return a folder of one cube, blue first: of which nobody says it, and which says it."""
    noise = np.random.default_rng(1).normal(0, 2, (3, 90, 90))
    galaxy = [light((90, 90), 44, 45, 7) * gain for gain in (0.2, 1.0, 2.5)]
    for name, cards in {"silent": {}, "stated": {"BANDS": "grz"}}.items():
        write_fits(tmp_path / f"{name}.fits", (galaxy + noise).astype(np.float32), **cards)
    write_fits(tmp_path / "red_first.fits", (galaxy + noise)[::-1].astype(np.float32))
    return tmp_path


def test_classify(night, bundle):
    paths = [night / f"{name}.fits" for name in ("silent", "stated", "red_first")]
    silent, stated, red_first = told("classify", *paths, "--model", bundle)
    assert [row["flags"] for row in (silent, stated, red_first)].count("band_order_unknown") == 2
    assert stated["flags"] == ""
    assert stated["probability"] == red_first["probability"] != silent["probability"]
    named = told("classify", *paths[:2], "--model", bundle, "--order", "g,r,z")
    assert [row["flags"] for row in named] == ["", ""]
    assert {row["probability"] for row in named} == {stated["probability"]}
    for how in (["--detect"], ["--detect", "--order", "grz"]):
        (row,) = told("classify", paths[0], *how, "--model", bundle, "--size", 90)
        assert ("band_order_unknown" in row["flags"]) is (len(how) == 1)


def test_info(night):
    done = run("info", night / "silent.fits")
    assert "band_order_unknown" in done.stdout
    assert "band_order_unknown" not in run("info", night / "silent.fits", "--order", "BGR").stdout


@pytest.mark.parametrize("text", ["griz", "xyz", "g,r", ""])
def test_what_is_no_order(night, text):
    done = run("classify", night, "--order", text)
    assert done.returncode == 2
    assert "order must name the bands of three planes" in done.stderr


def test_a_journal_is_bound_to_it(bundle):
    plain, named = (binding(Classifier(bundle, workers=1, order=o)) for o in (None, "grz"))
    assert {key for key in plain if plain[key] != named[key]} == {"order"}

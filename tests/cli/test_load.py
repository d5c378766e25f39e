"""Which engine answers in a long run that leaves the choice to galedge."""

import pytest
from click.testing import CliRunner
from helpers.made import galaxy, rows, write_fits

from galedge.cli import cli, load
from galedge.network.model import find_card
from galedge.network.speeds import recall

pytest.importorskip("openvino")


@pytest.fixture
def night(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(load, "LONG", 3)
    folder = tmp_path / "night"
    folder.mkdir()
    for i in range(3):
        write_fits(folder / f"{i}.fits", galaxy(seed=i))
    return folder


def run(*arguments):
    result = CliRunner().invoke(cli, ["classify", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result


def test_a_long_run_measures_the_engines_once(night, bundle):
    first = run(night, "--model", bundle)
    assert "measured onnxruntime and openvino in" in first.stderr
    best = min(recall(find_card(bundle)), key=lambda speed: speed.image)
    assert {row["engine"] for row in rows(first.stdout)} == {best.engine}
    assert "measured" not in run(night, "--model", bundle).stderr


def test_what_cannot_be_remembered_is_used_all_the_same(night, bundle, monkeypatch):
    monkeypatch.setattr("galedge.network.speeds.cache_folder", lambda name: None)
    found = run(night, "--model", bundle)
    (engine,) = {row["engine"] for row in rows(found.stdout)}
    assert f"; {engine} is fastest here" in found.stderr


@pytest.mark.parametrize(
    "options", [["--engine", "onnxruntime"], ["--quiet"]], ids=["an engine is named", "quiet"]
)
def test_it_is_not_told(night, bundle, options):
    assert "measured" not in run(night, "--model", bundle, *options).stderr
    assert bool(recall(find_card(bundle))) == (options == ["--quiet"])


def test_a_short_run_measures_nothing(night, bundle):
    (night / "2.fits").unlink()
    run(night, "--model", bundle)
    assert recall(find_card(bundle)) == []

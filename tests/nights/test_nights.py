"""Whole nights as processes: kills, slow writers, signals, restarts, options from a file."""

import json
import os
import shutil
import signal
import time

import pytest
from helpers import nights
from helpers.made import galaxy, write_fits


@pytest.fixture
def watching(tmp_path, night, bundle):
    """Return a function that starts a watch over `night`, and ends it with the test."""
    started = []

    def start(*options):
        process = nights.start(
            "watch", night, "-o", tmp_path / "n.jsonl", "--model", bundle, *options
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def rows(tmp_path):
    path = tmp_path / "n.jsonl"
    return nights._rows(path)


def names(tmp_path):
    return [os.path.basename(row["path"]) for row in rows(tmp_path)]


def wait_for(condition, process=None):
    for _ in range(3000):
        if condition():
            return
        assert process is None or process.poll() is None, nights.end(process)
        time.sleep(0.02)
    raise AssertionError("in vain")


def test_kills(tmp_path, bundle):
    figures = nights.kills(tmp_path, bundle, count=8, files=300)
    assert figures["kills"] == 8


@pytest.mark.slow
def test_two_hundred_kills(tmp_path, bundle):
    figures = nights.kills(tmp_path, bundle, count=200, files=2000, seed=1)
    print(figures)
    assert figures["found"]["a journal"] > 100


def test_slow_files(tmp_path, bundle):
    nights.slow_files(tmp_path, bundle, count=30, writers=15, kills=1)


def test_slow_files_by_events(tmp_path, bundle):
    figures = nights.slow_files(
        tmp_path, bundle, count=10, writers=10, pause=0.5, options=("--inotify",)
    )
    assert figures["rows"] == 10


@pytest.mark.slow
def test_a_thousand_slow_files(tmp_path, bundle):
    figures = nights.slow_files(tmp_path, bundle, count=1000, writers=40, kills=5)
    print(figures)
    assert figures["kills"] == 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_watch_ends_cleanly_and_goes_on(tmp_path, night, watching, number):
    process = watching()
    wait_for(lambda: len(rows(tmp_path)) == 5, process)
    process.send_signal(number)
    said = nights.end(process)
    assert process.returncode == 0
    assert said.splitlines()[0] == f"galedge: watching {night}; 0 images done before"
    assert "classified 5 images in " in said
    write_fits(night / "more.fits", galaxy(seed=9))
    (night / "text.fits").write_text("no image")
    process = watching("--patience", "0.5")
    wait_for(lambda: len(rows(tmp_path)) == 7, process)
    process.send_signal(number)
    said = nights.end(process)
    assert "; 5 images done before" in said
    assert said.splitlines()[1] == (
        f"galedge: {night}/text.fits: is none of FITS, JPEG, PNG, TIFF and .npy, but text, "
        "'no image': was it downloaded well?"
    )
    assert sorted(names(tmp_path)) == sorted(os.listdir(night))
    assert [row["status"] for row in rows(tmp_path)] == ["ok"] * 6 + ["error"]


def test_a_folder_that_disappears_and_comes_back(tmp_path, night, watching):
    process = watching()
    wait_for(lambda: len(rows(tmp_path)) == 5, process)
    shutil.move(night, tmp_path / "away")
    time.sleep(0.6)
    write_fits(tmp_path / "away/more.fits", galaxy(seed=9))
    shutil.move(tmp_path / "away", night)
    wait_for(lambda: len(rows(tmp_path)) == 6, process)
    process.terminate()
    said = nights.end(process)
    assert said.count(f"{night}: no such file; passed over") == 1
    assert sorted(names(tmp_path)) == sorted(os.listdir(night))


def test_renamed_changed_and_deleted_files(tmp_path, night, watching):
    (night / "g9.fits.part").write_bytes((night / "g0.fits").read_bytes())
    (night / "half.fits").write_bytes((night / "g0.fits").read_bytes()[:5000])
    process = watching()
    wait_for(lambda: len(rows(tmp_path)) == 5, process)
    os.unlink(night / "half.fits")
    os.rename(night / "g9.fits.part", night / "g9.fits")
    os.unlink(night / "g0.fits")
    wait_for(lambda: len(rows(tmp_path)) == 6, process)
    write_fits(night / "g1.fits", galaxy(side=70))
    wait_for(lambda: len(rows(tmp_path)) == 7, process)
    time.sleep(1)
    assert names(tmp_path)[5:] == ["g9.fits", "g1.fits"]
    assert len({row["identity"] for row in rows(tmp_path)}) == 7


def test_once_takes_what_is_complete(galedge, tmp_path, night, bundle):
    (night / "half.fits").write_bytes((night / "g0.fits").read_bytes()[:5000])
    arguments = ["watch", night, "-o", "n.jsonl", "--model", bundle, "--once"]
    process = galedge(*arguments)
    assert process.returncode == 0
    assert "classified 5 images in " in process.stderr
    assert process.stderr.endswith("; 1 not complete yet\n")
    assert galedge(*arguments, "-q").stderr == ""
    os.utime(night / "half.fits", (1, 1))  # nobody has touched it for long
    process = galedge(*arguments)
    assert process.returncode == 3
    assert len(rows(tmp_path)) == 6
    assert "truncated" in rows(tmp_path)[-1]["error"]


def test_patterns_and_flat_folders(galedge, tmp_path, night, bundle):
    (night / "deep").mkdir()
    shutil.copy(night / "g0.fits", night / "deep/g7.fits")
    shutil.copy(night / "g0.fits", night / "g8.raw")
    arguments = ["watch", night, "-o", "n.jsonl", "--model", bundle, "--once"]
    galedge(*arguments, "--flat", "--pattern", "g[78].*")
    assert names(tmp_path) == ["g8.raw"]
    galedge(*arguments, "--pattern", "g[78].*")
    assert names(tmp_path) == ["g8.raw", "g7.fits"]
    galedge(*arguments, "--flat")
    assert len(rows(tmp_path)) == 7


def test_two_watches_do_not_share_a_table(galedge, tmp_path, night, watching, bundle):
    process = watching()
    wait_for(lambda: len(rows(tmp_path)) == 5, process)
    second = galedge("watch", night, "-o", "n.jsonl", "--model", bundle, "--once")
    assert second.returncode == 1
    assert second.stderr == "galedge: n.jsonl: another galedge is writing it; stop that one\n"


def test_watches_that_are_refused(galedge, tmp_path, night, bundle):
    for arguments, code, message in [
        (["nowhere", "-o", "n.jsonl"], 2, "no such folder"),
        ([night, "-o", "n.csv"], 1, "end the name in .jsonl"),
        ([night, "-o", tmp_path], 2, "is a folder"),
        ([night], 2, "Missing option '-o'"),
        ([night, "-o", "n.jsonl", "--interval", "0"], 2, "interval"),
        ([night, "-o", "n.jsonl", "--write-back", night / "x"], 2, "choose a folder outside"),
        ([night, "-o", "n.jsonl", "--quarantine-move"], 2, "needs --quarantine FOLDER"),
        ([night, "-o", "n.jsonl", "--quarantine", night, "--quarantine-move"], 2, "outside"),
    ]:
        process = galedge("watch", *arguments, "--model", bundle, "--once")
        assert process.returncode == code, process.stderr
        assert message in process.stderr
    assert os.listdir(tmp_path) == ["night"]


def test_rejected_files_are_moved_and_copies_get_cards(galedge, tmp_path, night, bundle):
    from astropy.io import fits

    (night / "bad.fits").write_text("bad")
    os.utime(night / "bad.fits", (1, 1))
    before = {path.name: path.read_bytes() for path in night.iterdir()}
    process = galedge(
        *["watch", night, "-o", "n.jsonl", "--model", bundle, "--once", "--write-back", "copies"],
        *["--quarantine", "q", "--quarantine-move"],
    )
    assert process.returncode == 3
    assert sorted(os.listdir(tmp_path / "q")) == ["bad.fits", "rejected.jsonl"]
    after = {path.name: path.read_bytes() for path in night.iterdir()}
    assert after | {"bad.fits": (tmp_path / "q/bad.fits").read_bytes()} == before
    labels = {os.path.basename(row["path"]): row["label"] for row in rows(tmp_path)}
    for name in after:
        assert fits.getheader(tmp_path / "copies" / name)["GECLASS"] == labels[name]


def test_options_come_from_a_file(galedge, tmp_path, night, bundle):
    config = tmp_path / "galedge.toml"
    config.write_text(
        f"[watch]\nfolder = {json.dumps(str(night))}\nmodel = {json.dumps(str(bundle))}\n"
        'output = "n.jsonl"\nonce = true\nsettle = 0.1\nrecursive = false\nframe = "full"\n'
        f"[classify]\npaths = {json.dumps([str(night)])}\nmodel = {json.dumps(str(bundle))}\n"
        'batch = 2\noutput = "t.csv"\nquiet = true\n'
    )
    process = galedge("watch", "--config", "galedge.toml")
    assert process.returncode == 0, process.stderr
    assert len(rows(tmp_path)) == 5
    full = {row["recipe_sha256"] for row in rows(tmp_path)}
    process = galedge("classify", "--config", "galedge.toml", "-o", "other.csv")
    assert (process.returncode, process.stderr) == (0, "")
    assert not (tmp_path / "t.csv").exists()  # the command line comes first
    assert {row["recipe_sha256"] for row in nights.table(tmp_path / "other.csv")} != full
    for text, code, message in [
        ("[watch]\nsettel = 1", 1, "has no option settel; did you mean settle?"),
        ("[watch]\nsettle = 'x'", 2, "is not a valid number"),
        ("[watch]\nsettle = [1]", 2, "settle must be one value"),
        ("[watch]\nonce = 'perhaps'", 2, "not a valid boolean"),
    ]:
        config.write_text(text)
        process = galedge("watch", night, "-o", "n.jsonl", "--config", config)
        assert process.returncode == code
        assert message in process.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_resumed(tmp_path, bundle, number):
    nights.long_folder(tmp_path / "in", 1500)
    arguments = ["classify", tmp_path / "in", "--model", bundle, "--batch", 2, "-o"]
    process = nights.start(*arguments, tmp_path / "t.csv", "--resume")
    journal = tmp_path / "t.csv.journal"
    wait_for(lambda: journal.exists() and journal.stat().st_size > 50_000, process)
    process.send_signal(number)
    said = nights.end(process)
    assert process.returncode == 130
    assert said.endswith(f"; {journal} holds what is done: repeat the command to go on\n")
    assert not (tmp_path / "t.csv").exists()
    process = nights.start(*arguments, tmp_path / "t.csv", "--resume")
    nights.end(process)
    nights.end(nights.start(*arguments, tmp_path / "whole.csv"))
    assert (tmp_path / "t.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not journal.exists()


def test_resuming_other_work_is_refused(galedge, tmp_path, night, bundle):
    (tmp_path / "t.csv.journal").write_text("")
    arguments = ["classify", night, "--model", bundle]
    assert galedge(*arguments, "--resume").returncode == 2
    nights.long_folder(tmp_path / "in", 2000)
    process = nights.start(
        "classify", tmp_path / "in", "--model", bundle, "--resume", "-o", tmp_path / "t.csv"
    )
    wait_for(lambda: (tmp_path / "t.csv.journal").stat().st_size > 1000, process)
    process.kill()
    nights.end(process)
    process = galedge(*arguments, "--resume", "-o", "t.csv", "--frame", "full")
    assert process.returncode == 1
    assert "t.csv.journal: begun with another recipe_sha256" in process.stderr
    assert process.stderr.endswith("or remove the journal to start again\n")


def test_a_classified_folder_goes_to_quarantine_when_the_table_is_there(
    galedge, tmp_path, night, bundle
):
    (night / "bad.fits").write_text("bad")
    arguments = ["classify", night, "--model", bundle, "-o", "t.csv", "--quarantine", "q", "-q"]
    assert galedge(*arguments).returncode == 3
    assert (night / "bad.fits").exists()
    assert galedge(*arguments, "--quarantine-move", "--resume").returncode == 3
    assert len(nights.table(tmp_path / "t.csv")) == 6
    assert (tmp_path / "q/bad.fits").read_text() == "bad"
    assert not (night / "bad.fits").exists()

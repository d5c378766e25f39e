"""Disks that are full, and files that may not grow: one sentence, and nothing half-written."""

import json
import os
import resource
import subprocess
import time

import pytest
from helpers import nights
from helpers.made import command, galaxy, write_fits


@pytest.fixture
def disk(tmp_path):
    """Return a disk of 100 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "none", str(place)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("only where a tmpfs may be mounted")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def folder(tmp_path):
    """Return a folder whose table takes more than 100 kB, with one bad file in ten."""
    nights.long_folder(tmp_path / "in", 600)
    return tmp_path / "in"


def assert_left(disk, *names):
    """Check that a failed run left these files only, all of them in whole lines."""
    assert sorted(os.listdir(disk)) == sorted(names)
    for name in names:
        for line in (disk / name).read_bytes().splitlines(keepends=True):
            assert line.endswith(b"\n")
            json.loads(line)


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_a_table_on_a_full_disk(galedge, folder, disk, bundle, name):
    process = galedge("classify", folder, "--model", bundle, "-q", "-o", disk / name)
    assert process.returncode == 1
    assert process.stderr == f"galedge: {disk / name}: cannot be written: No space left on device\n"
    assert_left(disk)


def test_a_journal_on_a_full_disk(galedge, tmp_path, folder, disk, bundle):
    arguments = ["classify", folder, "--model", bundle, "-q", "--resume", "-o", disk / "t.csv"]
    process = galedge(*arguments)
    assert process.returncode == 1
    assert "cannot be written: No space left on device" in process.stderr
    assert_left(disk, "t.csv.journal")
    subprocess.run(["mount", "-o", "remount,size=9m", str(disk)], check=True)
    assert galedge(*arguments).returncode == 3
    assert galedge(*arguments[:-3], "-o", tmp_path / "whole.csv").returncode == 3
    assert (disk / "t.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert os.listdir(disk) == ["t.csv"]


def test_a_watch_waits_for_room(folder, disk, bundle):
    output = disk / "n.jsonl"
    arguments = ["watch", folder, "-o", output, "--model", bundle, "--patience", "1"]
    process = nights.start(*arguments)
    size = -1
    while size != (size := output.stat().st_size if output.exists() else -1) or size < 90_000:
        time.sleep(0.5)
        assert process.poll() is None, nights.end(process)
    assert_left(disk, "n.jsonl")
    before = len(nights._rows(output))
    assert before < 600
    subprocess.run(["mount", "-o", "remount,size=9m", str(disk)], check=True)
    while len(nights._rows(output)) < 600:
        time.sleep(0.1)
        assert process.poll() is None, nights.end(process)
    process.terminate()
    said = nights.end(process)
    assert said.count("No space left on device; waiting for room") == 1
    assert said.count("there is room again") == 1
    rows = nights._rows(output)
    assert len({row["path"] for row in rows}) == len(rows) == 600


def test_copies_and_quarantine_on_a_full_disk(galedge, tmp_path, disk, bundle):
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(3):
        write_fits(folder / f"{i}.fits", galaxy(side=120, seed=i))
    (folder / "bad.fits").write_bytes(b"x" * 200_000)
    arguments = ["classify", folder, "--model", bundle, "-q", "-o", tmp_path / "t.csv"]
    process = galedge(*arguments, "--write-back", disk / "copies")
    assert process.returncode == 1
    assert "cannot be written: No space left on device" in process.stderr
    assert set(os.listdir(disk / "copies")) <= {"0.fits", "1.fits"}
    process = galedge(*arguments, "--quarantine", disk / "q", "--quarantine-move")
    assert process.returncode == 3
    assert "bad.fits: cannot be moved: " in process.stderr
    assert (folder / "bad.fits").stat().st_size == 200_000
    assert os.listdir(disk / "q") == ["rejected.jsonl"]


@pytest.mark.parametrize("limit", [0, 20_000])
def test_files_that_may_not_grow(tmp_path, folder, bundle, limit):
    for options in (
        ["classify", folder, "-o", tmp_path / "out/t.csv"],
        ["classify", folder, "-o", tmp_path / "out/t.csv", "--resume"],
        ["watch", folder, "-o", tmp_path / "out/n.jsonl", "--once"],
    ):
        (tmp_path / "out").mkdir(exist_ok=True)
        process = subprocess.run(
            command(*options, "--model", bundle, "-q"),
            capture_output=True,
            text=True,
            timeout=60,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
        assert process.returncode == 1
        assert "cannot be written: File too large" in process.stderr
        assert len(process.stderr.splitlines()) == 1
        assert not {"t.csv"} & set(os.listdir(tmp_path / "out"))
        for path in (tmp_path / "out").iterdir():
            assert_left(tmp_path / "out", *os.listdir(tmp_path / "out"))
            path.unlink()

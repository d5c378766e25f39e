"""Quarantine: listed by default; moved without losing or overwriting anything."""

import errno
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from galedge.errors import OutputError
from galedge.images.inputs import stamp_of
from galedge.nights import quarantine as module
from galedge.nights.quarantine import Quarantine, below, holds, move


@dataclass
class Rejection:
    path: str
    error: str = "truncated"


def other_file_system(monkeypatch):
    """Let no rename reach another folder, as between two disks."""
    rename = os.replace

    def refuse(source, target):
        if os.path.dirname(source) != os.path.dirname(target):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr(os, "replace", refuse)


def listed(folder):
    return [json.loads(line) for line in (folder / "rejected.jsonl").read_text().splitlines()]


def test_by_default_rejected_files_are_listed_and_stay(tmp_path):
    path = tmp_path / os.fsdecode(b"bad\xff.fits")
    path.write_bytes(b"raw")
    for _ in range(2):  # a file in the same state is listed once
        with Quarantine(str(tmp_path / "q"), [str(tmp_path)], moves=False) as place:
            assert place.add(Rejection(str(path))) is None
            assert place.add(Rejection("gone.fits", "no such file")) is None
    first, second = listed(tmp_path / "q")
    assert (first["path"], first["error"], first["size"]) == (str(path), "truncated", 3)
    assert first["mtime_ns"] == path.stat().st_mtime_ns
    assert (second["path"], second["size"]) == ("gone.fits", None)
    assert path.read_bytes() == b"raw"
    assert os.listdir(tmp_path / "q") == ["rejected.jsonl"]


@pytest.mark.parametrize("far", [False, True])
def test_a_move_keeps_path_content_times_and_mode(tmp_path, monkeypatch, far):
    if far:
        other_file_system(monkeypatch)
    (tmp_path / "in/deep").mkdir(parents=True)
    path = tmp_path / "in/deep/bad.fits"
    path.write_bytes(b"raw" * 1_000_000)
    path.chmod(0o640)
    os.utime(path, ns=(10**18, 10**18 + 1))
    with Quarantine(str(tmp_path / "q"), [str(tmp_path / "in")], moves=True) as place:
        assert place.add(Rejection(str(path))) is None
    moved = tmp_path / "q/deep/bad.fits"
    assert not path.exists()
    assert moved.read_bytes() == b"raw" * 1_000_000
    assert moved.stat().st_mtime_ns == 10**18 + 1
    assert moved.stat().st_mode & 0o777 == 0o640
    assert [line["moved_to"] for line in listed(tmp_path / "q")] == [str(moved)]
    assert sorted(os.listdir(moved.parent)) == ["bad.fits"]


@pytest.mark.parametrize("far", [False, True])
def test_a_move_never_overwrites(tmp_path, monkeypatch, far):
    if far:
        other_file_system(monkeypatch)
    target = tmp_path / "q/bad.fits"
    names = []
    for i in range(3):
        path = tmp_path / "bad.fits"
        path.write_text(str(i))
        names.append(move(str(path), str(target), stamp_of(str(path))))
    assert names == [str(target), f"{target}.1", f"{target}.2"]
    assert [Path(name).read_text() for name in names] == ["0", "1", "2"]


def test_what_is_no_plain_file_is_only_listed(tmp_path):
    (tmp_path / "real").write_text("raw")
    (tmp_path / "link.fits").symlink_to("real")
    (tmp_path / "folder.fits").mkdir()
    os.mkfifo(tmp_path / "pipe.fits")
    names = ["link.fits", "folder.fits", "pipe.fits", "gone.fits"]
    with Quarantine(str(tmp_path / "q"), [str(tmp_path)], moves=True) as place:
        for name in names:
            assert place.add(Rejection(str(tmp_path / name))) is None
    assert [os.path.basename(line["path"]) for line in listed(tmp_path / "q")] == names
    assert not any("moved_to" in line for line in listed(tmp_path / "q"))
    assert {*names[:3], "real"} <= set(os.listdir(tmp_path))


def test_a_file_that_has_changed_is_left(tmp_path):
    path = tmp_path / "bad.fits"
    path.write_text("half")
    stamp = stamp_of(str(path))
    path.write_text("whole by now")
    with pytest.raises(OutputError, match="changed since"):
        move(str(path), str(tmp_path / "q/bad.fits"), stamp)
    assert path.read_text() == "whole by now"
    assert os.listdir(tmp_path / "q") == []


@pytest.mark.parametrize("failing", ["copyfileobj", "copystat", "unlink", "digest", "changed"])
def test_a_failed_move_leaves_the_file_where_it_was(tmp_path, monkeypatch, failing):
    other_file_system(monkeypatch)
    path = tmp_path / "bad.fits"
    path.write_text("raw")

    def fail(*arguments, **_):
        if failing == "unlink" and not os.fspath(arguments[0]).startswith(str(path)):
            return unlink(arguments[0])
        raise OSError(errno.ENOSPC, "No space left on device")

    unlink = os.unlink
    if failing == "digest":
        answers = iter([b"1", b"2"])
        monkeypatch.setattr(module, "_digest", lambda path: next(answers))
    elif failing == "changed":
        copy = module._copy
        monkeypatch.setattr(
            module, "_copy", lambda *two: (copy(*two), path.write_text("raw and more"))
        )
    elif failing == "unlink":
        monkeypatch.setattr(os, "unlink", fail)
    else:
        monkeypatch.setattr(module.shutil, failing, fail)
    with Quarantine(str(tmp_path / "q"), [str(tmp_path)], moves=True) as place:
        assert place.add(Rejection(str(path))).startswith(f"{path}: cannot be moved: ")
    assert path.read_text().startswith("raw")
    assert os.listdir(tmp_path / "q") == ["rejected.jsonl"]
    assert "moved_to" not in listed(tmp_path / "q")[0]


def test_folders_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made"):
        Quarantine(str(tmp_path / "file"), [], moves=False)
    (tmp_path / "rejected.jsonl").write_text("my own\n")
    with pytest.raises(OutputError, match="holds something else"):
        Quarantine(str(tmp_path), [], moves=False)
    assert (tmp_path / "rejected.jsonl").read_text() == "my own\n"


def test_where_a_path_lies():
    assert below("/in/a/b.fits", ["/in"]) == "a/b.fits"
    assert below("/in/a/b.fits", ["/in", "/in/a/"]) == "b.fits"
    assert below("/in2/b.fits", ["/in"]) == "b.fits"
    assert below("in/../../b.fits", ["x"]) == "b.fits"
    assert holds("/in", "/in/q")
    assert holds("/in", "/in")
    assert not holds("/in", "/in2")

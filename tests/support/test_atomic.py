"""Files that appear whole: what killed processes left of theirs is taken away."""

import os
import subprocess
import sys

from galedge.support import atomic
from galedge.support.atomic import AtomicFile

KILLED = """
import os, sys
from galedge.support.atomic import AtomicFile
AtomicFile(sys.argv[1]).file.write(b"half")
os._exit(9)
"""


def parts(folder):
    return [name for name in os.listdir(folder) if name.endswith(".part")]


def aged(folder):
    for name in parts(folder):
        os.utime(folder / name, (0, 0))


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path, monkeypatch):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "t.csv")])
    assert len(parts(tmp_path)) == 1
    monkeypatch.setattr(atomic, "_swept", set())
    with AtomicFile(tmp_path / "other.csv") as file:  # it may have been made this moment
        assert len(parts(tmp_path)) == 2
        file.file.write(b"whole")
    aged(tmp_path)
    monkeypatch.setattr(atomic, "_swept", set())
    with AtomicFile(tmp_path / "other.csv") as file:
        file.file.write(b"whole")
    assert os.listdir(tmp_path) == ["other.csv"]


def test_what_another_process_writes_stays(tmp_path, monkeypatch):
    with AtomicFile(tmp_path / "a.csv") as slow:
        aged(tmp_path)
        monkeypatch.setattr(atomic, "_swept", set())
        with AtomicFile(tmp_path / "b.csv") as file:
            file.file.write(b"b")
        slow.file.write(b"a")
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "b.csv"]


def test_files_that_only_look_like_ours_stay(tmp_path, monkeypatch):
    names = [".galedge-notes.part", "galedge-0123456789abcdef.part"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    aged(tmp_path)
    monkeypatch.setattr(atomic, "_swept", set())
    with AtomicFile(tmp_path / "a.csv"):
        pass
    assert set(names) <= set(os.listdir(tmp_path))

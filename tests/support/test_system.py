"""What systems do differently: Windows as far as it can be played on another one."""

import ast
import json
import ntpath
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace

import pytest
from helpers.as_windows import MODULES, NAMES
from helpers.made import galaxy, write_fits

from galedge.answers import bands
from galedge.answers.bands import Pattern
from galedge.errors import OutputError
from galedge.frames.cutouts import _stem
from galedge.nights import quarantine
from galedge.support import posix, say, system, windows
from galedge.support.atomic import AtomicFile

ROOT = Path(__file__).parents[2]
PLAYED = ROOT / "tests/helpers/as_windows.py"


def as_windows(*arguments, code=0, **more):
    process = subprocess.run(
        [sys.executable, PLAYED, *map(str, arguments)],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **more},
    )
    assert process.returncode == code, process.stderr.decode()
    return process.stdout.decode()


@pytest.fixture
def night(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(3):
        write_fits(folder / f"g{i}.fits", galaxy(seed=i))
    (folder / "half.fits").write_bytes((folder / "g0.fits").read_bytes()[:-2880])
    return folder


def test_the_systems_have_the_same_names():
    assert posix.__all__ == windows.__all__ == system.__all__
    for name in system.__all__:
        assert getattr(system, name) == getattr(posix, name)


def test_what_only_posix_has_stands_in_one_file():
    """By the code itself: an import or `os.` of these elsewhere ends galedge on Windows."""
    guarded = {"sched_getaffinity"}  # asked for by hasattr
    for path in sorted((ROOT / "galedge").rglob("*.py")):
        if path.name == "posix.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert {each.name for each in node.names}.isdisjoint(MODULES), path
            if isinstance(node, ast.ImportFrom):
                assert node.module not in MODULES, path
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                used = node.attr if node.value.id == "os" else ""
                assert used not in set(NAMES) - guarded, f"{path}: os.{used}"


def test_every_module_is_imported_where_posix_is_missing():
    as_windows("import everything")


def test_a_table_is_the_same_as_here(night, tmp_path):
    arguments = ["classify", night, "--quiet", "--resume", "-o"]
    as_windows(*arguments, tmp_path / "w.csv", "--write-back", tmp_path / "copies", code=3)
    here = [sys.executable, "-m", "galedge", *map(str, arguments), str(tmp_path / "p.csv")]
    assert subprocess.run(here, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode == 3
    assert (tmp_path / "w.csv").read_bytes() == (tmp_path / "p.csv").read_bytes()
    assert sorted(os.listdir(tmp_path / "copies")) == ["g0.fits", "g1.fits", "g2.fits"]
    # Nothing half-written stays, nor the journal that was open until the end.
    left = set(os.listdir(tmp_path)) - {"in", "copies", "w.csv", "p.csv"}
    assert not left


def test_a_night_goes_on_where_it_was_and_moves_what_it_rejects(night, tmp_path):
    arguments = ["watch", night, "-o", tmp_path / "n.jsonl", "--once", "--gallery"]
    arguments += [tmp_path / "n.html", "--quarantine", tmp_path / "q", "--quarantine-move"]
    arguments += ["--patience", "0.01"]
    as_windows(*arguments, code=3)
    (night / "late.fits").write_bytes((night / "g1.fits").read_bytes())
    as_windows(*arguments)
    names = [
        os.path.basename(json.loads(line)["path"])
        for line in (tmp_path / "n.jsonl").read_text().splitlines()
    ]
    assert sorted(names) == ["g0.fits", "g1.fits", "g2.fits", "half.fits", "late.fits"]
    assert sorted(os.listdir(tmp_path / "q")) == ["half.fits", "rejected.jsonl"]
    assert b"\r" not in (tmp_path / "n.jsonl").read_bytes()


def test_two_watches_do_not_write_one_table(night, tmp_path):
    file = windows.append_to(str(tmp_path / "n.jsonl"))
    assert posix.lock(file)  # which the played LockFileEx goes by
    process = subprocess.run(
        [sys.executable, PLAYED, "watch", night, "-o", tmp_path / "n.jsonl", "--once"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.close(file)
    assert process.returncode == 1
    assert "another galedge is writing it" in process.stderr


def test_inotify_is_refused_in_a_sentence(night, tmp_path):
    arguments = ["watch", night, "-o", tmp_path / "n.jsonl", "--inotify", "--once"]
    process = subprocess.run(
        [sys.executable, PLAYED, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.returncode == 1
    assert "leave --inotify out" in process.stderr


@pytest.mark.parametrize("page", ["ascii", "cp437", "cp1252"])
def test_a_code_page_stops_no_help_and_no_table(night, tmp_path, page):
    """An argument's help has characters that no code page of the West has, and so have names."""
    name = night / "Ω Cen ± 1″….fits"
    name.write_bytes((night / "g0.fits").read_bytes())
    told = as_windows("classify", night / name, "--json", "--quiet", PYTHONIOENCODING=page)
    assert json.loads(told)["path"] == str(name)
    for command in (["--help"], ["classify", "--help"], ["measure", "--help"], ["info", name]):
        assert as_windows(*command, PYTHONIOENCODING=page)


# What another program holds.


@pytest.fixture
def held(monkeypatch):
    """Let the next replacements and deletions fail as of a file that a scanner holds."""
    left = [0]

    def refusing(action):
        def act(*paths):
            if left[0]:
                left[0] -= 1
                raise PermissionError(13, "Access is denied", paths[0])
            action(*paths)

        return act

    monkeypatch.setattr(os, "replace", refusing(os.replace))
    monkeypatch.setattr(os, "unlink", refusing(os.unlink))
    return left


def test_a_file_that_is_held_for_a_moment_is_replaced(tmp_path, held, monkeypatch):
    monkeypatch.setattr(system, "replace", windows.replace)
    monkeypatch.setattr(system, "remove", windows.remove)
    (tmp_path / "t.csv").write_text("old")
    with AtomicFile(tmp_path / "t.csv") as file:
        file.file.write(b"new")
        held[0] = 4
    assert (tmp_path / "t.csv").read_text() == "new"
    assert os.listdir(tmp_path) == ["t.csv"]
    held[0] = 3
    windows.remove(str(tmp_path / "t.csv"))
    assert not os.listdir(tmp_path)


def test_one_that_stays_held_is_left_and_the_message_says_why(tmp_path, held, monkeypatch):
    monkeypatch.setattr(system, "replace", windows.replace)
    monkeypatch.setattr(windows, "_PATIENCE", 0.05)
    (tmp_path / "t.csv").write_text("old")
    monkeypatch.setattr(system, "remove", lambda path: held.__setitem__(0, 0) or os.unlink(path))
    file = AtomicFile(tmp_path / "t.csv")
    file.file.write(b"new")
    held[0] = 10**9
    with pytest.raises(OutputError, match="cannot be written: another program holds the file"):
        file.complete()
    assert (tmp_path / "t.csv").read_text() == "old"
    assert os.listdir(tmp_path) == ["t.csv"]


def test_what_is_missing_is_not_waited_for(tmp_path):
    begin = time.monotonic()
    with pytest.raises(FileNotFoundError):
        windows.remove(str(tmp_path / "gone"))
    assert time.monotonic() - begin < 1


def test_reading_at_a_place_is_every_threads_own(tmp_path):
    content = os.urandom(1 << 16)
    (tmp_path / "f").write_bytes(content)
    file = windows.open_read(str(tmp_path / "f"))
    wrong = []

    def read(start):
        for offset in range(start, len(content) - 100, 997):
            if windows.read_at(file, 100, offset) != content[offset : offset + 100]:
                wrong.append(offset)

    threads = [threading.Thread(target=read, args=(i,)) for i in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    os.close(file)
    assert not wrong


@pytest.mark.parametrize("kind", [posix, windows])
def test_a_bell_ends_waiting_now_and_later(kind):
    bell = kind.Bell()
    begin = time.monotonic()
    bell.wait(0.05)
    assert time.monotonic() - begin >= 0.04
    threading.Timer(0.05, bell.ring).start()
    bell.wait(3600)
    bell.wait(3600)


@pytest.mark.parametrize("kind", [posix, windows])
def test_a_signal_rings_it(kind):
    bell = kind.Bell()
    before = signal.signal(signal.SIGTERM, lambda *_: bell.ring())
    try:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
        bell.wait(3600)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_pipe_that_nobody_reads_is_known():
    assert posix.is_deaf(BrokenPipeError(32, "Broken pipe"))
    assert not posix.is_deaf(OSError(22, "Invalid argument"))
    assert windows.is_deaf(OSError(22, "Invalid argument"))
    assert not windows.is_deaf(OSError(28, "No space left on device"))


# Paths.


def test_paths_of_other_programs(monkeypatch):
    monkeypatch.setattr(windows.locale, "getpreferredencoding", lambda asked: "cp1252")
    assert windows.decoded("C:\\Bilder\\Größe ±.fits".encode()) == "C:\\Bilder\\Größe ±.fits"
    assert windows.decoded("C:\\Größe.fits".encode("cp1252")) == "C:\\Größe.fits"
    assert windows.slashed("\\\\server\\share\\a.fits") == "//server/share/a.fits"
    assert windows.as_typed(["galedge", "C:\\my files\\a.fits"]) == 'galedge "C:\\my files\\a.fits"'


@pytest.mark.parametrize(
    ("folder", "path", "inside"),
    [
        ("C:\\night", "C:\\night\\q", True),
        ("C:\\Night", "c:\\night\\Q", True),
        ("C:/night", "C:\\night\\q", True),
        ("C:\\night", "C:\\nights\\q", False),
        ("C:\\night", "D:\\night\\q", False),
        ("\\\\server\\share\\night", "\\\\server\\share\\night\\q", True),
        ("\\\\server\\share\\night", "C:\\night", False),
    ],
)
def test_folders_hold_what_windows_says_they_do(folder, path, inside, monkeypatch):
    monkeypatch.setattr(quarantine, "os", SimpleNamespace(path=ntpath))
    assert quarantine.holds(folder, path) is inside


def test_a_file_keeps_its_path_below_its_folder(monkeypatch):
    monkeypatch.setattr(quarantine, "os", SimpleNamespace(path=ntpath))
    roots = ["C:\\night", "D:/flats", "\\\\nas\\raw"]
    assert quarantine.below("C:\\night\\a\\b.fits", roots) == "a\\b.fits"
    assert quarantine.below("D:/flats\\b.fits", roots) == "b.fits"
    assert quarantine.below("\\\\nas\\raw\\x\\b.fits", roots) == "x\\b.fits"
    assert quarantine.below("E:\\b.fits", roots) == "b.fits"


def test_bands_are_found_among_windows_paths(monkeypatch):
    monkeypatch.setattr(bands, "slashed", windows.slashed)
    for text, name in (
        ("{name}_{g,r,i}.fits", "C:\\night\\m51_{}.fits"),
        ("{g,r,i}\\{name}.fits", "C:\\night\\{}\\m51.fits"),
        ("{g,r,i}/{name}.fits", "\\\\nas\\raw\\{}\\m51.fits"),
    ):
        (group,) = Pattern(text, ("g", "r", "i")).group(map(name.format, "rgi"))
        assert group.paths == tuple(map(name.format, "irg"))  # red first


@pytest.mark.parametrize("name", ["CON", "nul", "com1", "LPT9.x", "aux.", "prn ", "CONIN", "a.con"])
def test_no_file_is_named_as_a_device(name):
    stem = _stem(name, 1, 2, float("nan"), float("nan"))
    assert not PureWindowsPath(f"{stem}.fits").is_reserved()
    assert stem.split(".")[0].upper() not in {"CON", "NUL", "COM1", "LPT9", "AUX", "PRN"}


@pytest.mark.parametrize("name", ["NGC 1: 2026-11-29T10:11:12.5", 'a<b>|"c?*', "x\\y/z", "end. . "])
def test_no_file_name_has_what_windows_forbids(name):
    stem = _stem(name, 1, 2, float("nan"), float("nan"))
    assert not set(stem) & set('<>:"/\\|?*')
    assert stem == stem.rstrip(". ")


def test_messages_are_utf8_whatever_the_code_page(capfdbinary):
    import io

    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp437")
    before, sys.stderr = sys.stderr, stream
    try:
        say.speak_utf8()
        say.say("Ω ± 1″…")
    finally:
        sys.stderr = before
    stream.flush()
    assert stream.buffer.getvalue().decode("utf-8").rstrip() == "galedge: Ω ± 1″…"

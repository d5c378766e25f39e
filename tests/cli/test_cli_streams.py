"""The command line's streams: pipes, terminals, full disks, and signals."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress

import pytest
from helpers.made import command, galaxy, rows, write_fits


@pytest.fixture
def long_night(tmp_path):
    """Return a folder that takes a while."""
    folder = tmp_path / "long"
    folder.mkdir()
    write_fits(folder / "0.fits", galaxy(side=32))
    for i in range(1, 4000):
        os.link(folder / "0.fits", folder / f"{i}.fits")
    return folder


def test_json_lines_on_standard_output(galedge, night, bundle):
    (night / "bad.fits").write_bytes(b"")
    process = galedge("classify", night, "--model", bundle, "--json", "-q")
    assert process.returncode == 3
    table = [json.loads(line) for line in process.stdout.splitlines()]
    assert [row["status"] for row in table] == ["error"] + ["ok"] * 5
    assert table[0]["probability"] is None
    assert 0 < table[1]["probability"] <= 1


def test_json_is_not_for_files(galedge, night, bundle, tmp_path):
    process = galedge("classify", night, "--model", bundle, "--json", "-o", "t.csv")
    assert process.returncode == 2
    assert "name a .jsonl file" in process.stderr
    assert not (tmp_path / "t.csv").exists()


def test_nothing_warns(night, bundle, tmp_path):
    """Not of files left open nor of files in whatever encoding the machine has."""
    strict = ["-X", "dev", "-X", "warn_default_encoding", "-W", "error"]
    _, *rest = command("classify", night, "--model", bundle, "--resume", "-o", "t.csv")
    process = subprocess.run(
        [sys.executable, *strict, *rest], cwd=tmp_path, capture_output=True, text=True
    )
    assert (process.returncode, len(rows((tmp_path / "t.csv").read_text()))) == (0, 5)
    assert len(process.stderr.splitlines()) == 1


def test_closed_pipe_ends_quietly(long_night, bundle):
    process = subprocess.Popen(
        command("classify", long_night, "--model", bundle),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline().startswith(b"path,")
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 0


@pytest.mark.parametrize("words", ["classify night --model tiny", "info", "models", "adapters"])
def test_full_standard_output(night, bundle, words):
    named = {"night": night, "tiny": bundle}
    with open("/dev/full", "wb") as full:
        process = subprocess.run(
            command(*[named.get(word, word) for word in words.split()]),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert process.returncode == 1
    assert process.stderr == "galedge: standard output: No space left on device\n"


def test_closed_streams(night, bundle, tmp_path):
    def run(*arguments):
        shell = ["sh", "-c", '"$@" >&- 2>errors', "sh", *command(*arguments)]
        return subprocess.run(shell, cwd=tmp_path, timeout=60).returncode

    assert run("classify", night, "--model", bundle) == 1
    errors = (tmp_path / "errors").read_text()
    assert errors == "galedge: standard output: closed; name a file with -o\n"
    assert run("classify", night, "--model", bundle, "-o", "t.csv") == 0
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 6


STOPPED_IN_AN_IMPORT = """
import signal
from galedge import cli

def run(*_, **__):
    try:
        signal.raise_signal(signal.SIGTERM)
    except BaseException:  # as libraries do around an import
        raise AttributeError("partially initialized module") from None

cli.cli.main = run
cli.main([])
"""


def test_an_interruption_that_a_library_turns_into_an_error():
    process = subprocess.run(
        [sys.executable, "-c", STOPPED_IN_AN_IMPORT], capture_output=True, text=True
    )
    assert (process.returncode, process.stderr) == (130, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_stream_keeps_whole_rows(long_night, bundle, number):
    process = subprocess.Popen(
        command("classify", long_night, "--model", bundle, "--batch", "1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # what readline() reads ahead, communicate() would leave out
    )
    # Unread, the pipe fills and the run waits: it cannot be over when the signal comes.
    head = process.stdout.readline() + process.stdout.readline()
    process.send_signal(number)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    table = rows((head + rest).decode())
    assert 1 <= len(table) < 4000
    assert {row["status"] for row in table} == {"ok"}
    assert all(row["version"] for row in table)
    done = int(errors.removeprefix(b"galedge: interrupted after ").split()[0].replace(b",", b""))
    assert done <= len(table) <= done + 1  # none is lost, the last perhaps not counted yet
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_file_does_not_appear(long_night, bundle, tmp_path, number):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "table.csv").write_text("old")
    (long_night / "z.fits").write_text("bad")
    errors, full = os.pipe()
    os.set_blocking(full, False)
    with suppress(BlockingIOError):
        while os.write(full, b"\n" * 4096):
            pass
    os.set_blocking(full, True)
    process = subprocess.Popen(
        command("classify", long_night, "--model", bundle, "--batch", "1", "-o", "out/table.csv"),
        cwd=tmp_path,
        stderr=full,
    )
    os.close(full)
    # The bad file cannot be said while the pipe is full: the run is not over when the signal comes.
    while not any(part.stat().st_size for part in folder.glob(".galedge-*.part")):
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(number)
    with os.fdopen(errors, "rb") as pipe:
        said = pipe.read()
    assert process.wait(60) == 130
    assert b"no table was written" in said
    assert b"Traceback" not in said
    assert os.listdir(folder) == ["table.csv"]
    assert (folder / "table.csv").read_text() == "old"


def on_a_terminal(arguments, cwd):
    """Run the command with standard error on a terminal; return what it showed."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=follower, cwd=cwd)
    os.close(follower)
    shown = b""
    try:
        while chunk := os.read(leader, 4096):
            shown += chunk
    except OSError:  # how a terminal says that its last process is gone
        pass
    os.close(leader)
    assert process.wait(60) == 0
    return shown


def test_progress_only_on_a_terminal_and_not_when_quiet(long_night, bundle, tmp_path):
    arguments = command("classify", long_night, "--model", bundle, "-o", "t.csv")
    shown = on_a_terminal(arguments, tmp_path)
    assert b"/4000" in shown
    assert b"images/s" in shown
    assert b"classified 4,000 images" in shown
    assert on_a_terminal([*arguments, "--quiet"], tmp_path) == b""

"""Files that somebody holds, and a watch that is killed: what only Windows shows, or Wine."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import galedge
from galedge.errors import GaledgeError
from galedge.support.atomic import AtomicFile

ROOT = Path(galedge.__file__).parents[1]


def a_table_that_is_held(folder: Path) -> None:
    """It stays as it was, with a message and nothing beside it, and is replaced afterwards."""
    table = folder / "t.csv"
    table.write_text("old")
    said = ""
    with open(table):
        try:
            with AtomicFile(table) as new:
                new.file.write(b"new")
        except GaledgeError as error:
            said = str(error)
    assert "another program holds the file" in said, said
    assert (table.read_text(), [p.name for p in folder.iterdir()]) == ("old", ["t.csv"])
    with AtomicFile(table) as new:
        new.file.write(b"new")
    assert table.read_text() == "new"


def a_watch_that_is_killed(folder: Path) -> None:
    """A second one is refused meanwhile; the next goes on, without the line that was torn."""
    night, table = folder / "night", folder / "n.jsonl"
    night.mkdir()
    for path in sorted((ROOT / "examples").glob("*.fits"))[:3]:
        shutil.copy(path, night)
    watch = [sys.executable, "-m", "galedge", "watch", str(night), "-o", str(table)]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    first = subprocess.Popen(watch, **quiet)
    try:
        end = time.monotonic() + 300
        while not (table.exists() and table.read_bytes().count(b"\n") == 3):
            assert time.monotonic() < end, "no three rows"
            assert first.poll() is None, first.communicate()
            time.sleep(0.1)
        second = subprocess.run([*watch, "--once"], **quiet)
        assert (second.returncode, b"another galedge is writing it" in second.stdout) == (1, True)
    finally:
        first.kill()
        first.wait()
    with open(table, "ab") as file:
        file.write(b'{"path": "torn')
    third = subprocess.run([*watch, "--once"], **quiet)
    content = table.read_bytes()
    assert (third.returncode, content.count(b"\n"), b"torn" in content) == (0, 3, False), third


if __name__ == "__main__":
    for check in (a_table_that_is_held, a_watch_that_is_killed):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            check(Path(folder))
        print(check.__name__, "passed", flush=True)

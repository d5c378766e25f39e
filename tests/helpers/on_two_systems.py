"""What galedge does on this system, to the bit: run it on two and compare what it prints.

    PYTHONPATH=. python tests/helpers/on_two_systems.py > here.txt

It reads, prepares and classifies the examples and all of the fuzzers' corpus, writes tables,
watches a folder, rejects, moves and goes on, and tries locks and files that are held.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

import galedge
from galedge import cli
from galedge.core import _core
from galedge.errors import GaledgeError
from galedge.support import system
from galedge.support.appendlog import AppendLog
from galedge.support.atomic import AtomicFile

ROOT = Path(__file__).parents[2]
MARK = b'{"path": '


def say(*what: object) -> None:
    """Print a line in ASCII, ended the same on every system."""
    sys.stdout.buffer.write((" ".join(map(str, what)) + "\n").encode("ascii", "backslashreplace"))
    sys.stdout.buffer.flush()


def digest(*parts: bytes) -> str:
    """Return a short digest."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def command(*arguments: object) -> int:
    """Run the command line here and return its exit code."""
    before, sys.stderr = sys.stderr, io.TextIOWrapper(io.BytesIO(), encoding="cp437")
    try:
        cli.main([str(each) for each in arguments])
    except SystemExit as left:
        return int(left.code or 0)
    finally:
        sys.stderr = before
    raise AssertionError("it comes back by an exit code")


def pixels(examples: list[Path]) -> None:
    """Print what each recipe makes of the examples, from the file and from memory."""
    for stretch in _core.stretches():
        for framing in ("auto", "full", 33):
            recipe = galedge.Recipe.latest(stretch=stretch, framing=framing)
            for dtype in ("uint8", "float32"):
                files = galedge.prepare([str(path) for path in examples], recipe, dtype=dtype)
                assert all(facts.error is None for facts in files.facts)
                bits = np.ascontiguousarray(files.pixels).tobytes()
                facts = [(f.x, f.y, f.sky, f.noise, f.flags) for f in files.facts]
                # Of facts the last bits are the C library's: its exp and atan2 take part.
                near = [
                    (round(x, 6), round(y, 6), sky, noise, flags)
                    for x, y, sky, noise, flags in facts
                ]
                say("pixels", stretch, framing, dtype, digest(bits), digest(repr(near).encode()))
                say("facts", digest(repr(facts).encode()))


def corpus() -> None:
    """Print what reading makes of all that the fuzzers found worth keeping."""
    told = []
    with tarfile.open(ROOT / "tests/core/corpus.tar.xz") as archive:
        for item in archive:
            file = archive.extractfile(item)
            if file is None:
                continue
            try:
                data = galedge.read(file.read(), max_pixels=1 << 20).data
                told.append(f"{item.name} {data.shape} {digest(data.tobytes())}")
            except (GaledgeError, ValueError) as error:
                told.append(f"{item.name} {type(error).__name__} {error}")
    say("corpus", len(told), digest("\n".join(sorted(told)).encode()))
    read = [each for each in told if "Error" not in each and "Truncated" not in each]
    say("corpus read", len(read))


def tables(examples: Path, folder: Path) -> None:
    """Print what a table holds, and one that is gone on with; paths are left out."""
    for name in ("t.csv", "t.jsonl"):
        code = command("classify", examples, "-o", folder / name, "--quiet", "--resume")
        content = (folder / name).read_bytes()
        assert b"\r" not in content
        says = []
        for line in content.decode().splitlines():
            row = json.loads(line) if line[:1] == "{" else dict(enumerate(line.split(",")))
            row.pop("path", row.pop(0, None))
            says.append(json.dumps(row))
        say("table", name, code, len(says), digest("\n".join(says).encode()))
    say("left", *sorted(os.listdir(folder)))


def nights(examples: list[Path], folder: Path) -> None:
    """Print how a night goes on after a break, and where the rejected went."""
    night = folder / "night \u00b1 \u03a9"
    night.mkdir()
    for path in examples[:3]:
        shutil.copy(path, night)
    (night / "half.fits").write_bytes(examples[0].read_bytes()[:-2880])
    keeping = ("--quarantine", folder / "q", "--quarantine-move", "--write-back", folder / "copies")
    arguments = ("watch", night, "-o", folder / "n.jsonl", "--once", "--patience", "0.01", *keeping)
    say("watch", command(*arguments, "--gallery", folder / "n.html", "-q"))
    shutil.copy(examples[3], night)
    say("watch again", command(*arguments, "--gallery", folder / "n.html", "-q"))
    for line in sorted((folder / "n.jsonl").read_bytes().splitlines()):
        row = json.loads(line)
        say("row", os.path.basename(row["path"]), row["status"], row["label"], row["probability"])
    for each in ("q", "copies", night.name):
        say("folder", each, *sorted(os.listdir(folder / each)))


def files(folder: Path) -> None:
    """Print what becomes of files that are locked, held or long of name."""
    log = AppendLog(str(folder / "log.jsonl"), MARK)
    log.add({"path": "a"})
    try:
        AppendLog(str(folder / "log.jsonl"), MARK)
    except GaledgeError as error:
        say("locked", str(error).rpartition(": ")[2])
    log.add({"path": "b"})
    say("log", *[line.record["path"] for line in log], log.is_in_place())
    log.remove()
    log.close()
    say("removed", not (folder / "log.jsonl").exists())
    path = folder / "t.txt"
    for content in (b"one", b"two\n"):
        with AtomicFile(path) as file:
            file.file.write(content)
    say("replaced", path.read_bytes())
    long = folder
    for _ in range(5):
        long /= "n" * 60
    system_long = "\\\\?\\" + str(long) if sys.platform == "win32" else str(long)
    os.makedirs(system_long)
    shutil.copy(ROOT / "examples/m51.fits.gz", os.path.join(system_long, "a.fits"))
    say("long name", _core.open_fits(str(long / "a.fits")).hdus()[0].shape)
    for name in ("", "gone.fits"):
        try:
            _core.open_fits(str(folder / name))
        except GaledgeError as error:
            say("refused", name, error)
    say("stops", len(system.STOPS) >= 2)


def main() -> None:
    """Print all of it."""
    examples = sorted((ROOT / "examples").glob("*.fits"))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name in ("tables", "night", "files"):
            os.mkdir(os.path.join(folder, name))
        files(Path(folder, "files"))
        pixels(examples)
        corpus()
        tables(ROOT / "examples", Path(folder, "tables"))
        nights(examples, Path(folder, "night"))


if __name__ == "__main__":
    main()

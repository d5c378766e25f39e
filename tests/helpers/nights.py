"""Nights that go wrong, by processes of their own: kills, and files that come slowly.

    PYTHONPATH=tests python -m helpers.nights MODEL [KILLS] [FILES] [SEED]

kills and resumes a run KILLS times, lets FILES come in slowly while they are
watched, and prints what came of it.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from helpers.fits_files import primary
from helpers.made import command, galaxy, write_fits

REJECTED = 3


def start(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
    """Start the command."""
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(command(*arguments), **pipes, **options)


def end(process: subprocess.Popen[bytes]) -> str:
    """Wait for the end; return what was said, which is never a traceback."""
    text = process.communicate(timeout=120)[1].decode()
    assert "Traceback" not in text, text
    assert "internal error" not in text, text
    return text


# --- kills ------------------------------------------------------------------------


def long_folder(folder: Path, count: int) -> None:
    """Make a folder of many files, of few contents; every tenth is bad."""
    folder.mkdir()
    (folder / "00000.fits").write_text("bad")
    for i in range(1, 10):
        write_fits(folder / f"{i:05}.fits", galaxy(side=48, seed=i))
    for i in range(10, count):
        os.link(folder / f"{i % 10:05}.fits", folder / f"{i:05}.fits")


def kills(place: Path, bundle: Path, count: int, files: int, seed: int = 0) -> dict[str, object]:
    """Kill a run again and again at random, resume it, and check every table that results."""
    long_folder(place / "in", files)
    table, journal = place / "out/t.csv", place / "out/t.csv.journal"
    table.parent.mkdir()
    run = ["classify", place / "in", "--model", bundle, "--workers", 1, "--batch", 4, "-q", "-o"]
    began = time.monotonic()
    process = start(*run, place / "whole.csv")
    end(process)
    assert process.returncode == REJECTED
    whole, length = (place / "whole.csv").read_bytes(), time.monotonic() - began
    assert len(whole.splitlines()) == files + 1
    rng, tables, killed, found = np.random.default_rng(seed), 0, 0, Counter()
    while killed < count:
        process = start(*run, table, "--resume")
        try:
            process.wait(rng.uniform(0, 1.05 * length))
            assert end(process) == ""
            assert process.returncode == REJECTED
            assert table.read_bytes() == whole
            assert sorted(os.listdir(table.parent)) == ["t.csv"]
            table.unlink()
            tables += 1
        except subprocess.TimeoutExpired:
            process.kill()
            end(process)
            killed += 1
            assert not table.exists() or table.read_bytes() == whole
            found[_state(journal)] += 1
    process = start(*run, table, "--resume")
    end(process)
    assert table.read_bytes() == whole
    assert sorted(os.listdir(table.parent)) == ["t.csv"]
    return {"kills": killed, "tables": tables + 1, "files": files, "found": dict(found)}


def _state(journal: Path) -> str:
    """Check what a kill left; say what it was."""
    if not journal.exists():
        return "no journal"
    *lines, rest = journal.read_bytes().split(b"\n")
    records = [json.loads(line) for line in lines]
    paths = [record["path"] for record in records[1:]]
    assert len(set(paths)) == len(paths)
    return "a torn journal" if rest else "a journal"


# --- slow files -------------------------------------------------------------------


def content_of(number: int) -> tuple[str, bytes]:
    """Return name and content of a file, of some kind."""
    image = galaxy(side=64, seed=number)
    kind = number % 5
    plain = primary(image, -32, ("OBJECT", f"G{number}"))
    if kind < 3:
        return f"{number:05}.fits", plain
    if kind == 3:
        return f"{number:05}.fits.gz", gzip.compress(plain, 1)
    out = io.BytesIO()
    Picture.fromarray(np.clip(image - 90, 0, 255).astype(np.uint8)).save(out, "jpeg")
    return f"{number:05}.jpg", out.getvalue()


def write_slowly(folder: Path, number: int, pause: float) -> float:
    """Write a file in pieces, every third under another name; return when it was complete."""
    rng = np.random.default_rng(number)
    name, content = content_of(number)
    temporary = name + ".part" if number % 3 == 0 else name
    cuts = sorted(rng.integers(0, len(content), rng.integers(1, 6)).tolist())
    with open(folder / temporary, "wb", buffering=0) as file:
        for begin, stop in zip([0, *cuts], [*cuts, len(content)], strict=True):
            file.write(content[begin:stop])
            if stop < len(content):
                time.sleep(rng.uniform(0, pause))
    if temporary != name:
        time.sleep(rng.uniform(0, pause))
        os.rename(folder / temporary, folder / name)
    return time.time()


def slow_files(
    place: Path,
    bundle: Path,
    count: int,
    writers: int,
    pause: float = 0.8,
    kills: int = 0,
    options: tuple[object, ...] = (),
) -> dict[str, object]:
    """Let files come slowly into a folder that is watched; kill the watch now and then."""
    folder, output = place / "in", place / "night.jsonl"
    folder.mkdir()
    watch = ["watch", folder, "-o", output, "--model", bundle, *options]
    process = start(*watch)
    complete: dict[str, float] = {}

    def write(first: int) -> None:
        for number in range(first, count, writers):
            moment = write_slowly(folder, number, pause)
            complete[content_of(number)[0]] = moment

    threads = [threading.Thread(target=write, args=[i]) for i in range(writers)]
    for thread in threads:
        thread.start()
    killed = 0
    while any(thread.is_alive() for thread in threads) or len(_rows(output)) < count:
        time.sleep(0.05)
        assert process.poll() is None, end(process)
        if killed < kills and len(_rows(output)) > (killed + 1) * count // (kills + 1):
            process.kill()
            end(process)
            killed += 1
            process = start(*watch)
    time.sleep(1)  # for rows that should not come
    process.send_signal(signal.SIGTERM)
    said = end(process)
    assert process.returncode == 0, said
    rows = _rows(output)
    names = [os.path.basename(row["path"]) for row in rows]
    assert sorted(names) == sorted(complete), "each file once"
    assert {row["status"] for row in rows} == {"ok"}
    _compare(rows, folder, place, bundle)
    late = np.array(
        [
            datetime.fromisoformat(row["classified_at"].replace("Z", "+00:00")).timestamp()
            - complete[name]
            for row, name in zip(rows, names, strict=True)
        ]
    )
    return {
        "files": count,
        "rows": len(rows),
        "kills": killed,
        "seconds_from_complete_to_row": {
            "median": round(float(np.median(late)), 3),
            "p99": round(float(np.quantile(late, 0.99)), 3),
            "largest": round(float(late.max()), 3),
        },
    }


def _rows(output: Path) -> list[dict[str, object]]:
    """Return the whole rows that are there."""
    if not output.exists():
        return []
    *lines, _ = output.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines]


def _compare(rows: list[dict[str, object]], folder: Path, place: Path, bundle: Path) -> None:
    """Check that rows are those of whole files."""
    end(start("classify", folder, "--model", bundle, "-q", "-o", place / "t.jsonl"))
    whole = {row["path"]: row for row in _rows(place / "t.jsonl")}
    for row in rows:
        for name in ("label", "object", "sky", "t_type", "flags"):
            assert row[name] == whole[row["path"]][name], row["path"]


def table(path: Path) -> list[dict[str, str]]:
    """Read a CSV table."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    """Run both and print the figures as JSON."""
    model, *numbers = sys.argv[1:]
    count, files, seed = (int(n) for n in [*numbers, *("200", "1000", "0")[len(numbers) :]])
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "kills").mkdir()
        (Path(place) / "slow").mkdir()
        print(json.dumps(kills(Path(place) / "kills", Path(model), count, 2000, seed), indent=1))
        slow = slow_files(Path(place) / "slow", Path(model), files, 40, kills=5)
        print(json.dumps(slow, indent=1))


if __name__ == "__main__":
    main()

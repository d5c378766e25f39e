"""Measure whether the memory of `galedge classify` stays flat after the first thousand rows.

python benchmarks/long_night.py [--images 300000] [-o results.json]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import store

from galedge.cli.specimens import fits_file, galaxy


def resident(pid: int) -> float:
    """Return a process's resident memory in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def main() -> None:
    """Run one process, watch it, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=300_000)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    marks = sorted({1000, 10_000, 50_000, *range(100_000, arguments.images, 100_000)})
    memory: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "night")
        folder.mkdir()
        for i in range(64):
            (Path(scratch) / f"{i}").write_bytes(fits_file(galaxy(128, i)))
        for i in range(arguments.images):
            os.link(Path(scratch) / f"{i % 64}", folder / f"{i:06}.fits")
        begin = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "galedge", "classify", "-q", str(folder)],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        rows = -1  # the header
        for _ in process.stdout:
            rows += 1
            if rows in marks or rows == arguments.images - 500:
                memory[rows] = round(resident(process.pid), 1)
        assert process.wait() == 0
        spent = time.perf_counter() - begin
    assert rows == arguments.images
    for count, value in memory.items():
        print(f"after {count:>7,} rows {value:8.1f} MiB")
    values = list(memory.values())
    growth = values[-1] - values[0]
    print(f"{rows:,} rows in {spent:.0f} s; {growth:+.1f} MiB after the first thousand")
    found = {"images": rows, "seconds": spent, "resident_mib_by_rows": memory}
    store(arguments.output, __doc__, ("numpy", "onnxruntime"), **found, growth_mib=growth)


if __name__ == "__main__":
    main()

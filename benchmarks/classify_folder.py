"""Measure the images a second of ``galedge classify`` on a folder, whole process.

Beside it, in the same run, the script that one would write in plain Python with
astropy, OpenCV and ONNX Runtime: the same network, one image's work after the
other, batched inference. Both are timed from process start to process end.

    python benchmarks/classify_folder.py [--images 5000] [--size 128] [-o results.json]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import describe

PLAIN = Path(__file__).with_name("plain_python.py")


def generate(folder: Path, images: int, size: int) -> None:
    """Write noisy exponential discs of random size and place as float32 FITS."""
    from astropy.io import fits

    rng = np.random.default_rng(1)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    for i in range(images):
        angle, q = rng.uniform(0, np.pi), rng.uniform(0.3, 1)
        u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        disc = 1000 * np.exp(-np.hypot(u, v / q) / rng.uniform(size / 30, size / 12))
        image = (disc + rng.normal(100, 5, (size, size))).astype(np.float32)
        fits.PrimaryHDU(image).writeto(folder / f"{i:06d}.fits")


def timed(command: list[str], runs: int, environment: dict[str, str]) -> list[float]:
    """Return wall-clock seconds of each run after one that is not counted."""
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, env={**os.environ, **environment})
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def main() -> None:
    """Run both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "cutouts")
        folder.mkdir()
        generate(folder, arguments.images, arguments.size)
        results = {}
        for threads in (1, len(os.sched_getaffinity(0))):
            commands = {
                "galedge": [
                    *(sys.executable, "-m", "galedge", "classify", str(folder), "--quiet"),
                    *("-o", f"{scratch}/galedge.csv", "--workers", str(threads)),
                ],
                "plain": [sys.executable, str(PLAIN), str(folder), f"{scratch}/plain.csv"],
            }
            for name, command in commands.items():
                limit = {"OMP_NUM_THREADS": str(threads)}
                seconds = timed(command, arguments.runs, limit)
                results[f"{name}, {threads} threads"] = arguments.images / float(np.median(seconds))
                print(
                    f"{name:8} {threads} threads "
                    f"{arguments.images / np.median(seconds):9.0f} images/s"
                )
    rows = {
        "question": __doc__.splitlines()[0],
        "machine": describe("numpy", "onnxruntime", "astropy", "opencv-python-headless"),
        "images": arguments.images,
        "size": arguments.size,
        "images_per_second": results,
        "ratio_one_thread": results["galedge, 1 threads"] / results["plain, 1 threads"],
    }
    print(json.dumps(rows, indent=1))
    if arguments.output:
        arguments.output.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Measure how long one answer takes: from Python, cold from the command line, and from threads.

python benchmarks/answer_times.py [-o results.json]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from machine import in_turn, store

import galedge
from galedge.cli.specimens import fits_file, galaxy

CALLS, STARTS, SHARED = 3000, 15, 4000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    arrays = [galaxy(128, i) for i in range(32)]

    classifier = galedge.Classifier(workers=1)
    seconds = []
    for i in range(CALLS + 64):
        begin = time.perf_counter()
        classifier.classify(arrays[i % 32])
        seconds.append(time.perf_counter() - begin)
    p50, p99 = (1e3 * float(v) for v in np.percentile(seconds[64:], [50, 99]))
    print(f"one 128 x 128 array: median {p50:.2f} ms (goal 1), p99 {p99:.2f} ms (goal 2.5)")

    rates = {}
    threads = sorted({1, len(os.sched_getaffinity(0)), 8})
    for count in threads * 2:  # the first round warms up
        with ThreadPoolExecutor(count) as pool:
            begin = time.perf_counter()
            list(pool.map(classifier.classify, (arrays[i % 32] for i in range(SHARED))))
            rates[count] = SHARED / (time.perf_counter() - begin)
    for count in threads:
        print(f"one classifier called from {count} threads: {rates[count]:,.0f} images/s")

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "one.fits")
        file.write_bytes(fits_file(galaxy(128, 0)))
        python, own = [sys.executable, "-c"], [sys.executable, "-m", "galedge"]
        commands = {
            "import click": [*python, "import click"],
            "galedge --help": [*own, "--help"],
            "import numpy, onnxruntime": [*python, "import numpy, onnxruntime"],
            "galedge classify one.fits": [*own, "classify", "-q", str(file)],
        }
        run = partial(subprocess.run, check=True, stdout=subprocess.DEVNULL)
        starts = in_turn({name: partial(run, words) for name, words in commands.items()}, STARTS)
    ratios = {
        "help": starts["galedge --help"] / starts["import click"],
        "one file": starts["galedge classify one.fits"] / starts["import numpy, onnxruntime"],
    }
    for name, value in starts.items():
        print(f"{name:28}{value * 1e3:8.0f} ms")
    print(f"--help over import click: {ratios['help']:.2f} (goal 3)")
    print(f"one file over import numpy, onnxruntime: {ratios['one file']:.2f} (goal 2.5)")
    store(
        arguments.output,
        __doc__,
        ("numpy", "onnxruntime", "click"),
        array_ms={"median": p50, "p99": p99, "goals": [1, 2.5]},
        one_classifier_images_per_second_by_threads=rates,
        cold_seconds=starts,
        cold_ratios=ratios,
        cold_goals={"help": 3, "one file": 2.5},
    )


if __name__ == "__main__":
    main()

"""Measure `galedge classify` on folders of FITS cutouts, from process start to process end.

Beside it, in the same run and interleaved, the stacks that people would write with the
same network (stack.py), on one core each.

    python benchmarks/whole_process.py [-o results.json]

Needs astropy, photutils, fitsio, rustfits, sep, opencv-python-headless; torch and
torchvision for ResNet18, left out where they are missing.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import store
from read_and_prepare import write_inputs

STACK = Path(__file__).with_name("stack.py")
KINDS = ("128 f32", "424 f32", "424 Rice f32", "424 f32 .gz")
# Images a process is given, so that its start weighs little: galedge and bare, sep, astropy.
COUNTS = {
    "128 f32": (8000, 4000, 800),
    "424 f32": (4000, 1200, 150),
    "424 Rice f32": (3000, 700, 120),
    "424 f32 .gz": (1500, 600, 120),
}
# `bare` bounds what is read as it stands; of what is compressed it reads less and inflates nothing.
GOALS = {
    "128 f32": {"best stack": 1.9, "astropy": 25, "hubble-1": 2, "bare over whole": 1.3},
    "424 f32": {"best stack": 5, "astropy": 40, "bare over whole": 1.6},
    "424 Rice f32": {"best stack": 6, "astropy": 20},
    "424 f32 .gz": {"best stack": 2.7, "astropy": 10},
}
GOAL_RESNET, GOAL_CORES = 60, 1.8
RESNET = "astropy + torch ResNet18 at 224"


def linked(folder: Path, paths: list[Path], count: int) -> Path:
    """Return a folder of so many names for a few different files."""
    folder.mkdir()
    suffix = ".fits.gz" if paths[0].name.endswith(".gz") else ".fits"
    for i in range(count):
        os.link(paths[i % len(paths)], folder / f"{i:06}{suffix}")
    return folder


def galedge(folder: Path, table: str, workers: int, *options: str) -> list[str]:
    """Return the command with its default options, and others."""
    return [
        *(sys.executable, "-m", "galedge", "classify", str(folder), "--quiet"),
        *("-o", table, "--workers", str(workers), *options),
    ]


def seconds(command: list[str], cpus: set[int], scratch: str) -> float:
    """Return the wall-clock seconds of one run on some CPUs, with an empty cache of choices."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(len(cpus)), "XDG_CACHE_HOME": scratch}
    start = time.perf_counter()
    subprocess.run(
        command,
        check=True,
        env=environment,
        preexec_fn=lambda: os.sched_setaffinity(0, cpus),
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


def measure(kind: str, paths: list[Path], scratch: Path, runs: int) -> dict[str, float]:
    """Return the median images a second of every contender."""
    many, some, few = COUNTS[kind]
    table = str(scratch / "table.csv")
    folders = {n: linked(scratch / f"{kind}-{n}", paths, n) for n in (many, some, few)}
    all_cpus = os.sched_getaffinity(0)
    one = {min(all_cpus)}

    def stack(name: str, count: int) -> tuple[list[str], set[int], int]:
        return [sys.executable, str(STACK), name, str(folders[count]), table], one, count

    contenders = {
        "galedge": (galedge(folders[many], table, 1), one, many),
        "galedge, all CPUs": (galedge(folders[many], table, len(all_cpus)), all_cpus, many),
        "bare": stack("bare", many),
        "rustfits + sep + OpenCV": stack("rustfits", some),
        "fitsio + sep + OpenCV": stack("fitsio", some),
        "astropy + photutils + OpenCV": stack("astropy", few),
    }
    if kind == KINDS[0]:
        before = galedge(folders[many], table, 1, "--model", "hubble-1")
        contenders["galedge --model hubble-1"] = (before, one, many)
        if importlib.util.find_spec("torchvision"):
            contenders[RESNET] = stack("resnet", few)
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for run in range(runs + 1):
        for name, (command, cpus, count) in contenders.items():
            if run == 0 and (count == few or runs == 1):
                continue  # warm enough by the others' runs
            spent = seconds(command, cpus, str(scratch))
            if run:
                found[name].append(count / spent)
    return {name: float(np.median(rates)) for name, rates in found.items()}


def main() -> None:
    """Measure every kind of input, and print what was reached and what was not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        inputs = write_inputs(Path(scratch), 64)
        for kind in KINDS:
            rates = measure(kind, inputs[kind], Path(scratch), arguments.runs)
            own = rates["galedge"]
            ratios = {
                "best stack": own / max(v for k, v in rates.items() if "sep" in k),
                "astropy": own / rates["astropy + photutils + OpenCV"],
                "bare over whole": rates["bare"] / own,
                "all CPUs over one": rates["galedge, all CPUs"] / own,
            }
            goals = {**GOALS[kind], "all CPUs over one": GOAL_CORES}
            if "galedge --model hubble-1" in rates:
                ratios["hubble-1"] = own / rates["galedge --model hubble-1"]
            if RESNET in rates:
                ratios["ResNet18"] = own / rates[RESNET]
                goals["ResNet18"] = GOAL_RESNET
            met = {
                name: value <= goals[name] if name == "bare over whole" else value >= goals[name]
                for name, value in ratios.items()
                if name in goals
            }
            rows.append(
                {
                    "input": kind,
                    "images_per_second": rates,
                    "ratios": ratios,
                    "goals": goals,
                    "met": met,
                }
            )
            print(kind)
            for name, rate in rates.items():
                print(f"  {name:34}{rate:10,.0f} images/s")
            for name, value in ratios.items():
                goal = f" (goal {goals[name]})" if name in goals else ""
                verdict = "" if met.get(name, True) else "  not met"
                print(f"  {name:34}{value:10.2f}{goal}{verdict}")
    stacks = ("astropy", "photutils", "fitsio", "rustfits", "sep", "opencv-python-headless")
    packages = ("numpy", "onnxruntime", *stacks, "torch", "torchvision")
    store(arguments.output, __doc__, packages, rows=rows)


if __name__ == "__main__":
    main()

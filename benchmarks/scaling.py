"""Measure throughput against threads, side of the image, and batch, and plot it.

The whole from files to a table, in one process, warm; all points of a panel are measured in
turn in each round, and the median round counts.

    python benchmarks/scaling.py [-o results.json] [--plot plot.png]

The plot needs matplotlib.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from machine import in_turn, store

import galedge
from galedge.answers.result import columns
from galedge.cli.specimens import fits_file, galaxy
from galedge.tables.catalog import open_table

SIDES = (64, 96, 128, 192, 256, 384, 512, 768, 1024)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ROUNDS = 5


def whole(classifier: galedge.Classifier, paths: list[str], table: str) -> None:
    """Classify files into a table."""
    card = classifier.model.card
    with open_table(table, columns(card.heads)) as rows:
        for result in classifier.stream(paths):
            rows.write(result.as_row())


def rates(tasks: dict[int, tuple[Callable[[], object], int]]) -> dict[int, float]:
    """Return the median images a second of tasks with their numbers of images."""
    seconds = in_turn({key: task for key, (task, _) in tasks.items()}, ROUNDS)
    return {key: number / seconds[key] for key, (_, number) in tasks.items()}


def plot(panels: dict[str, dict[int, float]], path: Path) -> None:
    """Draw the panels side by side."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(10.5, 3.2), constrained_layout=True)
    labels = {
        "threads": "threads",
        "side": "side of the FITS image (pixels), one thread",
        "batch": "images a worker takes at a time, one thread",
    }
    for axis, (name, values) in zip(axes, panels.items(), strict=True):
        keys = list(values)
        axis.plot(keys, [values[key] for key in keys], "o-", color="#30638e", ms=4)
        axis.set_xlabel(labels[name], fontsize=9)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.tick_params(labelsize=8)
        if name != "threads":
            axis.set_xscale("log", base=2)
            axis.set_xticks(keys, [str(key) for key in keys], rotation=45)
        else:
            axis.set_xticks(keys)
            axis.plot(keys, [key * values[keys[0]] for key in keys], "--", color="0.6", lw=1)
    axes[0].set_ylabel("images a second", fontsize=9)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Measure the three panels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    cpus = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as scratch:
        table = str(Path(scratch, "table.csv"))

        def files(side: int, count: int) -> list[str]:
            paths = []
            for i in range(16):
                path = Path(scratch, f"{side}-{i}.fits")
                if not path.exists():
                    path.write_bytes(fits_file(galaxy(side, i)))
                paths.append(str(path))
            return paths * (count // 16)

        def task(paths: list[str], **options: Any) -> tuple[Callable[[], object], int]:
            classifier = galedge.Classifier(**options)
            return (lambda: whole(classifier, paths, table)), len(paths)

        threads = sorted({1, *(2**i for i in range(1, cpus.bit_length()) if 2**i <= cpus), cpus})
        panels = {
            "threads": rates({n: task(files(128, 1024), workers=n) for n in threads}),
            "side": rates({side: task(files(side, 256), workers=1) for side in SIDES}),
            "batch": rates(
                {size: task(files(128, 512), workers=1, batch=size) for size in BATCHES}
            ),
        }
    for name, values in panels.items():
        print(name, {key: round(value) for key, value in values.items()})
    store(arguments.output, __doc__, ("numpy", "onnxruntime"), images_per_second=panels)
    if arguments.plot:
        plot(panels, arguments.plot)


if __name__ == "__main__":
    main()

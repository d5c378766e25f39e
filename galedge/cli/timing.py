"""What galedge does on this machine: stages, engines, latency, threads, and what limits it.

Everything is measured warm: a task runs once uncounted, then in rounds with the
others, so that a busy moment of the machine meets all of them, and the median
round counts.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from galedge._version import __version__
from galedge.answers.classifier import Classifier
from galedge.answers.result import columns
from galedge.cli.specimens import specimens
from galedge.images.image import read
from galedge.images.prepare import prepare
from galedge.network.speeds import keep, measure_all
from galedge.support.machine import cpu_name, int8_instructions, usable_cpus
from galedge.tables.catalog import open_table

__all__ = ["Report", "Stage", "run"]

ROUND = 0.15  # seconds of a task in a round
ROUNDS = 7
CALLS = 1000  # single images, for latency


@dataclass(frozen=True, slots=True)
class Stage:
    """What one stage costs on one thread.

    Attributes
    ----------
    name : str
    image : float
        Seconds an image.
    share : float or None
        Of the whole; None for what another stage contains.
    memory : float or None
        Peak memory of the process in MiB, where the system tells.
    """

    name: str
    image: float
    share: float | None
    memory: float | None


@dataclass(slots=True)
class Report:
    """What was measured; `asdict` of it is what ``--json`` prints.

    Attributes
    ----------
    machine : dict
        The processor, how many may be used, and its int8 instructions.
    model, engine, precision, images : str
        What ran, and on what.
    stages : list of Stage
        On one thread; the last is the whole.
    engines : list of dict
        `galedge.network.speeds.Speed` of every engine that runs here, all CPUs at work.
    missing : list of str
        Why others do not.
    latency : dict of str to float
        Percentiles of the classification of one image in memory, in seconds.
    scaling : list of dict
        Images a second of the whole by number of workers.
    rivals : list of dict
        Python stacks with the same network, one thread, seconds an image and
        how many times galedge's.
    verdict : str
        What limits this machine, and the best setting.
    """

    machine: dict[str, Any]
    model: str
    engine: str
    precision: str
    images: str
    version: str = __version__
    stages: list[Stage] = field(default_factory=list)
    engines: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    latency: dict[str, float] = field(default_factory=dict)
    scaling: list[dict[str, Any]] = field(default_factory=list)
    rivals: list[dict[str, Any]] = field(default_factory=list)
    verdict: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON's types."""
        return asdict(self)


def run(
    model: str | None = None,
    data: str | None = None,
    *,
    compare: bool = False,
    note: Callable[[str], None] = lambda text: None,
) -> Report:
    """Measure; under a minute.

    Parameters
    ----------
    model : str, optional
        A shipped model's name or a bundle's folder.
    data : str, optional
        A folder whose images are measured in place of generated ones.
    compare : bool
        Run Python stacks with the same network as well, those that are installed.
    note : callable
        Told what is being measured.

    Raises
    ------
    GaledgeError
        If there is no model, or no image that can be prepared.
    """
    classifier = Classifier(model, workers=1)
    card, choice = classifier.model.card, classifier.model.choice
    with specimens(data) as (paths, images):
        report = Report(
            machine={
                "cpu": cpu_name(),
                "cpus": usable_cpus(),
                "int8": list(int8_instructions()),
            },
            model=card.name,
            engine=choice.engine,
            precision=choice.precision,
            images=images,
        )
        note(f"stages, on one thread: {images}")
        report.stages = _stages(classifier, paths)
        whole = report.stages[-1].image
        note("one image at a time")
        report.latency = _latency(classifier, paths)
        for workers in _steps(usable_cpus()):
            note(f"the whole on {workers} thread{'s' * (workers > 1)}")
            rate = 1 / _whole(model, workers, paths)
            first = report.scaling[0]["images_per_second"] if report.scaling else rate
            report.scaling.append(
                {"workers": workers, "images_per_second": rate, "times": rate / first}
            )
        if compare:
            from galedge.cli.rivals import stacks

            some = paths[: min(len(paths), 32)]
            for name, task in stacks(card):
                note(f"against {name}")
                seconds = _median({"": partial(_each, task, some)}, len(some))
                report.rivals.append(
                    {"stack": name, "image": seconds[""], "times": seconds[""] / whole}
                )
    note("engines, on all threads")
    speeds, report.missing = measure_all(card)
    if speeds:
        keep(card, speeds)  # `auto` may as well know
    report.engines = [asdict(speed) for speed in speeds]
    report.verdict = _verdict(report)
    return report


def _each(task: Callable[[str], object], paths: Sequence[str]) -> None:
    for path in paths:
        task(path)


def _stages(classifier: Classifier, paths: Sequence[str]) -> list[Stage]:
    """Measure the stages of the way from files to a table, on one thread."""
    model, recipe = classifier.model, classifier.recipe
    size = classifier.batch
    chunks = [list(paths[low : low + size]) for low in range(0, len(paths), size)]
    pixels = [prepare(chunk, recipe).pixels for chunk in chunks]
    tasks: dict[str, Callable[[], object]] = {
        "bytes from disk": lambda: [Path(path).read_bytes() for path in paths],
        "read to floats": lambda: [read(path).data for path in paths],
        "read and prepare": lambda: [prepare(chunk, recipe) for chunk in chunks],
        "network": lambda: [model.predict(batch) for batch in pixels],
        "whole": lambda: _tabulate(classifier, paths, table),
    }
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "table.csv")
        memory = {name: _peak(task) for name, task in tasks.items()}
        seconds = _median(tasks, len(paths))
    total = seconds["whole"]
    named = seconds["read and prepare"] + seconds["network"]
    seconds = {
        **{name: seconds[name] for name in tasks if name != "whole"},
        "rows and table": max(0.0, total - named),
        "whole": total,
    }
    inside = ("bytes from disk", "read to floats")
    return [
        Stage(name, image, None if name in inside else image / total, memory.get(name))
        for name, image in seconds.items()
    ]


def _median(tasks: dict[str, Callable[[], object]], images: int) -> dict[str, float]:
    """Return the median seconds an image of each task, all in turn in each round."""
    repeats = {}
    for name, task in tasks.items():
        begin = time.perf_counter()
        task()  # warms up, and tells how often a round repeats it
        repeats[name] = max(1, math.ceil(ROUND / max(time.perf_counter() - begin, 1e-6)))
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(ROUNDS):
        for name, task in tasks.items():
            begin = time.perf_counter()
            for _ in range(repeats[name]):
                task()
            seconds[name].append((time.perf_counter() - begin) / repeats[name])
    return {name: float(np.median(values)) / images for name, values in seconds.items()}


def _latency(classifier: Classifier, paths: Sequence[str]) -> dict[str, float]:
    """Return percentiles of the seconds that one image in memory takes."""
    images = [read(path) for path in paths[:16]]
    seconds = []
    for i in range(CALLS + len(images)):
        image = images[i % len(images)]
        begin = time.perf_counter()
        classifier.classify(image)
        seconds.append(time.perf_counter() - begin)
    counted = seconds[len(images) :]  # each has been seen once
    p50, p90, p99 = np.percentile(counted, [50, 90, 99])
    return {"p50": float(p50), "p90": float(p90), "p99": float(p99), "worst": max(counted)}


def _whole(model: str | None, workers: int, paths: Sequence[str]) -> float:
    """Return seconds an image of the whole with so many workers."""
    classifier = Classifier(model, workers=workers)
    many = list(paths) * math.ceil(2 * 64 * workers / len(paths))
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "table.csv")
        return _median({"": partial(_tabulate, classifier, many, table)}, len(many))[""]


def _tabulate(classifier: Classifier, paths: Sequence[str], table: str) -> None:
    with open_table(table, columns(classifier.heads)) as rows:
        for result in classifier.stream(paths):
            rows.write(result.as_row())


def _steps(cpus: int) -> list[int]:
    """Return 1, 2, 4 ... and the number of CPUs."""
    return sorted({cpus, *(2**i for i in range(cpus.bit_length()) if 2**i <= cpus)})


def _peak(task: Callable[[], object]) -> float | None:
    """Return the process's peak memory in MiB while a task runs, where Linux tells."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_bytes(b"5")  # the peak begins again
    task()
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return None


def _verdict(report: Report) -> str:
    """Say what limits this machine, and which setting is best."""
    stages = {stage.name: stage for stage in report.stages}
    pixels, network = stages["read and prepare"].share or 0, stages["network"].share or 0
    rest = stages["rows and table"].share or 0
    name = {pixels: "reading and preparing", network: "the network", rest: "the table"}[
        max(pixels, network, rest)
    ]
    text = (
        f"Of an image's time {pixels:.0%} goes to reading and preparing it, {network:.0%} to the "
        f"network and {rest:.0%} to its row: {name} sets the pace."
    )
    if not report.machine["int8"] and report.precision == "int8":
        text += " This processor has no int8 instructions, which halves what int8 gains."
    best = max(report.scaling, key=lambda step: step["images_per_second"])
    text += f" Best here: --workers {best['workers']}"
    if report.engines:
        first = report.engines[0]
        text += f" --engine {first['engine']} --precision {first['precision']}"
    text += f"; measured with {report.engine} and {report.precision}, "
    return text + f"{best['images_per_second']:,.0f} images/s."

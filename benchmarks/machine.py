"""What benchmarks share: tasks timed in turn, and what was found with what it was found on."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import galedge
from galedge.support.machine import cpu_name, int8_instructions

Key = TypeVar("Key")


def in_turn(tasks: Mapping[Key, Callable[[], object]], rounds: int) -> dict[Key, float]:
    """Return the median seconds of tasks, all in turn in each round; one round more warms up."""
    seconds: dict[Key, list[float]] = {name: [] for name in tasks}
    for round_ in range(rounds + 1):
        for name, task in tasks.items():
            begin = time.perf_counter()
            task()
            if round_:
                seconds[name].append(time.perf_counter() - begin)
    return {name: float(np.median(values)) for name, values in seconds.items()}


def store(path: Path | None, question: str, packages: tuple[str, ...], **found: Any) -> None:
    """Write what was found as JSON, if a file is given, with the machine and versions."""
    if path is not None:
        result = {"question": question.splitlines()[0], "machine": describe(*packages), **found}
        path.write_text(json.dumps(result, indent=1) + "\n")


def describe(*packages: str) -> dict[str, Any]:
    """Return the CPU's name, its int8 abilities and the packages' versions."""
    versions = {"python": platform.python_version(), "galedge": galedge.__version__}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    return {
        "cpu": cpu_name(),
        "cpus": len(os.sched_getaffinity(0)),
        "int8": list(int8_instructions()),
        "versions": versions,
    }

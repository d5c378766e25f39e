"""What a benchmark ran on: processor, abilities, versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Any

import galedge
from galedge.support.machine import cpu_name, int8_instructions


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

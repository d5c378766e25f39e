"""What a benchmark ran on: processor, abilities, versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Any

import galedge

INT8 = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")


def describe(*packages: str) -> dict[str, Any]:
    """Return the CPU's name, its int8 abilities and the packages' versions."""
    name, flags = platform.processor() or platform.machine(), ""
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    name = value.strip()
                if key.strip() in ("flags", "Features"):
                    flags = value
    except OSError:
        pass
    versions = {"python": platform.python_version(), "galedge": galedge.__version__}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    return {
        "cpu": name,
        "cpus": len(os.sched_getaffinity(0)),
        "int8": [flag for flag in INT8 if flag in flags.split()],
        "versions": versions,
    }

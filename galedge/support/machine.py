"""What this machine offers: its CPUs, what they do with bytes, a place to keep things."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

from galedge.support.system import cache_root

__all__ = [
    "cache_folder",
    "cpu_name",
    "has_gpu",
    "int8_instructions",
    "saturates_int8",
    "usable_cpus",
]

# What multiplies bytes and sums them in 32 bits, in Linux's names: x86, then ARM.
_X86 = ("amx_int8", "avx_vnni_int8", "avx512_vnni", "avx_vnni")
_ARM = ("i8mm", "asimddp")


def usable_cpus() -> int:
    """Return the number of CPUs that this process may use.

    What the scheduler allows, and within a container (cgroup v2) no more than
    its share of CPU time.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    count = count or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        share = -(-int(quota) // int(period))  # rounded up
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or "max"
        return count
    return max(1, min(count, share))


def cpu_name() -> str:
    """Return the processor's model, as well as the system knows it."""
    names = _cpuinfo("model name") or [platform.processor(), platform.machine()]
    return next((name for name in names if name), "unknown")


@cache
def int8_instructions() -> tuple[str, ...]:
    """Return the instructions for int8 networks that this CPU has, best first."""
    found = " ".join(_cpuinfo("flags") + _cpuinfo("Features")).split()
    return tuple(name for name in (*_X86, *_ARM) if name in found)


def saturates_int8() -> bool:
    """Tell whether sums of byte products may overflow 16 bits here.

    Without VNNI, x86 sums two products of an unsigned and a signed byte in 16
    bits (VPMADDUBSW): two of 255 and 127 do not fit, of 255 and 64 they do.
    Where the CPU cannot be asked it is taken to be a recent one.
    """
    asked = bool(_cpuinfo("flags"))
    return asked and not any(name in int8_instructions() for name in _X86)


def has_gpu() -> bool:
    """Tell whether there may be an NVIDIA GPU; asks no driver."""
    drivers = ["/dev/nvidiactl", "/dev/nvhost-gpu", "/dev/dxg"]
    if root := os.environ.get("SYSTEMROOT"):  # Windows
        drivers.append(os.path.join(root, "System32", "nvcuda.dll"))
    return any(map(os.path.exists, drivers))


def cache_folder(name: str) -> Path | None:
    """Return a folder of this user's cache, made if need be; None if it cannot be."""
    try:
        folder = cache_root() / "galedge" / name
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # RuntimeError: this user has no home
        return None
    return folder if os.access(folder, os.W_OK) else None


def _cpuinfo(key: str) -> list[str]:
    """Return the first CPU's value of a key in /proc/cpuinfo, in a list that may be empty."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() == key:
                    return [value.strip()]
    except OSError:
        pass
    return []

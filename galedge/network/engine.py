"""The engines by name: which are installed, and starting one."""

from __future__ import annotations

import re

from galedge.errors import ModelError
from galedge.network.engines import Engine, Setup, engines
from galedge.support.extras import lacking

__all__ = ["absent", "gpu_number", "start"]


def gpu_number(device: str) -> int | None:
    """Return the number of the GPU that a device names, None for the CPU.

    Raises
    ------
    ValueError
        If it is none of ``cpu``, ``cuda`` and ``cuda:N``.
    """
    match = re.fullmatch(r"cpu|cuda(?::(\d{1,4}))?", device)
    if match is None:
        raise ValueError(f"device {device!r} is none of cpu, cuda, cuda:N")
    return None if device == "cpu" else int(match[1] or 0)


def absent(engine: str) -> str | None:
    """Return what an engine lacks and how to install it, or None; imports nothing."""
    kind = engines()[engine]
    reason = lacking(kind.packages, kind.install)
    return None if reason is None else f"engine {engine} {reason}"


def start(
    engine: str,
    network: bytes,
    name: str = "network",
    *,
    device: str = "cpu",
    half: bool = False,
    workers: int = 1,
    threads: int = 1,
) -> Engine:
    """Start an engine on a network.

    Parameters
    ----------
    engine : str
        One of `engines`.
    network : bytes
        A serialized ONNX model.
    name : str
        What error messages call the network, usually its path.
    device : str
        ``cpu``, ``cuda`` or ``cuda:N``.
    half : bool
        Whether a GPU may compute in 16 bits.
    workers : int
        How many threads will run batches at the same time.
    threads : int
        CPU threads within one batch.

    Raises
    ------
    ModelError
        If the engine is not installed, has no such device, or cannot load the
        network.
    """
    reason = absent(engine)
    if reason is not None:
        raise ModelError(reason)
    kind = engines()[engine]
    try:
        kind.load()
    except ImportError as error:  # it is there, but not whole
        raise ModelError(f"engine {engine} cannot be imported ({error}): {kind.install}") from error
    return kind(network, name, Setup(gpu_number(device), half, workers, threads))

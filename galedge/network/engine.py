"""The engines by name: which are installed, and starting one."""

from __future__ import annotations

import importlib.util
import re

from galedge.errors import ModelError
from galedge.network.engines import Engine

__all__ = ["ENGINES", "MODULES", "absent", "gpu_number", "start"]

ENGINES = ("onnxruntime", "openvino", "cuda")
"""Names of the engines; ``cuda`` is PyTorch."""

# What an engine imports, with the line that installs it.
MODULES = {
    "onnxruntime": (("onnxruntime",), "pip install onnxruntime"),
    "openvino": (("openvino",), "pip install 'galedge[openvino]'"),
    "cuda": (("torch", "onnx"), "pip install 'galedge[train]'"),
}


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
    modules, line = MODULES[engine]
    for module in modules:
        if importlib.util.find_spec(module) is None:
            return f"engine {engine} needs {module}, which is not installed: {line}"
    return None


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
        One of `ENGINES`.
    network : bytes
        A serialized ONNX model.
    name : str
        What error messages call the network, usually its path.
    device : str
        ``cpu``, ``cuda`` or ``cuda:N``. OpenVINO knows the CPU only, engine
        ``cuda`` GPUs only.
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
    gpu = gpu_number(device)
    if engine == "openvino":
        from galedge.network.engines.open_vino import OpenVinoEngine

        return OpenVinoEngine(network, name, workers=workers, threads=threads)
    if engine == "cuda":
        from galedge.network.engines.torch_cuda import TorchCudaEngine

        return TorchCudaEngine(network, name, gpu=gpu or 0, half=half)
    from galedge.network.engines.onnx_runtime import OnnxRuntimeEngine

    return OnnxRuntimeEngine(network, name, gpu=gpu, half=half, threads=threads)

"""OpenVINO on the CPU: slower to start than ONNX Runtime, and mostly faster afterwards."""

from __future__ import annotations

import importlib
import sys
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.errors import ModelError
from galedge.network.engines import (
    Outputs,
    failed,
    first_line,
    refuse_external_data,
    refuse_foreign,
)
from galedge.support.machine import cache_folder

__all__ = ["OpenVinoEngine"]


class OpenVinoEngine:
    """OpenVINO.

    Parameters
    ----------
    network : bytes
        A serialized ONNX model, the same that ONNX Runtime takes.
    name : str
        What error messages call the network, usually its path.
    workers : int
        How many batches may run at a time, each on its own stream.
    threads : int
        CPU threads within one `run`.

    Raises
    ------
    ModelError
        If the bytes are not an ONNX model that this OpenVINO can run, or keep
        weights outside the file.
    """

    def __init__(
        self, network: bytes, name: str = "network", *, workers: int = 1, threads: int = 1
    ) -> None:
        refuse_external_data(network, name)
        openvino = _silent()

        options: dict[str, Any] = {
            # By itself it takes bfloat16 for float32 where the CPU has it.
            "INFERENCE_PRECISION_HINT": "f32",
            "NUM_STREAMS": workers,
            "INFERENCE_NUM_THREADS": workers * threads,
            # Pinned threads would queue for their core behind those that prepare.
            "ENABLE_CPU_PINNING": False,
        }
        self._name = name
        self._tensor = openvino.Tensor
        try:
            model = openvino.Core().read_model(network)
            inputs = [
                (value.get_any_name(), str(value.get_element_type().to_dtype()))
                for value in model.inputs
            ]
        except Exception as error:
            raise self._unusable(openvino.__version__, error) from error
        refuse_foreign(inputs, name)
        try:
            self._network = _compile(openvino, model, options)
        except Exception as error:
            raise self._unusable(openvino.__version__, error) from error
        self._outputs = [value.get_any_name() for value in self._network.outputs]
        self._idle: deque[Any] = deque()  # requests, each with its own buffers

    def run(self, pixels: NDArray[np.uint8]) -> Outputs:
        """Run the network on one batch; see `Engine.run`."""
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._network.create_infer_request()
        try:
            request.infer({"pixels": self._tensor(pixels, shared_memory=True)})
            # Copied, because the next batch overwrites them.
            return {name: np.array(request.get_tensor(name).data) for name in self._outputs}
        except Exception as error:
            raise failed(self._name, pixels, error) from error
        finally:
            self._idle.append(request)

    def _unusable(self, version: str, error: Exception) -> ModelError:
        return ModelError(
            f"{self._name}: not a network that OpenVINO {version} can load "
            f"({first_line(error)}); copy or export the bundle again"
        )


def _silent() -> Any:
    """Import OpenVINO without its telemetry, which reports each import to its makers.

    The package does without where it is missing; galedge leaves the network alone.
    """
    hidden = "openvino_telemetry" not in sys.modules
    if hidden:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("openvino")
    finally:
        if hidden:
            del sys.modules["openvino_telemetry"]


def _compile(openvino: Any, model: Any, options: dict[str, Any]) -> Any:
    """Compile a model, or take what an earlier process compiled from the user's cache."""
    folder = cache_folder("openvino")
    if folder is not None:
        try:
            return openvino.Core().compile_model(model, "CPU", options | {"CACHE_DIR": str(folder)})
        except Exception:  # whatever is wrong with the cache, it is only a cache
            pass
    return openvino.Core().compile_model(model, "CPU", options)

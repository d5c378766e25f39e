"""OpenVINO on the CPU: slower to start than ONNX Runtime, and mostly faster afterwards."""

from __future__ import annotations

import importlib
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

from galedge.errors import ModelError
from galedge.network.engines import (
    Engine,
    Outputs,
    Setup,
    failed,
    first_line,
    refuse_external_data,
    refuse_foreign,
)
from galedge.support.machine import cache_folder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ENGINE", "OpenVinoEngine"]


class OpenVinoEngine:
    """OpenVINO, each of whose `workers` has a stream of its own; see `Engine`."""

    packages: ClassVar[tuple[str, ...]] = ("openvino",)
    install: ClassVar[str] = "pip install 'galedge[openvino]'"
    devices: ClassVar[tuple[str, ...]] = ("cpu",)
    delay: ClassVar[float] = 0.3

    def __init__(self, network: bytes, name: str, setup: Setup) -> None:
        refuse_external_data(network, name)
        openvino = self.load()

        options: dict[str, Any] = {
            # By itself it takes bfloat16 for float32 where the CPU has it.
            "INFERENCE_PRECISION_HINT": "f32",
            "NUM_STREAMS": setup.workers,
            "INFERENCE_NUM_THREADS": setup.workers * setup.threads,
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
            return {name: request.get_tensor(name).data.copy() for name in self._outputs}
        except Exception as error:
            raise failed(self._name, pixels, error) from error
        finally:
            self._idle.append(request)

    @staticmethod
    def load() -> Any:
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

    @staticmethod
    def gpu_missing() -> str | None:
        """Return None: it is not asked for GPUs."""
        return None

    def _unusable(self, version: str, error: Exception) -> ModelError:
        return ModelError(
            f"{self._name}: not a network that OpenVINO {version} can load "
            f"({first_line(error)}); copy or export the bundle again, or take another "
            "precision or engine"
        )


def _compile(openvino: Any, model: Any, options: dict[str, Any]) -> Any:
    """Compile a model, or take what an earlier process compiled from the user's cache."""
    folder = cache_folder("openvino")
    if folder is not None:
        try:
            return openvino.Core().compile_model(model, "CPU", options | {"CACHE_DIR": str(folder)})
        except Exception:  # whatever is wrong with the cache, it is only a cache
            pass
    return openvino.Core().compile_model(model, "CPU", options)


ENGINE: type[Engine] = OpenVinoEngine

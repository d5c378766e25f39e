"""ONNX Runtime: on the CPU, or on a GPU where its build knows one."""

from __future__ import annotations

import importlib
import importlib.util
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

__all__ = ["ENGINE", "OnnxRuntimeEngine"]

GPU_BUILD = "pip uninstall onnxruntime && pip install 'onnxruntime-gpu[cuda,cudnn]'"


class OnnxRuntimeEngine:
    """ONNX Runtime; see `Engine`.

    On a GPU TensorRT is used where it is installed, and builds its kernels when a
    network is first loaded. One of `Setup.threads` by default: many batches at a time on
    one thread each beat one batch on many threads.
    """

    packages: ClassVar[tuple[str, ...]] = ("onnxruntime",)
    install: ClassVar[str] = "pip install onnxruntime"
    devices: ClassVar[tuple[str, ...]] = ("cpu", "cuda")
    delay: ClassVar[float] = 0.1

    def __init__(self, network: bytes, name: str, setup: Setup) -> None:
        refuse_external_data(network, name)
        onnxruntime = self.load()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = setup.threads
        options.inter_op_num_threads = 1
        # Spinning threads take the cores that other workers prepare images on.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # failures are raised; do not print them as well
        providers: list[Any] = ["CPUExecutionProvider"]
        gpu = setup.gpu
        if gpu is not None:
            reason = self.gpu_missing()
            if reason is not None:
                raise ModelError(f"cuda:{gpu}: {reason}")
            providers = [*_gpu_providers(gpu, setup.half), *providers]
            if hasattr(onnxruntime, "preload_dlls"):  # CUDA's libraries as pip installs them
                onnxruntime.preload_dlls()
        self._name = name
        try:
            self._session: Any = _opened(network, options, providers)
        except Exception as error:  # ONNX Runtime's exceptions share no base of their own
            raise ModelError(
                f"{name}: not a network that ONNX Runtime {onnxruntime.__version__} can load "
                f"({first_line(error)}); copy or export the bundle again"
            ) from error
        # It goes on with the CPU when a GPU's libraries are missing; a user who
        # asked for the GPU has to know.
        if gpu is not None and "CUDAExecutionProvider" not in self._session.get_providers():
            raise ModelError(
                f"cuda:{gpu}: ONNX Runtime {onnxruntime.__version__} found no such GPU, or not the "
                "CUDA and cuDNN that it was built for: see nvidia-smi, and pip install "
                "'onnxruntime-gpu[cuda,cudnn]'"
            )
        inputs = self._session.get_inputs()
        refuse_foreign([(i.name, i.type.removeprefix("tensor(").rstrip(")")) for i in inputs], name)
        self._outputs = [value.name for value in self._session.get_outputs()]

    def run(self, pixels: NDArray[np.uint8]) -> Outputs:
        """Run the network on one batch; see `Engine.run`."""
        try:
            values = self._session.run(self._outputs, {"pixels": pixels})
        except Exception as error:
            raise failed(self._name, pixels, error) from error
        return dict(zip(self._outputs, values, strict=True))

    @staticmethod
    def load() -> Any:
        """Import ONNX Runtime."""
        return importlib.import_module("onnxruntime")

    @staticmethod
    def gpu_missing() -> str | None:
        """Return why this ONNX Runtime knows no GPU, or None if it does."""
        import onnxruntime

        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            return None
        return f"ONNX Runtime {onnxruntime.__version__} was built for the CPU only: {GPU_BUILD}"


def _opened(network: bytes, options: Any, providers: list[Any]) -> Any:
    """Return a session, on versions too that move only floats from pixels to channels."""
    from onnxruntime import InferenceSession

    try:
        return InferenceSession(network, sess_options=options, providers=providers)
    except Exception as error:
        if type(error).__name__ != "NotImplemented":
            raise
        from galedge.network.onnx import folded_as_floats  # with NumPy, which help does without

        network = folded_as_floats(network)
        return InferenceSession(network, sess_options=options, providers=providers)


def _gpu_providers(gpu: int, half: bool) -> list[tuple[str, dict[str, Any]]]:
    """Return ONNX Runtime's providers for a GPU with their options, the fastest first."""
    import onnxruntime

    # cuDNN's full search for the fastest algorithm repeats for every batch size.
    cuda = {"device_id": gpu, "use_tf32": int(half), "cudnn_conv_algo_search": "HEURISTIC"}
    providers: list[tuple[str, dict[str, Any]]] = [("CUDAExecutionProvider", cuda)]
    # Every GPU build lists the provider, also where TensorRT's own libraries are not.
    has_tensorrt = any(importlib.util.find_spec(m) for m in ("tensorrt_libs", "tensorrt"))
    if has_tensorrt and "TensorrtExecutionProvider" in onnxruntime.get_available_providers():
        tensorrt: dict[str, Any] = {"device_id": gpu, "trt_fp16_enable": half}
        if folder := cache_folder("tensorrt"):  # building an engine takes a minute
            tensorrt |= {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(folder)}
        providers.insert(0, ("TensorrtExecutionProvider", tensorrt))
    return providers


ENGINE: type[Engine] = OnnxRuntimeEngine

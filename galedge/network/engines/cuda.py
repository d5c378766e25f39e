"""PyTorch on a CUDA GPU, for batch work where the training extra is installed.

The network is rebuilt from the ONNX file, operator by operator, so that this
needs no code of training and runs exactly what was hashed.
"""

from __future__ import annotations

import importlib
import threading
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

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ENGINE", "TorchCudaEngine"]

SMALLEST_BATCH = 16


class TorchCudaEngine:
    """PyTorch on CUDA: 16 bits, channels last, each batch one CUDA graph; see `Engine`.

    With `half` convolutions are computed in 16 bits; what follows the pooling is always
    computed in 32.
    """

    packages: ClassVar[tuple[str, ...]] = ("torch", "onnx")
    install: ClassVar[str] = "pip install 'galedge[train]'"
    devices: ClassVar[tuple[str, ...]] = ("cuda",)
    delay: ClassVar[float] = 5

    def __init__(self, network: bytes, name: str, setup: Setup) -> None:
        refuse_external_data(network, name)
        torch, onnx, onnx_graph = self.load()
        gpu = setup.gpu or 0
        if not torch.cuda.is_available() or gpu >= torch.cuda.device_count():
            raise ModelError(
                f"cuda:{gpu}: PyTorch {torch.__version__} finds no such GPU; see nvidia-smi, and "
                "pytorch.org for a PyTorch built for its driver, or use --device cpu"
            )
        self._name = name
        self._torch = torch
        self._device = torch.device("cuda", gpu)
        # Without it, "float32" would be TF32 of ten bits on recent GPUs.
        torch.backends.cudnn.allow_tf32 = setup.half
        try:
            model = onnx.load_from_string(network)
            dtype = torch.float16 if setup.half else torch.float32
            self._graph = onnx_graph.OnnxGraph(model, dtype, self._device)
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(
                f"{name}: not a network that PyTorch {torch.__version__} can rebuild "
                f"({first_line(error)}); copy or export the bundle again"
            ) from error
        refuse_foreign(self._graph.inputs, name)
        self._captured: dict[tuple[int, ...], tuple[Any, Any, dict[str, Any]]] = {}
        self._lock = threading.Lock()  # captured graphs have one set of buffers each

    def run(self, pixels: NDArray[np.uint8]) -> Outputs:
        """Run the network on one batch; see `Engine.run`."""
        count = len(pixels)
        # A few sizes only, so that a few graphs serve every batch.
        size = max(SMALLEST_BATCH, 1 << (count - 1).bit_length())
        with self._lock, self._torch.inference_mode(), self._torch.cuda.device(self._device):
            try:
                graph, given, outputs = self._capture((size, *pixels.shape[1:]))
                given[:count].copy_(self._torch.from_numpy(pixels))
                graph.replay()
                return {key: value[:count].cpu().numpy() for key, value in outputs.items()}
            except Exception as error:
                raise failed(self._name, pixels, error) from error

    @staticmethod
    def load() -> tuple[Any, ...]:
        """Import PyTorch, onnx and what rebuilds a network by them."""
        names = ("torch", "onnx", "galedge.network.onnx_graph")
        return tuple(map(importlib.import_module, names))

    @staticmethod
    def gpu_missing() -> str | None:
        """Return None: any PyTorch may know a GPU, and only loading it would tell."""
        return None

    def _capture(self, shape: tuple[int, ...]) -> tuple[Any, Any, dict[str, Any]]:
        """Return the CUDA graph of a batch size with its input and outputs, recorded once."""
        if shape not in self._captured:
            cuda = self._torch.cuda
            given = self._torch.zeros(shape, dtype=self._torch.uint8, device=self._device)
            stream = cuda.Stream()
            stream.wait_stream(cuda.current_stream())
            with cuda.stream(stream):  # cuDNN chooses its algorithms before the recording
                for _ in range(3):
                    self._graph.run(given)
            cuda.current_stream().wait_stream(stream)
            graph = cuda.CUDAGraph()
            with cuda.graph(graph):
                outputs = self._graph.run(given)
            self._captured[shape] = graph, given, outputs
        return self._captured[shape]


ENGINE: type[Engine] = TorchCudaEngine

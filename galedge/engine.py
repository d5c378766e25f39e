"""Engines: what runs the network, behind one small protocol.

An engine takes the batch as it was prepared and hands back the network's raw
outputs by name; what they mean is the model's business.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from galedge.errors import ModelError

__all__ = ["Engine", "OnnxRuntimeEngine"]

# How a protobuf writer encodes the key that every externally stored tensor
# carries: field 1, eight bytes, "location".
_EXTERNAL_DATA = b"\x0a\x08location"


class Engine(Protocol):
    """Anything that runs a network; safe to call from several threads at once."""

    def run(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Run the network on one batch.

        Parameters
        ----------
        pixels : ndarray of uint8, shape (N, 3, S, S)
            Prepared images.

        Returns
        -------
        dict of str to ndarray of float32
            Outputs by name, each of shape (N, ...).

        Raises
        ------
        ModelError
            If the network refuses the batch.
        """
        ...


class OnnxRuntimeEngine:
    """ONNX Runtime on the CPU.

    Parameters
    ----------
    network : bytes
        A serialized ONNX model. Bytes rather than a path, so that what was
        hashed is what runs.
    name : str
        What error messages call the network, usually its path.
    threads : int
        Threads within one `run`. One by default: many batches at a time on
        one thread each beat one batch on many threads.

    Raises
    ------
    ModelError
        If the bytes are not an ONNX model that this ONNX Runtime can run, or
        keep weights outside the file.
    """

    def __init__(self, network: bytes, name: str = "network", threads: int = 1) -> None:
        # Weights elsewhere would escape the hash, and their paths are a known
        # way out of the model's folder.
        if _EXTERNAL_DATA in network:
            raise ModelError(f"{name}: keeps weights in other files; export it as one file")

        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Spinning threads take the cores that other workers prepare images on.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # failures are raised; do not print them as well
        self._name = name
        try:
            self._session: Any = onnxruntime.InferenceSession(
                network, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's exceptions share no base of their own
            raise ModelError(
                f"{name}: not a network that ONNX Runtime {onnxruntime.__version__} can load "
                f"({_first_line(error)}); copy or export the bundle again"
            ) from error
        inputs = self._session.get_inputs()
        if [(value.name, value.type) for value in inputs] != [("pixels", "tensor(uint8)")]:
            found = ", ".join(f"{value.name} {value.type}" for value in inputs) or "nothing"
            raise ModelError(
                f"{name}: takes {found} where galedge gives 'pixels' tensor(uint8); "
                "this network was not exported for galedge"
            )
        self._outputs = [value.name for value in self._session.get_outputs()]

    def run(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Run the network on one batch; see `Engine.run`."""
        try:
            values = self._session.run(self._outputs, {"pixels": pixels})
        except Exception as error:
            raise ModelError(
                f"{self._name}: the network failed on a batch of shape {pixels.shape} "
                f"({_first_line(error)})"
            ) from error
        return dict(zip(self._outputs, values, strict=True))


def _first_line(error: Exception) -> str:
    """Return the first line of an ONNX Runtime message, without its error code."""
    text = next(iter(str(error).splitlines()), "") or type(error).__name__
    return text.rpartition(" : ")[2].strip().rstrip(".")

"""Engines: what runs the network, one a module, which has its class as `ENGINE`.

An engine takes the batch as it was prepared and hands back the network's raw
outputs by name; what they mean is the model's business.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol, TypeAlias

from galedge.errors import ModelError
from galedge.support.places import everything

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Engine",
    "Outputs",
    "Setup",
    "engines",
    "failed",
    "first_line",
    "refuse_external_data",
    "refuse_foreign",
]

Outputs: TypeAlias = "dict[str, NDArray[np.float32]]"

# From 1.29 on ONNX Runtime reports to its makers unless told not to before it is
# imported, and galedge leaves the network alone. Who wants that may say so first.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# How a protobuf writer encodes the key that every externally stored tensor
# carries: field 1, eight bytes, "location".
_EXTERNAL_DATA = b"\x0a\x08location"


class Setup(NamedTuple):
    """Where an engine runs, and how.

    Attributes
    ----------
    gpu : int or None
        Number of the CUDA device; None for the CPU.
    half : bool
        Whether a GPU may compute in 16 bits.
    workers : int
        How many threads will run batches at the same time.
    threads : int
        CPU threads within one batch.
    """

    gpu: int | None = None
    half: bool = False
    workers: int = 1
    threads: int = 1


class Engine(Protocol):
    """Anything that runs a network; safe to call from several threads at once.

    Parameters
    ----------
    network : bytes
        A serialized ONNX model. Bytes rather than a path, so that what was
        hashed is what runs.
    name : str
        What error messages call the network, usually its path.
    setup : Setup

    Raises
    ------
    ModelError
        If the bytes are not an ONNX model that it can run, or keep weights
        outside the file; if there is no such device.
    """

    packages: ClassVar[tuple[str, ...]]
    """What it imports, when it starts."""
    install: ClassVar[str]
    """The line that installs that."""
    devices: ClassVar[tuple[str, ...]]
    """Which of ``cpu`` and ``cuda`` it runs on."""
    delay: ClassVar[float]
    """About how many seconds it needs to start: the quickest is taken where none was measured."""

    def __init__(self, network: bytes, name: str, setup: Setup) -> None: ...

    @staticmethod
    def load() -> object:
        """Import its packages, without anything that reports to their makers."""
        ...

    @staticmethod
    def gpu_missing() -> str | None:
        """Return why its packages as installed know no GPU, or None."""
        ...

    def run(self, pixels: NDArray[np.uint8]) -> Outputs:
        """Run the network on one batch.

        Parameters
        ----------
        pixels : ndarray of uint8, shape (N, 3, S, S)
            Prepared images.

        Returns
        -------
        dict of str to ndarray of float32
            Outputs by name, each of shape (N, ...), which are the caller's.

        Raises
        ------
        ModelError
            If the network refuses the batch.
        """
        ...


def engines() -> dict[str, type[Engine]]:
    """Return the engines by name, the quickest to start first."""
    found: dict[str, type[Engine]] = everything(__name__, "ENGINE")
    return dict(sorted(found.items(), key=lambda item: item[1].delay))


def refuse_external_data(network: bytes, name: str) -> None:
    """Refuse a network that keeps weights outside its file.

    They would escape the hash, and their paths are a known way out of the
    model's folder.
    """
    if _EXTERNAL_DATA in network:
        raise ModelError(f"{name}: keeps weights in other files; export it as one file")


def refuse_foreign(found: list[tuple[str, str]], name: str) -> None:
    """Refuse a network whose inputs, (name, type) each, are not the prepared batch."""
    if found != [("pixels", "uint8")]:
        inputs = ", ".join(" ".join(value) for value in found) or "nothing"
        raise ModelError(
            f"{name}: takes {inputs} where galedge gives 'pixels' uint8; "
            "this network was not exported for galedge"
        )


def failed(name: str, pixels: NDArray[np.uint8], error: Exception) -> ModelError:
    """Return what to raise when a network fails on a batch."""
    return ModelError(
        f"{name}: the network failed on a batch of shape {pixels.shape} ({first_line(error)})"
    )


def first_line(error: Exception) -> str:
    """Return the first line of an engine's message that tells more than a place in its source."""
    lines = (line for line in str(error).splitlines() if line.strip())
    text = next((line for line in lines if not line.startswith("Exception from ")), "")
    return (text or type(error).__name__).rpartition(" : ")[2].strip().rstrip(".:")

"""Which engine, device and precision to use, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass

from galedge.errors import ModelError
from galedge.network.card import PRECISIONS, Card
from galedge.network.engine import absent, gpu_number
from galedge.network.engines import engines
from galedge.support.machine import saturates_int8

__all__ = ["Choice", "choose"]


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine, where it runs and with which network.

    Attributes
    ----------
    engine : str
    device : str
        ``cpu`` or ``cuda:N``.
    precision : {"int8", "fp32"}
        The network.
    half : bool
        Whether a GPU may compute in 16 bits, because no precision was asked for.
    reason : str
        Why this one, in a few words.
    warning : str or None
        What a user should know who did not ask for this.
    """

    engine: str
    device: str
    precision: str
    half: bool = False
    reason: str = "as asked"
    warning: str | None = None


def choose(
    card: Card,
    *,
    engine: str = "auto",
    device: str | None = None,
    precision: str | None = None,
    images: int | None = None,
) -> Choice:
    """Choose how to run a bundle on this machine.

    On a CPU, ``auto`` takes what this machine's own measurement (`galedge
    engines`) found fastest, the start included; without one what starts
    soonest of those installed, ONNX Runtime, which is always there. On a GPU it
    takes ONNX Runtime where its build knows GPUs, else PyTorch.

    Parameters
    ----------
    card : Card
    engine : str
        ``auto`` or the name of one of `galedge.network.engines`.
    device : str, optional
        ``cpu``, ``cuda`` or ``cuda:N``. Default: the CPU, or for an engine that
        knows none (``cuda``) the first GPU.
    precision : {"int8", "fp32"}, optional
        Default: int8 on a CPU where the bundle has it, unless this CPU would
        compute it wrongly or was measured to be faster with fp32. On a GPU
        always the fp32 network, by default computed in 16 bits.
    images : int, optional
        How many will be classified. Default: many.

    Raises
    ------
    ModelError
        If what was asked for is not installed or not in the bundle.
    ValueError
        If an option has no such value, or two contradict each other.
    """
    kinds = engines()
    if engine not in ("auto", *kinds):
        raise ValueError(f"engine {engine!r} is none of auto, {', '.join(kinds)}")
    on_cpu = engine == "auto" or "cpu" in kinds[engine].devices
    gpu = gpu_number(device or ("cpu" if on_cpu else "cuda"))
    _check_precision(card, "fp32" if gpu is not None and precision is None else precision)
    if gpu is not None:
        return _choose_gpu(engine, gpu, precision)
    if not on_cpu:
        raise ValueError(f"engine {engine} runs on a GPU; leave --device away or name cuda:N")
    allowed, warning = _allowed(card, precision)
    if engine != "auto":
        reason = absent(engine)
        if reason is not None:
            raise ModelError(reason)
        return Choice(engine, "cpu", allowed[0], warning=warning)
    from galedge.network.speeds import recall

    speeds = [
        speed
        for speed in recall(card)
        if speed.device == "cpu" and speed.precision in allowed and absent(speed.engine) is None
    ]
    if not speeds:
        names = [name for name, kind in kinds.items() if "cpu" in kind.devices]
        first = next((name for name in names if absent(name) is None), names[0])
        return Choice(
            first, "cpu", allowed[0], reason="not measured: see galedge engines", warning=warning
        )
    count = math.inf if images is None else images
    best = min(speeds, key=lambda s: s.image if math.isinf(count) else s.start + count * s.image)
    return Choice(
        best.engine, "cpu", best.precision, reason="measured fastest here", warning=warning
    )


def _check_precision(card: Card, precision: str | None) -> None:
    if precision not in (None, *PRECISIONS):
        raise ValueError(f"precision {precision!r} is none of {', '.join(PRECISIONS)}")
    if precision is not None and precision not in card.networks:
        raise ModelError(
            f"{card.folder}: has no {precision} network, only {', '.join(card.networks)}"
        )


def _allowed(card: Card, precision: str | None) -> tuple[list[str], str | None]:
    """Return the precisions to choose from, the preferred first, and a warning."""
    if precision is not None:
        return [precision], None
    allowed = list(card.networks)
    if "int8" in allowed and card.weight_bits > 7 and saturates_int8():
        if "fp32" not in allowed:
            return allowed, (
                "this CPU has no VNNI and overflows on 8-bit weights: do not trust this int8 "
                "network here, and export it again with its fp32 network"
            )
        allowed.remove("int8")
        return allowed, (
            "using fp32: this CPU has no VNNI and overflows on the 8-bit weights "
            "of this int8 network"
        )
    return allowed, None


def _choose_gpu(engine: str, gpu: int, precision: str | None) -> Choice:
    kinds = {name: kind for name, kind in engines().items() if "cuda" in kind.devices}
    if engine not in ("auto", *kinds):
        raise ValueError(f"engine {engine} runs on the CPU; leave --device away")
    if precision == "int8":
        raise ValueError("GPUs run the fp32 network, in 16 bits unless --precision fp32 is given")
    half = precision is None
    device = f"cuda:{gpu}"
    if engine != "auto":
        return Choice(engine, device, "fp32", half)
    missing = []
    for name, kind in kinds.items():
        reason = absent(name) or kind.gpu_missing()
        if reason is None:
            return Choice(name, device, "fp32", half, "starts soonest of what knows GPUs here")
        missing.append(reason)
    raise ModelError(f"{device}: {'; or '.join(missing)}")

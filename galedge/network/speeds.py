"""How fast the engines are on this machine: measured when asked, then remembered.

Each engine is measured in a process of its own, so that its start counts from
nothing and one that crashes takes nothing with it. What was measured is kept in
the user's cache for as long as the CPU, the versions and the model are the same.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galedge._version import __version__
from galedge.errors import ModelError
from galedge.network.card import Card
from galedge.network.engine import absent, gpu_number, start
from galedge.network.engines import engines
from galedge.support.machine import cache_folder, cpu_name, has_gpu, usable_cpus

__all__ = ["BATCH", "Speed", "keep", "measure", "measure_all", "recall"]

BATCH = 32  # images; beyond it no engine gains on a CPU
SECONDS = 0.2  # of measuring, for each precision of each engine


@dataclass(frozen=True, slots=True)
class Speed:
    """What one engine was measured to need with one network.

    Attributes
    ----------
    engine, device, precision : str
    start : float
        Seconds from an engine that is not yet imported to its first answer.
    image : float
        Seconds an image with every CPU at work, warm, at a batch of `BATCH`.
    """

    engine: str
    device: str
    precision: str
    start: float
    image: float


def measure(
    card: Card, engine: str, device: str = "cpu", workers: int | None = None
) -> list[Speed]:
    """Measure an engine with each network of a bundle, in a process of its own.

    Takes about a second on a CPU.

    Raises
    ------
    ModelError
        If the engine is not installed, refuses or crashes; says why.
    """
    reason = absent(engine)
    if reason is not None:
        raise ModelError(reason)
    here = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    request = json.dumps([str(card.folder.absolute()), engine, device, workers or usable_cpus()])
    process = subprocess.run(
        [sys.executable, "-m", "galedge.network.speeds", request],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
    )
    try:
        answer = json.loads(process.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        last = (process.stderr.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        raise ModelError(f"engine {engine} does not run here ({last})") from None
    if "error" in answer:
        raise ModelError(answer["error"])
    return [Speed(**speed) for speed in answer["speeds"]]


def measure_all(card: Card, devices: Sequence[str] | None = None) -> tuple[list[Speed], list[str]]:
    """Measure every engine that may run here; fastest first, and why the others do not.

    On the CPU and GPU that there are, or on these devices.
    """
    devices = devices or (("cpu", "cuda") if has_gpu() else ("cpu",))
    candidates = [
        (engine, device)
        for device in devices
        for engine, kind in engines().items()
        if device in kind.devices
    ]
    speeds, missing = [], []
    for engine, device in candidates:
        try:
            speeds += measure(card, engine, device)
        except ModelError as error:
            missing.append(str(error))
    return sorted(speeds, key=lambda speed: speed.image), missing


def keep(card: Card, speeds: Sequence[Speed]) -> bool:
    """Remember what was measured, in place of an older measurement; tell whether it worked."""
    file = _file(card)
    if file is None:
        return False
    part = file.with_suffix(f".{os.getpid()}.part")
    text = json.dumps({**_circumstances(card), "speeds": [asdict(s) for s in speeds]}, indent=1)
    try:
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(file)
    except OSError:
        with suppress(OSError):
            part.unlink()
        return False
    return True


def recall(card: Card) -> list[Speed]:
    """Return what was measured under the present circumstances; empty if nothing was."""
    file = _file(card)
    if file is None:
        return []
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        speeds = [Speed(**speed) for speed in found.pop("speeds")]
        usable = found == _circumstances(card) and all(
            s.engine in engines() and s.start >= 0 and s.image > 0 for s in speeds
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return []  # it is only a cache
    return speeds if usable else []


def _file(card: Card) -> Path | None:
    folder = cache_folder("speeds")
    if folder is None:
        return None
    key = json.dumps(_circumstances(card), sort_keys=True).encode()
    return folder / f"{card.name}-{hashlib.sha256(key).hexdigest()[:16]}.json"


def _circumstances(card: Card) -> dict[str, Any]:
    """Return all that a measurement depends on."""
    modules = sorted({module for kind in engines().values() for module in kind.packages})
    return {
        "cpu": cpu_name(),
        "cpus": usable_cpus(),
        "galedge": __version__,
        "versions": {module: _versions(module) for module in modules},
        "networks": {precision: file.sha256 for precision, file in card.networks.items()},
    }


def _versions(module: str) -> list[str]:
    """Return the distributions of a module, by the folders that installers leave beside it.

    ``importlib.metadata`` knows better, and costs more than opening a session.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return []
    beside = Path(spec.origin).parents[1].glob(f"{module}*-info")
    return sorted(folder.stem for folder in beside)


def _measure_here(folder: str, engine: str, device: str, workers: int) -> list[Speed]:
    """Measure an engine in this process, in which it was not used before."""
    card = Card.read(folder)
    begin = time.perf_counter()
    engines()[engine].load()
    imported = time.perf_counter() - begin
    size = card.recipe.size
    pixels = np.random.default_rng(0).integers(0, 256, (BATCH, 3, size, size), np.uint8)
    speeds = []
    for precision, file in card.networks.items():
        if precision == "int8" and gpu_number(device) is not None:
            continue  # see galedge.network.choose
        network, name = card.network(precision), str(card.folder / file.name)
        begin = time.perf_counter()
        running = start(engine, network, name, device=device, half=device != "cpu", workers=workers)
        running.run(pixels[:1])
        first = imported + time.perf_counter() - begin
        image = min(_rounds(running.run, pixels, workers))
        speeds.append(Speed(engine, device, precision, first, image))
    return speeds


def _rounds(run: Any, pixels: np.ndarray[Any, Any], workers: int) -> list[float]:
    """Return seconds an image of several rounds, after one that is not counted."""
    found: list[float] = []
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, [pixels] * workers))
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end or len(found) < 3:
            begin = time.perf_counter()
            list(pool.map(run, [pixels] * workers))
            found.append((time.perf_counter() - begin) / (workers * len(pixels)))
    return found


if __name__ == "__main__":
    try:
        measured = _measure_here(*json.loads(sys.argv[1]))
        print(json.dumps({"speeds": [asdict(speed) for speed in measured]}))
    except ModelError as error:
        print(json.dumps({"error": str(error)}))

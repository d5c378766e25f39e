"""Try what runs on a GPU: its labels beside the CPU's, images a second, and a step of training.

    pip install -e '.[train]' onnxruntime-gpu && python benchmarks/gpu.py -o gpu.json

Fails where an engine's labels are not the CPU's on 99.5 % of the images. `--device cpu` tries the
script itself where there is no GPU.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe

import galedge
from galedge.cli.specimens import galaxy
from galedge.errors import ModelError
from galedge.network.model import Model

LABELS = 0.995
IMAGES, BATCH, STEP = 2048, 1024, 64
SECONDS = 2.0  # that a rate is measured for


def rate(call: Callable[[], object], images: int) -> float:
    """Return images a second, after two calls that warm up."""
    for _ in range(2):
        call()
    calls, begin = 0, time.perf_counter()
    while (taken := time.perf_counter() - begin) < SECONDS:
        call()
        calls += 1
    return round(images * calls / taken, 1)


def engines(device: str) -> Iterator[tuple[str, Model]]:
    """Yield the engines of a device, as they choose and in 32 bits; say why one cannot be had."""
    for engine in ("onnxruntime", "cuda"):
        for precision in (None, "fp32"):
            name = f"{engine} {precision or 'default'}"
            try:
                yield name, Model.load(None, engine=engine, device=device, precision=precision)
            except (ModelError, ValueError) as error:
                print(f"{name}: {error}", file=sys.stderr)


def beside(model: Model, pixels: np.ndarray, expected: np.ndarray) -> dict[str, Any]:
    """Return how a model's answers lie beside the CPU's, and how fast it gives them."""
    parts = [model.predict(pixels[i : i + BATCH]) for i in range(0, len(pixels), BATCH)]
    p = np.concatenate([part.probabilities for part in parts])
    classifier = galedge.Classifier(model)
    arrays = [galaxy(128, i) for i in range(64)] * (BATCH // 64)
    return {
        "labels": float((p.argmax(1) == expected.argmax(1)).mean()),
        "largest_difference": float(abs(p - expected).max()),
        "network_images_per_s": rate(lambda: model.predict(pixels[:BATCH]), BATCH),
        "whole_images_per_s": rate(lambda: list(classifier.stream(arrays)), len(arrays)),
    }


def training(device: str) -> float:
    """Return pictures a second of hubble-2's network, forward, backward and one step of AdamW."""
    import torch
    from torch.nn.functional import cross_entropy

    from training.nets.network import build

    network = build("compact", {"classes": 7}).to(device).train()
    optimizer = torch.optim.AdamW(network.parameters())
    pictures = torch.rand(STEP, 3, 64, 64, device=device)
    classes = torch.arange(STEP, device=device) % 7

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(network(pictures)["classes"], classes).backward()
        optimizer.step()
        if device != "cpu":
            torch.cuda.synchronize()

    return rate(step, STEP)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    import torch

    on_gpu = arguments.device != "cpu"
    gpu = torch.cuda.get_device_name() if on_gpu and torch.cuda.is_available() else None
    if on_gpu and gpu is None:
        sys.exit("PyTorch finds no GPU; see nvidia-smi, and pytorch.org for one built for CUDA")
    cpu = Model.load(None, device="cpu", precision="fp32", engine="onnxruntime")
    pixels = galedge.prepare([galaxy(96, i) for i in range(IMAGES)], cpu.card.recipe).pixels
    expected = np.concatenate(
        [cpu.predict(pixels[i : i + 64]).probabilities for i in range(0, IMAGES, 64)]
    )
    found = {name: beside(m, pixels, expected) for name, m in engines(arguments.device)}
    steps = {device: training(device) for device in dict.fromkeys(("cpu", arguments.device))}
    results = {
        "machine": describe("numpy", "torch", "onnxruntime", "onnxruntime-gpu"),
        "gpu": gpu,
        "images": IMAGES,
        "engines": found,
        "training_pictures_per_s": steps,
    }
    text = json.dumps(results, indent=1)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n")
    wrong = [name for name, each in found.items() if each["labels"] < LABELS]
    if wrong or not found:
        sys.exit(f"labels are not the CPU's: {', '.join(wrong)}" if wrong else "no engine runs")


if __name__ == "__main__":
    main()

"""Pace: what networks take of a processor for a picture, one thread, in turns.

    python -m training.study.pace ENGINE FILE...

The last line begins with ``PACE``: microseconds a picture of each file, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnx

from galedge.network.engine import start

BATCH, ROUNDS, TIMES = 32, 9, 4


def pace(engine: str, files: list[Path]) -> list[float]:
    """Return microseconds a picture of ONNX files, the median of rounds in turns."""
    networks, batches = [], []
    random = np.random.default_rng(0)
    for file in files:
        model = onnx.load(file)
        shape = [axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim]
        batches.append(random.integers(0, 256, (BATCH, *shape[1:]), np.uint8))
        networks.append(start(engine, file.read_bytes(), str(file)))
    found: list[list[float]] = [[] for _ in files]
    for _ in range(ROUNDS):
        for spent, network, batch in zip(found, networks, batches, strict=True):
            network.run(batch)
            begun = time.process_time()
            for _ in range(TIMES):
                network.run(batch)
            spent.append((time.process_time() - begun) / TIMES / BATCH * 1e6)
    return [round(float(np.median(spent)), 1) for spent in found]


if __name__ == "__main__":
    print("PACE", json.dumps(pace(sys.argv[1], [Path(file) for file in sys.argv[2:]])))

"""What one would write without galedge: astropy, OpenCV, ONNX Runtime.

    python plain_python.py FOLDER TABLE.csv

The same network and the same stretch on the whole cutout; no framing, no flags.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from astropy.io import fits
from astropy.stats import sigma_clipped_stats

import galedge

BUNDLE = min(p.parent for p in (Path(galedge.__file__).parent / "models").glob("*/card.json"))
RECIPE = json.loads((BUNDLE / "card.json").read_text())["recipe"]
SIZE, SOFTENING, BATCH = RECIPE["size"], RECIPE["softening"], 64


def tensor(path: Path) -> np.ndarray:
    """Read, subtract the sky, shrink by area, stretch: (3, SIZE, SIZE) uint8."""
    image = fits.getdata(path).astype(np.float32)
    _, sky, noise = sigma_clipped_stats(image)
    small = cv2.resize(image - np.float32(sky), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    knee = SOFTENING * noise * SIZE / max(image.shape)
    scaled = np.arcsinh(small / knee) / np.arcsinh(np.quantile(small, 0.995) / knee)
    return np.repeat((255 * np.clip(scaled, 0, 1)).astype(np.uint8)[None], 3, axis=0)


def main() -> None:
    """Classify every FITS file of a folder into a CSV table."""
    folder, table = Path(sys.argv[1]), sys.argv[2]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    session = onnxruntime.InferenceSession(
        BUNDLE / "model.int8.onnx", options, ["CPUExecutionProvider"]
    )
    paths = sorted(folder.glob("*.fits"))
    with open(table, "w", newline="") as stream:
        writer = csv.writer(stream)
        for start in range(0, len(paths), BATCH):
            chunk = paths[start : start + BATCH]
            logits = session.run(["hubble"], {"pixels": np.stack([tensor(p) for p in chunk])})[0]
            for path, row in zip(chunk, logits, strict=True):
                probability = np.exp(row - row.max())
                writer.writerow([path, *(probability / probability.sum())])


if __name__ == "__main__":
    main()

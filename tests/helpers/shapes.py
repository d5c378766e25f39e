"""Pictures that anybody can tell apart, as a data set of classes that are not Hubble's."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

KINDS = ("round", "disk", "stripes")


def shape(kind: str, seed: int, side: int = 40) -> NDArray[np.uint8]:
    """Draw one of `KINDS` with stars of its own, (H, W, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    angle = random.uniform(0, np.pi)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    if kind == "round":
        light = np.exp(-(x**2 + y**2) / 60)
    elif kind == "disk":
        light = np.exp(-((u / 4) ** 2 + v**2) / 8)
    else:
        light = np.exp(-(x**2 + y**2) / 160) * (0.5 + 0.5 * np.sin(1.4 * u))
    picture = 200 * light[..., None] + random.normal(8, 3, (side, side, 3))
    for a, b in random.uniform(-18, 18, (4, 2)):  # without stars all would look alike
        picture += 70 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 2)[..., None]
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def write_shapes(folder: Path, number: int = 60, **columns: object) -> Path:
    """Write pictures and labels.csv: `file`, `galaxy`, `shape`, and columns of lists."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "labels.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "galaxy", "shape", *columns])
        for i in range(number):
            kind = KINDS[i % len(KINDS)]
            Image.fromarray(shape(kind, i)).save(folder / f"{i}.png")
            more = [values[i] for values in columns.values()]  # type: ignore[index]
            writer.writerow([f"{i}.png", f"G{i}", kind, *more])
    return folder

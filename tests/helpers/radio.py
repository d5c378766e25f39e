"""Radio sources that are made: files of the form of the PyPI package `firstgalaxydata`."""

import io
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIDE = 300


def source(kind: int, seed: int) -> NDArray[np.uint8]:
    """Draw one of four kinds, (300, 300): a core with jets, two lobes, a point, or a bow."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    angle, reach = random.uniform(0, 2 * np.pi), random.uniform(9, 14)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    light = np.exp(-(x**2 + y**2) / 8)
    if kind == 0:
        light = light + 0.5 * np.exp(-((u / reach) ** 2) - v**2 / 6)
    elif kind == 1:
        light = 0.1 * light + np.exp(-((abs(u) - reach) ** 2 + v**2) / 8)
    elif kind == 3:
        light = light + 0.5 * np.exp(-((v - u**2 / 15) ** 2) / 8 - (u / reach) ** 2)
    return np.asarray(255 * light / light.max(), np.uint8)


def write_first(path: Path, entries: list[dict[str, object]]) -> Path:
    """Write a wheel (or, by its name, the file within or its zip) of entries.

    Each has `kind`, `split`, `ra`, `dec`, and `picture` if it is not to be drawn.
    """
    import h5py

    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        for i, entry in enumerate(entries):
            group = file.create_group(f"data_{i}")
            picture = entry.get("picture")
            group["Img"] = source(int(str(entry["kind"])), i) if picture is None else picture
            told = {"RA": entry["ra"], "DEC": entry["dec"], "Source": "Gendre"}
            group["Img"].attrs.update(told)
            group["Label_literature"] = float(str(entry["kind"]))
            group["Split_literature"] = entry["split"]
    content = held.getvalue()
    if path.suffix in (".zip", ".whl"):
        content = _zipped("galaxy_data_h5.h5", content)
    if path.suffix == ".whl":
        content = _zipped("firstgalaxydata/galaxy_data_h5.zip", content)
    path.write_bytes(content)
    return path


def _zipped(name: str, content: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return held.getvalue()


def sky(number: int, split: str) -> list[dict[str, object]]:
    """Return entries of all kinds in turn, a degree apart, in a declination of the split's own."""
    dec = {"train": 0.0, "valid": 20.0, "test": 40.0}[split]
    return [{"kind": i % 4, "split": split, "ra": 1.0 + i, "dec": dec} for i in range(number)]

"""Radio: the FIRST survey's radio galaxies, as the PyPI package `firstgalaxydata` holds them.

Becker, White & Helfand 1995 (ApJ 450, 559) for the pictures; MiraBest, Gendre, Capetti, Baldi and
Proctor for the classes. The pictures may be used for scholarly, educational and private
non-commercial ends only. A picture is flux: cut off at the noise, and scaled to bytes.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from training.data.duplicates import sky_pairs
from training.data.labelled import DataSet, Row
from training.data.splits import SIDES

__all__ = ["first", "is_first"]

CLASSES = ("FRI", "FRII", "compact", "bent")  # by their codes, 0 to 3
SPLIT = {"train": "train", "valid": "val", "test": "test"}
REACH = 270.0  # arcsec: half a picture's side; a galaxy so near is in the other's picture
INSIDE = "galaxy_data_h5"


def is_first(path: Path) -> bool:
    """Return whether a file is the package's wheel, or the HDF5 file in it, zipped or not."""
    name = path.name.lower()
    wheel = name.startswith("firstgalaxydata-") and name.endswith(".whl")
    return wheel or name in (f"{INSIDE}.zip", f"{INSIDE}.h5")


def first(path: Path) -> DataSet:
    """Read FIRST's radio galaxies: four classes, their positions, and the official split.

    Left out is a picture without light, and what train or val hold of a galaxy whose picture
    shows one that is held out further: 9' of sky often hold two.

    Raises
    ------
    ValueError
        If the file does not hold what the package's version 0.2.1 does.
    """
    try:
        import h5py
    except ImportError:
        raise ValueError(
            f"{path}: reading HDF5 needs h5py, which is not installed; pip install 'galedge[train]'"
        ) from None
    rows: list[Row] = []
    pixels: list[np.ndarray] = []
    dark = 0
    with h5py.File(_opened(path), "r") as file:
        for name in sorted(file, key=lambda key: (len(key), key)):
            try:
                row, picture = _entry(file[name])
            except (KeyError, IndexError) as error:
                raise ValueError(
                    f"{path}: {name} is no picture of firstgalaxydata 0.2.1: {error}"
                ) from error
            if picture.any():
                rows.append({"file": name, **row})
                pixels.append(picture)
            dark += not picture.any()
    kept = [i for i, near in enumerate(_shown(rows)) if not near]
    print(f"FIRST: {dark} without light and {len(rows) - len(kept)} that show a galaxy held out")
    data = DataSet("first", rows, lambda i: np.stack([pixels[i]] * 3), CLASSES, flux=True)
    return data.take(kept)


def _opened(path: Path) -> IO[bytes]:
    """Return the HDF5 file, however deep it lies in zips."""
    file: IO[bytes] = open(path, "rb")  # noqa: SIM115
    while zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            inner = [
                name
                for name in archive.namelist()
                if name.rpartition("/")[2] in (f"{INSIDE}.zip", f"{INSIDE}.h5")
            ]
            if not inner:
                raise ValueError(f"{path}: holds no {INSIDE}.zip or {INSIDE}.h5")
            file = io.BytesIO(archive.read(inner[0]))
    return file


def _entry(group: Any) -> tuple[Row, np.ndarray]:
    """Return the row and the picture (H, W) of one entry."""
    image = group["Img"]
    told = image.attrs
    place = {"ra": f"{told['RA']:.3f}", "dec": f"{told['DEC']:.3f}"}
    row = {
        "source": "first",
        "galaxy": "{ra}{dec}".format(**place),
        "class": CLASSES[int(group["Label_literature"][()])],
        "catalogue": str(told["Source"]),
        "split": SPLIT[group["Split_literature"][()].decode()],
        **place,
    }
    return row, np.asarray(image[()], np.uint8)


def _shown(rows: list[Row]) -> list[bool]:
    """Return of which rows the picture shows a galaxy of a split that is held out further."""
    ra, dec = (np.array([float(row[name]) for row in rows]) for name in ("ra", "dec"))
    side = [SIDES.index(row["split"]) for row in rows]
    shown = [False] * len(rows)
    for i, j in sky_pairs(ra, dec, REACH).tolist():
        if side[i] != side[j]:
            shown[i if side[i] < side[j] else j] = True
    return shown

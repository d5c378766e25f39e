"""Labelled pictures: the one form of a data set, and folders and zips as it."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from training.data.votes import told as votes
from training.words.derive import in_order
from training.words.hubble import MIDDLE_T

__all__ = [
    "DataSet",
    "Row",
    "class_folders",
    "from_files",
    "from_zip",
    "table",
    "zipped",
]

Row = dict[str, str]

PICTURES = (".jpg", ".jpeg", ".png")
FITS = (".fits", ".fit", ".fits.gz", ".fits.fz")
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class DataSet:
    """Labelled pictures.

    Attributes
    ----------
    name : str
    rows : list of dict
        One a picture; `training.data.readers` says what they hold.
    picture : callable
        Row number to pixels (3, H, W) or (H, W), uint8 where they are
        stretched, else linear flux. Raises OSError or ValueError for what
        cannot be read.
    classes : tuple of str
        Names of the set's own classes in order; empty where T decides.
    flux : bool
        Whether bytes are flux, which no one has stretched, and not a display's.
    """

    name: str
    rows: list[Row]
    picture: Callable[[int], np.ndarray]
    classes: tuple[str, ...] = ()
    flux: bool = False

    def take(self, chosen: Iterable[int]) -> DataSet:
        """Return some of the rows."""
        kept = list(chosen)
        rows = [self.rows[i] for i in kept]
        return replace(self, rows=rows, picture=lambda i: self.picture(kept[i]))


def _decode(file: Any) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB")).transpose(2, 0, 1)


def from_files(folder: Path, rows: list[Row]) -> Callable[[int], np.ndarray]:
    """Return the reader of rows whose `file` lies in a folder; bands are joined by a bar."""

    def picture(i: int) -> np.ndarray:
        bands = [folder / name for name in rows[i]["file"].split("|")]
        if not bands[0].name.lower().endswith(FITS):
            return _decode(bands[0])
        from galedge.images.image import read as open_image

        planes = [open_image(band).data for band in bands]
        return planes[0] if len(planes) == 1 else np.stack(planes)

    return picture


def from_zip(path: Path, rows: list[Row]) -> Callable[[int], np.ndarray]:
    """Return the reader of rows whose `file` lies in a zip."""
    archive = zipfile.ZipFile(path)
    inside = {name.rpartition("/")[2]: name for name in archive.namelist()}

    def picture(i: int) -> np.ndarray:
        file = rows[i]["file"]
        return _decode(io.BytesIO(archive.read(inside.get(file, file))))

    return picture


def zipped(path: Path) -> DataSet:
    """Read a zip of pictures without labels."""
    rows = []
    with zipfile.ZipFile(path) as archive:
        for file in sorted(n for n in archive.namelist() if n.lower().endswith(PICTURES)):
            row = {"file": file, "source": path.stem, "galaxy": Path(file).stem}
            if place := re.fullmatch(r"(\d+\.\d+)_([+-]?\d+\.\d+)", Path(file).stem):
                row["ra"], row["dec"] = place.groups()
            rows.append(row)
    return DataSet(path.stem, rows, from_zip(path, rows))


def table(folder: Path) -> DataSet:
    """Read a folder with labels.csv, and the pictures beside it or in a zip there."""
    with open(folder / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = rows[0] if rows else {}
    if "file" not in columns:
        raise ValueError(f"{folder / 'labels.csv'}: there is no column `file`, or no row")
    for row in rows:
        row["source"] = row.get("source") or folder.name
        row["galaxy"] = row.get("galaxy") or row["file"]
    zips = sorted(folder.glob("*.zip"))
    loose = bool(rows) and (folder / rows[0]["file"].split("|")[0]).exists()
    picture = from_files(folder, rows) if loose or not zips else from_zip(zips[0], rows)
    if "Class1.1" in columns or "clean5" in columns:
        for row in rows:
            row.update(votes(row))
        return DataSet(folder.name, rows, picture)
    if "t_type" in columns:
        return DataSet(folder.name, rows, picture)
    column = next((name for name in ("class", "name") if name in columns), None)
    if column is None:
        return DataSet(folder.name, rows, picture)
    for row in rows:
        row["class"] = row[column]
    return DataSet(folder.name, rows, picture, in_order([row["class"] for row in rows], rows))


def class_folders(folder: Path) -> DataSet | None:
    """Read pictures in folders named after classes, perhaps below train, val and test."""
    rows = []
    for path in sorted(folder.rglob("*")):
        *above, _ = parts = path.relative_to(folder).parts
        if not above or not path.name.lower().endswith(PICTURES + FITS):
            continue
        kind = above.pop()
        if above and (above[0] not in SPLITS or len(above) > 1):
            continue
        where = "/".join(parts)
        row = {"file": where, "source": folder.name, "galaxy": where, "class": kind}
        if above:
            row["split"] = above[0]
        rows.append(row)
    names = {row["class"] for row in rows}
    if not rows:
        return None
    picture = from_files(folder, rows)
    if not names <= MIDDLE_T.keys():
        return DataSet(folder.name, rows, picture, tuple(sorted(names)))
    for row in rows:
        row["t_lo"], row["t_type"], row["t_hi"] = map(str, MIDDLE_T[row["class"]])
    return DataSet(folder.name, rows, picture)

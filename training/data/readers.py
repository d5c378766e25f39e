"""Readers: the forms in which people hold labelled galaxies, all as the same rows.

====================================== ====================================================
a folder with `labels.csv`             its own columns; `t_type`, or a class in `class` or `name`
folders named after classes            Hubble's (E .. Irr) get the middle T of their class
a zip of pictures                      no labels; `<ra>_<dec>.jpg` names give positions
Galaxy10 SDSS, Galaxy10 DECaLS (.h5)   ten classes of their own
GalaxyMNIST (.hdf5, or .hdf5.gz)       four classes of its own, and its test split
Galaxy Zoo 2 (`gz2_hart16.csv`)        fifteen classes of its own, and features from votes
Galaxy Zoo 2's challenge (`Class1.1`)  labels, as shares of the volunteers who were asked
stars and galaxies (`cutouts_gri_48px`) what each source is, in linear bands and as pictures
FIRST (the wheel `firstgalaxydata`)    radio galaxies: four classes, and its own split
EFIGI (`EFIGI_attributes.txt`)         T with its limits, and sixteen attributes
====================================== ====================================================

A row has `file`, `source` and `galaxy`; where known `t_type`, `t_lo`, `t_hi` or
`class`, `ra` and `dec` (degrees), `split`, and what else the source tells.
Volunteers' classes are not stages of the Hubble sequence (Galaxy Zoo's "Sb" is
a spiral with an obvious bulge), so none is turned into a T: such a set keeps
classes of its own. training/README.md tabulates what becomes of every column.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from training.data.labelled import DataSet, Row, class_folders, from_files, from_zip, table, zipped
from training.data.radio import first, is_first
from training.data.surveys import efigi, galaxy_zoo2, hdf5, star_galaxy

__all__ = ["DataSet", "pictures", "read"]


def read(source: Path) -> DataSet:
    """Recognise a data set by what it holds and read its rows.

    Raises
    ------
    ValueError
        If it has none of the known forms; says which were looked for.
    """
    source = Path(source)
    name = source.name.lower()
    if not source.exists():
        raise ValueError(f"{source}: no such file or folder")
    if is_first(source):
        return first(source)
    if name.endswith(".zip"):
        return zipped(source)
    if name.endswith((".h5", ".hdf5", ".hdf5.gz")):
        return hdf5([source])
    if source.is_dir():
        if (source / "labels.csv").exists():
            return table(source)
        if (source / "EFIGI_attributes.txt").exists():
            return efigi(source)
        if (source / "cutouts_gri_48px.npz").exists():
            return star_galaxy(source)
        if votes := sorted(source.glob("gz2_hart16.csv*")):
            return galaxy_zoo2(source, votes[0])
        if files := sorted(source.glob("*_dataset.hdf5*")):
            return hdf5(files)
        if classed := class_folders(source):
            return classed
    raise ValueError(
        f"{source}: not a data set; give a zip, a Galaxy10 or GalaxyMNIST HDF5 file, the wheel of "
        "firstgalaxydata, or a folder with labels.csv, EFIGI_attributes.txt, gz2_hart16.csv, "
        "*_dataset.hdf5 or class folders"
    )


def pictures(source: Path, rows: list[Row]) -> Iterator[np.ndarray]:
    """Yield the pictures of rows whose `file` lies in a folder or a zip."""
    picture = from_zip(source, rows) if source.suffix == ".zip" else from_files(source, rows)
    return (picture(i) for i in range(len(rows)))

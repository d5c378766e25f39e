"""Surveys: the public files of labelled galaxies that people hold."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from training.data.labelled import DataSet, Row, from_files, from_zip

__all__ = ["efigi", "galaxy_zoo2", "hdf5", "star_galaxy"]

GALAXY10_SDSS = (
    "Disk, Face-on, No Spiral",
    "Smooth, Completely round",
    "Smooth, in-between round",
    "Smooth, Cigar shaped",
    "Disk, Edge-on, Rounded Bulge",
    "Disk, Edge-on, Boxy Bulge",
    "Disk, Edge-on, No Bulge",
    "Disk, Face-on, Tight Spiral",
    "Disk, Face-on, Medium Spiral",
    "Disk, Face-on, Loose Spiral",
)
GALAXY10_DECALS = (
    "Disturbed",
    "Merging",
    "Round Smooth",
    "In-between Round Smooth",
    "Cigar Shaped Smooth",
    "Barred Spiral",
    "Unbarred Tight Spiral",
    "Unbarred Loose Spiral",
    "Edge-on without Bulge",
    "Edge-on with Bulge",
)
GALAXY_MNIST = ("smooth_round", "smooth_cigar", "edge_on_disk", "unbarred_spiral")


def hdf5(paths: list[Path]) -> DataSet:
    """Read Galaxy10 (SDSS or DECaLS: `images`, `ans`) or GalaxyMNIST (`images`, `labels`)."""
    try:
        import h5py
    except ImportError:
        raise ValueError(
            f"{paths[0]}: reading HDF5 needs h5py, which is not installed; "
            "pip install 'galedge[train]'"
        ) from None
    rows: list[Row] = []
    places: list[tuple[Any, int]] = []
    for path in paths:
        packed = path.suffix == ".gz"
        file = h5py.File(io.BytesIO(gzip.decompress(path.read_bytes())) if packed else path, "r")
        labels = next((file[key][:] for key in ("ans", "labels") if key in file), None)
        if labels is None or "images" not in file or file["images"].shape[3:] != (3,):
            raise ValueError(
                f"{path}: neither Galaxy10 (`images` (N, H, W, 3) and `ans`) nor GalaxyMNIST "
                f"(`images` and `labels`); it holds {', '.join(file)}"
            )
        if "labels" in file:
            name, classes = "galaxy_mnist", GALAXY_MNIST
        elif "ra" in file:
            name, classes = "galaxy10_decals", GALAXY10_DECALS
        else:
            name, classes = "galaxy10_sdss", GALAXY10_SDSS
        known = {key: file[key][:] for key in ("ra", "dec", "redshift", "pxscale") if key in file}
        for i, label in enumerate(labels):
            key = f"{path.name}#{i}"
            row = {"file": key, "source": name, "galaxy": key, "class": classes[int(label)]}
            if path.name.startswith("test"):
                row["split"] = "test"
            rows.append(row | {column: str(values[i]) for column, values in known.items()})
            places.append((file["images"], i))

    def picture(i: int) -> np.ndarray:
        images, at = places[i]
        return np.asarray(images[at]).transpose(2, 0, 1)

    return DataSet(name, rows, picture, classes)


# --- Galaxy Zoo 2 ----------------------------------------------------------------------------

GALAXY_ZOO2 = (
    *("Er", "Ei", "Ec"),  # smooth: round, in between, cigar-shaped
    *("Ser", "Seb", "Sen"),  # disk, edge-on: round bulge, boxy bulge, none
    *("Sa", "Sb", "Sc", "Sd"),  # disk: dominant bulge, obvious, just noticeable, none
    *("SBa", "SBb", "SBc", "SBd"),  # the same with a bar
    "A",  # star or artefact
)
# Features that training learns: the answer whose debiased share tells, and its question.
VOTES = {
    "bar": ("t03_bar_a06_bar", "t03_bar_"),
    "arms": ("t04_spiral_a08_spiral", "t04_spiral_"),
    "edge_on": ("t02_edgeon_a04_yes", "t02_edgeon_"),
}
LEAST_VOTES = 10  # answers to a question below which its shares say nothing


def galaxy_zoo2(folder: Path, table: Path) -> DataSet:
    """Read Galaxy Zoo 2 (Hart et al. 2016): the galaxies of its table that have a JPEG."""
    mapping = next(iter(sorted(folder.glob("gz2_filename_mapping.csv*"))), None)
    if mapping is None:
        raise ValueError(
            f"{folder}: gz2_filename_mapping.csv, which names the pictures, is missing; "
            "it lies beside images_gz2.zip in Zenodo's record 3565489"
        )
    asset = {row["objid"]: row["asset_id"] for row in _csv(mapping)}
    below = (folder / name for name in ("images", "images_gz2/images", "images_gz2"))
    images = next((path for path in below if path.is_dir()), folder)
    held = {path.name for path in images.iterdir()}
    rows = []
    for row in _csv(table):
        file = f"{asset.get(row['dr7objid'])}.jpg"
        if file not in held:
            continue
        kind = re.match(r"E[ric]|Se[rbn]|SB?[abcd]|A", row.get("gz2_class") or row["gz2class"])
        new = {
            "file": str((images / file).relative_to(folder)),
            "source": "gz2",
            "galaxy": f"SDSS{row['dr7objid']}",
            "class": kind[0] if kind else "",
            "ra": row["ra"],
            "dec": row["dec"],
        }
        for name, (answer, question) in VOTES.items():
            columns = (c for c in row if c.startswith(question) and c.endswith("_count"))
            if sum(float(row[column] or 0) for column in columns) >= LEAST_VOTES:
                new[name] = row[f"{answer}_debiased"]
        rows.append(new)
    return DataSet("gz2", rows, from_files(folder, rows), GALAXY_ZOO2)


def _csv(path: Path) -> Iterator[Row]:
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as file:
        yield from csv.DictReader(file)


# --- EFIGI -----------------------------------------------------------------------------------

# In the table's order; each with its lower and upper limit.
EFIGI = (
    "t",
    "bulge_to_total",
    "arm_strength",
    "arm_curvature",
    "arm_rotation",
    "bar_length",
    "inner_ring",
    "outer_ring",
    "pseudo_ring",
    "perturbation",
    "visible_dust",
    "dust_dispersion",
    "flocculence",
    "hot_spots",
    "inclination",
    "contamination",
    "multiplicity",
)


def efigi(folder: Path) -> DataSet:
    """Read EFIGI: its attributes, coordinates where they are, and PNG or FITS images.

    An attribute whose limits span everything was not decided, and becomes -1.
    """
    table = folder / "EFIGI_attributes.txt"
    names = ["galaxy", *(f"{name}{end}" for name in EFIGI for end in ("", "_inf", "_sup"))]
    places = {}
    if (where := folder / "EFIGI_coord_redshift.txt").exists():
        header, *lines = (line.lstrip("#").split() for line in where.read_text().splitlines())
        places = {words[0]: dict(zip(header, words, strict=False)) for words in lines if words}
    rows = []
    for number, line in enumerate(table.read_text().splitlines(), 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if len(words) != len(names):
            raise ValueError(
                f"{table}, line {number}: {len(words)} columns, not EFIGI 1.6's {len(names)}"
            )
        told = dict(zip(names, words, strict=True))
        file = _efigi_file(folder, told["galaxy"])
        if file is None:
            continue
        row = {"file": file, "source": "efigi", "galaxy": told["galaxy"]}
        row |= {"t_type": told["t"], "t_lo": told["t_inf"], "t_hi": told["t_sup"]}
        for name in EFIGI[1:]:
            width = float(told[f"{name}_sup"]) - float(told[f"{name}_inf"])
            row[name] = "-1" if float(told[name]) < 0 or width >= 1 else told[name]
        if place := places.get(told["galaxy"]):
            row["ra"] = place.get("RA") or place["RAdeg"]
            row["dec"] = place.get("DEC") or place["DEdeg"]
        rows.append(row)
    return DataSet("efigi", rows, from_files(folder, rows))


def _efigi_file(folder: Path, galaxy: str) -> str | None:
    """Return a galaxy's PNG, or its FITS images in i, r and g joined by a bar."""
    for name in (f"png/{galaxy}.png", f"{galaxy}.png"):
        if (folder / name).exists():
            return name
    for form in ("ima_{band}/{galaxy}_{band}.fits", "{galaxy}_{band}.fits"):
        bands = [form.format(band=band, galaxy=galaxy) for band in "irg"]
        if all((folder / band).exists() for band in bands):
            return "|".join(bands)
    return None


# --- stars and galaxies --------------------------------------------------------------------

FAINTEST = 20.8  # r magnitude beyond which SDSS takes some galaxies for stars


def star_galaxy(folder: Path) -> DataSet:
    """Read `stargalaxy`: linear cutouts with SDSS's own labels, and a zip of stretched ones."""
    rows: list[Row] = []
    linear: list[np.ndarray] = []
    with np.load(folder / "cutouts_gri_48px.npz") as file:
        found = {name: file[name] for name in ("images", "labels", "mag_r", "ra", "dec")}
    for i, image in enumerate(found["images"]):
        if found["mag_r"][i] > FAINTEST:
            continue
        row = {"file": f"cutout{i}", "source": "sdss_cutouts", "galaxy": f"cutout{i}"}
        row |= {"kind": "galaxy" if found["labels"][i] else "star"}
        rows.append(row | {key: str(found[key][i]) for key in ("ra", "dec")})
        linear.append(image[::-1])  # the file has g, r, i
    path = folder / "ground_64px.zip"
    with zipfile.ZipFile(path) as archive, archive.open("labels.csv") as table:
        for one in csv.DictReader(io.TextIOWrapper(table)):
            row = {"file": one["file"], "source": "ground", "kind": one["label"]}
            rows.append(row | {"galaxy": one["field"]})  # fields are split, not their sources
    stretched = from_zip(path, rows)
    few = len(linear)
    return DataSet(folder.name, rows, lambda i: linear[i] if i < few else stretched(i))

"""Source lists: which column is what, and the places that a frame gives them."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from galedge.errors import ReadError
from galedge.frames.units import degrees_of
from galedge.tables.readtable import Column, Table, is_missing, read_table
from galedge.tables.rows import Cell

__all__ = ["PLACE_NAMES", "ROLES", "Catalogue", "Sources", "read_catalogue"]

Floats = NDArray[np.float64]

ROLES = ("x", "y", "ra", "dec", "id", "size", "radius")
"""What a column may be for galedge."""

# Names that need no --columns, in this order and in any case: what people write, then
# photutils' names, VizieR's and SExtractor's.
_PIXELS = [
    "",
    "_pixel",
    "centroid",
    "_centroid",
    "center",
    "_center",
    "_fit",
    "_image",
    "win_image",
]
_USUAL = {
    "x": [f"x{end}" for end in _PIXELS],
    "y": [f"y{end}" for end in _PIXELS],
    "ra": ["ra", "ra_deg", "_raj2000", "raj2000", "ra_icrs", "alpha_j2000", "alphawin_j2000"],
    "dec": ["dec", "dec_deg", "_dej2000", "dej2000", "decj2000", "de_icrs", "delta_j2000"],
    "id": ["object", "id", "name", "source_id", "objid", "designation", "number", "label"],
}
_USUAL["ra"].append("sky_centroid.ra")
_USUAL["dec"] += ["deltawin_j2000", "sky_centroid.dec"]

PLACE_NAMES = frozenset(name for role in ("x", "y", "ra", "dec") for name in _USUAL[role])
"""What columns of places are called, in lower case, where nobody says."""

# SExtractor's own pixels count from 1, whatever anybody says.
_FROM_ONE = re.compile(r"[xy]\w*_image(_dbl)?", re.IGNORECASE)

#: What is no right ascension, even with a turn too many: -999 and the like are no places.
_TURNS = 720.0

#: A cutout is so many radii wide: the galaxy fills half of it, the sky the rest.
RADII = 4


@dataclass(frozen=True, slots=True)
class Sources:
    """Places in a frame.

    Attributes
    ----------
    x, y : ndarray of float64, shape (N,)
        Zero-based pixels; NaN where the place is unknown.
    side : ndarray of float64, shape (N,)
        Side of the cutout in pixels; NaN where it is galedge's to choose.
    fixed : ndarray of bool, shape (N,)
        Whether the side is the user's word, and not a first guess.
    names : list of str or None
        What the sources are called.
    """

    x: Floats
    y: Floats
    side: Floats
    fixed: NDArray[np.bool_]
    names: list[str | None]

    def __len__(self) -> int:
        return len(self.x)

    def only(self, indices: list[int]) -> Sources:
        """Return some of them."""
        names = [self.names[i] for i in indices]
        x, y, side = self.x[indices], self.y[indices], self.side[indices]
        return Sources(x, y, side, self.fixed[indices], names)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A source list, not yet laid on a frame.

    Attributes
    ----------
    path : str
        The file.
    first, second : ndarray of float64, shape (N,)
        Right ascension and declination in degrees (ICRS), or x and y in
        zero-based pixels; NaN where the list has none.
    on_sky : bool
        Which of the two.
    side : ndarray of float64, shape (N,)
        Side of the cutout in pixels, or in degrees with `side_on_sky`; NaN where
        the list does not tell.
    side_on_sky : bool
        Whether the sides are angles.
    names : list of str or None
        What the sources are called.
    columns : dict of str to list of cells
        The list's own columns.
    """

    path: str
    first: Floats
    second: Floats
    on_sky: bool
    side: Floats
    side_on_sky: bool
    names: list[str | None]
    columns: dict[str, list[Cell]] = field(repr=False)

    def __len__(self) -> int:
        return len(self.first)

    def only(self, indices: list[int]) -> Catalogue:
        """Return some of the sources."""
        names = [self.names[i] for i in indices]
        columns = {name: [cells[i] for i in indices] for name, cells in self.columns.items()}
        first, second, side = self.first[indices], self.second[indices], self.side[indices]
        return replace(self, first=first, second=second, side=side, names=names, columns=columns)


def read_catalogue(
    path: str | os.PathLike[str],
    columns: Mapping[str, str] | None = None,
    *,
    one_based: bool = False,
) -> Catalogue:
    """Read a source list.

    Parameters
    ----------
    path : str or path
        A table, see `galedge.tables.readtable.read_table`.
    columns : mapping of str to str, optional
        Which column is what: one of `ROLES` to its name. What is not named is
        looked for under its usual names; of places on the sky and in pixels,
        those on the sky are taken. ``size`` is the side of the cutout, ``radius``
        that of the galaxy, a quarter of it, both in pixels if the column has no
        angle as its unit.
    one_based : bool
        Whether pixels count as in FITS, the first one's centre being (1, 1), as those
        of SExtractor's columns (``X_IMAGE`` and the like) do in any case.

    Returns
    -------
    Catalogue
        A cell that is no number leaves its source without a place.

    Raises
    ------
    ReadError
        If the list cannot be read, has no such columns, or one of them is in a unit
        that is neither an angle nor pixels, or holds no number at all.
    """
    columns = dict(columns or {})
    table = read_table(path, list(columns.values()))
    roles = _roles(table, columns)
    on_sky = {"ra", "dec"} <= set(roles)
    if on_sky:
        first, second = (_numbers(table, roles[role], ("angles",))[0] for role in ("ra", "dec"))
        nowhere = ~((np.abs(first) <= _TURNS) & (np.abs(second) <= 90))
        first[nowhere] = second[nowhere] = np.nan
    else:
        first, second = (
            _numbers(table, roles[role], ("pixels",))[0]
            - (one_based or _FROM_ONE.fullmatch(roles[role]) is not None)
            for role in ("x", "y")
        )
    side, side_on_sky = np.full(len(first), np.nan), False
    if role := next((role for role in ("size", "radius") if role in roles), None):
        side, side_on_sky = _numbers(table, roles[role], ("angles", "pixels"))
        side = np.where(side > 0, side * (RADII if role == "radius" else 1), np.nan)
    cells = {name: column.cells for name, column in table.columns.items()}
    names: list[str | None] = [None] * len(first)
    if "id" in roles:
        column = table.columns[roles["id"]]
        names = column.texts or [None if cell is None else str(cell) for cell in column.cells]
        cells[roles["id"]] = list(names)
    return Catalogue(table.path, first, second, on_sky, side, side_on_sky, names, cells)


def _roles(table: Table, columns: Mapping[str, str]) -> dict[str, str]:
    """Return the column of each role."""
    by_lower: dict[str, str] = {}
    for name in table.columns:
        by_lower.setdefault(name.lower(), name)
    by_lower |= {name: name for name in table.columns if name == name.lower()}  # the exact one
    roles = {}
    for role, name in columns.items():
        found = name if name in table.columns else by_lower.get(name.lower())
        if found is None:
            raise ReadError(f"{table.path}: has no column {name!r}; it has {_listing(table)}")
        roles[role] = found
    pair = next((pair for pair in (("ra", "dec"), ("x", "y")) if set(pair) & set(roles)), None)
    for role, usual in _USUAL.items():
        if role in roles or (pair is not None and role not in (*pair, "id")):
            continue
        found = next((by_lower[name] for name in usual if name in by_lower), None)
        # photutils numbers its sources by a label; elsewhere that is a class.
        if found is None or (
            found.lower() == "label" and not _are_whole(table.columns[found].cells)
        ):
            continue
        roles[role] = found
    if {"ra", "dec"} <= set(roles) or {"x", "y"} <= set(roles):
        return roles
    raise ReadError(
        f"{table.path}: has neither columns ra, dec nor x, y; name them by "
        f"--columns ra=NAME,dec=NAME or x=NAME,y=NAME, of {_listing(table)}"
    )


def _are_whole(cells: Sequence[Cell]) -> bool:
    return all(isinstance(cell, int) for cell in cells)


def _listing(table: Table) -> str:
    names = list(table.columns)
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _numbers(table: Table, name: str, takes: Sequence[str]) -> tuple[Floats, bool]:
    """Return a column as numbers, and whether these are degrees by its unit.

    A column that holds no number is the wrong one; a cell that holds none is a source's.
    """
    column: Column = table.columns[name]
    try:
        degrees = degrees_of(column.unit, takes)
    except ValueError as error:
        raise ReadError(
            f"{table.path}: column {name!r} cannot be taken, its unit {error}; convert it, or "
            "name another by --columns"
        ) from None
    values = np.full(len(column.cells), np.nan)
    wrong: Cell = None
    for i, cell in enumerate(column.cells):
        try:
            values[i] = math.nan if cell is None else _number(cell)
        except ValueError:
            wrong = cell if wrong is None and not is_missing(str(cell)) else wrong
    values[~np.isfinite(values)] = np.nan
    if wrong is not None and np.isnan(values).all():
        wanted = "a number" if "pixels" in takes else "degrees, as a number"
        raise ReadError(f"{table.path}: column {name!r} must hold {wanted}: {wrong!r} is none")
    return (values, False) if degrees is None else (values * degrees, True)


def _number(cell: str | int | float) -> float:
    if isinstance(cell, str) and "_" in cell:
        raise ValueError(cell)  # a name, though Python reads 12_34 as a number
    return float(cell)

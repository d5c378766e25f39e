"""Source lists: which column is what, and the places that a frame gives them."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from galedge.errors import ReadError
from galedge.tables.readtable import Column, Table, read_table
from galedge.tables.rows import Cell

__all__ = ["ROLES", "Catalogue", "Sources", "read_catalogue"]

Floats = NDArray[np.float64]

ROLES = ("x", "y", "ra", "dec", "id", "size", "radius")
"""What a column may be for galedge."""

# Names that need no --columns, in this order and in any case.
_USUAL = {
    "x": ("x", "x_pixel", "xcentroid"),
    "y": ("y", "y_pixel", "ycentroid"),
    "ra": ("ra", "ra_deg", "raj2000", "ra_icrs", "alpha_j2000"),
    "dec": ("dec", "dec_deg", "dej2000", "decj2000", "de_icrs", "delta_j2000"),
    "id": ("object", "id", "name", "source_id", "objid", "designation", "number"),
}

_DEGREES = {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "rad": math.degrees(1), "hourangle": 15.0}
_ANGLES = {**_DEGREES, "arcmin": 1 / 60, "arcsec": 1 / 3600, "mas": 1 / 3.6e6}

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
        Whether pixels count as in FITS, the first one's centre being (1, 1).

    Raises
    ------
    ReadError
        If the list cannot be read or has no such columns.
    """
    columns = dict(columns or {})
    table = read_table(path, list(columns.values()))
    roles = _roles(table, columns)
    on_sky = {"ra", "dec"} <= set(roles)
    first, second = (
        _numbers(table, roles[role], _DEGREES if on_sky else {})[0]
        for role in (("ra", "dec") if on_sky else ("x", "y"))
    )
    if not on_sky and one_based:
        first, second = first - 1, second - 1
    side, side_on_sky = np.full(len(first), np.nan), False
    if role := next((role for role in ("size", "radius") if role in roles), None):
        side, side_on_sky = _numbers(table, roles[role], _ANGLES)
        side = np.where(side > 0, side * (RADII if role == "radius" else 1), np.nan)
    cells = {name: column.cells for name, column in table.columns.items()}
    names = _names(cells[roles["id"]] if "id" in roles else [None] * len(first))
    return Catalogue(table.path, first, second, on_sky, side, side_on_sky, names, cells)


def _roles(table: Table, columns: Mapping[str, str]) -> dict[str, str]:
    """Return the column of each role."""
    by_lower: dict[str, str] = {}
    for name in table.columns:
        by_lower.setdefault(name.lower(), name)
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
        if found := next((by_lower[name] for name in usual if name in by_lower), None):
            roles[role] = found
    if {"ra", "dec"} <= set(roles) or {"x", "y"} <= set(roles):
        return roles
    raise ReadError(
        f"{table.path}: has neither columns ra, dec nor x, y; name them by "
        f"--columns ra=NAME,dec=NAME or x=NAME,y=NAME, of {_listing(table)}"
    )


def _listing(table: Table) -> str:
    names = list(table.columns)
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _numbers(table: Table, name: str, units: Mapping[str, float]) -> tuple[Floats, bool]:
    """Return a column as numbers, in degrees where its unit is one of `units`, and whether."""
    column: Column = table.columns[name]
    factor = units.get(column.unit or "", 0.0)
    try:
        values = np.array(
            [math.nan if cell is None else float(cell) for cell in column.cells], np.float64
        )
    except ValueError as error:
        wanted = "degrees, as a number" if units is _DEGREES else "a number"
        raise ReadError(f"{table.path}: column {name!r} must hold {wanted}: {error}") from None
    values[~np.isfinite(values)] = np.nan
    return (values * factor, True) if factor else (values, False)


def _names(cells: Sequence[Cell]) -> list[str | None]:
    return [None if cell is None else str(cell) for cell in cells]

"""The loop from sources to rows of structure: what ``galedge measure`` runs."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

import numpy as np

from galedge._version import __version__
from galedge.answers.structure import Psf, Structure, structure
from galedge.errors import GaledgeError
from galedge.images.astrometry import place, sky_flags
from galedge.images.chunks import in_turn
from galedge.images.header import HduName, Header
from galedge.images.image import Image, read
from galedge.images.inputs import Rejected
from galedge.images.kinds import refuse
from galedge.images.parts import ALL, Part, parts_of
from galedge.support.log import unforeseen
from galedge.support.machine import usable_cpus
from galedge.support.workers import ordered_map
from galedge.tables.cells import float_or_none
from galedge.tables.rows import Cell

__all__ = ["COLUMNS", "Measured", "Measurer"]

Source: TypeAlias = Any
"""As of a classifier: a path, a file's content, an image, an array, a `Rejected` ..."""

COLUMNS = [
    *("path", "hdu", "x", "y", "ra", "dec", "object", "date_obs"),
    *("concentration", "asymmetry", "smoothness", "gini", "m20", "ellipticity", "position_angle"),
    *("r_petrosian", "r_half", "sn_per_pixel"),
    *("point_fraction", "point_fraction_error"),
    *("flags", "sky", "noise", "status", "error", "version"),
]
"""Names of a row's columns, in order."""

_MEASURES = [
    field.name for field in fields(Structure) if field.name in COLUMNS and field.name != "flags"
]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured on one galaxy, or why nothing was."""

    path: str = ""
    hdu: HduName | None = None
    ra: float | None = None
    dec: float | None = None
    object: str | None = None
    date_obs: str | None = None
    structure: Structure | None = None
    error: str | None = None

    def as_row(self) -> dict[str, Cell]:
        """Return a table's row: `COLUMNS` with their values, flags joined by ';'."""
        row: dict[str, Cell] = dict.fromkeys(COLUMNS)
        for name in ("path", "hdu", "ra", "dec", "object", "date_obs", "error"):
            row[name] = getattr(self, name)
        if self.structure is not None:
            for name in _MEASURES:
                row[name] = float_or_none(getattr(self.structure, name))
            row["flags"] = ";".join(self.structure.flags)
        row["status"] = "ok" if self.error is None else "error"
        row["version"] = __version__
        return row


class Measurer:
    """Measures galaxies on several threads.

    Parameters
    ----------
    workers : int, optional
        Threads. Default: the CPUs this process may use.
    hdu, plane, verify, any_kind
        As in `galedge.Classifier`.
    psf : Point or callable, optional
        As in `galedge.answers.structure.structure`.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        hdu: HduName | None = None,
        plane: int | None = None,
        verify: bool = False,
        any_kind: bool = False,
        psf: Psf | None = None,
    ) -> None:
        self.workers = usable_cpus() if workers is None else workers
        if self.workers < 1:
            raise ValueError("workers must be at least 1")
        self.hdu = hdu
        self.plane = plane
        self.verify = verify
        self.any_kind = any_kind
        self.psf = psf

    def measure(self, source: Source) -> Measured:
        """Measure one galaxy; what cannot be measured is a result with an error."""
        if isinstance(source, Rejected):
            return Measured(source.path, error=source.reason)
        asked = None if self.hdu == ALL else self.hdu
        hdu: HduName | None = None
        if isinstance(source, Part):
            source, asked = source.source, source.hdu
            hdu = asked
        path = os.fspath(source) if isinstance(source, str | os.PathLike) else ""
        try:
            if type(source) is np.ndarray:
                return Measured(structure=structure(source, psf=self.psf))
            image = source
            if not isinstance(image, Image):
                image = read(image, asked, "float32", plane=self.plane, verify=self.verify)
            hdu = image.hdu
            if not self.any_kind:
                refuse(image.header.text)
            # A plane that was chosen is one band, whatever filters its pixels lie under.
            chosen = self.plane is not None
            image_or_plane = replace(image, header=Header(b"")) if chosen else image
            found = structure(image_or_plane, psf=self.psf)
        except GaledgeError as error:
            return Measured(path, hdu, error=str(error).removeprefix(f"{path}: "))
        except Exception as error:  # one image's, not the run's
            return Measured(path, hdu, error=unforeseen(error, path))
        ra = dec = None
        if math.isfinite(found.x + found.y):
            placed = place(image, found.x, found.y)
            ra, dec = placed or (None, None)
            found = replace(found, flags=found.flags + sky_flags(image, placed))
        found = replace(found, flags=found.flags + ("other_hdus",) * image.other_hdus)
        name, date = (image.header.shown(key) or None for key in ("OBJECT", "DATE-OBS"))
        return Measured(path or image.path, hdu, ra, dec, name, date, found)

    def stream(self, sources: Iterable[Source]) -> Iterator[Measured]:
        """Measure any number of galaxies and yield the results in their order.

        Twice as many as there are workers are in flight, so memory stays flat
        and `sources` may be endless.
        """
        sources = in_turn(sources)
        if self.hdu == ALL:
            sources = (part for each in sources for part in parts_of(each, self.any_kind))
        return ordered_map(self.measure, sources, self.workers)

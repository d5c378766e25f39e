"""Places: labelled sources of frames, cut out as `classify` cuts those of a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from galedge.answers.bands import Group, Pattern, group_of
from galedge.answers.classifier import Classifier
from galedge.answers.result import Result
from galedge.errors import GaledgeError, ReadError
from galedge.frames.field import classify_sources
from galedge.frames.frame import Frame
from galedge.frames.sources import Catalogue, read_catalogue
from galedge.images.header import HduName
from galedge.images.inputs import Rejected
from galedge.images.kinds import refuse
from galedge.support.extras import need
from galedge.tables.readtable import Table

__all__ = ["Cuts", "Places", "read_places"]

NEAR = 1.0
"""Arcseconds, or pixels of a frame without coordinates, within which two rows are one source."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Places:
    """Where labelled sources are, one for each row of labels.

    Attributes
    ----------
    catalogue : Catalogue
    frames : list of str
        The file that each lies in.
    hdus : list of (int, str or None)
        Its HDU, where the table names one.
    """

    catalogue: Catalogue
    frames: list[str]
    hdus: list[HduName | None]


def read_places(
    table: Table,
    frames: list[str],
    roles: Mapping[str, str] | None,
    *,
    one_based: bool,
    asked: bool,
) -> Places | None:
    """Return the places that a table of labels has, or None where each file is one picture.

    It is a table of sources if the user says so, if it has the sides of cutouts, as `galedge
    label` exports them, or if it names one file at several places, which no cutout is. Of a
    table of cutouts right ascension and declination only say more of each.

    Raises
    ------
    ReadError
        If the user says so, and no columns are places.
    """
    hdus: list[HduName | None] = [None] * len(frames)
    if not asked and _has_sides(table):
        roles, asked = {"x": "x", "y": "y", "size": "side"}, True
        if "hdu" in table.columns:
            cells = table.columns["hdu"].cells
            hdus = [cell if isinstance(cell, int) else None for cell in cells]
    try:
        found = read_catalogue(table.path, roles, one_based=one_based)
    except ReadError:
        if asked:
            raise
        return None
    if not asked:
        places: dict[str, set[tuple[float, float]]] = {}
        for frame, *at in zip(frames, found.first.tolist(), found.second.tolist(), strict=True):
            places.setdefault(frame, set()).add((at[0], at[1]))
        if all(len(each) == 1 for each in places.values()):
            return None
    return Places(found, frames, hdus)


def _has_sides(table: Table) -> bool:
    return {"side", "x", "y"} <= set(table.columns) and any(
        isinstance(cell, int | float) for cell in table.columns["side"].cells
    )


@dataclass
class Cuts:
    """The results of labelled sources, frame by frame.

    Attributes
    ----------
    side : int or None
        Of cutouts, where the user says so.
    bands : Group, Pattern or None
        Which files are one frame.
    order : list of int
        Which row of labels each result is of.
    """

    classifier: Classifier
    places: Places
    side: int | None = None
    bands: Group | Pattern | None = None
    order: list[int] = field(default_factory=list)
    _at: dict[tuple[str, HduName | None], tuple[bool, Floats]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Result]:
        """Yield them; what a frame that cannot be read holds is rejected with its reason."""
        for (path, hdu), rows in self._frames().items():
            self.order += rows
            left = len(rows)
            try:
                group = group_of(path, self.bands)
                if isinstance(group, Rejected):
                    raise ReadError(group.reason)
                frame = self._opened(group, hdu)
                sources = frame.locate(self.places.catalogue.only(rows))
                self._at[path, hdu] = _at(frame, sources.x, sources.y)
                for placed in classify_sources(
                    self.classifier, frame, sources, None, self.side, group.flags
                ):
                    yield placed.result
                    left -= 1
            except ReadError as error:
                reason = str(error).removeprefix(f"{path}: ")
                yield from self.classifier.stream([Rejected(path, reason)] * left)

    def _frames(self) -> dict[tuple[str, HduName | None], list[int]]:
        found: dict[tuple[str, HduName | None], list[int]] = {}
        for row, key in enumerate(zip(self.places.frames, self.places.hdus, strict=True)):
            found.setdefault(key, []).append(row)
        return found

    def _opened(self, group: Group, hdu: HduName | None) -> Frame:
        asked = self.classifier
        frame = Frame(group.source, asked.hdu if hdu is None else hdu, asked.plane, asked.order)
        if not asked.any_kind:
            refuse(frame.image.header.text)
        return frame

    def alike(self) -> Iterator[tuple[int, int]]:
        """Yield pairs of rows of one source, once the results are there.

        One position of the sky is one source, in whatever frames; without coordinates one of
        a frame's own pixels.
        """
        spatial = need("scipy.spatial", "tune", "tuning")
        frames = self._frames()
        on_sky = [key for key, (known, _) in self._at.items() if known]
        together = [on_sky] if on_sky else []
        for keys in (*together, *([key] for key in self._at if key not in on_sky)):
            rows = np.concatenate([frames[key] for key in keys])
            at = np.concatenate([self._at[key][1] for key in keys])
            known = np.isfinite(at).all(axis=1)
            near = np.radians(NEAR / 3600) if keys is on_sky else NEAR
            for one, other in spatial.cKDTree(at[known]).query_pairs(near):
                yield int(rows[known][one]), int(rows[known][other])


def _at(frame: Frame, x: Floats, y: Floats) -> tuple[bool, Floats]:
    """Return whether a frame has coordinates, and places as unit vectors or in pixels."""
    try:
        sky = frame.celestial()
    except GaledgeError:
        sky = None
    if sky is None:
        return False, np.stack([x, y], axis=1)
    ra, dec = (np.radians(values) for values in sky.pixels_to_sky(x, y))
    flat = np.cos(dec)
    return True, np.stack([flat * np.cos(ra), flat * np.sin(ra), np.sin(dec)], axis=1)

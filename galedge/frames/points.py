"""Beside a point: what the rows of a frame's sources say of width, light and extent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from galedge.errors import GaledgeError
from galedge.frames.extended import Seen, look
from galedge.frames.frame import STRIP_PIXELS, Frame
from galedge.frames.psf import Psf, analytic, measured
from galedge.frames.sky import subtracted
from galedge.support.log import unforeseen
from galedge.tables.cells import float_or_none
from galedge.tables.columns import COLUMNS, Column

if TYPE_CHECKING:
    from galedge.answers.result import Result
    from galedge.frames.sources import Sources
    from galedge.tables.rows import Cell

__all__ = ["NOTHING", "NO_PSF", "POINT_LIKE", "Points", "seen_columns"]

NO_PSF, POINT_LIKE = "no_psf", "point_like"

#: Of extendedness: what is less probably resolved is point-like.
_RESOLVED = 0.5
#: Signal to noise without which nobody can tell, and no flag says so: there is no light.
_LIGHT = 3.0

_NAMES = ("fwhm", "snr", "extendedness")
#: The columns of what was not looked at.
NOTHING: Mapping[str, Cell] = dict.fromkeys(_NAMES)


def seen_columns(columns: list[Column]) -> list[Column]:
    """Return a result's columns with those of frames behind what the heads say."""
    at = columns.index(COLUMNS["flags"])
    return [*columns[:at], *(COLUMNS[name] for name in _NAMES), *columns[at:]]


class Points:
    """The sources of one frame beside its point spread function.

    Nothing that goes wrong here is the frame's end: the columns stay empty, and its rows
    are flagged `NO_PSF`.

    Parameters
    ----------
    frame : Frame
        Of three bands the middle one is looked at.
    sources : Sources
        The places.
    fwhm : float, optional
        Of a star, in pixels, where the frame has too few of them.
    threads : int
        For the sky.
    """

    def __init__(
        self, frame: Frame, sources: Sources, fwhm: float | None = None, threads: int = 1
    ) -> None:
        self.psf: Psf | None = None
        self.seen: Seen | None = None
        try:
            height, width = frame.shape
            # Pictures are no linear flux; what is too large is in memory in strips only.
            if len(sources) and not frame.is_picture and height * width <= STRIP_PIXELS:
                pixels, noise = subtracted(frame, threads)
                stars = measured(pixels, noise)
                if not isinstance(stars, Psf) and fwhm is not None:
                    stars = analytic(fwhm, frame.shape)
                self.psf = stars if isinstance(stars, Psf) else None
                self.seen = look(pixels, noise, sources.x, sources.y, stars)
        except GaledgeError:  # pixels that cannot be read: the cutouts' rows say so
            self.psf = self.seen = None
        except Exception as error:  # one frame's, and of its columns only
            unforeseen(error, frame.path)
            self.psf = self.seen = None

    def cells(self, i: int) -> Mapping[str, Cell]:
        """Return a source's columns."""
        if self.seen is None:
            return NOTHING
        fwhm, snr = float(self.seen.fwhm[i]), float(self.seen.snr[i])
        resolved = float(self.seen.extendedness[i]) if snr >= _LIGHT else math.nan
        return dict(zip(_NAMES, map(float_or_none, (fwhm, snr, resolved)), strict=True))

    def judged(self, result: Result, cells: Mapping[str, Cell], label_all: bool) -> Result:
        """Return a result with what this says of it: a point has no label.

        And what is wider has one, though the network, which sees no other star, took it for
        one: its `kind` says so still, but no flag does. Artefacts stay what they are.

        Parameters
        ----------
        result : Result
            With all answers, as of ``label_all``.
        cells : mapping of str to cell
            Of the same source, by `cells`.
        label_all : bool
            Withhold nothing.
        """
        if not result.ok:
            return result
        subject, flags = result.heads.subject, result.flags
        resolved = cells["extendedness"]
        if self.psf is None:
            flags += (NO_PSF,)
        if isinstance(resolved, float):
            if resolved < _RESOLVED:
                flags += () if POINT_LIKE in flags else (POINT_LIKE,)
            elif POINT_LIKE in flags:
                overruled = (POINT_LIKE, subject.denial)
                flags = tuple(flag for flag in flags if flag not in overruled)
        result = replace(result, flags=flags)
        if label_all or (subject.reasons | {POINT_LIKE}).isdisjoint(flags):
            return result
        return result.withheld()

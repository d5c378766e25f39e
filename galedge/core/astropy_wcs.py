"""Celestial coordinates, projected by astropy, where the compiled core is missing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from galedge.errors import ReadError
from galedge.support.extras import need

__all__ = ["Wcs", "parity"]

_LONGITUDES, _LATITUDES = ("RA--", "GLON", "ELON", "SLON"), ("DEC-", "GLAT", "ELAT", "SLAT")


@dataclass(frozen=True)
class Wcs:
    """A gnomonic (TAN) celestial coordinate system, J2000 (Calabretta & Greisen 2002)."""

    distorted: bool
    crpix: tuple[float, float]
    crval: tuple[float, float]
    matrix: tuple[tuple[float, float], tuple[float, float]]
    lonpole: float

    @property
    def pixel_scale(self) -> float:
        """The side of a square of the same area as a pixel, in arcsec."""
        (a, b), (c, d) = self.matrix
        return 3600 * math.sqrt(abs(a * d - b * c))

    def shifted(self, x: float, y: float) -> Wcs:
        """Return the coordinates of a cutout that begins at (x, y)."""
        return replace(self, crpix=(self.crpix[0] - x, self.crpix[1] - y))

    def pixel_to_sky(self, x: float, y: float) -> tuple[float, float]:
        """Return right ascension and declination, in degrees, of a zero-based pixel."""
        ra, dec = self._projection.wcs_pix2world([[x, y]], 0)[0].tolist()
        return ra % 360 % 360, dec  # a tiny negative number becomes 360 at first

    @cached_property
    def _projection(self) -> Any:
        astropy = need("astropy.wcs", "tables", "placing pixels on the sky without the core")
        system = astropy.WCS(naxis=2)
        system.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        system.wcs.crpix, system.wcs.crval = self.crpix, self.crval
        system.wcs.cd, system.wcs.lonpole = self.matrix, self.lonpole
        try:
            system.wcs.set()  # so that threads only read it
        except astropy.WcsError as error:
            raise ReadError(f"its coordinates are not understood: {error}") from None
        return system

    @classmethod
    def parse(cls, cards: Mapping[str, Any]) -> Wcs | None:
        """Read the coordinates that galedge knows; None for all others, as the core does."""
        try:
            return cls._parsed(cards)
        except (TypeError, ValueError):  # a number that is none
            return None

    @classmethod
    def _parsed(cls, cards: Mapping[str, Any]) -> Wcs | None:
        types = [str(cards.get(name, "")) for name in ("CTYPE1", "CTYPE2")]
        plain = [name.removesuffix("-SIP") for name in types]
        swapped = plain == ["DEC--TAN", "RA---TAN"]
        units = {cards.get(name, "") for name in ("CUNIT1", "CUNIT2")}
        if plain != ["RA---TAN", "DEC--TAN"] and not swapped:
            return None
        if units - {"", "deg", "DEG", "degree", "degrees"} or not _is_j2000(cards):
            return None
        if any(re.match("PV[12]_", name) for name in cards):  # TPV by another name
            return None
        rows = _matrix(cards)
        crval = [_real(cards, "CRVAL1", 0), _real(cards, "CRVAL2", 0)]
        if swapped:
            rows, crval = rows[::-1], crval[::-1]
        wcs = cls(
            # SIP, lookup tables, and the plate solutions of the Digitized Sky Survey.
            distorted=types[0].endswith("-SIP")
            or any(name in cards for name in ("A_ORDER", "CPDIS1", "D2IMDIS1", "AMDX1")),
            crpix=(_real(cards, "CRPIX1", 0), _real(cards, "CRPIX2", 0)),
            crval=(crval[0], crval[1]),
            matrix=(rows[0], rows[1]),
            lonpole=_real(cards, "LONPOLE", 0 if crval[1] >= 90 else 180),
        )
        numbers = (wcs.pixel_scale, *wcs.crpix, *crval, wcs.lonpole)
        usable = all(map(math.isfinite, numbers)) and abs(crval[1]) <= 90
        return wcs if usable and wcs.pixel_scale > 0 else None


def parity(cards: Mapping[str, Any]) -> int:
    """Return 1 for rows and columns as on the sky, -1 mirrored, 0 for no celestial axes."""
    types = [str(cards.get(name, ""))[:4] for name in ("CTYPE1", "CTYPE2")]
    usual = [types[0] in _LONGITUDES, types[1] in _LATITUDES]
    swapped = [types[0] in _LATITUDES, types[1] in _LONGITUDES]
    try:
        (a, b), (c, d) = _matrix(cards)
    except (TypeError, ValueError):
        return 0
    area = a * d - b * c
    if not (all(usual) or all(swapped)) or not math.isfinite(area) or area == 0:
        return 0
    return 1 if (area > 0) == all(usual) else -1


def _real(cards: Mapping[str, Any], keyword: str, default: float) -> float:
    value = cards.get(keyword)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(keyword)
    return float(value)


def _is_j2000(cards: Mapping[str, Any]) -> bool:
    frame = cards.get("RADESYS") or cards.get("RADECSYS") or ""
    equinox = _real(cards, "EQUINOX", _real(cards, "EPOCH", 2000))
    return frame == "ICRS" or (frame in ("", "FK5") and equinox == 2000)


def _matrix(cards: Mapping[str, Any]) -> list[tuple[float, float]]:
    names = ("1_1", "1_2", "2_1", "2_2")
    if any(f"CD{name}" in cards for name in names):
        a, b, c, d = (_real(cards, f"CD{name}", 0) for name in names)
        return [(a, b), (c, d)]
    sx, sy = _real(cards, "CDELT1", 1), _real(cards, "CDELT2", 1)
    if "CROTA2" in cards and not any(f"PC{name}" in cards for name in names):
        angle = math.radians(_real(cards, "CROTA2", 0))
        sine, cosine = math.sin(angle), math.cos(angle)
        return [(sx * cosine, -sy * sine), (sx * sine, sy * cosine)]
    a, b, c, d = (_real(cards, f"PC{name}", name in ("1_1", "2_2")) for name in names)
    return [(sx * a, sx * b), (sy * c, sy * d)]

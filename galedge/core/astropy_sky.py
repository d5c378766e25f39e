"""Celestial coordinates that the compiled core leaves to astropy: `csrc/wcs.hpp` says which.

What a header says is brought into astropy's spelling first, so that both read the
same header alike: quoted numbers, names of reference systems, units, SIP terms
that CTYPE does not announce.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.errors import GaledgeError, ReadError
from galedge.support.extras import need
from galedge.support.quiet import quiet

__all__ = ["AXES", "AstropySky", "needs_file", "number_of", "parity_of", "spelled"]

#: What CTYPE begins with, of two axes that are coordinates on the sky.
AXES = ({"RA--", "DEC-"}, {"GLON", "GLAT"}, {"SLON", "SLAT"}, {"ELON", "ELAT"})

_PURPOSE = "its WCS, which is more than TAN with SIP,"

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]

_WORDS = re.compile(r"CTYPE[12]|CUNIT[12]|RADESYS|RADECSYS")
_MATRIX = re.compile(r"(CDELT|CROTA)[12]|(CD|PC)([12]_[12]|00[12]00[12])")
_NUMBERS = re.compile(r"(CRPIX|CRVAL)[12]|PV[12]_\d+|LONPOLE|LATPOLE|EQUINOX|EPOCH")
# Of the plates of the Digitized Sky Survey, all of them numbers but the sign.
_PLATES = re.compile(r"AMD[XY]\d\d?|PLT(RA|DEC)[HDMS]|CNPIX[12]|PPO[36]|[XY]PIXELSZ")
_SIP = re.compile(r"[AB]_(ORDER|\d_\d)")  # AP and BP are no inverse to rely on
_UNITS = {"DEGREE": "deg", "DEGREES": "deg"}
# What RADESYS says, by its letters and digits, and the equinox that is meant by it.
_SYSTEMS = {"FK4NOE": ("FK4-NO-E", None)} | {
    f"{system}{year}{tenth}": (name, float(year[1:]))
    for name, year in (("FK5", "J2000"), ("FK4", "B1950"))
    for system in ("", name)
    for tenth in ("", "0")
}


def spelled(cards: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a header says of its first two axes' coordinates, in astropy's spelling.

    Parameters
    ----------
    cards : mapping
        The header of an image.

    Raises
    ------
    ReadError
        If a number is none.
    """
    found: dict[str, Any] = {}
    has_sip = all(name.endswith("-SIP") for name in _types(cards))
    is_plate = "AMDX1" in cards or "AMDY1" in cards
    numbers = [_NUMBERS, *([_SIP] if has_sip else []), *([_PLATES] if is_plate else [])]
    for key, value in cards.items():
        if value is None or value == "":
            continue
        if _WORDS.fullmatch(key):
            if isinstance(value, str):
                found[key] = value.strip().upper()
        elif key == "PLTDECSN" and is_plate:
            found[key] = "-" if str(value).strip() == "-" else "+"
        elif key.endswith("_ORDER") and has_sip and _SIP.fullmatch(key):
            found[key] = _order(key, number_of(key, value))
        elif any(kind.fullmatch(key) for kind in numbers):
            found[key] = number_of(key, value)
    found |= _matrix(cards)
    for key in ("CUNIT1", "CUNIT2"):
        if key in found:
            found[key] = _UNITS.get(found[key], found[key].lower())
    old, system = found.pop("RADECSYS", ""), found.pop("RADESYS", "")
    system = re.sub("[^A-Z0-9]", "", system or old)
    equinox = found.pop("EPOCH", None)
    equinox = found.pop("EQUINOX", equinox)
    system, year = _SYSTEMS.get(system, (system, None))
    equinox = year if equinox is None else equinox
    if system:
        found["RADESYS"] = system
    if equinox is not None:
        found["EQUINOX"] = equinox
    return found


def needs_file(cards: Mapping[str, Any]) -> bool:
    """Tell whether coordinates depend on tables in other HDUs of the file."""
    projected = any(name.endswith("-TAB") for name in _types(cards))
    return projected or any(key.startswith(("CPDIS", "CQDIS", "D2IM")) for key in cards)


def _types(cards: Mapping[str, Any]) -> list[str]:
    return [str(cards.get(key, "")).strip().upper() for key in ("CTYPE1", "CTYPE2")]


def _matrix(cards: Mapping[str, Any]) -> dict[str, float]:
    """Return the elements that count, by their names of today: PC before CD before CROTA."""
    known = {key: cards[key] for key in cards if _MATRIX.fullmatch(key)}
    told = {key: value for key, value in known.items() if value not in (None, "")}
    for key in [key for key in told if key[2:4] == "00"]:  # as before 2002
        told.setdefault(f"{key[:2]}{key[4]}_{key[7]}", told.pop(key))
    latitude = 1 if _types(cards)[0][:4] in ("DEC-", "GLAT", "SLAT", "ELAT") else 2
    steps = [key for key in told if key.startswith("CDELT")]
    has_pc = any(key.startswith("PC") for key in told)
    has_cd = any(key[:2] == "CD" and key not in steps for key in told)
    kept = "PC" if has_pc else "CD" if has_cd else f"CROTA{latitude}"
    wanted = [key for key in told if key.startswith(kept) and key not in steps]
    return {key: number_of(key, told[key]) for key in [*wanted, *([] if kept == "CD" else steps)]}


def number_of(key: str, value: Any) -> float:
    """Return a card's number, quoted or not, of a year also as J2000; else ReadError."""
    if isinstance(value, str):
        text = value.strip().upper()
        if key in ("EQUINOX", "EPOCH") and text[:1] in ("J", "B"):
            text = text[1:]
        with suppress(ValueError):
            value = float(text.replace("D", "E"))
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ReadError(f"its WCS is not understood: {key} is not a number: {value!r}")
    return float(value)


def _order(key: str, value: float) -> int:
    if not 0 <= value <= 9:  # the convention's highest; astropy makes room for any
        raise ReadError(f"its WCS is not understood: {key} is not 0 to 9: {value:g}")
    return int(value)


def parity_of(cards: Mapping[str, Any]) -> int:
    """Return `Image.parity` of a header's coordinates; 0 where it cannot be known."""
    axes = {key: str(cards.get(key, ""))[:4] + "-TAN" for key in ("CTYPE1", "CTYPE2")}
    matrix = {key: value for key, value in cards.items() if _MATRIX.fullmatch(key)}
    try:
        system = _system(spelled(axes | matrix))
    except GaledgeError:  # also without astropy
        return 0
    area = np.linalg.det(system.pixel_scale_matrix) * (-1 if system.wcs.lng else 1)
    return int(np.sign(area)) if system.has_celestial and np.isfinite(area) else 0


class AstropySky:
    """Between zero-based pixels and degrees (ICRS), by astropy.

    Parameters
    ----------
    cards : mapping
        The header of the image.
    lookups : mapping, optional
        Lookup tables by astropy's names: values, reference pixel, its place, steps.
    shape : tuple of int, optional
        Height and width of the image.
    origin : tuple of float
        x and y of the first pixel that is meant, in the image.

    Raises
    ------
    GaledgeError
        If astropy is not installed.
    ReadError
        If it does not understand the coordinates.
    """

    def __init__(
        self,
        cards: Mapping[str, Any],
        lookups: Mapping[str, Any] | None = None,
        shape: tuple[int, int] | None = None,
        origin: tuple[float, float] = (0, 0),
    ) -> None:
        self._coordinates = need("astropy.coordinates", "tables", _PURPOSE)
        self._shape, self._origin = shape, origin
        words = spelled(cards)
        self._wcs = _system(words, lookups)
        with quiet():
            try:
                self._frame = _frame(words, self._coordinates)
            except ValueError as error:  # a year that is none
                raise _misunderstood(error) from None
        numbers = self._wcs.wcs
        self.crpix, self.lonpole = numbers.crpix, float(numbers.lonpole)
        # Longitude and latitude, whichever axis comes first.
        self.crval = self._ordered(*numbers.crval.tolist())
        self.matrix = self._ordered(*map(tuple, self._wcs.pixel_scale_matrix.tolist()))
        self.pixel_scale = 3600 * float(np.sqrt(abs(np.linalg.det(self._wcs.pixel_scale_matrix))))
        """Side of a square of the same area as a pixel at the reference point, in arcsec."""

    def pixels_to_sky(self, x: Floats, y: Floats) -> Pair:
        """Return right ascension and declination; NaN for what has none."""
        with quiet():
            longitude, latitude = self._world(x + self._origin[0], y + self._origin[1])
            known = np.abs(latitude) <= 90  # which NaN is not
            ra, dec = np.full_like(longitude, np.nan), np.full_like(latitude, np.nan)
            found = self._coordinates.SkyCoord(
                longitude[known], latitude[known], unit="deg", frame=self._frame
            ).icrs
            ra[known], dec[known] = found.ra.deg % 360 % 360, found.dec.deg
        return ra, dec

    def sky_to_pixels(self, ra: Floats, dec: Floats, distorted: bool = True) -> Pair:
        """Return x and y; NaN for what the projection does not show.

        Far from the image the distortions, which would mean nothing there, are left
        out; and beside it where they lead to no pixel.
        """
        with quiet(), np.errstate(all="ignore"):
            sky = self._coordinates.SkyCoord(ra, np.clip(dec, -90, 90), unit="deg", frame="icrs")
            place = sky.transform_to(self._frame).spherical
            longitude, latitude = place.lon.deg, place.lat.deg
            plain = self._wcs.wcs_world2pix(*self._ordered(longitude, latitude), 0)
            x, y = (np.array(axis, float) for axis in plain)
            near = inside = np.isfinite(x + y)
            if self._shape is not None:
                height, width = self._shape
                near = (np.abs(x - width / 2) < width) & (np.abs(y - height / 2) < height)
                inside = (np.abs(2 * x + 1 - width) < width) & (np.abs(2 * y + 1 - height) < height)
            if distorted and near.any():
                longitude, latitude = longitude[near], latitude[near]
                world = self._ordered(longitude, latitude)
                found = self._wcs.all_world2pix(*world, 0, quiet=True)
                again = self._world(*found)
                turn = (again[0] - longitude + 180) % 360 - 180
                off = np.hypot(turn * np.cos(np.radians(latitude)), again[1] - latitude)
                reached = off * 3600 < 0.01 * self.pixel_scale
                for axis, exact in zip((x, y), found, strict=True):
                    instead = np.where(inside[near], np.nan, axis[near])
                    axis[near] = np.where(reached, exact, instead)
        return x - self._origin[0], y - self._origin[1]

    def _world(self, x: Floats, y: Floats) -> Pair:
        """Return longitude and latitude in the header's reference system."""
        return self._ordered(*self._wcs.all_pix2world(x, y, 0))

    def _ordered(self, first: Any, second: Any) -> tuple[Any, Any]:
        """Exchange axes where the first one is the latitude."""
        return (first, second) if self._wcs.wcs.lng == 0 else (second, first)


def _system(words: Mapping[str, Any], lookups: Mapping[str, Any] | None = None) -> Any:
    """Return astropy's WCS of two axes, from pixels to the header's reference system.

    wcslib ends the process over some cards that make no sense: it is given numbers
    and words that were looked at, and no others.
    """
    wcs = need("astropy.wcs", "tables", _PURPOSE)
    header = need("astropy.io.fits", "tables", _PURPOSE).Header()
    with quiet():
        try:
            header.update(words)
            system = wcs.WCS(header, naxis=2)
            for name, table in (lookups or {}).items():
                setattr(system, name, wcs.DistortionLookupTable(*table))
            return system
        except Exception as error:  # wcslib's and astropy's errors have no common base
            raise _misunderstood(error) from None


def _misunderstood(error: Exception) -> ReadError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[-1].strip()
    return ReadError(f"its WCS is not understood: {reason}")


def _frame(words: Mapping[str, Any], coordinates: Any) -> Any:
    """Return astropy's form of the reference system."""
    axes = {words.get(key, "")[:4] for key in ("CTYPE1", "CTYPE2")}
    system, equinox = words.get("RADESYS", ""), words.get("EQUINOX")
    if axes == {"GLON", "GLAT"}:
        return coordinates.Galactic()
    if axes == {"SLON", "SLAT"}:
        return coordinates.Supergalactic()
    if not system:  # the standard's rule
        system = "ICRS" if equinox is None else "FK4" if equinox < 1984 else "FK5"
    if axes == {"RA--", "DEC-"}:
        if system == "ICRS":
            return coordinates.ICRS()
        if system == "FK5":
            return coordinates.FK5(equinox=f"J{2000 if equinox is None else equinox}")
        if system in ("FK4", "FK4-NO-E"):
            kind = coordinates.FK4 if system == "FK4" else coordinates.FK4NoETerms
            return kind(equinox=f"B{1950 if equinox is None else equinox}")
    elif axes == {"ELON", "ELAT"} and system in ("ICRS", "FK5"):
        year = 2000 if equinox is None or system == "ICRS" else equinox
        return coordinates.BarycentricMeanEcliptic(equinox=f"J{year}")
    raise ReadError(
        f"its WCS is not understood: RADESYS {system!r} is no reference system of "
        f"{words.get('CTYPE1')}, {words.get('CTYPE2')} that is known here"
    )

"""What a header says of the sky, where the compiled core is missing: astropy's answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.core.astropy_sky import AXES, AstropySky, needs_file, number_of, parity_of, spelled
from galedge.errors import GaledgeError, ReadError

__all__ = ["Wcs", "signs"]

Floats = NDArray[np.float64]


class Wcs:
    """Celestial coordinates; of more kinds than the compiled core's, with the same names.

    Where astropy is missing, that is said when they are first looked at.
    """

    def __init__(self, cards: Mapping[str, Any], origin: tuple[float, float] = (0, 0)) -> None:
        self._cards, self._origin = cards, origin
        self.distorted = _is_distorted(cards)
        self.sip_ignored = _ignores_sip(cards)

    @cached_property
    def _sky(self) -> AstropySky:
        return AstropySky(self._cards, origin=self._origin)

    @property
    def crpix(self) -> tuple[float, float]:
        """The reference pixel, counted from 1."""
        at, of = self._sky.crpix, self._origin
        return float(at[0] - of[0]), float(at[1] - of[1])

    @property
    def crval(self) -> tuple[float, float]:
        """Its longitude and latitude in the header's axes."""
        return self._sky.crval

    @property
    def matrix(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Pixels to degrees of longitude and latitude."""
        return self._sky.matrix

    @property
    def lonpole(self) -> float:
        """Native longitude of the celestial pole."""
        return self._sky.lonpole

    @property
    def sip_order(self) -> int:
        """Order of the distortion's polynomial; 0 for none."""
        order = max(spelled(self._cards).get(key, 0) for key in ("A_ORDER", "B_ORDER"))
        return order if order > 1 else 0  # of which astropy makes nothing

    @property
    def pixel_scale(self) -> float:
        """The side of a square of the same area as a pixel, in arcsec."""
        return self._sky.pixel_scale

    def shifted(self, x: float, y: float) -> Wcs:
        """Return the coordinates of a cutout that begins at (x, y)."""
        return Wcs(self._cards, (self._origin[0] + x, self._origin[1] + y))

    def pixel_to_sky(self, x: float, y: float) -> tuple[float, float]:
        """Return right ascension and declination, in degrees, of a zero-based pixel."""
        ra, dec = self._sky.pixels_to_sky(np.array([x], float), np.array([y], float))
        return float(ra[0]), float(dec[0])

    def pixels_to_sky(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return the same of several pixels."""
        return self._sky.pixels_to_sky(x, y)

    def sky_to_pixels(
        self, ra: Floats, dec: Floats, with_sip: bool = True
    ) -> tuple[Floats, Floats]:
        """Return the pixels of several places, NaN where there is none."""
        return self._sky.sky_to_pixels(ra, dec, distorted=with_sip)

    @property
    def is_usable(self) -> bool:
        """Whether astropy is installed and understands them."""
        try:
            return self._sky is not None
        except GaledgeError:
            return False

    @classmethod
    def parse(cls, cards: Mapping[str, Any]) -> Wcs | None:
        """Read a header's coordinates; None for what astropy does not understand."""
        if not _is_celestial(cards):
            return None
        found = cls(cards)
        try:
            return found if found._sky is not None else None
        except ReadError:
            return None
        except GaledgeError:  # without astropy
            return found


def signs(cards: Mapping[str, Any], wcs: Wcs | None) -> tuple[int, bool, bool, bool]:
    """Return parity, whether rows go up, whether SIP is left out, and whether to ask further."""
    upwards = str(cards.get("ROWORDER", "")).strip().upper() != "TOP-DOWN"
    if not _is_celestial(cards):
        return 0, upwards, False, False
    unread = wcs is None or wcs.distorted or not wcs.is_usable
    return parity_of(cards), upwards, _ignores_sip(cards), unread


def _types(cards: Mapping[str, Any]) -> list[str]:
    return [str(cards.get(key, "")).strip().upper() for key in ("CTYPE1", "CTYPE2")]


def _is_celestial(cards: Mapping[str, Any]) -> bool:
    return {name[:4] for name in _types(cards)} in AXES


def _is_distorted(cards: Mapping[str, Any]) -> bool:
    return needs_file(cards) or any(key in cards for key in ("AMDX1", "AMDY1"))


def _ignores_sip(cards: Mapping[str, Any]) -> bool:
    if all(name.endswith("-SIP") for name in _types(cards)):
        return False
    for key in ("A_ORDER", "B_ORDER"):
        try:
            if cards.get(key) not in (None, "") and int(number_of(key, cards[key])) not in (0, 1):
                return True
        except ReadError:
            return True
    return False

"""Names of bands, as surveys, observatories and amateurs write them, and where they lie."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["Order", "order_named", "red_first", "wavelength"]

Order = tuple[int, int, int]
"""Which planes of three are red, green and blue."""

# Effective wavelengths in nm. What is one letter is a band of another system than the
# same letter in the other case; of either the order is the same.
_BANDS = {
    **{"u": 355, "g": 477, "r": 623, "i": 763, "z": 905, "y": 960},
    **{"up": 355, "gp": 477, "rp": 623, "ip": 763, "zp": 905, "zs": 870},
    **{"U": 366, "B": 436, "V": 545, "R": 641, "I": 798, "Rc": 641, "Ic": 798},
    **{"G": 530, "b": 450, "Z": 880, "Y": 1020, "J": 1250, "H": 1640, "K": 2180, "Ks": 2150},
    **{"FUV": 153, "NUV": 231, "UVW2": 193, "UVM2": 225, "UVW1": 260, "VIS": 715},
    **{"W1": 3350, "W2": 4600, "W3": 11600, "W4": 22100},
}
# The same in any case.
_WORDS = {
    **{"red": 630, "green": 530, "blue": 450},
    **{"ha": 656, "halpha": 656, "hb": 486, "hbeta": 486, "nii": 658},
    **{"oiii": 501, "o3": 501, "sii": 672, "s2": 672},
}
# Of a space telescope's filter the digits are nm, or tens of nm: of Roman's, below 200
# (Hubble's in the infrared, but for its far ultraviolet), and of JWST's.
_FILTER = re.compile(r"F(\d{3,4})([A-Z]{0,2}2?)|[RZYJHKW](\d{3})")
_ULTRAVIOLET = ("LP", "BW")
_JWST = re.compile(
    r"F(2(00W|10M|12N|50M|77W)|3(00M|22W2|23N|35M|56W|60M)|4(05N|10M|30M|44W|60M|66N|70N|80M)"
    r"|560W|770W|1000W|1130W|1280W|1500W|1800W|2100W|2550W)"
)
_AROUND = "[](){}'\" "


@lru_cache(1024)
def wavelength(name: str) -> float | None:
    """Return about where a band lies, in nm, by its name; None for one that nobody knows.

    Whole names and what stands in them: ``r``, ``HSC-R2``, ``DES-y``, ``r.00000``,
    ``r DECam SDSS c0002 6415.0 1480.0``, ``F814W``, ``Red``.
    """
    for word in (name.strip(), *re.split(r"[^A-Za-z0-9]+", name)):
        found = _known(word) or _known(word.rstrip("0123456789"))
        if found is not None:
            return found
    return None


def _known(word: str) -> float | None:
    found = _BANDS.get(word) or _WORDS.get(word.lower().replace("-", ""))
    if found is not None:
        return float(found)
    coded = _FILTER.fullmatch(word)
    if coded is None:
        return None
    number = float(coded[1] or coded[3])
    short = number < 200 and coded[2] not in _ULTRAVIOLET
    return 10 * number if short or coded[3] or _JWST.fullmatch(word) else number


def red_first(names: list[str]) -> Order | None:
    """Return which of three bands, given in the order of the planes, is which colour.

    The longest wavelength is red. None if one is not known, or two are alike.
    """
    known = [wavelength(name) for name in names]
    if len(names) != 3 or None in known or len(set(known)) != 3:
        return None
    red, green, blue = sorted(range(3), key=lambda plane: -(known[plane] or 0))
    return red, green, blue


@lru_cache(256)
def order_named(text: str) -> Order | None:
    """Return what a list of three bands says: ``grz``, ``g,r,z``, ``F435W F606W F814W``."""
    text = text.strip(_AROUND)
    for between in (r"[,;|/:]", r"\s+", r"[-_+]"):
        names = [name.strip(_AROUND) for name in re.split(between, text)]
        if len(names) == 3:
            return red_first(names)
    return red_first(list(text)) if len(text) == 3 else None

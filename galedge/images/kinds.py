"""What kind of image a header says it heads: the sky, or what calibrates and accompanies it.

The only place that knows how observatories call these; whoever reads a header, core or
Python, has it told here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from galedge.core.backend import _core
from galedge.errors import Unsupported

__all__ = ["CARDS", "FOLLOWING", "Kind", "is_plane", "kind_of", "kind_of_text", "refuse"]

_EXPOSURES = (
    *("IMAGETYP", "IMGTYPE", "OBSTYPE", "DATA-TYP", "EXPTYPE", "EXP_TYPE", "FRAMETYP", "FRAME"),
    *("FLAVOR", "ESO DPR TYPE"),
)
_PLANES = ("EXTNAME", "EXTTYPE", "HDUCLAS2", "PRODTYPE", "IMTYPE", "PRODCATG")

CARDS = [*_EXPOSURES, *_PLANES]
"""Cards that say it; longer keywords than of eight characters are HIERARCH's."""

#: How many HDUs are looked at behind the one that is read; see csrc/batch.cpp.
FOLLOWING = 8

# In words such as domeflat, LAMP,FLAT, MasterDark; the first that is found counts.
_CALIBRATIONS = {"dark": "a dark frame", "bias": "a bias frame", "flat": "a flat field"}
_ZERO = re.compile(r"(master|super)?(zero|offset)s?(frame|image)?")
# What has been calibrated, and says how.
_SKY = re.compile(
    "^light|object|science|target|subtract|correct|calibrated|reduced|flattened|fielded"
)

_PLANE_WORD = re.compile(
    "wht|wgt|weights?|weightmap|wtmap|dq|dqmask|masks?|maskbits|msk|mskimg|bpm|badpix(els?(mask)?)?"
    "|errs?|errors?|errmap|uncert|uncertainty|std|stdev|stddev|rms|rmsmap|var|variance|varmap"
    "|inv(erse)?var(iance)?|ivar|flags?|flg|flagmap"
)
# These only where they are the whole name: as parts of one they may mean anything.
_PLANE_NAME = re.compile(
    "wt|con|ctx|context|samp|time|exp|expmap|exposure|exptime|nexp|coverage|cov|cvg|area|sigma"
    "|noise|seg(m|mentation)?(map|image|img)?|quality|snr|conf|confidence|psf|psfsize|depth|galdepth|d2imarr|wcsdvarr"
)


class Kind(NamedTuple):
    """Why an image is none of the sky.

    Attributes
    ----------
    what : str
        As a sentence calls it.
    card : str
        Which card says so, with its value.
    is_plane : bool
        Whether it goes with another image: as its weights, its mask, its noise.
    """

    what: str
    card: str
    is_plane: bool

    @property
    def reason(self) -> str:
        """Why it is refused, and what to do."""
        other = "choose another HDU with --hdu, or " if self.is_plane else ""
        return f"is {self.what} ({self.card}); {other}take it all the same with --any-kind"


def kind_of(cards: Iterable[tuple[str, str]]) -> Kind | None:
    """Return what `CARDS` with their values say of an image; None where it shows the sky."""
    for keyword, value in cards:
        found = (_plane if keyword in _PLANES else _exposure)(value.lower())
        if found is not None:
            return Kind(found, f"{keyword} = {value[:40]!r}", keyword in _PLANES)
    return None


def kind_of_text(header: bytes) -> Kind | None:
    """Return the same of a header's 80-byte cards."""
    return kind_of(_core.told(header, CARDS)) if header else None


def is_plane(header: bytes) -> bool:
    """Tell whether what a header heads goes with another image."""
    kind = kind_of_text(header)
    return kind is not None and kind.is_plane


def refuse(header: bytes) -> None:
    """Refuse what is no image of the sky.

    Raises
    ------
    Unsupported
        With the card that says so, and the remedy.
    """
    if found := kind_of_text(header):
        raise Unsupported(found.reason)


def _exposure(value: str) -> str | None:
    letters = "".join(re.findall("[a-z]+", value))
    if _SKY.search(letters):
        return None
    if _ZERO.fullmatch(letters):
        return _CALIBRATIONS["bias"]
    return next((what for word, what in _CALIBRATIONS.items() if word in letters), None)


def _plane(value: str) -> str | None:
    name = re.sub(r"[\W_]", "", value).rstrip("0123456789")
    words = [name, *re.findall("[a-z]+", value)]
    if _PLANE_NAME.fullmatch(name) or any(map(_PLANE_WORD.fullmatch, words)):
        return "a weight, mask or noise plane and no picture"
    return None

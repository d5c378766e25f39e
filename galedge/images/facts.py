"""What was found in an image on the way to the tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from galedge.core import _core

__all__ = ["FLAGS", "Facts", "facts_of"]

#: Quality flags with what each means: first those that the core tells, by bit.
FLAGS = {
    "no_source": "nothing rises above the sky near the centre; the whole image was framed",
    "cropped": "the galaxy reaches beyond the image",
    "neighbour": "the isophote holds a neighbour or is lopsided",
    "small": "the galaxy is under ten pixels across",
    "masked": "over a tenth of the frame has no valid pixels",
    "faint": "the galaxy's bright part is under five times the noise",
    "many_sources": "the image holds many sources, none of which fills it: a field, no cutout",
    "band_order_unknown": "nothing says which of the cube's planes are red, green and blue",
    "sip_ignored": "distortion terms (SIP) were left out, as CTYPE does not name them",
    "wcs_unread": "the header's coordinates could not be read: ra and dec are empty",
    "other_hdus": "the file holds further images in other HDUs; the first was read",
}

# Every combination that occurs is built once.
_flag_names: dict[int, tuple[str, ...]] = {}


@dataclass(slots=True)
class Facts:
    """What was found in one image on the way to the tensor.

    Attributes
    ----------
    path : str
        The file, or empty for arrays and bytes.
    hdu : int or None
        The HDU that was read, if the source is FITS.
    x, y : float or None
        Centre of the frame in zero-based pixels of the image.
    side : float or None
        Side of the frame in pixels of the image.
    ra, dec : float or None
        Position of the frame's centre in degrees, ICRS, if the header has a
        celestial WCS that galedge reads.
    parity : {1, -1, 0}
        What the header's coordinates say of the network's picture, the first
        row on top: 1 as on the sky, -1 its mirror image, 0 nothing.
    upwards : bool
        Whether the first row is the lowest, so that viewers show the image, and
        `x`, `y` count, from the bottom.
    handedness : {"sky", "file", "assumed", ""}
        Where `mirrored` is known from: the header's coordinates; the order of
        rows that the file's format or header gives; or neither, as of arrays,
        whose first row is taken to be the lowest unless they are 8-bit pictures.
    object, date_obs : str
        The header's OBJECT and DATE-OBS.
    flags : tuple of str
        Names from `FLAGS`.
    sky, noise : float or None
        Level and standard deviation of the sky, in the image's own units.
    masked_fraction : float or None
        Share of the frame without valid pixels, 0 to 1.
    error : str or None
        Why the image could not be prepared; all numbers are then None.
    """

    path: str = ""
    hdu: int | None = None
    x: float | None = None
    y: float | None = None
    side: float | None = None
    ra: float | None = None
    dec: float | None = None
    object: str = ""
    date_obs: str = ""
    flags: tuple[str, ...] = ()
    sky: float | None = None
    noise: float | None = None
    masked_fraction: float | None = None
    error: str | None = None
    parity: int = 0
    upwards: bool = False
    handedness: str = ""

    @property
    def mirrored(self) -> bool:
        """Whether the network's picture is a mirror image of the sky, or of what viewers show.

        By the header's coordinates where it has them, else by the order of rows.
        """
        return self.parity < 0 if self.parity else self.upwards


def facts_of(paths: Sequence[str], result: _core.Result) -> list[Facts]:
    """Turn what the core returns for a batch into facts, one for each path."""
    table, positions, signs, hdus, objects, dates, errors, *_ = result
    facts = []
    for path, numbers, (ra, dec), (parity, upwards, *told), hdu, name, date, error in zip(
        paths,
        table.tolist(),
        positions.tolist(),
        signs.tolist(),
        hdus,
        objects,
        dates,
        errors,
        strict=True,
    ):
        if error is not None:
            facts.append(Facts(path, object=name, date_obs=date, error=error))
            continue
        x, y, side, sky, noise, masked, flags = numbers
        ignored, unread, unordered = told
        more = ("band_order_unknown",) * unordered + ("sip_ignored",) * ignored
        more += ("wcs_unread",) * unread
        facts.append(
            Facts(
                path,
                hdu if hdu >= 0 else None,
                x,
                y,
                side,
                ra if ra == ra else None,
                dec if dec == dec else None,
                name,
                date,
                _names(flags) + more,
                sky,
                noise,
                masked,
                parity=parity,
                upwards=bool(upwards),
                handedness="sky" if parity else "file",
            )
        )
    return facts


def _names(flags: int) -> tuple[str, ...]:
    if flags not in _flag_names:
        _flag_names[flags] = tuple(name for bit, name in enumerate(FLAGS) if flags >> bit & 1)
    return _flag_names[flags]

"""Cutouts as FITS files, with the frame's header and a WCS that fits them."""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from galedge._version import __version__
from galedge.core.astropy_sky import needs_file, number_of
from galedge.errors import GaledgeError, OutputError, ReadError, Unsupported
from galedge.frames.field import SIDE
from galedge.frames.frame import Frame
from galedge.frames.sources import Sources
from galedge.images.kinds import CARDS
from galedge.support.atomic import AtomicFile, make_folder
from galedge.support.extras import need
from galedge.support.log import unforeseen
from galedge.support.quiet import quiet
from galedge.tables.cells import float_or_none
from galedge.tables.rows import Cell

__all__ = ["COLUMNS", "Cutout", "write_cutouts"]

COLUMNS = ["path", "frame", "x", "y", "ra", "dec", "object", "side", "flags", "status", "error"]
"""Names of a row's columns, in order."""

# What describes the frame's pixels as they were stored, or its place on a chip.
_STALE = re.compile(
    r"BSCALE|BZERO|BLANK|BSOFTEN|BOFFSET|CHECKSUM|DATASUM|EXTNAME|EXTVER|INHERIT|DATAMIN|DATAMAX"
    r"|(DATA|TRIM|BIAS|CCD|AMP|DET|ORIG)SEC\d*"
)
# What is taken from a primary header, and what of one never fits another HDU's pixels.
_INHERITED = (
    *("OBJECT", "DATE-OBS", "RADESYS", "EQUINOX", "RADECSYS", "EPOCH", "FILTER", *CARDS),
    *("ROWORDER", "BANDS"),
)
# Commentary, which no cutout takes from a primary header, nor more than so many cards of its own.
_LOGS, _MOST_LOG = ("", "COMMENT", "HISTORY"), 1000
_PLACE = re.compile(
    r"WCS|CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA|(CD|PC|PV|DP)\d|[AB]P?_|LONPOLE|LATPOLE|LT[VM]"
    r"|CPDIS|D2IM|EXTEND|NEXTEND"
)
# What Windows takes for a device, whatever follows its first dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])(\.|$)", re.IGNORECASE)
_REFERENCE = re.compile(r"CRPIX([12])[A-Z]?")


@dataclass(frozen=True, slots=True)
class Cutout:
    """A cutout that was written, or why it was not."""

    path: str
    frame: str
    x: float
    y: float
    ra: float | None
    dec: float | None
    object: str | None
    side: int
    flags: tuple[str, ...] = ()
    error: str | None = None

    def as_row(self) -> dict[str, Cell]:
        """Return a table's row: `COLUMNS` with their values."""
        row: dict[str, Cell] = {name: getattr(self, name) for name in COLUMNS if name != "status"}
        row["flags"] = ";".join(self.flags)
        row["status"] = "ok" if self.error is None else "error"
        return row


def write_cutouts(
    frame: Frame, sources: Sources, folder: str, side: int | None = None
) -> Iterator[Cutout]:
    """Write the surroundings of each source as a FITS file.

    Parameters
    ----------
    frame : Frame
        A FITS file; or three, which become cubes of red, green and blue.
    sources : Sources
        The places.
    folder : str
        Made if it is not there. Files are named by the sources' names, or by
        their coordinates; each appears whole or not at all.
    side : int, optional
        Of the cutouts of sources that have no size. Default: `field.SIDE`.

    Yields
    ------
    Cutout
        One for each source, in their order.

    Raises
    ------
    GaledgeError
        If astropy is missing, the frame is no FITS file, or the folder cannot be made.
    """
    fits = need("astropy.io.fits", "tables", "writing cutouts")
    header = _frame_header(frame, fits)
    make_folder(folder)
    sides = np.where(np.isfinite(sources.side), sources.side, side or SIDE).round().astype(int)
    ra, dec, of_all = _positions(frame, sources)
    frame.plan(len(sources), float(sides.mean()) if len(sides) else 1.0)
    taken: set[str] = set()
    for i, name in enumerate(sources.names):
        x, y = float(sources.x[i]), float(sources.y[i])
        stem = _unique(_stem(name, x, y, ra[i], dec[i]), taken)
        path = os.path.join(folder, f"{stem}.fits")
        place = (x, y, float_or_none(ra[i]), float_or_none(dec[i]), name, int(sides[i]))
        if not (math.isfinite(x + y) and frame.contains(x, y)):
            found = math.isfinite(x + y)
            reason = f"x {x:.2f}, y {y:.2f} lies outside the frame" if found else "has no place"
            yield Cutout("", frame.path, *place, ("outside",) if found else (), reason)
            continue
        try:
            image, corner = frame.cut(x, y, int(sides[i]))
            _write(fits, path, image.data, _cutout_header(header, corner, frame, name), frame)
        except OutputError:
            raise
        except GaledgeError as error:
            reason = str(error).removeprefix(f"{frame.path}: ")
            yield Cutout("", frame.path, *place, (), reason)
            continue
        except Exception as error:  # one source's, not the frame's
            yield Cutout("", frame.path, *place, (), unforeseen(error, frame.path))
            continue
        at_edge = bool(np.min(corner) < 0) or any(
            at + sides[i] > most for at, most in zip(corner, frame.shape[::-1], strict=True)
        )
        yield Cutout(path, frame.path, *place, ("edge",) * at_edge + of_all)


def _frame_header(frame: Frame, fits: Any) -> Any:
    """Return what of the frame's header holds for a part of it."""
    if frame.image.hdu is None:
        raise Unsupported(f"{frame.path}: is no FITS file; cutouts are made of FITS frames")
    with quiet():  # cards that break the standard are copied
        try:
            with fits.open(frame.path) as hdus:
                header = hdus[frame.image.hdu].header.copy(strip=True)
                if frame.image.hdu:
                    _inherit(header, hdus[0].header.copy(strip=True), frame)
        except (OSError, ValueError) as error:
            raise Unsupported(f"{frame.path}: astropy cannot read its header: {error}") from None
        if needs_file(header):
            raise Unsupported(
                f"{frame.path}: its WCS has distortion tables (CPDIS, D2IM), which hold for the "
                "whole frame only; drizzle or resample it first"
            )
        said = [card for card in header.cards if card.keyword not in _LOGS]
        if len(header) - len(said) > _MOST_LOG:
            header = fits.Header(said)  # radio maps have more HISTORY than their cutouts pixels
        for key in list(header):
            if _STALE.fullmatch(key):
                header.remove(key, ignore_missing=True, remove_all=True)
    return header


def _inherit(header: Any, primary: Any, frame: Frame) -> None:
    """Add what the frame leaves to its file's primary header: all of it, if it says so."""
    everything = header.get("INHERIT") is True
    for card in primary.cards:
        key = card.keyword
        if key in header or key in _LOGS or _PLACE.match(key):
            continue
        # What the core has taken from there is what it is by the core's rule.
        if everything or (key in _INHERITED and key in frame.image.header):
            header.append(card, end=True)


def _cutout_header(header: Any, corner: tuple[int, int], frame: Frame, name: str | None) -> Any:
    """Move the reference pixels; polynomials (SIP, TPV) are relative to them and stay."""
    header = header.copy()
    for axis, first in enumerate(corner, 1):
        if f"CTYPE{axis}" in header:
            header.setdefault(f"CRPIX{axis}", 0.0)
        scale = _real(header, f"LTM{axis}_{axis}")
        _move(header, f"LTV{axis}", -first * (1 if scale is None else scale))  # IRAF's pixels
        _move(header, f"CNPIX{axis}", first)  # those of a digitized plate
    for key in list(header):
        if match := _REFERENCE.fullmatch(key):
            _move(header, key, -corner[int(match[1]) - 1])
    if name is not None:
        header["OBJECT"] = _ascii(name)
    if frame.order is not None and frame.order != frame.image.order:
        # What a user says of the planes, or of three files, the header does not say yet.
        colours = dict(zip(frame.order, "RGB", strict=True))
        header["BANDS"] = "".join(colours[plane] for plane in range(3))
    file = _ascii(os.path.basename(frame.path))
    where = f"x {corner[0]} y {corner[1]} of HDU {frame.image.hdu}"
    header.add_history(f"galedge {__version__}: cutout from {where} of {file}"[:72])
    return header


def _real(header: Any, key: str) -> float | None:
    """Return a card's number, quoted or not, or None."""
    try:
        return number_of(key, header.get(key))
    except ReadError:
        return None


def _move(header: Any, key: str, by: float) -> None:
    if (value := _real(header, key)) is not None:
        header[key] = value + by


def _ascii(text: str) -> str:
    """Return what a FITS card may hold."""
    return text.encode("unicode_escape").decode("ascii")


def _write(fits: Any, path: str, data: Any, header: Any, frame: Frame) -> None:
    if any(_is_same(path, file) for file in frame.files):
        raise OutputError(f"{path}: is the frame itself; raw data are never replaced")
    with quiet(), AtomicFile(path, durable=False) as target:
        content = io.BytesIO()  # as astropy does not know every mode of a file
        hdu = fits.PrimaryHDU(np.asarray(data, np.float32), header)
        hdu.writeto(content, output_verify="silentfix+ignore")
        try:
            target.file.write(content.getbuffer())
        except OSError as error:
            raise target.failure(error) from error


def _is_same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:  # one of them is not there
        return False


def _positions(frame: Frame, sources: Sources) -> tuple[Any, Any, tuple[str, ...]]:
    """Return right ascensions, declinations, and flags of all sources."""
    flags = ("sip_ignored",) if frame.image.sip_ignored else ()
    nothing = np.full(len(sources), np.nan)
    try:
        sky = frame.celestial()
    except ReadError:  # the places in pixels are known all the same
        return nothing, nothing, (*flags, "wcs_unread")
    if sky is None:
        return nothing, nothing, flags
    return *sky.pixels_to_sky(sources.x, sources.y), flags


def _stem(name: str | None, x: float, y: float, ra: float, dec: float) -> str:
    """Return a file's name without extension: the source's own, or its place."""
    if name is not None and (safe := re.sub(r"[^\w.+-]+", "_", name).strip("._")):
        return f"_{safe[:100]}" if _DEVICE.match(safe) else safe[:100]
    if math.isfinite(ra + dec):
        return (
            f"J{_sexagesimal(ra / 15, 2, 24)}{'-' if dec < 0 else '+'}{_sexagesimal(abs(dec), 1)}"
        )
    return f"x{x:.1f}_y{y:.1f}"


def _sexagesimal(value: float, digits: int, turn: int = 360) -> str:
    """Return hhmmss.ss, cut off as the IAU wants names, not rounded."""
    unit = 10**digits
    total = math.floor(value * 3600 * unit + 1e-6)
    seconds, rest = divmod(total, unit)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours % turn:02}{minutes:02}{seconds:02}.{rest:0{digits}}"


def _unique(stem: str, taken: set[str]) -> str:
    name, number = stem, 1
    while name.lower() in taken:  # some file systems know no case
        number += 1
        name = f"{stem}_{number}"
    taken.add(name.lower())
    return name

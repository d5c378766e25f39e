"""What ``galedge info`` prints of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from galedge.errors import ModelError, ReadError
from galedge.images.recipe import Recipe
from galedge.network.model import find_card

if TYPE_CHECKING:
    from galedge.images.facts import Facts
    from galedge.images.image import HduFacts, Sums, Wcs

__all__ = ["describe_file"]


def describe_file(
    path: str,
    hdu: int | str | None = None,
    plane: int | None = None,
    order: str | None = None,
    verify: bool = False,
    any_kind: bool = False,
) -> Iterator[str]:
    """Yield what galedge sees in a file, line by line.

    First what the headers say and, if asked to `verify`, whether each HDU's
    sums are right; then what the default model's preparation finds: sky, noise,
    frame.

    Raises
    ------
    ReadError
        If the file cannot be read, or a sum is wrong, or it holds no galaxy
        image; in the latter cases after the lines on its headers.
    """
    from galedge.images.image import checksums, describe
    from galedge.images.prepare import prepare

    parts = describe(path)
    yield path
    sums = {found.hdu: found for found in checksums(path)} if verify else {}
    for part in parts:
        yield from _hdu_lines(part)
        if part.index in sums:
            yield f"    sums    {_sums(sums[part.index])}"
    for found in sums.values():
        if found.complaint:
            raise ReadError(f"{path}: {found.complaint}")
    try:
        recipe = find_card().recipe
    except ModelError:  # none is shipped
        recipe = Recipe()
    reading: Any = {"hdu": hdu, "plane": plane, "order": order, "any_kind": any_kind}
    (facts,) = prepare([path], recipe, **reading).facts
    if facts.error is not None:
        raise ReadError(f"{path}: {facts.error}")
    yield from _facts_lines(facts)


def _hdu_lines(part: HduFacts) -> Iterator[str]:
    fits = bool(part.header.text)
    words = [f"HDU {part.index}" if fits else "", part.kind, part.name]
    if part.kind == "table":
        words.append(f"{part.shape[0]:,} rows")
    elif part.shape:
        words += [" x ".join(str(n) for n in reversed(part.shape)), part.dtype]
    else:
        words.append("no data")
    if part.compression:
        words.append(part.compression)
    yield "  " + "  ".join(word for word in words if word)
    if part.wcs is not None:
        yield f"    WCS     {_wcs(part.wcs)}"
    elif part.wcs_unread:
        types = " ".join(str(part.header.get(key)) for key in ("CTYPE1", "CTYPE2"))
        yield f"    WCS     {types}, by astropy"


def _sums(sums: Sums) -> str:
    words = {True: "ok", False: "wrong", None: "absent"}
    return f"CHECKSUM {words[sums.checksum]}, DATASUM {words[sums.datasum]}"


def _wcs(wcs: Wcs) -> str:
    ra, dec = wcs.pixel_to_sky(wcs.crpix[0] - 1, wcs.crpix[1] - 1)
    text = f"TAN{'-SIP' if wcs.sip_order else ''} at {ra:.6f} {dec:+.6f} deg"
    text += f", {wcs.pixel_scale:.4g} arcsec a pixel"
    text += "; SIP terms are left out" if wcs.sip_ignored else ""
    return text + ("; lookup tables need astropy" if wcs.distorted else "")


def _facts_lines(facts: Facts) -> Iterator[str]:
    yield "  Prepared" if facts.hdu is None else f"  Prepared from HDU {facts.hdu}"
    if facts.object:
        yield f"    object  {facts.object}"
    if facts.date_obs:
        yield f"    date    {facts.date_obs}"
    if facts.sky is not None and facts.noise is not None:
        yield f"    sky     {facts.sky:.6g}"
        yield f"    noise   {facts.noise:.6g} a pixel"
    yield f"    frame   {facts.side:.1f} pixels wide, centred on x {facts.x:.1f}, y {facts.y:.1f}"
    if facts.ra is not None and facts.dec is not None:
        yield f"    centre  {facts.ra:.6f} {facts.dec:+.6f} deg"
    if facts.masked_fraction and facts.masked_fraction > 5e-5:
        yield f"    masked  {facts.masked_fraction:.2%} of the frame"
    yield f"    flags   {' '.join(facts.flags) or 'none'}"

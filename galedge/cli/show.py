"""What ``galedge info`` and ``galedge models`` print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from galedge.errors import ModelError, ReadError
from galedge.images.recipe import Recipe
from galedge.network.card import Card
from galedge.network.model import find_card, shipped

if TYPE_CHECKING:
    from galedge.images.facts import Facts
    from galedge.images.image import HduFacts, Sums, Wcs

__all__ = ["describe_file", "describe_models"]


def describe_models() -> str:
    """Return a paragraph for every shipped model: files, hashes, metrics."""
    cards = shipped()
    if not cards:
        return "No model came with this galedge."
    default = find_card()
    return "\n\n".join("\n".join(_model_lines(card, card == default)) for card in cards)


def _model_lines(card: Card, default: bool) -> Iterator[str]:
    yield f"{card.name} {card.version}" + (" (default)" if default else "")
    parameters = card.fields.get("parameters")
    if isinstance(parameters, int):
        yield f"  parameters  {parameters:,}"
    for head in card.heads:
        yield f"  {head.name:<11} {head.kind}: {head.about}"
    yield f"  input       {card.recipe.size} x {card.recipe.size}, framing {card.recipe.framing}"
    for precision, network in card.networks.items():
        yield f"  {precision:<11} {network.size / 1e6:.2f} MB, SHA-256 {network.sha256}"
    yield f"  folder      {card.folder}"
    metrics = card.fields.get("metrics")
    if isinstance(metrics, dict):
        yield from _metric_lines(metrics, next(iter(card.networks)))


# What a reader of the list compares models by; the card has the rest.
_MEASURES = ("accuracy", "macro_f1", "rms_", "ece")  # rms_ of every quantity


def _metric_lines(metrics: Mapping[str, Any], precision: str) -> Iterator[str]:
    """Yield one precision's measures as a table: a line for each data set and input."""
    tables = metrics.get(precision)
    if not isinstance(tables, dict):
        return
    told = [name for name, labels in tables.items() if _has_areas(labels)]
    yield f"  measured on {metrics.get('data', 'test data')} ({precision}; interval: " + (
        f"{metrics.get('interval', 'none')})"
    )
    rows = [
        (source, kind, values)
        for source, kinds in tables.items()
        if source not in told and isinstance(kinds, dict)
        for kind, values in kinds.items()
        if isinstance(values, dict)
    ]
    names = {name: None for _, _, values in rows for name in values}
    shown = [name for start in _MEASURES for name in names if _is_measure(name, start)]
    rows = [row for row in rows if any(name in row[2] for name in shown)]
    titles = "".join(f"{_title(name):<22}" for name in shown).rstrip()
    yield f"    {'':<8}{'':<8}{'images':>6}  {titles}"
    for source, kind, values in rows:
        cells = "".join(f"{_interval(values.get(name)):<22}" for name in shown).rstrip()
        yield f"    {source:<8}{kind:<8}{values.get('pictures', ''):>6}  {cells}"
    for name in told:
        areas = (f"{label} {_interval(each['roc_auc'])}" for label, each in tables[name].items())
        yield f"    {name}, ROC area: {', '.join(areas)}"


def _is_measure(name: str, start: str) -> bool:
    return name == start or (start.endswith("_") and name.startswith(start))


def _title(name: str) -> str:
    if name.startswith("rms_"):
        return f"RMS {name[4:].upper() if len(name) == 5 else name[4:]}"
    return {"macro_f1": "macro-F1", "ece": "ECE"}.get(name, name)


def _has_areas(labels: Any) -> bool:
    """Tell whether these are a labels head's, and not those of a data set."""
    if not isinstance(labels, dict) or not labels:
        return False
    return all(isinstance(each, dict) and "roc_auc" in each for each in labels.values())


def _interval(value: Any) -> str:
    if isinstance(value, list) and len(value) == 3:
        return f"{value[0]:.3f} ({value[1]:.3f}-{value[2]:.3f})"
    return f"{value:.3f}" if isinstance(value, int | float) else ""


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

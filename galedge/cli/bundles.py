"""What ``galedge models`` prints of bundles: what they tell, how far, and what that is worth."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from galedge.network.card import Card
from galedge.network.heads import Head
from galedge.network.model import find_card, shipped

__all__ = ["describe_model", "describe_models"]

_WIDTH = 100  # of a line
_TITLE = 14  # of what stands before it


def describe_models() -> str:
    """Return a paragraph for every shipped model."""
    cards = shipped()
    if not cards:
        return "No model came with this galedge."
    default = find_card()
    return "\n\n".join("\n".join(_model_lines(card, card == default)) for card in cards)


def describe_model(name_or_path: str) -> str:
    """Return the paragraph of one model.

    Raises
    ------
    ModelError
        If there is none of that name, and no bundle in that folder.
    """
    card = find_card(name_or_path)
    return "\n".join(_model_lines(card, card == find_card()))


def _model_lines(card: Card, default: bool) -> Iterator[str]:
    metrics = _table(card.fields.get("metrics"))
    yield f"{card.name} {card.version}" + (" (default)" if default else "")
    yield from _line("speaks of", card.heads.subject.about)
    for head in card.heads:
        yield from _line(head.name, f"{head.kind}: {head.about}")
        for note in (*head.notes, *_worth(head, metrics)):
            yield from _line("", note)
    yield from _line(
        "input", f"{card.recipe.size} x {card.recipe.size}, framing {card.recipe.framing}"
    )
    parameters = card.fields.get("parameters")
    if isinstance(parameters, int):
        yield from _line("parameters", f"{parameters:,}")
    for precision, network in card.networks.items():
        yield f"  {precision:<11} {network.size / 1e6:.2f} MB, SHA-256 {network.sha256}"
    yield f"  folder      {card.folder}"
    licence = card.fields.get("licence")
    if isinstance(licence, str) and licence:
        yield from _line("licence", licence)
    limits = card.fields.get("limits")
    for number, limit in enumerate(limits if isinstance(limits, list) else []):
        yield from _line("limits" if number == 0 else "", f"- {limit}")
    if metrics:
        yield from _metric_lines(metrics, next(iter(card.networks)))


def _line(title: str, text: str) -> Iterator[str]:
    """Yield a line with its title, as several where it is long."""
    start = f"  {title:<{_TITLE - 3}} "
    yield from textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=start,
        subsequent_indent=" " * _TITLE,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _table(value: Any) -> Mapping[str, Any]:
    """Return what should be a JSON object; nothing in place of anything else."""
    return value if isinstance(value, dict) else {}


def _worth(head: Head, metrics: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was measured of what a head promises: that is not in `_metric_lines`."""
    for level, told in _table(_table(metrics.get("sets")).get(head.name)).items():
        if sizes := _numbers(told, "coverage", "least", "size"):
            coverage, least, size = sizes
            each = f"{coverage:.3f} (worst class {least:.3f})"
            yield f"measured at {level}: coverage {each}, mean size {size:.2f}"
    told = _table(metrics.get(head.name))
    if flagged := _named(told.get("flagged")):
        mean, (most, where) = sum(v for v, _ in flagged) / len(flagged), max(flagged)
        yield f"measured: {mean:.1%} of galaxies flagged, at most {most:.1%} ({where})"
    if areas := _named(told.get("roc_area")):
        each = ", ".join(f"{name} {area:.3f}" for area, name in areas)
        yield f"ROC area of what is no galaxy: {each}"


def _numbers(told: Any, *names: str) -> list[float]:
    """Return numbers by name; none where one is not there."""
    found = (_table(told).get(name) for name in names)
    numbers = [float(one) for one in found if isinstance(one, int | float)]
    return numbers if len(numbers) == len(names) else []


def _named(told: Any) -> list[tuple[float, str]]:
    return [(v, name) for name, v in _table(told).items() if isinstance(v, int | float)]


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

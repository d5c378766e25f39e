"""Report: what was learned and what it is worth, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from galedge.network.heads import Heads
from galedge.network.heads.labels import Labels
from galedge.tuning.tune import Tuned

__all__ = ["lines"]

_MEASURES = {
    "roc_area": "ROC area",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "rms": "RMS",
    "r2": "R2",
}


def lines(tuned: Tuned) -> Iterator[str]:
    """Yield what was learned, and what it is worth on galaxies that were held out."""
    heads = {head["name"]: head for head in tuned.card["heads"]}
    for name, learned in tuned.heads.items():
        found = learned.metrics
        yield f"{name}: {found['pictures']} pictures of {found['galaxies']} galaxies; held out:"
        before = found.get("before", {})
        if "step" in found:
            yield f"  the head is {found['step']}"
        if "gains" in found:
            gains = ", ".join(f"{gain:.2f}" for gain in found["gains"])
            yield f"  colours are balanced: red, green and blue times {gains}"
        for measure, text in _MEASURES.items():
            if measure in found:
                was = f", was {_told(before[measure])}" if measure in before else ""
                yield f"  {text:9s} {_told(found[measure])}{was}"
        if "sets" in found:
            sets = found["sets"]
            yield (
                f"  sets of {sets['level']:g}: {sets['coverage']:.3f} hold the true class, "
                f"{sets['size']:.2f} classes each"
            )
        if "confusion" in found:
            names = heads[name]["names"] if name in heads else ["no", "yes"]
            yield from _confusion(found["confusion"], names)
    answers = " and ".join(_column(tuned, name) for name in tuned.heads)
    yield f"{tuned.folder}: use it by --model {tuned.folder}; rows then answer by {answers}"


def _column(tuned: Tuned, name: str) -> str:
    """Return the column of a table that answers first."""
    head, _, label = name.partition(".")
    found = Heads.parse(tuned.card["heads"])[head]
    if isinstance(found, Labels) and label:
        return found.columns[found.names.index(label)].name
    return found.columns[0].name


def _told(three: list[Any]) -> str:
    value, low, high = ("-" if each is None else f"{each:.3f}" for each in three)
    return f"{value} ({low} to {high})"


def _confusion(counts: list[list[int]], names: list[str]) -> Iterator[str]:
    """Yield a table: what is (rows) and what it is called (columns)."""
    width = max(5, *(len(name) for name in names))
    yield "  " + " " * width + "".join(f" {name:>{width}}" for name in names) + "  (called)"
    for name, row in zip(names, counts, strict=True):
        yield f"  {name:>{width}}" + "".join(f" {count:{width}d}" for count in row)

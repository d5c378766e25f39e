"""Refer: what a bundle's card says of the galaxies that calibrated it, to compare runs with.

Of each number the quantiles over all galaxies of val through all cameras, and how far any one
camera's are from them: a run is unlike only where it lies farther off than all of these.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from galedge.images.appearance import appearances
from galedge.network.model import Model
from galedge.tables.drift import Monitor
from galedge.tables.reference import APPEARANCE, FEWEST, Reference, numbers_of
from galedge.tables.rows import Cell
from training.data.pack import Pack
from training.words.card import write_card

__all__ = ["refer", "reference_of", "rows_of"]

Row = dict[str, Cell]
_BATCH = 64


def refer(bundle: Path, pack: Pack, precision: str = "int8") -> Iterator[str]:
    """Write a bundle's reference into its card, by val; yield what it says of test, by camera."""
    views = pack.kinds().items()
    val, test = pack.demand("val"), pack.demand("test")
    test = np.random.default_rng(0).permutation(test)  # packs are in order of their catalogues
    if len(val) < FEWEST:
        yield f"no reference: val has {len(val)} galaxies, of {FEWEST} that it takes\n"
        return
    model = Model.load(bundle, engine="onnxruntime", precision=precision)
    reference = reference_of([rows_of(model, pack.exact[view][val]) for _, view in views])
    fields = json.loads((bundle / "card.json").read_text())
    write_card(bundle, fields | {"reference": reference.to_json()})
    yield "unlike every camera of val: test split by camera, and after how many galaxies\n"
    for kind, view in views:
        monitor = Monitor(reference)
        for row in rows_of(model, pack.exact[view][test]):
            monitor.add(row)
        told = ", ".join(f"{one.column} ({one.rows})" for one in monitor.changes)
        yield f"{kind:12} {told or '-'}"
    yield ""


def reference_of(cameras: Sequence[Sequence[Row]]) -> Reference:
    """Return the reference of rows by camera: each number's distance is that of the farthest."""
    columns = {}
    for name in cameras[0][0]:
        each = [[row[name] for row in rows if row[name] is not None] for rows in cameras]
        each = [values for values in each if values]
        if not each:
            continue
        whole = numbers_of(name, [float(value) for values in each for value in values])
        away = max(whole.apart(whole.counted(values))[0] for values in each)
        columns[name] = replace(whole, within=away)
    return Reference("calibration", columns)


def rows_of(model: Model, pixels: np.ndarray) -> list[Row]:
    """Return what is compared of pictures: main classes and quantities, typicality, their look."""
    heads = [head for head in model.heads if head.primary or head.kind == "typicality"]
    found: list[Row] = []
    for low in range(0, len(pixels), _BATCH):
        part = np.ascontiguousarray(pixels[low : low + _BATCH])
        predicted = model.predict(part)
        cells = [head.cells(predicted[head.name]) for head in heads]
        for answers, look in zip(zip(*cells, strict=True), appearances(part), strict=True):
            row: Row = dict(zip(APPEARANCE, look, strict=True))
            for head, values in zip(heads, answers, strict=True):
                for column, value in zip(head.columns, values, strict=True):
                    if column.role in ("class", "value", "probability", ""):
                        row[column.name] = value
            found.append(row)
    return found

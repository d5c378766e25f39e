"""The page of a check: its summary, contact sheets of every class, and what looks alike."""

from __future__ import annotations

import base64
import html
import io
from typing import Any

import numpy as np
from PIL import Image

from training.data.check import Table, contact_sheet, summary

__all__ = ["page", "sheets_of"]

SHOWN = 40  # pictures on a sheet


def sheets_of(table: Table, report: dict[str, Any], seed: int = 0) -> dict[str, Image.Image]:
    """Return a contact sheet of each class, from the train split, and one of the doubles."""
    random = np.random.default_rng(seed)
    split = table.column("split")
    train = np.isin(split, ["train", ""]) & ~np.isin(np.arange(len(split)), [*table.unreadable])
    sheets = {}
    for name in table.classes:
        rows = np.flatnonzero(train & (table.kind == name))
        if len(rows):
            sheets[name] = contact_sheet(table.pixels[random.permutation(rows)[:SHOWN]])
    same = report["duplicates"]
    pairs = [pair["files"] for pair in (*same["by_look"], *same["by_position"])][: SHOWN // 2]
    if pairs:
        place = {row["file"]: i for i, row in enumerate(table.rows)}
        rows = np.array([place[file] for pair in pairs for file in pair])
        sheets["doubles"] = contact_sheet(table.pixels[rows], columns=2)
    return sheets


def page(report: dict[str, Any], sheets: dict[str, Image.Image]) -> str:
    """Return one HTML page without files of its own."""
    parts = [
        "<!doctype html><meta charset=utf-8><title>Data check</title>",
        "<style>body{font:15px system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "pre{overflow-x:auto}img{max-width:100%}</style>",
        f"<h1>Data check</h1><pre>{html.escape(summary(report))}</pre>",
    ]
    for name, sheet in sheets.items():
        held = io.BytesIO()
        sheet.save(held, "PNG")
        data = base64.b64encode(held.getvalue()).decode()
        title = html.escape(name)
        parts.append(f"<h2>{title}</h2><img alt='{title}' src='data:image/png;base64,{data}'>")
    if pairs := report["duplicates"]["by_look"]:
        parts.append("<h2>Other names, the same look</h2><ul>")
        for pair in pairs:
            text = f"{' = '.join(pair['files'])} ({', '.join(pair['splits'])}; {pair['likeness']})"
            parts.append(f"<li>{html.escape(text)}</li>")
        parts.append("</ul>")
    return "\n".join(parts) + "\n"

"""Options: what several commands of training ask for, and how they read it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
import numpy as np

__all__ = ["DATA", "extras_option", "folder", "found", "groups_of", "targets_option", "values_of"]

DATA = Path(os.environ.get("GALEDGE_DATA", "../shared/data"))

folder = click.Path(path_type=Path)
targets_option = click.option("--targets", type=folder, help="What `distil` stored for PACK.")
extras_option = click.option(
    "--extra",
    "extras",
    type=(folder, folder),
    multiple=True,
    help="A pack without class labels, and what `distil` stored for it.",
)


def found(source: Path) -> Path:
    """Return a path, or the same in the data folder."""
    return source if source.exists() else DATA / source


def values_of(settings: tuple[str, ...]) -> dict[str, Any]:
    """Return what KEY=VALUE options say; a value is JSON, or a text."""
    values: dict[str, Any] = {}
    for setting in settings:
        key, _, text = setting.partition("=")
        try:
            values[key] = json.loads(text)
        except ValueError:
            values[key] = text
    return values


def groups_of(extras: tuple[tuple[Path, Path], ...]) -> Any:
    """Return the train splits of packs with what `distil` stored for them."""
    from training.data.pack import Pack
    from training.fit.batches import Group
    from training.fit.distil import load

    groups = []
    for path, answers in extras:
        extra = Pack.open(path)
        rows = np.flatnonzero(extra.split == "train")
        groups.append(Group(extra, rows, load(answers).of(rows)))
    return tuple(groups)

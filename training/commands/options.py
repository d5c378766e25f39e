"""Options: what several commands of training ask for, and how they read it."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

__all__ = [
    "DATA",
    "asked",
    "extras_option",
    "folder",
    "found",
    "groups_of",
    "refusing",
    "targets_option",
    "task_options",
    "values_of",
]

DATA = Path(os.environ.get("GALEDGE_DATA", "../shared/data"))

folder = click.Path(path_type=Path)
targets_option = click.option("--targets", type=folder, help="What `distil` stored for PACK.")
extras_option = click.option(
    "--extra",
    "extras",
    type=(folder, folder),
    multiple=True,
    help="Another pack, and what `distil` stored for it, or - to learn its own labels alone.",
)


def task_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what is asked of a data set; `asked` reads them."""
    task = click.option("--task", help="What to learn: a task's file (.toml, .json), or `hubble`.")
    classes = click.option("--classes", "column", help="Or the column of labels.csv with classes.")
    return task(classes(command))


def asked(task: str | None, column: str | None = None) -> Any:
    """Return the task that --task names, or None."""
    from training.words.derive import NAMED
    from training.words.task import Task

    if task and column:
        raise click.UsageError("--task and --classes both say what to learn; take one")
    return None if task is None else NAMED.get(task) or Task.read(Path(task))


def refusing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Make a sentence of a task, a data set or a bundle that does not fit."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        from galedge.errors import GaledgeError
        from training.words.fields import TaskError

        try:
            return command(*args, **options)
        except (TaskError, GaledgeError) as error:
            raise click.ClickException(str(error)) from error

    return run


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


def groups_of(extras: tuple[tuple[Path, Path], ...], task: Any) -> Any:
    """Return the train splits of packs, read for a task, with what `distil` stored for them."""
    from training.data.pack import Pack
    from training.fit.batches import Group
    from training.fit.distil import load

    groups = []
    for path, answers in extras:
        extra = Pack.open(path, task, strict=False)
        rows = np.flatnonzero(extra.split == "train")
        said = None if str(answers) == "-" else load(answers).of(rows)
        groups.append(Group(extra, rows, said))
    return tuple(groups)

"""Judges: networks that answer for galaxies they have not seen, so that a bundle can be calibrated.

Mostly that is the network itself, on val. One that has learned from val too, as the mean of
runs of which each held out another part (`Pack.folded`), is calibrated by those.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from training.data.pack import Pack, kind_of, of_kind
from training.fit.runs import load_run, task_of
from training.score.answers import Answers, run
from training.ship.export import Corrections, export
from training.ship.quantize import calibration_pictures, quantize

__all__ = ["Panel", "alike", "convene"]

SIMULATIONS = 4  # of each picture of val: their noise, and the fit's, averages out


@dataclass
class Panel:
    """Networks, each with the rows of a pack that it answers for."""

    networks: list[nn.Module]
    rows: list[np.ndarray]
    pack: Pack
    views: list[str]
    size: int

    def answers(self, corrections: Corrections, int8: bool = False) -> list[Answers]:
        """Return what they answer, view by view, as their exported files do."""
        files = []
        with tempfile.TemporaryDirectory() as folder:
            for i, network in enumerate(self.networks):
                file = Path(folder) / f"{i}.fp32.onnx"
                export(network, self.pack.task, file, self.size, corrections)
                if int8:
                    exact, file = file, Path(folder) / f"{i}.int8.onnx"
                    quantize(exact, file, calibration_pictures(self.pack))
                files.append(file)
            return self.by(files)

    def by(self, files: list[Path]) -> list[Answers]:
        """Return what the networks' files answer, one for each, view by view."""
        asked = list(zip(files, self.rows, strict=True))
        found = {
            view: Answers.join([run(file, self.pack, rows, view) for file, rows in asked])
            for view in set(self.views)
        }
        return [found[view] for view in self.views]


def alike(pack: Pack) -> list[str]:
    """Return the views to calibrate on: several of each kind, every kind as often as the others."""
    kinds = [of_kind(pack.exact, kind_of(view))[:SIMULATIONS] for view in pack.kinds().values()]
    most = max(map(len, kinds))
    return [views[i % len(views)] for views in kinds for i in range(most)]


def convene(runs: Sequence[Path], pack: Pack, views: list[str]) -> Panel:
    """Return the panel of some runs, each for what it held out of val.

    Raises
    ------
    ValueError
        If one held out nothing, or two answer for one picture.
    """
    panel = Panel([], [], pack, views, 0)
    for folder in runs:
        network, record = load_run(folder)
        if task_of(record).answers != pack.task.answers:
            raise ValueError(f"{folder}: learned another task than the one that is exported")
        rows = pack.folded(record.get("fold")).rows("val")
        if not len(rows):
            raise ValueError(
                f"{folder}: has learned from all of val and cannot be calibrated on it; "
                "name runs that held out a part of it by --judge"
            )
        panel.networks.append(network)
        panel.rows.append(rows)
        panel.size = record["config"]["size"]
    every = np.concatenate(panel.rows)
    if len(np.unique(every)) < len(every):
        raise ValueError("judges: two of them held out the same pictures; take one for each part")
    return panel

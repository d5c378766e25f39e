"""Average: the mean of several runs' weights as one run.

Runs of which one went on from another lie in one valley of the loss, and their mean lies
deeper in it than either (Wortsman et al. 2022, arXiv:2203.05482), at the price of one network.
Runs from different beginnings do not, and their mean is worse than any: measure it on val.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

__all__ = ["average"]


def average(runs: list[Path], out: Path) -> None:
    """Write the mean of runs' weights, with the record of the last of them.

    Parameters
    ----------
    runs : list of Path
        Folders of `training.train`, of one network.
    out : Path
        A folder of the same form.

    Raises
    ------
    ValueError
        If the networks differ.
    """
    states = [torch.load(run / "weights.pt", map_location="cpu", weights_only=True) for run in runs]
    shapes = [{name: value.shape for name, value in state.items()} for state in states]
    for run, shape in zip(runs, shapes, strict=True):
        if shape != shapes[0]:
            raise ValueError(f"{run} and {runs[0]} hold different networks, which have no mean")
    mean = {
        name: torch.stack([state[name] for state in states]).mean(0)
        if value.is_floating_point()
        else value
        for name, value in states[-1].items()
    }
    record = json.loads((runs[-1] / "run.json").read_text())
    record["averaged"] = len(runs)
    out.mkdir(parents=True, exist_ok=True)
    torch.save(mean, out / "weights.pt")
    (out / "run.json").write_text(json.dumps(record, indent=1))

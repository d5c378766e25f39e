"""Runs: what a training left in its folder, and the mean of several as one.

Runs of which one went on from another lie in one valley of the loss, and their mean lies
deeper in it than either (Wortsman et al. 2022, arXiv:2203.05482), at the price of one network.
Runs from different beginnings do not, and their mean is worse than any: measure it on val.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from galedge.network.card import Card
from training.nets.network import build
from training.words.fields import TaskError
from training.words.hubble import HUBBLE
from training.words.task import Task

__all__ = ["average", "load_run", "task_of", "task_of_bundle"]


def load_run(folder: Path) -> tuple[torch.nn.Module, dict[str, Any]]:
    """Return a trained network in evaluation mode, and the record of its run.

    Raises
    ------
    TaskError
        If the weights are not of the network and the task that the record tells of.
    """
    record = json.loads((folder / "run.json").read_text())
    state = torch.load(folder / "weights.pt", map_location="cpu", weights_only=True)
    network = build(record["config"]["network"], task_of(record).layers)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise TaskError(
            f"{folder}: weights.pt holds other layers than run.json tells of; train it again, "
            f"from these weights if you like: --set weights={folder / 'weights.pt'}"
        ) from error
    return network.eval(), record


def task_of(record: dict[str, Any]) -> Task:
    """Return the task of a run's record, or of the training that a card tells of.

    Those that name none are from before there were others than Hubble's.
    """
    told = record.get("task")
    return HUBBLE if told is None else Task.from_json(told)


def task_of_bundle(folder: Path) -> Task:
    """Return the task that a bundle answers."""
    return task_of(Card.read(folder).fields.get("training", {}))


def average(runs: list[Path], out: Path) -> None:
    """Write the mean of runs' weights, with the record of the last of them.

    Parameters
    ----------
    runs : list of Path
        Folders of `training.fit.train`, of one network.
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
    records = [json.loads((run / "run.json").read_text()) for run in runs]
    for run, record in zip(runs, records, strict=True):
        if task_of(record).answers != task_of(records[0]).answers:
            raise ValueError(f"{run} and {runs[0]} learned different tasks, which have no mean")
    record = {**records[-1], "averaged": len(runs)}
    out.mkdir(parents=True, exist_ok=True)
    torch.save(mean, out / "weights.pt")
    (out / "run.json").write_text(json.dumps(record, indent=1))

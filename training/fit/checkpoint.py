"""Checkpoint: all that a training is after an epoch, so that a later run goes on from there.

`state.pt` lies beside the weights, is replaced whole, and holds nothing but tensors and numbers.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.words.fields import TaskError

__all__ = ["NAME", "Checkpoint"]

NAME = "state.pt"


@dataclass
class Checkpoint:
    """What changes in a training, by name, and how far it is.

    Attributes
    ----------
    parts : dict
        Modules and optimizers.
    luck : dict
        NumPy's generators.
    dice : Generator
        Torch's.
    epoch, step : int
        How many are done.
    seconds : float
        How long they took, in all runs together.
    curve : list of dict
    """

    parts: dict[str, Any]
    luck: dict[str, np.random.Generator]
    dice: torch.Generator
    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    curve: list[dict[str, Any]] = field(default_factory=list)

    def save(self, folder: Path) -> None:
        """Write it, in one step: whoever is killed keeps the one before."""
        state = {
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "dice": self.dice.get_state(),
            "rest": json.dumps(
                {
                    "luck": {name: one.bit_generator.state for name, one in self.luck.items()},
                    "done": [self.epoch, self.step, self.seconds, self.curve],
                }
            ),
        }
        part = folder / f"{NAME}.part"
        torch.save(state, part)
        os.replace(part, folder / NAME)

    def resume(self, folder: Path) -> bool:
        """Go on from what a folder holds; return whether it holds anything.

        Raises
        ------
        TaskError
            If that was another network's training.
        """
        path = folder / NAME
        if not path.exists():
            return False
        state = torch.load(path, map_location="cpu", weights_only=True)
        try:
            for name, part in self.parts.items():
                part.load_state_dict(state["parts"][name])
        except (RuntimeError, KeyError, ValueError) as error:
            raise TaskError(
                f"{path}: is of another network or task; begin in another folder, or remove it"
            ) from error
        rest = json.loads(state["rest"])
        for name, one in self.luck.items():
            one.bit_generator.state = rest["luck"][name]
        self.dice.set_state(state["dice"])
        self.epoch, self.step, self.seconds, self.curve = rest["done"]
        return True

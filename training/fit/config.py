"""Config: every number that a training depends on beside its data and its task."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Config"]


@dataclass
class Config:
    """Everything a run depends on beside its data.

    Parameters
    ----------
    network : str
        See `training.nets.network.build`.
    size : int
        Side of the network's input.
    views : dict
        Chance of each packed view to be drawn, or of each kind: `linear` is any of linear0,
        linear1, ... A pack without it shows the picture as it is.
    cameras : bool
        Whether every picture is seen anew through a camera (`training.data.cameras`), in place
        of packed views; packs must have been made with --keep.
    mix : dict
        With several packs: pictures drawn of each, by its folder's name, per labelled picture,
        in place of `extra`. ``rendered`` are stars and artefacts (`training.data.others`).
    epochs, batch, lr, decay, warmup, floor : numbers
        AdamW with a cosine that starts after `warmup` (a share of all steps) and ends at
        `floor` (a share of `lr`; 1 keeps the rate, for a long average to settle around).
    ema : float
        Decay of the averaged weights that are evaluated and saved.
    imbalance, tau, smoothing : str, float, float
        See `training.fit.imbalance`.
    attributes : float
        Weight of labels and what is learned beside them.
    distil : float
        Weight of the teacher's predictions against the labels.
    hints : float
        Weight of guessing the teacher's features from the student's.
    extra : float
        Pictures without labels drawn per labelled picture.
    weights : str
        A file to start from: a run's `weights.pt`, ImageNet's for networks that begin
        with them, or a bundle's `model.fp32.onnx`, of this network or, for ``compact``, of
        a ``galaxy`` whose channels are to become fewer.
    minutes : float
        If given, the schedule follows the clock wherever that is ahead of the
        steps, and ends with it: for a shared machine and a deadline.
    small, grow : int, float
        Side of the input during the first share `grow` of the schedule.
    """

    network: str = "galaxy"
    size: int = 72
    views: dict[str, float] = field(default_factory=lambda: {"auto": 1.0})
    cameras: bool = False
    mix: dict[str, float] = field(default_factory=dict)
    epochs: int = 60
    batch: int = 64
    lr: float = 2e-3
    decay: float = 0.05
    warmup: float = 0.05
    floor: float = 1e-3
    ema: float = 0.998
    imbalance: str = "even"
    tau: float = 1.0
    smoothing: float = 0.1
    attributes: float = 0.3
    distil: float = 0.0
    hints: float = 0.0
    extra: float = 0.0
    dropout: float = 0.2
    augment: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    weights: str | None = None
    minutes: float = 0.0
    small: int = 0
    grow: float = 0.0

    def side(self, done: float) -> int:
        """Return the side of the input when a share of the schedule is done."""
        return self.small if self.small and done < self.grow else self.size

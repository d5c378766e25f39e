"""The networks by name; `Galaxy` is hubble-1's, `Compact` hubble-2's; both begin with nothing.

`training.nets.blocks` has what they are built of, `training.nets.pretrained` those that begin
with ImageNet's weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from training.nets.blocks import Block, Heads, fuse
from training.nets.compact import DESIGN, Compact
from training.nets.pretrained import Transfer

__all__ = ["Block", "Compact", "Galaxy", "Transfer", "build", "fuse", "parameters"]


class Galaxy(nn.Module):
    """The compact multi-scale network.

    Zero is black sky for the input and for the padding alike; `scale` only
    brings pictures, mostly dark, to unit size, and is folded at export.

    Parameters
    ----------
    layers : dict of str to int
        Widths of the layers on its features, by name: `training.words.task.Task.layers`.
    widths : tuple of int
        Channels of the stem and the three stages.
    """

    def __init__(
        self,
        layers: Mapping[str, int],
        widths: tuple[int, int, int, int] = (24, 48, 96, 160),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.scale = 4.0
        stem, a, b, c = widths
        self.stem = Block(3, stem, 5, 2)
        self.fine = nn.Sequential(Block(stem, a, 3, 2), Block(a, a, 3))
        self.middle = nn.Sequential(Block(a, b, 3, 2), Block(b, b, 5), Block(b, b, 3))
        self.coarse = nn.Sequential(Block(b, c, 3, 2), Block(c, c, 3))
        self.heads = Heads(2 * (b + c), layers, dropout)

    def features(self, x: Tensor) -> Tensor:
        """Return average and maximum of the middle and the coarse maps."""
        middle = self.middle(self.fine(self.stem(x * self.scale)))
        coarse = self.coarse(middle)
        pooled = [y.mean((2, 3)) for y in (middle, coarse)]
        pooled += [y.amax((2, 3)) for y in (middle, coarse)]
        return torch.cat(pooled, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return logits by layer for pictures (N, 3, S, S) in 0..1."""
        return self.heads(self.features(x))


def build(
    name: str, layers: Mapping[str, int], weights: str | None = None, dropout: float = 0.2
) -> nn.Module:
    """Return a network by name.

    `compact`, `compact:24|40,40|64,64k5,88|144,144`, `galaxy` or `galaxy:24,48,96,160` to be
    shipped; `mobilenet_v2` or one of timm's, such as `tf_efficientnet_lite2`, to teach. `layers`
    are those of `training.words.task.Task.layers`. `weights` is a file to start from: a run's
    `weights.pt`, of this task or another, or ImageNet's for those that begin with them.

    Raises
    ------
    ValueError
        If there is no such network, or the weights are another's.
    """
    state = torch.load(weights, map_location="cpu", weights_only=True) if weights else {}
    ours = any(key.startswith("heads.") for key in state)  # a run's
    others = None if ours else weights
    kind, _, widths = name.partition(":")
    network: nn.Module
    if kind in ("compact", "galaxy") and others:
        raise ValueError(f"{others}: {name} learns from nothing or from a run of its own")
    if kind == "compact":
        network = Compact(layers, widths or DESIGN, dropout)
    elif kind == "galaxy":
        sizes = tuple(int(width) for width in widths.split(",")) if widths else (24, 48, 96, 160)
        network = Galaxy(layers, sizes, dropout)  # type: ignore[arg-type]
    elif kind == "mobilenet_v2" or kind.startswith("tf_efficientnet"):
        network = Transfer(kind, layers, others)
    else:
        raise ValueError(
            f"unknown network {name!r}: take compact[:DESIGN], galaxy[:A,B,C,D], mobilenet_v2 "
            "or one of timm's tf_efficientnet_..."
        )
    if ours:
        try:
            network.load_state_dict(_grown(state, network.state_dict()))
        except RuntimeError as error:
            raise ValueError(
                f"{weights}: holds the weights of another network than {name}"
            ) from error
    return network


def _grown(state: dict[str, Tensor], fresh: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a run's weights for a network whose layers may be those of another task.

    A layer that the run lacks begins anew, and so do further rows of one that it has: labels
    that it did not know.
    """
    found = {key: value for key, value in state.items() if not key.startswith("heads.")}
    for key, value in fresh.items():
        if key.startswith("heads."):
            old = state.get(key, value[:0])
            fits = old.shape[1:] == value.shape[1:] and len(old) <= len(value)
            found[key] = torch.cat([old, value[len(old) :]]) if fits else value
    return found


def parameters(network: nn.Module) -> int:
    """Return the number of weights."""
    return sum(value.numel() for value in network.parameters())

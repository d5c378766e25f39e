"""The networks by name; `Galaxy`, the one that is shipped, learns from nothing.

`training.nets.blocks` has what they are built of, `training.nets.pretrained` those that begin
with ImageNet's weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.nets.blocks import Block, Heads, fuse
from training.nets.pretrained import Inverted, Mobile, Transfer, imagenet

__all__ = [
    "Block",
    "Galaxy",
    "Heads",
    "Inverted",
    "Mobile",
    "Transfer",
    "build",
    "fuse",
    "imagenet",
    "parameters",
]


class Galaxy(nn.Module):
    """The compact multi-scale network.

    Zero is black sky for the input and for the padding alike; `scale` only
    brings pictures, mostly dark, to unit size, and is folded at export.

    Parameters
    ----------
    widths : tuple of int
        Channels of the stem and the three stages.
    attributes : int
        Auxiliary outputs used in training only.
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int] = (24, 48, 96, 160),
        attributes: int = 0,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.scale = 4.0
        stem, a, b, c = widths
        self.stem = Block(3, stem, 5, 2)
        self.fine = nn.Sequential(Block(stem, a, 3, 2), Block(a, a, 3))
        self.middle = nn.Sequential(Block(a, b, 3, 2), Block(b, b, 5), Block(b, b, 3))
        self.coarse = nn.Sequential(Block(b, c, 3, 2), Block(c, c, 3))
        self.heads = Heads(2 * (b + c), attributes, dropout)

    def features(self, x: Tensor) -> Tensor:
        """Return average and maximum of the middle and the coarse maps."""
        middle = self.middle(self.fine(self.stem(x * self.scale)))
        coarse = self.coarse(middle)
        pooled = [y.mean((2, 3)) for y in (middle, coarse)]
        pooled += [y.amax((2, 3)) for y in (middle, coarse)]
        return torch.cat(pooled, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return logits by head for pictures (N, 3, S, S) in 0..1."""
        return self.heads(self.features(x))


def build(
    name: str, attributes: int, weights: str | None = None, dropout: float = 0.2
) -> nn.Module:
    """Return a network by name.

    `galaxy`, `galaxy:24,48,96,160` or `mobile` to be shipped; `mobilenet_v2` or one of
    timm's, such as `tf_efficientnet_lite2`, to teach. `weights` is a file to start from:
    a run's `weights.pt`, or ImageNet's for those that begin with them.
    """
    state = torch.load(weights, map_location="cpu", weights_only=True) if weights else {}
    ours = "heads.hubble.weight" in state  # a run's
    others = None if ours else weights
    kind, _, widths = name.partition(":")
    network: nn.Module
    if kind == "mobile":
        network = Mobile(attributes, dropout, others)
    elif kind == "galaxy":
        if others:
            raise ValueError(f"{others}: {name} learns from nothing or from a run of its own")
        sizes = tuple(int(width) for width in widths.split(",")) if widths else (24, 48, 96, 160)
        network = Galaxy(sizes, attributes, dropout)  # type: ignore[arg-type]
    elif kind == "mobilenet_v2" or kind.startswith("tf_efficientnet"):
        network = Transfer(kind, others, attributes)
    else:
        raise ValueError(
            f"unknown network {name!r}: take mobile, galaxy[:A,B,C,D], mobilenet_v2 "
            "or one of timm's tf_efficientnet_..."
        )
    if ours:
        network.load_state_dict(_grown(state, network.state_dict()))
    return network


def _grown(state: dict[str, Tensor], fresh: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a run's weights, with fresh ones for attributes that it did not know."""
    for name in ("heads.attributes.weight", "heads.attributes.bias"):
        more = fresh[name][len(state[name]) :]
        state[name] = torch.cat([state[name], more])
    return state


def parameters(network: nn.Module) -> int:
    """Return the number of weights."""
    return sum(value.numel() for value in network.parameters())

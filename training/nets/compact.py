"""Compact: the network of hubble-2, a chain of convolutions that integers compute fast.

The picture's 2x2 pixels become channels first, for a convolution of three channels wastes most
of what a processor does with bytes; large kernels stand where maps are small. No branch leaves
the chain, so that int8 keeps what training found (`training.ship.compensate`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from training.nets.blocks import Block, Heads

__all__ = ["DESIGN", "Compact", "space_to_depth"]

DESIGN = "24|40,40|64,64k5,88|144,144"
"""Of the stem and the stages the channels, and the kernels where they are not 3x3.

`64k5` is a dense kernel of side 5; `64d7` a depthwise one of side 7, and what mixes its channels.
"""

POOLED = 2  # last stages whose maps are pooled
_LAYER = re.compile(r"(\d+)(?:([kd])(\d+))?")


def space_to_depth(x: Tensor) -> Tensor:
    """Return pictures (N, C, S, S) with their 2x2 pixels as channels (N, 4C, S/2, S/2).

    Channels are in the order of ONNX's operator of that name, which an export holds.
    """
    if torch.onnx.is_in_onnx_export():
        n, c, height, width = x.shape
        return torch.onnx.ops.symbolic(
            "SpaceToDepth",
            (x,),
            {"blocksize": 2},
            dtype=x.dtype,
            shape=(n, 4 * c, height // 2, width // 2),
        )
    return torch.cat([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)


class Compact(nn.Module):
    """A chain of blocks; each stage halves the map, and the last two are pooled.

    Parameters
    ----------
    layers : dict of str to int
        Widths of the layers on its features, by name: `training.words.task.Task.layers`.
    design : str
        See `DESIGN`. The stem works on quarters of the picture's pixels, the first stage on
        quarters of these.

    Raises
    ------
    ValueError
        If the design is none.
    """

    def __init__(
        self, layers: Mapping[str, int], design: str = DESIGN, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.scale = 4.0
        first, *stages = [
            [_LAYER.fullmatch(layer) for layer in stage.split(",")] for stage in design.split("|")
        ]
        if not stages or len(first) != 1 or not all(all(stage) for stage in (first, *stages)):
            raise ValueError(f"design {design!r}: give channels and kernels such as {DESIGN!r}")
        blocks, wide = _blocks(12, first[0], 1)
        self.stem = blocks[0] if len(blocks) == 1 else nn.Sequential(*blocks)
        made, widths = [], []
        for stage in stages:
            whole = []
            for place, layer in enumerate(stage):
                blocks, wide = _blocks(wide, layer, 1 if place else 2)
                whole += blocks
            made.append(nn.Sequential(*whole))
            widths.append(wide)
        self.stages = nn.ModuleList(made)
        self.heads = Heads(2 * sum(widths[-POOLED:]), layers, dropout)

    fold = staticmethod(space_to_depth)
    """What is done to pixels of any type before the first convolution."""

    def features(self, x: Tensor) -> Tensor:
        """Return average and maximum of the last stages' maps."""
        return self.pooled(self.fold(x))

    def pooled(self, x: Tensor) -> Tensor:
        """Return the features of folded pictures (N, 12, S/2, S/2)."""
        x = self.stem(x * self.scale)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        last = maps[-POOLED:]
        return torch.cat([y.mean((2, 3)) for y in last] + [y.amax((2, 3)) for y in last], 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return logits by layer for pictures (N, 3, S, S) in 0..1, S even."""
        return self.heads(self.features(x))


def _blocks(inputs: int, layer: re.Match[str] | None, stride: int) -> tuple[list[Block], int]:
    """Return what a layer of a design is built of, and its channels."""
    assert layer is not None
    outputs, kind, kernel = int(layer[1]), layer[2], int(layer[3] or 3)
    if kind == "d":
        deep = Block(inputs, inputs, kernel, stride, groups=inputs)
        return [deep, Block(inputs, outputs, 1)], outputs
    return [Block(inputs, outputs, kernel, stride)], outputs

"""Narrow: a trained network with fewer channels, as the beginning of a cheaper one's training.

Of each layer the channels that best explain the others are kept, and what the next layer was
told by the others it is told by those: the least squares of the activations (He, Zhang & Sun
2017, arXiv:1707.06168). Without an intercept, so that the zeros around a map stay zeros.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.nets.blocks import Block
from training.nets.compact import POOLED, Compact, space_to_depth
from training.nets.network import Galaxy
from training.nets.revive import revive, settle

__all__ = ["narrow", "wider_than"]

_RIDGE = 1e-4  # of the mean power: least squares of channels that say nearly the same


@torch.no_grad()
def narrow(wide: nn.Module, slim: Compact, pictures: Iterable[Tensor]) -> None:
    """Fill a chain of blocks with what is kept of a trained one that has as many.

    Parameters
    ----------
    wide : Module
        `training.nets.network.Galaxy` or `Compact` in evaluation mode.
    slim : Compact
        With the blocks of `wide` in kernel and stride. Layers on the features that `wide` lacks,
        or has of another width, keep their weights.
    pictures : iterable of Tensor
        Batches (N, 3, S, S) in 0..1 of the side that `slim` is to be given.

    Raises
    ------
    ValueError
        If a block of one cannot do what the other's does.
    """
    before = [module for module in wide.modules() if isinstance(module, Block)]
    after = [module for module in slim.modules() if isinstance(module, Block)]
    if len(before) != len(after):
        raise ValueError(f"{len(before)} blocks cannot become {len(after)}")
    pictures = [x.float() for x in pictures]
    powers = _powers(wide, before, pictures)
    mixtures: dict[nn.Module, Tensor] = {}
    mixture: Tensor | None = None  # of the last layer's channels in those that were kept of it
    for old, new, power in zip(before, after, powers, strict=True):
        convolution = old.fused()[0]
        weight, bias = convolution.weight, convolution.bias
        if weight.shape[1] != new.weight().shape[1] and mixture is None:
            weight = _folded(weight)
        if mixture is not None:
            weight = torch.einsum("ochw,cj->ojhw", weight, mixture)
        kept, mixture = _chosen(power, len(new.norm.bias))
        weight = weight[kept]
        room = new.weight().shape
        if weight.shape != room:
            raise ValueError(f"a block of {tuple(weight.shape)} cannot become {tuple(room)}")
        new.become(weight, bias[kept])
        mixtures[new] = mixture
    ends = [mixtures[stage[-1]] for stage in slim.stages[-POOLED:]]
    pooled = torch.block_diag(*ends, *ends)
    for name, head in slim.heads.named().items():
        told = wide.heads.named().get(name)
        if told is not None and len(told.weight) == len(head.weight):
            head.weight.copy_(told.weight @ pooled)
            head.bias.copy_(told.bias)
    settle(slim, pictures)


def wider_than(slim: nn.Module, file: Path) -> Galaxy | None:
    """Return the network of a bundle's file if it is a `Galaxy` that a `Compact` can come from."""
    if not isinstance(slim, Compact):
        return None
    shapes = {
        one.name.removeprefix("network."): one.dims for one in onnx.load(file).graph.initializer
    }
    first = shapes.get("stem.0.weight", ())
    if len(first) != 4 or first[1] != 3:
        return None
    widths = [shapes[f"{name}.0.weight"][0] for name in ("stem", "fine.1", "middle.2", "coarse.1")]
    layers = {
        name.split(".")[1]: shape[0]
        for name, shape in shapes.items()
        if name.startswith("heads.") and name.endswith(".weight")
    }
    wide = Galaxy(layers, tuple(widths))  # type: ignore[arg-type]
    revive(wide, file)
    return wide.eval()


def _powers(net: nn.Module, blocks: list[Block], pictures: list[Tensor]) -> list[Tensor]:
    """Return of each block the mean products of its channels' activations (C, C)."""
    sums = [torch.zeros((), dtype=torch.float64) for _ in blocks]

    def watch(place: int) -> object:
        def hook(_: nn.Module, __: tuple[Tensor, ...], y: Tensor) -> None:
            a = y.transpose(0, 1).flatten(1)
            sums[place] = sums[place] + (a @ a.T).double() / a.shape[1]

        return hook

    hooks = [block.register_forward_hook(watch(i)) for i, block in enumerate(blocks)]
    net.eval()
    for x in pictures:
        net(x)
    for hook in hooks:
        hook.remove()
    return sums


def _chosen(power: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """Return the channels to keep, and all channels as mixtures of them (C, number).

    One after another, each that explains most of what is left of all: a pivoted Cholesky.
    """
    scale = power.diagonal().clamp_min(1e-12).rsqrt()
    left = power * scale[:, None] * scale  # every channel counts alike, however bright it is
    kept: list[int] = []
    for _ in range(number):
        own = left.diagonal().clamp_min(0)
        gain = left.square().sum(0) / own.clamp_min(1e-9)
        gain[own < 1e-6] = -1
        gain[kept] = -2
        one = int(gain.argmax())
        kept.append(one)
        column = left[:, one]
        left = left - torch.outer(column, column) / own[one].clamp_min(1e-9)
    some = torch.tensor(sorted(kept))
    inner = power[some][:, some]
    inner = inner + _RIDGE * inner.diagonal().mean() * torch.eye(number, dtype=inner.dtype)
    return some, torch.linalg.solve(inner, power[some]).T.float()


def _folded(weight: Tensor) -> Tensor:
    """Return a kernel of stride 2 as one of stride 1 on folded pixels (see `space_to_depth`)."""
    side = weight.shape[-1]
    reach = (side // 2 + 1) // 2  # of the folded kernel
    ahead = 2 * reach - side // 2
    return space_to_depth(F.pad(weight, [ahead, 2 * (2 * reach + 1) - side - ahead] * 2))

"""Revive: a shipped bundle's ONNX file as weights that can be trained on.

A bundle holds fused convolutions. Each becomes the largest branch of its block, the
others begin at zero, and batch norm, which fusing swallowed, is put back so that it
changes nothing: it needs to have seen pictures for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from training.nets.blocks import Block

__all__ = ["revive", "settle"]


@torch.no_grad()
def revive(network: nn.Module, file: Path) -> None:
    """Fill a network, whose layers must be those of the file, with its weights.

    Parameters
    ----------
    network : Module
        Of `training.nets.network.build`. Layers on its features that the bundle lacks keep their
        weights, and so do the first rows of one of which it has the last: what was learned
        beside labels is not exported.
    file : Path
        A bundle's `model.fp32.onnx`.

    Raises
    ------
    ValueError
        If the file holds another network, or integers.
    """
    stored = {
        one.name.removeprefix("network."): torch.tensor(numpy_helper.to_array(one))
        for one in onnx.load(file).graph.initializer
    }

    def take(name: str, shape: torch.Size) -> Tensor:
        value = stored.get(name)
        some = name.startswith("heads.")
        if value is None or not value.is_floating_point() or value.shape[some:] != shape[some:]:
            raise ValueError(
                f"{file}: holds no floating-point weights {name} of shape {tuple(shape)}: take "
                "the model.fp32.onnx of a bundle that was made from a network of this name"
            )
        return value

    for name, block in network.named_modules():
        if not isinstance(block, Block):
            continue
        weight = take(f"{name}.0.weight", block.weight().shape)
        if name == "stem":
            weight = weight * (255 / network.scale)  # which export folded
        block.become(weight, take(f"{name}.0.bias", block.norm.bias.shape))
    for name, head in network.heads.named().items():
        if f"heads.{name}.weight" not in stored:
            continue
        weight = take(f"heads.{name}.weight", head.weight.shape)
        if len(weight) <= len(head.weight):
            head.weight[-len(weight) :] = weight
            head.bias[-len(weight) :] = take(f"heads.{name}.bias", head.bias.shape)


@torch.no_grad()
def settle(network: nn.Module, pictures: Iterable[Tensor]) -> None:
    """Give batch norms the statistics of what they normalise, and their function back.

    In training they divide by what a batch has. With each filter scaled to give unit
    variance on these pictures, and the norm undoing that, training begins with the
    function that the file computes.
    """
    blocks = [module for module in network.modules() if isinstance(module, Block)]
    sums = [torch.zeros(3, block.norm.num_features, dtype=torch.float64) for block in blocks]

    def watch(total: Tensor) -> object:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0].transpose(0, 1).flatten(1).double()
            number = torch.full((len(x),), x.shape[1])
            total.add_(torch.stack([number, x.sum(1), (x * x).sum(1)]))

        return hook

    hooks = [
        block.norm.register_forward_pre_hook(watch(total))
        for block, total in zip(blocks, sums, strict=True)
    ]
    network.eval()
    for x in pictures:
        network(x)
    for hook in hooks:
        hook.remove()
    for block, (count, total, square) in zip(blocks, sums, strict=True):
        mean = total / count
        spread = (square / count - mean**2).clamp_min(0).sqrt().clamp_min(1e-3)
        norm, weight = block.norm, block.weight()
        block.branches[0] += weight / spread.float()[:, None, None, None] - weight
        norm.running_mean.copy_(mean / spread)
        norm.running_var.fill_(1.0)
        norm.bias += mean * norm.weight / (1 + norm.eps) ** 0.5
        norm.weight *= spread

"""Rounding: a network trained as its int8 file computes it.

`rounded` fuses a network and makes every convolution round its kernel to integers
per channel, its bias to theirs, and its output to bytes, as `training.ship.quantize` then
writes them; gradients pass as if nothing were rounded (Bengio et al. 2013,
arXiv:1308.3432). `smooth` takes the rounding away again, keeps the weights, and says
which ranges they learned to live with.

Maps that are added have one range, with its zero in the middle: their sum is one of
bytes then, which no engine rounds otherwise than another.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.nets.blocks import fuse, replace
from training.nets.pretrained import Inverted

__all__ = ["LEVELS", "WEIGHT_BITS", "Bytes", "Rounded", "calibrate", "rounded", "smooth"]

WEIGHT_BITS = 7
"""With 8, processors that lack VNNI overflow and give wrong answers."""

LEVELS = {7: 64, 8: 127}  # the largest integer that a weight becomes, by its bits

CUT = 1e-5  # of the values of a map may lie beyond its range, at either end


class Bytes(nn.Module):
    """Values rounded to the 256 steps between `low` and `high`; as they are before calibration."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))

    def step(self) -> tuple[Tensor, Tensor]:
        """Return the width of a step, and the byte that stands for zero."""
        width = (self.high - self.low).clamp(min=1e-8) / 255
        return width, (-self.low / width).round()

    def forward(self, x: Tensor) -> Tensor:
        """Round what lies within, and clip the rest."""
        if bool(self.high <= self.low):
            return x
        width, zero = self.step()
        inside = torch.clamp(x, -zero * width, (255 - zero) * width)
        return straight(inside, width)

    def see(self, values: Tensor, cut: float = CUT) -> None:
        """Widen the range to hold all but the share `cut` of values at either end, and zero."""
        flat = values.flatten().float()
        beyond = max(1, round(cut * len(flat)))
        low = torch.topk(flat, beyond, largest=False).values[-1]
        high = torch.topk(flat, beyond).values[-1]
        self.low.copy_(torch.minimum(self.low, low))
        self.high.copy_(torch.maximum(self.high, high))


class Rounded(nn.Module):
    """A fused convolution, with its rectifier, in integers; `unit` is a step of its input."""

    def __init__(self, fused: nn.Sequential) -> None:
        super().__init__()
        self.fused = fused
        self.bytes = Bytes()
        self.register_buffer("unit", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve with the rounded kernel, rectify, round."""
        one: Any = self.fused[0]
        width = one.weight.detach().abs().amax((1, 2, 3)).clamp(min=1e-12) / LEVELS[WEIGHT_BITS]
        kernel = straight(one.weight, width[:, None, None, None])
        bias = straight(one.bias, width * self.unit) if bool(self.unit > 0) else one.bias
        y = F.conv2d(x, kernel, bias, one.stride, one.padding, one.dilation, one.groups)
        return self.bytes(self.fused[1:](y))


def straight(x: Tensor, width: Tensor) -> Tensor:
    """Round to multiples of a width; the gradient goes straight through."""
    return x + ((x / width).round() * width - x).detach()


def rounded(network: nn.Module) -> nn.Module:
    """Return a fused copy that rounds once it is calibrated."""
    network = fuse(network)

    def rounding(child: nn.Module) -> nn.Module | None:
        if isinstance(child, Inverted) and child.skip:
            child.sum = Bytes()
        fused = isinstance(child, nn.Sequential) and child and isinstance(child[0], nn.Conv2d)
        return Rounded(child) if fused else None

    replace(network, rounding)
    return network


@torch.no_grad()
def calibrate(network: Any, batches: Iterable[Tensor]) -> None:
    """Give every map of a `rounded` network the range that it has on pictures (N, 3, S, S)."""
    made: dict[int, tuple[Tensor, Bytes]] = {}
    sources: dict[Rounded, Bytes | None] = {}

    def follow(module: Rounded, values: tuple[Tensor, ...]) -> None:
        sources[module] = made.get(id(values[0]), (None, None))[1]

    hooks = []
    for module in network.modules():
        if isinstance(module, Bytes):
            see = module.register_forward_pre_hook(lambda module, values: module.see(values[0]))
            # The map is kept, so that nothing else gets its identity.
            keep = module.register_forward_hook(
                lambda module, _, value: made.update({id(value): (value, module)})
            )
            hooks += [see, keep]
        elif isinstance(module, Rounded):
            hooks.append(module.register_forward_pre_hook(follow))
    network.eval()
    for x in batches:
        made.clear()
        network(x)
    for hook in hooks:
        hook.remove()
    for together in _added(network):
        most = max(float(max(place.high, -place.low * 127 / 128)) for place in together)
        for place in together:
            place.low.fill_(-most * 128 / 127), place.high.fill_(most)
    for module, source in sources.items():  # the first convolution's input are the picture's bytes
        module.unit.copy_(source.step()[0] if source else torch.tensor(network.scale / 255))


def _added(network: nn.Module) -> list[list[Bytes]]:
    """Return the maps that are added to each other, and singly those without a rectifier."""
    groups: list[list[Bytes]] = []
    within: set[Bytes] = set()
    for module in network.modules():
        if isinstance(module, Inverted):
            last: Any = module.blocks[-1]
            if not module.skip:
                groups.append([])
            groups[-1] += [last.bytes, *([module.sum] if module.skip else [])]
            within |= set(groups[-1])
    linear = (m for m in network.modules() if isinstance(m, Rounded) and len(m.fused) == 1)
    return groups + [[module.bytes] for module in linear if module.bytes not in within]


def smooth(network: nn.Module) -> tuple[nn.Module, list[Bytes], list[Bytes]]:
    """Return a fused copy that no longer rounds, and how convolutions and sums did, in order."""
    convolutions = [m.bytes for m in network.modules() if isinstance(m, Rounded)]
    sums = [m.sum for m in network.modules() if isinstance(m, Inverted) and m.skip]
    network = copy.deepcopy(network)

    def exact(child: nn.Module) -> nn.Module | None:
        if isinstance(child, Rounded):
            return child.fused
        return nn.Identity() if isinstance(child, Bytes) else None

    replace(network, exact)
    return network, convolutions, sums

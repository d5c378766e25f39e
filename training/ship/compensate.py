"""Compensate: weights rounded one after another, each making good what those before did.

Two steps, on a chain of convolutions that is about to be written in bytes:

1. *Balance.* A rectifier lets a positive factor through, so each channel of a map can be
   divided by one if the next convolution multiplies it back (Nagel et al. 2019,
   arXiv:1906.04721). All channels of a map share one step of a byte; two thirds of the
   way to one range for all of them is where maps and weights together lose least.
2. *Compensation.* What a weight loses by rounding is put upon the weights of its kernel that
   are still to be rounded, as far as their inputs go together on real pictures (Frantar et
   al. 2022, arXiv:2210.17323), and the rest, in the mean, upon the bias. Inputs are those of
   the rounded network, so each layer also mends the means that the layers before it moved.

Both cost nothing at run time: the file has the same operators, with other integers in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor

__all__ = ["LEVELS", "WEIGHT_BITS", "Bytes", "Link", "balance", "chain", "compensate"]

WEIGHT_BITS = 7
"""With 8, processors that lack VNNI overflow and give wrong answers."""

LEVELS = {7: 64, 8: 127}  # the largest integer that a weight becomes, by its bits
SHARE = 0.65  # of the way to one range for all channels; 0.5 and 0.8 are as good, 0 and 1 worse
CUTS = (3e-5, 1e-5, 3e-6, 1e-6, 1e-7)  # shares of a map's values that its range may leave out
FLOOR = 1e-2  # a channel that is nearly dead counts as one of this share of the widest
DAMPING = 1e-3  # of the mean square of inputs, added to all: what pictures do not tell stays
POSITIONS = 20_000  # of a batch; beyond, every fourth is enough


@dataclass(frozen=True)
class Bytes:
    """Values rounded to the 256 steps between two ends, zero being one of the steps."""

    low: Tensor
    high: Tensor

    @classmethod
    def of(cls, values: Tensor, cut: float) -> Bytes:
        """Return the range that holds all but the share `cut` of values at either end, and zero."""
        flat = values.flatten().float()
        beyond = max(1, round(cut * len(flat)))
        low = torch.topk(flat, beyond, largest=False).values[-1].clamp(max=0)
        return cls(low, torch.topk(flat, beyond).values[-1].clamp(min=0))

    def step(self) -> tuple[Tensor, Tensor]:
        """Return the width of a step, and the byte that stands for zero."""
        width = (self.high - self.low).clamp(min=1e-8) / 255
        return width, (-self.low / width).round()

    def __call__(self, x: Tensor) -> Tensor:
        """Round what lies within, and clip the rest."""
        width, zero = self.step()
        return torch.clamp((x / width).round(), -zero, 255 - zero) * width


@dataclass
class Link:
    """A convolution with its rectifier. `alone`: nothing but the next link reads its map."""

    weight: onnx.TensorProto
    bias: onnx.TensorProto
    strides: list[int]
    padding: list[int]
    alone: bool

    def kernel(self) -> Tensor:
        """Return the weights (out, in, k, k)."""
        return torch.tensor(numpy_helper.to_array(self.weight))

    def shift(self) -> Tensor:
        """Return the bias (out,)."""
        return torch.tensor(numpy_helper.to_array(self.bias))

    def store(self, kernel: Tensor, shift: Tensor) -> None:
        """Put other values into the graph."""
        for place, value in ((self.weight, kernel), (self.bias, shift)):
            place.CopyFrom(numpy_helper.from_array(value.float().numpy(), place.name))

    def convolve(self, x: Tensor) -> Tensor:
        """Return what the rectifier is given."""
        return F.conv2d(x, self.kernel(), self.shift(), self.strides, self.padding)

    def run(self, x: Tensor) -> Tensor:
        """Convolve and rectify."""
        return self.convolve(x).relu_()

    def inputs(self, x: Tensor) -> Tensor:
        """Return what the kernel sees at each position (in * k * k, positions)."""
        side = self.weight.dims[-1]
        seen = F.unfold(x, side, padding=self.padding, stride=self.strides)
        seen = seen.transpose(0, 1).flatten(1)
        return seen[:, ::4] if seen.shape[1] > POSITIONS else seen


def chain(graph: onnx.GraphProto, maps: list[onnx.NodeProto]) -> list[Link] | None:
    """Return the links of a network, or None where its maps are not made one from another.

    Parameters
    ----------
    graph : GraphProto
        With bytes for input, cast to float.
    maps : list of NodeProto
        What maps are made by, `training.ship.quantize.body`.
    """
    values = {value.name: value for value in graph.initializer}
    links: list[Link] = []
    maps = [node for node in maps if node.op_type != "SpaceToDepth"]  # moves bytes, no more
    if [node.op_type for node in maps] != ["Cast", *["Conv", "Relu"] * (len(maps) // 2)]:
        return None
    for before, node, rectifier in zip(maps[:-2:2], maps[1::2], maps[2::2], strict=True):
        given: dict[str, Any] = {
            value.name: onnx.helper.get_attribute_value(value) for value in node.attribute
        }
        pads = list(given.get("pads", [0, 0, 0, 0]))
        plain = given.get("group", 1) == 1 and set(given.get("dilations", [1])) == {1}
        joined = node.input[0] == before.output[0] and rectifier.input[0] == node.output[0]
        if not (plain and joined and len(node.input) == 3 and pads[:2] == pads[2:]):
            return None
        readers = [n for n in graph.node if rectifier.output[0] in n.input]
        weight, bias = (values[name] for name in node.input[1:])
        strides = list(given.get("strides", [1, 1]))
        alone = [reader.op_type for reader in readers] == ["Conv"]
        links.append(Link(weight, bias, strides, pads[:2], alone))
    return links


@torch.no_grad()
def balance(links: list[Link], pixels: np.ndarray, batch: int = 32) -> None:
    """Bring the ranges of a map's channels nearer to each other; the network stays the same."""
    most: list[Any] = [0.0] * len(links)
    for low in range(0, len(pixels), batch):
        x = torch.tensor(pixels[low : low + batch]).float()
        for i, link in enumerate(links):
            x = link.run(x)
            most[i] = x.amax((0, 2, 3)).clamp(min=most[i])
    for link, after, high in zip(links, links[1:], most, strict=False):
        if link.alone and high.max() > 0:
            factor = (high / high.max()).clamp(min=FLOOR) ** SHARE
            link.store(link.kernel() / factor[:, None, None, None], link.shift() / factor)
            after.store(after.kernel() * factor[None, :, None, None], after.shift())


@torch.no_grad()
def compensate(
    links: list[Link], pixels: np.ndarray, levels: int = LEVELS[WEIGHT_BITS], batch: int = 32
) -> list[Bytes]:
    """Round the weights of a chain, on pictures, and return the ranges of its maps.

    Parameters
    ----------
    links : list of Link
        Their weights become multiples, -`levels` to `levels`, of a step of each channel
        whose largest is `levels`: whoever takes a step from the largest finds this one.
    pixels : ndarray
        uint8 (N, 3, S, S): prepared training pictures of every kind.
    """
    exact = torch.tensor(pixels).float()
    rounded, ranges = exact, []
    for link, after in zip(links, [*links[1:], None], strict=True):
        kernel, shift = link.kernel(), link.shift()
        moments = torch.zeros(kernel[0].numel() + 1, kernel[0].numel() + 1, dtype=torch.float64)
        count = 0
        for x in rounded.split(batch):
            seen = link.inputs(x)
            seen = torch.cat([seen, torch.ones(1, seen.shape[1])])
            moments += seen @ seen.T
            count += seen.shape[1]
        moments /= count
        exact = torch.cat([link.run(x) for x in exact.split(batch)])
        weights = kernel.flatten(1).double()
        mean = moments[:-1, -1]
        steps = round_weights(weights, moments[:-1, :-1] - mean[:, None] * mean, levels)
        link.store(steps.view_as(kernel), shift + (weights - steps) @ mean)
        here = fitting(exact, after)
        rounded = torch.cat([here(link.run(x)) for x in rounded.split(batch)])
        ranges.append(here)
    return ranges


def fitting(values: Tensor, after: Link | None) -> Bytes:
    """Return the range of a map whose rounding moves least of what the next link makes of it."""
    some = values[::4]
    wanted = after.convolve(some) if after else some
    power = wanted.square().mean((1, 2, 3)).clamp(min=1e-12)  # a faint galaxy's map counts as much

    def error(tried: Bytes) -> float:
        seen = tried(some)
        lost = wanted - (after.convolve(seen) if after else seen)
        return float((lost.square().mean((1, 2, 3)) / power).mean())

    return min((Bytes.of(values, cut) for cut in CUTS), key=error)


def round_weights(weights: Tensor, spread: Tensor, levels: int) -> Tensor:
    """Return weights (out, K) as multiples of a step per row, given the inputs' covariance (K, K).

    Column by column; what is lost goes to the columns that follow, by the Cholesky factor of
    the inverse. The largest of each row keeps its value, so the row keeps its step.
    """
    size = weights.shape[1]
    damping = DAMPING * spread.diagonal().mean().clamp(min=1e-12)
    inverse = torch.linalg.inv(spread + damping * torch.eye(size, dtype=spread.dtype))
    factor = torch.linalg.cholesky(inverse, upper=True)
    step = weights.abs().amax(1).clamp(min=1e-12) / levels
    largest = weights.abs().argmax(1)
    left, found = weights.clone(), torch.zeros_like(weights)
    for column in range(size):
        near = (left[:, column] / step).round().clamp(-levels, levels) * step
        found[:, column] = torch.where(largest == column, weights[:, column], near)
        error = (left[:, column] - found[:, column]) / factor[column, column]
        left[:, column:] -= error[:, None] * factor[column, column:]
    return found

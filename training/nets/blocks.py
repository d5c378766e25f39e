"""Blocks: what the networks are built of, and how several scales become one convolution.

Each block sums parallel branches (a large kernel, a 3x3, a dilated 3x3, a 1x1
and, where shapes allow, the identity), and batch norm comes after the sum, so
that int8 survives the fusion. `fuse` turns every block into one convolution
with bias; the result is the same function.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Block", "Heads", "fuse"]


class Block(nn.Module):
    """Parallel convolutions of one input, summed, normalised, rectified.

    The branches are linear, so their sum is one convolution whose kernel is
    the sum of theirs: training runs that one, at the price of a plain network.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel : int
        Side of the fused kernel; branches of all smaller odd sides run beside
        it, a dilated 3x3 spanning it where it is at least 5, and the identity
        where shapes allow.
    stride : int
        1, 2 or 4.
    groups : int
        1, or the number of channels for a depthwise convolution.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.groups = kernel, stride, groups
        sides = list(range(kernel, 0, -2))
        self.steps = [1] * len(sides)
        if kernel >= 5:
            sides.append(3)
            self.steps.append((kernel - 1) // 2)
        shapes = [(outputs, inputs // groups, side, side) for side in sides]
        self.branches = nn.ParameterList(
            nn.init.kaiming_normal_(torch.empty(shape)) / len(sides) ** 0.5 for shape in shapes
        )
        self.identity = inputs == outputs and stride == groups == 1
        self.norm = nn.BatchNorm2d(outputs)

    def weight(self) -> Tensor:
        """Return the kernel of the sum of all branches."""
        total = self.branches[0]
        for branch, step in zip(self.branches[1:], self.steps[1:], strict=True):
            if step > 1:
                spread = branch.new_zeros(total.shape)
                spread[:, :, ::step, ::step] = branch
                total = total + spread
            else:
                total = total + F.pad(branch, [(self.kernel - branch.shape[-1]) // 2] * 4)
        if self.identity:
            unit = torch.eye(total.shape[0], device=total.device)[:, :, None, None]
            total = total + F.pad(unit, [self.kernel // 2] * 4)
        return total

    @torch.no_grad()
    def become(self, weight: Tensor, bias: Tensor) -> None:
        """Compute in evaluation what one convolution does, with a norm that changes nothing.

        The largest branch takes what the identity leaves of its kernel, the others begin at zero.
        """
        for branch in self.branches:
            branch.zero_()
        self.branches[0].copy_(weight - self.weight())  # what is left is the identity
        self.norm.reset_parameters()
        self.norm.weight.fill_((1 + self.norm.eps) ** 0.5)
        self.norm.bias.copy_(bias)

    def forward(self, x: Tensor) -> Tensor:
        """Run the sum of the branches as one convolution."""
        y = F.conv2d(x, self.weight(), None, self.stride, self.kernel // 2, 1, self.groups)
        return F.relu(self.norm(y))

    def parallel(self, x: Tensor) -> Tensor:
        """Run the branches one by one: what `forward` must equal."""
        y = x if self.identity else torch.zeros(())
        for branch, step in zip(self.branches, self.steps, strict=True):
            reach = step * (branch.shape[-1] // 2)
            y = y + F.conv2d(x, branch, None, self.stride, reach, step, self.groups)
        return F.relu(self.norm(y))

    def fused(self) -> nn.Sequential:
        """Return the one convolution and rectifier that do the same in evaluation mode."""
        weight = self.weight().detach()
        scale = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        one = nn.Conv2d(
            weight.shape[1] * self.groups,
            weight.shape[0],
            self.kernel,
            self.stride,
            self.kernel // 2,
            groups=self.groups,
        )
        one.weight.data = weight * scale.detach()[:, None, None, None]
        one.bias.data = (self.norm.bias - self.norm.running_mean * scale).detach()
        return nn.Sequential(one, nn.ReLU())


class Heads(nn.Module):
    """Dropout and linear layers on pooled features, by name; `layers` are their widths."""

    def __init__(self, features: int, layers: Mapping[str, int], dropout: float = 0.2) -> None:
        super().__init__()
        self.inputs = features
        self.dropout = nn.Dropout(dropout)
        for name, width in layers.items():
            if hasattr(self, name):
                raise ValueError(f"a layer cannot be called {name!r}, a word that torch has")
            self.add_module(name, nn.Linear(features, width))

    def named(self) -> dict[str, nn.Linear]:
        """Return the layers by name."""
        found = self.named_children()
        return {name: layer for name, layer in found if isinstance(layer, nn.Linear)}

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return logits by layer."""
        x = self.dropout(x)
        return {name: layer(x) for name, layer in self.named().items()}


def fuse(network: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode whose blocks are single convolutions."""
    network = copy.deepcopy(network)
    for part in list(network.modules()):
        for name, child in list(part.named_children()):
            if isinstance(child, Block):
                setattr(part, name, child.fused())
    return network.eval()

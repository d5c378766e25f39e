"""The networks: several scales in training, one chain of plain convolutions at inference.

Each block sums parallel branches (a large kernel, a 3x3, a dilated 3x3, a 1x1
and, where shapes allow, the identity), and batch norm comes after the sum, so
that int8 survives the fusion. `fuse` turns every block into one convolution
with bias; the result is the same function.

`Galaxy` is built of dense blocks and learns from nothing. `Mobile`, the one that
is shipped, takes two thirds of MobileNetV2 as ImageNet taught it, and gives its
last depthwise kernels more scales.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "CLASSES",
    "T_BINS",
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

# ImageNet's, by which its networks want pictures normalised.
_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
_STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)

CLASSES = ("E", "S0", "Sa", "Sb", "Sc", "Sd", "Irr")
T_BINS = tuple(range(-6, 11))


_RECTIFIERS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "relu6": F.relu6,
    "": lambda x: x,
}
_MODULES: dict[str, tuple[nn.Module, ...]] = {"relu": (nn.ReLU(),), "relu6": (nn.ReLU6(),), "": ()}


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
    rectify : {"relu", "relu6", ""}
        What follows the norm.
    start : Tensor, optional
        A kernel learned elsewhere. The branch of its size begins with it and
        all others with zero, without an identity: the block begins as that
        convolution and grows further scales from there.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        groups: int = 1,
        rectify: str = "relu",
        start: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.groups, self.rectify = kernel, stride, groups, rectify
        sides = list(range(kernel, 0, -2))
        self.steps = [1] * len(sides)
        if kernel >= 5:
            sides.append(3)
            self.steps.append((kernel - 1) // 2)
        shapes = [(outputs, inputs // groups, side, side) for side in sides]
        if start is None:
            branches = [
                nn.init.kaiming_normal_(torch.empty(shape)) / len(sides) ** 0.5 for shape in shapes
            ]
        else:
            branches = [torch.zeros(shape) for shape in shapes]
            branches[sides.index(start.shape[-1])].copy_(start)
        self.branches = nn.ParameterList(branches)
        self.identity = inputs == outputs and stride == groups == 1 and start is None
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

    def forward(self, x: Tensor) -> Tensor:
        """Run the sum of the branches as one convolution."""
        y = F.conv2d(x, self.weight(), None, self.stride, self.kernel // 2, 1, self.groups)
        return _RECTIFIERS[self.rectify](self.norm(y))

    def parallel(self, x: Tensor) -> Tensor:
        """Run the branches one by one: what `forward` must equal."""
        y = x if self.identity else torch.zeros(())
        for branch, step in zip(self.branches, self.steps, strict=True):
            reach = step * (branch.shape[-1] // 2)
            y = y + F.conv2d(x, branch, None, self.stride, reach, step, self.groups)
        return _RECTIFIERS[self.rectify](self.norm(y))

    def fused(self) -> nn.Sequential:
        """Return the one convolution (and rectifier) that does the same in evaluation mode."""
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
        return nn.Sequential(one, *_MODULES[self.rectify])


class Heads(nn.Module):
    """Dropout and linear heads on pooled features: classes, T bins, attributes."""

    def __init__(self, features: int, attributes: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.hubble = nn.Linear(features, len(CLASSES))
        self.t_bins = nn.Linear(features, len(T_BINS))
        self.attributes = nn.Linear(features, attributes)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return logits by head."""
        x = self.dropout(x)
        return {
            "hubble": self.hubble(x),
            "t_bins": self.t_bins(x),
            "attributes": self.attributes(x),
        }


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


class Inverted(nn.Module):
    """MobileNetV2's block (Sandler et al. 2018): widen, filter each channel, narrow.

    Parameters
    ----------
    source : Module
        torchvision's InvertedResidual, which this begins as.
    kernel : int
        Side of the depthwise kernel, 3 or larger: see `Block`.
    """

    def __init__(self, source: Any, kernel: int = 3) -> None:
        super().__init__()
        convolutions = [m for m in source.modules() if isinstance(m, nn.Conv2d)]
        norms = [m for m in source.modules() if isinstance(m, nn.BatchNorm2d)]
        self.blocks = nn.Sequential()
        rectifiers = ["relu6"] * (len(norms) - 1) + [""]
        for one, norm, rectify in zip(convolutions, norms, rectifiers, strict=True):
            block = Block(
                one.in_channels,
                one.out_channels,
                max(kernel if one.groups > 1 else 1, one.kernel_size[0]),
                one.stride[0],
                groups=one.groups,
                rectify=rectify,
                start=one.weight.data,
            )
            block.norm.load_state_dict(norm.state_dict())
            self.blocks.append(block)
        self.skip = bool(source.use_res_connect)
        self.sum = nn.Identity()  # where `training.rounding` rounds

    def forward(self, x: Tensor) -> Tensor:
        """Return the narrow maps, added to the input where shapes allow."""
        y = self.blocks(x)
        return self.sum(x + y) if self.skip else y


class Mobile(nn.Module):
    """The trunk of MobileNetV2, cut at a sixteenth of the side, its last kernels grown.

    Parameters
    ----------
    attributes : int
        Auxiliary outputs.
    weights : str, optional
        ImageNet's, a file of torchvision's; default random.
    """

    def __init__(
        self, attributes: int = 0, dropout: float = 0.2, weights: str | None = None
    ) -> None:
        super().__init__()
        layers = imagenet(weights)
        self.scale = 1.0  # of what the stem is given: see `Galaxy`
        self.stem = _first(layers[0])
        self.fine = nn.Sequential(*(Inverted(layer) for layer in layers[1:7]))
        self.middle = nn.Sequential(*(Inverted(layer) for layer in layers[7:11]))
        grown = (Inverted(layer, 5) for layer in layers[11:14])
        self.coarse = nn.Sequential(*grown, Block(96, 256, 1))
        self.heads = Heads(512, attributes, dropout)
        self.frozen: list[nn.Module] = []

    def freeze(self, layers: int) -> None:
        """Keep the first layers as they are: they are generic, and half of a step's time."""
        self.frozen = [self.stem, *self.fine][:layers]
        for layer in self.frozen:
            layer.requires_grad_(False)

    def train(self, mode: bool = True) -> Mobile:
        """Keep the frozen layers' batch norm as it came."""
        super().train(mode)
        for layer in self.frozen:
            layer.eval()
        return self

    def features(self, x: Tensor) -> Tensor:
        """Return average and maximum of the coarse maps."""
        y = self.coarse(self.middle(self.fine(self.stem(x))))
        return torch.cat([y.mean((2, 3)), y.amax((2, 3))], 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return logits by head for pictures (N, 3, S, S) in 0..1."""
        return self.heads(self.features(x))


def _first(layer: Any) -> Block:
    """Return MobileNetV2's first layer for pictures in 0..1, not normalised ones."""
    convolution, norm = layer[0], layer[1]
    weight = convolution.weight.data / _STD
    block = Block(3, weight.shape[0], 3, 2, rectify="relu6", start=weight)
    block.norm.load_state_dict(norm.state_dict())
    block.norm.running_mean += (weight * _MEAN).sum((1, 2, 3))
    return block


def imagenet(weights: str | None) -> nn.Sequential:
    """Return the layers of torchvision's MobileNetV2 with weights from a file, or random ones."""
    net = _torchvision().models.mobilenet_v2()
    if weights:
        net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return net.features


class Transfer(nn.Module):
    """A torchvision backbone with our heads; its early, generic layers stay as they are."""

    def __init__(self, weights: str | None, attributes: int, frozen: int = 3) -> None:
        super().__init__()
        self.body = imagenet(weights)
        self.frozen = frozen
        self.body[:frozen].requires_grad_(False)
        self.heads = Heads(1280, attributes)
        self.register_buffer("mean", _MEAN.clone())
        self.register_buffer("std", _STD.clone())

    def train(self, mode: bool = True) -> Transfer:
        """Keep the frozen layers' batch norm as it came."""
        super().train(mode)
        self.body[: self.frozen].eval()
        return self

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return logits by head."""
        x = self.body((x - self.mean) / self.std)
        return self.heads(x.mean((2, 3)))


def build(
    name: str, attributes: int, weights: str | None = None, dropout: float = 0.2
) -> nn.Module:
    """Return a network by name: `mobile`, `galaxy`, `galaxy:24,48,96,160` or `mobilenet_v2`.

    `weights` is a file to start from: a run's `weights.pt`, or ImageNet's for
    `mobile` and `mobilenet_v2`.
    """
    state = torch.load(weights, map_location="cpu", weights_only=True) if weights else {}
    kind, _, widths = name.partition(":")
    network: nn.Module
    if kind == "mobile":
        first = "features.0.0.weight" in state  # as torchvision names it
        network = Mobile(attributes, dropout, weights if first else None)
        if first:
            return network
    elif kind == "galaxy":
        sizes = tuple(int(width) for width in widths.split(",")) if widths else (24, 48, 96, 160)
        network = Galaxy(sizes, attributes, dropout)  # type: ignore[arg-type]
    elif kind == "mobilenet_v2":
        return Transfer(weights, attributes)
    else:
        raise ValueError(f"unknown network {name!r}: take mobile, galaxy[:A,B,C,D] or mobilenet_v2")
    if state:
        network.load_state_dict(_grown(state, network.state_dict()))
    return network


def _grown(state: dict[str, Tensor], fresh: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a run's weights, with fresh ones for attributes that it did not know."""
    for name in ("heads.attributes.weight", "heads.attributes.bias"):
        more = fresh[name][len(state[name]) :]
        state[name] = torch.cat([state[name], more])
    return state


def fuse(network: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode whose blocks are single convolutions."""
    network = copy.deepcopy(network).eval()
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, Block):
                setattr(module, name, child.fused().eval())
    return network


def parameters(network: nn.Module) -> int:
    """Return the number of weights."""
    return sum(value.numel() for value in network.parameters())


def _torchvision() -> Any:
    """Import torchvision, also where its compiled operators do not fit this torch."""
    try:
        import torchvision
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _torchvision.library = library  # type: ignore[attr-defined]
        import torchvision
    return torchvision

"""Networks that begin as ImageNet taught MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381).

`Mobile` is compact, made to be exported: two thirds of it, its last depthwise kernels
grown further scales. `Transfer` is the whole, to teach others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from training.nets.blocks import Block, Heads

__all__ = ["Inverted", "Mobile", "Transfer", "imagenet"]

# ImageNet's, by which its networks want pictures normalised.
_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
_STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


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
        self.sum = nn.Identity()  # where `training.nets.rounding` rounds

    def forward(self, x: Tensor) -> Tensor:
        """Return the narrow maps, added to the input where shapes allow."""
        y = self.blocks(x)
        return self.sum(x + y) if self.skip else y


class Pretrained(nn.Module):
    """A network whose first layers, generic as they are, may stay as they came."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen: list[nn.Module] = []

    def first(self) -> list[nn.Module]:
        """Return the layers that can be frozen, in order."""
        raise NotImplementedError

    def freeze(self, layers: int) -> None:
        """Keep the first layers as they are; they are half of a step's time."""
        self.frozen = self.first()[:layers]
        for layer in self.frozen:
            layer.requires_grad_(False)

    def train(self, mode: bool = True) -> Pretrained:
        """Keep the frozen layers' batch norm as it came."""
        super().train(mode)
        for layer in self.frozen:
            layer.eval()
        return self


class Mobile(Pretrained):
    """The trunk of MobileNetV2, cut at a sixteenth of the side, its last kernels grown.

    Parameters
    ----------
    layers : dict of str to int
        Widths of the layers on its features, by name.
    weights : str, optional
        ImageNet's, a file of torchvision's; default random.
    """

    def __init__(
        self, layers: Mapping[str, int], dropout: float = 0.2, weights: str | None = None
    ) -> None:
        super().__init__()
        trunk = imagenet(weights)
        self.scale = 1.0  # of what the stem is given: see `Galaxy`
        self.stem = _first(trunk[0])
        self.fine = nn.Sequential(*(Inverted(layer) for layer in trunk[1:7]))
        self.middle = nn.Sequential(*(Inverted(layer) for layer in trunk[7:11]))
        grown = (Inverted(layer, 5) for layer in trunk[11:14])
        self.coarse = nn.Sequential(*grown, Block(96, 256, 1))
        self.heads = Heads(512, layers, dropout)

    def first(self) -> list[nn.Module]:
        """Return the layers that can be frozen, in order."""
        return [self.stem, *self.fine]

    def features(self, x: Tensor) -> Tensor:
        """Return average and maximum of the coarse maps."""
        y = self.coarse(self.middle(self.fine(self.stem(x))))
        return torch.cat([y.mean((2, 3)), y.amax((2, 3))], 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return logits by layer for pictures (N, 3, S, S) in 0..1."""
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


class Transfer(Pretrained):
    """Another's backbone with our heads, to teach; its early, generic layers stay as they are.

    Parameters
    ----------
    name : str
        `mobilenet_v2` is torchvision's; any other is one of timm's EfficientNets,
        `tf_efficientnet_lite2` for example.
    layers : dict of str to int
        Widths of the layers on its features, by name.
    weights : str, optional
        ImageNet's, a file of torchvision's or of any port whose layers come in
        the same order; default random.
    frozen : int
        First layers that stay.
    """

    def __init__(
        self, name: str, layers: Mapping[str, int], weights: str | None = None, frozen: int = 3
    ) -> None:
        super().__init__()
        if name == "mobilenet_v2":
            self.body, width, mean, std = imagenet(weights), 1280, _MEAN, _STD
        else:
            self.body, width = _efficientnet(name, weights)
            mean = std = torch.full((1, 3, 1, 1), 0.5)
        self.heads = Heads(width, layers)
        self.freeze(frozen)
        self.register_buffer("mean", mean.clone())
        self.register_buffer("std", std.clone())

    def first(self) -> list[nn.Module]:
        """Return the layers that can be frozen, in order."""
        return list(self.body)

    def features(self, x: Tensor) -> Tensor:
        """Return the average of the last maps."""
        return self.body((x - self.mean) / self.std).mean((2, 3))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return logits by layer."""
        return self.heads(self.features(x))


def _efficientnet(name: str, weights: str | None) -> tuple[nn.Sequential, int]:
    """Return the layers of one of timm's EfficientNets and the number of maps they end in."""
    _torchvision()  # timm imports it
    try:
        import timm
    except ImportError as error:
        raise ImportError(f"{name} is one of timm's networks: pip install timm") from error

    net: Any = timm.create_model(name, pretrained=False)
    if weights:
        given = torch.load(weights, map_location="cpu", weights_only=True)
        net.load_state_dict(_in_order(given, net.state_dict(), weights))
    first = nn.Sequential(net.conv_stem, net.bn1)
    last = nn.Sequential(net.conv_head, net.bn2)
    return nn.Sequential(first, *net.blocks, last), net.num_features


def _in_order(given: dict[str, Tensor], own: dict[str, Tensor], weights: str) -> dict[str, Tensor]:
    """Return weights under our names: ports name layers each their way, in one order."""
    counts = {name: value for name, value in own.items() if name.endswith("num_batches_tracked")}
    names = [name for name in own if name not in counts]
    values = [v for name, v in given.items() if not name.endswith("num_batches_tracked")]
    if [own[name].shape for name in names] != [value.shape for value in values]:
        raise ValueError(f"{weights} holds another network: its layers have other shapes")
    return counts | dict(zip(names, values, strict=True))


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

"""Networks that begin as ImageNet taught them, to teach others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from training.nets.blocks import Heads

__all__ = ["Transfer", "imagenet"]

# ImageNet's, by which its networks want pictures normalised.
_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
_STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def imagenet(weights: str | None) -> nn.Sequential:
    """Return the layers of torchvision's MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381).

    `weights` is a file of theirs; without it they are random.
    """
    net = _torchvision().models.mobilenet_v2()
    if weights:
        net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return net.features


class Transfer(nn.Module):
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
        self.frozen = list(self.body)[:frozen]  # half of a step's time
        for layer in self.frozen:
            layer.requires_grad_(False)
        self.register_buffer("mean", mean.clone())
        self.register_buffer("std", std.clone())

    def train(self, mode: bool = True) -> Transfer:
        """Keep the frozen layers' batch norm as it came."""
        super().train(mode)
        for layer in self.frozen:
            layer.eval()
        return self

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

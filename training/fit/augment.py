"""Augmentation on tensors: geometry by one affine resampling, then the detector and the display.

A packed picture is wider than the network's frame, so that shift, zoom and
rotation find sky beyond it. Everything is drawn per picture and runs on the
device the batch is on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Augment", "framed"]


def framed(pixels: Tensor, frame: Tensor, size: int) -> Tensor:
    """Return the network's frame of packed pictures, as floats in 0..1, at any size."""
    zero = torch.zeros_like(frame[:, 0])
    theta = torch.stack([frame[:, 0], zero, frame[:, 1], zero, frame[:, 0], frame[:, 2]], 1)
    grid = F.affine_grid(theta.view(-1, 2, 3), [len(pixels), 3, size, size], align_corners=False)
    return _sampled(pixels, grid)


def _sampled(pixels: Tensor, grid: Tensor) -> Tensor:
    values = pixels.float().div_(255)
    return F.grid_sample(values, grid, "bilinear", "border", align_corners=False)


@dataclass(frozen=True)
class Augment:
    """Random views of packed pictures; each number is a strength, 0 switches its part off.

    Parameters
    ----------
    zoom : float
        The frame's side is multiplied by exp(u), u uniform within +-log(1 + zoom).
    shift : float
        Largest shift over the frame's side.
    exact : float
        Share of pictures that are only turned by quarters, mirrored and moved
        by whole pixels, so that the network also meets unblurred pixels.
    grey : float
        Share of colour pictures shown in one band, a random mix of the three.
    gain, gamma, brightness : float
        Spread of the bands' relative gain, of the display's gamma, and of its
        brightness (a sky level or a clipped black point included).
    noise, blur : float
        Largest read noise (of full scale) and weight of a Gaussian blur.
    """

    zoom: float = 0.2
    shift: float = 0.05
    exact: float = 0.2
    grey: float = 0.3
    gain: float = 0.1
    gamma: float = 0.25
    brightness: float = 0.15
    noise: float = 0.03
    blur: float = 0.6

    def __call__(
        self,
        pixels: Tensor,
        frame: Tensor,
        mirror: Tensor,
        size: int,
        random: torch.Generator | None = None,
    ) -> Tensor:
        """Return views (N, 3, size, size) in 0..1 of packed uint8 pictures (N, 3, P, P).

        `frame` (N, 3) is where the network's frame lies in each: its side
        over the picture's, and its centre in -1..1. `mirror` (N,) is -1 for
        pictures to be mirrored and 1 for the others.
        """
        # Mirrored as told, turned, zoomed and shifted in one bilinear resampling.
        n, side, device = pixels.shape[0], pixels.shape[-1], pixels.device
        exact = torch.rand(n, device=device, generator=random) < self.exact
        angle = 2 * math.pi * torch.rand(n, device=device, generator=random)
        quarter = math.pi / 2 * torch.randint(4, (n,), device=device, generator=random)
        angle = torch.where(exact, quarter, angle)
        stretch = math.log1p(self.zoom) * (2 * torch.rand(n, device=device, generator=random) - 1)
        scale = torch.where(exact, torch.zeros_like(stretch), stretch).exp() * frame[:, 0]
        move = self.shift * (2 * torch.rand(n, 2, device=device, generator=random) - 1) * 2
        move = move * frame[:, :1]
        whole = (move * side / 2).round() * 2 / side
        move = torch.where(exact[:, None], whole, move) + frame[:, 1:]
        cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
        theta = torch.stack(
            [
                torch.stack([cos * mirror, -sin, move[:, 0]], 1),
                torch.stack([sin * mirror, cos, move[:, 1]], 1),
            ],
            1,
        )
        grid = F.affine_grid(theta, [n, 3, size, size], align_corners=False)
        return self.display(_sampled(pixels, grid), random)

    def display(self, x: Tensor, random: torch.Generator | None = None) -> Tensor:
        """Change colour, brightness, gamma, seeing and noise."""
        n, device = x.shape[0], x.device

        def spread(width: float, channels: int = 1) -> Tensor:
            return width * (2 * torch.rand(n, channels, 1, 1, device=device, generator=random) - 1)

        if self.blur:
            some = torch.randperm(n, device=device, generator=random)[: n // 3]
            weight = self.blur * torch.rand(len(some), 1, 1, 1, device=device, generator=random)
            part = x[some]
            x = x.index_copy(0, some, torch.lerp(part, _smooth(part), weight))
        if self.gain:
            x = x * spread(self.gain, 3).exp()
        if self.grey:
            some = torch.nonzero(torch.rand(n, device=device, generator=random) < self.grey)[:, 0]
            mix = torch.rand(len(some), 3, 1, 1, device=device, generator=random) + 0.2
            mono = (x[some] * (mix / mix.sum(1, keepdim=True))).sum(1, keepdim=True)
            x = x.index_copy(0, some, mono.expand(-1, 3, -1, -1))
        if self.gamma:
            x = x.clamp(1e-4, None) ** spread(self.gamma).exp()
        if self.brightness:
            x = x * spread(self.brightness).exp() + spread(self.brightness / 4)
        if self.noise:
            level = self.noise * torch.rand(n, 1, 1, 1, device=device, generator=random) ** 2
            x = x + level * torch.randn(x.shape, device=device, generator=random)
        return x.clamp(0, 1)


def _smooth(x: Tensor) -> Tensor:
    """Return pictures blurred by five binomial taps in each direction."""
    for _ in range(2):
        x = F.pad(x, (1, 1, 1, 1), mode="replicate")
        x = x[:, :, :-2] + 2 * x[:, :, 1:-1] + x[:, :, 2:]
        x = (x[..., :-2] + 2 * x[..., 1:-1] + x[..., 2:]) / 16
    return x

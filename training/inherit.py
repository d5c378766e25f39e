"""Inherit: a `Mobile` network that begins as MobileNetV2 saw ImageNet.

Its trunk takes the weights as they are. Its stem is another one, and is fitted to
give, on galaxies, what the layers that it replaces give.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from training.augment import Augment
from training.batches import Group, ahead, draw
from training.config import OUTPUTS, Config
from training.network import Mobile, imagenet
from training.train import schedule

__all__ = ["inherit"]

REPLACED = 4  # layers of MobileNetV2 that the stem stands for


def inherit(
    weights: Path,
    groups: tuple[Group, ...],
    out: Path,
    config: Config,
    *,
    steps: int = 500,
    threads: int = 2,
) -> float:
    """Fit the stem, and write the whole network's weights.

    Parameters
    ----------
    weights : Path
        torchvision's MobileNetV2 as trained on ImageNet.
    groups : tuple of Group
        Pictures; what is known of them is not used.
    out : Path
        A folder; `weights.pt` in it is for `Config.weights`.
    config : Config
        Of which size, views, augmentation, batch, rate and seed count.

    Returns
    -------
    float
        The share of the replaced layers' variance that the stem does not explain,
        over the last tenth of the steps.
    """
    torch.manual_seed(config.seed)
    torch.set_num_threads(threads)
    random, dice = np.random.default_rng(config.seed), torch.Generator().manual_seed(config.seed)
    network = Mobile(len(OUTPUTS), weights=str(weights))
    first = imagenet(str(weights))[:REPLACED].eval().requires_grad_(False)
    stem = nn.Sequential(network.stem, network.entry).train()
    optimizer = torch.optim.AdamW(stem.parameters(), lr=config.lr, weight_decay=config.decay)
    pool = [(g, i) for g, group in enumerate(groups) for i in range(len(group.rows))]
    augment = Augment(**config.augment)
    views = (
        draw(groups, [pool[i] for i in chosen], config, config.size, augment, random, dice, "cpu")
        for chosen in (random.choice(len(pool), config.batch) for _ in range(steps))
    )
    losses = []
    for step, (x, _) in enumerate(ahead(views)):
        for rule in optimizer.param_groups:
            rule["lr"] = config.lr * schedule(step / steps, config.warmup)
        wanted = first(_normalised(x))
        unlike = (stem(x * network.scale) - wanted).square().mean((0, 2, 3))
        loss = (unlike / wanted.var((0, 2, 3)).clamp(min=1e-3)).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    out.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), out / "weights.pt")
    return float(np.mean(losses[-max(1, steps // 10) :]))


def _normalised(x: Tensor) -> Tensor:
    """Return pictures as ImageNet's networks want them."""
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    return (x - mean) / std

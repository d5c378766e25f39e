"""Observe: galaxies seen anew, each through another camera, and prepared as at the telescope."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from training.data.cameras import draw as draw_camera
from training.data.exposure import observe
from training.data.pack import Pack
from training.data.rendered import Rendered
from training.fit.augment import Augment
from training.fit.batches import Group, draw, reside, room, targets_of
from training.fit.config import Config
from training.fit.losses import Targets
from training.words.fields import TaskError

__all__ = ["Batch", "look", "seen_anew", "shown"]

SHARE = 16  # pictures that one thread looks at, one after another

Groups = tuple[Group, ...]
Batch = Callable[[Groups, list[tuple[int, int]], int], tuple[Tensor, Targets]]
"""Makes a batch of some pictures of groups, at a side."""


def shown(
    groups: Groups,
    config: Config,
    luck: np.random.Generator,
    dice: torch.Generator,
    device: str,
) -> Batch:
    """Return what makes a batch: packed views that are augmented, or pictures through cameras."""
    if config.cameras:
        _kept(groups)
        recipe = Recipe.from_json(groups[0].pack.info["recipe"])

        def look_at(
            groups: Groups, chosen: list[tuple[int, int]], size: int
        ) -> tuple[Tensor, Targets]:
            x, mirror, lost = look(groups, chosen, recipe.replace(size=size), luck)
            x = x.to(device).contiguous(memory_format=torch.channels_last)
            target = targets_of(groups, chosen, torch.from_numpy(mirror).to(device), device)
            return x, _without(target, torch.from_numpy(lost).to(device))

        return look_at
    augment = Augment(**config.augment)
    sides = {group.pack.folder: group.pack.views["auto"].shape[-1] for group in groups}
    if len(set(sides.values())) > 1:
        each = ", ".join(f"{folder} {side}" for folder, side in sides.items())
        raise TaskError(f"frames of one size train together: {each}; pack with one --size")
    reside(groups, config, device, room(device))
    return lambda groups, chosen, size: draw(
        groups, chosen, config, size, augment, luck, dice, device
    )


def _kept(groups: Sequence[Group]) -> None:
    """Refuse packs whose pictures were not kept.

    Raises
    ------
    TaskError
        With the remedy.
    """
    for group in groups:
        if group.pack.pictures is None:
            raise TaskError(
                f"{group.pack.folder}: holds no pictures to see through cameras; pack it anew, "
                "with --keep"
            )


def look(
    groups: Sequence[Group],
    chosen: list[tuple[int, int]],
    recipe: Recipe,
    random: np.random.Generator,
    threads: int = 2,
) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Return what a network is given of pictures, each through a camera of its own.

    Parameters
    ----------
    groups : sequence of Group
    chosen : list of (int, int)
        Group and row within it.
    recipe : Recipe
        With the side of the network's input.
    random : Generator
        Of which each picture gets one of its own: what is seen does not depend on `threads`.

    Returns
    -------
    pixels : Tensor
        float32 (N, 3, S, S) in 0..1.
    mirror : ndarray
        -1 where a picture was mirrored, else 1 (N,).
    lost : ndarray of bool
        Where galaxies drowned in the noise (N,): nothing can be learned of them.
    """
    seeds = random.integers(2**63, size=len(chosen))

    def some(places: range) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        images, mirror, faint = [], np.ones(len(places), np.float32), np.zeros(len(places), bool)
        for k, place in enumerate(places):
            g, item = chosen[place]
            luck = np.random.default_rng(seeds[place])
            image, mirrored, faint[k] = _seen(groups[g].pack, groups[g].rows[item], luck)
            images.append(image)
            mirror[k] = -1.0 if mirrored else 1.0
        ready = prepare(images, recipe, threads=1)
        lost = [fact.error is not None or "no_source" in fact.flags for fact in ready.facts]
        return ready.pixels, mirror, faint & np.array(lost)

    shares = [range(low, min(low + SHARE, len(chosen))) for low in range(0, len(chosen), SHARE)]
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(some, shares))
    pixels, mirror, lost = (np.concatenate(part) for part in zip(*parts, strict=True))
    return torch.from_numpy(pixels).float().div_(255), mirror, lost


def seen_anew(pack: Pack, number: int, seed: int = 0) -> np.ndarray:
    """Return pictures of train as a network is given them, (N, 3, S, S) of bytes.

    Each is seen through a camera of its own, where the pack keeps pictures as they came; those
    that drown in the noise are left out. Else they are the packed ones.
    """
    rows = pack.rows("train")
    random = np.random.default_rng(seed)
    chosen = random.permutation(rows)[:number]
    if pack.pictures is None:
        return np.array(pack.exact["auto"][np.sort(chosen)])
    recipe, group = Recipe.from_json(pack.info["recipe"]), Group(pack, rows)
    parts = []
    for low in range(0, number, 64):
        some = [(0, int(i)) for i in random.choice(len(rows), min(64, number - low))]
        pixels, _, lost = look([group], some, recipe, random)
        parts.append((pixels.numpy()[~lost] * 255).round().astype(np.uint8))
    return np.concatenate(parts)


def _seen(pack: Pack, row: int, random: np.random.Generator) -> tuple[np.ndarray, bool, bool]:
    """Return an image, whether it is mirrored, and whether it could be too faint to see."""
    if isinstance(pack.pictures, Rendered):
        return pack.pictures.draw(row, random), False, False
    assert pack.pictures is not None
    camera = draw_camera(random)
    return observe(pack.pictures[row], camera, random), camera.mirror, True


def _without(target: Targets, lost: Tensor) -> Targets:
    """Return targets that tell nothing of some of the pictures."""

    def blank(values: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: torch.where(lost[:, None], math.nan, value) for name, value in values.items()}

    return target._replace(told=blank(target.told), taught=blank(target.taught))

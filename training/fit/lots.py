"""Lots: which pictures an epoch shows, of several packs, in which order."""

from __future__ import annotations

import numpy as np

from training.fit.batches import Group
from training.fit.config import Config
from training.words.fields import TaskError

__all__ = ["counts", "lot", "told_in"]


def counts(groups: tuple[Group, ...], config: Config) -> list[int]:
    """Return how many pictures an epoch takes of each group after the first.

    Raises
    ------
    TaskError
        If `config.mix` names a pack that is not there.
    """
    number, sizes = len(groups[0].rows), [len(group.rows) for group in groups[1:]]
    if config.mix:
        names = [group.pack.folder.name for group in groups[1:]]
        if unknown := sorted(set(config.mix) - set(names)):
            raise TaskError(f"mix: {', '.join(unknown)} is none of {', '.join(names)}")
        return [round(config.mix.get(name, 0.0) * number) for name in names]
    most = sum(sizes)
    drawn = min(round(config.extra * number), most * config.epochs) if most else 0
    return [drawn * size // most if most else 0 for size in sizes]


def lot(
    groups: tuple[Group, ...],
    further: list[int],
    chances: np.ndarray | None,
    random: np.random.Generator,
) -> list[tuple[int, int]]:
    """Draw an epoch's pictures, as group and row, in the order of their use."""
    number = len(groups[0].rows)
    items = [(0, i) for i in random.choice(number, number, chances is not None, chances)]
    for g, count in enumerate(further, 1):
        size = len(groups[g].rows)
        if count:
            items += [(g, i) for i in random.choice(size, count, count > size)]
    return [items[i] for i in random.permutation(len(items))]


def told_in(groups: tuple[Group, ...], further: list[int]) -> dict[str, np.ndarray]:
    """Return what an epoch's pictures tell of each head, each as often as it is drawn."""
    drawn = [len(groups[0].rows), *further]
    rows = [np.resize(g.rows, n) for g, n in zip(groups, drawn, strict=True)]
    return {
        name: np.concatenate(
            [g.pack.told[name][one] for g, one in zip(groups, rows, strict=True) if len(one)]
        )
        for name in groups[0].pack.told
    }

"""Observed: pictures through every fixed camera, prepared as a network is given them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from training.data.cameras import FIXED, Camera
from training.data.exposure import observe
from training.data.readers import DataSet

__all__ = ["observed"]


def observed(
    data: DataSet,
    rows: Sequence[int],
    folder: Path,
    recipe: Any,
    prepare: Callable[..., Any],
    *,
    seed: int = 0,
    threads: int = 2,
    chunk: int = 256,
) -> dict[str, int]:
    """Write `<camera>.exact.npy` into a pack's folder: some rows through each of `FIXED`.

    All that is random follows from the seed, the camera and the row, so that any recipe is shown
    the same images.

    Parameters
    ----------
    data : DataSet
        What is packed.
    rows : sequence of int
        Those that are held out. The others stay black, and take no room on the disk.
    recipe, prepare
        As of `training.data.pack.pack`.

    Returns
    -------
    dict
        By camera how many images could not be prepared.
    """
    shape = (len(data.rows), 3, recipe.size, recipe.size)
    made = {
        name: np.lib.format.open_memmap(folder / f"{name}.exact.npy", "w+", np.uint8, shape)
        for name in FIXED
    }
    failed = dict.fromkeys(FIXED, 0)
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(rows), chunk):
            here = list(rows[start : start + chunk])
            pictures = [data.picture(row) for row in here]
            for number, (name, camera) in enumerate(FIXED.items()):
                images = _through(camera, pictures, [(seed, number, row) for row in here], pool)
                batch = prepare(images, recipe, threads=threads)
                made[name][here] = batch.pixels
                failed[name] += sum(fact.error is not None for fact in batch.facts)
            print(f"cameras {start + len(here)}/{len(rows)}", flush=True)
    return failed


def _through(
    camera: Camera, pictures: list[np.ndarray], keys: list[tuple[int, ...]], pool: Executor
) -> list[np.ndarray]:
    def seen(picture: np.ndarray, key: tuple[int, ...]) -> np.ndarray:
        return observe(picture, camera, np.random.default_rng(key))

    return list(pool.map(seen, pictures, keys))

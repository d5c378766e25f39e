"""Rendered galaxies, and their preparation without a failure."""

from __future__ import annotations

import numpy as np

import galedge


def galaxy(
    shape=(128, 128), centre=None, scale=6.0, peak=100.0, q=1.0, noise=1.0, sky=50.0, seed=0
):
    """Render an exponential disc with Gaussian noise."""
    h, w = shape
    cy, cx = centre or ((h - 1) / 2, (w - 1) / 2)
    y, x = np.mgrid[:h, :w]
    radius = np.hypot(x - cx, (y - cy) / q)
    image = sky + peak * np.exp(-radius / scale)
    return (image + noise * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def prepared(*sources, **keywords):
    batch = galedge.prepare(sources, **keywords)
    assert all(fact.error is None for fact in batch.facts), [f.error for f in batch.facts]
    return batch

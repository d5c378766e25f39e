"""Published definitions in float64, to hold the core to."""

from __future__ import annotations

import numpy as np


def clipped_mode(values):
    """Return the published definition in float64: clip at 3 sigma about the median."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    while True:
        median, sigma = np.median(values), values.std()
        kept = values[np.abs(values - median) <= 3 * sigma]
        if len(kept) == len(values):
            break
        values = kept
    mean = values.mean()
    crowded = abs(mean - median) >= 0.3 * sigma
    return (median if crowded else 2.5 * median - 1.5 * mean), sigma

"""From linear flux to bytes; twins of ``csrc/stretch.*`` and ``zscale.*``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galedge.core.jit import kernel
from galedge.core.kernels.sky import Floats

__all__ = [
    "STRETCHES",
    "Light",
    "measure_luminance",
    "picture",
    "stretch_asinh",
    "stretch_lupton",
    "stretch_zscale",
    "stretching_noise",
    "zscale",
]

_LEAST_NOISE = 5e-4  # of the brightest part; see csrc/stretch.cpp
_ZERO, _ONE = np.float32(0), np.float32(1)
_MOST = np.float32(2.0**100)


@kernel
def _to_byte(value: Any) -> int:
    """Round 0..255; NaN becomes 0."""
    return int(min(value, np.float32(255)) + np.float32(0.5)) if value > 0 else 0


@kernel
def picture(bands: Floats) -> NDArray[np.uint8]:
    """Round bands (1 or 3, S, S) of a picture to bytes, a single one three times."""
    count, height, width = bands.shape
    out = np.empty((3, height, width), np.uint8)
    for c in range(3):
        for y in range(height):
            for x in range(width):
                out[c, y, x] = _to_byte(bands[min(c, count - 1), y, x])
    return out


@kernel
def _bounded(value: Any) -> Any:
    """Keep finite, and white, what is far brighter than the noise."""
    return max(-_MOST, min(_MOST, value))


@kernel
def measure_luminance(bands: Floats, white: float) -> float:
    """Return the quantile `white` of the mean of bands (1 or 3, S, S)."""
    count, height, width = bands.shape
    luminance = np.zeros((height, width), np.float32)
    for c in range(count):
        for y in range(height):
            for x in range(width):
                luminance[y, x] += np.float32(1 / count) * bands[c, y, x]
    n = luminance.size
    flat = luminance.ravel()
    ordered = np.sort(flat[~np.isnan(flat)])
    below = int(white * (n - 1))  # counted from the top, as NaN is no small value
    return float(ordered[max(0, ordered.size - (n - below))]) if ordered.size else 0.0


@kernel
def stretching_noise(noise: float, white_level: float) -> float:
    """Return the noise that stretches count in: at least a small share of white."""
    return max(noise, white_level * _LEAST_NOISE, 1e-30)


@kernel
def stretch_asinh(
    bands: Floats, noise: float, softening: float, white_level: float, least: float = 0.0
) -> NDArray[np.uint8]:
    """Stretch sky-subtracted bands (1 or 3, S, S) to bytes; twin of csrc/stretch.cpp.

    Luminance is stretched by asinh in units of the noise, and all bands are
    scaled alike, which keeps colours (Lupton et al. 2004, PASP 116, 133):
    band' = band f(L) / L, divided by the largest band where that exceeds one.
    """
    count, height, width = bands.shape
    knee = max(softening * stretching_noise(noise, white_level), least * white_level)
    # Where nothing rises above the noise, white stays at a few sigma: noise
    # must not be blown up into structure.
    gain = np.float32(255 / math.asinh(max(white_level, 2 * knee) / knee))
    scale = np.float32(1 / knee)

    out = np.empty((3, height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            red = _bounded(bands[0, y, x] * scale)
            green, blue = red, red
            light = red
            if count == 3:
                green, blue = _bounded(bands[1, y, x] * scale), _bounded(bands[2, y, x] * scale)
                light = (red + green + blue) / np.float32(3)
            # asinh(l) / l tends to one as l does to zero and stays there below.
            factor = gain
            if light > np.float32(1e-3):
                factor *= np.float32(math.asinh(light)) / light
            most = max(red, green, blue) * factor
            if count == 3 and most > np.float32(255):
                factor *= np.float32(255) / most
            out[0, y, x] = _to_byte(red * factor)
            out[1, y, x] = _to_byte(green * factor)
            out[2, y, x] = _to_byte(blue * factor)
    return out


@kernel
def stretch_lupton(bands: Floats, stretch: float, q: float) -> NDArray[np.uint8]:
    """Map bands (1 or 3, S, S) as Lupton et al. (2004); twin of csrc/stretch.cpp.

    f(I) = asinh(Q I / stretch) 0.1 / asinh(0.1 Q), as astropy's make_lupton_rgb.
    """
    count, height, width = bands.shape
    scale, gain = np.float32(q / stretch), np.float32(0.1 / math.asinh(0.1 * q))
    out = np.empty((3, height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            red, green, blue = (
                bands[0, y, x],
                bands[min(1, count - 1), y, x],
                bands[count - 1, y, x],
            )
            light = (red + green + blue) / np.float32(3)
            factor = _ZERO
            if light > 0:
                factor = np.float32(math.asinh(light * scale)) * gain / light
            over = max(max(red, green, blue) * factor, _ONE)
            for c, band in enumerate((red, green, blue)):
                byte = max(band * factor / over, _ZERO) * np.float32(255)
                out[c, y, x] = int(min(byte, np.float32(255)))
    return out


@kernel
def zscale(values: Floats) -> tuple[float, float]:
    """Limits that show flat `values` well; twin of csrc/zscale.cpp.

    IRAF's zscale with astropy's defaults: a line through the sorted sample, from
    which values beyond 2.5 sigma are rejected up to five times; its slope over
    0.25 is the contrast around the median.
    """
    finite = values[np.isfinite(values)]
    sample = np.sort(finite[:: max(1, finite.size // 1000)][:1000])
    size = sample.size
    if size == 0:
        return np.nan, np.nan
    least, width = max(5, size // 2), max(1, size // 100)
    reach_down, reach_up = (width - 1) // 2, width - 1 - (width - 1) // 2
    bad = np.zeros(size, np.bool_)
    good, before, slope = size, size + 1, 0.0
    for _ in range(5):
        if good >= before or good < least:
            break
        # Ranks about the middle keep the normal equations well conditioned.
        middle = 0.5 * (size - 1)
        n, sx, sy, sxx, sxy = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(size):
            if not bad[i]:
                x, y = i - middle, float(sample[i])
                n, sx, sy, sxx, sxy = n + 1, sx + x, sy + y, sxx + x * x, sxy + x * y
        determinant = n * sxx - sx * sx
        slope = (n * sxy - sx * sy) / determinant if determinant > 0 else 0.0
        residual = sample - ((sy - slope * sx) / n + slope * (np.arange(size) - middle))
        limit = 2.5 * residual[~bad].std()
        marks = bad | (np.abs(residual) > limit)
        bad[:] = False
        for i in range(size):
            if marks[i]:
                bad[max(0, i - reach_down) : i + reach_up + 1] = True
        before, good = good, size - int(bad.sum())
    low, high = float(sample[0]), float(sample[-1])
    if good < least:
        return low, high
    slope /= 0.25
    centre = (size - 1) // 2
    median = 0.5 * (float(sample[centre]) + float(sample[size // 2]))
    return max(low, median - (centre - 1) * slope), min(high, median + (size - centre) * slope)


def stretch_zscale(bands: Floats) -> NDArray[np.uint8]:
    """Map bands linearly between the limits of their mean."""
    luminance = np.zeros(bands.shape[1:], np.float32)
    for band in bands:
        luminance += np.float32(1 / len(bands)) * band
    low, high = zscale(luminance.ravel())
    scale = np.float32(1 / (high - low) if high > low else 0)
    return picture((bands - np.float32(low)) * scale * np.float32(255))


class Light(NamedTuple):
    """What a stretch is given; the fields of ``Light`` in csrc/stretch.hpp."""

    bands: Floats
    noise: float
    white_level: float
    softening: float
    q: float
    knee: float = 0.0


STRETCHES: dict[str, Callable[[Light], NDArray[np.uint8]]] = {
    "asinh": lambda light: stretch_asinh(
        light.bands, light.noise, light.softening, light.white_level, light.knee
    ),
    "lupton": lambda light: stretch_lupton(
        light.bands, light.softening * max(light.noise, 1e-30), light.q
    ),
    "zscale": lambda light: stretch_zscale(light.bands),
}
"""Stretches by name; twins of those in csrc/stretch.cpp's table that have one."""

"""The preparation, readable: Numba twins of the C++ core from pixels to tensor.

Sky and framing stand in `galedge.isophote`; here are resampling, stretch, and
`prepare_one`, which composes them as ``csrc/prepare.cpp`` does. The twins are
the core's oracle in the tests, and what runs where the core is missing.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galedge._numba import kernel
from galedge.errors import Blank
from galedge.isophote import (
    CROPPED,
    NEIGHBOUR,
    NO_SOURCE,
    SMALL,
    Floats,
    border_sky,
    clipped_mode,
    find_central,
)

__all__ = [
    "CROPPED",
    "FAINT",
    "MASKED",
    "NEIGHBOUR",
    "NO_SOURCE",
    "SMALL",
    "Prepared",
    "border_sky",
    "centred_frame",
    "clipped_mode",
    "find_central",
    "frame_around",
    "picture",
    "prepare_one",
    "resample",
    "stretch_asinh",
    "stretch_lupton",
    "zscale",
]

MASKED, FAINT = 16, 32

_LEAST_NOISE = 5e-4  # of the brightest part; see csrc/stretch.cpp
_ZERO, _ONE = np.float32(0), np.float32(1)


# --- Resampling ------------------------------------------------------------------------------


@kernel
def _taps(
    start: float, side: float, size: int, length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Input pixels and weights of each output pixel along one axis.

    Returns the first input pixel of each output pixel, how many there are, and
    their weights. Shrinking weighs by overlap, enlarging interpolates between
    pixel centres; the weights sum to the part that lies inside the image.
    """
    step = side / size
    first = np.zeros(size, np.int64)
    count = np.zeros(size, np.int64)
    weight = np.zeros((size, math.ceil(max(step, 1.0)) + 2), np.float32)
    for o in range(size):
        if step >= 1:
            lo = max(start + o * step, 0.0)
            hi = min(start + (o + 1) * step, float(length))
            if lo >= hi:
                continue
            first[o] = math.floor(lo)
            count[o] = min(math.ceil(hi), length) - first[o]
            for t in range(count[o]):
                i = first[o] + t
                weight[o, t] = (min(hi, i + 1.0) - max(lo, float(i))) / step
        else:
            centre = start + (o + 0.5) * step - 0.5
            if centre < -0.5 or centre > length - 0.5:
                continue
            centre = min(max(centre, 0.0), length - 1.0)
            first[o] = int(centre)
            fraction = centre - first[o]
            count[o] = 2 if fraction > 0 else 1
            weight[o, 0], weight[o, 1] = 1 - fraction, fraction
    return first, count, weight


@kernel
def resample(
    image: Floats, x: float, y: float, side: float, size: int, fill: Any
) -> tuple[Floats, float]:
    """Resample a square of an image (H, W) to size x size; twin of csrc/resample.cpp.

    Shrinking is exact area averaging (as OpenCV's INTER_AREA), enlarging linear
    interpolation. Non-finite pixels and what lies outside do not count; an
    output pixel with less than half of its area valid becomes `fill`.

    Returns
    -------
    out : ndarray of float32, shape (size, size)
    invalid : float
        The invalid fraction of the frame's area.
    """
    height, width = image.shape
    first_x, count_x, weight_x = _taps(x, side, size, width)
    first_y, count_y, weight_y = _taps(y, side, size, height)
    out = np.empty((size, size), np.float32)
    sums = np.empty(width, np.float32)
    weights = np.empty(width, np.float32)
    invalid = 0.0
    for oy in range(size):
        sums[:] = _ZERO
        weights[:] = _ZERO
        for t in range(count_y[oy]):
            row = image[first_y[oy] + t]
            for i in range(width):
                if np.isfinite(row[i]):
                    sums[i] += weight_y[oy, t] * row[i]
                    weights[i] += weight_y[oy, t]
        for ox in range(size):
            total, valid = _ZERO, _ZERO
            for t in range(count_x[ox]):
                total += weight_x[ox, t] * sums[first_x[ox] + t]
                valid += weight_x[ox, t] * weights[first_x[ox] + t]
            invalid += float(_ONE - min(_ONE, valid))
            out[oy, ox] = total / valid if valid >= np.float32(0.4999) else np.float32(fill)
    fraction = invalid / (size * size)
    return out, fraction if fraction >= 1e-6 else 0.0  # rounding of the weights


# --- Stretch ---------------------------------------------------------------------------------


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
def stretch_asinh(
    bands: Floats, noise: float, softening: float, white: float
) -> tuple[NDArray[np.uint8], float]:
    """Stretch sky-subtracted bands (1 or 3, S, S) to bytes; twin of csrc/stretch.cpp.

    Luminance is stretched by asinh in units of the noise, and all bands are
    scaled alike, which keeps colours (Lupton et al. 2004, PASP 116, 133):
    band' = band f(L) / L, divided by the largest band where that exceeds one.

    Returns
    -------
    out : ndarray of uint8, shape (3, S, S)
    signal : float
        White over noise: the signal-to-noise of the galaxy's bright part.
    """
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
    peak = float(ordered[max(0, ordered.size - (n - below))]) if ordered.size else 0.0
    sigma = max(noise, peak * _LEAST_NOISE, 1e-30)
    knee = softening * sigma
    # Where nothing rises above the noise, white stays at a few sigma: noise
    # must not be blown up into structure.
    gain = np.float32(255 / math.asinh(max(peak, 2 * knee) / knee))
    scale = np.float32(1 / knee)

    out = np.empty((3, height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            red = bands[0, y, x] * scale
            green, blue = red, red
            light = red
            if count == 3:
                green, blue = bands[1, y, x] * scale, bands[2, y, x] * scale
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
    return out, peak / sigma


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


def _stretch_zscale(bands: Floats) -> NDArray[np.uint8]:
    """Map bands linearly between the limits of their mean."""
    luminance = np.zeros(bands.shape[1:], np.float32)
    for band in bands:
        luminance += np.float32(1 / len(bands)) * band
    low, high = zscale(luminance.ravel())
    scale = np.float32(1 / (high - low) if high > low else 0)
    return picture((bands - np.float32(low)) * scale * np.float32(255))


# --- The whole -------------------------------------------------------------------------------


class Prepared(NamedTuple):
    """What was found on the way; the fields of ``Prepared`` in csrc/prepare.hpp."""

    x: float
    y: float
    side: float
    sky: float
    noise: float
    masked_fraction: float
    flags: int


def frame_around(
    x: float, y: float, diameter: float, shape: tuple[int, int], margin: float
) -> tuple[float, float, float]:
    """Return the lower corner and side of a source's frame; twin of csrc/frame.cpp.

    The square of margin x diameter, kept inside the image where it fits and
    never larger than the image's longer side.
    """
    height, width = shape
    longer = float(max(width, height))
    # Without the least a tiny source would become a frame of a few pixels.
    side = min(max(margin * diameter, min(8.0, longer)), longer)

    def place(centre: float, length: int) -> float:
        if side > length:
            return 0.5 * (length - side)
        return min(max(centre - 0.5 * side, 0.0), length - side)

    return place(x, width), place(y, height), side


def centred_frame(shape: tuple[int, int], pixels: float = 0) -> tuple[float, float, float]:
    """Return the largest square centred in the image, or a centred one of `pixels`."""
    height, width = shape
    side = float(pixels if pixels > 0 else min(width, height))
    return 0.5 * (width - side), 0.5 * (height - side), side


def prepare_one(
    planes: NDArray[np.float32],
    is_picture: bool = False,
    *,
    size: int = 64,
    frame_pixels: float = 0,
    margin: float = 1.25,
    threshold: float = 2.0,
    softening: float = 8.0,
    white: float = 0.995,
    stretch: str = "asinh",
    q: float = 8.0,
) -> tuple[NDArray[np.uint8], Prepared]:
    """Prepare one galaxy; twin of ``prepare`` in csrc/prepare.cpp.

    Parameters
    ----------
    planes : ndarray of float32, shape (1, H, W) or (3, H, W)
        One band or three, C-contiguous.
    is_picture : bool
        Whether they are already stretched: framed and resampled only.
    size, margin, threshold, softening, white, stretch, q
        As in `galedge.Recipe`.
    frame_pixels : float
        0 finds the source, -1 takes the largest square, else a centred square.

    Raises
    ------
    Blank
        If no pixel is finite or all have the same value.
    """
    _refuse_blank(planes)
    # The mean of the bands, in which the source is found and the noise measured.
    image = planes[0]
    if len(planes) == 3:
        third = np.float32(1) / np.float32(3)
        image = planes[0] * third + planes[1] * third + planes[2] * third
    sky, noise = border_sky(image)
    flags = 0
    if frame_pixels == 0:
        x, y, diameter, flags = find_central(image, threshold)
        frame = frame_around(x, y, diameter, image.shape, margin)
        if flags & NO_SOURCE:
            frame = centred_frame(image.shape)
    else:
        frame = centred_frame(image.shape, max(0.0, frame_pixels))

    bands = np.empty((len(planes), size, size), np.float32)
    masked = 0.0
    for band, plane in zip(bands, planes, strict=True):
        level = sky if len(planes) == 1 else border_sky(plane)[0]
        # A border without a valid pixel still leaves the galaxy in the middle.
        level = np.float32(level if np.isfinite(level) else 0)
        band[:], invalid = resample(plane, *frame, size, level)
        masked = max(masked, invalid)
        if not is_picture:
            band -= level
    if masked > 0.1:
        flags |= MASKED
    if is_picture:
        pixels = picture(bands)
    else:
        # Averaging k x k pixels lowers their noise k times.
        grain = float(noise) * min(1.0, size / frame[2])
        pixels, signal = stretch_asinh(bands, grain, softening, white)
        if signal < 5:
            flags |= FAINT
        if stretch == "lupton":
            pixels = stretch_lupton(bands, softening * max(grain, 1e-30), q)
        elif stretch == "zscale":
            pixels = _stretch_zscale(bands)
    half = 0.5 * frame[2] - 0.5
    known_sky = float(sky) if np.isfinite(sky) else 0.0
    facts = Prepared(
        frame[0] + half, frame[1] + half, frame[2], known_sky, float(noise), masked, flags
    )
    return pixels, facts


def _refuse_blank(planes: NDArray[np.float32]) -> None:
    finite = planes[np.isfinite(planes)]
    if finite.size == 0:
        raise Blank("no pixel is finite; there is nothing to see")
    if not finite.min() < finite.max():
        raise Blank(f"all pixels have the value {finite[0]:.7g}; there is nothing to see")

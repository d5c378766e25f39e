"""A picture of a frame with its sources, coloured by class."""

from __future__ import annotations

import colorsys
import math
import os
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from galedge.frames.field import Placed
from galedge.frames.frame import STRIP_PIXELS, Frame
from galedge.support.atomic import AtomicFile
from galedge.support.say import printable

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

__all__ = ["draw"]

Colour: TypeAlias = tuple[int, int, int]

_LARGEST, _SMALLEST = 4096, 900  # longer side of the picture
_LEGEND = 190
_GROUND, _NO_ANSWER = (24, 24, 24), (215, 215, 215)
_OTHER = (215, 215, 215)  # stars, and where there is no source
_DARK = (0, 0, 0)  # around what is grey, which would drown in a star and in the sky's noise
_LARGEST_RING = 10.0  # of what has no class: galaxies are what the picture is of
_NAMED = 150  # with more sources than this the circles bear no class names


def draw(frame: Frame, places: Sequence[Placed], path: str, classes: Sequence[str]) -> None:
    """Draw sources over their frame, as viewers show them: the first row of FITS at the bottom.

    Linear flux is stretched by asinh from below the sky to its brightest pixels,
    pictures are shown as they are. A circle of half the cutout's side stands around
    each source, a light grey one around what has no class: a star, or where there is no
    source; a grey cross where there is no answer.

    Parameters
    ----------
    frame : Frame
        The pixels; of three bands the middle one.
    places : sequence of Placed
        The sources with their answers.
    path : str
        The PNG file to write, atomically.
    classes : sequence of str
        The model's classes, for the legend.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    from PIL import Image, ImageDraw

    pixels, scale = _reduced(frame)
    shades = pixels if frame.is_picture else 255 * _stretched(pixels)
    upward = frame.upwards
    shades = np.nan_to_num(shades[::-1] if upward else shades).clip(0, 255).astype(np.uint8)
    enlarged = max(1, math.ceil(_SMALLEST / max(shades.shape)))
    shades = shades.repeat(enlarged, 0).repeat(enlarged, 1)
    scale *= enlarged
    height, width = shades.shape
    least = 30 * len(classes) + 180
    picture = Image.new("RGB", (width + _LEGEND, max(height, least)), _GROUND)
    picture.paste(Image.fromarray(shades).convert("RGB"), (0, 0))
    canvas = ImageDraw.Draw(picture)
    colours = _colours(classes)
    font = _font(16)
    for placed in reversed(places):  # the first of a list lies on top
        column, row = (placed.x + 0.5) * scale, (placed.y + 0.5) * scale
        row = height - row if upward else row
        if not (0 <= column < width and 0 <= row < height):
            continue
        label = placed.result.label
        radius = max(5.0, placed.side / 4 * scale)
        if label is None and placed.result.ok:  # a star, or nothing
            _ring(canvas, column, row, min(radius, _LARGEST_RING))
            continue
        if label is None:
            _cross(canvas, column, row, 5)
            continue
        box = (column - radius, row - radius, column + radius, row + radius)
        canvas.ellipse(box, outline=colours[label], width=2)
        if len(places) <= _NAMED:
            at = (column + 0.72 * radius + 2, row - 0.72 * radius - 15)
            canvas.text(at, label, colours[label], font, stroke_width=1, stroke_fill=(0, 0, 0))
    canvas.rectangle((width, 0, *picture.size), _GROUND)
    _legend(canvas, width + 16, frame, places, colours)
    with AtomicFile(path) as target:
        try:
            picture.save(target.file, "PNG")
        except OSError as error:
            raise target.failure(error) from error


def _reduced(frame: Frame) -> tuple[NDArray[np.float32], float]:
    """Return the frame averaged until it is no larger than a picture, and its scale."""
    height, width = frame.shape
    step = max(1, math.ceil(max(height, width) / _LARGEST))
    rows = max(step, STRIP_PIXELS // (width * frame.planes) // step * step)
    parts = []
    for bottom in range(0, height, rows):
        strip = frame.middle_window(0, bottom, width, min(rows, height - bottom))
        parts.append(_averaged(strip, step))
    return np.concatenate(parts), 1 / step


def _averaged(pixels: NDArray[Any], step: int) -> NDArray[np.float32]:
    if step == 1:
        return pixels.astype(np.float32)
    bottom, right = (-length % step for length in pixels.shape)
    padded = np.pad(pixels, ((0, bottom), (0, right)), mode="edge")
    cells = padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step)
    means: NDArray[np.float32] = cells.mean((1, 3), dtype=np.float32)
    return means


def _stretched(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 0 to 1: asinh (a = 0.1) between the 5th and the 99.7th percentile."""
    finite = pixels[np.isfinite(pixels)]
    if finite.size == 0:
        return np.zeros_like(pixels)
    low, high = np.percentile(finite[:: max(1, finite.size // 1_000_000)], [5, 99.7])
    part = ((pixels - low) / max(high - low, np.finfo(np.float32).tiny)).clip(0, 1)
    shades: NDArray[np.float32] = (np.arcsinh(part / 0.1) / np.arcsinh(10)).astype(np.float32)
    return shades


def _colours(classes: Sequence[str]) -> dict[str, Colour]:
    """Return a colour for each class, red for the first to violet for the last."""
    hues = [0.8 * i / max(1, len(classes) - 1) for i in range(len(classes))]
    return {
        name: tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.72, 1))  # type: ignore[misc]
        for name, hue in zip(classes, hues, strict=True)
    }


def _ring(canvas: ImageDraw, x: float, y: float, radius: float) -> None:
    """Draw a light circle between two dark ones, which is seen on any ground."""
    for more, colour, width in ((2, _DARK, 5), (1, _OTHER, 2)):
        reach = radius + more
        box = (x - reach, y - reach, x + reach, y + reach)
        canvas.ellipse(box, outline=colour, width=width)


def _cross(canvas: ImageDraw, x: float, y: float, reach: float) -> None:
    for colour, width in ((_DARK, 5), (_NO_ANSWER, 2)):
        canvas.line((x - reach, y - reach, x + reach, y + reach), colour, width)
        canvas.line((x - reach, y + reach, x + reach, y - reach), colour, width)


def _legend(
    canvas: ImageDraw, x: int, frame: Frame, places: Sequence[Placed], colours: dict[str, Colour]
) -> None:
    counts = Counter(placed.result.label for placed in places)
    title, font = _font(13), _font(18)
    name = printable(os.path.basename(frame.path))
    canvas.text((x, 12), name if len(name) < 24 else f"{name[:21]}...", (210, 210, 210), title)
    canvas.text((x, 30), f"{len(places):,} sources", (210, 210, 210), title)
    rows = [(label, colour, counts[label]) for label, colour in colours.items()]
    for i, (label, colour, count) in enumerate(rows):
        y = 64 + 30 * i
        canvas.ellipse((x, y, x + 20, y + 20), outline=colour, width=3)
        canvas.text((x + 32, y), label, colour, font)
        canvas.text((x + 96, y), f"{count:,}", (210, 210, 210), font)
    failed = sum(not placed.result.ok for placed in places)
    if counts[None] > failed:
        y = 64 + 30 * len(rows)
        _ring(canvas, x + 10, y + 10, 8)
        canvas.text((x + 32, y), f"other  {counts[None] - failed:,}", _OTHER, font)
    if failed:
        y = 64 + 30 * (len(rows) + (counts[None] > failed))
        _cross(canvas, x + 10, y + 10, 6)
        canvas.text((x + 32, y), f"none  {failed:,}", _NO_ANSWER, font)


def _font(size: int) -> Any:
    from PIL import ImageFont

    try:
        return ImageFont.load_default(size)
    except TypeError:  # Pillow 10.0 knows one size only
        return ImageFont.load_default()

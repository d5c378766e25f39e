"""Outside: how well typicality tells what no training has shown: moons, photographs, text, spectra.

Pictures are those that scikit-image and scikit-learn bring along, and rendered ones. Run as

    python -m training.study.outside BUNDLE PACK
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from galedge.answers.classifier import Classifier
from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from training.data.pack import Pack
from training.fit.runs import task_of_bundle
from training.score.typical import FILE, against

__all__ = ["OUTSIDE", "main", "pictures"]

Random = np.random.Generator

NUMBER = 200  # of each kind
SEED = 1719
_PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee", "rocket", "brick", "grass", "gravel")


def pictures(name: str, number: int = NUMBER, seed: int = SEED) -> Iterator[np.ndarray]:
    """Yield pictures of one of `OUTSIDE`, of bytes (H, W) or (H, W, 3), or linear (H, W)."""
    for i in range(number):
        yield OUTSIDE[name](np.random.default_rng((seed, list(OUTSIDE).index(name), i)))


@cache
def _photographs() -> list[np.ndarray]:
    import skimage.data
    from sklearn.datasets import load_sample_images

    return [*(getattr(skimage.data, name)() for name in _PHOTOGRAPHS), *load_sample_images().images]


def _part(picture: np.ndarray, random: Random, least: int = 64) -> np.ndarray:
    """Return a square of a picture, turned somehow."""
    side = int(random.integers(least, min(picture.shape[:2]) + 1))
    y, x = (int(random.integers(length - side + 1)) for length in picture.shape[:2])
    part = np.rot90(picture[y : y + side, x : x + side], int(random.integers(4)))
    return np.ascontiguousarray(part[:, ::-1] if random.random() < 0.5 else part)


def _photograph(random: Random) -> np.ndarray:
    every = _photographs()
    return _part(every[int(random.integers(len(every)))], random)


def _surface(random: Random) -> np.ndarray:
    """Return a part of the moon's surface."""
    import skimage.data

    return _part(skimage.data.moon(), random)


def _moon(random: Random) -> np.ndarray:
    """Return the moon in one of its phases, linear, with craters and noise (S, S)."""
    side = int(random.integers(64, 400))
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2) / side
    radius = random.uniform(0.15, 0.45)
    height = np.sqrt(np.clip(radius**2 - x**2 - y**2, 0, None)) / radius
    phase, turn = random.uniform(0, 2.6), random.uniform(0, 2 * np.pi)
    along = (x * np.cos(turn) + y * np.sin(turn)) / radius
    light = np.clip(along * np.sin(phase) + height * np.cos(phase), 0, None) * (height > 0)
    for _ in range(60):  # seas and craters
        at, size = random.uniform(-radius, radius, 2), radius * random.uniform(0.02, 0.3)
        light *= 1 + random.uniform(-0.4, 0.25) * (np.hypot(x - at[0], y - at[1]) < size)
    return 300 + 20000 * light + random.normal(0, 10, (side, side))


def _text(random: Random) -> np.ndarray:
    """Return a page, a caption or a screen: printed words of several sizes."""
    from PIL import Image, ImageDraw, ImageFont

    side = int(random.integers(64, 320))
    dark = random.random() < 0.5
    page = Image.new("RGB", (side, side), (12, 12, 16) if dark else (250, 248, 240))
    pen, size = ImageDraw.Draw(page), int(random.integers(9, 40))
    colour = tuple(
        int(c) for c in (random.integers(150, 256, 3) if dark else random.integers(0, 90, 3))
    )
    lines = int(random.integers(1, max(2, side // (size + 4)) + 1))
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz   0123456789-.:"))
    for line in range(lines):
        words = "".join(random.choice(letters, int(random.integers(3, 40))))
        top = side / 2 + (line - lines / 2) * (size + 4)
        pen.text((random.uniform(0, side / 4), top), words, colour, ImageFont.load_default(size))
    return np.asarray(page)


def _spectrum(random: Random) -> np.ndarray:
    """Return a spectrum as a slit sees it, linear: a trace, lines of the sky and of the source."""
    side = int(random.integers(64, 300))
    y, x = np.mgrid[:side, :side].astype(float)
    bend = side / 2 + random.normal(0, side / 20) + random.normal(0, 0.03) * (x - side / 2)
    trace = np.exp(-0.5 * ((y - bend) / random.uniform(1, 5)) ** 2)
    level = 1 + 0.5 * np.sin(x / side * random.uniform(1, 6)) + np.zeros_like(x)
    for _ in range(int(random.integers(0, 15))):
        at, wide = random.uniform(0, side), random.uniform(1, 4)
        level += random.uniform(-0.9, 4) * np.exp(-0.5 * ((x - at) / wide) ** 2)
    flux = trace * np.clip(level, 0, None) * random.uniform(50, 3000)
    for _ in range(int(random.integers(0, 12))):
        flux += random.exponential(200) * np.exp(-0.5 * ((x - random.uniform(0, side)) / 1.3) ** 2)
    flux = flux if random.random() < 0.5 else flux.T
    return 500 + flux + random.normal(0, 12, (side, side))


def _plot(random: Random) -> np.ndarray:
    """Return a spectrum as a figure: axes and a curve."""
    from PIL import Image, ImageDraw

    side = int(random.integers(96, 320))
    page = Image.new("RGB", (side, side), (255, 255, 255))
    pen, margin = ImageDraw.Draw(page), side // 8
    pen.rectangle((margin, margin, side - margin, side - margin), outline=(0, 0, 0))
    for tick in np.linspace(margin, side - margin, int(random.integers(4, 9))):
        pen.line((tick, side - margin, tick, side - margin - 5), (0, 0, 0))
    x = np.arange(margin, side - margin)
    curve = 0.5 + 0.1 * np.sin(x / side * 7) + random.normal(0, 0.03, len(x))
    for _ in range(int(random.integers(1, 9))):
        at = random.uniform(margin, side - margin)
        curve += random.uniform(-0.4, 0.4) * np.exp(-0.5 * ((x - at) / random.uniform(1, 5)) ** 2)
    heights = side - margin - (side - 2 * margin) * curve.clip(0, 1)
    pen.line(list(zip(x.tolist(), heights.tolist(), strict=True)), (20, 60, 160), 1)
    return np.asarray(page)


OUTSIDE: dict[str, Callable[[Random], np.ndarray]] = {
    "moon": _moon,
    "moon's surface": _surface,
    "photograph": _photograph,
    "text": _text,
    "spectrum": _spectrum,
    "plot": _plot,
}
"""What is measured, by name: functions of luck."""


def main(bundle: Path, pack: Path) -> dict[str, Any]:
    """Return of each kind what `training.score.typical.against` does, and what a table tells.

    That is, the share that gets a label without being flagged ``atypical``: taken for a galaxy.
    """
    packed = Pack.open(pack, task_of_bundle(bundle))
    recipe = Recipe.from_json(packed.info["recipe"])
    made = {name: list(pictures(name)) for name in OUTSIDE}
    with np.load(bundle / FILE) as held:
        shown = ((name, np.asarray(prepare(each, recipe).pixels)) for name, each in made.items())
        found = against(bundle / "model.int8.onnx", packed, dict(held), "test", shown)
    classifier = Classifier(bundle)
    taken = {}
    for name, each in made.items():
        rows = list(classifier.stream(each))
        passed = [row.label is not None and "atypical" not in row.flags for row in rows]
        taken[name] = round(float(np.mean(passed)), 4)
    return {**found, "taken_for_galaxies": taken}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2])), indent=1))

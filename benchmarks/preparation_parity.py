"""Hold the preparation to astropy, sep and OpenCV on every image of a folder.

Not a timing. For each FITS image (the first plane of cubes), the largest
difference from the reference, in the unit of its tolerance:

    area      resampling by half, float64 box overlap     relative to the image's range
    opencv    the same against OpenCV's INTER_AREA         relative to the image's range
    zscale    limits, astropy's ZScaleInterval             relative to the image's range
    lupton    8-bit, astropy's make_lupton_rgb             share of bytes that differ
    mesh      every mesh against sep, before filtering     sigma
    map       back() of sep at every pixel                 sigma
    noise     rms() of sep at every pixel                  sigma

    python benchmarks/preparation_parity.py DIR
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import sep
from astropy.visualization import ZScaleInterval, make_lupton_rgb

import galedge
from galedge.core import _core
from galedge.images.background import background
from galedge.images.image import describe

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from helpers.oracles import clipped_mode

TOLERANCES = {
    "area": 1e-6,
    "opencv": 1e-6,
    "zscale": 1e-6,
    "lupton": 1e-3,
    "mesh": 1e-3,
    "map": 1e-2,
    "noise": 1e-2,
}
MESH = 64


def compare(image: np.ndarray) -> dict[str, float]:
    """Return the largest difference of each step on one image."""
    found: dict[str, float] = {}
    finite = image[np.isfinite(image)]
    span = float(np.abs(finite).max()) or 1.0
    side = min(image.shape) // 2 * 2
    square = np.ascontiguousarray(image[:side, :side])
    if side >= 16 and np.isfinite(square).all():
        ours, _ = _core.resample(square[None], 0, 0, side, side // 2, 0.0)
        box = square.astype(float).reshape(side // 2, 2, side // 2, 2).mean((1, 3))
        found["area"] = float(np.abs(ours - box).max()) / span
        theirs = cv2.resize(square, (side // 2, side // 2), interpolation=cv2.INTER_AREA)
        found["opencv"] = float(np.abs(ours - theirs).max()) / span
    limits, expected = _core.zscale(image), ZScaleInterval().get_limits(image)
    found["zscale"] = float(np.abs(np.subtract(limits, expected)).max()) / span
    level, noise = clipped_mode(image)
    if np.isfinite(image).all() and noise > 0:
        bands = np.stack([image - level, 0.7 * (image - level), 1.2 * (image - level)])
        bands = (bands / noise).astype(np.float32)
        rgb = np.moveaxis(make_lupton_rgb(*bands, stretch=5, Q=8), -1, 0)
        difference = np.abs(_core.lupton(bands, 5, 8).astype(int) - rgb)
        found["lupton"] = float((difference > 0).mean() if difference.max() <= 1 else 1.0)
    if min(image.shape) >= MESH:
        found |= compare_sky(image)
    return found


def sep_background(image: np.ndarray, filter: int) -> sep.Background:
    """Return sep's background; non-finite pixels are masked."""
    holes = ~np.isfinite(image)
    mask = holes if holes.any() else None
    image = np.ascontiguousarray(image)
    return sep.Background(image, mask=mask, bw=MESH, bh=MESH, fw=filter, fh=filter)


def compare_sky(image: np.ndarray) -> dict[str, float]:
    """Return the largest differences from sep's meshes and maps.

    Where sep has no noise, or its spline takes it through zero, a thousandth of the
    largest noise stands for it, and at least 1e-4 of the level for its rounding.
    """
    sky = background(image, MESH)
    worst = 0.0
    for j in range(sky.mesh_level.shape[0]):
        for i in range(sky.mesh_level.shape[1]):
            part = image[j * MESH : (j + 1) * MESH, i * MESH : (i + 1) * MESH]
            if np.isfinite(part).mean() < 0.5:
                continue
            one = sep_background(part, 1)
            level, noise = one.globalback, one.rms()[0, 0]
            unit = max(noise, 1e-4 * abs(level), 1e-30)
            differences = (sky.mesh_level[j, i] - level, sky.mesh_noise[j, i] - noise)
            worst = max(worst, float(np.abs(differences).max()) / unit)
    theirs = sep_background(image, 3)
    level, noise = theirs.back(), theirs.rms()
    unit = np.maximum(np.maximum(noise, 1e-3 * noise.max()), 1e-4 * np.abs(level) + 1e-30)
    return {
        "mesh": worst,
        "map": float((np.abs(sky.level - level) / unit).max()),
        "noise": float((np.abs(sky.noise - noise) / unit).max()),
    }


def main() -> None:
    """Walk a folder and print what exceeds its tolerance, then a summary."""
    warnings.simplefilter("ignore")
    worst: dict[str, list[tuple[float, str]]] = {name: [] for name in TOLERANCES}
    for path in sorted(p for p in Path(sys.argv[1]).rglob("*") if p.is_file()):
        try:
            parts = describe(path)
        except galedge.GaledgeError:
            continue
        for part in parts:
            try:
                image = galedge.read(path, part.index, "float32", plane=0).data
            except (galedge.GaledgeError, ValueError):
                continue
            if image.ndim != 2 or min(image.shape) < 2 or not np.isfinite(image).any():
                continue
            for name, value in compare(image).items():
                worst[name].append((value, f"{path.name}[{part.index}]"))
    for name, values in worst.items():
        over = [(v, where) for v, where in values if not v <= TOLERANCES[name]]
        most = max(values, default=(0.0, ""))
        print(
            f"{name:7} {len(values):4} images, largest {most[0]:.2e} ({most[1]}), "
            f"{len(over)} over {TOLERANCES[name]:g}"
        )
        for value, where in sorted(over, reverse=True)[:8]:
            print(f"          {value:.2e} {where}")


if __name__ == "__main__":
    main()

"""Measure reading and preparing one galaxy to 64 x 64 on one core.

Against the best-kept Python stacks, in the same run and interleaved: rustfits or
fitsio for reading, sep for the sky, OpenCV for resampling, NumPy for the
stretch; and astropy with photutils. All of them give a sky-subtracted,
asinh-stretched 64 x 64 byte image. galedge also finds and frames the source. A
last row compares two threads of galedge with one.

    python benchmarks/read_and_prepare.py [-o results.json]

Needs astropy, photutils, fitsio, rustfits, sep and opencv-python-headless.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import fitsio
import numpy as np
import rustfits
import sep
from astropy.io import fits
from astropy.stats import SigmaClip
from machine import in_turn, store
from photutils.background import Background2D, SExtractorBackground

import galedge
from galedge.cli.specimens import galaxy
from galedge.images.background import background

SIZE, SOFTENING = 64, 8.0
# What the project asks of itself: times the best stack, times astropy+photutils.
GOALS = {
    "128 f32": (4, 40),
    "424 f32": (6, 60),
    "424 u16": (6, 40),
    "424 Rice f32": (4, 25),
    "424 f32 .gz": (2.5, 10),
    "2048 frame, mesh sky": (4, 30),
}
GOAL_THREADS = 1.85  # two against one


def write_inputs(folder: Path, copies: int) -> dict[str, list[Path]]:
    """Write every kind of input, several different images of each."""
    inputs: dict[str, list[Path]] = {}
    for kind in GOALS:
        size = int(kind.split()[0])
        if "frame" in kind:
            continue
        for i in range(copies):
            image = galaxy(size, i)
            path = folder / f"{kind.replace(' ', '_')}_{i}.fits"
            hdu: fits.PrimaryHDU | fits.CompImageHDU = fits.PrimaryHDU(image)
            if "u16" in kind:
                hdu = fits.PrimaryHDU(image.astype(np.uint16))
            if "Rice" in kind:
                hdu = fits.CompImageHDU(image, compression_type="RICE_1", quantize_level=16)
            if ".gz" in kind:
                path = path.with_suffix(".fits.gz")
            hdu.writeto(path)
            inputs.setdefault(kind, []).append(path)
    return inputs


def stretch(small: np.ndarray, noise: float, size: int) -> np.ndarray:
    """Stretch by asinh in units of the noise, to bytes."""
    knee = SOFTENING * noise * SIZE / size
    scaled = np.arcsinh(small / knee) / np.arcsinh(np.quantile(small, 0.995) / knee)
    return (255 * np.clip(scaled, 0, 1)).astype(np.uint8)


def with_sep(image: np.ndarray) -> np.ndarray:
    """Sky by sep, resampling by OpenCV."""
    image = np.ascontiguousarray(image, np.float32)
    sky = sep.Background(image)
    small = cv2.resize(image - sky.globalback, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return stretch(small, sky.globalrms, image.shape[0])


def read_rustfits(path: Path) -> np.ndarray:
    """Read the first image with rustfits."""
    with rustfits.FITS(str(path)) as hdus:
        return hdus[1 if "Rice" in path.name else 0].read()


def read_fitsio(path: Path) -> np.ndarray:
    """Read the first image with fitsio."""
    with fitsio.FITS(str(path)) as hdus:
        return hdus[1 if "Rice" in path.name else 0].read()


def with_astropy(path: Path) -> np.ndarray:
    """Read by astropy, sky by photutils, resampling by OpenCV."""
    image = fits.getdata(path).astype(np.float32)
    box = min(64, image.shape[0] // 2)
    sky = Background2D(
        image,
        box,
        filter_size=3,
        sigma_clip=SigmaClip(3.0),
        bkg_estimator=SExtractorBackground(),
        exclude_percentile=90,
    )
    small = cv2.resize(image - sky.background, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return stretch(small, sky.background_rms_median, image.shape[0])


def microseconds(
    tasks: dict[str, Callable[[], object]], images: int, rounds: int
) -> dict[str, float]:
    """Return the median time an image of each task."""
    return {name: 1e6 * seconds / images for name, seconds in in_turn(tasks, rounds).items()}


def compare_threads(paths: list[Path], rounds: int) -> dict[str, object]:
    """Time two threads against one on enough images to keep both busy."""
    many = paths * max(1, 512 // len(paths))
    recipe = galedge.Recipe(size=SIZE)
    tasks: dict[str, Callable[[], object]] = {
        str(threads): lambda n=threads: galedge.prepare(many, recipe, threads=n)
        for threads in (1, 2)
    }
    times = microseconds(tasks, len(many), rounds)
    gain = times["1"] / times["2"]
    return {
        "input": "424 f32",
        "images": len(many),
        "microseconds": times,
        "times_one": gain,
        "goal": GOAL_THREADS,
        "met": gain >= GOAL_THREADS,
    }


def main() -> None:
    """Run every input and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    processors = os.sched_getaffinity(0)
    cv2.setNumThreads(1)

    recipe = galedge.Recipe(size=SIZE)
    rows = []
    threads = None
    with tempfile.TemporaryDirectory() as scratch:
        inputs = write_inputs(Path(scratch), arguments.copies)
        if len(processors) > 1:
            threads = compare_threads(inputs["424 f32"], arguments.rounds)
        os.sched_setaffinity(0, {min(processors)})
        for kind, paths in inputs.items():
            tasks: dict[str, Callable[[], object]] = {
                "galedge": lambda p=paths: galedge.prepare(p, recipe),
                "rustfits+sep+OpenCV": lambda p=paths: [with_sep(read_rustfits(i)) for i in p],
                "fitsio+sep+OpenCV": lambda p=paths: [with_sep(read_fitsio(i)) for i in p],
                "astropy+photutils": lambda p=paths[:2]: [with_astropy(i) for i in p],
            }
            times = microseconds(tasks, len(paths), arguments.rounds)
            times["astropy+photutils"] *= len(paths) / 2
            rows.append({"input": kind, "microseconds": times})
    frame = galaxy(2048, 1)
    maps = np.empty_like(frame), np.empty_like(frame)
    tasks = {
        "galedge": lambda: background(frame, out=maps),
        "galedge, new maps": lambda: background(frame),
        "sep": lambda: (lambda b: (b.back(), b.rms()))(sep.Background(frame)),
        "astropy+photutils": lambda: (lambda b: (b.background, b.background_rms))(
            Background2D(frame, 64, filter_size=3, bkg_estimator=SExtractorBackground())
        ),
    }
    times = microseconds(tasks, 1, arguments.rounds)
    rows.append({"input": "2048 frame, mesh sky", "microseconds": times})

    print(
        f"{'input':22} {'galedge µs':>11} {'x best':>13} {'goal':>5} {'x astropy':>10} {'goal':>5}"
    )
    for row in rows:
        times = row["microseconds"]
        others = [t for name, t in times.items() if "galedge" not in name and "astropy" not in name]
        row["times_best_stack"] = min(others) / times["galedge"]
        row["times_astropy"] = times["astropy+photutils"] / times["galedge"]
        goal, goal_astropy = GOALS[row["input"]]
        row["goals"] = [goal, goal_astropy]
        row["met"] = row["times_best_stack"] >= goal and row["times_astropy"] >= goal_astropy
        print(
            f"{row['input']:22} {times['galedge']:11.0f} {row['times_best_stack']:13.2f} {goal:5}"
            f" {row['times_astropy']:10.1f} {goal_astropy:5}{'' if row['met'] else '  not met'}"
        )
    if threads:
        missed = "" if threads["met"] else "  not met"
        print(
            f"{'424 f32, two threads':22} {threads['times_one']:.2f} x one {GOAL_THREADS}{missed}"
        )
    packages = (
        "numpy",
        "astropy",
        "photutils",
        "fitsio",
        "rustfits",
        "sep",
        "opencv-python-headless",
    )
    store(arguments.output, __doc__, packages, rows=rows, threads=threads)


if __name__ == "__main__":
    main()

"""What people write without galedge: Python stacks that run the same network, for comparison.

Each reads a FITS image, takes the sky off, resamples it by OpenCV, stretches it by asinh
and runs the model's fp32 network in ONNX Runtime, one image at a time, one thread. None of
them looks for the galaxy, as galedge does.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from galedge.network.card import Card
from galedge.network.engine import start

__all__ = ["stacks"]

Task = Callable[[str], object]


def stacks(card: Card) -> Iterator[tuple[str, Task]]:
    """Yield the name of each stack whose packages are installed, and its task for one path."""
    size = card.recipe.size
    precision = "fp32" if "fp32" in card.networks else next(iter(card.networks))
    network = start("onnxruntime", card.network(precision), card.name)

    def infer(small: Any, noise: float, width: int) -> object:
        knee = card.recipe.softening * noise * size / width
        white = max(float(np.quantile(small, 0.995)), knee)
        scaled = np.arcsinh(small / knee) / np.arcsinh(white / knee)
        pixels = (255 * np.clip(scaled, 0, 1)).astype(np.uint8)
        return network.run(np.ascontiguousarray(np.broadcast_to(pixels, (1, 3, size, size))))

    if _installed("cv2", "sep", "rustfits"):
        yield "rustfits + sep + OpenCV + ONNX Runtime", _with_sep(_rustfits, size, infer)
    if _installed("cv2", "sep", "fitsio"):
        yield "fitsio + sep + OpenCV + ONNX Runtime", _with_sep(_fitsio, size, infer)
    if _installed("cv2", "astropy", "photutils"):
        yield "astropy + photutils + OpenCV + ONNX Runtime", _with_photutils(size, infer)


def _installed(*modules: str) -> bool:
    return all(importlib.util.find_spec(module) is not None for module in modules)


def _resampler(size: int) -> Callable[[Any], Any]:
    cv2: Any = importlib.import_module("cv2")
    cv2.setNumThreads(1)
    return lambda image: cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)


def _with_sep(open_image: Task, size: int, infer: Callable[..., object]) -> Task:
    sep: Any = importlib.import_module("sep")
    resample = _resampler(size)

    def task(path: str) -> object:
        image = np.ascontiguousarray(open_image(path), np.float32)
        sky = sep.Background(image)
        return infer(resample(image - sky.globalback), sky.globalrms, image.shape[1])

    return task


def _with_photutils(size: int, infer: Callable[..., object]) -> Task:
    fits: Any = importlib.import_module("astropy.io.fits")
    stats: Any = importlib.import_module("astropy.stats")
    photutils: Any = importlib.import_module("photutils.background")
    resample = _resampler(size)

    def task(path: str) -> object:
        image = fits.getdata(path).astype(np.float32)
        sky = photutils.Background2D(
            image,
            min(64, *(side // 2 for side in image.shape)),
            filter_size=3,
            sigma_clip=stats.SigmaClip(3.0),
            bkg_estimator=photutils.SExtractorBackground(),
            exclude_percentile=90,
        )
        return infer(resample(image - sky.background), sky.background_rms_median, image.shape[1])

    return task


def _rustfits(path: str) -> object:
    rustfits: Any = importlib.import_module("rustfits")
    with rustfits.FITS(path) as file:
        return next(data for hdu in file if (data := hdu.read()) is not None)


def _fitsio(path: str) -> object:
    fitsio: Any = importlib.import_module("fitsio")
    with fitsio.FITS(path) as file:
        return next(hdu.read() for hdu in file if hdu.has_data())

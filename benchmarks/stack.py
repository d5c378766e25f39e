"""What one would write without galedge, as a process of its own.

    python stack.py rustfits|fitsio|astropy|resnet|bare FOLDER TABLE.csv

rustfits and fitsio read, sep takes the sky off; astropy reads, photutils takes the sky
off; OpenCV shrinks by area, NumPy stretches, and the same network runs in ONNX Runtime,
64 images at a time. resnet is astropy with torchvision's ResNet18 at 224 pixels in fp32,
the size of network that a user of Zoobot pays for. bare reads the bytes of each file and
runs the network on blank images: what nobody can be faster than.
"""

from __future__ import annotations

import csv
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import galedge

warnings.simplefilter("ignore")
BUNDLE = min(p.parent for p in (Path(galedge.__file__).parent / "models").glob("*/card.json"))
RECIPE = json.loads((BUNDLE / "card.json").read_text())["recipe"]
SIZE, SOFTENING, BATCH = RECIPE["size"], RECIPE["softening"], 64


def stretched(image: np.ndarray, noise: float) -> np.ndarray:
    """Shrink sky-subtracted flux by area and stretch it: (3, SIZE, SIZE) uint8."""
    import cv2

    small = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    knee = SOFTENING * noise * SIZE / max(image.shape)
    scaled = np.arcsinh(small / knee) / np.arcsinh(np.quantile(small, 0.995) / knee)
    return np.repeat((255 * np.clip(scaled, 0, 1)).astype(np.uint8)[None], 3, axis=0)


def first_image(hdus: Any) -> np.ndarray:
    """Return the first image of what rustfits or fitsio opened; compressed ones come second."""
    for i in range(2):
        try:
            image = hdus[i].read()
        except (OSError, ValueError, RuntimeError):
            continue
        if image is not None:
            return np.ascontiguousarray(image, np.float32)
    raise ValueError("no image")


def by_sep(reader: str) -> Callable[[Path], np.ndarray]:
    """Return a preparation that reads by rustfits or fitsio."""
    import cv2
    import sep

    cv2.setNumThreads(1)
    module = __import__(reader)

    def prepared(path: Path) -> np.ndarray:
        with module.FITS(str(path)) as hdus:
            image = first_image(hdus)
        sky = sep.Background(image)
        return stretched(image - sky.globalback, sky.globalrms)

    return prepared


def by_astropy() -> Callable[[Path], np.ndarray]:
    """Return a preparation by astropy and photutils."""
    from astropy.io import fits
    from astropy.stats import SigmaClip
    from photutils.background import Background2D, SExtractorBackground

    def prepared(path: Path) -> np.ndarray:
        image = fits.getdata(path).astype(np.float32)
        sky = Background2D(
            image,
            min(64, image.shape[0] // 2),
            filter_size=3,
            sigma_clip=SigmaClip(3.0),
            bkg_estimator=SExtractorBackground(),
            exclude_percentile=90,
        )
        return stretched(image - sky.background, sky.background_rms_median)

    return prepared


def by_bytes() -> Callable[[Path], np.ndarray]:
    """Return a preparation that only reads the file."""
    blank = np.zeros((3, SIZE, SIZE), np.uint8)

    def prepared(path: Path) -> np.ndarray:
        path.read_bytes()
        return blank

    return prepared


def galaxy_network() -> Callable[[list[np.ndarray]], np.ndarray]:
    """Return galedge's network in ONNX Runtime on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        BUNDLE / "model.int8.onnx", options, ["CPUExecutionProvider"]
    )
    return lambda batch: session.run(["hubble"], {"pixels": np.stack(batch)})[0]


def resnet() -> tuple[Callable[[Path], np.ndarray], Callable[[list[np.ndarray]], np.ndarray]]:
    """Return ResNet18 at 224 pixels in torch fp32, and what it is given."""
    import torch
    from astropy.io import fits

    sys.path.append(str(Path(__file__).parents[1]))
    from training.nets.pretrained import _torchvision

    torch.set_num_threads(1)
    network = _torchvision().models.resnet18(num_classes=7).eval()

    def prepared(path: Path) -> np.ndarray:
        import cv2

        image = fits.getdata(path).astype(np.float32)
        image = np.arcsinh((image - np.median(image)) / image.std())
        return np.repeat(cv2.resize(image, (224, 224))[None], 3, axis=0)

    def answer(batch: list[np.ndarray]) -> np.ndarray:
        with torch.inference_mode():
            return network(torch.as_tensor(np.stack(batch))).numpy()

    return prepared, answer


def main() -> None:
    """Classify every file of a folder into a CSV table."""
    name, folder, table = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    if name == "resnet":
        prepared, network = resnet()
    else:
        ways = {"astropy": by_astropy, "bare": by_bytes}
        prepared = ways[name]() if name in ways else by_sep(name)
        network = galaxy_network()
    paths = sorted(folder.iterdir())
    with open(table, "w", newline="") as stream:
        writer = csv.writer(stream)
        for start in range(0, len(paths), BATCH):
            chunk = paths[start : start + BATCH]
            logits = network([prepared(path) for path in chunk])
            for path, row in zip(chunk, logits, strict=True):
                probability = np.exp(row - row.max())
                writer.writerow([path, *(probability / probability.sum())])


if __name__ == "__main__":
    main()

"""Images of every kind for `digests.py`, made once, so that all machines see the same bytes.

PYTHONPATH=.:tests python tests/arm/made.py FOLDER
"""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.io import fits
from helpers import faults
from helpers.encoded import COLOUR, encoded
from helpers.rendered import galaxy
from helpers.seeds import WCS, seeds

SHAPES = [(1, 1), (1, 7), (9, 2), (16, 17), (63, 64), (131, 97), (300, 410)]
DTYPES = ["u1", ">i2", ">i4", ">i8", ">f4", ">f8"]
CODECS = ["RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1"]
SPECIAL = [
    *(0.0, -0.0, np.nan, np.inf, -np.inf, 1e38, -1e38, 1e-40, -1e-45, 1e30, 1e19, 1e-19),
    *(16777217.0, 65535.0, -32768.0, 255.0, 3.4e38, -3.4e38),
]
CORPUS = Path(__file__).parents[1] / "core" / "corpus.tar.xz"


def arrays() -> Iterator[tuple[str, np.ndarray]]:
    """Yield galaxies of every size, sloping skies, holes, and what a float can be."""
    for i, shape in enumerate(SHAPES):
        image = galaxy(shape, scale=3 + i, seed=i)
        yield f"{i}", image
        y, x = np.mgrid[: shape[0], : shape[1]]
        yield f"{i}-slope", (image + 0.3 * x - 0.1 * y).astype(np.float32)
        for k, value in enumerate(SPECIAL):
            broken = image.copy()
            broken.flat[:: 7 + k] = value
            broken[shape[0] // 3 :, shape[1] // 2] = SPECIAL[k - 1]
            yield f"{i}-special{k}", broken
        yield f"{i}-three", np.stack([image, image * 0.7 + 3, galaxy(shape, seed=i + 50)])
        for scale in (1e-30, 1e-12, 1e12, 1e30, 1e37):
            yield f"{i}-by{scale}", (image * np.float32(scale)).astype(np.float32)
    rng = np.random.default_rng(3)
    for i in range(60):  # any bits at all
        shape = tuple(rng.integers(1, 90, 2))
        yield f"bits{i}", rng.integers(0, 2**32, shape, dtype=np.uint32).view(np.float32)


def files() -> Iterator[tuple[str, fits.HDUList]]:
    """Yield each type of pixel, plain, scaled and by each codec, quantized and dithered."""
    tan = fits.Header(WCS)
    image = galaxy((70, 90), scale=5)
    image[10:12] = np.nan
    for dtype in DTYPES:
        real = dtype[1] == "f"
        pixels = (image if real else np.nan_to_num(np.clip(image, 0, 250))).astype(dtype)
        yield f"plain-{dtype}", fits.HDUList([fits.PrimaryHDU(pixels, tan)])
        cube = np.stack([pixels, pixels[::-1], pixels[:, ::-1]])
        yield f"cube-{dtype}", fits.HDUList([fits.PrimaryHDU(cube, tan)])
        for codec in CODECS:
            if dtype == ">i8" or (real and codec == "PLIO_1"):
                continue
            for dither in (-1, 1, 2) if real else (-1,):
                packed = fits.CompImageHDU(
                    pixels, tan, compression_type=codec, quantize_method=dither, dither_seed=7
                )
                yield f"{codec}-{dtype}-{dither}", fits.HDUList([fits.PrimaryHDU(), packed])
    for bits in ("int16", "int32"):  # BSCALE and BZERO
        hdu = fits.PrimaryHDU(np.nan_to_num(image).astype("f8"), tan)
        hdu.scale(bits, bscale=0.0371, bzero=17.3)
        yield f"scaled-{bits}", fits.HDUList([hdu])


def main() -> None:
    """Write all of them to the folder that the command line names."""
    folder = Path(sys.argv[1])
    for name in ("arrays", "files", "seeds", "faults", "corpus"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, array in arrays():
        np.save(folder / "arrays" / name, array)
    for name, hdus in files():
        hdus.writeto(folder / "files" / f"{name}.fits", overwrite=True)
    for form in ("PNG", "JPEG", "TIFF"):
        (folder / "files" / f"picture.{form}").write_bytes(encoded(COLOUR.repeat(7, 0), form))
    for name, content in seeds().items():
        (folder / "seeds" / name.replace(" ", "_")).write_bytes(content)
    with tarfile.open(folder / "faults" / "all.tar", "w") as archive:
        for source in (faults.structured(), faults.mutants(2000, seed=1)):
            for i, (name, content) in enumerate(source):
                item = tarfile.TarInfo(f"{i} {name}")
                item.size = len(content)
                archive.addfile(item, io.BytesIO(content))
    with tarfile.open(CORPUS) as archive:
        archive.extractall(folder / "corpus", filter="data")


if __name__ == "__main__":
    main()

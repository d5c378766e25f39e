"""Reading and preparing one galaxy to 64 x 64, on one core."""

from __future__ import annotations

import tempfile
from pathlib import Path

from astropy.io import fits

import galedge
from galedge.cli.specimens import galaxy
from galedge.images.background import background

KINDS = ("128 f32", "424 f32", "424 u16", "424 Rice f32", "424 f32 .gz")


class Prepare:
    """From a path to bytes that a network is given."""

    params = KINDS
    param_names = ("input",)

    def setup(self, kind: str) -> None:
        """Write one galaxy as the kind of file."""
        self.folder = tempfile.TemporaryDirectory()
        image = galaxy(int(kind.split()[0]), 1)
        hdu: fits.PrimaryHDU | fits.CompImageHDU = fits.PrimaryHDU(image)
        if "u16" in kind:
            hdu = fits.PrimaryHDU(image.astype("u2"))
        if "Rice" in kind:
            hdu = fits.CompImageHDU(image, compression_type="RICE_1", quantize_level=16)
        path = Path(self.folder.name) / ("one.fits.gz" if ".gz" in kind else "one.fits")
        hdu.writeto(path)
        self.paths: list[str | Path] = [path] * 64
        self.recipe = galedge.Classifier().recipe

    def teardown(self, kind: str) -> None:
        """Remove it."""
        self.folder.cleanup()

    def time_prepare_64(self, kind: str) -> None:
        """Prepare it 64 times."""
        galedge.prepare(self.paths, self.recipe)


class Sky:
    """The sky of a whole frame."""

    def setup(self) -> None:
        """Make a frame."""
        self.frame = galaxy(2048, 1)

    def time_background(self) -> None:
        """Find its sky and noise."""
        background(self.frame)

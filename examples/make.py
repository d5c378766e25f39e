"""Cuts the example galaxies out of images that freely licensed packages carry.

    python examples/make.py M51/pix.pix

The Hubble images come from ``skimage/data/hubble_deep_field.jpg`` in
scikit-image's wheel (NASA, public domain), M51 from ``dev/pix.pix`` of IRAF
(in Debian: ``/usr/lib/iraf/dev/pix.pix``). See CREDITS.md. Needs astropy and
scikit-image; galedge itself reads FITS and does not write it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import skimage
from astropy.io import fits

import galedge

HERE = Path(__file__).parent

# Name, centre (x, y) in the picture counted from its upper left, side.
HUBBLE = {
    "xdf_spiral_face_on": (124, 401, 72),
    "xdf_spiral_pink": (486, 65, 52),
    "xdf_spiral_blue": (811, 610, 44),
    "xdf_elliptical_large": (727, 473, 96),
    "xdf_elliptical_orange": (421, 402, 56),
    "xdf_elliptical_flat": (423, 717, 88),
    "xdf_lenticular_bright": (820, 167, 56),
    "xdf_edge_on_orange": (515, 439, 64),
    "xdf_edge_on_thin": (581, 406, 48),
    "xdf_irregular_blue": (405, 74, 64),
    "xdf_merging": (318, 324, 88),
    "xdf_star": (754, 577, 64),
}


def cut_hubble() -> None:
    """Write one three-plane uint8 FITS file a galaxy, red plane first."""
    source = Path(skimage.__file__).parent / "data" / "hubble_deep_field.jpg"
    for name, (x, y, side) in HUBBLE.items():
        image = galedge.cutout(source, x, y, side)
        header = fits.Header()
        header["OBJECT"] = name
        header["ORIGIN"] = "NASA, ESA, Hubble XDF picture in scikit-image"
        header["COMMENT"] = f"centred on x={x}, y={y} of hubble_deep_field.jpg, row 0 on top"
        fits.PrimaryHDU(image.data.astype(np.uint8), header).writeto(
            HERE / f"{name}.fits", overwrite=True
        )


def cut_m51(pixels: Path) -> None:
    """Write M51, 512 x 512 photographic densities, as a gzipped int16 image."""
    data = np.frombuffer(pixels.read_bytes()[2048:], ">i2").reshape(512, 512)
    header = fits.Header()
    header["OBJECT"] = "M51"
    header["ORIGIN"] = "NOAO, IRAF test image dev$pix"
    fits.PrimaryHDU(data, header).writeto(HERE / "m51.fits.gz", overwrite=True)


if __name__ == "__main__":
    cut_hubble()
    if len(sys.argv) > 1:
        cut_m51(Path(sys.argv[1]))

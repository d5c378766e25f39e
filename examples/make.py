"""Cuts the example galaxies out of images that freely licensed packages carry.

    python examples/make.py M51/pix.pix

The Hubble images come from ``skimage/data/hubble_deep_field.jpg`` in
scikit-image's wheel (NASA, public domain), M51 from ``dev/pix.pix`` of IRAF
(in Debian: ``/usr/lib/iraf/dev/pix.pix``). See CREDITS.md. Needs astropy and
scikit-image (galedge itself reads FITS and does not write it) and draws
``docs/examples.png``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import skimage
from astropy.io import fits
from PIL import Image, ImageDraw

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


def draw_sheet(side: int = 150, columns: int = 7) -> None:
    """Draw every example above what the network sees of it, the frame in green."""
    paths = sorted(HERE.glob("*.fits*"))
    batch = galedge.prepare(paths, galedge.Classifier().recipe)
    rows = -(-len(paths) // columns)
    sheet = Image.new("RGB", (columns * (side + 4), rows * (2 * side + 24)), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (path, pixels, facts) in enumerate(zip(paths, batch.pixels, batch.facts, strict=True)):
        whole = galedge.prepare([path], galedge.Recipe(size=side, framing="full")).pixels[0]
        left, top = i % columns * (side + 4), i // columns * (2 * side + 24)
        sheet.paste(Image.fromarray(np.moveaxis(whole, 0, -1)), (left, top))
        scale = side / max(galedge.read(path).data.shape)
        corners = [
            left + (facts.x + 0.5 - facts.side / 2) * scale,
            top + (facts.y + 0.5 - facts.side / 2) * scale,
            left + (facts.x + 0.5 + facts.side / 2) * scale - 1,
            top + (facts.y + 0.5 + facts.side / 2) * scale - 1,
        ]
        draw.rectangle(corners, outline="lime")
        seen = Image.fromarray(np.moveaxis(pixels, 0, -1)).resize((side, side))
        sheet.paste(seen, (left, top + side + 2))
        draw.text((left + 2, top + 2 * side + 6), path.name.split(".")[0], fill="black")
    sheet.save(HERE.parent / "docs" / "examples.png", optimize=True)


if __name__ == "__main__":
    cut_hubble()
    if len(sys.argv) > 1:
        cut_m51(Path(sys.argv[1]))
    draw_sheet()

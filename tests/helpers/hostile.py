"""A folder of everything that is not a good image, and of good ones with bad names."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import socket
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from helpers.fits_files import (
    EMPTY_PRIMARY,
    card,
    extension,
    header,
    image_cards,
    primary,
    tile_table,
)
from helpers.made import galaxy

IMAGE = galaxy(64)

#: Names that other programs would read differently. Each is a good file.
NAMES = [
    b"\xff\xfe.fits",
    b"\xe2\x80\xae.fits",  # right to left from here
    b"\x1b[2J.fits",
    b"new\nline.fits",
    b"quote'\".fits",
    b"comma,semicolon;tab\t.fits",
    b"a.fits[1].fits",
    b"b.fits[10:20,10:20].fits",
    b"c.fits+1.fits",
    b"d(e).fits",
    b"mem:.fits",
    b"http:x.fits",
    b"shmem:1.fits",
    b"-.fits",
    b"--help.fits",
    b"-rf *.fits",
    b"$(touch pwned).fits",
    b"`touch pwned`.fits",
    b"%s%n.fits",
    b"~root.fits",
    b" .fits",
    b"..fits".replace(b"..", b"_.."),
    b"\\x.fits",
    b"UPPER.FITS",
    b"n" * 250 + b".fits",
    "é ü 🌌.fits".encode(),
    b"gzipped, though its name does not say so.fits",
    b"plain, though its name says gzip.fits.gz",
]


def good(folder: Path) -> dict[bytes, str]:
    """Write the good files; return their names with the OBJECT of each."""
    folder.mkdir(exist_ok=True)
    found = {}
    for number, name in enumerate(NAMES):
        content = primary(IMAGE, -32, ("OBJECT", f"G{number}"))
        if name.startswith(b"gzipped"):
            content = gzip.compress(content)
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:
            file.write(content)
        found[name] = f"G{number}"
    # What the names above would be taken for.
    (folder / "a.fits").write_bytes(primary(IMAGE, -32, ("OBJECT", "A")))
    return found | {b"a.fits": "A"}


def contents() -> dict[str, bytes]:
    """Return bad files by name."""
    plain = primary(IMAGE, -32)
    jpeg, png, npy = io.BytesIO(), io.BytesIO(), io.BytesIO()
    picture = Picture.fromarray((IMAGE / 3).astype(np.uint8))
    picture.save(jpeg, "jpeg")
    picture.save(png, "png")
    np.save(npy, np.array([{"a": 1}, None], object), allow_pickle=True)
    line = io.BytesIO()
    np.save(line, IMAGE[0])

    def axes(*sizes: int, bitpix: int = -32) -> bytes:
        cards: list[tuple[str, object]] = [("SIMPLE", True), ("BITPIX", bitpix)]
        cards += [("NAXIS", len(sizes)), *((f"NAXIS{i + 1}", n) for i, n in enumerate(sizes))]
        return header(cards)

    tiled = image_cards("HCOMPRESS_1", 16, (64, 64), (0, 64))
    return {
        "empty.fits": b"",
        "one byte.fits": b"S",
        "cut in the header.fits": plain[:1000],
        "cut in the data.fits": plain[:-5000],
        "cut.fits.gz": gzip.compress(plain)[:-2000],
        "cut.fits.bz2": bz2.compress(plain)[:-2000],
        "cut.jpg": jpeg.getvalue()[:200],
        "cut.png": png.getvalue()[:200],
        "cut.npy": b"\x93NUMPY\x01\x00",
        "text.fits": b"the observer forgot to remove the lid\n" * 200,
        "page.fits": b"<!DOCTYPE html><html><body>503 Service Unavailable</body></html>",
        "zeros.fits": bytes(28800),
        "noise.fits": np.random.default_rng(0).bytes(28800),
        "text.jpg": b"text" * 100,
        "elf.png": b"\x7fELF" + bytes(2000),
        "pickle.npy": npy.getvalue(),
        "line.npy": line.getvalue(),
        "all NaN.fits": primary(np.full((32, 32), np.nan), -32),
        "constant.fits": primary(np.full((32, 32), 7), 16),
        "one pixel.fits": primary(np.ones((1, 1)), 16),
        "no pixels.fits": axes(0, 64),
        "one axis.fits": primary(IMAGE[0], -32),
        "five planes.fits": primary(np.stack([IMAGE] * 5), -32),
        "huge.fits": axes(1 << 20, 1 << 20),
        "overflow.fits": axes(1 << 40, 1 << 40),
        "negative.fits": axes(-64, 64),
        "many axes.fits": axes(*[2] * 12),
        "wrong BITPIX.fits": axes(64, 64, bitpix=7) + bytes(28800),
        "SIMPLE is F.fits": plain.replace(card("SIMPLE", True), card("SIMPLE", False)),
        "no image.fits": EMPTY_PRIMARY,
        "table only.fits": EMPTY_PRIMARY
        + extension(np.zeros((4, 4)), 8).replace(b"'IMAGE   '", b"'BINTABLE'"),
        "tiles of no height.fits.fz": tile_table(tiled, [("COMPRESSED_DATA", "B", [b"\xdd\x99"])]),
        "bomb.fits.gz": gzip.compress(bytes(200 << 20), 1),
        "bomb.fits.bz2": bz2.compress(bytes(20 << 20)),
    }


def bad(folder: Path) -> set[str]:
    """Write bad files and what is none at all; return the names."""
    folder.mkdir(exist_ok=True)
    found = contents()
    for name, content in found.items():
        (folder / name).write_bytes(content)
    with open(folder / "sparse.fits", "wb") as file:
        file.truncate(1 << 40)
    return {*found, "sparse.fits"}


def special(folder: Path) -> set[str]:
    """Make things that are no files but have an image's name; return the names."""
    folder.mkdir(exist_ok=True)
    os.mkfifo(folder / "pipe.fits")
    os.mkfifo(folder / "pipe.png")
    # A socket's whole path may have 108 characters at most.
    here = os.getcwd()
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(folder)
        try:
            listener.bind("socket.fits")
        finally:
            os.chdir(here)
    (folder / "folder.fits").mkdir()
    (folder / "loop.fits").symlink_to("loop.fits")
    (folder / "ping.fits").symlink_to("pong.fits")
    (folder / "pong.fits").symlink_to("ping.fits")
    (folder / "dangling.fits").symlink_to("nothing")
    (folder / "device.fits").symlink_to("/dev/zero")
    names = set(os.listdir(folder))
    (folder / "round").symlink_to(".")  # a loop of folders
    (folder / "up").symlink_to("..")
    return names

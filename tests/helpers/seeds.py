"""Small files of every kind: seeds for the fuzzer and for the mutation test.

    PYTHONPATH=tests python -m helpers.seeds FOLDER

writes them to a folder.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np

from helpers.fits_files import (
    EMPTY_PRIMARY,
    card,
    extension,
    image_cards,
    primary,
    rice_encode,
    tile_table,
)

WCS = [
    ("CTYPE1", "RA---TAN"), ("CTYPE2", "DEC--TAN"), ("CRPIX1", 3.5), ("CRPIX2", 2.0),
    ("CRVAL1", 187.7), ("CRVAL2", 12.39), ("CD1_1", -1e-4), ("CD2_2", 1e-4),
    ("RADESYS", "ICRS"),
]  # fmt: skip


def seeds() -> dict[str, bytes]:
    """File name to content."""
    small = np.arange(35).reshape(5, 7)
    found = {
        f"plain{bitpix}": primary(small, bitpix, ("BSCALE", 0.5), ("BZERO", 3.0), ("BLANK", 4))
        for bitpix in (8, 16, 32, 64, -32, -64)
    }
    found["unsigned"] = primary(small, 64, ("BSCALE", 1), ("BZERO", 1 << 63))
    found["wcs"] = primary(small, -32, *WCS)
    sip = [("A_ORDER", 2), ("A_2_0", 1e-4), ("B_ORDER", "2"), ("B_1_1", 1e-4), ("PV1_3", 170.0)]
    axes = [("CTYPE1", "GLAT-TAN-SIP"), ("CTYPE2", "GLON-TAN-SIP"), ("PC001002", 0.1)]
    found["sip"] = primary(small, -32, *axes, *WCS[2:6], ("CDELT1", 1e-4), *sip)
    found["cube"] = primary(np.arange(70).reshape(2, 5, 7), 16)
    found["extensions"] = (
        EMPTY_PRIMARY + extension(np.arange(5), 16) + extension(small, -32, ("EXTNAME", "SCI"))
    )
    found["groups"] = primary(np.zeros((4, 0)), -32, ("GROUPS", True), ("PCOUNT", 2), ("GCOUNT", 3))
    text = primary(small, 16, ("LONG", "ab&"), ("FLOAT", 1.5e300))
    more = b"CONTINUE  'cd'".ljust(80) + b"HIERARCH ESO DET ID = 'x''y' / z".ljust(80)
    found["cards"] = text.replace(card("FLOAT", 1.5e300), card("FLOAT", 1.5e300) + more)[
        : len(text)
    ]
    found["plain.gz"] = gzip.compress(found["plain16"], 9, mtime=0)
    found["members.gz"] = b"".join(
        gzip.compress(found["extensions"][i : i + 2880], mtime=0)
        for i in range(0, len(found["extensions"]), 2880)
    )
    found.update(_tiled(small))
    return found


def _tiled(small: np.ndarray) -> dict[str, bytes]:
    rng = np.random.default_rng(1)
    noise = rng.integers(-3000, 3000, (5, 7))
    found = {}
    for bits in (8, 16, 32):
        extra = [
            ("ZNAME1", "BLOCKSIZE"),
            ("ZVAL1", 16),
            ("ZNAME2", "BYTEPIX"),
            ("ZVAL2", bits // 8),
        ]
        cards = image_cards("RICE_1", bits, (5, 7), (2, 7), *extra)
        values = noise % 256 if bits == 8 else noise
        tiles = [rice_encode(values[i : i + 2], bits, 16) for i in (0, 2, 4)]
        found[f"rice{bits}"] = tile_table(cards, [("COMPRESSED_DATA", "B", tiles)])
    scales = [("ZSCALE", "D", [0.5] * 5), ("ZZERO", "D", [1.0] * 5), ("ZBLANK", "J", [-3000] * 5)]
    for dither in ("NO_DITHER", "SUBTRACTIVE_DITHER_1", "SUBTRACTIVE_DITHER_2"):
        cards = image_cards(
            "RICE_1", -32, (5, 7), (1, 7), ("ZQUANTIZ", dither), ("ZDITHER0", 17), ("BSCALE", 2.0)
        )
        tiles = [rice_encode(row, 32) for row in noise]
        found[dither] = tile_table(cards, [("COMPRESSED_DATA", "B", tiles), *scales])
    for codec in ("GZIP_1", "GZIP_2"):
        rows = [row.astype(">f8").tobytes() for row in small]
        if codec == "GZIP_2":
            rows = [np.frombuffer(r, "u1").reshape(-1, 8).T.tobytes() for r in rows]
        packed = [gzip.compress(row, mtime=0) for row in rows]
        cards = image_cards(codec, -64, (5, 7), (1, 7))
        found[codec] = tile_table(cards, [("COMPRESSED_DATA", "B", packed)], wide=True, gap=9)
    raw = [row.astype(">f4").tobytes() for row in small]
    empty = [b""] * 5
    cards = image_cards("RICE_1", -32, (5, 7), (1, 7))
    columns = [("COMPRESSED_DATA", "B", empty), ("UNCOMPRESSED_DATA", "E", raw), *scales[:2]]
    found["uncompressed"] = tile_table(cards, columns)
    cube = rng.integers(0, 99, (3, 4, 5))
    tiles = [rice_encode(cube[:, i : i + 2], 32) for i in (0, 2)]
    cards = image_cards("RICE_1", 32, (3, 4, 5), (3, 2, 5))
    found["tiled cube"] = tile_table(cards, [("COMPRESSED_DATA", "B", tiles)])
    return found


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in seeds().items():
        (folder / name.replace(" ", "_")).write_bytes(content)

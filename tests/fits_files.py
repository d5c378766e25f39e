"""FITS files for the tests, built card by card so that no library smooths them."""

from __future__ import annotations

import numpy as np

BLOCK = 2880

BIG_ENDIAN = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


def card(keyword: str, value: object) -> bytes:
    """One fixed-format card."""
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        escaped = value.replace("'", "''")
        text = f"'{escaped:<8}'"
    else:
        text = f"{value!r:>20}" if isinstance(value, float) else f"{value:>20}"
    return f"{keyword:<8}= {text}".ljust(80).encode("ascii")[:80]


def header(cards: list[tuple[str, object]], *, end: bool = True) -> bytes:
    """Cards, END and padding."""
    text = b"".join(card(k, v) for k, v in cards) + (b"END".ljust(80) if end else b"")
    return text.ljust(-(-len(text) // BLOCK) * BLOCK, b" ")


def padded(data: bytes) -> bytes:
    """Data filled up with zeros to whole blocks."""
    return data.ljust(-(-len(data) // BLOCK) * BLOCK, b"\0")


def primary(data: np.ndarray, bitpix: int, *extra: tuple[str, object]) -> bytes:
    """A primary HDU of stored values."""
    axes = [(f"NAXIS{i + 1}", n) for i, n in enumerate(reversed(data.shape))]
    cards = [("SIMPLE", True), ("BITPIX", bitpix), ("NAXIS", data.ndim), *axes, *extra]
    return header(cards) + padded(data.astype(BIG_ENDIAN[bitpix]).tobytes())


def extension(data: np.ndarray, bitpix: int, *extra: tuple[str, object]) -> bytes:
    """An IMAGE extension of stored values."""
    axes = [(f"NAXIS{i + 1}", n) for i, n in enumerate(reversed(data.shape))]
    cards = [("XTENSION", "IMAGE"), ("BITPIX", bitpix), ("NAXIS", data.ndim), *axes]
    cards += [("PCOUNT", 0), ("GCOUNT", 1), *extra]
    return header(cards) + padded(data.astype(BIG_ENDIAN[bitpix]).tobytes())


EMPTY_PRIMARY = header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)])


def stored(bitpix: int, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Random stored values over the whole range of the type, edges included."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(BIG_ENDIAN[bitpix]).newbyteorder("=")
    if bitpix > 0:
        info = np.iinfo(kind)
        values = rng.integers(info.min, info.max, size=shape, dtype=kind, endpoint=True)
        values.flat[0] = info.min
        values.flat[-1] = info.max
        return values
    values = (rng.normal(size=shape) * 10 ** rng.uniform(-5, 5, size=shape)).astype(kind)
    flat = values.reshape(-1)
    for i, special in enumerate((np.nan, np.inf, -np.inf, -0.0)):
        if flat.size > 2 * i:
            flat[2 * i] = special
    return values

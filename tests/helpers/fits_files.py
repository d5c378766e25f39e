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


def tile_table(
    cards: list[tuple[str, object]],
    columns: list[tuple[str, str, list[object]]],
    *,
    wide: bool = False,
    gap: int = 0,
) -> bytes:
    """An empty primary HDU and a table of compressed tiles.

    A column is (TTYPE, TFORM letter, values); one of bytes goes to the heap,
    its letter being that of the elements. `wide` asks for Q descriptors, `gap`
    puts so many bytes between the table and its heap.
    """
    rows = len(columns[0][2])
    heap, table = b"", [b""] * rows
    forms = []
    for name, letter, values in columns:
        if isinstance(values[0], bytes):
            size = np.dtype(
                {"B": "u1", "I": "i2", "J": "i4", "K": "i8", "E": "f4", "D": "f8"}[letter]
            ).itemsize
            for i, value in enumerate(values):
                assert isinstance(value, bytes)
                pair = np.array([len(value) // size, len(heap)], ">i8" if wide else ">i4")
                table[i] += pair.tobytes()
                heap += value
            forms.append((name, f"1{'Q' if wide else 'P'}{letter}({rows})"))
        else:
            kind = {"B": ">u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}[letter]
            for i, value in enumerate(values):
                table[i] += np.array(value, kind).tobytes()
            forms.append((name, f"1{letter}"))
    data = b"".join(table) + b"\xff" * gap + heap
    width = len(table[0])
    head: list[tuple[str, object]] = [
        ("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", width),
        ("NAXIS2", rows), ("PCOUNT", len(data) - width * rows), ("GCOUNT", 1),
        ("TFIELDS", len(columns)), ("ZIMAGE", True),
    ]  # fmt: skip
    if gap:
        head.append(("THEAP", width * rows + gap))
    for i, (name, form) in enumerate(forms, 1):
        head += [(f"TTYPE{i}", name), (f"TFORM{i}", form)]
    return EMPTY_PRIMARY + header(head + cards) + padded(data)


def image_cards(
    codec: str,
    bitpix: int,
    shape: tuple[int, ...],
    tile: tuple[int, ...],
    *extra: tuple[str, object],
) -> list[tuple[str, object]]:
    """The Z keywords of an image of this shape, C order."""
    cards: list[tuple[str, object]] = [
        ("ZCMPTYPE", codec), ("ZBITPIX", bitpix), ("ZNAXIS", len(shape)),
    ]  # fmt: skip
    for i, (length, side) in enumerate(zip(reversed(shape), reversed(tile), strict=True), 1):
        cards += [(f"ZNAXIS{i}", length), (f"ZTILE{i}", side)]
    return cards + list(extra)


def rice_encode(values: np.ndarray, bits: int, block: int = 32, force: int | None = None) -> bytes:
    """RICE_1, written from the standard; `force` sets the parameter of each block."""
    width, raw = {8: (3, 6), 16: (4, 14), 32: (5, 25)}[bits]
    mask = (1 << bits) - 1
    stream = f"{int(values.flat[0]) & mask:0{bits}b}"
    last = int(values.flat[0])
    flat = [int(v) for v in values.reshape(-1)]
    for start in range(0, len(flat), block):
        mapped = []
        for value in flat[start : start + block]:
            # Differences wrap in the width of the pixels.
            difference = (value - last + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))
            mapped.append(2 * difference if difference >= 0 else -2 * difference - 1)
            last = value
        best = min(range(raw), key=lambda fs: sum((m >> fs) + 1 + fs for m in mapped))
        cost = sum((m >> best) + 1 + best for m in mapped)
        fs = force if force is not None else raw if cost >= bits * len(mapped) else best
        if force is None and not any(mapped):
            fs = -1
        stream += f"{fs + 1:0{width}b}"
        if fs < 0:
            continue
        for m in mapped:
            if fs == raw:
                stream += f"{m & mask:0{bits}b}"
            else:
                stream += "0" * (m >> fs) + "1" + (f"{m & ((1 << fs) - 1):0{fs}b}" if fs else "")
    stream += "0" * (-len(stream) % 8)
    return int(stream, 2).to_bytes(len(stream) // 8, "big")

"""Files that are wrong in every way we could think of.

    PYTHONPATH=tests python -m helpers.faults [COUNT] [SEED] [--pure]

reads COUNT random mutants and all structured ones, with --pure by the stand-in
for the compiled core, and prints what came of them. Whatever happens, only a
GaledgeError may come out, soon, and for little memory.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np

from galedge.core import fallback as _fallback
from galedge.errors import GaledgeError
from galedge.images.image import describe, read
from helpers.seeds import seeds

EXTREMES = (0, -1, 1, 2**31 - 1, 2**31, 2**63 - 1)
INTEGER_CARD = re.compile(rb"([A-Z0-9]{1,8}) *= +(-?\d+) *")

#: Modules that read by `_core`; a test may put the stand-in there.
READERS = [import_module(f"galedge.images.{name}") for name in ("formats", "header", "prepare")]

#: What reading one mutant may take.
MOST_SECONDS = 2.0
MOST_BYTES = 64 << 20
if "asan" in os.environ.get("LD_PRELOAD", ""):  # it keeps freed memory for a while
    MOST_BYTES += 1 << 30


def structured() -> Iterator[tuple[str, bytes]]:
    """Every integer of every header, every word of every table, every cut."""
    for name, content in seeds().items():
        if name.endswith(".gz"):
            for cut in range(0, len(content), 7):
                yield f"{name} cut at {cut}", content[:cut]
            continue
        yield from _extreme_cards(name, content)
        yield from _extreme_words(name, content)
        for cut in range(0, len(content), 2880):
            for more in (0, 1, 2879):
                yield f"{name} cut at {cut + more}", content[: cut + more]


def _extreme_cards(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    for start in range(0, len(content), 80):
        match = INTEGER_CARD.match(content[start : start + 80])
        if match is None:
            continue
        for value in (*EXTREMES, 999):
            card = match[1].ljust(8) + b"= " + str(value).rjust(20).encode()
            changed = content[:start] + card.ljust(80) + content[start + 80 :]
            yield f"{name}: {match[1].decode()} = {value}", changed


def _extreme_words(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Table rows (descriptors, scales) and the heads of the coded tiles."""
    if b"ZIMAGE" not in content:
        return
    data = content.index(b"END" + b" " * 77, 2880)
    data += 2880 - data % 2880
    for start in range(data, min(data + 400, len(content)), 4):
        for value in EXTREMES:
            word = (value & (2**64 - 1)).to_bytes(8, "big")
            for size in (4, 8):
                changed = content[:start] + word[8 - size :] + content[start + size :]
                yield f"{name}: {size} bytes at {start} = {value}", changed


def mutants(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Random damage, several sorts of it to a file."""
    rng = np.random.default_rng(seed)
    files = list(seeds().items())
    for number in range(count):
        name, content = files[int(rng.integers(len(files)))]
        damaged = bytearray(content)
        for _ in range(int(rng.integers(1, 6))):
            _damage(damaged, rng)
        yield f"mutant {number} of {name}", bytes(damaged)


def _damage(data: bytearray, rng: np.random.Generator) -> None:
    if len(data) < 160:
        return
    at = int(rng.integers(len(data)))
    match int(rng.integers(7)):
        case 0:
            data[at] = int(rng.integers(256))
        case 1:
            data[at] ^= 1 << int(rng.integers(8))
        case 2:
            value = EXTREMES[int(rng.integers(len(EXTREMES)))] & (2**32 - 1)
            data[at : at + 4] = value.to_bytes(4, "big")
        case 3:  # one card in another's place
            other = int(rng.integers(len(data) // 80)) * 80
            at = at // 80 * 80
            data[at : at + 80] = data[other : other + 80]
        case 4:
            del data[at:]
        case 5:
            del data[at : at + int(rng.integers(1, 3000))]
        case 6:  # a digit of some number
            digits = [i for i in range(at, min(at + 400, len(data))) if 48 <= data[i] <= 57]
            if digits:
                data[digits[int(rng.integers(len(digits)))]] = int(rng.integers(48, 58))


def attempt(content: bytes) -> str:
    """Read everything in a file and say how it went."""
    try:
        facts = describe(content)
        outcome = "described"
        for hdu in facts[:4]:
            if len(hdu.shape) < 2 or 0 in hdu.shape:
                continue
            read(content, hdu.index)
            outcome = "read"
            read(content, hdu.index, window=(hdu.shape[-1] // 2, hdu.shape[-2] - 1, 1, 1))
        read(content)
    except GaledgeError as error:
        return type(error).__name__
    return outcome


def reset_peak() -> int:
    """Forget the peak of this process's memory; return what it holds now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak() -> int:
    """Return the most memory this process has held since `reset_peak`."""
    return _status("VmHWM")


def _status(field: str) -> int:
    match = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert match is not None
    return int(match[1]) * 1024


def main() -> None:
    """Run them all and print the figures as JSON."""
    numbers = [int(argument) for argument in sys.argv[1:] if argument != "--pure"]
    count, seed = [*numbers, *(20_000, 0)[len(numbers) :]]
    if "--pure" in sys.argv:
        for module in READERS:
            module._core = _fallback
    outcomes: Counter[str] = Counter()
    slowest, before = (0.0, ""), reset_peak()
    for source in (structured(), mutants(count, seed)):
        for name, content in source:
            start = time.perf_counter()
            try:
                outcomes[attempt(content)] += 1
            except BaseException:
                print(f"unexpected, from {name}", file=sys.stderr)
                raise
            slowest = max(slowest, (time.perf_counter() - start, name))
    figures = {
        "files": sum(outcomes.values()),
        "outcomes": dict(outcomes.most_common()),
        "slowest_seconds": round(slowest[0], 4),
        "slowest": slowest[1],
        "memory_growth_mib": round((peak() - before) / 2**20, 1),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

"""The same to the bit, and what astropy reads."""

from __future__ import annotations

import functools
import io
import platform
import warnings
from typing import Any
from unittest import mock

import numpy as np
from astropy.io import fits as astropy_fits
from astropy.io.fits.hdu.compressed._quantization import Quantize

# Elsewhere compilers multiply and add in one step, of one rounding, unless they are told not to.
X86 = platform.machine() in ("x86_64", "AMD64")
decoded_by_astropy = Quantize.decode_quantized


@functools.cache
def randoms() -> np.ndarray:
    """Park and Miller's numbers, as FITS 4.0 lists them in appendix I."""
    seeds = [1]
    for _ in range(10_000):
        seeds.append(16807 * seeds[-1] % 2147483647)
    return (np.array(seeds[1:]) / 2147483647).astype(np.float32)


def dither(pixels: int, row: int) -> np.ndarray:
    """The numbers of one tile: each stretch of the list starts where its own number says."""
    stretch = (row - 1) % 10_000
    runs = [np.empty(0, np.float32)]
    while (missing := pixels - sum(map(len, runs))) > 0:
        runs.append(randoms()[int(randoms()[stretch] * np.float32(500)) :][:missing])
        stretch = (stretch + 1) % 10_000
    return np.concatenate(runs)


def dequantized(self: Any, buf: Any, scale: float, zero: float) -> Any:
    """(integer - dither + 0.5) scale + zero of FITS 4.0, section 10.2, each step a double.

    Astropy's C does it in one step less on ARM: other bits, next to a large `zero`. So it is
    followed to the rounding of `zero`, and to the bit on x86-64.
    """
    theirs = decoded_by_astropy(self, buf, scale, zero)
    if self.dither_method == -1:
        return theirs  # by NumPy, in two steps
    stored = np.asarray(buf).ravel()
    exact = (stored.astype(np.float64) - dither(stored.size, self.row) + 0.5) * scale + zero
    if self.dither_method == 2:
        exact[stored == -2147483646] = 0
    exact = exact.astype({-32: np.float32, -64: np.float64}[self.bitpix])
    if X86:
        np.testing.assert_array_equal(exact, theirs)
    eps = np.finfo(exact.dtype).eps
    np.testing.assert_allclose(exact, theirs, rtol=eps, atol=np.spacing(np.abs(zero)))
    return exact


def by_astropy(content: bytes, dtype: str, hdu: int = 0) -> np.ndarray:
    with warnings.catch_warnings(), mock.patch.object(Quantize, "decode_quantized", dequantized):
        warnings.simplefilter("ignore")
        with astropy_fits.open(io.BytesIO(content)) as hdus, np.errstate(over="ignore"):
            return hdus[hdu].data.astype(dtype)


def bits(values: np.ndarray) -> np.ndarray:
    """The bits, but one NaN like another: which of them is nobody's promise."""
    kind = np.uint32 if values.dtype == np.float32 else np.uint64
    return np.where(np.isnan(values), kind(0x7FC00000), values.view(kind))


def assert_same(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.dtype == theirs.dtype
    assert ours.flags.c_contiguous
    assert ours.dtype.isnative
    np.testing.assert_array_equal(bits(ours), bits(theirs.reshape(ours.shape)))

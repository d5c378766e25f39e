"""The same to the bit, and what astropy reads."""

from __future__ import annotations

import io
import warnings

import numpy as np
from astropy.io import fits as astropy_fits


def by_astropy(content: bytes, dtype: str, hdu: int = 0) -> np.ndarray:
    with warnings.catch_warnings():
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

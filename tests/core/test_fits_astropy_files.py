"""The odd and broken files that come with astropy."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits as astropy_fits
from helpers import faults
from helpers.exact import assert_same

from galedge.core import _core, fallback
from galedge.errors import ReadError
from galedge.images.image import describe, read

FOLDER = Path(astropy_fits.__file__).parent / "tests" / "data"
FILES = sorted(path for path in FOLDER.rglob("*") if path.suffix in (".fits", ".Z"))

# Compressed by compress(1), which neither reads by itself.
REFUSED = {"lzw.fits.Z"}


@pytest.fixture(autouse=True, params=["core", "pure"])
def backend(request, monkeypatch):
    """Read by the compiled core, or by what stands in for it."""
    for module in faults.READERS:
        monkeypatch.setattr(module, "_core", _core if request.param == "core" else fallback)


def images(path: Path) -> dict[int, np.ndarray]:
    with warnings.catch_warnings(), astropy_fits.open(path) as hdus:
        warnings.simplefilter("ignore")
        return {
            number: hdu.data.astype(np.float32)
            for number, hdu in enumerate(hdus)
            if hdu.is_image and len(hdu.shape) >= 2 and hdu.data is not None and hdu.data.size
        }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_image_agrees(path):
    if path.name in REFUSED:
        with pytest.raises(ReadError):
            read(path)
        return
    expected = images(path)
    for number, data in expected.items():
        assert_same(read(path, number).data, data)
    if expected:
        assert read(path).hdu == min(expected)
    else:
        with pytest.raises(ReadError, match=r"no image in the file|not conform|not a FITS"):
            read(path)


def test_there_were_images():
    with_images = [path for path in FILES if path.name not in REFUSED and images(path)]
    assert len(with_images) >= 10
    assert all(describe(path) for path in with_images)
